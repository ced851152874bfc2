"""Processes and threads: what fails when a limit of them is reached, and what takes longer than its deadline.

Faults of the types resource and timeout.
"""

import concurrent.futures
import inspect
import os
import queue
import subprocess
import threading
from types import ModuleType
from typing import Any

from . import injection
from .faults import Fault, system_error
from .injection import strike
from .limits import NO_DESCRIPTORS, limited
from .patching import Patches, Wrapper

FORKING = (system_error("resource", "EAGAIN"), system_error("resource", "ENOMEM"))
THREADS = (Fault("resource", "no thread", lambda: RuntimeError("can't start new thread")),)
EXPIRED = (Fault("timeout", "TimeoutError", TimeoutError),)
# The operation's own wrapper says it: the class or the value differs.
LATE = (Fault("timeout", "deadline"),)


def install(patches: Patches) -> None:
    """Wrap processes, threads and waiting."""
    # Always: it also labels threads, so that each has its own count of calls.
    patches.replace(threading.Thread, "start", _start)
    if "resource" in patches.types:
        patches.replace(subprocess.Popen, "__init__", _popen)
        for name in ("fork", "posix_spawn", "posix_spawnp"):
            patches.replace(os, name, _raising(f"os.{name}", FORKING))
        patches.replace(os, "pipe", _pipe)
    if "timeout" in patches.types:
        for name in ("wait", "communicate"):
            patches.replace(subprocess.Popen, name, _wait(name))
        for name in ("result", "exception"):
            patches.replace(concurrent.futures.Future, name, _future(name))
        patches.replace(threading.Event, "wait", _event)
        patches.replace(queue.Queue, "get", _queue("get", queue.Empty))
        patches.replace(queue.Queue, "put", _queue("put", queue.Full))
        patches.when_imported("asyncio", lambda module: _install_asyncio(patches, module))


def _install_asyncio(patches: Patches, asyncio: ModuleType) -> None:
    patches.replace((asyncio, asyncio.tasks), "wait_for", _wait_for(asyncio))
    patches.replace(asyncio.Timeout, "__aenter__", _enter)


def _start(original: Any) -> Wrapper:
    def wrapper(self: threading.Thread) -> None:
        strike("threading.Thread.start", THREADS)
        if injection.current:
            self.cloche_label = injection.current[0].child()  # type: ignore[attr-defined]
        original(self)

    return wrapper


def _raising(operation: str, faults: tuple[Fault, ...]) -> Any:
    def make(original: Any) -> Wrapper:
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            strike(operation, faults)
            return original(*arguments, **keywords)

        return wrapper

    return make


def _popen(original: Any) -> Wrapper:
    def wrapper(self: Any, *arguments: Any, **keywords: Any) -> None:
        strike("subprocess.Popen", FORKING)
        original(self, *arguments, **keywords)

    return wrapper


def _pipe(original: Any) -> Wrapper:
    def wrapper() -> Any:
        with limited(strike("os.pipe", (NO_DESCRIPTORS,))):
            return original()

    return wrapper


def _wait(name: str) -> Any:
    def make(original: Any) -> Wrapper:
        def wrapper(self: Any, *arguments: Any, **keywords: Any) -> Any:
            seconds = keywords.get("timeout", arguments[-1] if len(arguments) == (1 if name == "wait" else 2) else None)
            if seconds is not None and strike(f"subprocess.Popen.{name}", LATE):
                raise subprocess.TimeoutExpired(self.args, seconds)
            return original(self, *arguments, **keywords)

        return wrapper

    return make


def _future(name: str) -> Any:
    def make(original: Any) -> Wrapper:
        def wrapper(self: Any, timeout: float | None = None) -> Any:
            if timeout is not None:
                strike(f"concurrent.futures.Future.{name}", EXPIRED)
            return original(self, timeout)

        return wrapper

    return make


def _event(original: Any) -> Wrapper:
    def wrapper(self: threading.Event, timeout: float | None = None) -> Any:
        if timeout is not None and strike("threading.Event.wait", LATE):
            return False
        return original(self, timeout)

    return wrapper


def _queue(name: str, error: type[Exception]) -> Any:
    def make(original: Any) -> Wrapper:
        def wrapper(self: Any, *arguments: Any, **keywords: Any) -> Any:
            place = 1 if name == "get" else 2
            seconds = keywords.get("timeout", arguments[place] if len(arguments) > place else None)
            if seconds is not None and strike(f"queue.Queue.{name}", LATE):
                raise error
            return original(self, *arguments, **keywords)

        return wrapper

    return make


def _wait_for(asyncio: ModuleType) -> Any:
    def make(original: Any) -> Wrapper:
        async def wrapper(fut: Any, timeout: float | None) -> Any:  # noqa: ASYNC109 - Python's own signature
            if timeout is not None and strike("asyncio.wait_for", LATE):
                if inspect.iscoroutine(fut):
                    fut.close()
                else:
                    asyncio.ensure_future(fut).cancel()
                raise TimeoutError
            return await original(fut, timeout)

        return wrapper

    return make


def _enter(original: Any) -> Wrapper:
    async def wrapper(self: Any) -> Any:
        if self.when() is not None:
            strike("asyncio.timeout", EXPIRED)
        return await original(self)

    return wrapper
