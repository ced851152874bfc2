"""What the tracer reads out of paths and command lines; standard library only."""

import os
from collections.abc import Sequence


def elsewhere(path: object, descriptor: object = -1) -> bool:
    """Return whether a path is relative to an open folder (audit events have -1 where it is not)."""
    if not isinstance(descriptor, int) or descriptor == -1:
        return False
    return not os.fsdecode(path).startswith("/")  # type: ignore[arg-type]


def above(name: str) -> list[str]:
    """Return a name and the folders that it is in."""
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def without_site(options: Sequence[str]) -> bool:
    """Return whether options of Python keep it from importing site, and so these hooks."""
    for word in options:
        if not word.startswith("-") or word in {"-", "-c", "-m"}:
            return False
        if (
            not word.startswith("--")
            and "S" in word.partition("c")[0].partition("m")[0].partition("X")[0].partition("W")[0]
        ):
            return True
    return False


def exists(path: str) -> bool:
    """Return whether something is there, without having looked for it."""
    original = getattr(os.lstat, "__wrapped__", os.lstat)
    try:
        original(path)
    except OSError:
        return False
    return True
