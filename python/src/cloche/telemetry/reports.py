"""What a report says of one run, whatever its format: the one thing that is imported."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from cloche.errors import ClocheError
from cloche.untrusted.moments import moment

# What each outcome says of the test; a skipped test neither passed nor failed. What the suite announced (xfailed) or
# did not dare to hope for (xpassed) is no defect, as for pytest; the outcome itself is stored beside, so nothing is lost.
PASSED: dict[str, bool | None] = {
    "passed": True,
    "xfailed": True,
    "xpassed": True,
    "failed": False,
    "error": False,
    "crashed": False,
    "flaky": False,
    "skipped": None,
}
SECOND = 1_000_000


class ReportedExecution(NamedTuple):
    """One execution: test, its file where known, outcome (a key of PASSED), seconds, and when (microseconds) if known."""

    test: str
    file: str | None
    outcome: str
    duration: float | None
    at: int | None = None


@dataclass
class ReportedRun:
    """One run with its executions in the order of the report; times are microseconds since 1970, UTC."""

    key: str
    source: str
    project: str
    origin: str
    finished: int
    executions: list[ReportedExecution]
    started: int | None = None
    commit: str | None = None
    branch: str | None = None
    # Whether more of it may come: the report of a run that was cut short, or is still going on.
    open: bool = False
    facts: dict[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """Return the SHA-256 of what the report says of its executions."""
        # The text of a list of tuples is exact for texts, numbers and None, and made faster than any other.
        return hashlib.sha256(repr([tuple(one) for one in self.executions]).encode()).hexdigest()


def microseconds(when: datetime) -> int:
    """Return a moment as microseconds since 1970; one without a zone is taken as UTC."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return round(when.timestamp() * SECOND)


def iso(at: int) -> str:
    """Return microseconds since 1970 in ISO 8601, UTC."""
    return moment(at / SECOND).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment_of(text: str, source: object) -> int:
    """Return the microseconds of an ISO 8601 text; raises ClocheError for another."""
    try:
        return microseconds(datetime.fromisoformat(text.strip()))
    except (ArithmeticError, ValueError) as error:
        raise ClocheError(f"{source}: {text!r} is no time in ISO 8601 (2026-01-31T12:00:00Z)") from error


def checked_text(text: str, source: object) -> str:
    """Return a name that every database can hold, or raise ClocheError."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ClocheError(f"{source}: {text!r} has a character that no database stores")
    return text


def node_in_file(classname: str, name: str, file: str) -> str | None:
    """Return the node id of a test in a file, None where its class does not begin with the module that the file is.

    pytest and unittest-xml-reporting give both; pytest puts what `--junit-prefix` says before the module.
    """
    module = file.removeprefix("./").removesuffix(".py").replace("/", ".")
    _, found, classes = f".{classname}.".partition(f".{module}.")
    return "::".join([file, *filter(None, classes.split(".")), name]) if found else None


def node_of_pytest(classname: str, name: str) -> tuple[str, str]:
    """Return (node id, file) of a test by what pytest writes into JUnit XML, where the file's name has become dots.

    Classes begin with a capital letter, as pytest collects them; a function's name has its parameters.
    """
    parts = classname.split(".")
    modules = [part for part in parts if not re.match(r"[A-Z]", part)] or parts
    classes = parts[len(modules) :] if parts[: len(modules)] == modules else []
    if not classes:
        modules = parts
    file = "/".join(modules) + ".py"
    return "::".join([file, *classes, name]), file
