"""A change in numbers: what is known of it, and of each test for it, before any test has run.

Everything comes from two versions of a tree and the map, so that a derivation finds the same; what former changes did to
the tests is added by `history`.
"""

import ast
import difflib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cloche.impact.changes import Change
from cloche.impact.select import owner
from cloche.impact.source import Function, complexity
from cloche.impact.uses import Project
from cloche.impact.verb import Answer, Evidence
from cloche.learn.words import contained, identifiers, similarity, words_of

# The distance of a test file that does not import what changed.
UNREACHED = 20
# Kinds of statements that a change of a function is counted by; the others count as "other".
KINDS = {
    "Return": "returns",
    "If": "conditions",
    "While": "conditions",
    "For": "loops",
    "Assign": "assignments",
    "AugAssign": "assignments",
    "AnnAssign": "assignments",
    "Expr": "calls",
    "Raise": "raises",
    "Assert": "raises",
}
STATEMENTS = ("returns", "conditions", "loops", "assignments", "calls", "raises", "other")


@dataclass
class Observation:
    """One change. Tests are numbered as in `tests`; a sparse column has values for the tests that have one."""

    tests: list[str]
    # What holds for each test whatever changed: how many functions it runs, and its seconds, 0 where none is known.
    breadth: list[int]
    seconds: list[float]
    # The files that changed, and the function or statement by which changes of one place belong together.
    files: list[str]
    group: str
    kinds: dict[str, int]
    change: dict[str, float]
    # Column -> test number -> value.
    pairs: dict[str, dict[int, float]]
    # Column -> one value per test file, in the order of `test_files`.
    by_file: dict[str, list[float]]
    # Why everything is selected, if it is.
    everything: str | None = None
    candidates: list[int] = field(default_factory=list)
    # Those of the candidates that run whatever is predicted.
    always: list[int] = field(default_factory=list)

    @property
    def test_files(self) -> list[str]:
        """The files of the tests, sorted."""
        return sorted({test.partition("::")[0] for test in self.tests})


def observe(answer: Answer, seconds: Mapping[str, float]) -> Observation:
    """Return an answer's change in numbers. `seconds` are durations of tests; a test without one gets their mean.

    Raises ValueError for an answer without a map, for which nothing can be said.
    """
    evidence = answer.evidence
    if evidence is None:
        message = "an answer without a map has no evidence"
        raise ValueError(message)
    tests = sorted(evidence.there)
    number = {test: index for index, test in enumerate(tests)}
    breadth = dict.fromkeys(tests, 0)
    for recorded in evidence.known.functions.values():
        for test in recorded.tests:
            if test in breadth:
                breadth[test] += 1
    parts = [_Part(change, evidence) for change in answer.changes]
    pairs: dict[str, dict[int, float]] = {name: {} for name in PAIRS}
    for part in parts:
        part.count(pairs, number)
    _names(pairs, parts, evidence, number)
    files = sorted(evidence.texts)
    places = sorted({f"{change.file}::{change.name or ','.join(change.names)}" for change in answer.changes})
    selection = answer.selection
    chosen = tests if selection.everything is not None else selection.reasons
    found = Observation(
        tests=tests,
        breadth=[breadth[test] for test in tests],
        seconds=_filled(tests, seconds),
        files=files,
        group="; ".join(places),
        kinds=_kinds(answer.changes),
        change=_numbers(evidence, parts),
        pairs={name: dict(sorted(column.items())) for name, column in pairs.items()},
        by_file={},
        everything=selection.everything,
        candidates=sorted(number[test] for test in chosen if test in number),
        always=sorted(number[test] for test in selection.always if test in number),
    )
    found.by_file = _by_file(found.test_files, files, evidence.project())
    return found


PAIRS = (
    "covered_functions",
    "covered_statements",
    "function_specificity",
    "statement_specificity",
    "user_specificity",
    "name_match",
    "mentions",
)


