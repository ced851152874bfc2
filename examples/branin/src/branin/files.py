"""Writing files so that a reader sees the old one or the new one, never a part."""

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from branin.errors import MissingFolderError, OutputIsFolderError, WriteFailedError


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
    # In the same folder, because a rename is atomic only within one file system.
    temporary = path.with_name(f".branin-{token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise WriteFailedError(path, error.strerror or str(error)) from error
    finally:
        # After success there is nothing left; after a failure the first error is the one to tell.
        with suppress(OSError):
            temporary.unlink()
