"""Runs and comparisons, and the JSON documents that hold them.

Version 1 of both documents is described in README.md. They are functions of the request alone:
no date, no host, no versions of libraries (those are the business of the lock file).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from math import isfinite
from pathlib import Path
from statistics import median
from typing import NoReturn, TypeAlias

from branin.errors import InvalidResultsError, UnreadableError
from branin.files import read
from branin.functions import MINIMUM
from branin.request import METHODS

SCHEMA = 1

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A point of the function's box and the function's value there."""

    point: tuple[float, float]
    value: float


@dataclass(frozen=True, slots=True)
class Run:
    """One search: its evaluations are in the order in which they were made; there is one."""

    method: str
    seed: int
    evaluations: tuple[Evaluation, ...]


def regrets(run: Run) -> list[float]:
    """Return, after each evaluation, how far the best value so far is above the minimum.

    It is never negative: a value one rounding below the minimum counts as the minimum.
    """
    best = accumulate((evaluation.value for evaluation in run.evaluations), min)
    return [max(value - MINIMUM, 0.0) for value in best]


def best_evaluation(run: Run) -> int:
    """Return the index of the evaluation with the least value; of equals, the first."""
    values = [evaluation.value for evaluation in run.evaluations]
    return values.index(min(values))


def _run_body(run: Run) -> dict[str, Json]:
    best = best_evaluation(run)
    return {
        "best": {
            "evaluation": best,
            "point": list(run.evaluations[best].point),
            "regret": regrets(run)[-1],
            "value": run.evaluations[best].value,
        },
        "evaluations": [
            {"point": list(evaluation.point), "value": evaluation.value}
            for evaluation in run.evaluations
        ],
        "method": run.method,
        "seed": run.seed,
    }


def run_document(run: Run) -> dict[str, Json]:
    """Return the document of one run."""
    return {"function": "branin", "kind": "run", "schema": SCHEMA, **_run_body(run)}


def summary(runs: Iterable[Run]) -> dict[str, dict[str, float]]:
    """Return, for each method, its best, median and worst regret at the end of its runs."""
    final: dict[str, list[float]] = {}
    for run in runs:
        final.setdefault(run.method, []).append(regrets(run)[-1])
    return {
        method: {"best": min(ends), "median": median(ends), "worst": max(ends)}
        for method, ends in sorted(final.items())
    }


def comparison_document(runs: Iterable[Run]) -> dict[str, Json]:
    """Return the document of several runs, which are sorted by method and seed."""
    ordered = sorted(runs, key=lambda run: (run.method, run.seed))
    return {
        "function": "branin",
        "kind": "comparison",
        "regret": {method: dict(ends) for method, ends in summary(ordered).items()},
        "runs": [_run_body(run) for run in ordered],
        "schema": SCHEMA,
    }


def render(document: dict[str, Json]) -> bytes:
    """Return the document as UTF-8: sorted keys, one item a line, numbers that read back equal."""
    text = json.dumps(document, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False)
    return f"{text}\n".encode()


def read_comparison(path: Path) -> tuple[Run, ...]:
    """Return the runs of the comparison in this file, sorted by method and seed.

    Raises UnreadableError or InvalidResultsError. What follows from the runs (the regrets, the
    best points, the order) must be in the file as it would be written.
    """
    try:
        content = read(path)
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error)) from error
    return parse_comparison(content, path)


def parse_comparison(content: bytes, path: Path) -> tuple[Run, ...]:
    """Return the runs of a comparison as read_comparison does; `path` is where it came from."""
    try:
        document: Json = json.loads(content.decode(), parse_constant=_refuse_constant)
        runs = _parse_comparison(document)
    except UnicodeDecodeError as error:
        raise InvalidResultsError(path, "it is not UTF-8") from error
    except json.JSONDecodeError as error:
        problem = f"it is not JSON ({error.msg}, line {error.lineno}, column {error.colno})"
        raise InvalidResultsError(path, problem) from error
    except RecursionError as error:
        raise InvalidResultsError(path, "it is nested too deeply") from error
    except ValueError as error:
        raise InvalidResultsError(path, str(error)) from error
    if comparison_document(runs) != document:
        problem = "its best points, regrets or order do not follow from its evaluations"
        raise InvalidResultsError(path, problem)
    return runs


def _refuse_constant(name: str) -> NoReturn:
    message = f"it holds {name}, which is not a number"
    raise ValueError(message)


def _expect(condition: object, problem: str) -> None:
    if not condition:
        raise ValueError(problem)


def _member(container: Json, key: str, where: str) -> Json:
    if not isinstance(container, dict):
        message = f"{where} is not an object"
        raise ValueError(message)  # noqa: TRY004 - it is the file that is wrong, not a caller
    _expect(key in container, f"{where} lacks {key!r}")
    return container[key]


def _items(container: Json, where: str) -> list[Json]:
    if not isinstance(container, list) or not container:
        message = f"{where} is not a list with at least one item"
        raise ValueError(message)
    return container


def _number(value: Json, where: str) -> float:
    if not isinstance(value, float) or not isfinite(value):
        message = f"{where} is {value!r}, not a finite number with a decimal point"
        raise ValueError(message)
    return value


def _parse_comparison(document: Json) -> tuple[Run, ...]:
    schema = _member(document, "schema", "the document")
    _expect(schema == SCHEMA, f"it has schema {schema!r}, this program reads schema {SCHEMA}")
    kind = _member(document, "kind", "the document")
    _expect(kind == "comparison", f"it is of the kind {kind!r}, not 'comparison'")
    items = _items(_member(document, "runs", "the document"), "'runs'")
    runs = tuple(_parse_run(item, f"run {index}") for index, item in enumerate(items))
    _expect(len({len(run.evaluations) for run in runs}) == 1, "its runs differ in length")
    return runs


def _parse_run(item: Json, where: str) -> Run:
    method, seed = _member(item, "method", where), _member(item, "seed", where)
    if not isinstance(method, str) or method not in METHODS:
        message = f"{where} has the method {method!r}, not one of {', '.join(METHODS)}"
        raise ValueError(message)
    if type(seed) is not int or seed < 0:
        message = f"{where} has the seed {seed!r}, which is not a whole number from 0"
        raise ValueError(message)
    evaluations = _items(_member(item, "evaluations", where), f"{where}: 'evaluations'")
    return Run(
        method,
        seed,
        tuple(
            _parse_evaluation(evaluation, f"{where}, evaluation {index}")
            for index, evaluation in enumerate(evaluations)
        ),
    )


def _parse_evaluation(item: Json, where: str) -> Evaluation:
    point = _items(_member(item, "point", where), f"{where}: 'point'")
    _expect(len(point) == len(("x1", "x2")), f"{where}: 'point' has {len(point)} coordinates")
    x1, x2 = (_number(coordinate, f"{where}: a coordinate") for coordinate in point)
    return Evaluation((x1, x2), _number(_member(item, "value", where), f"{where}: 'value'"))
