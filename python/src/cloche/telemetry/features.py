"""What is known of each test at a moment: the columns that a model learns from, without anything that came later."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from cloche.errors import ClocheError
from cloche.telemetry.models import Change, ChangedFile, Execution, Run, Test
from cloche.telemetry.reports import SECOND

# "Recent" is the latest executions of a test, up to this many, and those of the same instant as the last of them.
RECENT = 20
DAY = 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Features:
    """One test as of a moment; None is "unknown". Durations in seconds.

    `passed` and `duration` are those of its latest execution; the rate is of those recent executions that were not
    skipped; days_since_last_change counts from the latest stored change of the test's file.
    """

    test_name: str
    test_file: str | None
    duration: float | None
    passed: bool | None
    commit: str | None
    branch: str | None
    lines_added: int | None
    lines_deleted: int | None
    files_changed: int | None
    complexity_delta: int | None
    recent_failure_rate: float | None
    average_duration: float | None
    days_since_last_change: float | None


def features_as_of(
    connection: Connection,
    *,
    project: str,
    moment: int,
    commit: str | None = None,
    origins: Sequence[str] = (),
) -> list[Features]:
    """Return the features of every test that had been executed before `moment` (microseconds since 1970), by name.

    `commit` is the change that they are asked for. Executions, and changes of files, that are not older than the moment
    play no part, nor do runs that are not completely stored. Raises ClocheError when executions of several origins
    are there and `origins` is empty, and for a commit without a stored change.
    """
    wanted = list(origins) or _only_origin(connection, project)
    change = _change(connection, project, commit) if commit else None
    partial = select(Run.id).where(~Run.complete)

    first = (
        select(Execution.at)
        .where(
            Execution.test_id == Test.id,
            Execution.at < moment,
            Execution.origin.in_(wanted),
            Execution.run_id.not_in(partial),
        )
        .order_by(Execution.at.desc())
        .limit(1)
        .offset(RECENT - 1)
        .correlate(Test)
        .scalar_subquery()
    )
    test = select(Test.id, func.coalesce(first, -(2**62)).label("first")).where(Test.project == project).subquery()
    counted = (Execution.at < moment, Execution.origin.in_(wanted), Execution.run_id.not_in(partial))
    failed = case((Execution.passed.is_(False), 1), else_=0)
    recent = (
        select(
            test.c.id,
            func.count(Execution.passed).label("judged"),
            func.sum(failed).label("failures"),
            func.avg(Execution.duration).label("average"),
            func.max(Execution.at).label("last"),
        )
        .join(Execution, and_(Execution.test_id == test.c.id, Execution.at >= test.c.first, *counted))
        .group_by(test.c.id)
        .subquery()
    )
    # The latest execution; of several at one instant, the worst verdict and the longest duration.
    verdict = case((Execution.passed.is_(False), 2), (Execution.passed.is_(True), 1), else_=0)
    latest = (
        select(
            recent.c.id,
            recent.c.judged,
            recent.c.failures,
            recent.c.average,
            func.max(verdict),
            func.max(Execution.duration),
        )
        .join(Execution, and_(Execution.test_id == recent.c.id, Execution.at == recent.c.last, *counted))
        .group_by(recent.c.id, recent.c.judged, recent.c.failures, recent.c.average)
    )
    changed = (
        select(ChangedFile.path, func.max(Change.at))
        .join(Change, ChangedFile.change_id == Change.id)
        .where(Change.project == project, Change.at < moment)
        .group_by(ChangedFile.path)
    )
    touched: dict[str | None, int] = {path: at for path, at in connection.execute(changed)}  # noqa: C416 - for the types
    tests = {
        number: (name, file)
        for number, name, file in connection.execute(
            select(Test.id, Test.name, Test.file).where(Test.project == project)
        ).all()
    }
    said: dict[str, Any] = {
        "commit": commit,
        "branch": change.branch if change else None,
        "lines_added": change.lines_added if change else None,
        "lines_deleted": change.lines_deleted if change else None,
        "files_changed": change.files_changed if change else None,
        "complexity_delta": change.complexity_delta if change else None,
    }
    found = [
        Features(
            test_name=tests[number][0],
            test_file=tests[number][1],
            duration=duration,
            passed={2: False, 1: True, 0: None}[worst],
            recent_failure_rate=failures / judged if judged else None,
            average_duration=average,
            days_since_last_change=(moment - touched[tests[number][1]]) / DAY if tests[number][1] in touched else None,
            **said,
        )
        for number, judged, failures, average, worst, duration in connection.execute(latest).all()
    ]
    return sorted(found, key=lambda row: row.test_name)


def _only_origin(connection: Connection, project: str) -> list[str]:
    found = list(
        connection.execute(select(Run.origin).where(Run.project == project).distinct().order_by(Run.origin)).scalars()
    )
    if len(found) > 1:
        raise ClocheError(
            f"the store holds executions that are {' and '.join(found)}; mixing them is a decision: name those that are wanted\n"
            "(--origin, several times for a mixture)"
        )
    return found


def _change(connection: Connection, project: str, commit: str) -> Change:
    found = connection.execute(
        select(Change.__table__).where(Change.project == project, Change.commit == commit)
    ).one_or_none()
    if found is None:
        raise ClocheError(
            f"the store has no change {commit!r} of the project {project!r}; run `cloche telemetry import "
            "REPOSITORY`, which reads git"
        )
    return Change(**found._mapping)  # noqa: SLF001 - the documented name of a row's columns
