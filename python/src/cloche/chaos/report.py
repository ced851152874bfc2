"""The report of a session: a journal that a killed process leaves whole, and the document that is made of it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloche.store import write as whole

VERSION = 1
# What each test came to. `safe` says nothing about survival, nor do `skipped` and `xfailed` where no fault fired; where one
# did, a test that passes without chaos has given up.
OUTCOMES = ("survived", "failed", "hung", "not reached", "safe", "skipped", "xfailed")


@dataclass
class Entry:
    """What happened to one test."""

    test: str
    marker: str | None = None
    armed: list[str] = field(default_factory=list)
    calls: int = 0
    fired: list[dict[str, str]] = field(default_factory=list)
    outcome: str = "not reached"
    recovery: list[dict[str, Any]] = field(default_factory=list)
    # It passed without one assertion after the last fault.
    unasserted: bool = False
    message: str = ""
    replay: str = ""
    # Seconds; not part of the document, since they differ from run to run.
    duration: float = 0.0
    lost: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return what is the same in every run."""
        return {name: value for name, value in vars(self).items() if name not in {"duration", "lost"}}


def summary(entries: list[Entry]) -> dict[str, int]:
    """Return how many tests came to each outcome."""
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.outcome] = counts.get(entry.outcome, 0) + 1
    return dict(sorted(counts.items()))


def document(settings: dict[str, Any], entries: list[Entry]) -> dict[str, Any]:
    """Return the report as JSON, its tests sorted by name."""
    tests = [entry.document() for entry in sorted(entries, key=lambda entry: entry.test)]
    return {"version": VERSION, "settings": settings, "counts": summary(entries), "tests": tests}


def durations(entries: list[Entry]) -> dict[str, dict[str, float]]:
    """Return the seconds that each test took, and those of them that recoveries waited."""
    return {entry.test: {"duration": entry.duration, "lost": entry.lost} for entry in entries}


@dataclass
class Journal:
    """What a journal tells: its session, the tests that ended, and the one that had begun and did not end."""

    settings: dict[str, Any] | None = None
    ended: dict[str, Entry] = field(default_factory=dict)
    began: str | None = None
    # The faults of that one.
    fired: list[dict[str, str]] = field(default_factory=list)


def read_journal(path: Path) -> Journal:
    """Return what the journal tells; the last line of a killed process may be cut."""
    journal = Journal()
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []:
        if not line.endswith("\n"):
            break
        entry = json.loads(line)
        match entry["kind"]:
            case "session":
                journal.settings = entry["settings"]
            case "began":
                journal.began, journal.fired = entry["test"], []
            case "fired":
                journal.fired.append(entry["fired"])
            case "ended":
                journal.ended[entry["entry"]["test"]] = Entry(**entry["entry"])
                journal.began, journal.fired = None, []
    return journal


def write(path: Path, data: object) -> None:
    """Write sorted, stable JSON."""
    whole.file(path, json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
