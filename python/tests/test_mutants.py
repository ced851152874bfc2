"""Mutants: where faults can be put, what a suite says of them, and what a way of selecting had found."""

import dataclasses
import gzip
import json
import sys
import time
from pathlib import Path

import pytest

from cloche.errors import ClocheError
from cloche.selection.mutants import foreign
from cloche.selection.mutants.matrix import Judged, Matrix, Suite, applied, facts, judge, load, run
from cloche.selection.mutants.replay import Selected, detects, figures, replay
from cloche.selection.mutants.sample import Sample, draw, source_files
from cloche.selection.mutants.sites import OPERATORS, Mutant, compiles, mutants_of, place_of
from repeating import REPEATING

TEXT = '''"""Docs."""
import functools

LIMITS = [1, "a"]
"said, and no more"


@functools.cache
def size(x: int = 2) -> "int":
    """Docs."""
    if x and not x > LIMITS[0]:
        x += 1
    REGISTRY.append(x)
    return f"{x}" if x else [y for y in "é" + str(x) if y]


class Box:
    full = True

    def get(self):
        yield self.full
'''


def test_where_faults_can_be_put() -> None:
    found = [(each.operator, each.old, each.new, each.stratum, each.where) for each in mutants_of("m.py", TEXT)]
    assert found == [
        ("element", '[1, "a"]', "[1]", "import", "<LIMITS>"),
        ("number", "1", "2", "import", "<LIMITS>"),
        ("string", '"a"', "'a_'", "import", "<LIMITS>"),
        ("decorator", "@functools.cache", "", "import", "<size>"),
        ("number", "2", "3", "import", "<size>"),
        ("logic", "x and not x > LIMITS[0]", "((x) or (not x > LIMITS[0]))", "function", "size"),
        ("negation", "not x > LIMITS[0]", "(x > LIMITS[0])", "function", "size"),
        ("comparison", "x > LIMITS[0]", "((x) <= (LIMITS[0]))", "function", "size"),
        ("number", "0", "1", "function", "size"),
        ("arithmetic", "x += 1", "x -= 1", "function", "size"),
        ("number", "1", "2", "function", "size"),
        ("statement", "REGISTRY.append(x)", "pass", "function", "size"),
        ("return", 'return f"{x}" if x else [y for y in "é" + str(x) if y]', "return None", "function", "size"),
        ("condition", "x", "(not (x))", "function", "size"),
        ("string", '"é"', "'é_'", "function", "size"),
        ("arithmetic", '"é" + str(x)', "(('é') - (str(x)))", "function", "size"),
        ("condition", "y", "(not (y))", "function", "size"),
        ("boolean", "True", "False", "import", "<Box>"),
        ("return", "yield self.full", "(yield None)", "function", "Box.get"),
    ]
    assert {operator for operator, *_ in found} <= OPERATORS.keys()
    assert all(compiles(each, TEXT) for each in mutants_of("m.py", TEXT))


def test_a_fault_fits_only_the_text_that_it_was_made_for() -> None:
    mutant = mutants_of("m.py", "X = 1\n")[0]
    assert mutant.apply("X = 1\n") == "X = 2\n"
    with pytest.raises(ValueError, match=r"^m\.py has '2' where the mutant m\.py:1:4-5:number expects '1'$"):
        mutant.apply("X = 2\n")
    # What says the same is no fault.
    assert not compiles(dataclasses.replace(mutant, new="1 "), "X = 1\n")
    assert not compiles(dataclasses.replace(mutant, new="1 ="), "X = 1\n")


