"""Folders that can't be read, also where tests run as root, whom permissions don't stop."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# linux/capability.h: the version with 64 bits, and the two rights to pass over permissions.
_VERSION, _OVERRIDE, _SEARCH = 0x20080522, 1, 2


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


_C = ctypes.CDLL(None, use_errno=True)


def _call(name: str, sets: ctypes.Array[_Sets]) -> None:
    if getattr(_C, name)(ctypes.byref(_Header(_VERSION, 0)), sets):
        raise OSError(ctypes.get_errno(), name)


@contextmanager
def unreadable(path: Path, mode: int = 0) -> Iterator[None]:
    """Give a file or folder this mode; meanwhile this thread has no right to pass over it."""
    before, kept, less = path.stat().st_mode, (_Sets * 2)(), (_Sets * 2)()
    _call("capget", kept)
    _call("capget", less)
    less[0].effective &= ~(1 << _OVERRIDE | 1 << _SEARCH)
    path.chmod(mode)
    _call("capset", less)
    try:
        assert not os.access(path, os.R_OK, effective_ids=True), f"{path} can be read all the same"
        yield
    finally:
        _call("capset", kept)
        path.chmod(before)
