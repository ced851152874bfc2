"""A deadline for each test: what a fault made hang is ended, and known as hung."""

import os
import signal
import sys
import threading
import time
from types import FrameType

from .limits import WATCHDOG

# How often the deadline is looked at, in seconds.
PERIOD = 0.25
# Seconds after the deadline at which a process that the signal could not wake is ended.
GRACE = 5.0
# The exit code of a process that is ended like this.
ENDED = 70


class HungError(BaseException):
    """Raised in the main thread at the deadline; no Exception, so that no handler of failures takes it for one."""


class Watchdog:
    """A thread that looks at the clock; the tests of a session come one after the other."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until: float | None = None
        self.warned = False
        # Whether the test that runs has been told, which it may not have heeded.
        self.late = False
        self.main = threading.main_thread().ident
        # Used by nothing in the standard library; SIGALRM is the program's own.
        self.former = signal.signal(signal.SIGVTALRM, self.raise_hung)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, name=WATCHDOG, daemon=True)
        self.thread.start()

    def raise_hung(self, _number: int, _frame: FrameType | None) -> None:
        """End the test, whether it sleeps, waits for a file or a socket, or computes in Python."""
        if self.until is not None and time.monotonic() > self.until:
            self.until += GRACE
            self.late = True
            message = f"hung: not at its end after {self.seconds:g} s (--chaos-deadline)"
            raise HungError(message)

    def begin(self) -> None:
        """Start the clock of a test."""
        self.warned = self.late = False
        self.until = time.monotonic() + self.seconds

    def end(self) -> None:
        """Stop the clock."""
        self.until = None

    def watch(self) -> None:
        """Wake the main thread at the deadline, and end the process where that does not help."""
        wait = self.over.wait
        while not wait(PERIOD):
            until = self.until
            if until is None or (late := time.monotonic() - until) <= 0 or self.main is None:
                continue
            if self.warned and late > 0:
                sys.__stderr__ and print(
                    "chaos: a test is hung in compiled code; its process ends", file=sys.__stderr__, flush=True
                )
                os._exit(ENDED)
            self.warned = True
            signal.pthread_kill(self.main, signal.SIGVTALRM)
            # The handler moves the deadline; where it does not run in time, compiled code holds the thread.
            wait(GRACE)

    def close(self) -> None:
        """End the thread and give the signal back."""
        self.over.set()
        self.thread.join()
        signal.signal(signal.SIGVTALRM, self.former)
