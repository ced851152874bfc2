"""The tests that run, with their reasons, and which tests are new or gone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cloche.selection.impact.imports import dotted_name
from cloche.selection.impact.map import ImpactMap
from cloche.selection.impact.source import Module


@dataclass
class Selection:
    """The tests to run, each with its reasons."""

    # Why every test runs; None when single tests were selected.
    everything: str | None = None
    reasons: dict[str, list[str]] = field(default_factory=dict)
    # Of these, the tests that run whatever is predicted for them: by a rule, or because nothing is seen of what they run.
    always: dict[str, str] = field(default_factory=dict)

    def add(self, tests: Iterable[str], reason: str, *, always: bool = False) -> None:
        """Select tests for a reason."""
        for test in tests:
            found = self.reasons.setdefault(test, [])
            if reason not in found:
                found.append(reason)
            if always:
                self.always.setdefault(test, reason)

    def all(self, reason: str) -> None:
        """Select everything; the first reason is the one that is shown."""
        if self.everything is None:
            self.everything = reason


def owner(function: str) -> str:
    """Return the top-level name of a function's qualified name."""
    return function.partition(".")[0].partition("#")[0]


def is_test_file(file: str, known: ImpactMap) -> bool:
    """Say whether pytest would look for tests in a file."""
    name = PurePosixPath(file).name
    return name.startswith("test_") or name.endswith("_test.py") or bool(known.tests_in(file))


def new_tests(known: ImpactMap, modules: Mapping[str, Module], *, custom: bool) -> dict[str, str]:
    """Return node id -> reason of tests that the map does not know; ids of files and classes where that is all that is sure.

    `custom` says that the project configures which names are tests.
    """
    found: dict[str, str] = {}
    for file, module in modules.items():
        if not is_test_file(file, known):
            continue
        if not known.tests_in(file):
            if any(owner(name).lower().startswith("test") or "." in name for name in module.functions):
                found[file] = f"{file} holds no test that the map knows"
            continue
        for name, function in module.functions.items():
            if f"{file}::{name}" in known.functions:
                continue
            *classes, last = name.split(".")
            if "<locals>" in name or not (last.startswith("test") or custom):
                continue
            if any(
                "fixture" in (dotted_name(getattr(each, "func", each)) or [""]) for each in function.node.decorator_list
            ):
                continue
            simple = not custom and all(each.startswith("Test") for each in classes) and "#" not in name
            if simple and not classes:
                found[f"{file}::{name}"] = f"{name} is new"
            else:
                # Another class may inherit it.
                found[file] = f"{name} in {file} is new"
    return found


def still_there(test: str, known: ImpactMap, modules: Mapping[str, Module], files: set[str]) -> bool:
    """Say whether a recorded test is still in the tree; what cannot be told is."""
    file, *rest = test.split("::")
    if file not in modules:
        return file in files
    name = ".".join(rest)
    if name in modules[file].functions or f"{file}::{name}" not in known.functions:
        bound = {each for statement in modules[file].statements for each in statement.names}
        return (
            len(rest) < 1
            or "." in rest[0]
            or rest[0] in bound
            or any(each.kind == "other" for each in modules[file].statements)
        )
    return False
