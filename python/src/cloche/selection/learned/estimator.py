"""What a fitted model computes, on arrays alone: a logistic regression, or a forest of trees that are averaged or summed.

scikit-learn fits them; here they are evaluated as it does it, so that a model is arrays and no program. A test compares
the two, number by number.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from cloche.selection.learned.columns import Matrix, Vector

Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


# In standard deviations. A column that is rarely not 0 has values far away, which must not decide alone.
FARTHEST = 4.0


def standardised(values: Matrix, mean: Vector, scale: Vector) -> Matrix:
    """Return columns in standard deviations from their means, at most FARTHEST."""
    found: Matrix = np.clip((values - mean) / scale, -FARTHEST, FARTHEST)
    return found


@dataclass(frozen=True)
class Linear:
    """A logistic regression on standardised columns."""

    mean: Vector
    scale: Vector
    weights: Vector
    intercept: Vector

    def probability(self, values: Matrix) -> Vector:
        """Return the probability of failure of each line, not calibrated."""
        standard = standardised(values, self.mean, self.scale)
        found: Vector = expit(standard @ self.weights + self.intercept[0])
        return found


@dataclass(frozen=True)
class Forest:
    """Trees, one after the other: a leaf has the left child -1, and children have higher numbers than their parent."""

    roots: Integers
    column: Integers
    threshold: Vector
    left: Integers
    right: Integers
    value: Vector
    # Added to the sum of the trees; without it their average is the probability (a random forest).
    start: Vector
    summed: bool
    # Random forests compare in single precision.
    single: bool

    def probability(self, values: Matrix) -> Vector:
        """Return the probability of failure of each line, not calibrated."""
        lines = np.arange(len(values))
        compared = values.astype(np.float32) if self.single else values
        total = np.full(len(values), self.start[0]) if self.summed else np.zeros(len(values))
        for root in self.roots:
            node = np.full(len(values), root)
            inner = self.left[node] >= 0
            while inner.any():
                at = node[inner]
                below = compared[lines[inner], self.column[at]] <= self.threshold[at]
                node[inner] = np.where(below, self.left[at], self.right[at])
                inner = self.left[node] >= 0
            total += self.value[node]
        if not self.summed:
            average: Vector = total / len(self.roots)
            return average
        found: Vector = expit(total)
        return found


Estimator = Linear | Forest
# A probability of 0 or 1 has no logit.
EDGE = 1e-6


def logit(probability: Vector) -> Vector:
    """Return the logarithm of the odds, for probabilities kept from 0 and 1."""
    clipped = np.clip(probability, EDGE, 1 - EDGE)
    found: Vector = np.log(clipped / (1 - clipped))
    return found


@dataclass(frozen=True)
class Calibration:
    """Platt's: the logit of an estimator's probability, stretched and moved to fit what was seen on validation."""

    slope: float
    intercept: float

    def apply(self, probability: Vector) -> Vector:
        """Return calibrated probabilities."""
        found: Vector = expit(self.slope * logit(probability) + self.intercept)
        return found
