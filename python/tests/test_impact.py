"""`cloche select-tests`: the map, changes, and what is selected for them; in real git checkouts, with real pytest."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloche.suite.judge import judge
from conftest import Outcome

FILES = {
    "pytest.ini": "[pytest]\npythonpath = .\ntestpaths = tests\naddopts = -p no:cacheprovider\n",
    "pyproject.toml": '[project]\nname = "growth"\nversion = "1"\n[tool.ruff]\nline-length = 99\n',
    "README.md": "# growth\n",
    "growth/__init__.py": '"""Growth."""\n\nfrom growth.rate import double, triple\nfrom growth.table import lookup\n',
    "growth/rate.py": '''"""Rates."""

LIMIT = 100
UNUSED = 7


def double(x):
    """Twice."""
    return min(2 * x, LIMIT)


def triple(x):
    return 3 * x


def _start():
    return 5


START = _start()


class Counter:
    step = 1

    def __init__(self):
        self.n = START

    def up(self):
        self.n += self.step
        return self.n
''',
    "growth/table.py": """from pathlib import Path

TABLE = {}


def register(name):
    def wrap(f):
        TABLE[name] = f
        return f

    return wrap


@register("one")
def one():
    return 1


def lookup(name):
    return TABLE[name]()


def words():
    return Path(__file__).with_name("words.txt").read_text().split()
""",
    "growth/words.txt": "a b\n",
    "growth/alone.py": "def alone():\n    return 1\n",
    "tests/test_rate.py": """import subprocess
import sys

import pytest

from growth import double, triple
from growth.rate import Counter


@pytest.mark.parametrize("x", [1, 2])
def test_double(x):
    assert double(x) == 2 * x


def test_triple():
    assert triple(2) == 6


def test_counter():
    assert Counter().up() == 6
""",
    "tests/test_table.py": """import pytest

from growth import table
from growth.alone import alone


@pytest.fixture(scope="module")
def text():
    return table.words()


def test_words(text):
    assert text == ["a", "b"]


def test_words_again(text):
    assert len(text) == 2


def test_lookup():
    assert table.lookup("one") == 1


def test_alone():
    assert alone() == 1
