"""CI histories without changes: average precision of ways to rank tests by what they did before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloche.selection.learned.fitting import KINDS, fit
from cloche.selection.learned.history import HALF_LIFE
from cloche.selection.learned.measuring import DRAWS, SEED, average_precision
from cloche.telemetry.histories import read_history
from cloche.telemetry.reports import PASSED
from cloche.telemetry.sources import About

Numbers = NDArray[np.float64]

HALF_LIVES = (0.5, 1, 2, 3, 5, 8, 13, 20, 40, 100)
# Columns of a history that rank by themselves; the decayed failure rate with a half-life that has to be chosen is the smallest model.
SIMPLE = ("last failed", f"decayed failure rate, half-life {HALF_LIFE}", "recent failure rate", "failure rate")
WAYS = {name: column for column, name in enumerate(SIMPLE)} | {
    f"decayed failure rate, half-life {each}": 8 + i for i, each in enumerate(HALF_LIVES)
}


def history_table(path: Path) -> list[tuple[Numbers, Numbers]]:
    """Return for each build of a history its tests' columns and failures, all columns known before the build."""
    halving = 0.5 ** (1 / np.array(HALF_LIVES))
    state: dict[str, dict[str, Any]] = {}
    builds = []
    for run in read_history(path, About(path.stem, 0, None, None, None)):
        found: dict[str, tuple[bool, float]] = {}
        for one in run.executions:
            passed = PASSED[one.outcome]
            if passed is not None:
                found[one.test] = (found.get(one.test, (False,))[0] or not passed, one.duration or 0.0)
        values, failed = [], []
        for test, (fails, _) in found.items():
            s = state.get(test)
            if s is None:
                values.append([0.0] * 5 + [99, 0, 0] + [0.0] * len(HALF_LIVES))
            else:
                decayed = s["decayed"] / s["weight"]
                recent = sum(s["recent"]) / len(s["recent"])
                rates = [
                    s["last"],
                    decayed[HALF_LIVES.index(HALF_LIFE)],
                    recent,
                    s["failures"] / s["runs"],
                    min(s["runs"], 200),
                ]
                values.append([*rates, min(s["since"], 99), s["flips"], s["seconds"] / s["runs"], *decayed])
            failed.append(float(fails))
        builds.append((np.array(values, dtype=float), np.array(failed)))
        for test, (fails, seconds) in found.items():
            start = {
                "last": 0,
                "decayed": 0.0,
                "weight": 0.0,
                "recent": [],
                "failures": 0,
                "runs": 0,
                "since": 99,
                "flips": 0,
                "seconds": 0.0,
            }
            s = state.setdefault(test, start)
            s["flips"] += s["runs"] > 0 and s["last"] != fails
            s["last"], s["failures"], s["runs"] = float(fails), s["failures"] + fails, s["runs"] + 1
            s["decayed"], s["weight"] = s["decayed"] * halving + fails, s["weight"] * halving + 1
            s["recent"] = [*s["recent"][-19:], float(fails)]
            s["since"], s["seconds"] = 0 if fails else s["since"] + 1, s["seconds"] + seconds
    return builds


def joined(builds: list[tuple[Numbers, Numbers]]) -> list[Numbers]:
    """Return the columns and failures of several builds as one."""
    return [np.concatenate([each[i] for each in builds]) for i in (0, 1)]


def scores(way: str, before: list[Numbers], values: Numbers) -> Numbers:
    """Return what a way to rank makes of pairs: an estimator that is fitted on what was before, or a column."""
    return fit(way, *before).probability(values) if way in KINDS else values[:, WAYS[way]]


def chosen_way(builds: list[tuple[Numbers, Numbers]]) -> str:
    """Return the way whose worse one of two stretches of time is the best, as a share of the best simple way's average precision.

    The stretches are the third and the fourth, and the fifth and the sixth tenth of all builds; fitted is on what was before.
    """
    merits: dict[str, list[float]] = {way: [] for way in (*KINDS, *WAYS)}
    for begin, end in ((1, 2), (2, 3)):
        before, stretch = (
            joined(builds[: len(builds) * begin // 3]),
            joined(builds[len(builds) * begin // 3 : len(builds) * end // 3]),
        )
        found = {way: precision(scores(way, before, stretch[0]), stretch[1]) for way in merits}
        best = max(found[way] for way in SIMPLE)
        for way, value in found.items():
            merits[way].append(value / best)
    return max(merits, key=lambda way: min(merits[way]))


def precision(found: Numbers, failed: Numbers) -> float:
    """Return the average precision of scores."""
    return average_precision(found, failed, np.ones(len(failed)))


def history(path: Path) -> dict[str, Any]:
    """Return average precision over the last four tenths of a history's builds; way and model come from those before."""
    builds = history_table(path)
    cut = len(builds) * 6 // 10
    way = chosen_way(builds[:cut])
    before, test = joined(builds[:cut]), joined(builds[cut:])
    owner = np.concatenate([np.full(len(each[1]), i) for i, each in enumerate(builds[cut:])])
    generator = np.random.default_rng(SEED)
    weights = [
        np.bincount(generator.integers(0, owner[-1] + 1, owner[-1] + 1), minlength=owner[-1] + 1)[owner]
        for _ in range(DRAWS // 4)
    ]
    told: dict[str, Any] = {
        "builds": len(builds) - cut,
        "pairs": len(owner),
        "failing": int(test[1].sum()),
        "chosen": way,
        "ways": {},
    }
    for name in dict.fromkeys((way, *KINDS, *SIMPLE)):
        score = scores(name, before, test[0])
        low, high = np.percentile(
            [average_precision(score, test[1], each.astype(float)) for each in weights], [2.5, 97.5]
        )
        told["ways"][name] = {
            "value": round(precision(score, test[1]), 6),
            "low": round(float(low), 6),
            "high": round(float(high), 6),
        }
    # What the chosen way is compared with.
    told["simple"] = max(SIMPLE, key=lambda name: told["ways"][name]["value"])
    return told


def report(folder: Path) -> dict[str, Any]:
    """Return the figures of each history of a folder."""
    told = {}
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")]):
        told[path.stem] = history(path)
        for name, each in told[path.stem]["ways"].items():
            print(
                f"{path.stem}: {name} {each['value']:.3f} [{each['low']:.3f}, {each['high']:.3f}]{', chosen' if name == told[path.stem]['chosen'] else ''}",
                flush=True,
            )
    return told
