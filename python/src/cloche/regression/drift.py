"""Look for drift in the history of a value: where its level changed, up or down.

A value that never varies by itself (a pinned experiment) has changed wherever it leaves its tolerance. In one that varies,
the levels are found by least squares with a penalty for each change (PELT, Killick et al. 2012, by the library ruptures);
the noise is estimated from the differences of neighbours (1.4826 times their median size, by the square root of 2), which
a change of level hardly touches. Noise is taken as independent from run to run.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cloche.regression.numbers import Code, judge
from cloche.regression.rules import DEFAULT

# A level has at least so many values of a value that varies: a single odd one is no level.
LEAST = 2
# With fewer values nothing can be said of one that varies.
FEWEST = 10
# The penalty of a change is PENALTY + 2 log(n m) times the variance of the noise, for n values of each of m series, and
# greater where n is small, since then the noise is uncertain: times 1 + SMALL / n. Values count as at most CLIP deviations
# from the median, so that a heavy tail is no level. The three were chosen by simulation:
# ci/benchmarks/workloads/drift.py prints the rates of false alarms and of planted shifts that are found.
PENALTY = 8.0
SMALL = 8.0
CLIP = 3.5


@dataclass(frozen=True)
class Shift:
    """A change of level: the first value after it, and the level before and from there on; `noise` is one deviation."""

    index: int
    before: float
    after: float
    noise: float

    @property
    def rose(self) -> bool:
        """Return whether the level went up."""
        return self.after > self.before


@dataclass(frozen=True)
class Series:
    """The history of one value, the oldest first."""

    name: str
    values: npt.NDArray[np.float64]


def noise(values: npt.NDArray[np.float64]) -> float:
    """Return one standard deviation of the noise; 0 where most neighbours are equal."""
    steps = np.abs(np.diff(values))
    if not steps.size:
        return 0.0
    return 1.4826 * float(np.median(steps)) / math.sqrt(2)


@dataclass(frozen=True)
class Found:
    """The shifts of each series that has any, and the series that vary and are too short to say anything of."""

    shifts: dict[str, list[Shift]]
    short: list[str]


def shifts(series: list[Series]) -> Found:
    """Return the shifts of some series."""
    noisy = {each.name: noise(each.values[np.isfinite(each.values)]) for each in series}
    short = [each.name for each in series if noisy[each.name] > 0 and np.isfinite(each.values).sum() < FEWEST]
    many = sum(size > 0 for size in noisy.values()) - len(short)
    found = {}
    for each in series:
        size = noisy[each.name]
        if size == 0:
            here = _constant(each.values)
        else:
            here = _broken(each.values)
            here += [] if each.name in short else _noisy(each.values, size, many)
        if here:
            found[each.name] = sorted(here, key=lambda shift: shift.index)
    return Found(found, short)


def _constant(values: npt.NDArray[np.float64]) -> list[Shift]:
    if values.size < LEAST:
        return []
    # A reference of zero has no tolerance of its own, and a NaN that comes or goes is a change.
    places = np.flatnonzero(judge(values[:-1], values[1:], DEFAULT).codes > Code.WITHIN) + 1
    return [Shift(index, float(values[index - 1]), float(values[index]), 0.0) for index in places.tolist()]


def _broken(values: npt.NDArray[np.float64]) -> list[Shift]:
    """Return where a value ceases to be a number, or becomes one."""
    finite = np.isfinite(values)
    places = np.flatnonzero(finite[1:] != finite[:-1]) + 1
    return [Shift(index, float(values[index - 1]), float(values[index]), 0.0) for index in places.tolist()]


def _noisy(history: npt.NDArray[np.float64], size: float, many: int) -> list[Shift]:
    from ruptures import KernelCPD  # noqa: PLC0415 - takes long to load

    places = np.flatnonzero(np.isfinite(history))
    values = history[places]
    scaled = np.clip((values - np.median(values)) / size, -CLIP, CLIP).reshape(-1, 1)
    penalty = (PENALTY + 2 * math.log(values.size * many)) * (1 + SMALL / values.size)
    ends = KernelCPD(kernel="linear", min_size=LEAST).fit(scaled).predict(pen=penalty)
    starts = [0, *ends[:-1]]
    levels = [float(values[start:end].mean()) for start, end in zip(starts, ends, strict=True)]
    return [
        Shift(int(places[start]), before, after, size)
        for start, before, after in zip(starts[1:], levels, levels[1:], strict=False)
    ]