""",
}


@dataclass(frozen=True)
class Checkout:
    """A project in git, with a map that was recorded at its first commit."""

    folder: Path
    run: Callable[..., Outcome]

    def git(self, *words: str) -> None:
        """Run git as somebody."""
        who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
        subprocess.run(["git", "-C", str(self.folder), *who, *words], check=True, capture_output=True)

    def write(self, file: str, text: str) -> None:
        """Write a file of the project."""
        (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / file).write_text(text)

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a text in a file."""
        text = (self.folder / file).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        self.write(file, text.replace(old, new))

    def select(self, *arguments: str) -> Outcome:
        """Run `cloche select-tests` in the project."""
        return self.run("select-tests", "--project", str(self.folder), *arguments)

    def data(self, *arguments: str) -> dict[str, Any]:
        """Return the selection as JSON; it may be empty."""
        outcome = self.select("--format", "json", "--allow-empty", *arguments)
        assert outcome.code == 0, outcome.err
        found: dict[str, Any] = json.loads(outcome.out)
        return found

    def tests(self, *arguments: str) -> set[str]:
        """Return the selected tests without their folder; the selection must not be everything."""
        data = self.data(*arguments)
        assert data["everything"] is None
        return {entry["id"].removeprefix("tests/") for entry in data["tests"]}


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a map; tests copy it."""
    folder = tmp_path_factory.mktemp("impact") / "project"
    for file, text in FILES.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    (folder / ".gitignore").write_text(".cloche/\n__pycache__/\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    target = folder / ".cloche/impact-map.json"
    words = ["pytest", "-q", "-p", "cloche.selection.impact.plugin", "--impact-map", str(target)]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def checkout(recorded: Path, tmp_path: Path, run: Callable[..., Outcome]) -> Checkout:
    """Return a fresh copy of the project with its map."""
    shutil.copytree(recorded, tmp_path / "project")
    return Checkout(tmp_path / "project", run)


RATE = {"test_rate.py::test_double", "test_rate.py::test_triple", "test_rate.py::test_counter"}
TABLE = {f"test_table.py::{name}" for name in ("test_words", "test_words_again", "test_lookup", "test_alone")}


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        # The body of a function: the tests that ran it.
        ("growth/rate.py", "return 3 * x", "return x * 3", {"test_rate.py::test_triple"}),
        # A method, and what a class's body holds.
        ("growth/rate.py", "return self.n", "return self.n + 0", {"test_rate.py::test_counter"}),
        ("growth/rate.py", "step = 1", "step = 2", {"test_rate.py::test_counter"}),
        # A constant: the tests of the code that uses it, and no others.
        ("growth/rate.py", "LIMIT = 100", "LIMIT = 101", {"test_rate.py::test_double"}),
        # Nobody uses it, but an import that fails would be seen by any test: the one that does least.
        ("growth/rate.py", "UNUSED = 7", "UNUSED = 1 / 0", {"test_rate.py::test_double"}),
        # A function that runs at import: followed to the name that it makes, and to the users of that.
        ("growth/rate.py", "return 5", "return 2 + 3", {"test_rate.py::test_counter"}),
        # A default and a docstring belong to the name.
        ("growth/rate.py", "def triple(x)", "def triple(x=1)", {"test_rate.py::test_triple"}),
        ("growth/rate.py", '"""Twice."""', '"""Doubled."""', {"test_rate.py::test_double"}),
        # A file that tests read, through a fixture that is made once for both.
        ("growth/words.txt", "a b", "a c", {"test_table.py::test_words", "test_table.py::test_words_again"}),
        ("growth/table.py", "split()", "split(None)", {"test_table.py::test_words", "test_table.py::test_words_again"}),
        # A test itself.
        ("tests/test_rate.py", "triple(2) == 6", "triple(3) == 9", {"test_rate.py::test_triple"}),
        # Comments and layout are no change of what code does.
        ("growth/rate.py", "LIMIT = 100", "LIMIT = 100  # percent\n\n", set()),
        ("pyproject.toml", "line-length = 99", "line-length = 100", set()),
    ],
)
def test_what_a_change_selects(checkout: Checkout, file: str, old: str, new: str, expected: set[str]) -> None:
    checkout.replace(file, old, new)
    assert checkout.tests() == expected


def test_a_decorator_that_registers_reaches_what_reads_the_registry(checkout: Checkout) -> None:
    checkout.replace("growth/table.py", '@register("one")', '@register("two")')
    assert checkout.tests() == {"test_table.py::test_lookup"}


def test_a_decorator_of_another_package_may_do_anything(checkout: Checkout) -> None:
    text = FILES["growth/alone.py"]
    checkout.write("growth/alone.py", f"import atexit\n\n\n@atexit.register\n{text}")
    assert checkout.tests() == TABLE


def test_a_function_that_registers_at_import_reaches_what_reads_the_registry(checkout: Checkout) -> None:
    checkout.replace("growth/table.py", "TABLE[name] = f", "TABLE[name + '_'] = f")
    assert "test_table.py::test_lookup" in checkout.tests()


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("pytest.ini", "[pytest]\n", "pytest.ini changed, which may configure pytest or the build"),
        ("pyproject.toml", "", "pyproject.toml changed, which may configure pytest or the build"),
        ("README.md", "# other\n", "README.md changed, and it is not known which tests depend on it"),
        ("growth/new.txt", "x", "growth/new.txt is new, and it is not known which tests depend on it"),
        ("growth/rate.py", "def double(:\n", "growth/rate.py changed and cannot be parsed"),
        ("setup.py", "x = 1\n", "setup.py changed, which builds the project"),
        ("cloche.lock", "{", "cloche.lock changed and cannot be compared with what it was"),
    ],
)
def test_rules_that_select_everything(checkout: Checkout, file: str, text: str, reason: str) -> None:
    checkout.write(file, text)
    assert checkout.data()["everything"] == reason
    outcome = checkout.select()
    assert outcome.code == 0
    # What stands for everything is what pytest is configured to collect.
    assert outcome.out in {"tests\n", ".\n"}
    assert f"everything is selected: {reason}\n" in outcome.err


def test_a_file_that_is_said_to_be_unrelated(checkout: Checkout) -> None:
    checkout.write("README.md", "# other\n")
    assert checkout.tests("--unrelated", "*.md") == set()


def test_conftest_selects_what_is_below_it(checkout: Checkout) -> None:
    checkout.write("tests/conftest.py", "x = 1\n")
    assert checkout.tests() == RATE | TABLE


def test_new_tests_and_new_files(checkout: Checkout) -> None:
    with (checkout.folder / "tests/test_rate.py").open("a") as file:
        file.write("\n\ndef test_new():\n    assert triple(1) == 3\n")
    checkout.write("tests/test_more.py", "def test_more():\n    pass\n")
    assert checkout.tests() == {"test_rate.py::test_new", "test_more.py"}


def test_a_test_that_is_gone_is_not_selected(checkout: Checkout) -> None:
    text = FILES["tests/test_rate.py"]
    checkout.write("tests/test_rate.py", text[: text.index("def test_counter")])
    assert checkout.tests() == set()
    (checkout.folder / "tests/test_rate.py").unlink()
    assert checkout.tests() <= TABLE


def test_a_removed_function_selects_its_users(checkout: Checkout) -> None:
    checkout.replace("growth/rate.py", "def triple(x):\n    return 3 * x\n", "")
    assert "test_rate.py::test_triple" in checkout.tests()


def test_nothing_changed_is_said_and_is_no_success(checkout: Checkout) -> None:
    outcome = checkout.select()
    assert (outcome.code, outcome.out) == (5, "")
    assert "no test is selected: nothing that tests could depend on changed since " in outcome.err
    assert checkout.select("--allow-empty").code == 0
    assert checkout.data()["empty"].startswith("nothing that tests could depend on changed since ")
    assert checkout.select("--format", "github").out == "everything=false\nempty=true\ncount=0\ntests=[]\n"
    ended = checkout.select("--run", "--shadow-runs", "0")
    assert (ended.code, ended.out) == (5, "")


BRANCHES = """def branch(x):
    if x > 0:
        sign = 1
    else:
        sign = -1
    for _ in range(2):
        try:
            x = 1 / x
        except ZeroDivisionError:
            return None
    while True:
        break
    return sign * x
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # A step is seen by the tests that ran it; a head by all that come to it.
        ("sign = 1\n", "sign = 2\n", {"plus"}),
        ("sign = -1", "sign = -2", {"minus", "zero"}),
        ("return None", "return 0", {"zero"}),
        ("sign * x", "x * sign", {"plus", "minus"}),
        ("x > 0", "x >= 0", {"plus", "minus", "zero"}),
        ("while True:", "while 1:", {"plus", "minus"}),
        # What is added or removed is reached by what reaches the place.
        ("        sign = 1\n", "        sign = 1\n        sign += 1\n", {"plus", "minus", "zero"}),
        (
            "        try:\n            x = 1 / x\n        except ZeroDivisionError:\n            return None\n",
            "        x = x\n",
            {"plus", "minus", "zero"},
        ),
        # Moved out of the handler.
        ("            return None\n", "            pass\n        return None\n", {"plus", "minus", "zero"}),
    ],
)
def test_which_statement_of_a_function_changed(checkout: Checkout, old: str, new: str, expected: set[str]) -> None:
    checkout.write("growth/alone.py", BRANCHES + "\n\ndef alone():\n    return 1\n")
    tests = "".join(
        f"def test_{name}():\n    branch({x})\n\n\n" for name, x in [("plus", 1), ("minus", -1), ("zero", 0)]
    )
    checkout.write("tests/test_branch.py", "from growth.alone import branch\n\n\n" + tests)
    checkout.git("add", "-A")
    checkout.git("commit", "-qm", "second")
    assert checkout.select("--record", "--", "-q").code == 0
    checkout.replace("growth/alone.py", old, new)
    assert checkout.tests("--base", "HEAD") == {f"test_branch.py::test_{name}" for name in expected}


