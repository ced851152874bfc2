"""Which tests can a change affect, and why: the spread of a change over the map and the uses of names."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from cloche.impact.changes import Change
from cloche.impact.map import ImpactMap
from cloche.impact.source import Module
from cloche.impact.uses import EVERY, Code, Project, dotted_name

# Names with a meaning of their own to Python or pytest: nobody needs to write them to use them.
IMPLICIT = {"__dir__", "__path__", "pytestmark", "pytest_plugins", "collect_ignore"}


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


class Spread:
    """Follows one change after the other, and selects the tests that each can reach."""

    def __init__(self, known: ImpactMap, make: Callable[[], Project], selection: Selection) -> None:
        """Start with nothing selected; the uses of names are looked up when a change needs them."""
        self.known = known
        self._make = make
        self.selection = selection
        self.by_owner: dict[tuple[str, str], list[str]] = {}
        for key in known.functions:
            file, _, name = key.partition("::")
            self.by_owner.setdefault((file, owner(name)), []).append(key)
        self.names: set[tuple[str, str]] = set()
        self.at_import: set[tuple[str, str]] = set()
        self.imported_files: set[str] = set()
        self.whole_files: set[str] = set()

    @cached_property
    def project(self) -> Project:
        """The uses of names in the tree."""
        return self._make()

    def follow(self, change: Change, why: str) -> None:
        """Select what one change can reach."""
        # Reasons are per change, and so is what was already visited.
        self.names, self.at_import, self.imported_files, self.whole_files = set(), set(), set(), set()
        file = change.file
        if change.kind == "everything":
            self.selection.all(change.name)
        elif change.kind == "conftest":
            self.below(file, why)
            self.importers(file, why)
        elif change.kind == "extension":
            self.extension(file, why)
        elif change.kind == "package":
            self.package(change.name, why)
        elif change.kind in {"file", "added file", "removed file"}:
            self.file(change, why)
        else:
            self.code(change, why)
        if change.kind == "conftest" or is_test_file(file, self.known):
            for test, reasons in self.selection.reasons.items():
                if any(reason.endswith(why) for reason in reasons):
                    self.selection.always.setdefault(test, why)
        tests = self.known.programs.tests
        self.selection.add(tests, f"starts other programs, in which nothing is seen; {why}", always=True)

    def code(self, change: Change, why: str) -> None:
        """Select for a function or a statement that changed."""
        file = change.file
        if change.kind != "added function":
            self.body(change, why)
        if change.kind in {"added function", "removed function"} and "<locals>" not in change.name:
            self.name(file, owner(change.name), why)
        if change.kind == "names":
            for name in change.names:
                self.name(file, name, why)
            if "__all__" in change.names:
                self.exports(change, why)
            self.statements(file, change, why)
            # Tests that are new run anyway.
            if not all(name.lower().startswith("test") for name in change.names or ("",)):
                self.canary(file, why)
        if file in self.known.files:
            self.selection.add(self.known.files[file].tests, f"reads {file} as a file; {why}")

    def body(self, change: Change, why: str) -> None:
        """Select for a function whose body does something else."""
        file, function = change.file, change.name
        recorded = self.known.functions.get(f"{file}::{function}")
        if recorded is None:
            return
        steps = [recorded.steps[number] for number in change.steps or ()] if change.before == recorded.digest else []
        if not steps or change.steps is None or change.shared:
            self.selection.add(recorded.tests, f"ran {function}; {why}")
            imported = recorded.imported
        else:
            for step in steps:
                self.selection.add(step.tests, f"ran what changed in {function}; {why}")
            imported = any(step.imported for step in steps)
        if not imported:
            return
        if not self.import_time(file, owner(function), why):
            self.importers(file, f"{function} runs at import, from where is not known; {why}")
        for code in self.project.code_of.get((file, function), []):
            self.effects(code, why)
            if code.looks_up:
                self.importers(file, f"{function} runs at import, to unknown effect; {why}")
        self.canary(file, why)

    def effects(self, code: Code, why: str) -> None:
        """Select for the names whose objects a piece of code changes."""
        effect = self.project.effect(code)
        for where, name in sorted(effect.changes):
            if name == EVERY:
                self.every(where, f"{code.file} changes names of {where}; {why}")
            else:
                self.name(where, name, why)
        if effect.unknown:
            self.importers(code.file, f"code of {code.file} that runs at import has effects that are not known; {why}")

    def every(self, file: str, why: str) -> None:
        """Select for all names of a file, those that are put there by computing them included."""
        if file in self.whole_files:
            return
        self.whole_files.add(file)
        for name in sorted({name for where, name in self.project.users if where == file} | self.project.bound[file]):
            self.name(file, name, why)

    def exports(self, change: Change, why: str) -> None:
        """Select for a changed __all__: what `from m import *` binds elsewhere."""
        for other, stars in self.project.stars.items():
            if change.file in stars:
                for name in change.exported if change.exported is not None else self.project.bound[change.file]:
                    self.name(other, name, why)

    def canary(self, file: str, why: str) -> None:
        """Select one test that imports a file, because code that runs at import can break all of them."""
        ran = {test for key, each in self.known.functions.items() if key.startswith(f"{file}::") for test in each.tests}
        files = self.project.importers(file)
        importing = {test for test in self.known.outcomes if test.partition("::")[0] in files}
        if (ran or importing) and not (ran | importing) & self.selection.reasons.keys():
            test = min(ran or importing, key=lambda each: (self.breadth.get(each, 0), each))
            self.selection.add([test], f"imports {file}, and runs least; {why}")

    @cached_property
    def breadth(self) -> Counter[str]:
        """How many functions each test ran, which says how much it does."""
        return Counter(test for each in self.known.functions.values() for test in each.tests)

    def import_time(self, file: str, top: str, why: str) -> bool:
        """Follow the statements that used a changed function at import; say whether there were any."""
        if (file, top) in self.at_import:
            return False
        self.at_import.add((file, top))
        found = False
        for code in self.users(file, top):
            if code.statement is not None:
                found = True
                self.used(code, why)
            else:
                recorded = self.known.functions.get(f"{code.file}::{code.function}")
                if recorded is not None and recorded.imported:
                    found = self.import_time(code.file, owner(code.function), why) or found
        return found

    def users(self, file: str, top: str) -> list[Code]:
        """Return the code that uses a name, or may."""
        project = self.project
        found = [*project.users.get((file, top), []), *project.users.get((file, EVERY), [])]
        found += project.by_string.get(top, [])
        return [*found, *project.looking_up]

    def name(self, file: str, top: str, why: str) -> None:
        """Select for a top-level name that may stand for something else."""
        if (file, top) in self.names:
            return
        self.names.add((file, top))
        for key in self.by_owner.get((file, top), []):
            function = key.partition("::")[2]
            self.selection.add(self.known.functions[key].tests, f"ran {function}; {why}")
        if top == "__getattr__":
            for where, other in list(self.project.users):
                if where == file and other not in self.project.bound[file]:
                    self.name(file, other, f"{other} is not bound in {file}, and __getattr__ may give it; {why}")
        if top in IMPLICIT:
            self.importers(file, f"{top} is used without being named; {why}")
        for code in self.users(file, top):
            self.used(code, why)
        # `from m import *` binds the name again.
        for other, stars in self.project.stars.items():
            if file in stars:
                self.name(other, top, why)

    def used(self, code: Code, why: str) -> None:
        """Select for a piece of code that uses what changed."""
        if code.function:
            recorded = self.known.functions.get(f"{code.file}::{code.function}")
            if recorded is None:
                return
            self.selection.add(recorded.tests, f"ran {code.function}, which uses what changed; {why}")
            if recorded.imported:
                self.name(code.file, owner(code.function), why)
                self.effects(code, why)
            return
        assert code.statement is not None  # noqa: S101 - code is one or the other
        for name in code.statement.names:
            self.name(code.file, name, why)
        self.effects(code, why)

    def statements(self, file: str, change: Change, why: str) -> None:
        """Select for what changed statements do besides binding names."""
        for code in self.project.statements.get(file, []):
            if code.statement is not None and code.statement.names == change.names:
                self.effects(code, why)
                if code.looks_up:
                    self.importers(file, f"a statement of {file} changed, to unknown effect; {why}")
        if not change.names:
            self.importers(file, f"a statement of {file} that binds no name changed; {why}")

    def importers(self, file: str, why: str) -> None:
        """Select everything that imports a file."""
        if file in self.imported_files:
            return
        self.imported_files.add(file)
        for each in self.project.importers(file):
            self.selection.add(self.known.tests_in(each), f"imports {file}; {why}")
            if PurePosixPath(each).name == "conftest.py":
                self.below(each, f"{each} imports {file}; {why}")
        # Tests in files that are no Python may import anything, and so may code that looks modules up.
        texts = {test for test in self.known.outcomes if not test.partition("::")[0].endswith(".py")}
        self.selection.add(texts, f"may import {file}; {why}")
        for code in self.project.looking_up:
            if code.function:
                recorded = self.known.functions.get(f"{code.file}::{code.function}")
                tests = recorded.tests if recorded else ()
                self.selection.add(tests, f"ran {code.function}, which looks modules up by computed names; {why}")

    # -- files

    def below(self, conftest: str, why: str) -> None:
        """Select all tests below the folder of a conftest.py."""
        folder = PurePosixPath(conftest).parent
        tests = {test for test in self.known.outcomes if PurePosixPath(test.partition("::")[0]).is_relative_to(folder)}
        self.selection.add(tests, why)

    def file(self, change: Change, why: str) -> None:
        """Select for a file that appeared, went away, or is data."""
        path = PurePosixPath(change.file)
        if path.suffix == ".py":
            if change.kind != "file":
                self.importers(change.file, why)
            elif change.file not in self.project.modules:
                self.selection.all(f"{change.file} changed and cannot be parsed")
        else:
            own = self.known.tests_in(change.file)
            touched = self.known.files.get(change.file)
            if touched is None and not own:
                self.selection.all(f"{why}, and it is not known which tests depend on it")
                return
            self.selection.add(own, why)
            if touched is not None:
                if touched.imported:
                    self.selection.all(f"{why}, and it is read outside of tests")
                self.selection.add(touched.tests, f"reads {change.file}; {why}")
        if change.kind != "file":
            listed = self.known.files.get(path.parent.as_posix())
            if listed is not None:
                self.selection.add(listed.tests, f"lists the folder {path.parent}; {why}")

    def extension(self, file: str, why: str) -> None:
        """Select all that imports the package around a source of an extension module."""
        folder = PurePosixPath(file).parent
        inside = [each for each in self.project.modules if PurePosixPath(each).parent == folder]
        if (folder / "__init__.py").as_posix() not in inside:
            self.selection.all(f"{why}, and it stands in no package whose importers are known")
        for each in inside:
            self.importers(each, why)

    def package(self, name: str, why: str) -> None:
        """Select all that imports a package of the lock."""
        tops = {*self.known.packages.get(name, []), name.replace("-", "_")}
        for file, external in self.project.external.items():
            if external & tops:
                self.importers(file, f"imports {name}; {why}")


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
