"""The Branin function against its published minima and against derivatives without rounding."""

import cmath
from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize

from branin.functions import (
    LOWER,
    MINIMA,
    MINIMUM,
    UPPER,
    FloatArray,
    branin,
    branin_gradient,
    to_box,
)

box = st.tuples(*(st.floats(low, high) for low, high in zip(LOWER, UPPER, strict=True)))
unit = st.tuples(st.floats(0, 1), st.floats(0, 1))


def textbook(x1: complex, x2: complex) -> complex:
    """Return the function as Dixon and Szego print it, for complex arguments too."""
    square = (x2 - 5.1 / (4 * pi**2) * x1**2 + 5 / pi * x1 - 6) ** 2
    return square + 10 * (1 - 1 / (8 * pi)) * cmath.cos(x1) + 10


def test_minimum_is_the_published_one() -> None:
    """Exactly 5 / (4 pi); the value in circulation is the function's at (pi, 2.275), rounded."""
    assert_array_equal(MINIMUM, 5 / (4 * pi))
    assert_allclose(MINIMUM, 0.39788735772973816, rtol=1e-15, atol=0)


@pytest.mark.parametrize("point", MINIMA)
def test_minimum_is_reached(point: tuple[float, float]) -> None:
    """All three minima have the minimum's value and no slope."""
    assert_allclose(branin(point), MINIMUM, rtol=0, atol=1e-14)
    assert_allclose(branin_gradient(point), 0, atol=1e-13)


def test_box_holds_exactly_three_minima() -> None:
    """Descents from a grid over the box end in three points, the published ones."""

    def slope(point: FloatArray) -> tuple[float, FloatArray]:
        return float(branin(point)), branin_gradient(point)

    grid = np.linspace(0, 1, 7)
    ends = set()
    for start in to_box(np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)):
        end = minimize(
            slope,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(LOWER, UPPER, strict=True)),
            tol=1e-12,
        )
        assert end.fun >= MINIMUM - 1e-12
        if end.fun < MINIMUM + 1e-6:
            ends.add(tuple(np.round(end.x, 4).tolist()))
    assert ends == {(round(x1, 4), round(x2, 4)) for x1, x2 in MINIMA}


@given(box)
def test_agrees_with_the_textbook(point: tuple[float, float]) -> None:
    """The vectorised function is the printed formula."""
    assert_allclose(branin(point), textbook(*point).real, rtol=1e-13, atol=1e-12)


@given(box)
def test_is_nowhere_below_its_minimum(point: tuple[float, float]) -> None:
    """The minimum is global."""
    assert branin(point) >= MINIMUM - 1e-13


@given(box)
def test_gradient_agrees_with_complex_steps(point: tuple[float, float]) -> None:
    """A complex step has no cancellation, so the gradient is right to rounding."""
    x1, x2 = point
    step = 1e-30
    expected = [
        textbook(x1 + 1j * step, x2).imag / step,
        textbook(x1, x2 + 1j * step).imag / step,
    ]
    assert_allclose(branin_gradient(point), expected, rtol=1e-12, atol=1e-11)


@given(box)
def test_gradient_agrees_with_finite_differences(point: tuple[float, float]) -> None:
    """The gradient belongs to `branin` itself and not only to the printed formula."""
    step = 1e-5
    ahead = branin(np.asarray(point) + step * np.eye(2))
    behind = branin(np.asarray(point) - step * np.eye(2))
    assert_allclose(branin_gradient(point), (ahead - behind) / (2 * step), rtol=1e-7, atol=1e-7)


def test_many_points_give_the_values_of_single_points() -> None:
    """Leading axes are kept."""
    points = to_box(np.random.default_rng(1).random((3, 4, 2)))
    values = [[float(branin(point)) for point in row] for row in points]
    gradients = [[branin_gradient(point) for point in row] for row in points]
    assert_allclose(branin(points), values, rtol=1e-14)
    assert_allclose(branin_gradient(points), gradients, rtol=1e-14)


@pytest.mark.parametrize("points", [1.0, [1.0], [1.0, 2.0, 3.0], [[1.0], [2.0]]])
def test_refuses_points_outside_the_plane(points: object) -> None:
    """A wrong shape is an error, not a broadcast."""
    shape = np.shape(np.asarray(points))
    message = f"points of shape {shape}: the last axis must have length 2"
    for function in (branin, branin_gradient):
        with pytest.raises(ValueError, match="last axis") as caught:
            function(np.asarray(points))
        assert str(caught.value) == message


def test_unit_square_covers_the_box() -> None:
    """The corners of the unit square are the corners of the box, exactly."""
    corners = to_box([[0, 0], [1, 1], [0, 1], [1, 0]])
    assert_array_equal(corners, [[-5, 0], [10, 15], [-5, 15], [10, 0]])


@given(unit)
def test_unit_square_stays_in_the_box(point: tuple[float, float]) -> None:
    """No rounding leads out of the box."""
    image = to_box(point)
    assert np.all(image >= LOWER)
    assert np.all(image <= UPPER)
