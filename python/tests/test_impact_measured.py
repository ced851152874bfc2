"""Tests that end what is measured: the others are seen all the same, and these count as reaching everything."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Outcome
from test_impact import Checkout

INI = "[pytest]\npythonpath = .\ntestpaths = tests\naddopts = -p no:cacheprovider\n"
WORK = "".join(
    f"def {name}():\n    return {number}\n\n\n" for number, name in enumerate(("zero", "one", "two", "three"))
)
THIEVES = """import _thread
import bdb
import doctest
import multiprocessing
import os
import sys
import threading
import trace

import coverage
import pytest

from pkg.work import one, three, two


class Debugger(bdb.Bdb):
    def user_line(self, frame):
        pass


def in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_plain():
    assert one() == 1


def test_settrace():
    sys.settrace(None)
    assert two() == 2


def test_back():
    tracer = sys.gettrace()
    sys.settrace(None)
    assert two() == 2
    sys.settrace(tracer)


def test_bdb():
    assert Debugger().runcall(two) == 2


def test_trace():
    assert trace.Trace(count=1, trace=0).runfunc(two) == 2


def test_coverage():
    inner = coverage.Coverage(data_file=None)
    inner.start()
    assert two() == 2
    inner.stop()


def test_coverage_that_goes_on():
    inner = coverage.Coverage(data_file=None)
    inner.start()
    assert two() == 2


def test_stopped():
    coverage.Coverage.current().stop()
    assert two() == 2


def test_threads():
    threading.settrace(None)
    in_thread(two)


def test_threads_and_back():
    hook = threading.gettrace()
    threading.settrace(None)
    in_thread(two)
    threading.settrace(hook)


def test_in_a_thread():
    def work():
        sys.settrace(None)
        two()

    in_thread(work)


def test_past_threading():
    done = threading.Event()
    _thread.start_new_thread(lambda: (two(), done.set()), ())
    done.wait()


def test_fork():
    number = os.fork()
    if number == 0:
        sys.settrace(None)
        os._exit(two())
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 2


def test_process():
    def work():
        sys.settrace(None)
        sys.exit(two())

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == 2


@pytest.fixture(scope="module")
def measured():
    inner = coverage.Coverage(data_file=None)
    inner.start()
    yield
    inner.stop()


def test_fixture(measured):
    assert two() == 2


def test_fixture_again(measured):
    assert two() == 2


def example():
    '''Say three.

    >>> three()
    3
    '''


def test_doctest():
    doctest.run_docstring_examples(example, {"three": three})
    assert one() == 1


def test_profile():
    sys.setprofile(lambda *words: None)
    assert one() == 1
    sys.setprofile(None)


def test_seen_thread():
    in_thread(three)


def test_seen_fork():
    number = os.fork()
    if number == 0:
        os._exit(three())
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 3


def test_last():
    assert three() == 3
"""
SEEN = {"plain", "doctest", "profile", "seen_thread", "seen_fork", "last"}


def ids_of(names: set[str]) -> set[str]:
    """Return tests of the project."""
    return {f"test_thieves.py::test_{name}" for name in names}


def project(folder: Path, **tests: str) -> Path:
    """Return a project in git with these test modules."""
    for file, text in {
        "pytest.ini": INI,
        "pkg/__init__.py": "",
        "pkg/work.py": WORK,
        ".gitignore": ".cloche/\n__pycache__/\n.coverage\n",
        **{f"tests/{name}.py": text for name, text in tests.items()},
    }.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return folder


def record(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Record a project's map by the plugin."""
    command = [
        "pytest",
        "-q",
        "-p",
        "cloche.selection.impact.plugin",
        f"--impact-map={folder}/.cloche/impact-map.json",
        *words,
    ]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


@dataclass(frozen=True)
class Recorded:
    """A project with a map, and what its recording said."""

    folder: Path
    said: str


