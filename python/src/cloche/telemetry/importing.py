"""Store reported runs: each once, in transactions that a killed import can be continued after, with a proof at the end."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from cloche.errors import ClocheError, ExitCode
from cloche.telemetry.models import Base, Execution, Fact, Run, Setting, Test
from cloche.telemetry.reports import PASSED, ReportedExecution, ReportedRun

# Executions in one transaction: enough that its end costs little, few enough that other writers get their turn.
BATCH = 100_000
# In the order in which they are inserted.
COLUMNS = ("run_id", "position", "test_id", "at", "origin", "outcome", "passed", "duration")
TYPES = ("bigint", "integer", "bigint", "bigint", "text", "text", "boolean", "double precision")
# Rows in one statement of SQLite, whose oldest limit of parameters is 999.
ROWS = 100
# Names in one statement, below every database's limit of parameters.
NAMES = 500


def lost_rows(runs: list[tuple[str, int, int]]) -> ClocheError:
    """Return the error of a store that holds another number of executions than were reported."""
    lines = [f"  {key}: {reported} reported, {stored} stored" for key, reported, stored in runs]
    return ClocheError("\n".join(["the store does not hold what was reported:", *lines]), ExitCode.CHECK_FAILED)


@dataclass(frozen=True)
class Reduction:
    """What is stored less of: `people` leaves authors and host names out, `paths` replaces paths and names of tests."""

    people: bool = False
    paths: bool = False


@dataclass
class Imported:
    """What an import did: runs that are new, that were there, that were continued; executions reported and stored."""

    new: int = 0
    known: int = 0
    continued: int = 0
    reported: int = 0
    stored: int = 0
    cut_short: list[str] = field(default_factory=list)


@dataclass
class _Tests:
    """The keys of the tests that were seen, by project and name."""

    engine: Engine
    salt: str | None
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    # The projects whose tests were all read.
    read: set[str] = field(default_factory=set)

    def names(self, execution: ReportedExecution) -> tuple[str, str | None]:
        if self.salt is None:
            return execution.test, execution.file
        return hidden(execution.test, self.salt), execution.file and hidden(execution.file, self.salt)

    def learn(self, project: str, executions: list[ReportedExecution]) -> None:
        """Store the tests that are new, in a transaction of their own, so that no two writers wait for each other."""
        if self.salt is None:
            files = {execution.test: execution.file for execution in executions}
        else:
            files = dict(self.names(execution) for execution in executions)
        if project not in self.read:
            self.read.add(project)
            with self.engine.connect().execution_options(reading=True) as connection:
                there = connection.execute(select(Test.id, Test.name).where(Test.project == project)).all()
                self.known |= {(project, name): number for number, name in there}
        # All writers take them in the same order.
        absent = sorted(name for name in files if (project, name) not in self.known)
        for start in range(0, len(absent), NAMES):
            part = absent[start : start + NAMES]
            with self.engine.begin() as connection:
                rows: list[dict[str, object]] = [
                    {"project": project, "name": name, "file": files[name]} for name in part
                ]
                insert_new(connection, Test, rows)
                found = connection.execute(
                    select(Test.id, Test.name).where(Test.project == project, Test.name.in_(part))
                )
                self.known |= {(project, name): number for number, name in found}


def hidden(text: str, salt: str) -> str:
    """Return what stands for a name in a store without paths: the same for the same name, in this store alone."""
    return hashlib.sha256(f"{salt}{text}".encode()).hexdigest()[:20]


def salt_of(engine: Engine) -> str:
    """Return the store's salt, made at the first call."""
    with engine.begin() as connection:
        insert_new(connection, Setting, [{"name": "salt", "value": secrets.token_hex(16)}])
        return str(connection.execute(select(Setting.value).where(Setting.name == "salt")).scalar_one())


