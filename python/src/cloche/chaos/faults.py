"""The faults of each operation: which types there are, and what each fault raises or does.

A fault is what the operating system, a server or a library really answers: the errno, the class and the words are
those of the real operation.
"""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass

# `random` stands for all of the others.
TYPES = ("random", "network", "timeout", "resource", "database", "filesystem")


@dataclass(frozen=True)
class Fault:
    """One way in which an operation fails.

    `error` makes the exception. A fault without one is done by the operation's own wrapper (a short write, a limit).
    """

    type: str
    name: str
    error: Callable[[], BaseException] | None = None


def system_error(kind: str, name: str) -> Fault:
    """Return a fault that raises OSError with this errno, or the subclass that Python has for it."""
    number = getattr(errno, name)
    return Fault(kind, name, lambda: OSError(number, os.strerror(number)))
