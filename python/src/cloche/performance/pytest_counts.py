"""A pytest plugin that counts the instructions of a pytest-benchmark suite, below cachegrind, in the project's environment.

Each test is run in forks of the one process that has collected it, so that everything before is the same. In one fork
the benchmarked function is called once and an empty one CALLS times, in the other it is called 1 + CALLS times. Their
difference is what the calls cost: set-up, fixtures, the first call and the loop itself are not in it.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from pytest_benchmark.fixture import BenchmarkFixture

# Where cachegrind writes, and this plugin its own record; then the calls of each test where they were chosen before.
FOLDER = "CLOCHE_COUNTS"
# What the counted calls of a test cost together, where one of them costs less: 20 million instructions take below a second.
ENOUGH = 20_000_000
MOST_CALLS = 1000


class BenchmarkNotUsedError(Exception):
    """A test that asked for the fixture and did not call it."""


def nothing(*_args: Any, **_kwargs: Any) -> None:
    """Do nothing, at the price of a call."""


class Plan:
    """How often the function is called in this process, and an empty one in its place; and whether it was."""

    real, empty, used = 1, 0, False


def call(_fixture: BenchmarkFixture, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Stand in for benchmark(...): call the function as often as planned."""
    Plan.used = True
    result = function(*args, **kwargs)
    for each in [function] * (Plan.real - 1) + [nothing] * Plan.empty:
        each(*args, **kwargs)
    return result


def pedantic(
    _fixture: BenchmarkFixture,
    target: Callable[..., Any],
    args: Any = (),
    kwargs: Any = None,
    setup: Callable[[], Any] | None = None,
    teardown: Callable[..., Any] | None = None,
    **_rounds: Any,
) -> Any:
    """Stand in for benchmark.pedantic(...): the set-up is run for empty calls, too."""
    Plan.used = True
    result = None
    for number, each in enumerate([target] * Plan.real + [nothing] * Plan.empty):
        given, named = (setup() if setup else None) or (args, kwargs or {})
        value = each(*given, **named)
        result = result if number else value
        if teardown is not None and each is target:
            teardown(*given, **named)
    return result


def pytest_configure() -> None:
    """Let the fixture call as planned."""
    BenchmarkFixture.__call__ = call  # type: ignore[assignment, method-assign]
    BenchmarkFixture.pedantic = pedantic  # type: ignore[assignment, method-assign]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that measure something."""
    items[:] = [item for item in items if "benchmark" in getattr(item, "fixturenames", ())]


def total(folder: Path, process: int) -> int:
    """Return what cachegrind has counted of a process."""
    return int((folder / f"counts.{process}").read_text().splitlines()[-1].removeprefix("summary:"))


def forked(item: pytest.Item, real: int, empty: int) -> dict[str, Any]:
    """Run a test in a fork of this process; return what became of it, with its count."""
    folder = Path(os.environ[FOLDER])
    note = folder / "fork.json"
    note.unlink(missing_ok=True)
    # A child's count begins with its parent's, which another child tells that does nothing.
    idle = os.fork()
    if idle == 0:
        os._exit(0)
    os.waitpid(idle, 0)
    process = os.fork()
    if process == 0:
        Plan.real, Plan.empty, Plan.used = real, empty, False
        try:
            reports = runtestprotocol(item, nextitem=None, log=False)
            times = os.times()
            note.write_text(
                json.dumps(
                    {
                        "failed": next((report.longreprtext for report in reports if report.failed), None),
                        "skipped": any(report.skipped for report in reports),
                        "used": Plan.used,
                        "processes": times.children_user + times.children_system > 0,
                    }
                )
            )
        finally:
            os._exit(0)
    _, status = os.waitpid(process, 0)
    if not note.exists():
        return {"failed": f"the process ended by itself (status {status})", "skipped": False, "used": True}
    found: dict[str, Any] = json.loads(note.read_text())
    found["count"] = total(folder, process) - total(folder, idle)
    return found


def counted(item: pytest.Item, calls: int | None) -> dict[str, Any] | None:
    """Return a test's instructions per call, or why there are none; None for a test that was skipped."""
    runs = []
    if calls is None:
        runs = [forked(item, 1, 1), forked(item, 2, 0)]
        if all("count" in run for run in runs):
            cost = runs[1]["count"] - runs[0]["count"]
            calls = max(1, min(MOST_CALLS, -(-ENOUGH // max(cost, 1))))
    if calls is not None:
        runs += [forked(item, 1, calls), forked(item, 1 + calls, 0)]
    if any(run["skipped"] for run in runs):
        return None
    for run in runs:
        if run["failed"] is not None:
            return {"failed": run["failed"]}
        if not run["used"]:
            return {"failed": "the test asks for the fixture `benchmark' and does not call it"}
    low, high = runs[-2:]
    return {
        "calls": calls,
        "count": (high["count"] - low["count"]) / (calls or 1),
        "processes": any(run["processes"] for run in runs),
    }


# What was found, by test.
KNOWN: dict[str, dict[str, Any]] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool:
    """Count a test instead of running it."""
    chosen = Path(os.environ[FOLDER], "calls.json")
    calls = json.loads(chosen.read_text()) if chosen.exists() else {}
    found = counted(item, calls.get(item.nodeid))
    if found is not None:
        KNOWN[item.nodeid] = found
    return True


def pytest_sessionfinish() -> None:
    """Write what was found."""
    Path(os.environ[FOLDER], "found.json").write_text(json.dumps(KNOWN))