class _Part:
    """One thing that changed: which tests ran it, and where exactly."""

    def __init__(self, change: Change, evidence: Evidence) -> None:
        self.change = change
        self.key = f"{change.file}::{change.name}"
        self.statements: dict[str, int] = dict.fromkeys(STATEMENTS, 0)
        self.size = 0
        self.at_import = change.kind == "names"
        # The tests that ran the changed function, each of the changed statements, or code that uses a changed name.
        self.ran: frozenset[str] = frozenset()
        self.steps: list[frozenset[str]] = []
        self.users: list[frozenset[str]] = []
        if change.kind in {"function", "removed function"}:
            self._function(evidence)
        elif change.kind == "names":
            self._names(evidence)

    def _function(self, evidence: Evidence) -> None:
        recorded = evidence.known.functions.get(self.key)
        before = evidence.old[self.change.file].functions[self.change.name]
        after = evidence.new.get(self.change.file)
        now = after.functions.get(self.change.name) if after is not None else None
        positions = changed_steps(before, now)
        self.size = len(before.steps)
        for position in positions:
            self.statements[KINDS.get(before.steps[position].kind, "other")] += 1
        if recorded is None:
            return
        self.at_import = recorded.imported
        self.ran = recorded.tests
        # Positions mean something only in the body that was recorded.
        same = recorded.digest == before.digest and len(recorded.steps) == len(before.steps)
        self.steps = [recorded.steps[position].tests for position in positions] if same else [recorded.tests]
        if recorded.imported:
            self.users = self._tests_of_users(evidence, {owner(self.change.name)})

    def _names(self, evidence: Evidence) -> None:
        self.users = self._tests_of_users(evidence, set(self.change.names))

    def _tests_of_users(self, evidence: Evidence, names: set[str]) -> list[frozenset[str]]:
        """Return the tests of each function that uses one of these names of the file, or belongs to it (a class)."""
        functions = {
            f"{code.file}::{code.function}"
            for name in names
            for code in evidence.project().users.get((self.change.file, name), [])
            if code.function
        }
        functions |= {
            f"{self.change.file}::{name}"
            for name in evidence.known.functions_of(self.change.file)
            if owner(name) in names and name != self.change.name
        }
        found = [evidence.known.functions[key].tests for key in sorted(functions) if key in evidence.known.functions]
        return [tests for tests in found if tests]

    def count(self, pairs: dict[str, dict[int, float]], number: Mapping[str, int]) -> None:
        """Add what is known of this part to the columns."""
        for test in self.ran:
            _add(pairs["covered_functions"], number, test, 1.0)
            _raise(pairs["function_specificity"], number, test, 1 / len(self.ran))
        for tests in self.steps:
            for test in tests:
                _add(pairs["covered_statements"], number, test, 1.0)
                _raise(pairs["statement_specificity"], number, test, 1 / len(tests))
        for tests in self.users:
            for test in tests:
                _raise(pairs["user_specificity"], number, test, 1 / len(tests))


def _add(column: dict[int, float], number: Mapping[str, int], test: str, value: float) -> None:
    if test in number:
        column[number[test]] = column.get(number[test], 0.0) + value


def _raise(column: dict[int, float], number: Mapping[str, int], test: str, value: float) -> None:
    if test in number:
        column[number[test]] = max(column.get(number[test], 0.0), round(value, 6))


def changed_steps(before: Function, after: Function | None) -> list[int]:
    """Return the positions of the steps of a body that are no longer as they were; for insertions their neighbours."""
    old = [step.digest for step in before.steps]
    if after is None:
        return list(range(len(old)))
    new = [step.digest for step in after.steps]
    found: set[int] = set()
    for operation, a1, a2, _, _ in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if operation == "insert":
            found |= {position for position in (a1 - 1, a1) if 0 <= position < len(old)}
        elif operation != "equal":
            found |= set(range(a1, a2))
    return sorted(found)


