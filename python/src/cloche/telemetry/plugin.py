"""A pytest plugin that records each execution: `pytest --telemetry FILE.jsonl`, or a store; works without Nix.

It is loaded by its entry point, does nothing without the option, and needs only the standard library for JSON lines.
"""

import json
import os
import platform
import time
import uuid
from pathlib import Path
from typing import Any, TextIO

import pytest

from cloche.errors import ClocheError
from cloche.outcomes.reports import outcome_of, seconds
from cloche.store.write import appending

VERSION = 1
SECOND = 1_000_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("telemetry", "record what tests did (cloche)")
    group.addoption(
        "--telemetry", metavar="FILE", help="append to this file of JSON lines (.jsonl), or import into this store"
    )
    group.addoption(
        "--telemetry-project", metavar="NAME", help="the project's name in the store; default: the root folder's"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Record in the one process that sees all reports: not in the workers of pytest-xdist."""
    target = config.getoption("--telemetry")
    if target and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(str(target), config), "cloche-telemetry-recorder")


class Recorder:
    """Writes one line per execution as soon as it is over, so that a killed run loses none that it finished."""

    def __init__(self, target: str, config: pytest.Config) -> None:
        self.target, self.config = target, config
        self.run, self.written = uuid.uuid4().hex, 0
        # By test, and by the worker of pytest-xdist, several of which may run the same test.
        self.phases: dict[tuple[str, object], list[pytest.TestReport]] = {}
        direct = target.endswith(".jsonl")
        self.path = Path(target) if direct else Path(f".cloche-telemetry-{self.run}.jsonl")
        self.path = Path(config.invocation_params.dir, self.path)
        self.direct = direct
        self.file: TextIO | None = None

    def pytest_sessionstart(self) -> None:
        """Write what is known of the run."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = os.fdopen(appending(self.path), "a", encoding="utf-8")
        except (ClocheError, OSError) as error:
            raise pytest.UsageError(str(error)) from None
        commit, branch = self.checked_out()
        self.write(
            kind="run",
            version=VERSION,
            run=self.run,
            at=now(),
            commit=commit,
            branch=branch,
            environment={
                "python": platform.python_version(),
                "implementation": platform.python_implementation(),
                "system": platform.system(),
                "machine": platform.machine(),
                "processors": str(os.cpu_count()),
                "pytest": pytest.__version__,
                "host": platform.node(),
            },
        )

    def checked_out(self) -> tuple[str | None, str | None]:
        """Return commit and branch, where there are any; a git that is missing or refuses is told of, and the tests run."""
        from cloche.store.git import GitError, Repository, checkout_around  # noqa: PLC0415 - pytest starts without it

        commit = branch = None
        if checkout_around(self.config.rootpath) is not None:
            git = Repository(self.config.rootpath)
            try:
                branch = git.branch()
                commit = git.commit("HEAD")
            except GitError as error:
                if terminal := self.config.pluginmanager.get_plugin("terminalreporter"):
                    terminal.write_line(f"telemetry: the run is recorded without its commit: {error.message}")
        return commit, branch

    def write(self, **entry: Any) -> None:  # noqa: ANN401 - JSON
        """Append one line, whole."""
        if self.file is not None:
            self.file.write(json.dumps(entry, sort_keys=True) + "\n")
            self.file.flush()

    def execution(self, test: str, outcome: str, duration: float) -> None:
        """Append one execution."""
        self.written += 1
        file = test.partition("::")[0]
        self.write(kind="execution", test=test, file=file, outcome=outcome, duration=duration, at=now())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the phases of a test; the last one ends its execution."""
        key = report.nodeid, getattr(report, "node", None)
        phases = self.phases.setdefault(key, [])
        phases.append(report)
        if report.when == "teardown":
            del self.phases[key]
            self.execution(report.nodeid, outcome_of(phases), seconds(phases))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a file that cannot be collected as an error of that file."""
        if report.failed:
            self.execution(report.nodeid, "error", 0.0)

    def pytest_sessionfinish(self) -> None:
        """Write the end, and bring it into the store if one was named."""
        for (test, _), phases in self.phases.items():
            # Its process died before it came to its end.
            self.execution(test, "crashed", seconds(phases))
        self.write(kind="end", at=now(), executions=self.written)
        if self.file is not None:
            self.file.close()
        if not self.direct:
            self.into_store()
            self.path.unlink()

    def into_store(self) -> None:
        """Import what was written."""
        from cloche.telemetry.importing import Reduction, store_runs  # noqa: PLC0415 - JSON lines need no library
        from cloche.telemetry.sources import About, read_lines  # noqa: PLC0415
        from cloche.telemetry.store import opened  # noqa: PLC0415

        project = self.config.getoption("--telemetry-project") or self.config.rootpath.name
        with opened(self.target, create=True) as engine:
            store_runs(engine, read_lines(self.path, About(project, now())), Reduction(people=True))


def now() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() * SECOND // 1_000_000_000
