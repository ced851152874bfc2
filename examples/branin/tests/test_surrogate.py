"""The Gaussian process against textbook linear algebra and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from branin.functions import FloatArray, branin, to_box
from branin.surrogate import (
    JITTER,
    Kernel,
    Surrogate,
    condition,
    covariance,
    fit,
    posterior,
    posterior_gradient,
)

KERNEL = Kernel(1.7, np.array([0.31, 0.52]))
POINTS = np.random.default_rng(7).random((12, 2))
VALUES = branin(to_box(POINTS))
ELSEWHERE = np.random.default_rng(8).random((40, 2))


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    """Return a process with a known kernel."""
    return condition(KERNEL, POINTS, VALUES)


def scikit_learn_kernel(kernel: Kernel, points: FloatArray, others: FloatArray) -> FloatArray:
    """Return scikit-learn's kernel matrix."""
    matern = Matern(length_scale=kernel.lengths, nu=2.5)
    return np.asarray((ConstantKernel(kernel.variance) * matern)(points, others))


def log_likelihood(kernel: Kernel) -> float:
    """Return the log marginal likelihood of the standardised values, by its definition."""
    standard = (VALUES - VALUES.mean()) / VALUES.std()
    matrix = scikit_learn_kernel(kernel, POINTS, POINTS) + JITTER * np.eye(len(POINTS))
    determinant = np.linalg.slogdet(2 * np.pi * matrix)[1]
    return float(-0.5 * standard @ np.linalg.solve(matrix, standard) - 0.5 * determinant)


def test_kernel_is_scikit_learns() -> None:
    """Matern 5/2 with one length scale for each coordinate."""
    expected = scikit_learn_kernel(KERNEL, ELSEWHERE, POINTS)
    assert_allclose(covariance(KERNEL, ELSEWHERE, POINTS), expected, rtol=1e-13)


def test_posterior_is_direct_linear_algebra(surrogate: Surrogate) -> None:
    """The posterior of the textbook, with explicit inverses instead of Cholesky factors."""
    inverse = np.linalg.inv(covariance(KERNEL, POINTS, POINTS) + JITTER * np.eye(len(POINTS)))
    cross = covariance(KERNEL, ELSEWHERE, POINTS)
    offset, scale = VALUES.mean(), VALUES.std()
    mean, deviation = posterior(surrogate, ELSEWHERE)
    expected = offset + scale * cross @ inverse @ ((VALUES - offset) / scale)
    variance = KERNEL.variance - np.diag(cross @ inverse @ cross.T)
    assert_allclose(mean, expected, rtol=1e-11)
    assert_allclose(deviation, scale * np.sqrt(variance), rtol=1e-9)


def test_posterior_is_scikit_learns(surrogate: Surrogate) -> None:
    """An independent implementation, including its standardisation of the values."""
    kernel = ConstantKernel(KERNEL.variance) * Matern(length_scale=KERNEL.lengths, nu=2.5)
    model = GaussianProcessRegressor(kernel, alpha=JITTER, optimizer=None, normalize_y=True)
    mean, deviation = model.fit(POINTS, VALUES).predict(ELSEWHERE, return_std=True)
    assert_allclose(posterior(surrogate, ELSEWHERE)[0], mean, rtol=1e-11)
    assert_allclose(posterior(surrogate, ELSEWHERE)[1], deviation, rtol=1e-10)


def test_interpolates_what_was_observed(surrogate: Surrogate) -> None:
    """The function has no noise: the model repeats its values, and is certain of them."""
    mean, deviation = posterior(surrogate, POINTS)
    assert_allclose(mean, VALUES, rtol=1e-7)
    assert np.all(deviation > 0)
    assert np.all(deviation < 2e-5 * surrogate.scale)


def test_forgets_far_away(surrogate: Surrogate) -> None:
    """Far from all points the posterior is the prior."""
    mean, deviation = posterior(surrogate, np.array([[50.0, -50.0]]))
    assert_allclose(mean, [VALUES.mean()], rtol=1e-13)
    assert_allclose(deviation, [VALUES.std() * KERNEL.variance**0.5], rtol=1e-13)


@given(st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_gradient_agrees_with_finite_differences(place: tuple[float, float]) -> None:
    """Of mean and deviation, by central differences."""
    surrogate = condition(KERNEL, POINTS, VALUES)
    point, step = np.asarray(place), 1e-6
    steps = step * np.eye(2)
    ahead, behind = posterior(surrogate, point + steps), posterior(surrogate, point - steps)
    mean, deviation = posterior_gradient(surrogate, point)
    assert_allclose(mean, (ahead[0] - behind[0]) / (2 * step), rtol=1e-5, atol=1e-5)
    # At an observed point the deviation has a kink, where no difference quotient helps.
    if np.min(np.linalg.norm(POINTS - point, axis=1)) > 1e-3:
        assert_allclose(deviation, (ahead[1] - behind[1]) / (2 * step), rtol=1e-4, atol=1e-4)


def test_deviation_has_no_gradient_where_it_is_rounding() -> None:
    """Many points on top of each other leave less variance than rounding does."""
    crowd = 0.5 + 1e-9 * np.random.default_rng(0).random((1500, 2))
    surrogate = condition(KERNEL, crowd, np.zeros(len(crowd)))
    point = np.array([0.5, 0.5])
    # A thousandth of the jitter is the floor; the values have the scale 1.
    assert_allclose(posterior(surrogate, point[None, :])[1], (1e-3 * JITTER) ** 0.5, rtol=1e-15)
    mean, deviation = posterior_gradient(surrogate, point)
    assert np.all(np.isfinite(mean))
    assert np.all(deviation == 0)


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_units_of_the_values_do_not_matter(offset: float, scale: float) -> None:
    """Shifted and scaled values give a shifted and scaled posterior."""
    mean, deviation = posterior(condition(KERNEL, POINTS, VALUES), ELSEWHERE)
    other = posterior(condition(KERNEL, POINTS, offset + scale * VALUES), ELSEWHERE)
    tolerance = 1e-9 * (abs(offset) + scale * float(VALUES.max()))
    assert_allclose(other[0], offset + scale * mean, rtol=0, atol=tolerance)
    assert_allclose(other[1], scale * deviation, rtol=1e-9)


def test_constant_values_have_a_scale() -> None:
    """No division by a standard deviation of zero."""
    surrogate = fit(POINTS, np.full(len(POINTS), 3.0), seed=0)
    mean, deviation = posterior(surrogate, ELSEWHERE)
    assert_allclose(mean, 3.0, rtol=1e-14)
    assert np.all(np.isfinite(deviation))


def test_fit_maximises_the_likelihood() -> None:
    """No small change of the chosen kernel makes the values more likely."""
    chosen = fit(POINTS, VALUES, seed=0).kernel
    top = log_likelihood(chosen)
    assert top > log_likelihood(Kernel(1.0, np.array([0.5, 0.5]))) + 1
    for factor in (0.97, 1.03):
        for change in ((factor, 1, 1), (1, factor, 1), (1, 1, factor)):
            lengths = chosen.lengths * np.array(change[1:])
            assert log_likelihood(Kernel(chosen.variance * change[0], lengths)) < top + 1e-6


def test_fit_keeps_its_points() -> None:
    """The fitted process interpolates."""
    assert_allclose(posterior(fit(POINTS, VALUES, seed=0), POINTS)[0], VALUES, rtol=1e-6)
