"""Ending what runs: by a signal in the main thread, and by killing a process."""

import importlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any


class NoPreemptionError(RuntimeError):
    """A time-out that could not be kept, which is therefore refused."""


def late(name: str, seconds: float) -> TimeoutError:
    """Return the error of a function that was ended."""
    return TimeoutError(f"{name} was not at its end after {seconds:g} s")


class _Deadline:
    """When a function must be at its end, and what is raised then."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name, self.seconds = name, seconds
        self.at = time.monotonic() + seconds
        self.passed = False


# Those of the functions that are running, the outermost first.
_deadlines: list[_Deadline] = []


def _expire(_number: int, _frame: FrameType | None) -> None:
    now = time.monotonic()
    for deadline in _deadlines:
        if now >= deadline.at and not deadline.passed:
            deadline.passed = True
            _set()
            raise late(deadline.name, deadline.seconds)
    _set()


def _set() -> None:
    """Have the signal come at the next deadline, and none where there is none."""
    left = [deadline.at for deadline in _deadlines if not deadline.passed]
    signal.setitimer(signal.ITIMER_REAL, max(min(left) - time.monotonic(), 1e-6) if left else 0)


@contextmanager
def alarm(name: str, seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after `seconds`; raise NoPreemptionError where no signal could come."""
    if threading.current_thread() is not threading.main_thread():
        message = (
            f"timeout({seconds:g}) on {name} in the thread {threading.current_thread().name}: signals reach the main thread "
            "only; use timeout(..., process=True), or call it from the main thread"
        )
        raise NoPreemptionError(message)
    former: Any = None
    if not _deadlines:
        if signal.getitimer(signal.ITIMER_REAL)[0]:
            message = f"timeout({seconds:g}) on {name}: the program has set the timer ITIMER_REAL itself, and there is only one; use timeout(..., process=True)"
            raise NoPreemptionError(message)
        former = signal.signal(signal.SIGALRM, _expire)
    deadline = _Deadline(name, seconds)
    _deadlines.append(deadline)
    try:
        _set()
        yield
    finally:
        _deadlines.remove(deadline)
        _set()
        if not _deadlines:
            signal.signal(signal.SIGALRM, former)
    if deadline.passed:
        # The function took the error for one of its own failures; it is late all the same.
        raise late(name, seconds)


def _find(module: str, path: str) -> Any:
    found: Any = sys.modules[module] if module in sys.modules else importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _child(
    connection: Connection, module: str, path: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    """Run the function behind the decorator and send what came of it."""
    try:
        answer = (True, _find(module, path).__wrapped__(*arguments, **keywords))
    except Exception as error:  # noqa: BLE001 - the parent raises it
        answer = (False, error)
    try:
        data = pickle.dumps(answer)
    except Exception as error:  # noqa: BLE001 - whatever the object's own code raises
        data = pickle.dumps(
            (
                False,
                NoPreemptionError(
                    f"{module}.{path} in a process: {answer[1]!r:.200} can't be copied to the caller: {error}"
                ),
            )
        )
    connection.send_bytes(data)


def in_process(
    wrapper: Callable[..., Any], seconds: float, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Run the function behind a decorator in a new process, and kill it after `seconds`; starting it counts."""
    module, path = wrapper.__module__, wrapper.__qualname__
    name = f"{module}.{path}"
    if _find(module, path) is not wrapper:
        message = f"timeout({seconds:g}, process=True) on {name}: a new process can't import it; make it a function of a module, with this decorator outermost"
        raise NoPreemptionError(message)
    deadline = time.monotonic() + seconds
    # A forked one would have the locks of threads that it does not have.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(theirs, module, path, arguments, keywords), daemon=True)
    with ours:
        child.start()
        theirs.close()
        try:
            if not ours.poll(max(deadline - time.monotonic(), 0)):
                raise late(name, seconds)
            try:
                good, value = pickle.loads(ours.recv_bytes())  # noqa: S301 - from our own process
            except EOFError:
                child.join()
                message = f"{name} ended its process with {child.exitcode} and gave no result"
                raise RuntimeError(message) from None
        finally:
            if child.is_alive() and child.pid:
                _kill(child.pid)
            child.join()
            child.close()
    if not good:
        raise value
    return value


def _kill(number: int) -> None:
    """Kill a process that may have ended by itself a moment ago."""
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return
