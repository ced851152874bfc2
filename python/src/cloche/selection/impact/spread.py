"""Which tests can a change affect, and why: the spread of a change over the map and the uses of names.

A test can be affected when it ran what changed, or asked for a name whose value may be another one now. Values spread at import:
from a statement to the names that it binds and the objects that it changes, and to the statements that use those.
"""

import builtins
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import PurePosixPath

from cloche.selection.impact.changes import Change
from cloche.selection.impact.effects import Effect, Effects
from cloche.selection.impact.imports import EVERY, Symbol
from cloche.selection.impact.map import ImpactMap, Ran, Recorded
from cloche.selection.impact.recording import UNKNOWN
from cloche.selection.impact.select import Selection, is_test_file, owner
from cloche.selection.impact.uses import OWN, Code, Project
from cloche.selection.impact.watch import IMPORTED

# Names with a meaning of their own to Python or pytest: nobody needs to write them to use them.
IMPLICIT = {"__dir__", "__path__", "pytestmark", "pytest_plugins", "collect_ignore"}


class Spread:
    """Follows one change after the other, and selects the tests that each can reach."""

    def __init__(
        self, known: ImpactMap, make: Callable[[], Project], selection: Selection, before: Callable[[], Project]
    ) -> None:
        """Start with nothing selected; `make` and `before` give the tree as it is and was, when a change needs them."""
        self.known = known
        self._make = make
        self._before = before
        self.selection = selection
        self.by_owner: dict[tuple[str, str], list[str]] = {}
        for key in known.functions:
            file, _, name = key.partition("::")
            self.by_owner.setdefault((file, owner(name)), []).append(key)
        self._start()

    def _start(self) -> None:
        """Forget what was visited: reasons are per change."""
        self.names: set[tuple[str, str]] = set()
        self.at_import: set[tuple[str, str]] = set()
        self.done: set[int] = set()
        self.imported_files: set[str] = set()
        self.whole_files: set[str] = set()
        self.between_files: set[str] = set()

    @cached_property
    def project(self) -> Project:
        """The uses of names in the tree."""
        return self._make()

    @cached_property
    def effects_of(self) -> Effects:
        """What its code changes."""
        return Effects(self.project)

    @cached_property
    def effects_before(self) -> Effects:
        """What the code changed that was there before."""
        return Effects(self._before())

    def follow(self, change: Change, why: str) -> None:
        """Select what one change can reach."""
        self._start()
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
        elif change.kind == "source":
            self.read(file, why)
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
        self.unmeasured(why)

    def unmeasured(self, why: str) -> None:
        """Select what may reach any change, because not all that it ran was seen while the map was recorded."""
        for fault, ran in sorted(self.known.unmeasured.items()):
            self.selection.add(ran.tests, f"{fault} while the map was recorded; {why}", always=True)
            if not self.ran_at_import(ran.statements, why):
                self.selection.all(f"what runs outside of tests {fault} while the map was recorded")

    # -- code

    def code(self, change: Change, why: str) -> None:
        """Select for a function or a statement that changed."""
        file = change.file
        if change.kind != "added function":
            self.body(change, why)
        if change.kept:
            self.name(file, owner(change.name), f"what {change.name} returned may have been kept; {why}")
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

    def body(self, change: Change, why: str) -> None:
        """Select for a function whose body does something else."""
        file, function = change.file, change.name
        recorded = self.known.functions.get(f"{file}::{function}")
        if recorded is None:
            return
        steps = [recorded.steps[number] for number in change.steps or ()] if change.before == recorded.digest else []
        if not steps or change.steps is None or change.shared:
            self.selection.add(recorded.tests, f"ran {function}; {why}")
            statements = recorded.statements
        else:
            for step in steps:
                self.selection.add(step.tests, f"ran what changed in {function}; {why}")
            statements = frozenset[int]().union(*(step.statements for step in steps))
        if not statements:
            return
        if not self.ran_at_import(statements, why):
            if function == "__getattr__":
                self.name(file, function, why)
            elif not self.import_time(file, owner(function), why):
                self.importers(file, f"{function} runs outside of tests, from where is not known; {why}")
        for before, effects in ((False, self.effects_of), (True, self.effects_before)):
            for code in effects.project.code_of.get((file, function), []):
                self.effects(code, why, before=before)
        self.canary(file, why)

    def ran_at_import(self, statements: Iterable[int], why: str, symbol: Symbol | None = None) -> bool:
        """Select for what does something else in statements that run at import; say whether these are all known.

        Where it is a name that may stand for something else, `symbol` is it.
        """
        # Each is followed, also after one that is not known.
        known = [number != UNKNOWN and self.statement(number, why, symbol) for number in sorted(statements)]
        return all(known)

    def statement(self, number: int, why: str, symbol: Symbol | None) -> bool:
        """Select for a statement of the map that does something else; say whether it is still in the tree."""
        file, digests = self.known.numbered[number]
        found = False
        for code in self.project.statements.get(file, []):
            if code.statement is None or code.statement.digest not in digests:
                continue
            found = True
            # Of the names that an import statement asks for, each is for one that it binds.
            other = code.statement.kind == "import" and symbol is not None and symbol not in code.symbols
            if not other and id(code) not in self.done:
                self.done.add(id(code))
                self.used(code, symbol, why)
        return found

    def effects(self, code: Code, why: str, *, before: bool = False) -> None:
        """Select for the names whose objects a piece of code changes, or changed before."""
        effect = (self.effects_before if before else self.effects_of).of(code)
        self.changed(effect, code.file, why)
        if effect.unknown:
            self.importers(code.file, f"code of {code.file} that runs at import has effects that are not known; {why}")

    def changed(self, effect: Effect, file: str, why: str) -> None:
        """Select for the names whose objects are known to change by code of a file."""
        for where, name in sorted(effect.changes):
            if name == EVERY:
                self.every(where, f"{file} changes names of {where}; {why}")
            else:
                self.name(where, name, why)

    def every(self, file: str, why: str) -> None:
        """Select for all names of a file, those that are put there by computing them included."""
        if file in self.whole_files:
            return
        self.whole_files.add(file)
        reads = self.known.reads.get(file, {}).keys()
        used = {name for where, name in self.project.users if where == file}
        # Python's own names are used everywhere; the map has those in whose place the module puts others.
        names = {name for name in used if not hasattr(builtins, name)} | reads
        for name in sorted({*self.project.bound.get(file, set()), *(names - IMPLICIT - {EVERY, OWN, IMPORTED})}):
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
        ran |= self.asking(file)
        files = self.project.importers(file)
        importing = {test for test in self.known.outcomes if test.partition("::")[0] in files}
        if (ran or importing) and not (ran | importing) & self.selection.reasons.keys():
            test = min(ran or importing, key=lambda each: (self.breadth.get(each, 0), each))
            self.selection.add([test], f"imports {file}, and runs least; {why}")

    def asking(self, file: str) -> set[str]:
        """Return the tests that asked a file's module for anything, while they ran."""
        return {test for each in self.known.reads.get(file, {}).values() for test in each.tests}

    @cached_property
    def breadth(self) -> Counter[str]:
        """How many functions each test ran, which says how much it does."""
        return Counter(test for each in self.known.functions.values() for test in each.tests)

    def import_time(self, file: str, top: str, why: str) -> bool:
        """Follow the statements that may have used a function outside of tests; say whether there were any."""
        if (file, top) in self.at_import:
            return False
        self.at_import.add((file, top))
        found = False
        for code in self.users(file, top):
            if code.statement is not None:
                found = True
                self.used(code, None, why)
            else:
                recorded = self.known.functions.get(f"{code.file}::{code.function}")
                if recorded is not None and recorded.imported:
                    found = self.import_time(code.file, owner(code.function), why) or found
        return found

    # -- names

    def watched(self, file: str) -> bool:
        """Say whether the map knows all that a file's module was asked for."""
        return file in self.known.sources and file not in self.known.unwatched

    def users(self, file: str, top: str) -> list[Code]:
        """Return the code that uses a name, or may, as far as the map does not know who asked for it."""
        project = self.project
        found = [*project.users.get((file, top), []), *project.users.get((file, OWN), []), *project.by_frames]
        computed = [*project.users.get((file, EVERY), []), *project.by_string.get(top, []), *project.looking_up]
        watched = self.watched(file)
        return [*found, *(code for code in computed if not watched or self.unheard(code))]

    def unheard(self, code: Code) -> bool:
        """Say whether the map does not tell what code asks for from what pytest does between tests."""
        if code.statement is not None:
            return code.file in self.known.unwatched
        recorded = self.known.functions.get(f"{code.file}::{code.function}")
        return recorded is not None and UNKNOWN in recorded.statements

    def name(self, file: str, top: str, why: str) -> None:
        """Select for a top-level name that may stand for something else."""
        if (file, top) in self.names:
            return
        self.names.add((file, top))
        for key in self.by_owner.get((file, top), []):
            function = key.partition("::")[2]
            self.selection.add(self.known.functions[key].tests, f"ran {function}; {why}")
        if top == "__getattr__":
            # A module's own code does not come past it.
            users = self.project.users.items()
            names = {
                other for (where, other), found in users if where == file and any(each.file != file for each in found)
            }
            names |= self.known.reads.get(file, {}).keys()
            for other in sorted(names - IMPLICIT - {EVERY, OWN, IMPORTED}):
                if other not in self.project.bound.get(file, set()):
                    self.name(file, other, f"{other} is not bound in {file}, and __getattr__ may give it; {why}")
        if top in IMPLICIT:
            self.importers(file, f"{top} is used without being named; {why}")
        self.held(file, top, why)
        for code in self.users(file, top):
            self.used(code, (file, top), why)
        self.asked(file, top, why)
        # `from m import *` binds the name again.
        for other, stars in self.project.stars.items():
            if file in stars:
                self.name(other, top, why)

    def held(self, file: str, top: str, why: str) -> None:
        """Select for who holds a function or a class by another name, since its content may be another one.

        Whatever decorated it, whatever a class was made from, and its attributes that are told of it (__set_name__).
        """
        for code in self.project.defined_by.get((file, top), []):
            kind = code.statement.kind if code.statement is not None else ""
            if kind in {"def", "class"}:
                self.effects(code, f"{top} is held elsewhere; {why}")
            elif kind == "class body":
                self.changed(self.effects_of.of(code), code.file, f"{top} is held elsewhere; {why}")
        for code in self.project.through_subclasses(file, top):
            self.used(code, None, f"{code.file} goes through subclasses; {why}")

    def asked(self, file: str, top: str, why: str) -> None:
        """Select what asked a module for a name while tests were recorded, or evaluated a text that has it."""
        reads = self.known.reads.get(file, {})
        for ran in (reads.get(top), reads.get(EVERY), self.known.evaluated.get(top)):
            if ran is not None:
                self.ran(ran, f"asks for {top} of {file}", why, (file, top))

    def ran(self, ran: Ran, what: str, why: str, symbol: Symbol | None = None) -> None:
        """Select what did something in tests, and what came of it in statements that ran at import."""
        self.selection.add(ran.tests, f"{what}; {why}")
        # A statement that is gone is a change of its own.
        self.ran_at_import(ran.statements - {UNKNOWN}, why, symbol)

    def used(self, code: Code, symbol: Symbol | None, why: str) -> None:
        """Select for a piece of code that uses what changed: the symbol, or None when it is the code that does other things."""
        if code.function:
            recorded = self.known.functions.get(f"{code.file}::{code.function}")
            if recorded is None:
                return
            ran = self.using(code, recorded, symbol)
            self.selection.add(ran.tests, f"ran {code.function}, which uses what changed; {why}")
            if ran.imported:
                if not self.ran_at_import(ran.statements, why):
                    self.name(code.file, owner(code.function), why)
                self.effects(code, why)
            return
        assert code.statement is not None  # noqa: S101 - code is one or the other
        for name in code.statement.names:
            # What is called in a module, and is found by its effects, does not make another module of it.
            if name in self.project.bound_by(code.statement) or not self.project.is_module(code.file, [name]):
                self.name(code.file, name, why)
        self.effects(code, why)

    def using(self, code: Code, recorded: Recorded, symbol: Symbol | None) -> Ran:
        """Return what ran the steps of a function that use a symbol; all that ran it where that cannot be told."""
        function = self.project.modules[code.file].functions[code.function]
        steps = code.where.get(symbol, set()) if symbol is not None else set()
        if not steps or recorded.digest != function.digest or recorded.shared or function.shared:
            return recorded
        found = [recorded.steps[number] for number in steps]
        return Ran(
            frozenset[str]().union(*(each.tests for each in found)),
            frozenset[int]().union(*(each.statements for each in found)),
        )

    def statements(self, file: str, change: Change, why: str) -> None:
        """Select for what a changed statement does, or did, besides binding names."""
        found: set[str] = set()
        for before, effects in ((False, self.effects_of), (True, self.effects_before)):
            for code in effects.project.statements.get(file, []):
                if code.statement is not None and code.statement.digest in change.digests:
                    found.add(code.statement.digest)
                    self.effects(code, why, before=before)
        if found != change.digests and not change.names:
            self.importers(file, f"a statement of {file} that binds no name changed; {why}")

    def importers(self, file: str, why: str) -> None:
        """Select everything that imports a file."""
        if file in self.imported_files:
            return
        self.imported_files.add(file)
        for each in self.project.importers(file):
            self.selection.add(self.known.tests_in(each), f"imports {file}; {why}")
            self.selection.add(self.asking(each), f"asks for names of {each}; {why}")
            if PurePosixPath(each).name == "conftest.py":
                self.below(each, f"{each} imports {file}; {why}")
            if self.watched(each):
                continue
            # Tests in files that are no Python may import anything, and so may code that looks modules up.
            texts = {test for test in self.known.outcomes if not test.partition("::")[0].endswith(".py")}
            self.selection.add(texts, f"may import {each}; {why}")
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
        inside = f"{path}/"
        if any(each.startswith(inside) for each in (*self.known.files, *self.known.sources)):
            # A submodule, or a link to a folder: that it changed says nothing of what in it did.
            self.selection.all(f"{why}, and it is not known which of the files in it")
            return
        if path.suffix == ".py":
            if change.kind != "file":
                self.importers(change.file, why)
            elif change.file not in self.project.modules:
                self.selection.all(f"{change.file} changed and cannot be parsed")
        else:
            own = self.known.tests_in(change.file)
            if change.file not in self.known.files and not own:
                self.selection.all(f"{why}, and it is not known which tests depend on it")
                return
            self.selection.add(own, why)
        self.read(change.file, why)
        if change.kind != "file":
            self.listing(path, why)

    def read(self, file: str, why: str) -> None:
        """Select what reads a file."""
        touched = self.known.files.get(file)
        if touched is None:
            return
        if not self.ran_at_import(touched.statements, why):
            self.selection.all(f"{why}, and it is read outside of tests")
        self.selection.add(touched.tests, f"reads {file}; {why}")

    def listing(self, path: PurePosixPath, why: str) -> None:
        """Select what lists a folder in which a file is new or gone, or with it a folder."""
        for folder in path.parents:
            listed = self.known.files.get(folder.as_posix())
            if listed is not None:
                if UNKNOWN in listed.statements:
                    self.selection.all(f"{why}, and {folder} is listed outside of tests")
                self.ran(listed, f"lists the folder {folder}", why)
            if any(PurePosixPath(each).is_relative_to(folder) for each in self.known.sources):
                return

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
