"""Recording a test suite and judging it; running commands.

Whole derivations: tests/test_rebuild.py, test_consumers.py.
"""

import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from cloche.suite import judge, judge_commands, run_commands
from cloche.suite import record as record_tests

REPORT = """<testsuites><testsuite name="pytest" time="0.1" timestamp="now" hostname="here">
<testcase classname="tests.b" name="passes" time="0.5"/>
<testcase classname="tests.a" name="fails" time="0.1"><failure message="assert &lt;X at 0x7f0012345678&gt;">at 0x7f0012345678</failure></testcase>
<testcase classname="tests.a" name="errs"><error message="failed on setup"/></testcase>
<testcase classname="tests.a" name="skips"><skipped type="pytest.skip" message="no GPU"/></testcase>
<testcase classname="tests.a" name="expected"><skipped type="pytest.xfail" message="known"/></testcase>
</testsuite></testsuites>"""


def test_outcomes_are_sorted_and_hold_no_address_and_no_time() -> None:
    outcomes, durations = record_tests.record(ET.fromstring(REPORT))  # noqa: S314 - our own
    assert outcomes == [
        {"test": "tests.a::errs", "outcome": "error", "message": "failed on setup"},
        {"test": "tests.a::expected", "outcome": "xfailed", "message": "known"},
        {"test": "tests.a::fails", "outcome": "failed", "message": "assert <X at 0x...>"},
        {"test": "tests.a::skips", "outcome": "skipped", "message": "no GPU"},
        {"test": "tests.b::passes", "outcome": "passed", "message": ""},
    ]
    assert durations["tests.b::passes"] == 0.5
    assert durations["tests.a::errs"] == 0


SKIPPED_WITH_A_BROKEN_END = """
import pytest

@pytest.fixture
def breaks():
    yield
    raise OSError("the end fails")

def test_skipped(breaks):
    pytest.skip("no GPU")
"""


def test_a_failure_at_the_end_of_a_skipped_test_counts(tmp_path: Path) -> None:
    """Pytest gives such a test both marks, the one for skipped first."""
    (tmp_path / "test_it.py").write_text(SKIPPED_WITH_A_BROKEN_END)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junit-xml=report.xml", "test_it.py"]
    assert subprocess.run(words, cwd=tmp_path, check=False, capture_output=True).returncode == 1
    report = ET.parse(tmp_path / "report.xml").getroot()  # noqa: S314 - our own
    assert [child.tag for child in report.iter() if child.tag in {"skipped", "error"}] == ["skipped", "error"]
    ((entry,), _) = record_tests.record(report)
    assert entry["outcome"] == "error"
    assert entry["message"].startswith("failed on teardown")


def test_statistics_of_hypothesis_are_forgotten_and_other_properties_kept() -> None:
    """They hold run times, and would make every record another one."""
    suite = ET.fromstring(  # noqa: S314 - our own
        '<testsuites><testsuite timestamp="now" hostname="me"><properties>'
        '<property name="hypothesis-statistics-t" value="0.1 s"/><property name="seed" value="1"/></properties>'
        '<testcase name="t" time="0.1"/></testsuite></testsuites>'
    )
    record_tests.forget_run_times(suite)
    assert ET.tostring(suite).decode() == (
        '<testsuites><testsuite><properties><property name="seed" value="1" /></properties>'
        '<testcase name="t" /></testsuite></testsuites>'
    )


@pytest.mark.parametrize(
    ("message", "lacks"),
    [
        ("OSError: [Errno 28] No space left on device", True),
        ("OSError: [Errno 12] Cannot allocate memory", True),
        ("MemoryError: unable to allocate", True),
        ("assert 'MemoryError' in text", False),
        ("OSError: [Errno 2] No such file", False),
    ],
)
def test_what_the_machine_lacked_is_no_outcome(message: str, lacks: bool) -> None:  # noqa: FBT001 - a parameter
    suite = ET.Element("testsuite")
    case = ET.SubElement(suite, "testcase", classname="t", name="x")
    ET.SubElement(case, "failure", message=f"{message}\nmore")
    assert record_tests.lacked(suite) == ([f"t::x: {message}"] if lacks else [])


