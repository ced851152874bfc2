"""What the surrogate costs, which the search asks several thousand times for each evaluation."""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from branin.functions import branin, to_box
from branin.surrogate import Kernel, condition, posterior

KERNEL = Kernel(1.7, np.array([0.31, 0.52]))
ELSEWHERE = np.random.default_rng(8).random((200, 2))


@pytest.mark.parametrize("size", [10, 80])
def test_condition(benchmark: BenchmarkFixture, size: int) -> None:
    """Factorise the kernel matrix of some points."""
    points = np.random.default_rng(7).random((size, 2))
    surrogate = benchmark(condition, KERNEL, points, branin(to_box(points)))
    assert surrogate.weights.shape == (size,)


def test_posterior(benchmark: BenchmarkFixture) -> None:
    """Ask for means and deviations at 200 points."""
    points = np.random.default_rng(7).random((40, 2))
    surrogate = condition(KERNEL, points, branin(to_box(points)))
    mean, _ = benchmark(posterior, surrogate, ELSEWHERE)
    assert mean.shape == (200,)
