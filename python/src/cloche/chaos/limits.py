"""Limits of the process, set for one operation: what fails then is the operation itself."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from .faults import Fault

# The kernel answers EMFILE, EFBIG: no error is made here.
NO_DESCRIPTORS = Fault("resource", "EMFILE")
NO_DESCRIPTORS_FILE = Fault("filesystem", "EMFILE")
NO_SIZE = Fault("resource", "EFBIG")
_LIMITS = {"EMFILE": resource.RLIMIT_NOFILE, "EFBIG": resource.RLIMIT_FSIZE}


@contextmanager
def limited(fault: Fault | None) -> Iterator[None]:
    """Run a block under the limit that the fault stands for; under none where there is no fault."""
    if fault is None:
        yield
        return
    which = _LIMITS[fault.name]
    soft, hard = resource.getrlimit(which)
    resource.setrlimit(which, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(which, (soft, hard))
