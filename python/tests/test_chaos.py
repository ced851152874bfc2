"""The pytest plugin of chaos, by runs of pytest on suites that must fail and suites that must survive."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaos_controls import SUITE
from cloche.chaos.stream import draw
from repeating import REPEATING


@dataclass(frozen=True)
class Ran:
    """How a run of pytest ended: its code, its words, its report by test, and the report's bytes."""

    code: int
    words: str
    tests: dict[str, dict[str, Any]]
    document: str


Chaos = Callable[..., Ran]


@pytest.fixture
def chaos(tmp_path: Path) -> Chaos:
    """Return a function that writes a suite and runs it in a process of its own, as a user does."""

    def run(suite: str, *arguments: str, variables: dict[str, str] | None = None, on: bool = True) -> Ran:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        (folder / "test_it.py").write_text(suite)
        (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
        report = tmp_path / "report.json"
        # Plugins that happen to be installed here are no part of this.
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200", **(variables or {})}
        done = subprocess.run(
            [
                *[sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "cloche.chaos.plugin"],
                *(["--chaos", f"--chaos-report={report}"] if on else []),
                *arguments,
            ],
            cwd=folder,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=3600,
        )
        document = report.read_text() if report.exists() else ""
        report.unlink(missing_ok=True)
        tests = {
            entry["test"].removeprefix("test_it.py::"): entry
            for entry in json.loads(document or '{"tests": []}')["tests"]
        }
        return Ran(done.returncode, done.stdout + done.stderr, tests, document)

    return run


@pytest.mark.parametrize("kind", ["network", "timeout", "resource", "database", "filesystem", "random"])
def test_controls_of_each_type(chaos: Chaos, kind: str) -> None:
    """The fragile fail, the resilient survive, the safe and the untouched are neither."""
    ran = chaos(SUITE, f"--chaos-types={kind}", "--chaos-rate=0.2", "--chaos-seed=1")
    assert ran.code == 1, ran.words
    seen = set()
    for name, entry in ran.tests.items():
        function, _, case = name.partition("[")
        if function == "test_safe":
            assert (entry["outcome"], entry["fired"], entry["armed"]) == ("safe", [], []), entry
        elif function == "test_touches_nothing":
            assert (entry["outcome"], entry["calls"]) == ("not reached", 0)
        elif kind in {"random", case.partition("-")[0]}:
            assert entry["outcome"] == {"test_fragile": "failed", "test_resilient": "survived"}[function], entry
            assert entry["fired"], entry
            assert not entry["unasserted"]
            if function == "test_resilient":
                assert {each["kind"] for each in entry["recovery"]} == {"retry"}
                assert {each["of"] for each in entry["recovery"]} == {99}
            seen.add(case)
        for fault in entry["fired"]:
            assert kind in {"random", fault["type"]}
            # The nearest line that is not Python's own: the suite's, or a library's.
            assert fault["at"].startswith(("test_it.py:", "sqlalchemy/")), fault
    assert len(seen) == {"network": 2, "timeout": 5, "resource": 3, "database": 2, "filesystem": 2, "random": 14}[kind]
    assert f"{len([0 for entry in ran.tests.values() if entry['outcome'] == 'failed'])} failed" in ran.words


ONE = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(12))
def test_writes(number, tmp_path):
    for each in range(5):
        (tmp_path / f"{each}").write_text("content")
        assert (tmp_path / f"{each}").read_text() == "content"
"""
RATE = ("--chaos-types=filesystem", "--chaos-rate=0.05", "--chaos-seed=7")


def test_stream_depends_on_seed_test_and_call_alone(chaos: Chaos) -> None:
    """Not on the hash seed, pytest-xdist's distribution, the order, or which other tests run."""
    first = chaos(ONE, *RATE, variables={"PYTHONHASHSEED": "1"})
    assert {"failed", "not reached"} <= {entry["outcome"] for entry in first.tests.values()}
    same = [
        chaos(ONE, *RATE, variables={"PYTHONHASHSEED": "2"}),
        chaos(ONE, *RATE, "-p", "xdist", "-n", "2"),
        chaos("import pathlib\nfor each in range(50): pathlib.Path('other').write_text('x')\n" + ONE, *RATE),
    ]
    # Folders for temporary files apart, which are in messages.
    documents = {re.sub(r"/pytest-[0-9]+/(popen-gw[0-9]+/)?", "/", ran.document) for ran in (first, *same[:2])}
    assert len(documents) == 1
    fired = {
        name: [(each["call"], each["operation"], each["fault"]) for each in entry["fired"]]
        for name, entry in first.tests.items()
    }
    for ran in same:
        assert {
            name: [(each["call"], each["operation"], each["fault"]) for each in entry["fired"]]
            for name, entry in ran.tests.items()
        } == fired
    other = chaos(ONE, *RATE[:2], "--chaos-seed=8")
    assert {name: entry["fired"] for name, entry in other.tests.items()} != {
        name: entry["fired"] for name, entry in first.tests.items()
    }


