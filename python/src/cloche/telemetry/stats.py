"""What the store shows: slowest, flakiest, longest red, never failing, cost per file."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, func, select

from cloche.telemetry.models import Change, Execution, ObservedChange, Run, Test
from cloche.telemetry.reports import iso
from cloche.untrusted import terminal

VERSION = 1


@dataclass
class _Seen:
    """What was seen of one test, in the order of its executions."""

    name: str
    file: str | None
    executions: int = 0
    judged: int = 0
    failures: int = 0
    flips: int = 0
    timed: int = 0
    seconds: float = 0.0
    last: bool | None = None
    # The streak of failures that goes on, and the longest one: executions, first moment, last moment.
    streak: int = 0
    since: int = 0
    longest: tuple[int, int, int] = (0, 0, 0)

    def add(self, at: int, passed: bool | None, duration: float | None) -> None:  # noqa: FBT001 - a column
        """Count one execution."""
        self.executions += 1
        if duration is not None:
            self.timed += 1
            self.seconds += duration
        if passed is None:
            return
        self.judged += 1
        self.flips += self.last is not None and passed is not self.last
        self.last = passed
        if passed:
            self.streak = 0
            return
        self.failures += 1
        self.since = self.since if self.streak else at
        self.streak += 1
        # The longest in time; among equals, in executions.
        if (at - self.since, self.streak) >= (self.longest[2] - self.longest[1], self.longest[0]):
            self.longest = (self.streak, self.since, at)


def statistics(
    connection: Connection, *, projects: Sequence[str] = (), origins: Sequence[str] = (), top: int = 10
) -> dict[str, Any]:
    """Return the statistics as JSON values; lists have at most `top` entries. Runs that are not complete are counted apart."""
    chosen = [*([Run.project.in_(projects)] if projects else []), *([Run.origin.in_(origins)] if origins else [])]
    runs = connection.execute(
        select(Run.project, Run.origin, Run.source, func.count(), func.sum(Run.reported))
        .where(Run.complete, *chosen)
        .group_by(Run.project, Run.origin, Run.source)
        .order_by(Run.project, Run.origin, Run.source)
    ).all()
    partial = list(connection.execute(select(Run.key).where(~Run.complete, *chosen).order_by(Run.key)).scalars())
    changes = connection.execute(select(func.count()).select_from(Change)).scalar_one()
    seen = list(_tests(connection, projects, origins))
    files: dict[str, list[float]] = {}
    for test in seen:
        entry = files.setdefault(test.file or "(unknown)", [0.0, 0, 0])
        entry[0] += test.seconds
        entry[1] += test.executions
        entry[2] += 1
    never = [test for test in seen if test.judged and not test.failures]
    timed = [test for test in seen if test.timed]
    flaky = [test for test in seen if test.flips]
    red = [test for test in seen if test.failures]
    return {
        "version": VERSION,
        "runs": [
            {"project": project, "origin": origin, "source": source, "runs": number, "executions": int(executions)}
            for project, origin, source, number, executions in runs
        ],
        "incomplete_runs": partial,
        "selection": _selection(connection, projects),
        "changes": int(changes),
        "tests": len(seen),
        "slowest": [
            {"test": test.name, "average_seconds": round(test.seconds / test.timed, 6), "executions": test.executions}
            for test in sorted(timed, key=lambda test: (-test.seconds / test.timed, test.name))[:top]
        ],
        "flakiest": [
            {"test": test.name, "flips": test.flips, "failures": test.failures, "executions": test.judged}
            for test in sorted(flaky, key=lambda test: (-test.flips / test.judged, -test.flips, test.name))[:top]
        ],
        "longest_red": [
            {
                "test": test.name,
                "failures": test.longest[0],
                "first": iso(test.longest[1]),
                "last": iso(test.longest[2]),
                "days": round((test.longest[2] - test.longest[1]) / 86_400e6, 2),
                "still_red": test.last is False and test.since == test.longest[1],
            }
            for test in sorted(red, key=lambda test: (test.longest[1] - test.longest[2], -test.longest[0], test.name))[
                :top
            ]
        ],
        "never_failing": {
            "tests": len(never),
            "seconds": round(sum(test.seconds for test in never), 3),
            "most_executed": [
                {"test": test.name, "executions": test.executions}
                for test in sorted(never, key=lambda test: (-test.executions, test.name))[:top]
            ],
        },
        "cost_per_file": [
            {"file": file, "seconds": round(seconds, 3), "executions": int(executions), "tests": int(tests)}
            for file, (seconds, executions, tests) in sorted(files.items(), key=lambda item: (-item[1][0], item[0]))[
                :top
            ]
        ],
    }


def _selection(connection: Connection, projects: Sequence[str]) -> list[dict[str, Any]]:
    """Return for each project and month what shadow runs of selections saw, and what the selections would have missed."""
    rows = connection.execute(
        select(
            ObservedChange.project,
            ObservedChange.at,
            ObservedChange.failing,
            ObservedChange.missed_some,
            ObservedChange.missed,
        )
        .where(ObservedChange.missed.is_not(None), *([ObservedChange.project.in_(projects)] if projects else []))
        .order_by(ObservedChange.project, ObservedChange.at)
    ).all()
    return [
        {
            "project": project,
            "month": month,
            "runs": len(group),
            "failing": sum(row.failing for row in group),
            "missed_some": sum(row.missed_some for row in group),
            "missed": sum(row.missed for row in group),
        }
        for (project, month), each in groupby(rows, key=lambda row: (row.project, iso(row.at)[:7]))
        for group in [list(each)]
    ]


def _tests(connection: Connection, projects: Sequence[str], origins: Sequence[str]) -> list[_Seen]:
    tests = {
        number: (name, file)
        for number, name, file in connection.execute(
            select(Test.id, Test.name, Test.file).where(*([Test.project.in_(projects)] if projects else []))
        )
    }
    partial = select(Run.id).where(~Run.complete)
    rows = connection.execution_options(yield_per=10_000).execute(
        select(Execution.test_id, Execution.at, Execution.passed, Execution.duration)
        .where(Execution.run_id.not_in(partial), *([Execution.origin.in_(origins)] if origins else []))
        .order_by(Execution.test_id, Execution.at)
    )
    found = []
    for number, group in groupby(rows, key=lambda row: row[0]):
        if number in tests:
            seen = _Seen(*tests[number])
            for _, at, passed, duration in group:
                seen.add(at, passed, duration)
            found.append(seen)
    return found


def as_table(data: dict[str, Any]) -> str:
    """Return the statistics as text for a person."""
    lines = [f"{data['tests']} tests, {data['changes']} changes"]
    lines += [
        f"  {run['project']}: {run['runs']} runs, {run['executions']} executions ({run['origin']}, from {run['source']})"
        for run in data["runs"]
    ]
    if data["incomplete_runs"]:
        lines.append(
            f"  {len(data['incomplete_runs'])} runs are not complete and count nowhere; import their reports again"
        )
    lines += [
        f"  {row['project']}, {row['month']}: {row['runs']} shadow runs of select-tests, {row['failing']} with failures, of which "
        f"the selection would have missed some in {row['missed_some']}, all in {row['missed']}"
        for row in data["selection"]
    ]
    never = data["never_failing"]
    sections = [
        ("slowest (average seconds)", [(f"{row['average_seconds']:.3f}", row["test"]) for row in data["slowest"]]),
        (
            "flakiest (changes of verdict / executions)",
            [(f"{row['flips']}/{row['executions']}", row["test"]) for row in data["flakiest"]],
        ),
        (
            "longest red (days, executions)",
            [
                (f"{row['days']:.1f}, {row['failures']}", row["test"] + (" (still)" if row["still_red"] else ""))
                for row in data["longest_red"]
            ],
        ),
        (
            f"never failing: {never['tests']} tests, {never['seconds']:.1f} s (executions)",
            [(str(row["executions"]), row["test"]) for row in never["most_executed"]],
        ),
        ("cost per file (seconds)", [(f"{row['seconds']:.1f}", row["file"]) for row in data["cost_per_file"]]),
    ]
    for title, rows in sections:
        width = max((len(first) for first, _ in rows), default=0)
        lines += ["", title, *(f"  {first:>{width}}  {second}" for first, second in rows or [("(none)", "")])]
    return "\n".join(terminal.line(line.rstrip()) for line in lines) + "\n"
