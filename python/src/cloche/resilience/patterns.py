"""Helpers for functions that shall survive failures: retry, circuit_breaker, fallback, timeout, safe_execute.

Each is for functions and for coroutine functions. They are thin: stamina (over tenacity) repeats, pybreaker breaks. Needs
the extra `resilience`.
"""

import asyncio
import functools
import inspect
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

import pybreaker
import stamina

from . import events, preemption
from .events import Recovery
from .preemption import NoPreemptionError

__all__ = ["Execution", "NoPreemptionError", "circuit_breaker", "fallback", "retry", "safe_execute", "timeout"]

P = ParamSpec("P")
T = TypeVar("T")
Failures = type[Exception] | tuple[type[Exception], ...]


def _name(function: Callable[..., object]) -> str:
    """Return what stamina calls a function."""
    return f"{function.__module__}.{function.__qualname__}"


def retry(  # noqa: PLR0913 - all by name
    *,
    on: Failures | Callable[[Exception], bool] = Exception,
    attempts: int = 3,
    wait: float = 0.1,
    longest_wait: float = 5.0,
    jitter: float = 0.1,
    within: float | None = None,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that calls a function again when it fails, `attempts` times in all.

    Before attempt n + 1 it waits min(longest_wait, wait * 2^(n - 1)) seconds and up to `jitter` more; after `within`
    seconds it begins no other attempt. The last failure is raised. `on` is what counts as a failure: classes, or a
    function of the exception.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        events.retries[_name(function)] = attempts - 1
        return stamina.retry(
            on=on,
            attempts=attempts,
            timeout=within,
            wait_initial=wait,
            wait_max=longest_wait,
            wait_jitter=jitter,
            wait_exp_base=2,
        )(function)

    return decorate


class _Listener(pybreaker.CircuitBreakerListener):
    """Tells when a breaker opens."""

    def __init__(self, name: str) -> None:
        self.name = name

    def state_change(self, cb: object, old_state: object, new_state: pybreaker.CircuitBreakerState) -> None:  # noqa: ARG002
        """Tell of the breaker's new state, where it is open."""
        if new_state.name == pybreaker.STATE_OPEN:
            events.tell(Recovery("breaker open", self.name), 0.0)


def circuit_breaker(
    *, failures: int = 5, reset_after: float = 30.0, ignore: tuple[type[Exception], ...] = ()
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that stops calling a function which has failed `failures` times one after the other.

    From then on it raises pybreaker.CircuitBreakerError without a call; after `reset_after` seconds one call decides
    whether it goes on. Exceptions in `ignore` are no failures. The decorated function's attribute `breaker` is
    pybreaker's.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        breaker = pybreaker.CircuitBreaker(
            fail_max=failures,
            reset_timeout=reset_after,
            exclude=list(ignore),
            listeners=[_Listener(_name(function))],
            name=_name(function),
            # The failure that opens the breaker is raised as it is.
            throw_new_error_on_trip=False,
        )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def later(*arguments: P.args, **keywords: P.kwargs) -> object:
                with breaker.calling():
                    return await function(*arguments, **keywords)

            later.breaker = breaker  # type: ignore[attr-defined]
            return cast("Callable[P, T]", later)

        @functools.wraps(function)
        def wrapper(*arguments: P.args, **keywords: P.kwargs) -> T:
            # Not `breaker.call`, which lets one thread call at a time.
            with breaker.calling():
                return function(*arguments, **keywords)

        wrapper.breaker = breaker  # type: ignore[attr-defined]
        return wrapper

    return decorate


def fallback(
    alternative: T | Callable[..., T], *, on: Failures = Exception
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that answers a failure with another value.

    `alternative` is the value, or a function that is called with the same arguments. Its own failure is raised.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        def answer(arguments: tuple[Any, ...], keywords: dict[str, Any], since: float) -> Any:
            events.tell(Recovery("fallback", _name(function)), time.monotonic() - since)
            return alternative(*arguments, **keywords) if callable(alternative) else alternative

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def later(*arguments: P.args, **keywords: P.kwargs) -> object:
                since = time.monotonic()
                try:
                    return await function(*arguments, **keywords)
                except on:
                    value = answer(arguments, keywords, since)
                    return await value if inspect.isawaitable(value) else value

            return cast("Callable[P, T]", later)

        @functools.wraps(function)
        def wrapper(*arguments: P.args, **keywords: P.kwargs) -> T:
            since = time.monotonic()
            try:
                return function(*arguments, **keywords)
            except on:
                return cast("T", answer(arguments, keywords, since))

        return wrapper

    return decorate


def timeout(seconds: float, *, process: bool = False) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that ends a function after `seconds` and raises TimeoutError.

    A function is ended by a signal: while it sleeps, waits for a file, a socket or a process, or computes in Python, and
    in the main thread only. Compiled code that runs long, and other threads, can't be stopped by a signal: with `process`
    the function runs in a new process, which is killed; its arguments and its result are copied (pickle), and it must be
    one that a new process can import. A coroutine function is cancelled where it awaits. What can't be ended is refused
    with NoPreemptionError before anything runs.
    """
    if not seconds > 0:
        message = f"timeout({seconds!r}): give a number of seconds above 0"
        raise NoPreemptionError(message)

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        if inspect.iscoroutinefunction(function):
            if process:
                message = f"timeout({seconds:g}, process=True) on the coroutine function {_name(function)}: a coroutine is cancelled in its own process; leave process out"
                raise NoPreemptionError(message)

            @functools.wraps(function)
            async def later(*arguments: P.args, **keywords: P.kwargs) -> object:
                try:
                    async with asyncio.timeout(seconds) as deadline:
                        return await function(*arguments, **keywords)
                except TimeoutError as error:
                    if deadline.expired():
                        raise preemption.late(_name(function), seconds) from error
                    raise

            return cast("Callable[P, T]", later)

        @functools.wraps(function)
        def wrapper(*arguments: P.args, **keywords: P.kwargs) -> T:
            if process:
                return cast("T", preemption.in_process(wrapper, seconds, arguments, keywords))
            with preemption.alarm(_name(function), seconds):
                return function(*arguments, **keywords)

        return wrapper

    return decorate


@dataclass(frozen=True)
class Execution(Generic[T]):
    """What came of a function: its value, or the error that it raised last; how often and how long it ran (seconds)."""

    value: T | None
    error: Exception | None
    attempts: int
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Whether there is a value of the function's own."""
        return self.error is None


@overload
def safe_execute(
    function: Callable[..., Coroutine[Any, Any, T]],
    *arguments: Any,
    on: Failures = ...,
    attempts: int = ...,
    within: float | None = ...,
    default: T | None = ...,
    **keywords: Any,
) -> Coroutine[Any, Any, Execution[T]]: ...
@overload
def safe_execute(
    function: Callable[..., T],
    *arguments: Any,
    on: Failures = ...,
    attempts: int = ...,
    within: float | None = ...,
    default: T | None = ...,
    **keywords: Any,
) -> Execution[T]: ...
def safe_execute(
    function: Callable[..., Any],
    *arguments: Any,
    on: Failures = Exception,
    attempts: int = 1,
    within: float | None = None,
    default: Any = None,
    **keywords: Any,
) -> Any:
    """Call a function and return what came of it as an Execution, without raising what `on` names.

    `attempts` is as for `retry`, and `within` the seconds that each attempt may take, as for `timeout`. After a failure the
    value is `default`. A coroutine function gives a coroutine of the Execution.
    """
    start, made = time.monotonic(), 0
    limited = function if within is None else timeout(within)(function)

    def ended(value: Any, error: Exception | None) -> Execution[Any]:
        if error is not None:
            events.tell(Recovery("safe execution", _name(function)), time.monotonic() - start)
        return Execution(value, error, made, time.monotonic() - start)

    if inspect.iscoroutinefunction(function):

        @retry(on=on, attempts=attempts)
        @functools.wraps(function)
        async def later() -> Any:
            nonlocal made
            made += 1
            return await limited(*arguments, **keywords)

        async def execute() -> Execution[Any]:
            try:
                return ended(await later(), None)
            except on as error:
                return ended(default, error)

        return execute()

    @retry(on=on, attempts=attempts)
    @functools.wraps(function)
    def now() -> Any:
        nonlocal made
        made += 1
        return limited(*arguments, **keywords)

    try:
        return ended(now(), None)
    except on as error:
        return ended(default, error)
