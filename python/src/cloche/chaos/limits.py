"""Limits of the process, set for one operation: what fails then is the operation itself."""

import errno
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .faults import Fault

# The kernel answers EMFILE, EFBIG: no error is made here.
NO_DESCRIPTORS = Fault("resource", "EMFILE")
NO_DESCRIPTORS_FILE = Fault("filesystem", "EMFILE")
NO_SIZE = Fault("resource", "EFBIG")
_LIMITS = {"EMFILE": resource.RLIMIT_NOFILE, "EFBIG": resource.RLIMIT_FSIZE}
# The thread that looks at the deadline; it opens nothing.
WATCHDOG = "chaos deadline"


@contextmanager
def limited(fault: Fault | None, file: object = None) -> Iterator[None]:
    """Run a block under the limit that the fault stands for; under none where there is no fault.

    With other threads around, the error that the limit would cause is raised instead; it names the file.
    """
    if fault is None:
        yield
        return
    if sum(thread.name != WATCHDOG for thread in threading.enumerate()) > 1:
        # A limit is the whole process's: what another thread does meanwhile would fail as well, or not, as it happens.
        number = getattr(errno, fault.name)
        raise OSError(number, os.strerror(number), file)
    which = _LIMITS[fault.name]
    soft, hard = resource.getrlimit(which)
    resource.setrlimit(which, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(which, (soft, hard))