@pytest.fixture(scope="module", params=["", "sysmon"] if sys.version_info >= (3, 12) else [""])
def thieves(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Recorded:
    """Return the project; the tests' own coverage may have another core."""
    folder = project(tmp_path_factory.mktemp("thieves") / "project", test_thieves=THIEVES)
    ended = record(folder, **({"COVERAGE_CORE": request.param} if request.param else {}))
    assert ended.returncode == 0, ended.stdout
    return Recorded(folder, ended.stderr)


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("return 1", "return 1 + 0", {"plain", "doctest", "profile"}),
        ("return 3", "return 3 + 0", {"doctest", "seen_thread", "seen_fork", "last"}),
        # Nobody is seen to run these; who took the tracer away may have.
        ("return 2", "return 2 + 0", set[str]()),
        ("return 0", "return 0 + 0", set[str]()),
    ],
)
def test_the_tests_after_one_that_takes_the_tracer_away_are_measured(
    thieves: Recorded, run: Callable[..., Outcome], old: str, new: str, seen: set[str]
) -> None:
    checkout = Checkout(thieves.folder, run)
    checkout.replace("pkg/work.py", old, new)
    try:
        found = checkout.tests()
    finally:
        checkout.write("pkg/work.py", WORK)
    every = {line[9:].partition("(")[0] for line in THIEVES.splitlines() if line.startswith("def test_")}
    # The control: what is measured is left out where it does not run what changed.
    assert found == ids_of(seen | every - SEEN)


def test_the_tests_are_named(thieves: Recorded, run: Callable[..., Outcome]) -> None:
    assert (
        "not all is known of what ran, and every change selects it: tests/test_thieves.py::test_past_threading started a "
        "thread in which nothing is seen\n"
    ) in thieves.said
    names = "test_back, tests/test_thieves.py::test_bdb, tests/test_thieves.py::test_coverage, "
    assert f"every change selects it: tests/test_thieves.py::{names}" in thieves.said
    assert " and 4 more took the recorder's tracer away\n" in thieves.said
    checkout = Checkout(thieves.folder, run)
    checkout.replace("pkg/work.py", "return 3", "return 4")
    try:
        explained = checkout.select("--explain").err
    finally:
        checkout.write("pkg/work.py", WORK)
    assert (
        "tests/test_thieves.py::test_bdb: always-run rule: took the recorder's tracer away while the map was recorded; three "
        "in pkg/work.py changed\n"
    ) in explained


def test_code_between_tests_that_is_not_measured_counts_as_everything(
    tmp_path: Path, run: Callable[..., Outcome]
) -> None:
    text = "import sys\n\n\ndef pytest_collection_finish():\n    sys.settrace(None)\n"
    folder = project(
        tmp_path, conftest=text, test_one="from pkg.work import one\n\n\ndef test_one():\n    assert one() == 1\n"
    )
    assert "what runs between tests took the recorder's tracer away" in record(folder).stderr
    checkout = Checkout(folder, run)
    checkout.replace("pkg/work.py", "return 3", "return 4")
    everything = "what runs outside of tests took the recorder's tracer away while the map was recorded"
    assert checkout.data()["everything"] == everything


def test_erased_measurements_give_no_map(tmp_path: Path) -> None:
    text = "import coverage\n\n\ndef test_erase():\n    coverage.Coverage.current().erase()\n"
    folder = project(tmp_path, test_erase=text)
    ended = record(folder)
    assert ended.returncode != 0
    assert "no map is written: a test has erased what coverage had measured" in ended.stderr + ended.stdout
    assert not (folder / ".cloche").exists()


ENDS = """import pytest

from pkg.work import one, three, two


def test_a():
    assert one() == 1


def test_b():
    BODY


def test_c():
    assert three() == 3
"""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("pytest.exit('enough', returncode=0)", []),
        ("assert two() == 1", ["-x"]),
        ("assert two() == 1", ["--maxfail=1"]),
    ],
)
def test_what_does_not_run_to_its_end_is_selected(
    tmp_path: Path, run: Callable[..., Outcome], body: str, words: list[str]
) -> None:
    folder = project(tmp_path, test_ends=ENDS.replace("BODY", body))
    record(folder, *words)
    checkout = Checkout(folder, run)
    assert checkout.tests() == {"test_ends.py::test_b", "test_ends.py::test_c"}
    assert (
        "test_c: always-run rule: did not run to its end when the map was recorded" in checkout.select("--explain").err
    )


