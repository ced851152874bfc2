"""The helpers for functions that shall survive: how often, how long, and what they tell."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from typing import Any

import pybreaker
import pytest
import stamina.instrumentation

import chaos_slow
from cloche.resilience import (
    Execution,
    NoPreemptionError,
    circuit_breaker,
    events,
    fallback,
    retry,
    safe_execute,
    timeout,
)

Told = list[tuple[str, str]]


@pytest.fixture
def told() -> Iterator[Told]:
    """Return what the helpers told."""
    found: Told = []

    def listen(recovery: events.Recovery, _lost: float) -> None:
        found.append((recovery.kind, recovery.name.rpartition(".")[2]))

    events.listeners.append(listen)
    yield found
    events.listeners.remove(listen)


def failing(times: int, calls: list[float], error: type[Exception] = OSError) -> Callable[[], str]:
    """Return a function that fails this often, and keeps when it was called."""

    def work() -> str:
        calls.append(time.monotonic())
        if len(calls) <= times:
            message = f"call {len(calls)}"
            raise error(message)
        return "done"

    return work


def both(function: Callable[[], Any], decorate: Callable[[Callable[..., Any]], Callable[..., Any]], kind: str) -> Any:  # noqa: ANN401
    """Call a function through a decorator, as itself or as a coroutine function."""
    if kind == "sync":
        return decorate(function)()

    async def later() -> Any:  # noqa: ANN401
        await asyncio.sleep(0)
        return function()

    return asyncio.run(decorate(later)())


KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


@KINDS
@pytest.mark.parametrize(("failures", "attempts", "calls"), [(0, 3, 1), (2, 3, 3), (3, 3, 3), (1, 1, 1)])
def test_retry_counts(kind: str, failures: int, attempts: int, calls: int) -> None:
    made: list[float] = []
    decorator = retry(on=OSError, attempts=attempts, wait=0.001, jitter=0)
    if failures < attempts:
        assert both(failing(failures, made), decorator, kind) == "done"
    else:
        with pytest.raises(OSError, match=f"call {attempts}"):
            both(failing(failures, made), decorator, kind)
    assert len(made) == calls


@KINDS
def test_retry_waits_twice_as_long_each_time(kind: str) -> None:
    made: list[float] = []
    planned: list[float] = []
    former = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks([*former, lambda details: planned.append(details.wait_for)])
    try:
        both(failing(4, made), retry(on=OSError, attempts=5, wait=0.05, longest_wait=0.2, jitter=0), kind)
    finally:
        stamina.instrumentation.set_on_retry_hooks(former)
    assert planned == pytest.approx([0.05, 0.1, 0.2, 0.2])
    waits = [after - before for before, after in pairwise(made)]
    for wait, expected in zip(waits, planned, strict=True):
        # No shorter; how much longer is the machine's affair.
        assert expected - 0.005 <= wait


@KINDS
def test_retry_is_for_what_it_names(kind: str) -> None:
    made: list[float] = []
    with pytest.raises(ValueError, match="call 1"):
        both(failing(1, made, ValueError), retry(on=OSError, attempts=5, wait=0), kind)
    with pytest.raises(OSError, match="call 2"):
        both(failing(9, made), retry(on=lambda error: "call 1" in str(error), attempts=5, wait=0), kind)


@KINDS
def test_breaker_opens_and_closes(kind: str, told: Told) -> None:
    made: list[float] = []
    work = failing(3, made)

    async def later() -> str:
        return work()

    decorated: Callable[[], Any] = circuit_breaker(failures=3, reset_after=3600)(work if kind == "sync" else later)

    def call() -> Any:  # noqa: ANN401
        value = decorated()
        return asyncio.run(as_coroutine(value)) if kind == "async" else value

    for number in (1, 2, 3):
        with pytest.raises(OSError, match=f"call {number}"):
            call()
    assert told == [("breaker open", "later" if kind == "async" else "work")]
    for _ in range(5):
        with pytest.raises(pybreaker.CircuitBreakerError):
            call()
    assert len(made) == 3
    breaker = decorated.breaker  # type: ignore[attr-defined]
    assert breaker.reset_timeout == 3600
    # As if the hour were over.
    breaker.reset_timeout = 0
    assert call() == "done"
    assert breaker.current_state == "closed"


async def as_coroutine(value: Awaitable[str]) -> str:
    return await value


def test_breaker_lets_threads_call_at_once() -> None:
    barrier = threading.Barrier(3, timeout=20)

    @circuit_breaker()
    def work() -> None:
        barrier.wait()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not barrier.broken


@KINDS
def test_fallback(kind: str, told: Told) -> None:
    assert both(failing(0, []), fallback("other"), kind) == "done"
    assert told == []
    assert both(failing(1, []), fallback("other"), kind) == "other"
    assert both(failing(1, []), fallback(lambda: "computed", on=OSError), kind) == "computed"
    assert [each for each, _ in told] == ["fallback", "fallback"]
    with pytest.raises(OSError, match="call 1"):
        both(failing(1, []), fallback("other", on=ValueError), kind)


@KINDS
def test_safe_execute(kind: str) -> None:
    def run(function: Callable[[], str], **more: Any) -> Execution[str]:  # noqa: ANN401
        async def later() -> str:
            return function()

        if kind == "async":
            return asyncio.run(safe_execute(later, **more))
        return safe_execute(function, **more)

    good = run(failing(0, []))
    assert (good.value, good.error, good.attempts, good.succeeded) == ("done", None, 1, True)
    third = run(failing(2, []), attempts=3)
    assert (third.value, third.attempts) == ("done", 3)
    bad = run(failing(9, []), attempts=2, default="none")
    assert (bad.value, str(bad.error), bad.attempts, bad.succeeded) == ("none", "call 2", 2, False)
    assert bad.seconds >= 0.09
    with pytest.raises(OSError, match="call 1"):
        run(failing(1, []), on=ValueError)


def test_safe_execute_with_a_time_out() -> None:
    at_its_end: list[bool] = []

    def work() -> None:
        time.sleep(30)
        at_its_end.append(True)

    ended = safe_execute(work, within=0.2)
    assert str(ended.error).endswith("work was not at its end after 0.2 s")
    assert ended.seconds >= 0.2
    assert at_its_end == []


def read_from_a_socket() -> None:
    first, second = socket.socketpair()
    with first, second:
        first.recv(1)


def compute() -> None:
    while True:
        pass


@pytest.mark.parametrize(
    "work", [lambda: time.sleep(30), read_from_a_socket, compute, lambda: subprocess.run(["sleep", "30"], check=True)]
)
def test_timeout_ends_sleep_input_and_python(work: Callable[[], object]) -> None:
    before = time.monotonic()
    at_its_end: list[bool] = []

    def whole() -> None:
        work()
        at_its_end.append(True)

    with pytest.raises(TimeoutError, match=r"was not at its end after 0\.2 s$"):
        timeout(0.2)(whole)()
    assert time.monotonic() - before >= 0.2
    assert at_its_end == []
    # Nothing is left that could go off later.
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_timeouts_in_each_other() -> None:
    """The one that is over first counts, and the outer one goes on."""

    @timeout(30)
    def long() -> None:
        time.sleep(30)

    @timeout(0.2)
    def outer() -> None:
        long()

    with pytest.raises(TimeoutError, match=r"outer was not at its end after 0\.2 s"):
        outer()

    at_its_end: list[bool] = []

    @timeout(5)
    def outlives() -> None:
        with pytest.raises(TimeoutError, match=r"sleep was not at its end after 0\.2 s"):
            chaos_slow.sleep()
        time.sleep(30)
        at_its_end.append(True)

    with pytest.raises(TimeoutError, match=r"outlives was not at its end after 5 s"):
        outlives()
    assert at_its_end == []


def test_timeout_that_the_function_takes_for_its_own() -> None:
    @timeout(0.1)
    def swallows() -> None:
        with contextlib.suppress(OSError):
            time.sleep(30)

    with pytest.raises(TimeoutError, match="swallows was not at its end"):
        swallows()


def test_timeout_returns_what_is_in_time() -> None:
    assert timeout(20)(lambda: 5)() == 5
    assert chaos_slow.add(2, second=3) == 5


def test_timeout_in_a_thread_is_a_usage_error() -> None:
    found: list[str] = []

    def work() -> None:
        try:
            chaos_slow.sleep()
        except NoPreemptionError as error:
            found.append(str(error))

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()
    assert found == [
        "timeout(0.2) on chaos_slow.sleep in the thread worker: signals reach the main thread only; use timeout(..., process=True), or call it from the main thread"
    ]


def test_timeout_does_not_take_the_timer_of_others() -> None:
    former = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        with pytest.raises(NoPreemptionError, match="the program has set the timer ITIMER_REAL itself"):
            chaos_slow.sleep()
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 90
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def test_compiled_code_is_ended_with_its_process() -> None:
    with pytest.raises(TimeoutError, match=r"chaos_slow\.decompose was not at its end after 2 s"):
        chaos_slow.decompose(4000)
    assert multiprocessing.active_children() == []


def test_processes_end_in_threads_as_well() -> None:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(safe_execute(chaos_slow.decompose, 4000).error))
    thread.start()
    thread.join()
    assert isinstance(found[0], TimeoutError)


def test_what_a_process_gives_back() -> None:
    with pytest.raises(ValueError, match=r"^no$"):
        chaos_slow.fail()
    with pytest.raises(RuntimeError, match=r"chaos_slow\.die ended its process with 3 and gave no result"):
        chaos_slow.die()
    with pytest.raises(NoPreemptionError, match=r"chaos_slow\.function in a process: .* can't be copied to the caller"):
        chaos_slow.function()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: timeout(0), "timeout(0): give a number of seconds above 0"),
        (lambda: timeout(float("nan")), "timeout(nan): give a number of seconds above 0"),
        (lambda: timeout(1, process=True)(as_coroutine), "timeout(1, process=True) on the coroutine function NAME.as_coroutine: a coroutine is cancelled in its own process; leave process out"),
        (timeout(1, process=True)(lambda: 1), "timeout(1, process=True) on NAME.<lambda>: a new process can't import it; make it a function of a module, with this decorator outermost"),
    ],
)  # fmt: skip
def test_timeouts_that_are_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(NoPreemptionError) as caught:
        make()
    assert str(caught.value) == words.replace("NAME", __name__)


def test_coroutines_are_cancelled() -> None:
    cancelled: list[bool] = []

    @timeout(0.1)
    async def work() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(TimeoutError, match=r"work was not at its end after 0\.1 s"):
        asyncio.run(work())
    assert cancelled == [True]

    @timeout(20)
    async def own() -> None:
        message = "of its own"
        raise TimeoutError(message)

    with pytest.raises(TimeoutError, match="of its own"):
        asyncio.run(own())


def test_helpers_do_not_need_pytest_and_the_plugin_does_not_need_them() -> None:
    script = "import sys; import cloche.resilience; print('stamina' in sys.modules); cloche.resilience.retry; print('pytest' in sys.modules or '_pytest' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env={**os.environ}
    )
    assert done.stdout == "False\nFalse\n"
    with pytest.raises(AttributeError, match=r"module 'cloche\.chaos' has no attribute 'retries'"):
        __import__("cloche.chaos").chaos.retries  # noqa: B018