def test_caches_are_no_new_files(checkout: Checkout) -> None:
    """Git may not have been told to ignore them: `paths` and `changed` leave out what lies in one, and nothing else."""
    checkout.write(".gitignore", "")
    checkout.git("commit", "-aqm", "nothing is ignored")
    for file in ("growth/__pycache__/rate.pyc", ".hypothesis/examples", ".pytest_cache/README.md", ".cloche/x.json"):
        checkout.write(file, "x")
    assert checkout.tests("--base", "HEAD") == set()
    checkout.write("growth/cache.txt", "x")
    assert checkout.data("--base", "HEAD")["everything"].startswith("growth/cache.txt is new, ")


def test_a_change_that_no_test_reaches_says_so(checkout: Checkout) -> None:
    checkout.write("growth/lonely.py", "UNUSED = 7\n")
    checkout.git("add", "-A")
    checkout.git("commit", "-qm", "second")
    checkout.write("growth/lonely.py", "UNUSED = 8\n")
    outcome = checkout.select("--base", "HEAD")
    assert outcome.code == 5
    assert "no test is selected: no test is known to reach any of the 1 changes since " in outcome.err


def test_without_a_map_everything_is_selected(checkout: Checkout) -> None:
    (checkout.folder / ".cloche/impact-map.json").unlink()
    outcome = checkout.select()
    assert (outcome.code, outcome.out) == (0, "tests\n")
    assert "everything is selected: there is no map " in outcome.err
    assert outcome.err.endswith("; make it with: cloche select-tests --record\n")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[", "is no JSON"),
        ("{}", "its version is None, and this program reads 4"),
        ('{"version": 4}', "KeyError: 'tests'"),
    ],
)
def test_a_map_that_cannot_be_read_selects_everything(checkout: Checkout, text: str, fault: str) -> None:
    checkout.write(".cloche/impact-map.json", text)
    outcome = checkout.select()
    assert (outcome.code, outcome.out) == (0, "tests\n")
    assert "is no impact map (" in outcome.err
    assert fault in outcome.err
    assert outcome.err.endswith("everything is selected: the map cannot be read\n")


