"""Files: open, read, write, sync, rename. Faults of the types filesystem and resource.

What Python's `open` returns is made here of the same classes, with a raw file of our own below: a disk that is full shows
itself where it does in truth, when the buffer is written out.
"""

import builtins
import io
import os
import stat
import sys
from collections.abc import Callable
from typing import Any

from .faults import Fault, system_error
from .injection import by_runner, strike
from .limits import NO_DESCRIPTORS, NO_DESCRIPTORS_FILE, NO_SIZE, limited
from .patching import Patches, Wrapper

STANDARD_ERROR = 2
NO_SPACE = system_error("filesystem", "ENOSPC")
INPUT_OUTPUT = system_error("filesystem", "EIO")
SHORT = Fault("filesystem", "short write")
OPENING = (INPUT_OUTPUT, NO_DESCRIPTORS_FILE, NO_DESCRIPTORS)
CREATING = (*OPENING, NO_SPACE)
READING = (INPUT_OUTPUT,)
WRITING = (NO_SPACE, INPUT_OUTPUT, SHORT, NO_SIZE)
# A single byte can't be written in part.
WRITING_ONE = (NO_SPACE, INPUT_OUTPUT, NO_SIZE)
SYNCING = (INPUT_OUTPUT, NO_SPACE)


def install(patches: Patches) -> None:
    """Wrap the operations on files."""
    if not patches.types & {"filesystem", "resource"}:
        return
    patches.replace((builtins, io), "open", _open)
    patches.replace(os, "open", _os_open)
    patches.replace(os, "read", _simple("os.read", READING, _regular))
    patches.replace(os, "write", _os_write)
    for name in ("fsync", "fdatasync"):
        patches.replace(os, name, _simple(f"os.{name}", SYNCING))
    for name in ("replace", "rename", "link", "mkdir", "truncate", "ftruncate", "sendfile"):
        patches.replace(os, name, _simple(f"os.{name}", SYNCING))


def _regular(descriptor: int) -> bool:
    """Return whether a descriptor is an ordinary file's; pipes and terminals are on no disk.

    Standard output and error may be: pytest has them in files.
    """
    if descriptor <= STANDARD_ERROR:
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _on_disk(path: Any) -> bool:
    """Return whether a file can be on a disk, as those that the kernel makes up are not."""
    try:
        text = os.fsdecode(path)
    except TypeError:
        return False
    return not text.startswith(("/proc/", "/sys/", "/dev/"))


def _simple(
    name: str, faults: tuple[Fault, ...], wanted: Callable[[Any], bool] | None = None
) -> Callable[[Any], Wrapper]:
    def make(original: Any) -> Wrapper:
        def wrapper(first: Any, *arguments: Any, **keywords: Any) -> Any:
            if wanted is None or wanted(first):
                strike(name, faults, None if isinstance(first, int) else os.fspath(first))
            return original(first, *arguments, **keywords)

        return wrapper

    return make


def _os_open(original: Any) -> Wrapper:
    def wrapper(path: Any, flags: int, *arguments: Any, **keywords: Any) -> Any:
        fault = (
            strike("os.open", CREATING if flags & os.O_CREAT else OPENING, os.fspath(path)) if _on_disk(path) else None
        )
        with limited(fault, path):
            return original(path, flags, *arguments, **keywords)

    return wrapper


def _os_write(original: Any) -> Wrapper:
    def wrapper(descriptor: int, data: Any, /) -> Any:
        size = memoryview(data).nbytes
        fault = strike("os.write", WRITING if size > 1 else WRITING_ONE) if size and _regular(descriptor) else None
        if fault is SHORT:
            return original(descriptor, memoryview(data).cast("B")[: size // 2])
        with limited(fault):
            return original(descriptor, data)

    return wrapper


class FaultyFile(io.FileIO):
    """A raw file whose system calls can fail while a test runs."""

    def write(self, data: Any, /) -> Any:
        """Write as the system does: all, a part, or nothing and an error."""
        view = memoryview(data)
        fault = (
            strike("write", WRITING if view.nbytes > 1 else WRITING_ONE)
            if view.nbytes and _regular(self.fileno())
            else None
        )
        if fault is SHORT:
            return super().write(view.cast("B")[: view.nbytes // 2])
        with limited(fault):
            return super().write(data)

    def readinto(self, buffer: Any, /) -> Any:
        """Read into a buffer."""
        strike("read", READING)
        return super().readinto(buffer)

    def read(self, size: int | None = -1, /) -> Any:
        """Read some bytes."""
        strike("read", READING)
        return super().read(-1 if size is None else size)

    def readall(self) -> Any:
        """Read the rest."""
        strike("read", READING)
        return super().readall()

    def truncate(self, size: int | None = None, /) -> int:
        """Cut the file, or make it longer."""
        strike("truncate", SYNCING)
        return super().truncate(size)


def _open(original: Any) -> Wrapper:
    def open(  # noqa: A001, PLR0913, PLR0917 - it stands in for Python's
        file: Any,
        mode: Any = "r",
        buffering: Any = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,  # noqa: FBT001, FBT002
        opener: Any = None,
    ) -> Any:
        if isinstance(file, os.PathLike):
            file = os.fspath(file)
        binary = isinstance(mode, str) and "b" in mode
        fault = None
        if not isinstance(file, int) and _on_disk(file):
            writing = isinstance(mode, str) and not set(mode).isdisjoint("wxa")
            fault = strike("open", CREATING if writing else OPENING, file)
        plain = (
            isinstance(mode, str)
            and not set(mode) - set("rwxabt+")
            and len(set(mode)) == len(mode)
            and not (binary and ("t" in mode or encoding is not None or errors is not None or newline is not None))
            and isinstance(buffering, int)
            and (buffering != 0 if not binary else buffering != 1)
            and (isinstance(file, int) or _on_disk(file))
            # Where pytest keeps what a test prints.
            and not by_runner(sys._getframe(1))  # noqa: SLF001 - there is no other way to the caller
        )
        with limited(fault, file):
            if not plain:
                # No file on a disk; or an error of the call, and Python's own says it best.
                return original(file, mode, buffering, encoding, errors, newline, closefd, opener)
            raw = FaultyFile(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        try:
            return _buffered(raw, mode, buffering, encoding, errors, newline)
        except BaseException:
            raw.close()
            raise

    return open


def _buffered(  # noqa: PLR0913, PLR0917 - those of `open`
    raw: FaultyFile, mode: str, buffering: int, encoding: str | None, errors: str | None, newline: str | None
) -> Any:
    """Return what `open` puts around a raw file (https://docs.python.org/3/library/functions.html#open)."""
    if buffering == 0:
        return raw
    lines = buffering == 1 or (buffering < 0 and raw.isatty())
    size = buffering if buffering > 1 else max(getattr(raw, "_blksize", 0), io.DEFAULT_BUFFER_SIZE)
    buffer: io.BufferedRandom | io.BufferedWriter | io.BufferedReader
    if "+" in mode:
        buffer = io.BufferedRandom(raw, size)
    elif "r" in mode:
        buffer = io.BufferedReader(raw, size)
    else:
        buffer = io.BufferedWriter(raw, size)
    if "b" in mode:
        return buffer
    text = io.TextIOWrapper(buffer, encoding, errors, newline, lines)
    # As `open` does.
    text.mode = mode  # type: ignore[misc]
    return text