WHOLE: dict[str, Any] = {"files": None, "leave": [], "modules": {}, "recorded": None, "timeout": None}


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, **more: Any) -> Path:  # noqa: ANN401
    """Record a suite whose pytest is this shell script."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/test_x.py").touch(0o444)
    (tmp_path / "top").mkdir()
    pytest_ = tmp_path / "environment/bin/pytest"
    pytest_.parent.mkdir(parents=True)
    if script:
        pytest_.write_text(f"#!/bin/sh\nfor a; do case $a in --junit-xml=*) report=${{a#*=}} ;; esac; done\n{script}\n")
        pytest_.chmod(0o755)
    monkeypatch.setenv("NIX_BUILD_TOP", str(tmp_path / "top"))
    record_tests.main(
        {
            "outputs": {"out": str(tmp_path / "out"), "log": str(tmp_path / "log")},
            "source": str(tmp_path / "source"),
            "environment": str(tmp_path / "environment"),
            "programs": [],
            "variables": {},
            "arguments": [],
            "prefixes": [],
            "sitePackages": "lib/python/site-packages",
            "scratch": [],
            "reruns": 0,
            "coverage": False,
            **more,
            "closure": {**WHOLE, **more.get("closure", {})},
        }
    )
    return tmp_path / "out"


def written(report: str) -> str:
    return f"cat > $report <<'END'\n{report}\nEND\n"


def test_failing_suite_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = run(tmp_path, monkeypatch, f"{written(REPORT)} echo $MARK; exit 1", variables={"MARK": "seen"})
    data = json.loads((out / "outcomes.json").read_text())
    assert data["version"] == 1
    assert data["counts"] == {"error": 1, "failed": 1, "passed": 1, "skipped": 1, "xfailed": 1}
    text = (out / "junit.xml").read_text()
    assert [word for word in ("time=", "timestamp", "hostname", "0x7f") if word in text] == []
    assert (tmp_path / "log/pytest.log").read_text() == "seen\n"
    assert json.loads((tmp_path / "log/durations.json").read_text())["tests.b::passes"] == 0.5
    # So that Nix compares the outcomes first (see the comment there).
    assert (tmp_path / "log/record").readlink() == out


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("exit 2", "pytest was interrupted"),
        ("exit 4", "pytest was used wrongly (see cloche.tests.arguments"),
        ("exit 5", "pytest collected no test (is their folder in cloche.tests.exclude"),
        ("exit 9", "pytest ended; exit code 9"),
        ("kill -11 $$", "pytest was killed by signal 11"),
        ("kill -9 $$", "pytest was killed by signal 9"),
        ("exit 1", "pytest wrote no report; exit code 1"),
        (written("<testsuites/>"), "pytest reported no test at all"),
        (
            written(
                '<testsuite><testcase classname="t" name="x"><error message="MemoryError"/></testcase></testsuite>'
            ),
            "the machine lacked space or memory, so nothing is recorded:\n  t::x: MemoryError",
        ),
        ("", "pytest is not in the environment; add it to a dependency group that cloche.tests.groups names"),
    ],
)
def test_what_is_no_record(script: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, monkeypatch, script)
    assert text in str(ended.value)
    assert not (tmp_path / "out").exists()


def test_a_suite_that_does_not_end_is_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does what it has started go on."""
    script = (
        'sleep 60 & echo $! > ../child; echo \'{"kind": "start", "test": "t.py::x"}\' > ../cloche-suite.jsonl; wait'
    )
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, monkeypatch, script, closure={"timeout": 1})
    assert str(ended.value) == (
        "time-out: the tests had not ended after 1 s (cloche.tests.timeout), at t.py::x. Nothing is recorded."
    )
    child = (tmp_path / "top/child").read_text().strip()
    # A process that was killed ends when it is next given the processor.
    end = time.monotonic() + 600
    while alive(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(child)


def alive(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_batch_of_the_rest_may_be_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = run(tmp_path, monkeypatch, "exit 5", closure={"leave": ["test_x.py"]})
    assert json.loads((out / "outcomes.json").read_text())["tests"] == []


def judged(tmp_path: Path, *outcomes: str) -> str:
    tests = [{"test": f"t::{n}", "outcome": kind, "message": f"why {n}\nmore"} for n, kind in enumerate(outcomes)]
    (tmp_path / "outcomes.json").write_text(json.dumps({"tests": tests}))
    judge.main({"results": str(tmp_path), "outputs": {"out": str(tmp_path / "verdict")}})
    return (tmp_path / "verdict").read_text()


def test_verdict_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(tmp_path, "passed", "xfailed", "skipped") == "1 passed, 0 failed, 1 failed as expected\n"
    assert "skipped t::2: why 2" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["failed", "error", "flaky"])
def test_verdict_fails(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"1 passed, 1 failed; the whole record is in .*/junit.xml"):
        judged(tmp_path, "passed", kind)
    assert f"{kind} t::1: why 1\n" in capsys.readouterr().err


def in_quarantine(tmp_path: Path, until: str, *kinds: str) -> str:
    tests = [{"test": f"t::{n}", "outcome": kind, "message": f"why {n}"} for n, kind in enumerate(kinds)]
    (tmp_path / "outcomes.json").write_text(json.dumps({"tests": tests}))
    judge.main(
        {
            "results": str(tmp_path),
            "outputs": {"out": str(tmp_path / "verdict")},
            "quarantine": {"t::0": {"until": until, "reason": "issue 7"}},
            "date": "2026-03-01",
        }
    )
    return (tmp_path / "verdict").read_text()


@pytest.mark.parametrize("kind", ["failed", "flaky"])
def test_a_failure_in_quarantine_is_shown(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = in_quarantine(tmp_path, "2026-03-01", kind, "passed")
    assert verdict == (
        f"in quarantine until 2026-03-01 (issue 7): {kind} t::0: why 0\n1 passed, 0 failed, 1 in quarantine\n"
    )
    assert verdict.splitlines()[0] in capsys.readouterr().out


def test_a_quarantine_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1 passed, 1 failed"):
        in_quarantine(tmp_path, "2026-02-28", "failed", "passed")
    assert "failed t::0: its quarantine (issue 7) ended on 2026-02-28; why 0\n" in capsys.readouterr().err


def test_a_quarantine_without_need_is_told(tmp_path: Path) -> None:
    assert in_quarantine(tmp_path, "2026-03-01", "passed") == (
        "in quarantine until 2026-03-01 (issue 7): t::0 passes; take it out of cloche.tests.quarantine\n1 passed, 0 failed\n"
    )


def test_a_quarantine_of_no_test_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        SystemExit, match=r"cloche\.tests\.quarantine names t::0, which is no test; take it out, or write"
    ):
        in_quarantine(tmp_path, "2026-03-01")


def test_only_skipped_tests_show_nothing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="all 2 tests were skipped, so nothing was shown"):
        judged(tmp_path, "skipped", "skipped")


