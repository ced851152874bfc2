"""The verdict on recordings of chaos, its bound, and the recorder around pytest."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cloche
from cloche.chaos import judge as judge_chaos
from cloche.chaos import record as record_chaos
from cloche.chaos.judge import judge, lower_bound, needed_tests

NONE: dict[str, int | None] = {"safe": None, "notReached": None, "notRun": None, "fragile": None, "unasserted": None}
PLAIN = {"tests": [{"test": "t::a", "outcome": "passed", "message": ""}]}
FAULT = {"call": "1", "operation": "open", "type": "filesystem", "fault": "EIO", "at": "a.py:1"}


def entry(test: str, outcome: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a test of a recording; a fault fired in it unless it was not reached."""
    fired = [] if outcome in {"not reached", "safe", "skipped"} else [FAULT]
    return {
        "test": test,
        "marker": None,
        "fired": fired,
        "outcome": outcome,
        "unasserted": False,
        "message": "",
        "replay": f"pytest {test}",
        **more,
    }


def recording(seed: int, *tests: dict[str, Any]) -> dict[str, Any]:
    """Return the recording of one seed."""
    return {"settings": {"seed": seed}, "tests": list(tests)}


def of_one_suite(*recordings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the recordings; tests that are given with one seed are not reached with the others."""
    everything = {each["test"]: each for one in recordings for each in one["tests"]}
    for one in recordings:
        here = {each["test"] for each in one["tests"]}
        lost = {name: each for name, each in everything.items() if name not in here}
        one["tests"] += [entry(name, "not reached", marker=each["marker"]) for name, each in lost.items()]
    return list(recordings)


def problems(
    *recordings: dict[str, Any], floor: float = 0.9, plain: dict[str, Any] = PLAIN, most: dict[str, int] | None = None
) -> list[str]:
    """Return what is wrong."""
    return judge(of_one_suite(*recordings), plain, floor, {**NONE, **(most or {})})[1]


def survivors(count: int) -> dict[str, Any]:
    return recording(1, *(entry(f"t{number}", "survived") for number in range(count)))


def test_floor_is_for_the_bound_and_not_for_the_share() -> None:
    assert problems(survivors(29)) == []
    assert problems(survivors(28)) == [
        "survival is at least 89.9%, less than the floor of 90.0% (cloche.chaos.floor): all 28 pairs survived, but 28 tests can show no more; 29 are needed"
    ]
    # More seeds of the same tests show no more.
    assert problems(*[survivors(28)] * 10) == [
        "survival is at least 89.9%, less than the floor of 90.0% (cloche.chaos.floor): all 280 pairs survived, but 28 tests can show no more; 29 are needed"
    ]
    assert needed_tests(0.9) == 29


@pytest.mark.parametrize(
    ("recordings", "most", "expected"),
    [
        ([recording(1, entry("a", "not reached"))], {}, "no fault fired, so nothing was shown: the tests make no call that cloche.chaos.types can reach below\ncloche.chaos.packages, or cloche.chaos.rate is too low for so few calls"),
        ([recording(1, entry("a", "failed", marker="fragile"))], {}, "faults fired in expected-fragile tests only, so nothing was shown about survival"),
        ([survivors(40), recording(2, entry("b", "failed", fired=[], message="boom"))], {}, "1 times a test failed although no fault had fired in it; see above"),
        ([survivors(40), recording(2, entry("s", "safe", marker="safe"))], {"safe": 0}, "1 tests are marked chaos_safe, never under chaos, more than the 0 of cloche.chaos.maximum.safe: s"),
        ([survivors(40), recording(2, entry("f", "failed", marker="fragile"))], {"fragile": 0}, "1 tests are marked chaos_fragile, expected not to survive, more than the 0 of cloche.chaos.maximum.fragile: f"),
        ([survivors(40), recording(2, *(entry(f"n{n}", "not reached") for n in range(7)))], {"notReached": 6}, "7 tests were not reached by a fault with any seed, more than the 6 of cloche.chaos.maximum.notReached: n0, n1, n2, n3, n4 and 2 more"),
        ([survivors(40), recording(2, entry("u", "survived", unasserted=True))], {"unasserted": 0}, "1 tests survived without an assertion after the last fault, more than the 0 of cloche.chaos.maximum.unasserted: u"),
    ],
)  # fmt: skip
def test_what_fails_the_check(recordings: list[dict[str, Any]], most: dict[str, int], expected: str) -> None:
    assert problems(*recordings, most=most) == [expected]
    # With one more, it is allowed.
    if most:
        assert problems(*recordings, most={name: number + 1 for name, number in most.items()}) == []


def test_seeds_are_of_one_suite() -> None:
    few = recording(2, *(entry(f"t{number}", "survived") for number in range(33)))
    _, wrong, _ = judge([survivors(40), few], PLAIN, 0.9, NONE)
    words = "with seed 2 there are 7 tests fewer than with the others, so the seeds are not of one suite; what pytest collects must not "
    assert wrong == [f"{words}depend on the run: t33, t34, t35, t36, t37 and 2 more"]


def test_what_is_never_run_under_chaos_is_counted() -> None:
    names = ["a.t::left_out", "a.t::skipped", "a.t::ran", "a.t::skips_anyway"]
    plain = {"tests": [{"test": name, "outcome": "skipped" if "anyway" in name else "passed"} for name in names]}
    more = [
        entry("a/t.py::skipped", "skipped"),
        entry("a/t.py::skips_anyway", "skipped"),
        entry("a/t.py::ran", "survived"),
    ]
    seed = recording(1, *survivors(40)["tests"], *more)
    assert judge([seed], plain, 0.9, NONE)[0]["notRun"] == ["a.t::left_out", "a.t::skipped"]
    assert problems(seed, plain=plain, most={"notRun": 2}) == []
    assert problems(seed, plain=plain, most={"notRun": 1}) == [
        "2 tests pass without chaos and were not run under it with any seed, more than the 1 of cloche.chaos.maximum.notRun: a.t::left_out, a.t::skipped"
    ]


def test_failures_without_chaos_fail_the_check() -> None:
    plain = {
        "tests": [
            {"test": "t::a", "outcome": "failed", "message": "x"},
            {"test": "t::b", "outcome": "error", "message": "x"},
            {"test": "t::c", "outcome": "flaky", "message": "x"},
        ]
    }
    assert problems(survivors(40), plain=plain) == [
        "3 tests fail without chaos, so their failures say nothing about it: t::a, t::b, t::c"
    ]


def test_reached_with_one_seed_is_reached() -> None:
    verdict, _, _ = judge(
        [survivors(30), recording(2, entry("t0", "not reached"), entry("z", "skipped"))], PLAIN, 0.9, NONE
    )
    assert (verdict["pairs"], verdict["survived"], verdict["tests"], verdict["notReached"]) == (30, 30, 30, [])


@pytest.mark.parametrize("outcome", ["skipped", "xfailed"])
def test_a_test_that_gives_up_after_a_fault_has_not_survived(outcome: str) -> None:
    gave_up = recording(2, *(entry(f"d/t.py::T::b[{n}]", outcome, fired=[FAULT], message="no disk") for n in range(2)))
    plain = {"tests": [{"test": "d.t.T::b[0]", "outcome": "passed"}, {"test": "d.t.T::b[1]", "outcome": outcome}]}
    verdict, wrong, facts = judge(of_one_suite(survivors(30), gave_up), plain, 0.9, NONE)
    assert (verdict["pairs"], verdict["survived"], len(wrong)) == (31, 30, 1)
    assert facts.failures == [
        f"{outcome} d/t.py::T::b[0] (seed 2): no disk\n    open EIO at a.py:1\n    replay: pytest d/t.py::T::b[0]"
    ]


def test_hung_is_failed() -> None:
    verdict, wrong, facts = judge(of_one_suite(survivors(30), recording(2, entry("t0", "hung"))), PLAIN, 0.9, NONE)
    assert (verdict["pairs"], verdict["survived"]) == (31, 30)
    assert len(wrong) == 1
    assert wrong[0].startswith("survival is at least 8")
    assert facts.failures == ["hung t0 (seed 2): \n    open EIO at a.py:1\n    replay: pytest t0"]


def test_bound_is_clopper_and_pearsons_for_single_trials() -> None:
    """R: binom.test(45, 50, alternative = "greater")$conf.int is 0.8011; the design effect is (k / (k - 1)), the t factor 1."""
    assert lower_bound([(1, 1)] * 45 + [(0, 1)] * 5) == pytest.approx(0.8011, abs=0.002)
    assert lower_bound([(0, 3)]) == 0
    assert lower_bound([(5, 5)]) == pytest.approx(0.05)


def test_bound_falls_with_failures_and_with_clusters() -> None:
    bounds = [lower_bound([(5, 5)] * (40 - bad) + [(4, 5)] * bad) for bad in range(20)]
    assert bounds == sorted(bounds, reverse=True)
    together, apart = [(0, 10)] * 2 + [(10, 10)] * 38, [(9, 10)] * 20 + [(10, 10)] * 20
    assert lower_bound(together) < lower_bound(apart)


def test_bound_holds_where_tests_differ() -> None:
    """In 2,000 samples of 40 tests with 5 seeds, whose own survival varies, 95 % of the bounds are below the truth."""
    random = np.random.default_rng(1)
    for first, second in ((18.0, 2.0), (4.5, 0.5), (90.0, 10.0)):
        good = 0
        for _ in range(2000):
            survived = random.binomial(5, random.beta(first, second, 40))
            good += lower_bound([(int(each), 5) for each in survived]) <= 0.9
        assert good / 2000 >= 0.94, (first, good)


def test_main_writes_a_verdict_or_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/outcomes.json").write_text(json.dumps(PLAIN))
    for name, bad in (("good", 0), ("bad", 20)):
        (tmp_path / name).mkdir()
        tests = [entry(f"t{number}", "failed" if number < bad else "survived", message="boom") for number in range(40)]
        (tmp_path / name / "chaos.json").write_text(
            json.dumps(recording(3, *tests, entry("f", "failed", marker="fragile", message="known")))
        )
        attributes = {
            "recordings": [str(tmp_path / name)],
            "results": str(tmp_path / "plain"),
            "floor": 0.9,
            "most": NONE,
            "outputs": {"out": str(tmp_path / f"out-{name}")},
        }
        if not bad:
            judge_chaos.main(attributes)
            said = capsys.readouterr()
            assert said.out == (
                "expected: failed f (seed 3): known\nfilesystem: 40 of 40 (test, seed) pairs survived\n"
                "survival 40/40 = 100.0%, at least 92.8% (95 %, clustered by 40 tests); 41 faults with 1 seeds\n"
                "0 tests are marked chaos_safe, never under chaos; 0 tests were not reached by a fault with any seed; "
                "1 tests pass without chaos and were not run under it with any seed; "
                "1 tests are marked chaos_fragile, expected not to survive; 0 tests survived without an assertion after the last fault\n"
            )
            verdict = json.loads((tmp_path / "out-good/verdict.json").read_text())
            assert (verdict["version"], verdict["survival"], verdict["by_type"]) == (
                1,
                1.0,
                {"filesystem": {"lower95": pytest.approx(0.05 ** (1 / 40)), "pairs": 40, "survived": 40}},
            )
        else:
            with pytest.raises(SystemExit) as ended:
                judge_chaos.main(attributes)
            assert str(ended.value).startswith("survival is at least 3")
            assert str(ended.value).endswith(f"the whole record is in {tmp_path}/bad")
            assert (
                "failed t0 (seed 3): boom\n    open EIO at a.py:1\n    replay: pytest t0\n" in capsys.readouterr().err
            )


# -- the recorder


def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suite: str, **more: Any) -> Path:  # noqa: ANN401
    """Record a suite by pytest itself, as the derivation does."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/test_x.py").write_text(suite)
    (tmp_path / "top").mkdir()
    (tmp_path / "environment/bin").mkdir(parents=True)
    # Not a link: Python finds its library by its own place.
    (tmp_path / "environment/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "environment/bin/python").chmod(0o755)
    monkeypatch.setenv("NIX_BUILD_TOP", str(tmp_path / "top"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    attributes = {
        "outputs": {"out": str(tmp_path / "out"), "log": str(tmp_path / "log")},
        "source": str(tmp_path / "source"),
        "environment": str(tmp_path / "environment"),
        "chaos": str(Path(cloche.__file__).parents[1]),
        "preload": [],
        "programs": [],
        "variables": {},
        "arguments": [],
        "seed": 1,
        "rate": 1.0,
        "types": ["filesystem"],
        "only": [],
        "deadline": 20,
    }
    record_chaos.main(attributes | more)
    return tmp_path / "out"


DIES = """
import os, signal
def test_a(tmp_path):
    try: (tmp_path / "x").write_text("x")
    except OSError: os.kill(os.getpid(), signal.SIGKILL)
def test_b(tmp_path):
    try: (tmp_path / "x").write_text("x")
    except OSError: pass
    assert True
"""


def test_what_a_killed_process_did_is_recorded_and_the_rest_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = record(tmp_path, monkeypatch, DIES)
    data = json.loads((out / "chaos.json").read_text())
    assert data["counts"] == {"hung": 1, "survived": 1}
    assert data["settings"] == {"native": False, "only": [], "rate": 1.0, "seed": 1, "types": ["filesystem"]}
    assert sorted(json.loads((tmp_path / "log/durations.json").read_text())) == [
        "test_x.py::test_a",
        "test_x.py::test_b",
    ]
    assert (tmp_path / "log/record").readlink() == out
    assert "duration" not in (out / "chaos.json").read_text()
    assert (
        "pytest was killed by signal 9 in test_x.py::test_a after open failed; it goes on without that test"
        in capsys.readouterr().out
    )


def test_all_tests_are_run_also_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails = "def test_{}(tmp_path): (tmp_path / 'x').write_text('x')\n"
    out = record(tmp_path, monkeypatch, fails.format("a") + fails.format("b"), arguments=["-x"])
    assert json.loads((out / "chaos.json").read_text())["counts"] == {"failed": 2}


SWALLOWS = """
import time
def test_a(tmp_path):
    try: (tmp_path / "x").write_text("x")
    except OSError:
        try: time.sleep(60)
        except BaseException: pass
    assert True
"""


def test_a_test_that_swallows_its_deadline_is_hung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = record(tmp_path, monkeypatch, SWALLOWS, deadline=1)
    (test,) = json.loads((out / "chaos.json").read_text())["tests"]
    assert (test["outcome"], test["message"]) == ("hung", "hung: it went on after its deadline (--chaos-deadline)")


HOLDS = """
import ctypes
def test_a(tmp_path):
    try: (tmp_path / "x").write_text("x")
    except OSError: ctypes.PyDLL(None).sleep(600)
"""


def test_compiled_code_that_holds_the_interpreter_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread of the process itself could end it."""
    monkeypatch.setattr(record_chaos, "GRACE", 1.0)
    out = record(tmp_path, monkeypatch, HOLDS, deadline=2)
    assert json.loads((out / "chaos.json").read_text())["counts"] == {"hung": 1}


@pytest.mark.parametrize(
    ("suite", "more", "words"),
    [
        ("def test(): import os; os._exit(9)", {}, "pytest ended with 9 in test_x.py::test, in which no fault had fired: that is no outcome under chaos, so nothing is recorded."),
        ("import time\ndef test(): time.sleep(60)", {"deadline": 1}, "test_x.py::test was not at its end at the deadline, and no fault had fired; nothing is recorded."),
        ("def test(): raise OSError(28, 'No space left on device')", {}, "the machine lacked space or memory, so nothing is recorded:\n  test_x.py::test: OSError: [Errno 28] No space left on device"),
        ("", {}, "pytest collected no test"),
        ("def test(): pass", {"arguments": ["--no-such-option"]}, "pytest was used wrongly"),
    ],
)  # fmt: skip
def test_what_is_no_outcome_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suite: str, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(SystemExit, match=re.escape(words)):
        record(tmp_path, monkeypatch, suite, **more)
    assert not (tmp_path / "out").exists()


def test_plugin_and_recorder_need_no_library() -> None:
    """The derivation brings these modules to an environment that has pytest, and maybe nothing else."""
    script = "import sys; import cloche.chaos.session, cloche.chaos.record; print([name for name in ('stamina', 'pybreaker', 'numpy', 'scipy', 'sqlalchemy') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env={**os.environ}
    )
    assert done.stdout == "[]\n"
