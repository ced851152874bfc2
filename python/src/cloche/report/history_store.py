"""Take the history out of a telemetry store."""

import math
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Integer, case, cast, func, select

from cloche.chaos.judge import plain_name
from cloche.errors import ClocheError
from cloche.regression import history as drift
from cloche.report.history import VERSION
from cloche.telemetry.models import Execution, Run, Test
from cloche.telemetry.reports import iso
from cloche.telemetry.results import Point, histories

# The latest revisions that are kept; more are a history that nobody reads on a page.
MOST = 200


def export(connection: Connection, project: str) -> dict[str, Any]:
    """Return the history of a project as the file has it: its latest runs, its tests in them, and its experiments."""
    runs = connection.execute(
        select(Run.id, Run.commit, Run.finished)
        .where(Run.project == project, Run.origin == "real", Run.complete)
        .order_by(Run.finished.desc(), Run.id.desc())
        .limit(MOST)
    ).all()[::-1]
    found = list(histories(connection, project=project))
    if not runs and not found:
        raise ClocheError(
            f"the store has no run and no result of {project!r}; import some (nix run .#telemetry -- import ...), or name "
            "another --project"
        )
    numbers = [row[0] for row in runs]
    totals = {row[0]: row for row in connection.execute(_totals(numbers))}
    varying, constant = _told_apart(found)
    shifts = (
        drift.as_data(drift.look(connection, project=project, experiment=None, platform=None, since=None))["shifts"]
        if found
        else []
    )
    return {
        "version": VERSION,
        "project": project,
        "revisions": [
            {
                "commit": commit,
                "at": iso(finished),
                "passed": int(totals[number][1] or 0),
                "failed": int(totals[number][2] or 0),
                "skipped": int(totals[number][3] or 0),
                "seconds": None if totals[number][4] is None else round(float(totals[number][4]), 3),
            }
            for number, commit, finished in runs
            if number in totals
        ],
        "tests": _tests(connection, numbers),
        "series": varying,
        "constant": constant,
        "shifts": shifts,
    }


def _totals(runs: list[int]) -> Any:  # noqa: ANN401 - a statement
    return (
        select(
            Execution.run_id,
            func.sum(case((Execution.passed.is_(True), 1), else_=0)),
            func.sum(case((Execution.passed.is_(False), 1), else_=0)),
            func.sum(case((Execution.passed.is_(None), 1), else_=0)),
            func.sum(Execution.duration),
        )
        .where(Execution.run_id.in_(runs))
        .group_by(Execution.run_id)
    )


def _tests(connection: Connection, runs: list[int]) -> dict[str, list[int]]:
    """Return by plain name in how many of the runs a test was judged, failed, and changed its verdict."""
    passed = cast(Execution.passed, Integer)
    before = func.lag(passed).over(partition_by=Execution.test_id, order_by=(Execution.at, Execution.run_id))
    judged = (
        select(Execution.test_id, passed.label("passed"), before.label("before"))
        .where(Execution.run_id.in_(runs), Execution.passed.is_not(None))
        .subquery()
    )
    rows = connection.execute(
        select(
            Test.name,
            func.count(),
            func.sum(1 - judged.c.passed),
            func.sum(func.coalesce(func.abs(judged.c.passed - judged.c.before), 0)),
        )
        .join(judged, judged.c.test_id == Test.id)
        .group_by(Test.id, Test.name)
    )
    # What was always the same name is one test, however its report wrote it.
    return {plain_name(name): [int(count), int(failures), int(changes)] for name, count, failures, changes in rows}


def _told_apart(
    found: Iterable[tuple[str, str, str, list[Point]]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the histories that vary, and how many numbers of each experiment do not."""
    varying: list[dict[str, Any]] = []
    still: dict[tuple[str, str], dict[str, Any]] = {}
    for experiment, platform, path, points in found:
        latest = points[-MOST:]
        if len({repr(point.value) for point in latest}) == 1:
            entry = still.setdefault(
                (experiment, platform), {"experiment": experiment, "class": platform, "values": 0, "results": 0}
            )
            entry["values"] += 1
            entry["results"] = max(entry["results"], len(latest))
            continue
        varying.append(
            {
                "experiment": experiment,
                "class": platform,
                "path": path,
                "points": [
                    {
                        "commit": point.commit,
                        "at": iso(point.at),
                        "value": point.value if math.isfinite(point.value) else None,
                    }
                    for point in latest
                ],
            }
        )
    return varying, list(still.values())
