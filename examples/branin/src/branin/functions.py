"""The Branin function, its gradient, its box and its minima.

Source: F. H. Branin, "Widely convergent method for finding multiple solutions of simultaneous
nonlinear equations", IBM Journal of Research and Development 16 (1972) 504-522; as a test problem
of global optimisation: L. C. W. Dixon and G. P. Szego, "Towards Global Optimisation 2" (1978).
"""

from math import pi
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]

# f(x1, x2) = (x2 - B x1^2 + C x1 - R)^2 + S (1 - T) cos(x1) + S
B = 5.1 / (4 * pi**2)
C = 5 / pi
R = 6.0
S = 10.0
T = 1 / (8 * pi)

LOWER = (-5.0, 0.0)
UPPER = (10.0, 15.0)

# Where cos(x1) = -1 and the square vanishes, f = S T; the box holds three such points.
MINIMUM = S * T
MINIMA = ((-pi, 12.275), (pi, 2.275), (3 * pi, 2.475))


def _coordinates(points: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != len(LOWER):
        message = f"points of shape {array.shape}: the last axis must have length {len(LOWER)}"
        raise ValueError(message)
    return array[..., 0], array[..., 1]


def branin(points: npt.ArrayLike) -> FloatArray:
    """Return the function's values, of shape (...), at points of shape (..., 2).

    Raises ValueError when the last axis does not have length 2.
    """
    x1, x2 = _coordinates(points)
    return np.asarray((x2 - B * x1**2 + C * x1 - R) ** 2 + S * (1 - T) * np.cos(x1) + S)


def branin_gradient(points: npt.ArrayLike) -> FloatArray:
    """Return the gradients, of shape (..., 2), at points of shape (..., 2).

    Raises ValueError when the last axis does not have length 2.
    """
    x1, x2 = _coordinates(points)
    valley = 2 * (x2 - B * x1**2 + C * x1 - R)
    return np.stack([valley * (C - 2 * B * x1) - S * (1 - T) * np.sin(x1), valley], axis=-1)


def to_box(unit: npt.ArrayLike) -> FloatArray:
    """Return the points of the function's box that belong to points of the unit square.

    Both have the shape (..., 2); (0, 0) becomes LOWER and (1, 1) becomes UPPER.
    """
    lower, upper = np.asarray(LOWER), np.asarray(UPPER)
    return np.asarray(lower + np.asarray(unit, dtype=np.float64) * (upper - lower))
