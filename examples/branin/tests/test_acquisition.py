"""Expected improvement against its definition, an integral, and against differences."""

from itertools import pairwise
from math import exp, inf, log, pi, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad

from branin.acquisition import (
    expected_improvement,
    log_expected_improvement,
    log_improvement_gradient,
    maximise,
)
from branin.functions import branin, to_box
from branin.surrogate import Kernel, condition, posterior

KERNEL = Kernel(1.7, np.array([0.31, 0.52]))
POINTS = np.random.default_rng(7).random((12, 2))
VALUES = branin(to_box(POINTS))
SURROGATE = condition(KERNEL, POINTS, VALUES)
BEST = float(VALUES.min())

means = st.floats(-10, 10)
deviations = st.floats(1e-2, 10)


def integral(mean: float, deviation: float, best: float) -> float:
    """Return E[max(best - Y, 0)] for a normal Y, by numerical integration over Y.

    With best - Y = u s and z = (best - m) / s the integrand is s u phi(z - u). It is cut off
    forty deviations beyond its peak, where it is below 1e-300 of it.
    """
    z = (best - mean) / deviation
    peak = max(z, 0.0)

    def integrand(u: float) -> float:
        # The factor exp(-peak part) is taken out, so that the tail does not underflow.
        return u * exp(-0.5 * (z - u) ** 2 + 0.5 * (z - peak) ** 2)

    places = [0.0, *(peak + step for step in (-8, -2, 0, 2, 8) if peak + step > 0), peak + 40]
    # Left of the best value the integrand decays like exp(z u), on the scale 1 / |z|.
    if z < -1:
        places = [0.0, *(step / -z for step in (1, 5, 20, 60))]
    parts = [
        quad(integrand, low, high, epsabs=0, epsrel=1e-13)[0] for low, high in pairwise(places)
    ]
    return deviation * sum(parts) * exp(-0.5 * (z - peak) ** 2) / sqrt(2 * pi)


@given(means, deviations, means)
def test_closed_form_is_the_integral(mean: float, deviation: float, best: float) -> None:
    """To 1e-10 of its value, wherever that is a normal floating-point number."""
    assume((best - mean) / deviation > -35)
    expected = integral(mean, deviation, best)
    assert_allclose(expected_improvement(mean, deviation, best), expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize("z", [-30.0, -8.0, -1.0 - 1e-12, -1.0, -0.5, 0.0, 1.0, 8.0, 30.0])
def test_closed_form_is_the_integral_on_both_sides_of_each_seam(z: float) -> None:
    """Where one formula hands over to the next, and in the middle of each."""
    assert_allclose(expected_improvement(0.0, 1.0, z), integral(0.0, 1.0, z), rtol=1e-11, atol=0)


def test_known_value() -> None:
    """At z = 0 the expected improvement is s phi(0)."""
    assert_allclose(expected_improvement(5.0, 2.0, 5.0), 2 / sqrt(2 * pi), rtol=1e-15)


@pytest.mark.parametrize("z", [-39.0, -1e2, -9.999e3, -1.0001e4, -1e6, -1e8, -1e70])
def test_logarithm_far_above_the_best_value(z: float) -> None:
    """Where the improvement itself is zero in floating point: log phi(z) - log(z^2 + 3 - ...)."""
    expected = -0.5 * z**2 - 0.5 * log(2 * pi) - 2 * log(-z) + np.log1p(-3 / z**2 + 15 / z**4)
    assert_allclose(log_expected_improvement(0.0, 1.0, z), expected, rtol=1e-10)


@given(means, deviations, means)
def test_is_at_least_the_improvement_of_the_mean(
    mean: float, deviation: float, best: float
) -> None:
    """By Jensen's inequality."""
    improvement = expected_improvement(mean, deviation, best)
    assert improvement >= 0
    assert improvement >= (best - mean) * (1 - 1e-12)


@given(means, deviations, means, st.floats(1.01, 10))
def test_grows_with_uncertainty_and_with_promise(
    mean: float, deviation: float, best: float, more: float
) -> None:
    """A more uncertain or a lower prediction is expected to improve more."""
    improvement = log_expected_improvement(mean, deviation, best)
    lower = log_expected_improvement(mean - more, deviation, best)
    assert lower > improvement
    wider = log_expected_improvement(mean, deviation * more, best)
    # Far above the best value the improvement is certain, and more uncertainty adds nothing.
    assert wider > improvement or (best - mean) / deviation > 5


@pytest.mark.parametrize("deviation", [0.0, -1.0, float("nan")])
def test_refuses_what_is_no_deviation(deviation: float) -> None:
    """A deviation of zero would divide by zero."""
    with pytest.raises(ValueError, match="must be positive") as caught:
        log_expected_improvement([0.0, 0.0], [1.0, deviation], 0.0)
    least = np.min([1.0, deviation])
    assert str(caught.value) == f"standard deviations must be positive, the least is {least}"


@given(st.tuples(st.floats(0, 1), st.floats(0, 1)), st.sampled_from([0.0, 30.0, -100.0, -1e5]))
def test_gradient_agrees_with_finite_differences(place: tuple[float, float], shift: float) -> None:
    """In all zones of the closed form: far better, alike, worse, and hopeless."""
    point, step, best = np.asarray(place), 1e-6, BEST + shift
    assume(np.min(np.linalg.norm(POINTS - point, axis=1)) > 0.03)
    value, gradient = log_improvement_gradient(SURROGATE, point, best)
    around = [
        log_expected_improvement(*posterior(SURROGATE, point + sign * step * np.eye(2)), best)
        for sign in (1, -1)
    ]
    size = max(abs(value), float(np.linalg.norm(gradient)), 1.0)
    differences = (around[0] - around[1]) / (2 * step)
    assert_allclose(gradient, differences, rtol=1e-5, atol=1e-6 * size)
    here = log_expected_improvement(*posterior(SURROGATE, point[None, :]), best)
    assert_allclose(value, here[0], rtol=1e-13)


def test_maximum_beats_a_fine_grid() -> None:
    """No point of a grid of 201 by 201 is expected to improve more."""
    axis = np.linspace(0, 1, 201)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    scores = log_expected_improvement(*posterior(SURROGATE, grid), BEST)
    for seed in range(3):
        top = maximise(SURROGATE, BEST, np.random.default_rng(seed))
        assert np.all((top >= 0) & (top <= 1))
        score = log_expected_improvement(*posterior(SURROGATE, top[None, :]), BEST)[0]
        assert -inf < scores.max() <= score + 1e-12
