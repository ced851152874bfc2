"""Measure by coverage, and know where that did not go on: a test can take the tracer away, as debuggers and tracers do.

Python says by the audit event sys.settrace when the trace function of a thread is set
(https://docs.python.org/3/library/audit_events.html). Standard library and coverage only; it also runs in the project's
environment.
"""

import _thread
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

try:
    import coverage
except ImportError:
    HAVE_COVERAGE = False
else:
    HAVE_COVERAGE = True

# What is said of a context.
TAKEN = "took the recorder's tracer away"
BESIDE = "started a thread in which nothing is seen"


class Measurement:
    """Coverage of this process, in the thread that makes it and in those that begin later."""

    def __init__(self, options: dict[str, Any], lost: Callable[[str], None]) -> None:
        """Start to measure; `options` say to coverage which files, `lost` is told why something is not measured."""
        self.lost = lost
        self.main = threading.get_ident()
        # Whether the recorder itself sets trace functions at the moment.
        self.own = True
        # Whether something was done to the tracer since it was last renewed.
        self.disturbed = False
        with _core_in_c():
            self.coverage = coverage.Coverage(data_file=None, config_file=False, messages=False, **options)
        self._start()
        self.data = self._kept()
        self._take_over()

    def _start(self) -> None:
        """Start coverage, or start it again."""
        self.own = True
        with _core_in_c():
            self.coverage.start()
        # What puts a tracer into each thread that begins, and the tracer of this one.
        self.hook = threading.gettrace()
        self.tracer = sys.gettrace()
        self.own = False

    def switch(self, context: str) -> None:
        """Measure for another context from here on."""
        try:
            self.coverage.switch_context(context)
        except coverage.CoverageException:
            # Somebody has stopped it: coverage.Coverage.current().stop().
            self._start()
            self.coverage.switch_context(context)

    def intact(self) -> bool:
        """Say whether what was started is what measures; of threads that began before they were measured nothing is known."""
        return threading.get_ident() != self.main or (
            sys.gettrace() is self.tracer and threading.gettrace() == self.hook
        )

    def renew(self) -> None:
        """Put a tracer of its own into this thread, in the way in which a thread gets one that begins.

        The former one, put back, would take frames that are on the stack now for those that were there when it was taken away.
        """
        self.own = True
        threading.settrace(self.hook)
        sys.settrace(self.hook)
        _called()
        self.tracer = sys.gettrace()
        self.own = self.disturbed = False

    def forked(self) -> None:
        """Take what measures now for what was started: in a child another trace function does (children.py)."""
        self.main, self.hook, self.tracer = threading.get_ident(), threading.gettrace(), sys.gettrace()

    def _take_over(self) -> None:
        """Hear of threads that get no tracer: begun past `threading`, which has these functions under names of its own."""
        for name in ("start_new_thread", "start_new", "start_joinable_thread"):
            if hasattr(_thread, name):
                setattr(_thread, name, self._telling(getattr(_thread, name), BESIDE))
        threading.settrace = self._telling(threading.settrace, TAKEN)
        original = sys.settrace

        def settrace(function: Any) -> None:  # noqa: ANN401 - passed on
            # doctest sets what is set already, by which the frames that run now would get lost.
            if function is None or function is not sys.gettrace():
                original(function)

        sys.settrace = settrace

    def _telling(self, original: Callable[..., Any], why: str) -> Callable[..., Any]:
        def function(*arguments: Any, **words: Any) -> Any:  # noqa: ANN401 - passed on
            if not self.own:
                self.disturbed = True
                self.lost(why)
            return original(*arguments, **words)

        return function

    def heard(self, caller: FrameType | None) -> None:
        """Take the audit event sys.settrace; `caller` is the frame in which it came."""
        if self.own or (threading.get_ident() != self.main and _begins(caller, self.hook)):
            return
        self.disturbed = True
        self.lost(TAKEN)

    @property
    def erased(self) -> bool:
        """Whether somebody has thrown away what was measured: coverage.Coverage.current().erase()."""
        return self._kept() is not self.data

    def _kept(self) -> "coverage.CoverageData":
        """Return where coverage keeps what it measures; that there is nothing yet is worth no warning, which a suite may forbid."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.coverage.get_data()

    def stop(self) -> dict[str, dict[int, set[str]]]:
        """Measure no more; return what was measured: file -> line -> contexts.

        Not by coverage's own stop, which fails where a test has left another coverage running.
        """
        self.own = True
        sys.settrace(None)
        threading.settrace(None)
        data = self._kept()
        return {
            file: {line: set(contexts) for line, contexts in data.contexts_by_lineno(file).items()}
            for file in data.measured_files()
        }


@contextmanager
def _core_in_c() -> Iterator[None]:
    """Let coverage take its core in C: others do not know contexts, or are slow."""
    before = os.environ.get("COVERAGE_CORE")
    os.environ["COVERAGE_CORE"] = "ctrace"
    try:
        yield
    finally:
        if before is None:
            del os.environ["COVERAGE_CORE"]
        else:
            os.environ["COVERAGE_CORE"] = before


def _called() -> None:
    """Be the first call that a trace function hears of."""


def _begins(frame: FrameType | None, hook: Any) -> bool:  # noqa: ANN401 - a trace function
    """Say whether a thread that begins gets its tracer: from `threading`, or from what that was told to call."""
    if frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    if frame is not None and frame.f_code.co_filename == threading.__file__:
        return True
    code = getattr(hook, "__code__", None)
    above = (frame, frame and frame.f_back)
    return any(each is not None and each.f_code is code for each in above)
