"""Replay a way of selecting tests on a kill matrix: what it would have run for each fault, and whether it had seen it.

Figures count each fault by how many sites of the project it stands for, and have intervals from resampling the functions that
the faults are in, because faults of one function are alike.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from cloche.selection.mutants.matrix import COLLECTION, KILLED, SURVIVED, Judged, Matrix
from cloche.selection.mutants.sites import Mutant

# What is a failure of tests; the others are strata of their own.
ORDINARY = {KILLED, SURVIVED}
# A fault that at most so many tests see is easily missed.
FEW = 2


@dataclass(frozen=True)
class Selected:
    """What a way of selecting says about one fault."""

    tests: frozenset[str]
    # What saying it took.
    seconds: float = 0.0
    # test -> how likely it is to fail, where that is said.
    scores: Mapping[str, float] | None = None


Selector = Callable[[Mutant], Selected]


@dataclass(frozen=True)
class Row:
    """One fault as it was judged, and as it was selected for."""

    judged: Judged
    selected: Selected
    # Whether a selected test sees it, None when no test does.
    detected: bool | None
    # The selected tests' own seconds, as they are without the fault: none where pytest ends before it runs a test.
    test_seconds: float
    # The same of the whole suite.
    suite_seconds: float
    # Sites that it stands for.
    weight: float


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Figures:
    """What came out over a matrix; shares are from 0 to 1."""

    faults: int
    killed: int
    missed: int
    # Functions, or top-level statements, that the killed faults are in.
    functions: int
    # Killed faults whose selection has a test that sees them. Where none was missed, resampling knows no lower bound: it is then
    # that of a rate that shows nothing in so many functions with a probability of 5 % (for many of them 1 - 3/n).
    detected: Interval
    # The same without weights: of the faults that were drawn.
    detected_drawn: float
    # The same of the faults that at most FEW tests see, and how many those are.
    detected_few: Interval
    few: int
    # Seconds of the selected tests over those of all tests, summed over all faults, each in a tree with the fault.
    test_seconds: Interval
    # Selecting, pytest's fixed cost unless nothing is selected, and the tests, over plain pytest, in the same way.
    time: Interval
    # The part of the tests that is selected, on average.
    tests: Interval
    # Over all pairs of a fault and a test: selected and failing.
    precision: float
    recall: float
    f1: float
    # Faults for which all tests were selected.
    everything: float


def detects(judged: Judged, tests: frozenset[str]) -> bool | None:
    """Say whether running these tests shows a fault; None when the whole suite does not."""
    if judged.outcome == SURVIVED:
        return None
    if judged.failed & tests:
        return True
    if judged.outcome == COLLECTION:
        # pytest fails when it collects a broken file, and always when it does not even come so far.
        return bool(tests) if not judged.broken else any(test.partition("::")[0] in judged.broken for test in tests)
    return False


def seconds_of(matrix: Matrix, judged: Judged, tests: AbstractSet[str]) -> float:
    """Return the seconds that pytest spends in these tests when the tree has the fault.

    Where it meets a broken file, it ends before it runs a test. What a fault does to a single test's time is not counted.
    """
    if judged.outcome == COLLECTION and judged.missing == len(matrix.base) and detects(judged, frozenset(tests)):
        return 0.0
    return sum(matrix.seconds[test] for test in tests if test in matrix.seconds)


def replay(matrix: Matrix, select: Selector) -> list[Row]:
    """Return a row for each fault of a matrix, in its order."""
    sample = matrix.sample()
    weight = {stratum: sample.weight(stratum) for stratum in matrix.sites}
    rows = []
    for judged in matrix.judged:
        selected = select(judged.mutant)
        seconds = seconds_of(matrix, judged, selected.tests), seconds_of(matrix, judged, matrix.base.keys())
        rows.append(Row(judged, selected, detects(judged, selected.tests), *seconds, weight[judged.mutant.stratum]))
    return rows


def _share(pairs: Sequence[tuple[float, float]]) -> float:
    below = sum(each[1] for each in pairs)
    return sum(each[0] for each in pairs) / below if below else 0.0


def interval(rows: Sequence[Row], part: Callable[[Row], tuple[float, float]], *, seed: int, repeats: int) -> Interval:
    """Return the weighted sum of a part's first over that of its second, with an interval by resampling functions."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        above, below = part(row)
        found = groups.setdefault(row.judged.mutant.cluster, [0.0, 0.0])
        found[0] += row.weight * above
        found[1] += row.weight * below
    sums = [(above, below) for above, below in groups.values()]
    value = _share(sums)
    generator = random.Random(seed)  # noqa: S311 - resampling, no secret
    drawn = sorted(_share(generator.choices(sums, k=len(sums))) for _ in range(repeats)) if sums else [0.0]
    return Interval(value, drawn[int(0.025 * len(drawn))], drawn[min(len(drawn) - 1, int(0.975 * len(drawn)))])


def figures(matrix: Matrix, rows: Sequence[Row], *, seed: int = 1, repeats: int = 1000) -> Figures:
    """Sum up the rows of a matrix; faults that break the collection, most tests or the time limit are killed as well."""
    number = len(matrix.base)
    killed = [row for row in rows if row.detected is not None]
    few = [row for row in killed if row.judged.outcome == KILLED and len(row.judged.failed) <= FEW]

    def found(row: Row) -> tuple[float, float]:
        return float(row.detected is True), 1.0

    def time(row: Row) -> tuple[float, float]:
        fixed = matrix.fixed if row.selected.tests else 0.0
        return row.selected.seconds + fixed + row.test_seconds, matrix.fixed + row.suite_seconds

    def share(part: Callable[[Row], tuple[float, float]], of: Sequence[Row]) -> Interval:
        return interval(of, part, seed=seed, repeats=repeats)

    def bounded(of: Sequence[Row]) -> Interval:
        known = share(found, of)
        clusters = {row.judged.mutant.cluster for row in of}
        return Interval(1.0, 0.05 ** (1 / len(clusters)), 1.0) if all(row.detected for row in of) and of else known

    ordinary = [row for row in rows if row.judged.outcome in ORDINARY]
    right = sum(row.weight * len(row.judged.failed & row.selected.tests) for row in ordinary)
    said = sum(row.weight * len(row.selected.tests & matrix.base.keys()) for row in ordinary)
    true = sum(row.weight * len(row.judged.failed) for row in ordinary)
    return Figures(
        faults=len(rows),
        killed=len(killed),
        missed=sum(row.detected is False for row in rows),
        functions=len({row.judged.mutant.cluster for row in killed}),
        detected=bounded(killed),
        detected_drawn=sum(row.detected is True for row in killed) / len(killed) if killed else 0.0,
        detected_few=bounded(few),
        few=len(few),
        test_seconds=share(lambda row: (row.test_seconds, row.suite_seconds), rows),
        time=share(time, rows),
        tests=share(lambda row: (float(len(row.selected.tests & matrix.base.keys())), float(number)), rows),
        precision=right / said if said else 0.0,
        recall=right / true if true else 0.0,
        f1=2 * right / (said + true) if said + true else 0.0,
        everything=_share([(row.weight * (len(row.selected.tests) >= number), row.weight) for row in rows]),
    )


__all__ = [
    "Figures",
    "Interval",
    "Row",
    "Selected",
    "Selector",
    "detects",
    "figures",
    "interval",
    "replay",
    "seconds_of",
]
