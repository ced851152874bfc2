"""Functions for a time-out in a process of its own, which must be able to import them."""

import os
import time
from collections.abc import Callable

import numpy as np

from cloche.resilience import timeout


@timeout(2.0, process=True)
def decompose(size: int) -> float:
    """Stay in compiled code for long: no signal ends it."""
    return float(np.linalg.svd(np.random.default_rng(0).random((size, size)))[1][0])


@timeout(60, process=True)
def add(first: int, *, second: int) -> int:
    """Return a sum."""
    return first + second


@timeout(60, process=True)
def fail() -> None:
    """Raise."""
    message = "no"
    raise ValueError(message)


@timeout(60, process=True)
def die() -> None:
    """End the process."""
    os._exit(3)


@timeout(60, process=True)
def function() -> Callable[[], int]:
    """Return what can't be copied."""
    return lambda: 1


@timeout(0.2)
def sleep() -> None:
    """Sleep for longer than it may."""
    time.sleep(30)
