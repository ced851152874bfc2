"""Measure what a selection catches and what it costs, over whole changes and over all pairs of changes and tests.

Intervals are of 95 %: changes of one place in the code are alike, so whole places are drawn again (bootstrap by group).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cloche.selection.learned.columns import Vector
from cloche.selection.learned.rule import Interval

DRAWS = 400
SEED = 20_240_607

Booleans = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Judged:
    """One change with a score and a decision for each test of the suite."""

    group: str
    failed: Booleans
    score: Vector
    # The tests that run, and those that are said to fail (for F1).
    runs: Booleans
    says: Booleans
    seconds: Vector
    everything: bool
    # How many changes it stands for.
    weight: float


@dataclass(frozen=True)
class Measured:
    """The figures of one way to select."""

    changes: int
    failing: int
    groups: int
    detected: Interval
    # Of the failing pairs, those that ran.
    pairs_caught: Interval
    time: Interval
    f1: Interval
    average_precision: Interval

    def data(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "changes": self.changes,
            "changes_with_failures": self.failing,
            "places": self.groups,
            "detected": self.detected.data(),
            "failures_run": self.pairs_caught.data(),
            "time": self.time.data(),
            "f1": self.f1.data(),
            "average_precision": self.average_precision.data(),
        }


def average_precision(scores: Vector, failed: Vector, weights: Vector) -> float:
    """Return the weighted average precision: over distinct scores from the highest, precision times the gain in recall."""
    order = np.argsort(-scores, kind="stable")
    return _average_precision(scores[order], failed[order], weights[order])


def _average_precision(scores: Vector, failed: Vector, weights: Vector) -> float:
    hits = np.cumsum(failed * weights)
    taken = np.cumsum(weights)
    total = hits[-1] if len(hits) else 0.0
    if total == 0:
        return 0.0
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    precision = np.divide(hits[ends], taken[ends], out=np.zeros(len(ends)), where=taken[ends] > 0)
    recall = hits[ends] / total
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))


def measure(judged: Sequence[Judged]) -> Measured:
    """Return the figures over all changes, those that every test survived included."""
    names = sorted({each.group for each in judged})
    number = {name: index for index, name in enumerate(names)}
    group = np.array([number[each.group] for each in judged])
    columns = np.array([_counts(each) for each in judged], dtype=np.float64).reshape(len(judged), 9)
    scores = np.concatenate([each.score for each in judged])
    failed = np.concatenate([each.failed for each in judged]).astype(np.float64)
    owner = np.concatenate([np.full(len(each.score), index) for index, each in zip(group, judged, strict=True)])
    order = np.argsort(-scores, kind="stable")
    scores, failed, owner = scores[order], failed[order], owner[order]
    weights = np.array([each.weight for each in judged])
    columns *= weights[:, None]
    own = np.concatenate([np.full(len(each.score), each.weight) for each in judged])[order]
    generator = np.random.default_rng(SEED)
    drawn = [np.ones(len(names))]
    drawn += [
        np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names)).astype(np.float64)
        for _ in range(DRAWS)
    ]
    ratios = np.array([_ratios((columns * weight[group][:, None]).sum(axis=0)) for weight in drawn])
    precise = np.array([_average_precision(scores, failed, weight[owner] * own) for weight in drawn[: 1 + DRAWS // 4]])

    def interval(values: Vector) -> Interval:
        low, high = np.nanpercentile(values[1:], [2.5, 97.5])
        return Interval(float(values[0]), float(low), float(high))

    return Measured(
        changes=len(judged),
        failing=sum(bool(each.failed.any()) for each in judged),
        groups=len(names),
        detected=interval(ratios[:, 0]),
        pairs_caught=interval(ratios[:, 1]),
        time=interval(ratios[:, 2]),
        f1=interval(ratios[:, 3]),
        average_precision=interval(precise),
    )


def _counts(each: Judged) -> list[float]:
    """Return failing, caught, failing pairs, pairs run, seconds run, seconds of all, hits, said, failed."""
    return [
        float(each.failed.any()),
        float((each.failed & each.runs).any()),
        float(each.failed.sum()),
        float((each.failed & each.runs).sum()),
        float(each.seconds[each.runs].sum()),
        float(each.seconds.sum()),
        float((each.failed & each.says).sum()),
        float(each.says.sum()),
        float(each.failed.sum()),
    ]


def _ratios(sums: Vector) -> list[float]:
    failing, caught, pairs, run, seconds, every, hits, said, failed = sums
    return [
        caught / failing if failing else 0.0,
        run / pairs if pairs else 0.0,
        seconds / every if every else 0.0,
        2 * hits / (said + failed) if said + failed else 0.0,
    ]


def best_f1(scores: Vector, failed: Vector, weights: Vector) -> float:
    """Return the score from which on a test is said to fail, so that F1 is highest."""
    order = np.argsort(-scores, kind="stable")
    said = np.cumsum(weights[order])
    f1 = 2 * np.cumsum((failed * weights)[order]) / (said + float((failed * weights).sum()))
    # Only between different scores.
    f1[:-1][scores[order][1:] == scores[order][:-1]] = -1.0
    best = float(scores[order][int(np.argmax(f1))]) if len(order) else 0.0
    # A score of 0 is that of a test which the change cannot reach.
    return best if best > 0 else 1.0
