"""Faults below Python, by libfiu: what compiled code calls of the C library fails by the same draws.

libfiu (https://blitiri.com.ar/p/libfiu/, Debian's packages libfiu0 and fiu-utils) is preloaded into the process that runs
tests, and armed while a test is in its call phase only. Calls that Python's own wrappers make are theirs. `write` and
`read` are left out: standard output and error are among what they write to.
"""

import ctypes
import os
import sys
from collections.abc import Callable

import pytest

from . import files, injection, sockets
from .faults import Fault, system_error

OPENING = (system_error("filesystem", "EIO"), system_error("filesystem", "EMFILE"), system_error("resource", "EMFILE"))
READING = (system_error("filesystem", "EIO"),)
WRITING = (system_error("filesystem", "ENOSPC"), system_error("filesystem", "EIO"))
RESET = (system_error("network", "ECONNRESET"),)
# libfiu's names (function_list of fiu-utils).
POINTS: dict[str, tuple[Fault, ...]] = {
    "posix/io/oc/open": OPENING,
    "posix/io/rw/ftruncate": WRITING,
    "posix/io/rw/pread": READING,
    "posix/io/rw/pwrite": WRITING,
    "posix/io/sync/fdatasync": WRITING,
    "posix/io/sync/fsync": WRITING,
    "posix/stdio/oc/fopen": OPENING,
    "posix/stdio/rw/fread": READING,
    "posix/stdio/rw/fwrite": WRITING,
    "posix/io/net/connect": (system_error("network", "ECONNREFUSED"),),
    "posix/io/net/recv": RESET,
    "posix/io/net/send": RESET,
}
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.c_int),
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(ctypes.c_uint),
)
# Whose calls of the C library have been decided about already.
_WRAPPERS = frozenset(str(module.__file__) for module in (files, sockets, injection))
MISSING = (
    "--chaos-native needs libfiu, which is not loaded: start pytest with LD_PRELOAD=/usr/lib/libfiu.so.0:/usr/lib/fiu/fiu_posix_preload.so\n"
    "(Debian's packages libfiu0 and fiu-utils), or under Nix set cloche.chaos.native"
)


class Native:
    """libfiu in this process."""

    def __init__(self, types: frozenset[str]) -> None:
        self.library = ctypes.CDLL(None)
        if not hasattr(self.library, "fiu_enable_external"):
            raise pytest.UsageError(MISSING)
        # For this process: those that tests start are not its.
        os.environ.pop("LD_PRELOAD", None)
        self.points = [name.encode() for name, faults in POINTS.items() if any(fault.type in types for fault in faults)]
        self.callback: Callable[..., int] = _CALLBACK(decide)
        self.library.fiu_init(0)

    def arm(self) -> None:
        """Have each point ask whether it fails."""
        for name in self.points:
            self.library.fiu_enable_external(name, 1, None, 0, self.callback)

    def disarm(self) -> None:
        """Have no point fail."""
        for name in self.points:
            self.library.fiu_disable(name)


def decide(name: bytes, _number: object, info: "ctypes._Pointer[ctypes.c_void_p]", _flags: object) -> int:
    """Return whether a call of the C library fails, and set the errno that it fails with."""
    frame = sys._getframe(1)  # noqa: SLF001 - who called compiled code
    if not injection.current or frame.f_code.co_filename in _WRAPPERS:
        return 0
    point = name.decode()
    fault = injection.current[0].meet(f"libc {point.rpartition('/')[2]}", POINTS[point], frame)
    error = fault.error() if fault is not None and fault.error is not None else None
    if not isinstance(error, OSError):
        return 0
    info[0] = ctypes.c_void_p(error.errno)
    return 1
