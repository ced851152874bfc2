"""The base of every error that Cloche reports to a person.

The message is written where the error is raised, or in a function of its own where several places raise it: what was wrong,
which value, where it came from, what to do. `cloche.cli.main` writes it to stderr and ends with the error's exit code. A class
of its own is only for what the library catches by its type.
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

    def __init__(self, message: str, exit_code: ExitCode | None = None) -> None:
        """Keep the `message`, and an `exit_code` other than that of the class."""
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code

    @property
    def message(self) -> str:
        """The text for stderr, without the "error: " in front of it."""
        return str(self)
