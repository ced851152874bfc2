"""Which tests of a change run: the most probable one, and others in the order of promise, until too little is left to be gained.

The tests of one change fail together or not at all, so they are taken to depend on whether anything fails: with a
probability of q = 1 - product of (1 - p)**TOGETHER, and given that each test with one of p / q. A test's *gain* is its p
times the chance, (1 - p / q)**redundancy for each, that those before it have not shown the failure already; per second, as
far as pace says. The order is that of p / seconds**pace; the rule runs the longest beginning of it whose gains stay above a
level. The most probable test runs whatever is gained: a change that breaks what every test imports is then seen, and
needs no prediction. The level is fitted on validation for a wanted recall: the share of changes with failures in which at
least one failing test runs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from cloche.selection.learned.columns import Vector

REDUNDANCY = (0.25, 0.5, 1.0)
PACE = (0.0, 0.5, 1.0)
# One-sided: what is shown holds with this confidence.
CONFIDENCE = 0.95
# A test that takes no time still has to be started.
LEAST_SECONDS = 0.001
ROUNDING = 1e-9
# Between 0 (all tests fail together) and 1 (each for itself).
TOGETHER = 0.5
# The gain of the most probable test: above all others, which are at most 1 / LEAST_SECONDS.
FIRST = 1e6
ALMOST = 1 - 1e-9


@dataclass(frozen=True)
class Rule:
    """How much what was run before counts, and how much time does."""

    redundancy: float
    pace: float

    def gains(self, probability: Vector, seconds: Vector) -> Vector:
        """Return for each test of a change the lowest gain up to it in the order: it runs if that reaches the level."""
        found: Vector = np.empty(len(probability))
        if not len(found):
            return found
        cost = np.maximum(seconds, LEAST_SECONDS) ** self.pace
        order = self.order(probability, seconds)
        anything = -np.expm1(TOGETHER * np.log1p(-np.minimum(probability, ALMOST)).sum())
        given = np.minimum(probability[order] / max(anything, 1 - ALMOST), ALMOST)
        missed = np.concatenate([[0.0], np.cumsum(np.log1p(-given))[:-1]])
        found[order] = np.minimum.accumulate(probability[order] * np.exp(self.redundancy * missed) / cost[order])
        found[order[0]] = FIRST
        return found

    def order(self, probability: Vector, seconds: Vector) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Return the tests' numbers: the most probable, then the most promising first; ties as they came."""
        cost = np.maximum(seconds, LEAST_SECONDS) ** self.pace
        promise = probability / cost
        promise[int(np.argmax(probability))] = np.inf
        found: np.ndarray[tuple[int], np.dtype[np.int64]] = np.argsort(-promise, kind="stable")
        return found


@dataclass(frozen=True)
class Interval:
    """A share with its bounds."""

    value: float
    low: float
    high: float

    def data(self) -> dict[str, float]:
        """Return it as JSON."""
        return {"value": round(self.value, 6), "low": round(self.low, 6), "high": round(self.high, 6)}


def share_interval(successes: float, number: float, confidence: float = CONFIDENCE) -> Interval:
    """Return a share with its one-sided bounds by Clopper and Pearson (Biometrika 26, 1934); of nothing, 0 to 1."""
    if number <= 0:
        return Interval(0.0, 0.0, 1.0)
    failures = number - successes
    rest = 1 - confidence
    low = 0.0 if successes <= 0 else float(betaincinv(successes, failures + 1, rest))
    high = 1.0 if failures <= 0 else float(betaincinv(successes + 1, failures, 1 - rest))
    return Interval(successes / number, low, high)


@dataclass(frozen=True)
class Level:
    """The level for a wanted recall, and what that recall was on validation."""

    level: float
    recall: Interval


def fitted_level(levels: Sequence[float], recall: float) -> Level | None:
    """Return the highest level that keeps a wanted recall for the next place of the code; None when none does.

    `levels` has for each place with failures the highest level at which each of its changes is still caught. With a share m
    of misses among n places, the next one is missed with a probability of at most (n m + 1) / (n + 1), whatever the
    distribution (conformal risk control: Angelopoulos, Bates, Fisch, Lei and Schuster, 2022). The level's interval says how
    far chance may have helped.
    """
    ordered = sorted(levels, reverse=True)
    number = len(ordered)
    for caught in range(1, number + 1):
        level = ordered[caught - 1]
        # Places at the same level are caught together.
        if caught < number and ordered[caught] == level:
            continue
        if level > 0 and caught >= recall * (number + 1) - ROUNDING:
            return Level(level, share_interval(caught, number))
    return None


def needed_groups(recall: float) -> int:
    """Return in how many places failures must have been caught, without a miss, for a level to keep a recall."""
    return math.ceil(recall / (1 - recall) - ROUNDING)
