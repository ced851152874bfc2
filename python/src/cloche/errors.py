"""The base of every error that Cloche reports to a person.

Each error class owns its message: what was wrong, which value, where it came from, what to do.
`cloche.cli.main` writes the message to stderr and ends with the class's exit code.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the end of a command means to a script."""

    FINE = 0
    CHECK_FAILED = 1
    BAD_INPUT = 2
    ENVIRONMENT_LACKS = 3


# What code raises that takes a document apart and finds another shape than it knows: a text where a table should be, a list
# that is too short, a number that no date has. Whoever reads a stranger's document says all of it as one error.
MISSHAPEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class ClocheError(Exception):
    """An error with a message for a person and an exit code for a script."""

    exit_code: ExitCode = ExitCode.BAD_INPUT

    @property
    def message(self) -> str:
        """The text for stderr, without the "error: " in front of it."""
        return str(self)
