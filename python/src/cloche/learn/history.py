"""What former changes did to the tests: which failed with these files, which failed lately, what changed together.

A change knows only what was there before it: real changes that were earlier, and mutants of other places in the code,
because a mutant's own place is what its failures would give away.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from cloche.learn.observation import folders
from cloche.learn.rows import Row

# The weight of a failure halves with every so many later runs.
HALF_LIFE = 5
# "Recent" is this many runs, and this many changes of a file.
RECENT = 20
DAY = 86_400 * 1_000_000
# Days since a change that nobody has seen.
NEVER = 1000.0
# What a rate of failures is drawn to while few changes were seen.
PRIOR = 0.02
WEIGHT = 2.0


@dataclass
class _Counts:
    """Failures by test among the changes of one file or folder."""

    changes: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, failed: Iterable[str]) -> None:
        """Count one change."""
        self.changes += 1
        self.failures.update(failed)


HISTORY = (
    "failures_with_file",
    "failures_with_folder",
    "changes_of_file",
    "changed_together",
    "failed_last",
    "decayed_failure_rate",
    "recent_failure_rate",
    "churn",
    "days_since_last_change",
)


class History:
    """Former changes of one project."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """Take the rows of the project that may be known."""
        rows = list(rows)
        self.mutants: dict[str, _Counts] = {}
        self.mutants_by_group: dict[tuple[str, str], _Counts] = {}
        self.real = sorted((row for row in rows if row.origin != "mutant"), key=lambda row: (row.at, row.key))
        self.times = [row.at for row in self.real]
        for row in rows:
            if row.origin == "mutant" and row.usable:
                failed = row.failed_names()
                for place in _places(row):
                    self.mutants.setdefault(place, _Counts()).add(failed)
                    self.mutants_by_group.setdefault((place, row.observation.group), _Counts()).add(failed)

    def columns(self, row: Row) -> dict[str, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
        """Return each column of HISTORY for the tests of a change."""
        tests = row.observation.tests
        earlier = self.real[: bisect_left(self.times, row.at)] if row.origin != "mutant" else []
        found = {name: np.zeros(len(tests)) for name in HISTORY}
        for name, places in (("failures_with_file", _files(row)), ("failures_with_folder", _folders(row))):
            changes, failures = self._counted(places, row, earlier)
            found[name] = (np.array([failures[test] for test in tests], dtype=np.float64) + PRIOR * WEIGHT) / (
                changes + WEIGHT
            )
            if name == "failures_with_file":
                found["changes_of_file"][:] = changes
        self._runs(found, row, earlier)
        return found

    def _counted(self, places: list[str], row: Row, earlier: list[Row]) -> tuple[int, Counter[str]]:
        changes, failures = 0, Counter[str]()
        for place in places:
            every = self.mutants.get(place)
            if every is None:
                continue
            own = self.mutants_by_group.get((place, row.observation.group), _Counts())
            changes += every.changes - own.changes
            failures.update(every.failures)
            failures.subtract(own.failures)
        wanted = set(places)
        for other in earlier:
            if wanted & set(_places(other)):
                changes += 1
                failures.update(other.failed_names())
        return changes, failures

    def _runs(
        self, found: dict[str, "np.ndarray[tuple[int], np.dtype[np.float64]]"], row: Row, earlier: list[Row]
    ) -> None:
        """Fill in what the latest runs say."""
        tests = row.observation.tests
        number = {test: index for index, test in enumerate(tests)}
        files = [test.partition("::")[0] for test in tests]
        found["days_since_last_change"][:] = NEVER
        changed = set(row.observation.files)
        total = 0.0
        for age, other in enumerate(reversed(earlier)):
            weight = 0.5 ** (age / HALF_LIFE)
            total += weight
            failed = [number[test] for test in other.failed_names() if test in number]
            found["decayed_failure_rate"][failed] += weight
            if age == 0:
                found["failed_last"][failed] = 1.0
            if age < RECENT:
                found["recent_failure_rate"][failed] += 1 / min(RECENT, len(earlier))
                found["churn"] += bool(changed & set(other.observation.files))
        if total:
            found["decayed_failure_rate"] /= total
        touched: dict[str, int] = {}
        together: Counter[str] = Counter()
        for other in earlier:
            for file in other.observation.files:
                touched[file] = other.at
            if changed & set(other.observation.files):
                together.update(other.observation.files)
        for index, file in enumerate(files):
            if file in touched:
                found["days_since_last_change"][index] = min(NEVER, (row.at - touched[file]) / DAY)
            found["changed_together"][index] = together[file]


def _files(row: Row) -> list[str]:
    return [f"file {file}" for file in row.observation.files]


def _folders(row: Row) -> list[str]:
    return [f"folder {folder}" for folder in sorted(folders(row.observation.files))]


def _places(row: Row) -> list[str]:
    return [*_files(row), *_folders(row)]
