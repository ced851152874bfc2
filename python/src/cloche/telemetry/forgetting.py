"""Remove what shall no longer be known."""

from sqlalchemy import Connection, delete, func, select, update

from cloche.telemetry.models import (
    Change,
    Execution,
    Fact,
    ObservedChange,
    Result,
    ResultValue,
    Run,
    Suite,
    Test,
)


def forget(
    connection: Connection, *, runs: list[str], projects: list[str], before: int | None, people: bool
) -> dict[str, int]:
    """Remove runs by key, all of some projects, runs and changes older than a moment, or what names people.

    Several of the first three narrow each other. Returns how many runs, executions, tests, changes, observed changes and
    results went, and how many rows forgot a person.
    """
    gone = {
        "runs": 0,
        "executions": 0,
        "tests": 0,
        "changes": 0,
        "observed changes": 0,
        "results": 0,
        "people": 0,
    }
    if people:
        gone["people"] = connection.execute(
            update(Change).where(Change.author.is_not(None)).values(author=None)
        ).rowcount
        gone["people"] += connection.execute(delete(Fact).where(Fact.name == "host")).rowcount
    if not (runs or projects or before is not None):
        return gone
    chosen = [
        *([Run.key.in_(runs)] if runs else []),
        *([Run.project.in_(projects)] if projects else []),
        *([Run.finished < before] if before is not None else []),
    ]
    numbers = select(Run.id).where(*chosen)
    gone["executions"] = connection.execute(
        select(func.count()).select_from(Execution).where(Execution.run_id.in_(numbers))
    ).scalar_one()
    connection.execute(delete(Execution).where(Execution.run_id.in_(numbers)))
    connection.execute(delete(Fact).where(Fact.run_id.in_(numbers)))
    gone["runs"] = connection.execute(delete(Run).where(*chosen)).rowcount
    if not runs:
        old = [
            *([Change.project.in_(projects)] if projects else []),
            *([Change.at < before] if before is not None else []),
        ]
        past = [
            *([Result.project.in_(projects)] if projects else []),
            *([Result.at < before] if before is not None else []),
        ]
        connection.execute(delete(ResultValue).where(ResultValue.result_id.in_(select(Result.id).where(*past))))
        gone["results"] = connection.execute(delete(Result).where(*past)).rowcount
        gone["changes"] = connection.execute(delete(Change).where(*old)).rowcount
        seen = [
            *([ObservedChange.project.in_(projects)] if projects else []),
            *([ObservedChange.at < before] if before is not None else []),
        ]
        gone["observed changes"] = connection.execute(delete(ObservedChange).where(*seen)).rowcount
        shared = select(ObservedChange.suite).where(ObservedChange.suite == Suite.digest).exists()
        connection.execute(delete(Suite).where(~shared))
    # A name that nothing refers to any more is forgotten too.
    used = select(Execution.test_id).where(Execution.test_id == Test.id).exists()
    gone["tests"] = connection.execute(delete(Test).where(~used)).rowcount
    return gone
