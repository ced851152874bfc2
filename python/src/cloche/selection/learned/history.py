"""What former changes did to the tests: which failed with these files, which failed lately, what changed together.

A change knows only what was there before it: real changes that were earlier, and mutants of other places in the code,
because a mutant's own place is what its failures would give away.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from cloche.selection.learned.observation import folders
from cloche.selection.learned.rows import Row

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
# How often a test fails that ran what changed, before anything was seen; and what that counts for, in changes.
USUAL = 0.3
STEADY = 4.0
FAINT = 0.3


def touched(row: Row) -> list[int]:
    """Return the tests that ran what changed: its statements or heads; else those that asked for it by name, else for its users."""
    pairs = row.observation.pairs
    ran = sorted({*pairs["covered_statements"], *pairs["covered_heads"]})
    return ran or sorted(pairs["reads_name"]) or sorted(pairs["user_specificity"])


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
    "sensitivity",
    "alike_failures",
    "alike_rate",
    "import_failures_with_file",
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
        self._remember(rows)
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
        self._alike(found, row)
        return found

    def _remember(self, rows: list[Row]) -> None:
        """Keep which tests ran what each change touched, and which failed, as arrays of changes by tests."""
        usable = [row for row in rows if row.usable]
        self.position = {
            test: index for index, test in enumerate(sorted({test for row in usable for test in row.observation.tests}))
        }
        self.ran = np.zeros((len(usable), len(self.position)), dtype=np.float32)
        self.failed = np.zeros_like(self.ran)
        for index, row in enumerate(usable):
            tests = row.observation.tests
            self.ran[index, [self.position[tests[number]] for number in touched(row)]] = 1.0
            self.failed[index, [self.position[tests[number]] for number in row.failed]] = 1.0
        self.at = np.array([-1 if row.origin == "mutant" else row.at for row in usable], dtype=np.int64)
        self.group = np.array([row.observation.group for row in usable], dtype=np.str_)
        self.mutant = np.array([row.origin == "mutant" for row in usable], dtype=bool)
        self.names = np.array([row.observation.change["names_changed"] > 0 for row in usable], dtype=bool)
        self.files = [frozenset(row.observation.files) for row in usable]

    def _alike(self, found: dict[str, "np.ndarray[tuple[int], np.dtype[np.float64]]"], row: Row) -> None:
        """Fill in how often each test failed among changes that it ran, and among those that the same tests ran."""
        tests = row.observation.tests
        own_place = self.group == row.observation.group
        allowed = self.mutant & ~own_place if row.origin == "mutant" else self.at < row.at
        ran, failed = self.ran[allowed], self.failed[allowed]
        here = np.array([self.position.get(test, -1) for test in tests])
        seen = here >= 0
        at = here[seen]
        pairs = float(ran.sum())
        usual = float((ran * failed).sum()) / pairs if pairs else USUAL
        for name in ("sensitivity", "alike_failures", "alike_rate"):
            found[name][:] = usual
        if not len(ran) or not len(at):
            found["import_failures_with_file"][:] = PRIOR
            return
        found["sensitivity"][seen] = ((ran * failed).sum(axis=0) + usual * STEADY)[at] / (ran.sum(axis=0) + STEADY)[at]
        own = np.zeros(len(self.position), dtype=np.float32)
        numbers = here[touched(row)]
        own[numbers[numbers >= 0]] = 1.0
        common = ran @ own
        either = ran.sum(axis=1) + own.sum() - common
        # Jaccard's index of the tests that ran one change and the other.
        alike = np.divide(common, either, out=np.zeros_like(common), where=either > 0)
        found["alike_failures"][seen] = (alike @ failed + usual * FAINT)[at] / (alike @ ran + FAINT)[at]
        share = (ran * failed).sum(axis=1) / np.maximum(1.0, ran.sum(axis=1))
        found["alike_rate"][:] = float((alike * share).sum() + usual * FAINT) / float(alike.sum() + FAINT)
        files = frozenset(row.observation.files)
        near = np.array(
            [bool(files & other) for other, may in zip(self.files, allowed, strict=True) if may], dtype=bool
        )
        near &= self.names[allowed] == (row.observation.change["names_changed"] > 0)
        found["import_failures_with_file"][:] = PRIOR
        found["import_failures_with_file"][seen] = (failed[near].sum(axis=0) + PRIOR * WEIGHT)[at] / (
            near.sum() + WEIGHT
        )

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