def test_a_broken_map_is_noticed(checkout: Checkout) -> None:
    """A control: numbers of tests that are none must not read as other tests."""
    path = checkout.folder / ".cloche/impact-map.json"
    data = json.loads(path.read_text())
    data["functions"]["growth/rate.py::triple"]["tests"] = [-1]
    path.write_text(json.dumps(data))
    assert checkout.data()["everything"] == "the map cannot be read"


def test_what_changed_since_the_recording_is_selected_too(checkout: Checkout) -> None:
    checkout.replace("growth/rate.py", "return 3 * x", "return x * 3")
    checkout.git("commit", "-aqm", "second")
    checkout.replace("growth/alone.py", "return 1", "return 2 - 1")
    data = checkout.data("--base", "HEAD")
    reasons = {entry["id"]: entry["reasons"] for entry in data["tests"]}
    assert reasons == {
        "tests/test_rate.py::test_triple": [
            "ran what changed in triple; since the map was recorded: triple in growth/rate.py changed",
        ],
        "tests/test_table.py::test_alone": ["ran what changed in alone; alone in growth/alone.py changed"],
    }
    assert data["stale"]["unknown"] == ["growth/rate.py::triple"]
    outcome = checkout.select("--base", "HEAD")
    assert "functions as they are; 1 changed or are new since it was recorded (" in outcome.err


def test_a_stale_map_selects_everything(checkout: Checkout) -> None:
    names = "".join(f"def f{number}():\n    return {number}\n" for number in range(20))
    checkout.write("growth/many.py", names)
    checkout.git("add", "-A")
    checkout.git("commit", "-qm", "second")
    everything = checkout.data()["everything"]
    assert everything.startswith("the map is stale: the map knows ")


def test_a_branch_is_compared_with_where_it_left_main(checkout: Checkout) -> None:
    checkout.git("checkout", "-qb", "topic")
    checkout.replace("growth/alone.py", "return 1", "return 2 - 1")
    checkout.git("commit", "-aqm", "second")
    assert checkout.tests() == {"test_table.py::test_alone"}
    assert checkout.tests("--base", "main", "--head", "topic") == {"test_table.py::test_alone"}


def test_a_map_whose_tests_are_elsewhere_selects_everything(checkout: Checkout) -> None:
    """It was recorded below another root of pytest, for example, so that each test has another name."""
    path = checkout.folder / ".cloche/impact-map.json"
    path.write_text(path.read_text().replace('["tests/', '["p/tests/'))
    checkout.replace("growth/rate.py", "return 3 * x", "return 4 * x")
    found = checkout.data()["everything"]
    assert found == "none of the map's 7 tests is in the tree; record it anew in this folder"


