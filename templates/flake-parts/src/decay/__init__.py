"""Half-lives from counts."""

import sys
from collections.abc import Sequence

import numpy as np


def half_life(times: Sequence[float], counts: Sequence[float]) -> float:
    """Return the half-life, in the unit of `times`, of `counts` that decay exponentially."""
    slope, _ = np.polyfit(times, np.log(counts), 1)
    return float(-np.log(2) / slope)


def main() -> None:
    """Print the half-life of the counts that are given as TIME:COUNT."""
    pairs = [word.split(":") for word in sys.argv[1:]]
    times = [float(time) for time, _ in pairs]
    counts = [float(count) for _, count in pairs]
    print(f"half-life {half_life(times, counts):.4g}")
