"""Times that strangers state."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(seconds: float) -> datetime:
    """Return the time so many seconds after 1970 began.

    Raises OverflowError for a time that has no date; datetime.fromtimestamp raises OSError or ValueError for some of them, as
    the machine has it.
    """
    return _EPOCH + timedelta(seconds=seconds)
