"""The code around a change: what tests consist of, who mentions which names, and how tests come to a function.

The map says which functions a test ran, and the text of a function whom it may have called. Both together give the ways
from a test to a function: steps from a function to one that it names, all of which the test ran. What is called without
its name, such as an operator's method, is looked for by its class.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from cloche.selection.impact.map import ImpactMap
from cloche.selection.impact.source import Function
from cloche.selection.impact.uses import Project
from cloche.selection.learned.words import identifiers

Booleans = np.ndarray[tuple[int], np.dtype[np.bool_]]
# Functions between a test and what it reaches, after which no further ones are looked for.
FARTHEST = 6
# Methods that run when their class is called.
CALLED_BY_CLASS = {"__init__", "__new__", "__call__", "__post_init__"}


def names_of(function: str) -> set[str]:
    """Return the names by which code can come to a function, given by its qualified name."""
    *outer, last = function.partition("#")[0].split(".")
    owner = outer[-1] if outer and outer[-1] != "<locals>" else ""
    if owner and last.startswith("__") and last.endswith("__"):
        return {owner, last} if last in CALLED_BY_CLASS else {owner}
    return {last}


def key_of(test: str) -> str:
    """Return the map's name of a test function: file::Class.test."""
    file, _, rest = test.partition("::")
    return f"{file}::{rest.replace('::', '.')}"


def assertions(function: Function) -> int:
    """Return how many times a test says what must be: assert, assertEqual(...), raises(...)."""
    found = 0
    for node in ast.walk(function.node):
        if isinstance(node, ast.Assert):
            found += 1
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            found += name.startswith("assert") or name in {"raises", "warns"}
    return found


class Surroundings:
    """The functions of a tree, the tests that ran them, and the names that they mention."""

    def __init__(self, known: ImpactMap, project: Project, tests: Sequence[str]) -> None:
        """Read the bodies of all functions of the map; tests are numbered as in `tests`."""
        self.project = project
        self.number = {test: index for index, test in enumerate(tests)}
        self.test_of = {key_of(test): index for index, test in enumerate(tests)}
        self.size = len(tests)
        files = {test.partition("::")[0] for test in tests}
        self.ran: dict[str, Booleans] = {}
        self.mentioning: dict[str, list[str]] = {}
        self.mentioned: list[frozenset[str]] = [frozenset()] * self.size
        self.assertions = [0] * self.size
        self.steps = [0] * self.size
        # Steps of the program itself that each test ran.
        self.statements = np.zeros(self.size)
        for key, recorded in known.functions.items():
            file, _, name = key.partition("::")
            self.ran[key] = self.vector(recorded.tests)
            module = project.modules.get(file)
            function = module.functions.get(name) if module is not None else None
            if function is None:
                continue
            for each in identifiers(function):
                self.mentioning.setdefault(each, []).append(key)
            if key in self.test_of:
                index = self.test_of[key]
                self.mentioned[index] = identifiers(function)
                self.assertions[index], self.steps[index] = assertions(function), len(function.steps)
            elif file not in files:
                for step in recorded.steps:
                    self.statements[self.numbers(step.tests)] += 1

    def numbers(self, tests: Iterable[str]) -> list[int]:
        """Return the numbers of tests; those that are gone have none."""
        return [self.number[test] for test in tests if test in self.number]

    def vector(self, tests: Iterable[str]) -> Booleans:
        """Return for each test whether it is one of these."""
        found = np.zeros(self.size, dtype=bool)
        found[self.numbers(tests)] = True
        return found

    def steps_to(self, functions: Iterable[str]) -> dict[int, int]:
        """Return test number -> the least number of calls from the test to one of these functions, as far as names show it."""
        reached = {key: self.ran[key].copy() for key in functions if key in self.ran}
        latest = reached.copy()
        found = {self.test_of[key]: 0 for key in reached if key in self.test_of}
        for far in range(1, FARTHEST + 1):
            following: dict[str, Booleans] = {}
            for key, tests in latest.items():
                for name in sorted(names_of(key.partition("::")[2])):
                    for caller in self.mentioning.get(name, ()):
                        new = tests & self.ran[caller]
                        if caller in reached:
                            new &= ~reached[caller]
                        if not new.any():
                            continue
                        reached[caller] = reached[caller] | new if caller in reached else new
                        following[caller] = following[caller] | new if caller in following else new
                        index = self.test_of.get(caller)
                        if index is not None and new[index]:
                            found.setdefault(index, far)
            latest = following
        return found

    def readers(self, names: Iterable[str], besides: Iterable[str]) -> tuple[Mapping[int, float], int]:
        """Return which tests ran functions that mention one of the names (1), or do it themselves (2); and how many do."""
        keys = {key for name in names for key in self.mentioning.get(name, ())} - set(besides)
        found: dict[int, float] = {}
        for key in keys:
            for index in np.flatnonzero(self.ran[key]).tolist():
                found[index] = max(found.get(index, 0.0), 1.0)
            if key in self.test_of:
                found[self.test_of[key]] = 2.0
        return found, len(keys)
