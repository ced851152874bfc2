"""What counts as the outcome of a test: crashes, files that cannot be collected, subtests, tests that are flaky."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from cloche.outcomes.reports import outcome_of
from repeating import REPEATING
from tracing import Project, make_environment


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("environment") / "environment")


@pytest.fixture
def project(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, environment, monkeypatch)


def test_a_crash_is_the_outcome_of_its_test_and_the_others_are_run(project: Project) -> None:
    crash = (
        "import os, signal\n\ndef test_a():\n    pass\n\ndef test_crash():\n    os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    project.write(
        {"tests/test_it.py": f"{crash}\ndef test_z():\n    pass\n", "tests/test_other.py": "def test_o(): pass\n"}
    )
    outcomes = project.record()
    assert {test: entry["outcome"] for test, entry in outcomes.items()} == {
        "tests.test_it::test_a": "passed",
        "tests.test_it::test_crash": "error",
        "tests.test_it::test_z": "passed",
        "tests.test_other::test_o": "passed",
    }
    assert outcomes["tests.test_it::test_crash"]["message"] == "crashed: the process ended with SIGSEGV"


def test_a_signal_from_without_is_no_outcome(project: Project) -> None:
    project.write(
        {"tests/test_it.py": "import os, signal\n\ndef test_it():\n    os.kill(os.getpid(), signal.SIGKILL)\n"}
    )
    with pytest.raises(SystemExit, match="pytest was killed by signal 9; exit code -9"):
        project.record()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("raise OSError(28, 'No space left on device')", "OSError: [Errno 28] No space left on device"),
        ("bytearray(1 << 62)", "MemoryError"),
    ],
)
def test_what_the_machine_lacks_is_no_outcome(line: str, words: str, project: Project) -> None:
    project.write({"tests/test_it.py": f"def test_it():\n    {line}\n"})
    with pytest.raises(SystemExit) as ended:
        project.record()
    assert ended.value.code == (
        f"the machine lacked space or memory, so nothing is recorded:\n  tests.test_it::test_it: {words}"
    )


def test_all_tests_are_run_also_after_a_failure(project: Project) -> None:
    project.write({"tests/test_it.py": "def test_a():\n    assert 0\n\ndef test_b():\n    assert 0\n"})
    for arguments in (["-x"], ["--maxfail=1"]):
        project.arguments = arguments
        assert {test: entry["outcome"] for test, entry in project.record().items()} == {
            "tests.test_it::test_a": "failed",
            "tests.test_it::test_b": "failed",
        }


def test_a_suite_that_ends_itself_is_not_recorded(project: Project) -> None:
    code = "import pytest\n\ndef test_a():\n    pass\n\ndef test_b():\n    pytest.exit('enough', 0)\n"
    project.write({"tests/test_it.py": f"{code}\ndef test_c():\n    assert 0\n"})
    with pytest.raises(SystemExit) as ended:
        project.record()
    assert ended.value.code == (
        "pytest ended with 0 before 2 of its tests had ended, the first of them tests/test_it.py::test_b (does something call\n"
        "pytest.exit?); its words are above. Nothing is recorded."
    )


def test_a_failure_that_is_no_tests_is_not_lost(project: Project) -> None:
    hook = "def pytest_sessionfinish(session):\n    session.exitstatus = 1\n"
    project.write({"tests/conftest.py": hook, "tests/test_it.py": "def test_a():\n    pass\n"})
    with pytest.raises(SystemExit) as ended:
        project.record()
    assert ended.value.code == (
        "pytest ended with 1 though no test failed: a plugin or the suite's configuration says so (a coverage that is too\n"
        "low?); its words are above. Nothing is recorded."
    )


def test_a_file_that_cannot_be_collected_is_the_outcome_of_all_its_tests(project: Project) -> None:
    bad = "import nothing_like_it\n\ndef test_a():\n    pass\n\nclass TestB:\n    def test_c(self):\n        pass\n"
    project.write(
        {"tests/test_it.py": bad, "tests/test_broken.py": "def test_(:\n", "tests/test_o.py": "def test_o(): pass\n"}
    )
    outcomes = project.record()
    assert {test: entry["outcome"] for test, entry in outcomes.items()} == {
        "tests.test_broken::(collection)": "error",
        "tests.test_it.TestB::test_c": "error",
        "tests.test_it::test_a": "error",
        "tests.test_o::test_o": "passed",
    }


def test_parameters_subtests_and_doctests_are_told_apart(project: Project) -> None:
    code = "import pytest\n\n@pytest.mark.parametrize('word', ['a/b', 'c::d', 'e[f]'])\ndef test_p(word):\n    assert word != 'c::d'\n"
    code += "\ndef test_s(subtests):\n    for number in range(3):\n        with subtests.test('part', n=number):\n"
    code += '            assert number != 1\n\ndef area(x):\n    """>>> area(2)\n    5\n    """\n    return x * x\n'
    project.arguments = ["--doctest-modules", "--doctest-glob=test*.txt"]
    project.write({"tests/test_it.py": code, "tests/test_guide.txt": ">>> 1 + 1\n2\n"})
    outcomes = project.record()
    assert {test: entry["outcome"] for test, entry in outcomes.items()} == {
        "tests.test_guide.txt::test_guide.txt": "passed",
        "tests.test_it::test_it.area": "failed",
        "tests.test_it::test_p[a/b]": "passed",
        "tests.test_it::test_p[c::d]": "failed",
        "tests.test_it::test_p[e[f]]": "passed",
        "tests.test_it::test_s": "failed",
    }
    assert outcomes["tests.test_it::test_s"]["subtests"] == ["[part] (n=1)"]


def test_a_test_is_called_flaky_when_fresh_processes_differ(project: Project, tmp_path: Path) -> None:
    code = f"import pathlib\n\ndef test_flaky():\n    runs = pathlib.Path('{tmp_path}/runs')\n"
    code += "    text = runs.read_text() if runs.exists() else ''\n    runs.write_text(text + 'x')\n    assert len(text) == 1\n"
    project.write({"tests/test_it.py": f"{code}\ndef test_bad():\n    assert 0\n\ndef test_good():\n    pass\n"})
    outcomes = project.record(reruns=2)
    assert {test: entry["outcome"] for test, entry in outcomes.items()} == {
        "tests.test_it::test_bad": "failed",
        "tests.test_it::test_flaky": "flaky",
        "tests.test_it::test_good": "passed",
    }
    assert outcomes["tests.test_it::test_flaky"]["message"].startswith(
        "failed, passed, failed in 3 runs: AssertionError: assert 0 == 1"
    )


def test_an_attempt_that_a_plugin_repeats_is_not_forgotten(project: Project) -> None:
    code = "runs = []\n\ndef test_once():\n    runs.append(1)\n    assert len(runs) > 1\n\ndef test_good():\n    pass\n"
    code += "\ndef test_part(subtests):\n    runs.append(1)\n    with subtests.test():\n        assert len(runs) > 3\n"
    project.write({"tests/test_it.py": f"{code}\ndef test_bad():\n    assert 0\n", "tests/conftest.py": REPEATING})
    outcomes = project.record()
    assert {test: (entry["outcome"], entry["message"].splitlines()[:1]) for test, entry in outcomes.items()} == {
        "tests.test_it::test_once": ("flaky", ["it passed at attempt 2"]),
        "tests.test_it::test_good": ("passed", []),
        # pytest itself counts the subtests of all attempts.
        "tests.test_it::test_part": ("failed", ["assert 3 > 3"]),
        "tests.test_it::test_bad": ("failed", ["assert 0"]),
    }


def test_fixtures_that_fail_after_a_failure_are_the_same_outcome(project: Project) -> None:
    code = "import pytest\n\n@pytest.fixture\ndef bad():\n    yield\n    raise RuntimeError\n"
    code += "\ndef test_twice(bad):\n    assert 0\n\n@pytest.mark.xfail\ndef test_known(bad):\n    assert 0\n"
    project.write({"tests/test_it.py": code})
    assert {test: entry["outcome"] for test, entry in project.record().items()} == {
        "tests.test_it::test_twice": "failed",
        "tests.test_it::test_known": "xfailed",
    }


@dataclass
class Phase:
    """A report of pytest."""

    outcome: str
    when: str = "call"
    duration: float = 1.0


class SubtestReport(Phase):
    """A report of a subtest, by the name of pytest's class."""