def test_only_expected_failures_show_nothing(tmp_path: Path) -> None:
    words = "no test passed, 2 failed as expected, so nothing was shown; the reasons are above"
    with pytest.raises(SystemExit, match=words):
        judged(tmp_path, "xfailed", "skipped", "xfailed")
    assert not (tmp_path / "verdict").exists()


def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *commands: list[str]) -> str:
    (tmp_path / "source").mkdir()
    (tmp_path / "top").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    monkeypatch.setenv("NIX_BUILD_TOP", str(tmp_path / "top"))
    run_commands.main(
        {
            "outputs": {"out": str(tmp_path / "record")},
            "source": str(tmp_path / "source"),
            "environment": str(tmp_path),
            "commands": list(commands),
        }
    )
    judge_commands.main({"outputs": {"out": str(tmp_path / "out")}, "record": str(tmp_path / "record")})
    return (tmp_path / "out").read_text()


def test_commands_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        command(tmp_path, monkeypatch, ["python", "-c", "print('fine')"])
        == "$ python -c 'print('\"'\"'fine'\"'\"')'\nfine\n"
    )


def test_all_commands_are_run_and_all_failures_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"python -c 1/0 ended with 1; python -c 2/0 ended with 1"):
        command(tmp_path, monkeypatch, ["python", "-c", "1/0"], ["python", "-c", "2/0"])
    assert not (tmp_path / "out").exists()
    record = json.loads((tmp_path / "record/commands.json").read_text())
    assert [(each["command"], each["code"]) for each in record["commands"]] == [
        ("python -c 1/0", 1),
        ("python -c 2/0", 1),
    ]
    assert "ZeroDivisionError" in record["commands"][0]["output"]


def test_a_command_that_is_killed_is_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="was ended by signal 9"):
        command(tmp_path, monkeypatch, ["python", "-c", "import os; os.kill(os.getpid(), 9)"])
    assert not (tmp_path / "record").exists()


@pytest.mark.parametrize(
    ("commands", "text"),
    [
        ([], "there is no command to run"),
        ([["ruff"]], "ruff is not in the environment; add it to the dependency group"),
    ],
)
def test_nothing_to_run(commands: list[list[str]], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=text):
        command(tmp_path, monkeypatch, *commands)
