"""Store what experiments computed and what benchmarks cost, revision by revision, and read the history of the numbers."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from cloche.errors import ClocheError
from cloche.telemetry.importing import Reduction, hidden, insert_new, salt_of
from cloche.telemetry.models import Result, ResultValue
from cloche.telemetry.sources import About
from cloche.untrusted import limits, strict_json

# More numbers than this per revision are data, and no history that somebody follows.
MOST = 10_000


# A benchmark is stored as an experiment of this name, which no experiment has since it is a part of a path; in place of a
# platform class stands the instrument.
BENCHMARK = "performance/"
INSTRUMENTS = {"instructions": "instructions", "time": "seconds"}


@dataclass(frozen=True)
class _Found:
    """The numbers of one result, by their paths."""

    experiment: str
    platform: str
    verdict: str
    numbers: list[tuple[str, float]]


@dataclass(frozen=True)
class Point:
    """One value of a history: of which commit, when (microseconds since 1970), and the number."""

    commit: str | None
    at: int
    value: float


def folders(source: Path) -> list[Path]:
    """Return the folders of results in an output of `packages.regression` or `packages.performance`: itself, or those in it."""
    files = ("comparison.json", "performance.json")
    if any((source / file).exists() for file in files):
        return [source]
    inside = source.iterdir() if source.is_dir() else ()
    return sorted(path for path in inside for file in files if (path / file).exists())


def store_result(
    engine: Engine, folder: Path, about: About, values: list[str], reduction: Reduction
) -> tuple[bool, int]:
    """Store the result in a folder; return whether it is new, and how many numbers it has.

    Raises ClocheError for what is no comparison of an experiment or of a benchmark, and for more than MOST numbers.
    """
    measured = (folder / "performance.json").exists()
    found = _benchmark(folder / "performance.json") if measured else [_experiment(folder, values)]
    salt = salt_of(engine) if reduction.paths else None
    # Each instrument's are known or new by themselves.
    new = [_store(engine, each, about, salt) for each in found]
    return any(new), sum(len(each.numbers) for each in found)


def _read(place: Path) -> Any:  # noqa: ANN401 - JSON is of any shape
    try:
        return strict_json.load(place, limit=limits.TELEMETRY)
    except OSError as error:
        raise ClocheError(f"{place}: {error.strerror}") from error


def _benchmark(place: Path) -> list[_Found]:
    """Return what the present revision's side of each case cost, by instrument."""
    data: Any = _read(place)
    wrong = ClocheError(f"{place}: it is no comparison of a benchmark that this Cloche reads (version 1)")
    match data:
        case {"version": 1, "benchmark": str(benchmark), "verdict": str(verdict), "cases": list(cases)}:
            pass
        case _:
            raise wrong
    found = []
    for instrument, unit in INSTRUMENTS.items():
        numbers: list[tuple[str, float]] = []
        for case in cases:
            match case:
                case {"name": str(name), "instructions": _, "time": _}:
                    pass
                case _:
                    raise wrong
            match case[instrument]:
                case None:
                    continue
                case {"head": int() | float() as head}:
                    numbers.append((name, float(head)))
                case _:
                    raise wrong
        if numbers:
            found.append(_Found(f"{BENCHMARK}{benchmark}", unit, verdict, numbers))
    if not found:
        raise ClocheError(f"{place}: it has no figure of this revision to follow")
    return found


def _experiment(folder: Path, values: list[str]) -> _Found:
    """Return the numbers of an experiment's result."""
    from cloche.results import leaves, readers  # noqa: PLC0415 - tests alone don't need its libraries

    place = folder / "comparison.json"
    data: Any = _read(place)
    match data:
        case {"version": 1, "experiment": str(experiment), "class": str(platform), "verdict": str(verdict)}:
            pass
        case _:
            raise ClocheError(f"{place}: it is no comparison of an experiment that this Cloche reads (version 1)")
    files = [folder / f"result.{form}" for form in readers.FORMATS if (folder / f"result.{form}").exists()]
    if len(files) != 1:
        raise ClocheError(f"{folder}: it has {len(files)} files called result.FORMAT, and must have one")
    found = list(islice(leaves.numbers(readers.read(files[0]), values), MOST + 1))
    if not found:
        at = " at these paths (--values)" if values else ""
        raise ClocheError(f"{files[0]}: it has no number to follow{at}")
    if len(found) > MOST:
        raise ClocheError(f"{files[0]}: it has more than {MOST} numbers; say which to follow: --values PATH")
    return _Found(experiment, platform, verdict, found)


def _store(engine: Engine, found: _Found, about: About, salt: str | None) -> bool:
    """Store a result, and return whether it is new."""
    digest = hashlib.sha256(json.dumps(found.numbers).encode()).hexdigest()
    key = f"{about.project}:{found.experiment}:{found.platform}:{about.commit or ''}:{digest}"
    with engine.begin() as connection:
        known = select(Result.id).where(Result.key == hashlib.sha256(key.encode()).hexdigest())
        if connection.execute(known).one_or_none() is not None:
            return False
        row: dict[str, object] = {
            "key": hashlib.sha256(key.encode()).hexdigest(),
            "origin": about.origin or "real",
            "project": about.project,
            "experiment": found.experiment,
            "platform": found.platform,
            "commit": about.commit,
            "branch": about.branch,
            "at": about.at,
            "verdict": found.verdict,
        }
        insert_new(connection, Result, [row])
        number = int(connection.execute(known).scalar_one())
        rows: list[dict[str, object]] = [
            {
                "result_id": number,
                "path": hidden(path, salt) if salt else path,
                "value": None if math.isnan(value) else value,
            }
            for path, value in found.numbers
        ]
        insert_new(connection, ResultValue, rows)
    return True


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