FILES = {
    "pkg/__init__.py": "from pkg.code import NAMES, double, wait\n",
    "pkg/code.py": (
        "NAMES = {'a': 1}\n\n\ndef double(x):\n    return 2 * x\n\n\ndef wait(n):\n    while n > 0:\n        n -= 1\n"
        "    return True\n\n\ndef unused():\n    return 1 + 1\n"
    ),
    "tests/test_code.py": (
        "import pytest\nfrom pkg import NAMES, double, wait\n\n\n@pytest.mark.parametrize('x', [1, 2])\ndef test_double(x):\n"
        "    assert double(x) == 2 * x\n\n\ndef test_names():\n    assert NAMES['a'] == 1\n\n\ndef test_wait():\n"
        "    assert wait(3)\n"
    ),
}


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Return a small project with tests, and how they are run."""
    for file, text in FILES.items():
        (tmp_path / "p" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / file).write_text(text)
    return Suite(tmp_path / "p", arguments=("tests",), command=(sys.executable, "-m", "pytest", "-q"))


def fault(old: str, new: str, stratum: str = "function") -> Mutant:
    """Return a fault in pkg/code.py."""
    begin = FILES["pkg/code.py"].index(old)
    return Mutant("pkg/code.py", begin, begin + len(old), 1, "number", old, new, stratum, old)


BASE = {f"tests/test_code.py::test_{name}": "passed" for name in ("double", "names", "wait")}


@pytest.mark.parametrize(
    ("old", "new", "outcome", "failed"),
    [
        ("2 * x", "3 * x", "killed", {"double"}),
        ("1 + 1", "1", "survived", set()),
        ("{'a': 1}", "{}['a']", "collection", set()),
        # The process dies, or hangs: the test that ran then is the one that sees it.
        ("2 * x", "__import__('os')._exit(7)", "killed", {"double"}),
        ("n -= 1", "n += 1", "time", {"wait"}),
        ("'a'", "'b'", "killed", {"names"}),
    ],
)
def test_what_a_suite_says_of_a_fault(suite: Suite, old: str, new: str, outcome: str, failed: set[str]) -> None:
    before = (suite.folder / "pkg/code.py").stat().st_mtime_ns
    judged = judge(suite, fault(old, new), BASE, frozenset(), 8 if outcome == "time" else 300)
    seen = frozenset(f"tests/test_code.py::test_{name}" for name in failed)
    assert (judged.outcome, judged.failed) == (outcome, seen)
    assert judged.broken == ({"tests/test_code.py"} if outcome == "collection" else set())
    assert (suite.folder / "pkg/code.py").read_text() == FILES["pkg/code.py"]
    assert (suite.folder / "pkg/code.py").stat().st_mtime_ns == before


def test_a_flaky_test_sees_nothing_and_most_tests_are_a_stratum(suite: Suite) -> None:
    mutant = fault("2 * x", "3 * x")
    flaky = frozenset({"tests/test_code.py::test_double"})
    assert judge(suite, mutant, BASE, flaky, 300).outcome == "survived"
    assert judge(suite, mutant, {"tests/test_code.py::test_double": "passed"}, frozenset(), 300).outcome == "broad"


def test_two_faults_of_one_size_do_not_share_byte_code(suite: Suite, tmp_path: Path) -> None:
    """A control for the cache: both are written within the same second, and only the first is seen by a test."""
    kept = dataclasses.replace(suite, cache=tmp_path / "byte-code")
    outcomes = [
        judge(kept, fault(*each), BASE, frozenset(), 300).outcome
        for each in [("2 * x", "3 * x"), ("1 + 1", "1 - 1"), ("2 * x", "x * 2"), ("2 * x", "2 / x")]
    ]
    assert outcomes == ["killed", "survived", "survived", "killed"]


def test_a_matrix_is_made_once_and_goes_on_where_it_was(suite: Suite, tmp_path: Path) -> None:
    files = source_files(suite.folder)
    assert files == ["pkg/__init__.py", "pkg/code.py"]
    sample = draw(suite.folder, files, functions=2, imports=1, seed=3)
    assert sample == draw(suite.folder, files, functions=2, imports=1, seed=3)
    longer = draw(suite.folder, files, functions=4, imports=1, seed=3)
    assert {each.id for each in sample.mutants} < {each.id for each in longer.mutants}
    assert sample.sites == {"function": 12, "import": 3}
    about = facts(suite, files, "p", "a test")
    said: list[str] = []
    target = tmp_path / "kills.jsonl"
    assert run(suite, sample, target, about, said.append, until=time.time() - 1).judged == []
    assert said == ["ended by the clock after 0 of 3 faults"]
    first = run(suite, sample, target, about, said.append)
    assert [each.mutant for each in first.judged] == sample.mutants
    # Killed while it wrote the last line.
    target.write_bytes(target.read_bytes()[:-20])
    again = run(suite, sample, target, about, lambda _: None)
    assert [(each.mutant, each.failed) for each in again.judged] == [
        (each.mutant, each.failed) for each in first.judged
    ]
    assert load(target).base == BASE
    with (suite.folder / "pkg/code.py").open("a") as file:
        file.write("Y = 1\n")
    with pytest.raises(ClocheError) as caught:
        run(suite, sample, target, facts(suite, files, "p", "a test"), said.append)
    assert caught.value.message == (
        f"{target} is no kill matrix that can be used here: it was made for another tree; give another file, or remove this one"
    )
    target.write_text('{"version": 2}\n{}\n')
    with pytest.raises(ClocheError, match="its version is 2, and this program reads 1"):
        load(target)


def test_a_flaky_test_is_found_by_the_base_runs(suite: Suite, tmp_path: Path) -> None:
    text = "from pathlib import Path\n\n\ndef test_turns():\n    path = Path('turns')\n    path.touch() if not path.exists() else path.unlink()\n    assert path.exists()\n"
    (suite.folder / "tests/test_turns.py").write_text(text)
    files = source_files(suite.folder)
    sample = draw(suite.folder, files, functions=1, imports=0, seed=1)
    matrix = run(suite, sample, tmp_path / "k", facts(suite, files, "p", ""), lambda _: None, until=time.time() - 1)
    assert matrix.flaky == {"tests/test_turns.py::test_turns"}


def test_a_suite_that_cannot_be_run_and_a_tree_without_sites(suite: Suite, tmp_path: Path) -> None:
    files = source_files(suite.folder)
    sample = draw(suite.folder, files, functions=1, imports=0, seed=1)
    (suite.folder / "tests/test_code.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(ClocheError) as caught:
        run(suite, sample, tmp_path / "k", facts(suite, files, "p", ""), lambda _: None)
    assert caught.value.message.startswith(
        f"the tests of {suite.folder} ended with 2 although nothing was changed in it; pytest's last words:\n"
    )
    nothing = draw(suite.folder, [], functions=1, imports=1, seed=1)
    with pytest.raises(ClocheError) as none:
        run(suite, nothing, tmp_path / "k", facts(suite, [], "p", ""), lambda _: None)
    assert none.value.message == (
        f"no fault can be put into {suite.folder}: 0 modules of packages that are not tests were found below it; is it the\n"
        "folder of the project, and are its packages (folders with __init__.py) in git?"
    )


def judged(
    number: int,
    outcome: str,
    failed: set[str],
    *,
    stratum: str = "function",
    broken: set[str] | None = None,
) -> Judged:
    """Return a fault that was judged."""
    mutant = Mutant("m.py", number, number + 1, number, "number", "1", "2", stratum, f"f{number // 2}")
    return Judged(mutant, outcome, frozenset(failed), frozenset(broken or set()), 0, 1.0, 1.0)


def test_time_is_that_of_the_same_tree() -> None:
    # With a.py broken pytest ends before it runs a test, unless only tests of other files are selected.
    matrix = Matrix(
        {}, {"a.py::one": "passed", "b.py::two": "passed"}, {"a.py::one": 3.0, "b.py::two": 1.0}, frozenset(), 5.0, 1.0,
        {"function": 2, "import": 0}, 1,
        [dataclasses.replace(judged(0, "collection", set(), broken={"a.py"}), missing=2), judged(2, "killed", {"a.py::one"})],
    )  # fmt: skip

    def times(*tests: str) -> list[tuple[float, float]]:
        rows = replay(matrix, lambda _: Selected(frozenset(tests)))
        return [(row.test_seconds, row.suite_seconds) for row in rows]

    assert times("a.py::one") == [(0.0, 0.0), (3.0, 4.0)]
    assert times("b.py::two") == [(1.0, 0.0), (1.0, 4.0)]
    assert figures(matrix, replay(matrix, lambda _: Selected(frozenset({"b.py::two"})))).test_seconds.value == 2 / 4


def test_figures_of_a_matrix() -> None:
    matrix = Matrix(
        {}, {"t.py::a": "passed", "t.py::b": "passed"}, {"t.py::a": 3.0, "t.py::b": 1.0}, frozenset(), 5.0, 1.0,
        {"function": 8, "import": 1}, 1,
        [
            judged(0, "killed", {"t.py::a"}),
            judged(1, "survived", set()),
            judged(2, "killed", {"t.py::a", "t.py::b"}),
            judged(3, "collection", set(), broken={"t.py"}),
            judged(4, "killed", {"t.py::b"}, stratum="import"),
        ],
    )  # fmt: skip
    rows = replay(matrix, lambda _: Selected(frozenset({"t.py::a"}), 0.5))
    assert [row.detected for row in rows] == [True, None, True, True, False]
    found = figures(matrix, rows)
    # Each of the four drawn faults in functions stands for two sites, the one at import for itself.
    assert (found.faults, found.killed, found.missed, found.detected.value) == (5, 4, 1, 6 / 7)
    assert found.functions == 3
    # Nothing was missed in two functions, which also happens to who misses a part of them.
    few = figures(matrix, rows[:4]).detected
    assert (few.value, round(few.low, 3), few.high) == (1.0, 0.224, 1.0)
    assert found.detected_drawn == 0.75
    assert found.test_seconds.value == 3 / 4
    assert found.time.value == (0.5 + 1 + 3) / 5
    assert (found.precision, found.recall) == (4 / 7, 4 / 7)
    assert found.detected.low <= found.detected.value <= found.detected.high
    # The control: what selects nothing misses everything, and costs only its own time.
    nothing = figures(matrix, replay(matrix, lambda _: Selected(frozenset(), 0.5)))
    assert (nothing.missed, nothing.detected.value, nothing.time.value) == (4, 0.0, 0.1)
    assert detects(judged(0, "collection", set()), frozenset({"other.py::x"})) is True
    assert detects(judged(0, "collection", set(), broken={"t.py"}), frozenset({"other.py::x"})) is False


def test_a_matrix_is_read_compressed(suite: Suite, tmp_path: Path) -> None:
    files = source_files(suite.folder)
    sample = draw(suite.folder, files, functions=1, imports=0, seed=1)
    known = run(suite, sample, tmp_path / "k", facts(suite, files, "p", ""), lambda _: None)
    packed = tmp_path / "k.gz"
    packed.write_bytes(gzip.compress((tmp_path / "k").read_bytes()))
    assert load(packed) == load(tmp_path / "k") == known
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(ClocheError) as raised:
        load(packed)
    assert str(raised.value) == (
        f"{packed} is no kill matrix that can be used here: EOFError: Compressed file ended before the end-of-stream marker was\n"
        "reached; give another file, or remove this one"
    ).replace("\n", " ")


def test_lines_of_a_matrix_are_json(suite: Suite, tmp_path: Path) -> None:
    files = source_files(suite.folder)
    sample = draw(suite.folder, files, functions=1, imports=0, seed=1)
    run(suite, sample, tmp_path / "k", facts(suite, files, "p", ""), lambda _: None)
    header, base, row = [json.loads(line) for line in (tmp_path / "k").read_text().splitlines()]
    assert header["version"] == 1
    assert {"python", "packages", "tree", "cores"} <= header["facts"].keys()
    assert [name for name, _, _ in base["tests"]] == list(BASE)
    assert row.keys() == {"mutant", "outcome", "failed", "broken", "missing", "wall", "processor"}
    with applied(suite.folder, sample.mutants[0]) as changed:
        assert changed.read_text() != FILES[sample.mutants[0].file]


def test_a_fault_of_another_tool_has_its_place(tmp_path: Path) -> None:
    """What a tool hands over is a changed text; range, line, stratum and function are found in it."""
    changes = [
        ("2 * x", "2 + x", "*", "+", "function", "double"),
        ("while n > 0", "while not n > 0", "", "ot n", "function", "wait"),
        ("{'a': 1}", "{'a': 11}", "", "1", "import", "<NAMES>"),
        ("def unused():\n    return 1 + 1\n", "", "def unused():\n    return 1 + 1\n", "", "import", "<>"),
    ]
    text = FILES["pkg/code.py"]
    for old, new, before, after, stratum, where in changes:
        found = foreign.mutant("pkg/code.py", text, text.replace(old, new), "core/It")
        assert (found.old, found.new, found.stratum, found.where, found.operator) == (
            before,
            after,
            stratum,
            where,
            "core/It",
        )
        assert found.apply(text) == text.replace(old, new)
        assert found.line == text.count("\n", 0, text.index(old)) + 1
    with pytest.raises(ValueError, match=r"^a\.py is the same before and after core/It$"):
        foreign.mutant("a.py", text, text, "core/It")
    # Own faults and their places agree.
    places = place_of(TEXT)
    own = [each for each in mutants_of("m.py", TEXT) if each.operator != "decorator"]
    assert [places(each.begin, each.end) for each in own] == [(each.stratum, each.where) for each in own]
    sample = Sample(own, {"function": 20, "import": 10}, 7)
    foreign.write(tmp_path / "s.json", "tool 1", sample)
    assert foreign.read(tmp_path / "s.json") == ("tool 1", sample)


def test_a_sample_of_another_tool_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    foreign.write(path, "tool 1", Sample(mutants_of("m.py", "X = 1\n"), {"function": 1}, 7))
    with pytest.raises(ClocheError) as raised:
        foreign.read(path)
    assert str(raised.value) == (
        f"{path} is no sample of faults that can be used here: ValueError: m.py:1:4-5:number is of the stratum 'import', of\n"
        "which the file does not say how many sites there are; make it anew"
    ).replace("\n", " ")
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(ClocheError) as raised:
        foreign.read(path)
    assert (
        str(raised.value)
        == f"{path} is no sample of faults that can be used here: its version is 2, and this program reads 1; make it anew"
    )


def test_a_fault_that_only_computes_is_ended(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop is ended by the processor time that it uses, however long a busy machine takes to give it that."""
    monkeypatch.setattr("cloche.selection.mutants.matrix.WAITING", 1000)
    judged = judge(suite, fault("n -= 1", "n += 1"), BASE, frozenset(), 5)
    assert judged.outcome == "time"
    assert judged.processor >= 4