def test_what_failed_last_time_is_selected(checkout: Checkout, tmp_path: Path) -> None:
    report = tmp_path / "outcomes.json"
    entry = {"test": "tests.test_rate::test_double[1]", "outcome": "failed", "message": ""}
    report.write_text(json.dumps({"version": 1, "tests": [entry]}))
    assert checkout.tests("--results", str(report)) == {"test_rate.py::test_double"}
    junit = tmp_path / "junit.xml"
    junit.write_text(
        '<testsuites><testsuite><testcase classname="tests.test_rate" name="test_triple"><failure/></testcase>'
        "</testsuite></testsuites>"
    )
    assert checkout.tests("--results", str(junit)) == {"test_rate.py::test_triple"}
    junit.write_text(junit.read_text().replace("test_triple", "test_gone"))
    data = checkout.data("--results", str(junit))
    assert data["everything"] == "a test that failed in junit.xml is not known: tests.test_rate::test_gone"


@pytest.mark.parametrize(
    ("outcome", "fails"),
    [
        *((word, False) for word in ("passed", "skipped", "xfailed", "xpassed")),
        # What a verdict counts as a failure, and what nobody here has heard of.
        *((word, True) for word in ("failed", "error", "flaky", "crashed", "timeout")),
    ],
)
def test_what_a_verdict_counts_as_a_failure_failed_last_time(
    checkout: Checkout, tmp_path: Path, outcome: str, *, fails: bool
) -> None:
    report = tmp_path / "outcomes.json"
    entry = {"test": "tests.test_rate::test_triple", "outcome": outcome, "message": ""}
    report.write_text(json.dumps({"version": 1, "tests": [entry]}))
    assert checkout.tests("--results", str(report)) == ({"test_rate.py::test_triple"} if fails else set())
    assert bool(judge([{**entry, "message": ""}], {}, "").bad) is fails


@pytest.mark.parametrize(
    ("inside", "fails"),
    [
        ("", False),
        ("<skipped/>", False),
        ("<system-out/>", False),
        ('<failure message="[XPASS(strict)] x"/>', True),
        ('<skipped type="pytest.xfail"/><error/>', True),
        ('<error type="crash"/>', True),
        ("<flakyFailure/>", True),
        ("<rerunError/>", True),
    ],
)
def test_what_junit_xml_says_of_a_failure(checkout: Checkout, tmp_path: Path, inside: str, *, fails: bool) -> None:
    junit = tmp_path / "junit.xml"
    case = f'<testcase classname="tests.test_rate" name="test_triple">{inside}</testcase>'
    junit.write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    assert checkout.tests("--results", str(junit)) == ({"test_rate.py::test_triple"} if fails else set())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<testsuites/>", "it has no testcase"),
        ("<!DOCTYPE a><a/>", "it has a DTD or entities, which no report of tests needs"),
        ("{}", "KeyError: 'tests'"),
    ],
)
def test_results_that_are_none(checkout: Checkout, tmp_path: Path, text: str, fault: str) -> None:
    report = tmp_path / "results"
    report.write_text(text)
    outcome = checkout.select("--results", str(report))
    assert outcome.code == 2
    assert outcome.err == (
        f"error: {report} holds no test results ({fault}); --results takes JUnit XML or Cloche's outcomes.json\n"
    )


def test_run_runs_the_selection_with_words_for_pytest(checkout: Checkout) -> None:
    checkout.replace("growth/rate.py", "return 3 * x", "return 4 * x")
    outcome = checkout.select("--run", "--shadow-runs", "0", "--", "-q")
    assert (outcome.code, outcome.out) == (1, "")
    assert "1 failed" in outcome.err
    assert "passed" not in outcome.err


def test_explain_gives_each_reason(checkout: Checkout) -> None:
    checkout.replace("growth/rate.py", "LIMIT = 100", "LIMIT = 101")
    outcome = checkout.select("--explain")
    assert outcome.out == "tests/test_rate.py::test_double\n"
    assert (
        "tests/test_rate.py::test_double: ran double, which uses what changed; LIMIT in growth/rate.py changed outside "
        "of functions\n"
    ) in outcome.err
    assert outcome.err.endswith("1 selected; the map knows 7 tests\n")


def test_output_goes_to_a_file(checkout: Checkout, tmp_path: Path) -> None:
    checkout.replace("growth/rate.py", "LIMIT = 100", "LIMIT = 101")
    outcome = checkout.select("--output", str(tmp_path / "tests_to_run.txt"))
    assert outcome.out == ""
    assert (tmp_path / "tests_to_run.txt").read_text() == "tests/test_rate.py::test_double\n"