def test_one_line_replays_one_failure(chaos: Chaos, tmp_path: Path) -> None:
    first = chaos(ONE, *RATE)
    failed = {name: entry for name, entry in first.tests.items() if entry["outcome"] == "failed"}
    assert len(failed) > 1
    name, entry = next(iter(failed.items()))
    assert entry["replay"] == (
        f"pytest --chaos --chaos-seed=7 --chaos-rate=0.05 --chaos-types=filesystem 'test_it.py::{name}'"
    )
    assert f"  replay: {entry['replay']}\n" in first.words
    again = subprocess.run(
        [
            "sh",
            "-c",
            entry["replay"].replace(
                "pytest", f"{sys.executable} -m pytest -p cloche.chaos.plugin --chaos-report=r.json", 1
            ),
        ],
        cwd=tmp_path / "project",
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 1, again.stdout
    (replayed,) = json.loads((tmp_path / "project/r.json").read_text())["tests"]
    assert replayed["fired"] == entry["fired"]
    assert replayed["outcome"] == "failed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--chaos-types=netwrk"], "--chaos-types names 'netwrk', which is no type of fault (did you mean network?); the types are: random, network, timeout, resource, database, filesystem"),
        (["--chaos-types="], "--chaos-types names no type of fault; the types are: random, network, timeout, resource, database, filesystem"),
        (["--chaos-rate=1.5"], "--chaos-rate is 1.5, but it is the share of calls that fail: give a number above 0 and up to 1, such as 0.10"),
        (["--chaos-rate=0"], "--chaos-rate is 0, but it is the share of calls that fail: give a number above 0 and up to 1, such as 0.10"),
        (["--chaos-rate=nan"], "--chaos-rate is nan, but it is the share of calls that fail: give a number above 0 and up to 1, such as 0.10"),
        (["--chaos-rate=often"], "--chaos-rate is 'often', but it is the share of calls that fail: give a number above 0 and up to 1, such as 0.10"),
        (["--chaos-seed=x"], "--chaos-seed is 'x', but it is a whole number, such as 42"),
        (["--chaos-deadline=0"], "--chaos-deadline is 0, but it is the number of seconds that a test may take: give a number above 0"),
    ],
)  # fmt: skip
def test_usage_errors(chaos: Chaos, arguments: list[str], words: str) -> None:
    for on in (True, False):
        ran = chaos("def test(): pass", *arguments, on=on)
        assert ran.code == 4
        assert f"ERROR: {words}\n" in ran.words


def test_off_means_off(chaos: Chaos) -> None:
    suite = """
import builtins, io, os, pytest, socket, sys, threading
@pytest.mark.chaos_critical
@pytest.mark.chaos_fragile(reason="x")
def test_nothing_is_wrapped(tmp_path):
    assert not any(hasattr(each, "__wrapped__") for each in (open, io.open, os.open, os.fsync, socket.getaddrinfo, threading.Thread.start))
    assert "cloche.chaos.session" not in sys.modules and "cloche.chaos.injection" not in sys.modules
    (tmp_path / "x").write_text("x")
"""
    ran = chaos(suite, on=False)
    assert ran.code == 0, ran.words
    assert "chaos" not in ran.words


MARKED = """
import pytest

@pytest.mark.chaos_critical
def test_critical(tmp_path):
    (tmp_path / "x").write_text("x")

@pytest.mark.chaos_fragile(reason="it never tries again")
def test_fragile(tmp_path):
    for each in range(200):
        (tmp_path / "x").write_text("x")

@pytest.mark.chaos_fragile(reason="broken anyway")
def test_fragile_and_broken():
    assert False

@pytest.mark.xfail
def test_known(tmp_path):
    assert False

@pytest.mark.skip(reason="elsewhere")
def test_skipped():
    pass
"""


