"""Which tests of a change run: in the order of their promise, until too little is left to be gained.

The tests of a change are ordered by p / seconds**pace. A test's *gain* is its p times the chance that none before it has
failed, (1 - p)**redundancy for each; the rule runs the longest beginning of the order whose gains stay above a level.
Redundancy 0 is a plain threshold of p. The level is fitted on validation for a wanted recall: the share of changes with
failures in which at least one failing test runs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from cloche.learn.columns import Vector

REDUNDANCY = (0.0, 0.25, 0.5, 1.0)
PACE = (0.0, 0.5, 1.0)
# One-sided: what is shown holds with this confidence.
CONFIDENCE = 0.95
# A test that takes no time still has to be started.
LEAST_SECONDS = 0.001
ROUNDING = 1e-9


@dataclass(frozen=True)
class Rule:
    """How much what was run before counts, and how much time does."""

    redundancy: float
    pace: float

    def gains(self, probability: Vector, seconds: Vector) -> Vector:
        """Return for each test of a change the lowest gain up to it in the order: it runs if that reaches the level."""
        cost = np.maximum(seconds, LEAST_SECONDS) ** self.pace
        order = self.order(probability, seconds)
        ordered = probability[order]
        missed = np.concatenate([[0.0], np.cumsum(np.log1p(-np.minimum(ordered, 1 - 1e-9)))[:-1]])
        gain = np.minimum.accumulate(ordered * np.exp(self.redundancy * missed) / cost[order])
        found: Vector = np.empty(len(probability))
        found[order] = gain
        return found

    def order(self, probability: Vector, seconds: Vector) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Return the tests' numbers, the most promising first; ties as they came."""
        cost = np.maximum(seconds, LEAST_SECONDS) ** self.pace
        found: np.ndarray[tuple[int], np.dtype[np.int64]] = np.argsort(-probability / cost, kind="stable")
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


def fitted_level(levels: Sequence[float], groups: int, recall: float) -> Level | None:
    """Return the highest level that keeps a wanted recall for the next change; None when none does.

    `levels` has for each change with failures the highest level at which one of its failing tests still runs. Changes of
    one place are alike, so only as many count as there are `groups` of them. With a share m of misses among n groups, the
    next one is missed with a probability of at most (n m + 1) / (n + 1), whatever the distribution (conformal risk
    control: Angelopoulos, Bates, Fisch, Lei and Schuster, 2022). The level's interval says how far chance may have helped.
    """
    ordered = sorted(levels, reverse=True)
    number = len(ordered)
    groups = min(groups, number)
    for caught in range(1, number + 1):
        level = ordered[caught - 1]
        # Changes at the same level are caught together.
        if caught < number and ordered[caught] == level:
            continue
        if level > 0 and groups * caught / number >= recall * (groups + 1) - ROUNDING:
            return Level(level, share_interval(groups * caught / number, groups))
    return None


def needed_groups(recall: float) -> int:
    """Return in how many places failures must have been caught, without a miss, for a level to keep a recall."""
    return math.ceil(recall / (1 - recall) - ROUNDING)
