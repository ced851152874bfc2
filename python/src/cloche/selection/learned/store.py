"""Keep rows in the telemetry, and count what selections would have missed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from cloche.errors import MISSHAPEN, ClocheError
from cloche.selection.learned.rows import Row, bad_rows, digest_of, from_data
from cloche.telemetry.address import Address
from cloche.telemetry.importing import insert_new
from cloche.telemetry.models import ObservedChange, Setting, Suite


@dataclass(frozen=True)
class Seen:
    """What shadow mode has seen of a project: real changes, those with failures, those whose failures were let go."""

    runs: int
    failing: int
    missed_some: int
    missed: int

    def sentence(self) -> str:
        """Say it to a person."""
        return (
            f"shadow: {self.runs} runs so far, {self.failing} with failures, in {self.missed_some} of them the selection would "
            f"have missed some, in {self.missed} all"
        )


def store_rows(engine: Engine, rows: Sequence[Row], where: Address) -> int:
    """Store rows, each once; return how many are new. Raises ClocheError for a store that keeps no names."""
    with engine.begin() as connection:
        if connection.execute(select(Setting.value).where(Setting.name == "salt")).scalar_one_or_none() is not None:
            raise ClocheError(
                f"{where} keeps no names of files and tests (--reduce paths), and changes cannot be kept without "
                "them; name another\nstore with --store"
            )
        before = connection.execute(select(func.count()).select_from(ObservedChange)).scalar_one()
        suites = {digest_of(suite): suite for suite in (row.suite() for row in rows)}
        insert_new(connection, Suite, [{"digest": name, "body": json.dumps(suites[name])} for name in sorted(suites)])
        entries: list[dict[str, object]] = [
            {
                "key": row.key,
                "project": row.project,
                "origin": row.origin,
                "at": row.at,
                "suite": row.data()["suite"],
                "failing": bool(row.failed or (row.decision or {}).get("failed")),
                "missed_some": None if row.decision is None else bool(row.decision["missed_some"]),
                "missed": None if row.decision is None else bool(row.decision["missed"]),
                "body": json.dumps(row.data()),
            }
            for row in rows
        ]
        insert_new(connection, ObservedChange, sorted(entries, key=lambda entry: str(entry["key"])))
        after = connection.execute(select(func.count()).select_from(ObservedChange)).scalar_one()
    return int(after - before)


def rows_of(connection: Connection, project: str) -> list[Row]:
    """Return the rows of a project. Raises ClocheError for one that was changed in the store."""
    suites: dict[str, dict[str, object]] = {}
    found = []
    wanted = (
        select(ObservedChange.key, ObservedChange.suite, ObservedChange.body)
        .where(ObservedChange.project == project)
        .order_by(ObservedChange.at, ObservedChange.key)
    )
    for key, suite, body in connection.execute(wanted):
        if suite not in suites:
            text = connection.execute(select(Suite.body).where(Suite.digest == suite)).scalar_one()
            suites[suite] = json.loads(text)
        where = f"the row {key} of the store"
        try:
            row = from_data(json.loads(body), suites[suite])
        except MISSHAPEN as error:
            raise bad_rows(where, f"{type(error).__name__}: {error}") from error
        if row.key != key:
            raise bad_rows(where, "its content has another digest")
        found.append(row)
    return found


def seen_of(connection: Connection, project: str) -> Seen:
    """Return what shadow mode has seen of a project."""
    chosen = (ObservedChange.project == project, ObservedChange.missed.is_not(None))

    def count(*further: object) -> int:
        wanted = select(func.count()).select_from(ObservedChange).where(*chosen, *further)  # type: ignore[arg-type]
        return int(connection.execute(wanted).scalar_one())

    return Seen(
        count(),
        count(ObservedChange.failing),
        count(ObservedChange.missed_some),
        count(ObservedChange.missed),
    )