def test_shadow_counts_what_a_broken_map_would_have_missed(checkout: Checkout) -> None:
    checkout.replace("growth/rate.py", "return 3 * x", "return 4 * x")
    outcome = checkout.select("--shadow")
    assert outcome.code == 1
    assert (
        "shadow: 1 runs so far, 1 with failures, in 0 of them the selection would have missed some, in 0 all\n"
        in outcome.err
    )
    # The control: the map loses the test of the function.
    path = checkout.folder / ".cloche/impact-map.json"
    data = json.loads(path.read_text())
    data["functions"]["growth/rate.py::triple"]["tests"] = []
    path.write_text(json.dumps(data))
    outcome = checkout.select("--shadow")
    assert "missed: tests.test_rate::test_triple failed and was not selected\n" in outcome.err
    assert (
        "shadow: 2 runs so far, 2 with failures, in 1 of them the selection would have missed some, in 1 all\n"
        in outcome.err
    )


def test_recording_is_stable_and_needs_no_cloche_in_the_project(checkout: Checkout) -> None:
    path = checkout.folder / ".cloche/impact-map.json"
    before = path.read_text()
    outcome = checkout.select("--record", "--", "-q")
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    assert "7 tests, " in outcome.err
    assert json.loads(path.read_text())["functions"] == json.loads(before)["functions"]
    assert checkout.select("--record", "--", "-q").code == 0


def test_a_recording_of_nothing_leaves_the_old_map(checkout: Checkout) -> None:
    before = (checkout.folder / ".cloche/impact-map.json").read_text()
    outcome = checkout.select("--record", "--", "-q", "-k", "nothing_of_this_name")
    assert outcome.code == 1
    assert outcome.err.endswith("error: pytest ended with 5 and no map was written; its words are above\n")
    assert (checkout.folder / ".cloche/impact-map.json").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--record", "--run"], "--record, --run and --shadow exclude each other"),
        (["tests"], "words for pytest need --record, --run or --shadow"),
        (["--head", "HEAD", "--run"], "--head only tells; --run and --shadow run the working tree"),
        (["--base", "nowhere"], ": 'nowhere' names no commit; git says:\nfatal: Needed a single revision\n"),
    ],
)
def test_wrong_usage(checkout: Checkout, arguments: list[str], words: str) -> None:
    outcome = checkout.select(*arguments)
    assert outcome.code == 2
    assert words in outcome.err


def test_no_main_branch(checkout: Checkout) -> None:
    checkout.git("branch", "-m", "other")
    outcome = checkout.select()
    assert outcome.code == 2
    assert outcome.err == (
        "error: no main branch is known (tried origin/HEAD, origin/main, origin/master, main, master), so nothing says what "
        "the change is; name a revision\nwith --base REV\n"
    )


def test_a_changed_package_of_the_lock(checkout: Checkout) -> None:
    def lock(**versions: str) -> str:
        packages = {name: {"version": version, "dependencies": []} for name, version in versions.items()}
        return json.dumps({"environments": {"x86_64-linux": {"3.11": {"packages": packages}}}})

    checkout.write("cloche.lock", lock(numpy="1", pytest="8"))
    checkout.git("add", "-A")
    checkout.git("commit", "-qm", "second")
    checkout.write("cloche.lock", lock(numpy="2", pytest="8"))
    # Nothing here imports it.
    assert checkout.tests() == set()
    checkout.write("cloche.lock", lock(numpy="2", pytest="9"))
    assert checkout.data()["everything"] == "pytest, which runs the tests, or what it needs changed in cloche.lock"
    checkout.write("growth/alone.py", "import numpy\n\n\ndef alone():\n    return 1\n")
    checkout.git("commit", "-qam", "third")
    checkout.write("cloche.lock", lock(numpy="3", pytest="9"))
    assert "test_table.py::test_alone" in checkout.tests()


def test_a_project_that_is_imported_from_elsewhere_gives_no_map(checkout: Checkout, tmp_path: Path) -> None:
    shutil.copytree(checkout.folder / "growth", tmp_path / "elsewhere/growth")
    checkout.write("pytest.ini", f"[pytest]\npythonpath = {tmp_path}/elsewhere\n")
    shutil.rmtree(checkout.folder / ".cloche")
    outcome = checkout.select("--record", "--", "-q", "-p", "no:cacheprovider")
    assert outcome.code == 1
    assert (
        f"growth was imported from {tmp_path}/elsewhere/growth/__init__.py, and not from "
        f"{checkout.folder}/growth/__init__.py: no map is written, because it would know\nnothing about this tree. Run "
        "the tests where the project is imported from its checkout (editable).\n"
    ) in outcome.err
    assert not (checkout.folder / ".cloche/impact-map.json").exists()


