"""Expected improvement: how far below the best value a new value is expected to be.

With posterior mean m, standard deviation s, best value b and z = (b - m) / s,

    EI = E[max(b - Y, 0)] = s h(z),    h(z) = phi(z) + z Phi(z).

Source: J. Mockus, V. Tiesis and A. Zilinskas (1978); D. R. Jones, M. Schonlau and W. J. Welch,
"Efficient global optimization of expensive black-box functions", J. Global Optim. 13 (1998).
Far above the best value h underflows, so its logarithm is maximised:
S. Ament et al., "Unexpected improvements to expected improvement", NeurIPS 36 (2023).
"""

from math import log, pi

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import erfcx, ndtr

from branin.functions import FloatArray
from branin.surrogate import Surrogate, posterior, posterior_gradient

# Random points over the whole cube, and around each point that was evaluated.
CANDIDATES = 2048
CANDIDATES_AROUND = 16
# The standard deviation of those around, in the unit cube.
SPREAD = 0.02
# The number of climbs from either kind.
STARTS = 3

# Right of this, h is computed as it is written; left of it, phi is taken out before it underflows.
_TAIL = -1.0
# The two terms of h cancel to a relative error of about 1e-16 z^2; left of this, h = phi / z^2,
# which is exact to 3e-8 there, is as good.
_FAR_TAIL = -1e4


def _log_h(z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return log h(z), phi(z) / h(z) and Phi(z) / h(z), without underflow."""
    log_density = -0.5 * z**2 - 0.5 * log(2 * pi)
    centre = np.maximum(z, _TAIL)
    density, probability = np.exp(-0.5 * centre**2) / (2 * pi) ** 0.5, ndtr(centre)
    h = density + centre * probability

    # With the Mills ratio M = Phi / phi, h = phi (1 - |z| M).
    depth = -np.clip(z, _FAR_TAIL, _TAIL)
    mills = (pi / 2) ** 0.5 * erfcx(depth / 2**0.5)
    rest = 1 - depth * mills

    far = np.maximum(-z, -_FAR_TAIL)
    zones = [z >= _TAIL, z >= _FAR_TAIL]
    return (
        np.select(zones, [np.log(h), log_density + np.log(rest)], log_density - 2 * np.log(far)),
        np.select(zones, [density / h, 1 / rest], far**2),
        np.select(zones, [probability / h, mills / rest], far),
    )


def log_expected_improvement(
    mean: npt.ArrayLike, deviation: npt.ArrayLike, best: float
) -> FloatArray:
    """Return the logarithm of the expected improvement on `best`, which is to be minimised.

    Means and standard deviations have the same shape, and so has the result. Raises ValueError
    when a standard deviation is not positive.
    """
    means = np.asarray(mean, dtype=np.float64)
    deviations = np.asarray(deviation, dtype=np.float64)
    if not np.all(deviations > 0):
        message = f"standard deviations must be positive, the least is {np.min(deviations)}"
        raise ValueError(message)
    return np.asarray(np.log(deviations) + _log_h((best - means) / deviations)[0])


def expected_improvement(mean: npt.ArrayLike, deviation: npt.ArrayLike, best: float) -> FloatArray:
    """Return the expected improvement on `best`, in the units of the values.

    Shapes and errors are those of log_expected_improvement.
    """
    return np.asarray(np.exp(log_expected_improvement(mean, deviation, best)))


def log_improvement_gradient(
    surrogate: Surrogate, point: FloatArray, best: float
) -> tuple[float, FloatArray]:
    """Return the logarithm of the expected improvement at one point and its gradient, (d,).

    From d EI = phi ds - Phi dm, the gradient of log EI is (phi ds - Phi dm) / (s h).
    """
    mean, deviation = posterior(surrogate, point[None, :])
    mean_gradient, deviation_gradient = posterior_gradient(surrogate, point)
    log_h, density, probability = _log_h((best - mean) / deviation)
    gradient = (density * deviation_gradient - probability * mean_gradient) / deviation
    return float(np.log(deviation[0]) + log_h[0]), gradient


def _starts(surrogate: Surrogate, best: float, rng: np.random.Generator) -> FloatArray:
    """Return promising points: the best over the cube, and the best around different points.

    Late in a search the improvement has narrow peaks beside the lowest points, which points spread
    over the cube miss; and the best of all points around would all belong to one peak.
    """
    count, size = surrogate.points.shape
    anywhere = rng.random((CANDIDATES, 1, size))
    steps = SPREAD * rng.standard_normal((count, CANDIDATES_AROUND, size))
    around = np.clip(surrogate.points[:, None, :] + steps, 0.0, 1.0)
    chosen = []
    for families in (anywhere, around):
        scores = log_expected_improvement(
            *posterior(surrogate, families.reshape(-1, size)), best
        ).reshape(families.shape[:2])
        heads = families[np.arange(len(families)), scores.argmax(axis=1)]
        chosen.append(heads[np.argsort(-scores.max(axis=1), kind="stable")[:STARTS]])
    return np.concatenate(chosen)


def maximise(surrogate: Surrogate, best: float, rng: np.random.Generator) -> FloatArray:
    """Return the point of the unit cube, shape (d,), with the greatest improvement on `best`.

    L-BFGS-B climbs from several starting points; the highest of their tops is returned.
    """

    def descend(point: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = log_improvement_gradient(surrogate, point, best)
        return -value, -gradient

    def climb(start: FloatArray) -> tuple[float, FloatArray]:
        # The bounds keep every trial point inside the cube.
        bounds = [(0.0, 1.0)] * len(start)
        result = minimize(descend, start, jac=True, method="L-BFGS-B", bounds=bounds)
        return float(result.fun), np.asarray(result.x, dtype=np.float64)

    tops = [climb(start) for start in _starts(surrogate, best, rng)]
    return min(tops, key=lambda top: top[0])[1]
