"""Reading files, and writing them so that a reader sees the old one or the new one, never a part.

What another attempt may cure is tried again: file systems of clusters fail for a moment, and go on.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

import stamina

from branin.errors import MissingFolderError, OutputIsFolderError, WriteFailedError

# A full disk is not among them: it stays full, and the user should hear of it at once.
TRANSIENT = frozenset(
    [
        errno.EAGAIN,
        errno.EBUSY,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ESTALE,
        errno.ETIMEDOUT,
    ]
)


def is_transient(error: Exception) -> bool:
    """Return whether another attempt may succeed."""
    return isinstance(error, OSError) and error.errno in TRANSIENT


# Within two seconds in all.
_again = stamina.retry(
    on=is_transient, attempts=6, wait_initial=0.01, wait_max=0.5, wait_jitter=0.01, timeout=None
)


@_again
def read(path: Path) -> bytes:
    """Return what a file holds. Raises OSError."""
    return path.read_bytes()


def check_destination(path: Path, option: str) -> None:
    """Refuse a destination that cannot work, before any time is spent on what goes there.

    Raises MissingFolderError or OutputIsFolderError, which name the option.
    """
    if path.is_dir():
        raise OutputIsFolderError(path, option)
    if not path.parent.is_dir():
        raise MissingFolderError(path, option)


def write_atomically(path: Path, content: bytes) -> None:
    """Put the content at the path, or leave everything as it was and raise WriteFailedError."""
    try:
        _put(path, content)
    except OSError as error:
        raise WriteFailedError(path, error.strerror or str(error)) from error


@_again
def _put(path: Path, content: bytes) -> None:
    # In the same folder, because a rename is atomic only within one file system.
    temporary = path.with_name(f".branin-{token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        # After success there is nothing left; after a failure the first error is the one to tell.
        with suppress(OSError):
            temporary.unlink()
