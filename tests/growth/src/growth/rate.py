"""Estimating a rate of exponential growth."""

from collections.abc import Sequence

import numpy as np


def growth_rate(counts: Sequence[float]) -> float:
    """Return the rate r, per step, of the exponential exp(a + r t) that fits the logarithms of the counts best.

    Raises ValueError when there are fewer than two counts, or one that is not positive.
    """
    values = np.asarray(counts, dtype=float)
    if values.size < 2 or not np.all(values > 0):
        raise ValueError("at least two counts are needed, all of them positive")
    steps = np.arange(values.size) - (values.size - 1) / 2
    return float(steps @ np.log(values) / (steps @ steps))
