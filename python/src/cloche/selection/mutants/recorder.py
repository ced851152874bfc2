"""A pytest plugin that writes the outcome of each test function as soon as it has one: one JSON line each.

Standard library and pytest only; it also runs in the project's environment. Lines: {"collected": n} once,
{"start": test} before and {"test", "outcome", "seconds"} after each item, {"file": file} for a file that could not be
collected. A process that was killed leaves the test that it was running without an outcome.
"""

import json
import os
from typing import TextIO

import pytest

from ...outcomes.reports import seconds, worth  # noqa: TID252 - its package has another name in the project's environment


class Recorder:
    """Writes lines to a file descriptor that stays open to the end."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.outcome = "passed"
        self.seconds = 0.0

    def line(self, **values: object) -> None:
        """Write one line, so that it is there when the process is killed."""
        self.file.write(json.dumps(values, sort_keys=True) + "\n")
        self.file.flush()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that could not be collected."""
        if report.failed:
            self.line(file=report.nodeid)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say how many tests there are."""
        self.line(collected=len(session.items))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Begin a test."""
        self.outcome, self.seconds = "passed", 0.0
        self.line(start=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst of the phases; a failed subtest is a failure of its test."""
        order = ["passed", "skipped", "failed"]
        self.outcome = max(self.outcome, worth(report), key=order.index)
        self.seconds += seconds([report])

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Write what came out."""
        self.line(test=nodeid, outcome=self.outcome, seconds=round(self.seconds, 6))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make property tests the same in each run, on any load, after the project has chosen its own profile."""
    if not config.pluginmanager.hasplugin("cloche-outcome-lines"):
        return
    try:
        import hypothesis  # noqa: PLC0415 - not every project has it
    except ImportError:
        return
    chosen = hypothesis.settings(hypothesis.settings.default, derandomize=True, database=None, deadline=None)
    hypothesis.settings.register_profile("cloche", chosen)
    hypothesis.settings.load_profile("cloche")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --outcome-lines."""
    group = parser.getgroup("cloche")
    group.addoption("--outcome-lines", metavar="FILE", help="Write the outcome of each test to FILE, a line each.")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start before the first file of the project is imported."""
    target = early_config.known_args_namespace.outcome_lines
    if target is None:
        return
    if os.environ.get("PYTHONHASHSEED") != "0":
        message = f"outcomes are to be compared, so PYTHONHASHSEED must be 0, and is {os.environ.get('PYTHONHASHSEED')}"
        raise pytest.UsageError(message)
    file = open(target, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - open to the end of the process
    early_config.pluginmanager.register(Recorder(file), "cloche-outcome-lines")