def _names(
    pairs: dict[str, dict[int, float]], parts: list[_Part], evidence: Evidence, number: Mapping[str, int]
) -> None:
    """Add how far the names of tests are those of what changed, and whether their bodies mention it."""
    wanted = {
        name.rpartition(".")[2].partition("#")[0]
        for part in parts
        for name in ([part.change.name] if part.change.kind.endswith("function") else part.change.names)
    }
    named = [words_of(name) for name in wanted]
    modules = evidence.project().modules
    for test, index in number.items():
        file, *rest = test.split("::")
        own = words_of(" ".join(rest))
        match = max((contained(words, own) for words in named), default=0.0)
        if match:
            pairs["name_match"][index] = round(match, 6)
        module = modules.get(file)
        function = module.functions.get(".".join(rest)) if module is not None else None
        if function is not None and wanted & identifiers(function):
            pairs["mentions"][index] = 1.0


def _kinds(changes: list[Change]) -> dict[str, int]:
    found: dict[str, int] = {}
    for change in changes:
        found[change.kind] = found.get(change.kind, 0) + 1
    return dict(sorted(found.items()))


def _numbers(evidence: Evidence, parts: list[_Part]) -> dict[str, float]:
    """Return what is known of the change as a whole."""
    added = deleted = 0
    delta = 0
    for file, (before, after) in evidence.texts.items():
        more, less = changed_lines(before, after)
        added, deleted = added + more, deleted + less
        if file.endswith(".py"):
            delta += _complexity(after) - _complexity(before)
    found = {
        "functions_changed": float(sum(part.change.kind.endswith("function") for part in parts)),
        "names_changed": float(sum(part.change.kind == "names" for part in parts)),
        "others_changed": float(
            sum(not part.change.kind.endswith("function") and part.change.kind != "names" for part in parts)
        ),
        "statements_changed": float(sum(sum(part.statements.values()) for part in parts)),
        "function_size": float(max((part.size for part in parts), default=0)),
        "runs_at_import": float(any(part.at_import for part in parts)),
        "lines_added": float(added),
        "lines_deleted": float(deleted),
        "files_changed": float(len(evidence.texts)),
        "complexity_delta": float(delta),
    }
    for kind in STATEMENTS:
        found[f"changed_{kind}"] = float(sum(part.statements[kind] for part in parts))
    return found


def _complexity(text: bytes) -> int:
    try:
        return complexity(ast.parse(text))
    except (SyntaxError, ValueError):
        return 0


def changed_lines(before: bytes, after: bytes) -> tuple[int, int]:
    """Return how many lines were added and deleted, as a line-by-line comparison finds them."""
    old, new = before.splitlines(), after.splitlines()
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    matcher = difflib.SequenceMatcher(a=old[start : len(old) - end], b=new[start : len(new) - end], autojunk=False)
    added = deleted = 0
    for operation, a1, a2, b1, b2 in matcher.get_opcodes():
        if operation != "equal":
            added, deleted = added + b2 - b1, deleted + a2 - a1
    return added, deleted


def _by_file(test_files: list[str], files: list[str], project: Project) -> dict[str, list[float]]:
    """Return for each test file how far its imports are from what changed, and how alike the paths are."""
    changed = [words_of(file) for file in files]
    distances = []
    alike = []
    for file in test_files:
        distances.append(float(_distance(file, set(files), project.imports)))
        own = words_of(file)
        alike.append(round(max((similarity(own, each) for each in changed), default=0.0), 6))
    return {"import_distance": distances, "path_similarity": alike}


def _distance(start: str, targets: set[str], imports: Mapping[str, set[str]]) -> int:
    seen = {start}
    todo = deque([(start, 0)])
    while todo:
        file, far = todo.popleft()
        if file in targets:
            return far
        for each in sorted(imports.get(file, ())):
            if each not in seen:
                seen.add(each)
                todo.append((each, far + 1))
    return UNREACHED


def _filled(tests: list[str], seconds: Mapping[str, float]) -> list[float]:
    known = [seconds[test] for test in tests if test in seconds]
    mean = sum(known) / len(known) if known else 0.0
    return [round(seconds.get(test, mean), 6) for test in tests]


def folders(files: Iterable[str]) -> set[str]:
    """Return the folders that files lie in."""
    return {PurePosixPath(file).parent.as_posix() for file in files}


__all__ = ["PAIRS", "STATEMENTS", "UNREACHED", "Observation", "changed_steps", "folders", "observe"]