def test_markers(chaos: Chaos) -> None:
    ran = chaos(MARKED, "--chaos-types=filesystem", "--chaos-rate=0.05")
    critical = ran.tests["test_critical"]
    assert (critical["outcome"], critical["marker"], critical["fired"][0]["call"]) == ("failed", "critical", "1")
    fragile = ran.tests["test_fragile"]
    assert (fragile["outcome"], fragile["marker"]) == ("failed", "fragile")
    assert (
        "XFAIL test_it.py::test_fragile - fragile under chaos: it never tries again"
        in chaos(MARKED, "-rx", "--chaos-types=filesystem").words
    )
    # Only a failure after a fault is expected.
    broken = ran.tests["test_fragile_and_broken"]
    assert (broken["outcome"], broken["fired"]) == ("failed", [])
    assert "2 failed, 1 skipped, 2 xfailed" in ran.words
    assert ran.tests["test_known"]["outcome"] == "xfailed"
    assert ran.tests["test_skipped"]["outcome"] == "skipped"


ASSERTING = """
import contextlib, unittest
import numpy as np
import pytest

def survive(tmp_path):
    with contextlib.suppress(OSError):
        (tmp_path / "x").write_text("x")

def test_none(tmp_path):
    assert tmp_path
    survive(tmp_path)

def test_assert(tmp_path):
    survive(tmp_path)
    assert tmp_path

def test_numpy(tmp_path):
    survive(tmp_path)
    np.testing.assert_allclose(1.0, 1.0)

def test_raises(tmp_path):
    survive(tmp_path)
    with pytest.raises(ValueError):
        int("x")

class TestUnit(unittest.TestCase):
    def test_unit(self):
        with contextlib.suppress(OSError):
            open("/work-nowhere/x")
        self.assertEqual(1, 1)
"""


def test_passing_without_an_assertion_after_the_fault_is_flagged(chaos: Chaos) -> None:
    # Compiled by an ordinary run first, whose byte code tells nothing of assertions.
    chaos(ASSERTING, on=False)
    ran = chaos(ASSERTING, "--chaos-types=filesystem", "--chaos-rate=1")
    assert ran.code == 0, ran.words
    assert {name: entry["unasserted"] for name, entry in ran.tests.items()} == {
        "test_none": True,
        "test_assert": False,
        "test_numpy": False,
        "test_raises": False,
        "TestUnit::test_unit": False,
    }
    assert {entry["outcome"] for entry in ran.tests.values()} == {"survived"}
    assert "unasserted test_it.py::test_none: passed without an assertion after the last fault" in ran.words


def test_hung_is_failed_and_the_others_go_on(chaos: Chaos) -> None:
    suite = """
import time
def test_hangs(tmp_path):
    while True:
        try:
            (tmp_path / "x").write_text("x")
            break
        except Exception:
            time.sleep(30)
def test_after():
    assert True
"""
    ran = chaos(suite, "--chaos-types=filesystem", "--chaos-rate=1", "--chaos-deadline=1")
    assert ran.code == 1
    assert ran.tests["test_hangs"]["outcome"] == "hung"
    assert ran.tests["test_hangs"]["message"] == "hung: not at its end after 1 s (--chaos-deadline)"
    assert ran.tests["test_after"]["outcome"] == "not reached"


DYING = f"""
import os, signal
def test_a(): assert True
def test_dies(tmp_path):
    try:
        (tmp_path / "x").write_text("x")
    except OSError:
        os.kill(os.getpid(), {int(signal.SIGKILL)})
def test_z(): assert True
"""


def test_killed_session_is_continued(chaos: Chaos) -> None:
    arguments = ("--chaos-types=filesystem", "--chaos-rate=1")
    first = chaos(DYING, *arguments)
    assert first.code == -signal.SIGKILL
    assert first.tests == {}
    second = chaos(DYING, *arguments)
    assert {name: entry["outcome"] for name, entry in second.tests.items()} == {
        "test_a": "not reached",
        "test_dies": "hung",
        "test_z": "not reached",
    }
    (fault,) = second.tests["test_dies"]["fired"]
    assert fault["operation"] == "open"
    assert second.tests["test_dies"]["message"] == "hung, or its process died: it did not come to its end"
    assert "1 passed, 2 deselected" in second.words
    # One of other settings is not.
    chaos(DYING, *arguments)
    third = chaos(DYING, "--chaos-types=network")
    assert {name: entry["outcome"] for name, entry in third.tests.items()} == dict.fromkeys(
        ["test_a", "test_dies", "test_z"], "not reached"
    )


