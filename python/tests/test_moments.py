"""Times that strangers state: what has no date is one kind of error on every machine."""

from datetime import UTC, datetime

import pytest

from cloche.untrusted.moments import moment


def test_a_moment() -> None:
    assert moment(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert moment(-1.5) == datetime(1969, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC)
    assert moment(253_402_300_799) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [253_402_300_800, 2**62, -(2**62), 2**1000, float("inf")])
def test_what_has_no_date_is_an_overflow(seconds: float) -> None:
    with pytest.raises(OverflowError):
        moment(seconds)
