import math

import pytest

from growth.rate import growth_rate


def test_exact_growth_is_recovered() -> None:
    assert growth_rate([100 * math.exp(0.3 * step) for step in range(5)]) == pytest.approx(0.3)


def test_noise_is_averaged() -> None:
    # Least squares by hand: steps -1, 0, 1 and logarithms 0, 1, 1 give (1 - 0) / 2.
    assert growth_rate([1.0, math.e, math.e]) == pytest.approx(0.5)


@pytest.mark.parametrize("counts", [[], [3.0], [1.0, 0.0], [1.0, -2.0]])
def test_what_has_no_rate_is_refused(counts: list[float]) -> None:
    with pytest.raises(ValueError, match="at least two counts"):
        growth_rate(counts)
