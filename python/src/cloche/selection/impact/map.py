"""Read the map that a recorded run has written, and measure how far it is from a tree."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloche.errors import MISSHAPEN, ClocheError
from cloche.selection.impact.recording import UNKNOWN, VERSION
from cloche.selection.impact.source import Module
from cloche.untrusted import regular_file, strict_json
from cloche.untrusted.limits import IMPACT_MAP


class BadMapError(ClocheError):
    """A file that is no map, or one of another version."""

    def __init__(self, path: Path, fault: str) -> None:
        """Keep the `path` and the `fault`."""
        super().__init__(f"{path} is no impact map ({fault}); make it anew with: cloche select-tests --record")


@dataclass(frozen=True)
class Ran:
    """What did something: tests, and statements that ran while modules were imported."""

    tests: frozenset[str] = frozenset()
    # Numbers of the map's statements, UNKNOWN for what ran between tests.
    statements: frozenset[int] = frozenset()

    @property
    def imported(self) -> bool:
        """Whether this was also done outside of tests."""
        return bool(self.statements)


@dataclass(frozen=True)
class RecordedStep(Ran):
    """What the map knows of one step of a function."""

    digest: str = ""
    parent: int = -1


@dataclass(frozen=True)
class Recorded(Ran):
    """What the map knows of one function."""

    digest: str = ""
    steps: tuple[RecordedStep, ...] = ()
    # Whether it changes objects that outlive the call.
    shared: bool = True


@dataclass(frozen=True)
class ImpactMap:
    """A recorded run: tests by function."""

    # test -> "passed", "failed", "skipped" or "not run"
    outcomes: dict[str, str]
    # "file::function" -> what is known of it
    functions: dict[str, Recorded]
    # What stands outside of functions in each file, as kind, hash and names.
    statements: dict[str, list[tuple[str, str, tuple[str, ...]]]]
    # Hashes of the files themselves.
    sources: dict[str, str]
    # What opened a file or listed a folder.
    files: dict[str, Ran]
    # What asked a file's module for a name; watch.EVERY for all of them, watch.IMPORTED for the module itself.
    reads: dict[str, dict[str, Ran]]
    # What evaluated a text with a name in it.
    evaluated: dict[str, Ran]
    # Files of which `reads` has not all.
    unwatched: frozenset[str]
    programs: Ran
    # Why not all that ran was seen -> what that is.
    unmeasured: dict[str, Ran]
    # distribution -> names that it can be imported by
    packages: dict[str, list[str]]
    # The statements that did something while modules were imported: their files, and the hashes of what they consist of.
    numbered: list[tuple[str, frozenset[str]]]

    def tests_in(self, file: str) -> set[str]:
        """Return the tests whose ids begin with this file."""
        return {test for test in self.outcomes if test.partition("::")[0] == file}

    def functions_of(self, file: str) -> dict[str, Recorded]:
        """Return what is known of the functions of one file, by their qualified names."""
        start = f"{file}::"
        return {name.removeprefix(start): each for name, each in self.functions.items() if name.startswith(start)}


@dataclass(frozen=True)
class Staleness:
    """How many functions of a tree the map has not seen as they are."""

    functions: int
    # Sorted, with the file and two colons in front.
    unknown: list[str]

    @property
    def share(self) -> float:
        """The part of the tree's functions that the map does not know, from 0 to 1."""
        return len(self.unknown) / self.functions if self.functions else 0.0

    def sentence(self) -> str:
        """Say it to a person."""
        if not self.unknown:
            return f"the map knows all {self.functions} functions of the tree"
        return (
            f"the map knows {self.functions - len(self.unknown)} of {self.functions} functions as they are; "
            f"{len(self.unknown)} changed or are new since it was recorded ({self.share:.1%})"
        )


def staleness(known: ImpactMap, modules: Mapping[str, Module], same: AbstractSet[str] = frozenset()) -> Staleness:
    """Compare the map with the functions of a tree: of modules, besides files that are known to be the same."""
    total, unknown = sum(key.partition("::")[0] in same for key in known.functions), []
    for file, module in modules.items():
        for name, function in module.functions.items():
            total += 1
            found = known.functions.get(f"{file}::{name}")
            if found is None or found.digest != function.digest:
                unknown.append(f"{file}::{name}")
    return Staleness(total, sorted(unknown))


def load(path: Path) -> ImpactMap:
    """Read a map; raises BadMapError for anything that is none."""
    try:
        data = strict_json.loads(regular_file.read(path, IMPACT_MAP), what=str(path), limit=IMPACT_MAP)
    except strict_json.BadJsonError as error:
        raise BadMapError(path, str(error)) from error
    version = data.get("version") if isinstance(data, dict) else None
    if version != VERSION:
        raise BadMapError(path, f"its version is {version!r}, and this program reads {VERSION}")
    try:
        return _read(data)
    except MISSHAPEN as error:
        raise BadMapError(path, f"{type(error).__name__}: {error}") from error


def _read(data: dict[str, Any]) -> ImpactMap:
    names = [str(name) for name, _ in data["tests"]]
    numbered = [(str(file), frozenset(map(str, digests))) for file, digests in data["statements"]]

    def numbers(found: list[int], least: int, end: int) -> list[int]:
        if any(type(number) is not int or not least <= number < end for number in found):
            message = f"tests and statements are numbered, and here is {found!r}"
            raise ValueError(message)
        return found

    def tests(found: list[int]) -> frozenset[str]:
        return frozenset(names[number] for number in numbers(found, 0, len(names)))

    def statements(found: list[int]) -> frozenset[int]:
        return frozenset(numbers(found, UNKNOWN, len(numbered)))

    def ran(value: dict[str, Any]) -> Ran:
        return Ran(tests(value["tests"]), statements(value["import"]))

    def function(value: dict[str, Any]) -> Recorded:
        every = ran(value)
        steps = []
        for number, (digest, parent, imported, own) in enumerate(value["steps"]):
            if type(parent) is not int or not -1 <= parent < number:
                message = f"a step stands in one before it, and here is {parent!r}"
                raise ValueError(message)
            of_tests = every.tests if own is None else tests(own)
            of_statements = every.statements if imported is None else statements(imported)
            steps.append(RecordedStep(of_tests, of_statements, str(digest), parent))
        return Recorded(every.tests, every.statements, str(value["hash"]), tuple(steps), bool(value["shared"]))

    return ImpactMap(
        outcomes={str(name): str(outcome) for name, outcome in data["tests"]},
        functions={name: function(value) for name, value in data["functions"].items()},
        statements={
            file: [(str(kind), str(digest), tuple(map(str, bound))) for kind, digest, bound in value["statements"]]
            for file, value in data["modules"].items()
        },
        sources={file: str(value["file"]) for file, value in data["modules"].items()},
        files={file: ran(value) for file, value in data["files"].items()},
        reads={file: {name: ran(value) for name, value in of_file.items()} for file, of_file in data["reads"].items()},
        evaluated={name: ran(value) for name, value in data["evaluated"].items()},
        unwatched=frozenset(map(str, data["unwatched"])),
        programs=ran(data["programs"]),
        unmeasured={why: ran(value) for why, value in data["unmeasured"].items()},
        packages={name: [str(each) for each in value] for name, value in data["packages"].items()},
        numbered=numbered,
    )
