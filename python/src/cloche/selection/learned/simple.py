"""Simple ways to select, to be compared with a model: what each of them says of a change."""

from collections.abc import Sequence

import numpy as np

from cloche.selection.learned.columns import Vector, failures
from cloche.selection.learned.history import HALF_LIFE
from cloche.selection.learned.measuring import Judged
from cloche.selection.learned.observation import UNREACHED
from cloche.selection.learned.rows import Row

SEED = 20_240_607


def baselines(rows: Sequence[Row], share: float) -> dict[str, list[Judged]]:
    """Return for each simple way to select what it says of each change; `share` is the share of time that chance gets."""
    generator = np.random.default_rng(SEED)
    last: dict[str, set[str]] = {}
    decayed: dict[str, dict[str, float]] = {}
    found: dict[str, list[Judged]] = {}
    for row in rows:
        seen = row.observation
        size = len(seen.tests)
        files = {file: index for index, file in enumerate(seen.test_files)}
        own = [files[test.partition("::")[0]] for test in seen.tests]
        rates = decayed.setdefault(row.project, {})
        like = np.array(seen.by_file["path_similarity"])[own]
        distance = np.array(seen.by_file["import_distance"])[own]
        scores = {
            "all": np.ones(size),
            "random": generator.random(size),
            "last failed": np.array([float(test in last.get(row.project, set())) for test in seen.tests]),
            "decayed failure rate": np.array([rates.get(test, 0.0) for test in seen.tests]),
            "same path": np.where((like > 0) & (like == like.max(initial=0)), like, 0.0),
            "covered line": _sparse(seen.pairs["covered_statements"], size),
            "covered function": _sparse(seen.pairs["covered_functions"], size),
            "import graph": np.where(distance < UNREACHED, 1 / (1 + distance), 0.0),
            "impact layer": _chosen(seen.candidates, size),
        }
        for name, score in scores.items():
            runs = score > (1 - share if name == "random" else 0)
            says = runs
            if name in {"covered line", "covered function"} and seen.everything is not None:
                runs = np.ones(size, dtype=bool)
            found.setdefault(name, []).append(
                Judged(
                    f"{row.project} {seen.group}",
                    failures(row) > 0,
                    score,
                    runs,
                    says,
                    np.array(seen.seconds),
                    seen.everything is not None,
                    row.weight,
                )
            )
        last[row.project] = set(row.failed_names())
        for test in {*rates, *row.failed_names()}:
            rates[test] = rates.get(test, 0.0) * 0.5 ** (1 / HALF_LIFE) + (test in row.failed_names())
    return found


def _sparse(column: dict[int, float], size: int) -> Vector:
    found = np.zeros(size)
    found[list(column)] = list(column.values())
    return found


def _chosen(numbers: Sequence[int], size: int) -> Vector:
    found = np.zeros(size)
    found[list(numbers)] = 1.0
    return found