def insert_new(connection: Connection, model: type[Base], rows: list[dict[str, object]]) -> None:
    """Insert the rows whose keys are not there yet."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - for the types: a model's table is one
    if rows:
        connection.execute(make(table).on_conflict_do_nothing(), rows)


def store_runs(engine: Engine, runs: Iterable[ReportedRun], reduction: Reduction, *, batch: int = BATCH) -> Imported:
    """Store all runs and prove that the store holds them.

    Small runs share a transaction; a large one takes several, and counts nowhere before its last. What a killed import
    left is continued. Raises ClocheError where the count afterwards is another.
    """
    result = Imported()
    tests = _Tests(engine, salt_of(engine) if reduction.paths else None)
    proved: dict[str, int] = {}
    for group in _groups(runs, batch):
        for project in sorted({run.project for run in group}):
            tests.learn(project, [one for run in group for one in run.executions if run.project == project])
        # Small runs are stored in one transaction; a large one takes several.
        with engine.begin() as connection:
            starts = _begin(connection, group, result, reduction)
            if size_of(group) <= batch:
                _insert(connection, starts, tests)
                _finish(connection, starts)
                starts = []
        for run, number, start in starts:
            for first in range(start, len(run.executions), batch):
                with engine.begin() as connection:
                    _insert(connection, [(run, number, first)], tests, most=batch)
            with engine.begin() as connection:
                _finish(connection, starts)
        for run in group:
            proved[run.key] = len(run.executions)
            result.reported += len(run.executions)
            result.cut_short += [run.key] if run.open else []
    result.stored = _prove(engine, proved)
    return result


def size_of(runs: list[ReportedRun]) -> int:
    """Return how many executions some runs have."""
    return sum(len(run.executions) for run in runs)


def _groups(runs: Iterable[ReportedRun], batch: int) -> Iterator[list[ReportedRun]]:
    group: list[ReportedRun] = []
    size = 0
    for run in runs:
        if group and size + len(run.executions) > batch:
            yield group
            group, size = [], 0
        group.append(run)
        size += len(run.executions)
    if group:
        yield group


# A run, its number in the store, and the first position that is absent there.
_Start = tuple[ReportedRun, int, int]


def _begin(connection: Connection, runs: list[ReportedRun], result: Imported, reduction: Reduction) -> list[_Start]:
    """Store the rows of the runs themselves; return those of which something is absent."""
    keys = [run.key for run in runs]
    digests = {run.key: run.digest() for run in runs}
    before = _stored(connection, keys)
    rows = [
        {
            **{
                name: getattr(run, name)
                for name in ("key", "origin", "source", "project", "commit", "branch", "started", "finished")
            },
            "reported": len(run.executions),
            "digest": digests[run.key],
            "complete": False,
        }
        for run in runs
        if run.key not in before
    ]
    insert_new(connection, Run, rows)
    # Another writer may have stored one of them in the meantime.
    there = _stored(connection, keys) if rows else before
    facts, starts = [], []
    for run in runs:
        found = there[run.key]
        number, start = int(found.id), 0
        if run.key not in before and found.digest == digests[run.key]:
            result.new += 1
            facts += [
                {"run_id": number, "name": name, "value": value}
                for name, value in sorted(run.facts.items())
                if not (reduction.people and name == "host")
            ]
        elif found.digest == digests[run.key] and found.complete:
            result.known += 1
            continue
        else:
            start = _count(connection, number)
            if found.digest != digests[run.key]:
                _continue(connection, found, run, start)
            result.continued += 1
        starts.append((run, number, start))
    insert_new(connection, Fact, facts)
    return starts


def _stored(connection: Connection, keys: list[str]) -> dict[str, Row[Any]]:
    """Return the rows of the runs that are there, by key."""
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(keys), NAMES):
        part = select(Run.id, Run.key, Run.reported, Run.digest, Run.complete).where(
            Run.key.in_(keys[start : start + NAMES])
        )
        found |= {row.key: row for row in connection.execute(part)}
    return found


def _continue(connection: Connection, found: Row[Any], run: ReportedRun, stored: int) -> None:
    """Let a run that was cut short when it was read have gone on; nothing else may differ from what is stored."""
    if not _goes_on(connection, int(found.id), run, stored):
        raise ClocheError(
            f"{run.source}: the run {run.key} is stored already, with other executions ({found.reported} there, "
            f"{len(run.executions)} here); nothing of it was\nchanged. If this report is the right one, run `cloche "
            f"telemetry forget --run {run.key}`, then import it again",
            ExitCode.CHECK_FAILED,
        )
    values = {"finished": run.finished, "reported": len(run.executions), "digest": run.digest(), "complete": False}
    connection.execute(update(Run).where(Run.id == found.id).values(values))


def _goes_on(connection: Connection, number: int, run: ReportedRun, stored: int) -> bool:
    """Return whether the stored run was open, and the report begins with what is stored of it."""
    ended = select(Fact.value).where(Fact.run_id == number, Fact.name == "open")
    earlier = select(Run.digest, Run.reported).where(Run.id == number)
    digest, reported = connection.execute(earlier).one()
    if connection.execute(ended).scalar_one_or_none() is None or not stored <= reported <= len(run.executions):
        return False
    before = ReportedRun(**{**vars(run), "executions": run.executions[:reported]})
    return bool(before.digest() == digest)


def _count(connection: Connection, number: int) -> int:
    # Positions are stored in order, so the first that is absent is their number.
    return int(
        connection.execute(select(func.count()).select_from(Execution).where(Execution.run_id == number)).scalar_one()
    )


def _insert(connection: Connection, starts: list[_Start], tests: _Tests, *, most: int | None = None) -> None:
    """Insert the executions of runs from a position on, at most so many of each."""
    known, plain = tests.known, tests.salt is None
    rows: list[tuple[object, ...]] = []
    for run, number, first in starts:
        project, origin, finished = run.project, run.origin, run.finished
        end = len(run.executions) if most is None else first + most
        rows += [
            (
                number,
                position,
                known[project, one.test if plain else tests.names(one)[0]],
                finished if one.at is None else one.at,
                origin,
                one.outcome,
                PASSED[one.outcome],
                one.duration,
            )
            for position, one in enumerate(run.executions[first:end], start=first)
        ]
    if connection.dialect.name == "postgresql":
        _insert_columns(connection, rows)
    else:
        _insert_rows(connection, rows)


# Past SQLAlchemy's handling of each parameter, which takes longer than the database.
_INTO = f"INSERT INTO executions ({', '.join(COLUMNS)})"
_ARRAYS = ", ".join(f"%s::{kind}[]" for kind in TYPES)
_FROM_ARRAYS = f"{_INTO} SELECT * FROM unnest({_ARRAYS}) ON CONFLICT DO NOTHING"  # noqa: S608 - names of columns


def _insert_rows(connection: Connection, rows: list[tuple[object, ...]]) -> None:
    """Insert rows into SQLite, many by each statement: what a statement costs is more than what a row does."""
    marks = f"({', '.join('?' * len(COLUMNS))})"
    whole = len(rows) - len(rows) % ROWS
    for start, end, size in ((0, whole, ROWS), (whole, len(rows), 1)):
        if start < end:
            connection.exec_driver_sql(
                f"{_INTO} VALUES {', '.join([marks] * size)} ON CONFLICT DO NOTHING",
                [tuple(chain.from_iterable(rows[first : first + size])) for first in range(start, end, size)],
            )


def _insert_columns(connection: Connection, rows: list[tuple[object, ...]]) -> None:
    """Insert rows into PostgreSQL as one array a column."""
    for start in range(0, len(rows), BATCH):
        columns = zip(*rows[start : start + BATCH], strict=True)
        connection.exec_driver_sql(_FROM_ARRAYS, tuple(list(each) for each in columns))


def _finish(connection: Connection, starts: list[_Start]) -> None:
    """Mark runs complete, if the store holds as many executions as each has."""
    numbers = [number for _, number, _ in starts]
    stored: dict[int, int] = {}
    for first in range(0, len(numbers), NAMES):
        part = numbers[first : first + NAMES]
        count = select(Execution.run_id, func.count()).where(Execution.run_id.in_(part)).group_by(Execution.run_id)
        stored |= {number: int(rows) for number, rows in connection.execute(count)}
        connection.execute(update(Run).where(Run.id.in_(part)).values(complete=True))
        connection.execute(delete(Fact).where(Fact.run_id.in_(part), Fact.name == "open"))
    if wrong := [
        (run.key, len(run.executions), stored.get(number, 0))
        for run, number, _ in starts
        if stored.get(number, 0) != len(run.executions)
    ]:
        raise lost_rows(wrong)
    cut = [{"run_id": number, "name": "open", "value": "cut short"} for run, number, _ in starts if run.open]
    insert_new(connection, Fact, list[dict[str, object]](cut))


def _prove(engine: Engine, reported: dict[str, int]) -> int:
    """Return how many executions the store holds of these runs, by a look of its own; raise ClocheError for any other."""
    keys = sorted(reported)
    stored: dict[str, int] = {}
    count = (
        select(Run.key, func.count(Execution.position))
        .join(Execution, Execution.run_id == Run.id, isouter=True)
        .where(Run.key.in_(bindparam("keys", expanding=True)), Run.complete)
        .group_by(Run.key)
    )
    with engine.connect().execution_options(reading=True) as connection:
        for start in range(0, len(keys), NAMES):
            stored |= {
                key: int(number) for key, number in connection.execute(count, {"keys": keys[start : start + NAMES]})
            }
    if wrong := [(key, reported[key], stored.get(key, 0)) for key in keys if stored.get(key, 0) != reported[key]]:
        raise lost_rows(wrong)
    return sum(stored.values())