def test_only_below_named_packages(chaos: Chaos, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/saving.py").write_text("def save(path):\n    path.write_text('x')\n")
    suite = """
import saving
def test_itself(tmp_path):
    (tmp_path / "x").write_text("x")
    assert (tmp_path / "x").read_text() == "x"
def test_by_another(tmp_path):
    saving.save(tmp_path / "x")
"""
    ran = chaos(
        suite,
        "--chaos-types=filesystem",
        "--chaos-rate=1",
        "--chaos-only=saving",
        variables={"PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:."},
    )
    assert ran.tests["test_itself"]["outcome"] == "not reached"
    assert ran.tests["test_by_another"]["outcome"] == "failed"
    assert ran.tests["test_by_another"]["fired"][0]["at"] == "saving.py:2"
    assert "--chaos-only=saving" in ran.tests["test_by_another"]["replay"]


def test_fixtures_imports_and_pytest_itself_are_spared(chaos: Chaos, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/late.py").write_text("TEXT = open(__file__).read()\n")
    suite = """
import os
import pytest
@pytest.fixture
def written(tmp_path):
    (tmp_path / "x").write_text("x")
    yield tmp_path / "x"
    assert (tmp_path / "x").read_text() == "x"
def test_it(written, tmp_path_factory, capfd):
    import late
    tmp_path_factory.mktemp("another")
    print("words", end="", flush=True)
    os.write(1, b"more")
    assert "wordsmore" in capfd.readouterr().out
"""
    ran = chaos(
        suite,
        "--chaos-types=filesystem",
        "--chaos-rate=1",
        variables={"PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:."},
    )
    assert (ran.tests["test_it"]["outcome"], ran.tests["test_it"]["calls"]) == ("not reached", 0), ran.words
    assert "no fault fired, so nothing is shown about failures" in ran.words


def test_threads_have_their_own_calls(chaos: Chaos) -> None:
    """A thread's faults do not depend on when it runs."""
    suite = """
import threading
def work(folder):
    for each in range(20):
        try:
            (folder / threading.current_thread().name).write_text("x")
        except OSError:
            pass
def test_threads(tmp_path):
    threads = [threading.Thread(target=work, args=(tmp_path,), name=f"t{n}") for n in range(6)]
    for thread in threads: thread.start()
    work(tmp_path)
    for thread in threads: thread.join()
    assert threads
"""
    runs = [chaos(suite, "--chaos-types=filesystem", "--chaos-rate=0.3") for _ in range(3)]
    calls = [each["call"] for each in runs[0].tests["test_threads"]["fired"]]
    assert {call.rpartition(":")[0] for call in calls} == {"", "1", "2", "3", "4", "5", "6"}
    assert runs[0].document == runs[1].document == runs[2].document


def test_draws_are_uniform() -> None:
    """A thousand calls at a rate of 10 %: within five standard deviations; and no two streams alike."""
    fired = sum(draw(1, "t.py::t", str(call)).uniform < 0.1 for call in range(10_000))
    assert 850 < fired < 1150
    assert draw(1, "t", "1") == draw(1, "t", "1")
    assert len({draw(seed, test, call) for seed in (1, 2) for test in ("a", "b") for call in ("1", "2")}) == 8


QUIET = """
import pytest

@pytest.fixture
def broken():
    raise ValueError("in its setup")

@pytest.fixture
def torn():
    yield
    raise ValueError("in its teardown")
# --
def test_passes(): assert 1 + 1 == 2
# --
@pytest.mark.skip(reason="no")
def test_left_out(): pass
# --
def test_skips(): pytest.skip("no")
# --
@pytest.mark.xfail
def test_expected(): assert 0
# --
@pytest.mark.xfail
def test_unexpected(): assert 1
# --
@pytest.mark.xfail(run=False)
def test_not_run(): assert 0
# --
@pytest.mark.chaos_safe
def test_safe(tmp_path): (tmp_path / "a").write_text("a")
# --
def test_set_up(broken): pass
# --
def test_torn_down(torn): assert 1
# --
def test_fails(): assert 0
# --
def test_reached(tmp_path): (tmp_path / "a").write_text("a")
# --
def test_passes_again(): assert 1 + 1 == 2
"""


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    "chosen", ["", "passes", "set_up or passes", "torn or passes", "safe or left_out or not_run", "reached or passes"]
)
def test_what_is_told_without_a_report_is_the_same(chaos: Chaos, chosen: str, order: int) -> None:
    """Tests are followed from the first one on that has something to tell; what came before is counted."""
    head, *tests = QUIET.split("# --\n")
    suite = "".join([head, *tests[::order]])
    words = ["--chaos-types=filesystem", "--chaos-rate=1", "-k", chosen]
    with_report = chaos(suite, *words)
    without = chaos(suite, *words, "--chaos", on=False)

    def told(ran: Ran) -> list[str]:
        lines = re.sub(r"/pytest-\d+/", "/", ran.words).splitlines()
        start = next(number for number, line in enumerate(lines) if " chaos ====" in line)
        return [line for line in lines[start : start + 12] if not re.match(r"\d+ .* in [0-9.]+s", line)]

    assert told(with_report) == told(without)
    assert with_report.code == without.code


SUBTESTS = """
import pathlib, tempfile, time, unittest, pytest

def write(folder):
    (folder / "a").write_text("a")

@pytest.fixture
def folder(tmp_path):
    return tmp_path

def test_failing(subtests, folder):
    with subtests.test("first"):
        write(folder)
    with subtests.test("second"):
        write(folder)

def test_surviving(subtests, folder):
    with subtests.test("caught"):
        with pytest.raises(OSError):
            write(folder)
    with subtests.test("left out"):
        pytest.skip("no")

@pytest.mark.chaos_fragile(reason="known")
def test_fragile(subtests, folder):
    with subtests.test("first"):
        write(folder)
    with subtests.test("second"):
        write(folder)

def test_hanging(subtests):
    with subtests.test("waits"):
        time.sleep(60)

def test_no_fault(subtests):
    with subtests.test("bad"):
        assert 0

class TestOld(unittest.TestCase):
    def test_failing(self):
        for number in range(2):
            with self.subTest(number=number):
                write(pathlib.Path(self.folder))

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
"""
ALL = ("--chaos-types=filesystem", "--chaos-rate=1", "--chaos-seed=4", "--chaos-deadline=1")


@pytest.mark.parametrize("distribution", [(), ("-p", "xdist", "-n2")])
def test_what_fires_in_a_subtest_is_its_tests(chaos: Chaos, distribution: tuple[str, ...]) -> None:
    """A subtest is reported before its test, and that report is not the test's."""
    ran = chaos(SUBTESTS, *ALL, *distribution)
    assert ran.code == 1, ran.words
    told = {name: (entry["outcome"], len(entry["fired"]), bool(entry["replay"])) for name, entry in ran.tests.items()}
    assert told == {
        "test_failing": ("failed", 2, True),
        "test_surviving": ("survived", 1, True),
        "test_fragile": ("failed", 2, True),
        "test_hanging": ("hung", 0, False),
        "test_no_fault": ("failed", 0, False),
        "TestOld::test_failing": ("failed", 2, True),
    }, ran.words
    assert ran.tests["test_failing"]["message"].startswith("OSError: [Errno")
    assert ran.tests["test_fragile"]["message"].startswith("OSError: [Errno")
    assert ran.tests["test_hanging"]["message"] == "hung: not at its end after 1 s (--chaos-deadline)"
    assert not ran.tests["test_surviving"]["unasserted"]
    assert "4 failed, 1 hung, 1 survived" in ran.words
    # What is expected does not fail the session.
    assert chaos(SUBTESTS, *ALL, "-k", "fragile or surviving").code == 0
    failing = ran.tests["test_failing"]
    again = chaos(SUBTESTS, *failing["replay"].removeprefix("pytest --chaos ").split())
    assert again.tests["test_failing"]["fired"] == failing["fired"]


@pytest.mark.parametrize("only", ["test_failing", "test_surviving", "test_fragile", "test_no_fault"])
def test_subtests_are_told_the_same_without_a_report(chaos: Chaos, only: str) -> None:
    with_report = chaos(SUBTESTS, *ALL, "-k", only)
    without = chaos(SUBTESTS, "--chaos", *ALL, "-k", only, on=False)
    line = next(line for line in with_report.words.splitlines() if line.startswith("seed 4"))
    assert line in without.words, without.words
    assert with_report.code == without.code


ONCE = """
import pytest

attempts = []

def test_once(tmp_path):
    attempts.append(1)
    if len(attempts) == 1:
        (tmp_path / "a").write_text("a")
    assert True

def test_survives(tmp_path):
    with pytest.raises(OSError):
        (tmp_path / "a").write_text("a")
"""


def test_an_attempt_that_failed_is_not_undone_by_the_next(chaos: Chaos, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/conftest.py").write_text(REPEATING)
    ran = chaos(ONCE, *ALL)
    assert ran.code == 0, ran.words  # The plugin says so: the second attempt passed.
    once = ran.tests["test_once"]
    assert (once["outcome"], len(once["fired"]), bool(once["replay"])) == ("failed", 1, True), ran.words
    assert ran.tests["test_survives"]["outcome"] == "survived"
    assert "1 failed, 1 survived" in ran.words
    assert "1 failed, 1 survived" in chaos(ONCE, "--chaos", *ALL, on=False).words
