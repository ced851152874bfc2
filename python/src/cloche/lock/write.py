"""Puts cloche.lock where Nix sees it."""

import os
import tempfile
from pathlib import Path

from cloche.errors import ClocheError


class UnwritableLockError(ClocheError):
    """A lock that cannot be written."""

    def __init__(self, path: Path, reason: str) -> None:
        """Keep the `path` and the operating system's `reason`."""
        super().__init__(f"{path} cannot be written: {reason}.\nThe former lock, if any, is unchanged.")


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader sees the old or the new file, never a part.

    Raises UnwritableLockError.
    """
    part = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as stream:
            part = Path(stream.name)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        part.replace(path)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise UnwritableLockError(path, error.strerror or str(error)) from error
