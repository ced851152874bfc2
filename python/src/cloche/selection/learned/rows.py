"""Rows: changes in numbers, with the tests that failed. They are what telemetry keeps, and what a model is made of.

A file of rows has one JSON object a line, sorted, so that the same rows are the same bytes. A *suite* (tests, what each
takes, what it runs) stands in a line of its own, which the changes name by its digest.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloche.errors import MISSHAPEN, ClocheError
from cloche.selection.learned.differences import DIFFERENCES
from cloche.selection.learned.observation import TEST, Observation
from cloche.selection.learned.parts import PAIRS, STATEMENTS
from cloche.untrusted import regular_file, strict_json
from cloche.untrusted.limits import TELEMETRY, TEST_ROWS

VERSION = 3
ORIGINS = ("imported", "mutant", "real")
# A change that makes more of the tests fail than this breaks the program as such, and tells nothing apart.
MOST_FAILING = 0.5
# How a mutant may end besides: files could not be collected, more than half of the tests failed, time was out.
NO_FAILURE = {"collection", "broad", "time"}
CHANGE = (
    "functions_changed",
    "names_changed",
    "others_changed",
    "statements_changed",
    "function_size",
    "runs_at_import",
    "lines_added",
    "lines_deleted",
    "files_changed",
    "complexity_delta",
    *(f"changed_{kind}" for kind in STATEMENTS),
    *(f"changed_{kind}" for kind in DIFFERENCES),
    "step_depth",
    "tests_of_functions",
    "tests_of_statements",
    "tests_of_users",
    "tests_nearby",
    "stores",
    "readers",
)
BY_FILE = ("import_distance", "path_similarity")


def bad_rows(where: str, fault: str) -> ClocheError:
    """Return the error of rows that cannot be read."""
    return ClocheError(f"{where}: this is no row of a change and its tests ({fault})")


@dataclass(frozen=True)
class Row:
    """A change, and what it did. `failed` numbers tests as the observation does; `at` is microseconds since 1970."""

    project: str
    origin: str
    at: int
    observation: Observation
    failed: list[int]
    # For mutants: "function" or "import", or how it ended that is no failure of tests; the operator; and how many possible
    # mutants it stands for.
    stratum: str = ""
    operator: str = ""
    weight: float = 1.0
    # In shadow mode: the model's digest, the tests that it would have run, and whether it let go of a failure.
    decision: dict[str, Any] | None = None
    _names: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def usable(self) -> bool:
        """Whether the change left the tests able to run, and most of them to pass, so that there is something to learn."""
        return self.stratum not in NO_FAILURE and len(self.failed) <= MOST_FAILING * len(self.observation.tests)

    @property
    def key(self) -> str:
        """A digest of all that the row says."""
        return hashlib.sha256(_line(self.data())).hexdigest()

    def failed_names(self) -> frozenset[str]:
        """Return the tests that failed, by name."""
        if "failed" not in self._names:
            self._names["failed"] = frozenset(self.observation.tests[number] for number in self.failed)
        return self._names["failed"]

    def suite(self) -> dict[str, Any]:
        """Return what the row shares with others of the same tests."""
        seen = self.observation
        return {"version": VERSION, "tests": seen.tests, **{name: getattr(seen, name) for name in TEST}}

    def data(self) -> dict[str, Any]:
        """Return the row as JSON, without the suite that it names."""
        seen = self.observation
        return {
            "version": VERSION,
            "suite": digest_of(self.suite()),
            "project": self.project,
            "origin": self.origin,
            "at": self.at,
            "stratum": self.stratum,
            "operator": self.operator,
            "weight": round(self.weight, 6),
            "files": seen.files,
            "group": seen.group,
            "kinds": seen.kinds,
            "change": seen.change,
            "pairs": {name: [list(column), list(column.values())] for name, column in seen.pairs.items() if column},
            "by_file": seen.by_file,
            "everything": seen.everything,
            "candidates": _ranges(seen.candidates),
            "always": _ranges(seen.always),
            "failed": self.failed,
            "decision": self.decision,
        }


def digest_of(value: object) -> str:
    """Return the SHA-256 of a value's JSON."""
    return hashlib.sha256(_line(value)).hexdigest()


