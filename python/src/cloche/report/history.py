"""What the telemetry store knows of former revisions, as one file: made by `cloche report --save-history`, read by the report.

A derivation reads no database, so the file is what it is given.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from cloche.report.shapes import Node

VERSION = 1


@dataclass(frozen=True)
class Revision:
    """One run of the suite: its commit where known, when it ended (ISO 8601), what it came to, the seconds where known."""

    commit: str | None
    at: str
    passed: int
    failed: int
    skipped: int
    seconds: float | None


@dataclass(frozen=True)
class History:
    """Runs, the oldest first; tests -> (runs, failures, changes of verdict); numbers of experiments over revisions."""

    revisions: list[Revision] = field(default_factory=list)
    tests: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    # Each {experiment, class, path, points: [{commit, at, value}]}; those that never varied are only counted.
    series: list[dict[str, Any]] = field(default_factory=list)
    # Each {experiment, class, values, results}.
    constant: list[dict[str, Any]] = field(default_factory=list)
    # As `cloche regress drift --json` has them.
    shifts: list[dict[str, Any]] = field(default_factory=list)

    def chosen(self, most: int) -> list[dict[str, Any]]:
        """Return of each experiment the histories that are drawn: those with changes of level first, then what varies most."""
        moved = {(each["experiment"], each["class"], each["path"]) for each in self.shifts}

        def rank(each: dict[str, Any]) -> tuple[bool, float, str]:
            values = [point["value"] for point in each["points"] if point["value"] is not None]
            middle = max((abs(value) for value in values), default=0.0) or 1.0
            spread = (max(values) - min(values)) / middle if values else math.inf
            return (each["experiment"], each["class"], each["path"]) not in moved, -spread, each["path"]

        found: list[dict[str, Any]] = []
        for name in sorted({(each["experiment"], each["class"]) for each in self.series}):
            here = [each for each in self.series if (each["experiment"], each["class"]) == name]
            found += sorted(here, key=rank)[:most]
        return found


def read(node: Node) -> History:
    """Return a history; raises ClocheError for what is none."""
    node.version(VERSION)
    return History(
        revisions=[
            Revision(
                each.at("commit").maybe(str),
                each.at("at").of(str),
                each.at("passed").of(int),
                each.at("failed").of(int),
                each.at("skipped").of(int),
                each.at("seconds").maybe(float),
            )
            for each in node.at("revisions").each()
        ],
        tests={name: _counts(each) for name, each in node.at("tests").items()},
        series=[
            {
                **{name: each.at(name).of(str) for name in ("experiment", "class", "path")},
                "points": [
                    {
                        "commit": point.at("commit").maybe(str),
                        "at": point.at("at").of(str),
                        "value": point.at("value").maybe(float),
                    }
                    for point in each.at("points").each()
                ],
            }
            for each in node.at("series").each()
        ],
        constant=[
            {
                **{name: each.at(name).of(str) for name in ("experiment", "class")},
                **{name: each.at(name).of(int) for name in ("values", "results")},
            }
            for each in node.at("constant").each()
        ],
        shifts=[_shift(each) for each in node.at("shifts").each()],
    )


def _counts(node: Node) -> tuple[int, int, int]:
    values = [each.of(int) for each in node.each()]
    if len(values) != 3:  # noqa: PLR2004 - runs, failures, changes
        raise node.wrong("a list of runs, failures and changes of verdict")
    return values[0], values[1], values[2]


def _shift(each: Node) -> dict[str, Any]:
    found: dict[str, Any] = {name: each.at(name).of(str) for name in ("experiment", "class", "path", "direction", "at")}
    found["commit"] = each.at("commit").maybe(str)
    for name in ("before", "after"):
        value = each.at(name).value
        # A level that is no number is a text.
        found[name] = value if isinstance(value, str) else each.at(name).of(float)
    return found