def test_a_fault_that_only_waits_is_not(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite that has to wait for a busy machine is not ended; what waits for ever is."""
    slow = fault("return 2 * x", "__import__('time').sleep(7); return 2 * x")
    monkeypatch.setattr("cloche.selection.mutants.matrix.WAITING", 1000)
    assert judge(suite, slow, BASE, frozenset(), 6).outcome == "survived"
    monkeypatch.setattr("cloche.selection.mutants.matrix.WAITING", 0.5)
    for_ever = fault("return 2 * x", "__import__('time').sleep(9999); return 2 * x")
    assert judge(suite, for_ever, BASE, frozenset(), 6).outcome == "time"


def test_repeated_attempts_and_subtests_are_failures_of_their_test(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(REPEATING)
    (tmp_path / "test_it.py").write_text(
        "import pytest\nruns = []\ndef test_once():\n    runs.append(1)\n    assert len(runs) > 1\n"
        "def test_part(subtests):\n    with subtests.test(): pytest.skip('no')\n"
        "def test_bad(subtests):\n    with subtests.test(): assert 0\n"
        "def test_skipped(): pytest.skip('no')\n"
    )
    ended = Suite(tmp_path, command=(sys.executable, "-m", "pytest", "-q")).run()
    assert ended.code == 1, ended.words
    assert ended.outcomes == {
        "test_it.py::test_once": "failed",
        "test_it.py::test_part": "passed",
        "test_it.py::test_bad": "failed",
        "test_it.py::test_skipped": "skipped",
    }
