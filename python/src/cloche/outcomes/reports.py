"""What pytest's reports say of a test; standard library only, so that every plugin has the same answer.

A test has a report for each of its phases (setup, call, teardown). Beside them stand those of its subtests (pytest 9's own,
before that pytest-subtests), which come before the call's: a subtest that fails is a failure of its test, and one that is
skipped leaves the others as they are. Plugins that repeat a test give the report of a failed attempt an outcome of their
own ("rerun" in pytest-rerunfailures, "retried" in pytest-retry), which pytest's `report.failed` does not tell.
"""

from collections.abc import Sequence
from typing import Protocol


class Report(Protocol):
    """What is asked of pytest's TestReport."""

    @property
    def outcome(self) -> str:
        """Return passed, failed, skipped, or a word of a plugin."""

    @property
    def when(self) -> str | None:
        """Return the phase."""

    @property
    def duration(self) -> float:
        """Return its seconds."""


def is_subtest(report: Report) -> bool:
    """Return whether a report is that of a subtest: of pytest, or of the plugin pytest-subtests."""
    return type(report).__name__ in {"SubtestReport", "SubTestReport"}


def has_failed(report: Report) -> bool:
    """Return whether what is reported failed, whether or not it is tried again."""
    return report.outcome not in {"passed", "skipped"}


def worth(report: Report) -> str:
    """Return what one report says of its test: passed, skipped or failed; an expected failure is as good as a pass."""
    if has_failed(report):
        return "failed"
    own = not hasattr(report, "wasxfail") and not is_subtest(report)
    return "skipped" if report.outcome == "skipped" and own else "passed"


def seconds(phases: Sequence[Report]) -> float:
    """Return how long an execution took; its subtests are inside of its call phase."""
    return sum(phase.duration for phase in phases if not is_subtest(phase))


def outcome_of(phases: Sequence[Report]) -> str:
    """Return the outcome of one execution by all its reports; a failure of any of them counts before all else.

    It is `flaky` where an attempt failed and a later one, in the same execution, did not.
    """
    for number, phase in enumerate(phases):
        if has_failed(phase):
            later = [each for each in phases[number + 1 :] if each.when == "call" and not is_subtest(each)]
            if phase.outcome != "failed" and later and not any(map(has_failed, phases[number + 1 :])):
                return "flaky"
            return "failed" if phase.when == "call" else "error"
    # Announced by the suite: kept apart from "passed", so that statistics can tell them.
    if any(hasattr(phase, "wasxfail") and phase.outcome == "skipped" for phase in phases):
        return "xfailed"
    if any(hasattr(phase, "wasxfail") for phase in phases):
        return "xpassed"
    return "skipped" if any(worth(phase) == "skipped" for phase in phases) else "passed"