class Expected(Phase):
    """A report of a test whose failure is expected."""

    wasxfail = "known"


SETUP, TEARDOWN = Phase("passed", "setup"), Phase("passed", "teardown")


@pytest.mark.parametrize(
    ("phases", "outcome"),
    [
        ([SETUP, Phase("passed"), TEARDOWN], "passed"),
        ([SETUP, SubtestReport("failed"), Phase("passed"), TEARDOWN], "failed"),
        ([SETUP, SubtestReport("skipped"), Phase("passed"), TEARDOWN], "passed"),
        ([SETUP, SubtestReport("skipped"), Phase("skipped"), TEARDOWN], "skipped"),
        ([SETUP, Expected("skipped"), Phase("failed", "teardown")], "error"),
        ([SETUP, Expected("passed"), TEARDOWN], "xpassed"),
        # pytest-rerunfailures: each attempt has its own phases.
        ([SETUP, Phase("rerun"), TEARDOWN], "failed"),
        ([Phase("rerun", "setup"), TEARDOWN], "error"),
        ([SETUP, Phase("passed"), Phase("rerun", "teardown")], "error"),
        ([SubtestReport("failed"), SETUP, Phase("rerun"), TEARDOWN], "failed"),
        # pytest-retry: all attempts between one setup and one teardown.
        ([SETUP, Phase("retried"), Phase("passed"), TEARDOWN], "flaky"),
        ([SETUP, Phase("retried"), Phase("failed"), TEARDOWN], "failed"),
        ([SETUP, Phase("retried"), Phase("passed"), Phase("failed", "teardown")], "failed"),
        ([SETUP, Phase("retried"), SubtestReport("passed"), Phase("passed"), TEARDOWN], "flaky"),
        # A process that died.
        ([SETUP, Phase("failed", "???")], "error"),
    ],
)
def test_the_outcome_of_all_reports(phases: list[Phase], outcome: str) -> None:
    assert outcome_of(phases) == outcome


def test_a_batch_has_the_ids_that_the_whole_has(project: Project) -> None:
    """Whatever the arguments are: a folder, a file, tests of a file."""
    project.write(
        {"tests/test_it.py": "def test_a(): pass\ndef test_b(): pass\n", "tests/deep/test_o.py": "def test_o(): pass\n"}
    )
    for arguments, wanted in (
        ([], ["tests.test_it::test_a", "tests.test_it::test_b"]),
        (["tests"], ["tests.test_it::test_a", "tests.test_it::test_b"]),
        (["tests/deep", "tests/test_it.py::test_b"], ["tests.test_it::test_b"]),
    ):
        project.arguments = arguments
        assert sorted(project.record({"files": ["tests/test_it.py"]}, without={"tests/deep"})) == wanted
        rest = project.record({"leave": ["tests/test_it.py"]})
        assert [test for test in rest if "test_o" in test] == ["tests.deep.test_o::test_o"]