def test_a_process_that_ends_gives_no_map(tmp_path: Path, run: Callable[..., Outcome]) -> None:
    folder = project(tmp_path, test_ends=ENDS.replace("BODY", "import os; os._exit(0)"))
    outcome = Checkout(folder, run).select("--record")
    assert outcome.code == 1
    assert outcome.err.endswith("error: pytest ended with 0 and no map was written; its words are above\n")


def test_what_python_stands_in_for_is_not_trusted(tmp_path: Path, run: Callable[..., Outcome]) -> None:
    """The recorder asks os which file a name stands for; a test may let it say another one."""
    text = (
        "import os\nfrom pathlib import Path\n\n\ndef test_elsewhere(monkeypatch, tmp_path):\n"
        "    monkeypatch.setattr(os, 'getcwd', lambda: str(tmp_path))\n    assert Path('data.txt').read_text() == 'a'\n\n\n"
        "def test_moved(monkeypatch):\n    monkeypatch.chdir('pkg')\n    assert Path('../data.txt').read_text() == 'a'\n\n\n"
        "def test_other():\n    pass\n"
    )
    folder = project(tmp_path, test_os=text)
    (folder / "data.txt").write_text("a")
    checkout = Checkout(folder, run)
    checkout.git("add", "-A")
    checkout.git("commit", "-qm", "data")
    # Warnings that are errors: the recorder gives none.
    assert record(folder, "-W", "error").returncode == 0
    checkout.write("data.txt", "b")
    assert checkout.tests("--base", "HEAD") == {"test_os.py::test_elsewhere", "test_os.py::test_moved"}


def test_recorded_derivations_measure_the_same(tmp_path: Path) -> None:
    """`packages.impact-map` is made by the recorder's sibling, which writes contexts; a test that crashed has failed."""
    import json

    from cloche.selection.impact.make_map import seen_in
    from cloche.selection.impact.recording import make

    folder = project(tmp_path / "project", test_thieves=THIEVES)
    target = tmp_path / "contexts.json"
    settings = {
        "contexts": {"target": str(target), "places": [[str(folder), ""]]},
        "done": ["tests/test_x.py::test_crash[1]"],
    }
    (tmp_path / "suite.json").write_text(json.dumps(settings))
    variables = {**os.environ, "CLOCHE_SUITE": str(tmp_path / "suite.json")}
    command = ["pytest", "-q", "-p", "cloche.selection.impact.contexts"]
    subprocess.run(command, cwd=folder, env=variables, check=True, capture_output=True)
    data = json.loads(target.read_text())
    made = make(folder, ["pkg/work.py", "tests/test_thieves.py"], seen_in(data), {})
    names = [name for name, _ in made["tests"]]
    assert ["tests/test_x.py::test_crash", "failed"] in made["tests"]
    assert {names[number].rpartition("_")[2] for number in made["functions"]["pkg/work.py::three"]["tests"]} == {
        "doctest",
        "thread",
        "fork",
        "last",
    }
    taken = {
        names[number].partition("::test_")[2]
        for number in made["unmeasured"]["took the recorder's tracer away"]["tests"]
    }
    assert {"settrace", "fork", "process", "fixture", "fixture_again"} <= taken
    assert not taken & SEEN
    # A batch in which nothing but what crashes: it is not forgotten.
    shutil.rmtree(folder / "tests")
    (folder / "tests").mkdir()
    ended = subprocess.run(command, cwd=folder, env=variables, check=False, capture_output=True)
    assert ended.returncode == 5
    assert json.loads(target.read_text())["outcomes"] == {"tests/test_x.py::test_crash": "failed"}
