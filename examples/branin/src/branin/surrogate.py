"""A Gaussian process with a Matern 5/2 kernel: the cheap model of the expensive function.

scikit-learn chooses the kernel's parameters by maximum marginal likelihood. The posterior is
computed here, because the search needs its gradient and scikit-learn offers none.

Source: C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning" (2006):
posterior, algorithm 2.1; kernel, equation 4.17.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from branin.functions import FloatArray

# Added to the diagonal of the kernel matrix of standardised values. The function has no noise;
# this only keeps the Cholesky factor defined when two points come close to each other.
JITTER = 1e-10

# Below this share of the jitter, a posterior variance is nothing but rounding.
_VARIANCE_FLOOR = 1e-3 * JITTER

# Points live in the unit square; values are standardised.
_VARIANCE_BOUNDS = (1e-2, 1e3)
_LENGTH_BOUNDS = (5e-2, 1e1)
_RESTARTS = 1

_ROOT5 = 5**0.5


@dataclass(frozen=True, slots=True)
class Kernel:
    """A Matern 5/2 kernel: its variance and one length scale for each coordinate, shape (d,)."""

    variance: float
    lengths: FloatArray


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A Gaussian process conditioned on n observed values."""

    kernel: Kernel
    points: FloatArray  # (n, d)
    offset: float  # subtracted from the values
    scale: float  # then divided by
    factor: FloatArray  # (n, n), lower Cholesky factor of the kernel matrix with its jitter
    weights: FloatArray  # (n,), that matrix's inverse times the standardised values


def _scaled_differences(kernel: Kernel, left: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray((left[:, None, :] - right[None, :, :]) / kernel.lengths)


def covariance(kernel: Kernel, left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the kernel matrix, shape (m, n), of points of shapes (m, d) and (n, d)."""
    distance = np.sqrt(np.sum(_scaled_differences(kernel, left, right) ** 2, axis=-1))
    polynomial = 1 + _ROOT5 * distance + 5 / 3 * distance**2
    return np.asarray(kernel.variance * polynomial * np.exp(-_ROOT5 * distance))


def _covariance_gradient(kernel: Kernel, point: FloatArray, right: FloatArray) -> FloatArray:
    """Return the derivatives, shape (n, d), of the kernel by its first argument, shape (d,)."""
    difference = _scaled_differences(kernel, point[None, :], right)[0]
    distance = np.sqrt(np.sum(difference**2, axis=-1))
    radial = -5 / 3 * kernel.variance * (1 + _ROOT5 * distance) * np.exp(-_ROOT5 * distance)
    return np.asarray(radial[:, None] * difference / kernel.lengths)


def condition(kernel: Kernel, points: FloatArray, values: FloatArray) -> Surrogate:
    """Return the process with this kernel, given values of shape (n,) at points of shape (n, d).

    Raises numpy.linalg.LinAlgError when the kernel matrix is not positive definite.
    """
    offset = float(np.mean(values))
    # A constant sample has no scale of its own.
    scale = float(np.std(values)) or 1.0
    matrix = covariance(kernel, points, points) + JITTER * np.eye(len(points))
    factor = np.asarray(cholesky(matrix, lower=True))
    weights = np.asarray(cho_solve((factor, True), (values - offset) / scale))
    return Surrogate(kernel, points, offset, scale, factor, weights)


def fit(points: FloatArray, values: FloatArray, seed: int) -> Surrogate:
    """Return the process whose kernel makes the values, shape (n,), most likely.

    The points, shape (n, d), lie in the unit cube. The seed, below 2**32, decides where the
    optimiser of the likelihood starts for a second time.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    start = [0.5] * points.shape[1]
    prior = ConstantKernel(1.0, _VARIANCE_BOUNDS) * Matern(start, _LENGTH_BOUNDS, nu=2.5)
    model = GaussianProcessRegressor(
        prior, alpha=JITTER, n_restarts_optimizer=_RESTARTS, random_state=seed
    )
    with warnings.catch_warnings():
        # A length scale at its bound is a fair answer to few points, and no reason to stop.
        warnings.simplefilter("ignore", ConvergenceWarning)
        spread = float(np.std(values)) or 1.0
        model.fit(points, (values - np.mean(values)) / spread)
    lengths = np.asarray(model.kernel_.k2.length_scale, dtype=np.float64)
    return condition(Kernel(float(model.kernel_.k1.constant_value), lengths), points, values)


def posterior(surrogate: Surrogate, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return posterior means and standard deviations, each of shape (m,), at points (m, d).

    They are in the units of the observed values. A standard deviation is never zero.
    """
    cross = covariance(surrogate.kernel, points, surrogate.points)
    mean = surrogate.offset + surrogate.scale * (cross @ surrogate.weights)
    whitened = solve_triangular(surrogate.factor, cross.T, lower=True)
    variance = surrogate.kernel.variance - np.sum(whitened**2, axis=0)
    return mean, surrogate.scale * np.sqrt(np.maximum(variance, _VARIANCE_FLOOR))


def posterior_gradient(surrogate: Surrogate, point: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the gradients, each of shape (d,), of posterior mean and deviation at one point.

    Where the variance is nothing but rounding, the deviation's gradient is zero.
    """
    cross = covariance(surrogate.kernel, point[None, :], surrogate.points)[0]
    slope = _covariance_gradient(surrogate.kernel, point, surrogate.points)
    solved = cho_solve((surrogate.factor, True), cross)
    variance = surrogate.kernel.variance - float(cross @ solved)
    mean_gradient = surrogate.scale * (slope.T @ surrogate.weights)
    if variance <= _VARIANCE_FLOOR:
        return mean_gradient, np.zeros_like(mean_gradient)
    return mean_gradient, -surrogate.scale * (slope.T @ solved) / variance**0.5
