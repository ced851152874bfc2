import pytest

from decay import half_life


def test_counts_that_halve_in_one_unit() -> None:
    assert half_life([0, 1, 2], [8, 4, 2]) == pytest.approx(1)