def _line(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _ranges(numbers: list[int]) -> list[list[int]]:
    """Return sorted numbers as [first, last] of each unbroken run of them."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def write(rows: Iterable[Row]) -> bytes:
    """Return a file of rows: each suite before the first change that names it, changes by project, time and key."""
    lines: list[bytes] = []
    suites: set[str] = set()
    for row in sorted(rows, key=lambda each: (each.project, each.at, each.key)):
        data = row.data()
        if data["suite"] not in suites:
            suites.add(data["suite"])
            lines.append(_line({"suite": data["suite"], "is": row.suite()}))
        lines.append(_line(data))
    return b"".join(lines)


def read(path: Path) -> list[Row]:
    """Return the rows of a file. Raises ClocheError for anything that is none, with the line."""
    return list(parse(_content(path).splitlines(), str(path)))


def _content(path: Path) -> bytes:
    try:
        return regular_file.read(path, TELEMETRY)
    except OSError as error:
        raise bad_rows(str(path), f"it cannot be read: {error.strerror}") from error


def parse(lines: Iterable[bytes], what: str) -> Iterator[Row]:
    """Yield the rows of lines; see `read`."""
    suites: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(lines, start=1):
        where = f"{what}, line {number}"
        try:
            data = strict_json.loads(line, what=where, limit=TEST_ROWS)
        except strict_json.BadJsonError as error:
            raise bad_rows(where, str(error).removeprefix(where).strip(": ")) from error
        try:
            if "is" in data:
                if digest_of(data["is"]) != data["suite"]:
                    raise bad_rows(where, f"its suite is not the one that its digest {data['suite']} names")
                suites[data["suite"]] = data["is"]
            else:
                yield from_data(data, suites[data["suite"]])
        except MISSHAPEN as error:
            raise bad_rows(where, f"{type(error).__name__}: {error}") from error


def from_data(data: dict[str, Any], suite: dict[str, Any]) -> Row:
    """Return a row of its JSON and its suite's; raises ValueError, KeyError or TypeError for what is none."""
    if data["version"] != VERSION or suite["version"] != VERSION:
        message = f"its version is {data['version']!r}, and this program reads {VERSION}"
        raise ValueError(message)
    if data["origin"] not in ORIGINS:
        message = f"its origin is {data['origin']!r}, none of {', '.join(ORIGINS)}"
        raise ValueError(message)
    tests = [str(test) for test in suite["tests"]]
    seen = Observation(
        tests=tests,
        breadth=[int(value) for value in suite["breadth"]],
        seconds=[float(value) for value in suite["seconds"]],
        statements=[int(value) for value in suite["statements"]],
        assertions=[int(value) for value in suite["assertions"]],
        steps=[int(value) for value in suite["steps"]],
        files=[str(file) for file in data["files"]],
        group=str(data["group"]),
        kinds={str(kind): int(count) for kind, count in data["kinds"].items()},
        change={name: float(data["change"][name]) for name in CHANGE},
        pairs={name: _sparse(data["pairs"].get(name, [[], []]), len(tests)) for name in PAIRS},
        by_file={name: [float(value) for value in data["by_file"][name]] for name in BY_FILE},
        everything=None if data["everything"] is None else str(data["everything"]),
        candidates=_numbers(data["candidates"], len(tests)),
        always=_numbers(data["always"], len(tests)),
    )
    files = len(seen.test_files)
    if any(len(getattr(seen, name)) != len(tests) for name in TEST):
        message = "its suite has other numbers of tests and of values"
        raise ValueError(message)
    if tests != sorted(set(tests)):
        message = "the tests of its suite are not sorted, or one is there twice"
        raise ValueError(message)
    if any(len(column) != files for column in seen.by_file.values()):
        message = f"a column by file has not one value for each of {files} files"
        raise ValueError(message)
    failed = [_within(number, len(tests)) for number in data["failed"]]
    return Row(
        project=str(data["project"]),
        origin=str(data["origin"]),
        at=int(data["at"]),
        observation=seen,
        failed=failed,
        stratum=str(data["stratum"]),
        operator=str(data["operator"]),
        weight=float(data["weight"]),
        decision=data["decision"],
    )


def _within(number: int, size: int) -> int:
    if type(number) is not int or not 0 <= number < size:
        message = f"tests are numbered from 0 to {size - 1}, and here is {number!r}"
        raise ValueError(message)
    return number


def _sparse(column: list[list[Any]], size: int) -> dict[int, float]:
    numbers, values = column
    return {_within(number, size): float(value) for number, value in zip(numbers, values, strict=True)}


def _numbers(ranges: list[list[int]], size: int) -> list[int]:
    return [number for first, last in ranges for number in range(_within(first, size), _within(last, size) + 1)]


def chosen(rows: list[Row], origins: Iterable[str]) -> list[Row]:
    """Return the rows of some origins. Raises ClocheError when there are several and none was named."""
    wanted = set(origins)
    found = sorted({row.origin for row in rows})
    if not wanted and len(found) > 1:
        raise ClocheError(
            f"there are rows that are {' and '.join(found)}; mixing them is a decision: name those that are wanted\n"
            "(--origin, several times for a mixture)"
        )
    return [row for row in rows if not wanted or row.origin in wanted]
