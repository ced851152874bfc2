"""Store what experiments computed, revision by revision, and read the history of their numbers."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from cloche import limits, strict_json
from cloche.telemetry.errors import BadSourceError
from cloche.telemetry.importing import Reduction, hidden, insert_new, salt_of
from cloche.telemetry.models import Result, ResultValue
from cloche.telemetry.sources import About

# More numbers than this per revision are data, and no history that somebody follows.
MOST = 10_000


@dataclass(frozen=True)
class Point:
    """One value of a history: of which commit, when (microseconds since 1970), and the number."""

    commit: str | None
    at: int
    value: float


def folders(source: Path) -> list[Path]:
    """Return the folders of experiments in an output of `packages.regression`: itself, or those in it."""
    if (source / "comparison.json").exists():
        return [source]
    return sorted(path.parent for path in source.glob("*/comparison.json"))


def store_result(
    engine: Engine, folder: Path, about: About, values: list[str], reduction: Reduction
) -> tuple[bool, int]:
    """Store the result in a folder; return whether it is new, and how many numbers it has.

    Raises BadSourceError for what is no comparison of an experiment, and for more than MOST numbers.
    """
    from cloche.regression import leaves, readers  # noqa: PLC0415 - tests alone don't need its libraries

    place = folder / "comparison.json"
    data: Any = strict_json.loads(place.read_bytes(), what=str(place), limit=limits.TELEMETRY)
    match data:
        case {"version": 1, "experiment": str(experiment), "class": str(platform), "verdict": str(verdict)}:
            pass
        case _:
            raise BadSourceError(place, "it is no comparison of an experiment that this Cloche reads (version 1)")
    files = [folder / f"result.{form}" for form in readers.FORMATS if (folder / f"result.{form}").exists()]
    if len(files) != 1:
        raise BadSourceError(folder, f"it has {len(files)} files called result.FORMAT, and must have one")
    found = list(islice(leaves.numbers(readers.read(files[0]), values), MOST + 1))
    if not found:
        raise BadSourceError(files[0], "it has no number to follow" + (" at these paths (--values)" if values else ""))
    if len(found) > MOST:
        raise BadSourceError(files[0], f"it has more than {MOST} numbers; say which to follow: --values PATH")
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()
    key = f"{about.project}:{experiment}:{platform}:{about.commit or ''}:{digest}"
    salt = salt_of(engine) if reduction.paths else None
    with engine.begin() as connection:
        known = select(Result.id).where(Result.key == hashlib.sha256(key.encode()).hexdigest())
        if connection.execute(known).one_or_none() is not None:
            return False, len(found)
        row: dict[str, object] = {
            "key": hashlib.sha256(key.encode()).hexdigest(),
            "origin": about.origin or "real",
            "project": about.project,
            "experiment": experiment,
            "platform": platform,
            "commit": about.commit,
            "branch": about.branch,
            "at": about.at,
            "verdict": verdict,
        }
        insert_new(connection, Result, [row])
        number = int(connection.execute(known).scalar_one())
        rows: list[dict[str, object]] = [
            {
                "result_id": number,
                "path": hidden(path, salt) if salt else path,
                "value": None if math.isnan(value) else value,
            }
            for path, value in found
        ]
        insert_new(connection, ResultValue, rows)
    return True, len(found)


def histories(
    connection: Connection, *, project: str, experiment: str | None = None, platform: str | None = None
) -> Iterator[tuple[str, str, str, list[Point]]]:
    """Yield (experiment, platform class, path, points) for each number of each experiment, the oldest point first."""
    chosen = [
        Result.project == project,
        Result.origin == "real",
        *([Result.experiment == experiment] if experiment else []),
        *([Result.platform == platform] if platform else []),
    ]
    wanted = (
        select(Result.experiment, Result.platform, ResultValue.path, Result.commit, Result.at, ResultValue.value)
        .join(ResultValue, ResultValue.result_id == Result.id)
        .where(*chosen)
        .order_by(Result.experiment, Result.platform, ResultValue.path, Result.at, Result.id)
    )
    key: tuple[str, str, str] | None = None
    points: list[Point] = []
    for row in connection.execute(wanted):
        if key is not None and key != (row[0], row[1], row[2]):
            yield *key, points
            points = []
        key = (row[0], row[1], row[2])
        points.append(Point(row[3], row[4], math.nan if row[5] is None else row[5]))
    if key is not None:
        yield *key, points