def test_tests_that_start_programs_are_selected_for_every_change(checkout: Checkout) -> None:
    with (checkout.folder / "tests/test_rate.py").open("a") as file:
        file.write('\n\ndef test_program():\n    subprocess.run([sys.executable, "-c", ""], check=True)\n')
    checkout.git("commit", "-aqm", "second")
    assert checkout.select("--record", "--", "-q").code == 0
    checkout.replace("growth/alone.py", "return 1", "return 2 - 1")
    assert checkout.tests("--base", "HEAD") == {"test_table.py::test_alone", "test_rate.py::test_program"}


def test_imports_inside_of_tests_count_as_import_time(checkout: Checkout) -> None:
    """Only the first of two tests runs the module's code, and both see what it made."""
    checkout.write("growth/late.py", "def make():\n    return 1\n\n\nMADE = make()\n")
    uses = "    from growth.late import MADE\n\n    assert MADE == 1\n"
    checkout.write("tests/test_late.py", f"def test_first():\n{uses}\n\ndef test_second():\n{uses}")
    checkout.git("add", "-A")
    checkout.git("commit", "-qm", "second")
    assert checkout.select("--record", "--", "-q").code == 0
    checkout.replace("growth/late.py", "return 1", "return 2 - 1")
    assert checkout.tests("--base", "HEAD") == {"test_late.py::test_first", "test_late.py::test_second"}


def test_a_package_that_is_pulled_apart_reaches_its_importers(checkout: Checkout) -> None:
    (checkout.folder / "growth/alone.py").unlink()
    checkout.write("growth/alone/__init__.py", "def alone():\n    return 1\n")
    assert checkout.tests() == TABLE


@pytest.mark.parametrize("every", ["vars(growth.rate)", "growth.rate.__dict__", "{n: 1 for n in dir(growth.rate)}"])
def test_code_that_takes_a_whole_module_uses_all_its_names(checkout: Checkout, every: str) -> None:
    text = f"import growth\nimport growth.rate\n\n\ndef test_names():\n    assert 'UNUSED' in {every}\n"
    checkout.write("tests/test_names.py", text)
    checkout.git("add", "-A")
    checkout.git("commit", "-qm", "second")
    assert checkout.select("--record", "--", "-q").code == 0
    checkout.replace("growth/rate.py", "UNUSED = 7", "UNUSED = 8")
    assert checkout.tests("--base", "HEAD") == {"test_names.py::test_names"}


def test_a_folder_of_which_git_says_only_that_it_changed(tmp_path: Path, run: Callable[..., Outcome]) -> None:
    """A submodule, and a link to a folder: who lists it is not all that it concerns."""
    test = "import os\n\n\ndef test_read():\n    assert open('{0}/a.txt').read()\n\n\n"
    test += "def test_list():\n    assert os.listdir('{0}')\n"
    checkout, other = Checkout(tmp_path / "project", run), Checkout(tmp_path / "project/sub", run)
    other.write("a.txt", "one")
    for name in ("sub", "data"):
        checkout.write(f"test_{name}.py", test.format(name))
    checkout.write(".gitignore", ".cloche/\n__pycache__/\n")
    checkout.write("v1/a.txt", "one")
    checkout.write("v2/a.txt", "two")
    (checkout.folder / "data").symlink_to("v1")
    checkout.write(".gitmodules", '[submodule "sub"]\n\tpath = sub\n\turl = ../other\n')
    # A repository in it becomes a submodule when it is added.
    for each in (other, checkout):
        each.git("init", "-q", "-b", "main")
        each.git("add", "-A")
        each.git("commit", "-qm", "first")
    assert checkout.select("--record").code == 0
    assert checkout.tests("--base", "HEAD") == set()
    checkout.write("sub/a.txt", "three")
    why = "sub changed, and it is not known which of the files in it"
    assert checkout.data("--base", "HEAD")["everything"] == why
    checkout.write("sub/a.txt", "one")
    (checkout.folder / "data").unlink()
    (checkout.folder / "data").symlink_to("v2")
    assert str(checkout.data("--base", "HEAD")["everything"]).startswith("data changed, and it is not known which")
