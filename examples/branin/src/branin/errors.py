"""What can go wrong: each class owns its message and its exit code.

A message says what was wrong, with which value, where the value came from, and what to do.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar


class BraninError(Exception):
    """Anything that the command line reports as a sentence, without a traceback."""

    exit_code: ClassVar[int]


class InputError(BraninError):
    """The user can cure it by another argument or another file."""

    exit_code = 2


class UnknownMethodError(InputError):
    """A search method that does not exist."""

    def __init__(self, method: str, methods: Sequence[str]) -> None:
        """Name the method that was asked for and those that exist."""
        super().__init__(
            f"unknown method {method!r} (option --method): choose one of {', '.join(methods)}"
        )


class OutOfRangeError(InputError):
    """An integer option outside its range."""

    def __init__(self, option: str, value: int, low: int, high: int) -> None:
        """Name the option, its value and both ends of the range, which are included."""
        super().__init__(
            f"{value} is out of range (option {option}): choose a number from {low} to {high}"
        )


class MissingFolderError(InputError):
    """The folder of an output file does not exist."""

    def __init__(self, path: Path, option: str) -> None:
        """Name the file that was to be written, its option and the missing folder."""
        super().__init__(
            f"cannot write {str(path)!r} (option {option}): the folder {str(path.parent)!r} "
            "does not exist; create it or choose another file"
        )


class OutputIsFolderError(InputError):
    """An output file's name belongs to a folder."""

    def __init__(self, path: Path, option: str) -> None:
        """Name the folder and the option."""
        super().__init__(
            f"cannot write {str(path)!r} (option {option}): it is a folder; "
            "add the name of a file inside it"
        )


class PlotFormatError(InputError):
    """A plot's file name does not say in which known format to draw."""

    def __init__(self, path: Path, option: str, suffixes: Sequence[str]) -> None:
        """Name the file, its option and the suffixes that are understood."""
        super().__init__(
            f"cannot draw {str(path)!r} (option {option}): the suffix {path.suffix!r} names no "
            f"known format; end the name in {' or '.join(suffixes)}"
        )


class UnreadableError(InputError):
    """A results file that the operating system does not let us read."""

    def __init__(self, path: Path, reason: str) -> None:
        """Name the file and the system's reason."""
        super().__init__(
            f"cannot read {str(path)!r} (argument RESULTS): {reason}; "
            "name a file written by `branin compare`"
        )


class InvalidResultsError(InputError):
    """A file that is readable but holds no results that this version understands."""

    def __init__(self, path: Path, problem: str) -> None:
        """Name the file and the first problem in it."""
        super().__init__(
            f"{str(path)!r} (argument RESULTS) holds no valid comparison: {problem}; "
            "make the file again with `branin compare`"
        )


class WriteFailedError(BraninError):
    """The system refused to write an output file: a full disk, a quota, missing permission."""

    exit_code = 3

    def __init__(self, path: Path, reason: str) -> None:
        """Name the file and the system's reason."""
        super().__init__(
            f"cannot write {str(path)!r}: {reason}; nothing was changed there, "
            "make room or choose another file"
        )


class ArchiveError(BraninError):
    """An archive that can't be used: no database, a full disk, another program that keeps it."""

    exit_code = 3

    def __init__(self, path: Path, reason: str) -> None:
        """Name the file and the database's reason."""
        super().__init__(
            f"cannot use {str(path)!r} (option --archive): {reason}; the runs that it had are as "
            "they were, try again or choose another file"
        )
