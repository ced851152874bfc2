"""One thing that changed: which tests ran it, where exactly, how they come to it, and in what it differs."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping

from cloche.selection.impact.changes import Change
from cloche.selection.impact.select import owner
from cloche.selection.impact.source import Function, Statement
from cloche.selection.impact.verb import Evidence
from cloche.selection.learned.differences import DIFFERENCES, Difference, differing, kinds_of, raised, stored, tokens
from cloche.selection.learned.surroundings import Surroundings, names_of

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
# What is known of a change and a test. Numbers of tests that ran something, and 1 / (how many tests did).
PAIRS = (
    "covered_functions",
    "covered_statements",
    "covered_heads",
    "function_specificity",
    "statement_specificity",
    "user_specificity",
    "name_match",
    "mentions",
    # 1 / (1 + calls between the test and what changed).
    "closeness",
    # The share of the names in what differs that the test mentions.
    "texts_shared",
    # 1 when the test ran code that reads an attribute or key which a changed statement stores, 2 when it reads it itself.
    "reads_stored",
    # 1 / (tests that asked the changed file's module for a name in what differs), for those tests.
    "reads_name",
    # The share of the statements which the test ran that are in the changed function.
    "focus",
    # 1 when a changed statement raises what the test mentions, such as in pytest.raises.
    "expects_raised",
)
Column = dict[int, float]


class Part:
    """One thing that changed."""

    def __init__(self, change: Change, evidence: Evidence, around: Surroundings) -> None:
        """Look up what the map and the text say of a change."""
        self.change = change
        self.around = around
        self.key = f"{change.file}::{change.name}"
        self.statements: dict[str, int] = dict.fromkeys(STATEMENTS, 0)
        self.size = self.depth = 0
        self.at_import = change.kind == "names"
        # The names by which code comes to it.
        self.wanted: set[str] = set(change.names)
        # The tests that ran the changed function, each of the changed statements, functions whose heads changed, or code
        # that uses a changed name.
        self.ran: frozenset[str] = frozenset()
        self.steps: list[frozenset[str]] = []
        self.heads: list[frozenset[str]] = []
        self.users: list[frozenset[str]] = []
        # Functions that calls are followed to, and how many calls away the change itself is from them.
        self.targets: list[tuple[list[str], int]] = []
        self.pairs: list[Difference] = []
        self.stored: frozenset[str] = frozenset()
        self.raised: frozenset[str] = frozenset()
        # Test -> how many statements of the changed function it ran.
        self.inside: Counter[str] = Counter()
        self.reads = evidence.known.reads.get(change.file, {})
        if change.kind.endswith("function"):
            self.wanted = names_of(change.name)
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
            step = before.steps[position]
            self.statements[KINDS.get(step.kind, "other")] += 1
            self.depth = max(self.depth, depth_of(before, position))
            self.stored |= stored(step.node)
            self.raised |= raised(step.node)
            if now is not None and len(now.steps) == len(before.steps):
                self.pairs += differing(step.node, now.steps[position].node)
            else:
                self.pairs.append(Difference(step.node, None))
        self.targets.append(([self.key], 0))
        if recorded is None:
            return
        self.at_import = recorded.imported
        self.ran = recorded.tests
        for recorded_step in recorded.steps:
            self.inside.update(recorded_step.tests)
        # Positions mean something only in the body that was recorded.
        same = recorded.digest == before.digest and len(recorded.steps) == len(before.steps)
        self.steps = [recorded.steps[position].tests for position in positions] if same else [recorded.tests]
        if recorded.imported:
            self._used(evidence, {owner(self.change.name)})

    def _names(self, evidence: Evidence) -> None:
        """Find the statements of these names that are not as they were, and the tests of what uses them."""
        file = self.change.file
        before = evidence.old[file].statements if file in evidence.old else []
        after = evidence.new[file].statements if file in evidence.new else []
        gone, come = _only_in(before, after), _only_in(after, before)
        gone = [each for each in gone if each.names == self.change.names]
        come = [each for each in come if each.names == self.change.names]
        for number, statement in enumerate(gone):
            node = come[number].node if len(come) == len(gone) else None
            self.pairs += differing(statement.node, node)
            if statement.function:
                self.wanted |= names_of(statement.function)
                recorded = evidence.known.functions.get(f"{file}::{statement.function}")
                if recorded is not None:
                    self.heads.append(recorded.tests)
                    self.targets.append(([f"{file}::{statement.function}"], 0))
        self._used(evidence, set(self.change.names))

    def _used(self, evidence: Evidence, names: set[str]) -> None:
        """Find the functions that use one of these names of the file, or belong to it (a class), and their tests."""
        file = self.change.file
        functions = {
            f"{code.file}::{code.function}"
            for name in names
            for code in evidence.project().users.get((file, name), [])
            if code.function
        }
        functions |= {
            f"{file}::{name}"
            for name in evidence.known.functions_of(file)
            if owner(name) in names and name != self.change.name
        }
        known = [key for key in sorted(functions) if key in evidence.known.functions]
        found = [evidence.known.functions[key].tests for key in known]
        self.users = [tests for tests in found if tests]
        self.targets.append((known, 1))

    def count(self, pairs: Mapping[str, Column]) -> None:
        """Add what is known of this part to the columns."""
        number = self.around.number
        for test in self.ran:
            _add(pairs["covered_functions"], number, test)
            _raise(pairs["function_specificity"], number, test, 1 / len(self.ran))
        for tests in self.steps:
            for test in tests:
                _add(pairs["covered_statements"], number, test)
                _raise(pairs["statement_specificity"], number, test, 1 / len(tests))
        for tests in self.heads:
            for test in tests:
                _add(pairs["covered_heads"], number, test)
        for tests in self.users:
            for test in tests:
                _raise(pairs["user_specificity"], number, test, 1 / len(tests))
        self._calls(pairs["closeness"])
        self._texts(pairs["texts_shared"])
        self._readers(pairs["reads_stored"])
        self._reads(pairs["reads_name"])
        self._inside(pairs["focus"])
        self._raised(pairs["expects_raised"])

    def _calls(self, column: Column) -> None:
        for functions, away in self.targets:
            for index, calls in self.around.steps_to(functions).items():
                _most(column, index, 1 / (1 + calls + away))

    def _texts(self, column: Column) -> None:
        wanted = tokens(self.pairs)
        tests = {
            self.around.test_of[key]
            for name in wanted
            for key in self.around.mentioning.get(name, ())
            if key in self.around.test_of
        }
        for index in tests:
            _most(column, index, len(wanted & self.around.mentioned[index]) / len(wanted))

    def _readers(self, column: Column) -> None:
        readers, _ = self.around.readers(self.stored, [self.key])
        for index, value in readers.items():
            _most(column, index, value)

    def _reads(self, column: Column) -> None:
        for name in tokens(self.pairs) & self.reads.keys():
            tests = self.reads[name].tests
            for test in tests:
                _raise(column, self.around.number, test, 1 / len(tests))

    def _inside(self, column: Column) -> None:
        number = self.around.number
        for test, steps in self.inside.items():
            if test in number:
                _raise(column, number, test, steps / max(1.0, self.around.statements[number[test]]))

    def _raised(self, column: Column) -> None:
        for index, mentioned in enumerate(self.around.mentioned if self.raised else ()):
            if self.raised & mentioned:
                column[index] = 1.0

    def numbers(self) -> dict[str, float]:
        """Return how often each kind of difference is there, and how many functions read what is stored."""
        found = dict.fromkeys(DIFFERENCES, 0.0)
        for each in self.pairs:
            for kind in kinds_of(each):
                found[kind] += 1.0
        return {**found, "readers": float(self.around.readers(self.stored, [self.key])[1])}


def _only_in(some: Iterable[Statement], others: Iterable[Statement]) -> list[Statement]:
    """Return the statements that the others lack, as often as they lack them."""
    left = Counter((each.kind, each.names, each.digest) for each in others)
    found = []
    for each in some:
        key = (each.kind, each.names, each.digest)
        if left[key]:
            left[key] -= 1
        else:
            found.append(each)
    return found


def depth_of(function: Function, position: int) -> int:
    """Return how many compound statements a step stands in."""
    found, parent = 0, function.steps[position].parent
    while parent >= 0:
        found, parent = found + 1, function.steps[parent].parent
    return found


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


def _add(column: Column, number: Mapping[str, int], test: str) -> None:
    if test in number:
        column[number[test]] = column.get(number[test], 0.0) + 1.0


def _raise(column: Column, number: Mapping[str, int], test: str, value: float) -> None:
    if test in number:
        _most(column, number[test], value)


def _most(column: Column, index: int, value: float) -> None:
    column[index] = max(column.get(index, 0.0), round(value, 6))
