"""Files of strangers, read into memory: regular files only, and never more of one than a limit allows.

A pipe without a writer would be waited for, and /dev/zero has no end. Both, and what is too large, are refused as OSError
with a reason in `strerror`, so that whoever reads a file says one sentence about all of them.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from cloche.untrusted.archive_limits import Limit

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


class IrregularFileError(OSError):
    """Something else than a regular file."""

    def __init__(self, path: Path, kind: str) -> None:
        """Keep the `path` and what is there."""
        super().__init__(errno.EINVAL, f"it is {kind}, and only regular files are read", str(path))


class OversizedFileError(OSError):
    """A file with more bytes than its reader accepts."""

    def __init__(self, path: Path, most: int) -> None:
        """Keep the `path` and the number of bytes that are read at `most`."""
        super().__init__(errno.EFBIG, f"it has more than {most} bytes, and no more are read", str(path))


def open_regular(path: Path) -> BinaryIO:
    """Open a file, or what a link leads to, for reading; raises OSError, also for what is no regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise IrregularFileError(path, _KINDS.get(kind, "something else"))
    return os.fdopen(descriptor, "rb")


def read(path: Path, limit: Limit) -> bytes:
    """Return the bytes of a regular file; raises OSError, also for more than the limit's bytes."""
    with open_regular(path) as file:
        # What the size says is refused before anything is read; what grows meanwhile, or hides its size, after it.
        if os.fstat(file.fileno()).st_size > limit.bytes or len(data := file.read(limit.bytes + 1)) > limit.bytes:
            raise OversizedFileError(path, limit.bytes)
    return data
