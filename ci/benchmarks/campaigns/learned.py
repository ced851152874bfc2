#!/usr/bin/env python3
"""Measure the learned layer: on kill matrices by leaving out functions and whole projects, and on CI histories.

  ci/benchmarks/campaigns/learned.py rows NAME MATRIX TREE MAP OUTPUT   a matrix as rows; TREE is the project without a fault, MAP is of it
  ci/benchmarks/campaigns/learned.py matrices ROWS...                   on functions, and on projects, that the model was not fitted on
  ci/benchmarks/campaigns/learned.py histories FOLDER                   histories without changes: average precision beside simple ways to rank

docs/train.md says what came out. It runs in the environment that `cloche train` runs in, with Cloche's checkout on PYTHONPATH.
"""

import os
import sys
from pathlib import Path

from cloche.learn.build import PINNED

if any(os.environ.get(name) != value for name, value in PINNED.items()):
    # Before NumPy is loaded.
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **PINNED})

import numpy as np

from cloche.impact.folders import files_of
from cloche.learn.card import baselines
from cloche.learn.fitting import KINDS, fit
from cloche.learn.from_mutants import rows_of
from cloche.learn.history import HALF_LIFE
from cloche.learn.measuring import DRAWS, SEED, average_precision, measure
from cloche.learn.rows import read, write
from cloche.learn.training import fold_of, usable, validate
from cloche.mutants.matrix import load
from cloche.telemetry.histories import read_history
from cloche.telemetry.reports import PASSED
from cloche.telemetry.sources import About

HALF_LIVES = (0.5, 1, 2, 3, 5, 8, 13, 20, 40, 100)
# Columns of a history that rank by themselves; the decayed failure rate with a half-life that has to be chosen is the smallest model.
SIMPLE = ("last failed", f"decayed failure rate, half-life {HALF_LIFE}", "recent failure rate", "failure rate")
WAYS = {name: column for column, name in enumerate(SIMPLE)} | {f"decayed failure rate, half-life {each}": 8 + i for i, each in enumerate(HALF_LIVES)}

HEAD = "| way to select | recall | changes | caught | failures run | time of tests | F1 | average precision |\n|---|---|---|---|---|---|---|---|"


def line(name, recall, found):
    """Return a line of a table."""
    cells = [found.detected, found.pairs_caught, found.time, found.f1, found.average_precision]
    texts = [f"{each.value:.3f} ({each.low:.3f} to {each.high:.3f})" for each in cells]
    return f"| {name} | {recall} | {found.changes}, {found.failing} failing | {' | '.join(texts)} |"


def matrices(files):
    """Print what is caught when functions are left out, and when whole projects are."""
    projects = {}
    for file in files:
        for row in read(Path(file)):
            projects.setdefault(row.project, []).append(row)
    for name, rows in projects.items():
        print(f"\n## {name}: functions left out\n\n{HEAD}")
        samples, found = validate(rows, fold_of(rows))
        report(samples, found)
    if len(projects) > 1:
        rows = [row for each in projects.values() for row in each]
        names = sorted(projects)
        samples, found = validate(rows, [names.index(row.project) for row in rows], remember=False)
        for name in names:
            print(f"\n## {name}: fitted on the other projects\n\n{HEAD}")
            report(samples, found, name)


def report(samples, found, name=None):
    """Print the tables of one way to leave out."""
    chosen = [i for i, each in enumerate(samples) if name in {None, each.row.project}]
    part = [samples[i] for i in chosen]
    for each in found:
        for recall, judged in each.judged.items():
            print(line(each.kind, f"{recall:.0%}", measure(usable(part, [judged[i] for i in chosen]))))
    for way, judged in baselines([each.row for each in part], found[0].measured[0.95].time.value).items():
        print(line(way, "", measure(usable(part, judged))))


def history_table(path):
    """Return for each build of a history its tests' columns and failures, all columns known before the build."""
    halving = 0.5 ** (1 / np.array(HALF_LIVES))
    state, builds = {}, []
    for run in read_history(path, About(path.stem, 0, None, None, None)):
        found = {}
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
                rates = [s["last"], decayed[HALF_LIVES.index(HALF_LIFE)], recent, s["failures"] / s["runs"], min(s["runs"], 200)]
                values.append([*rates, min(s["since"], 99), s["flips"], s["seconds"] / s["runs"], *decayed])
            failed.append(float(fails))
        builds.append((np.array(values, dtype=float), np.array(failed)))
        for test, (fails, seconds) in found.items():
            start = {"last": 0, "decayed": 0.0, "weight": 0.0, "recent": [], "failures": 0, "runs": 0, "since": 99, "flips": 0, "seconds": 0.0}
            s = state.setdefault(test, start)
            s["flips"] += s["runs"] > 0 and s["last"] != fails
            s["last"], s["failures"], s["runs"] = float(fails), s["failures"] + fails, s["runs"] + 1
            s["decayed"], s["weight"] = s["decayed"] * halving + fails, s["weight"] * halving + 1
            s["recent"] = [*s["recent"][-19:], float(fails)]
            s["since"], s["seconds"] = 0 if fails else s["since"] + 1, s["seconds"] + seconds
    return builds


def joined(builds):
    """Return the columns and failures of several builds as one."""
    return [np.concatenate([each[i] for each in builds]) for i in (0, 1)]


def scores(way, before, values):
    """Return what a way to rank makes of pairs: an estimator that is fitted on what was before, or a column."""
    return fit(way, *before).probability(values) if way in KINDS else values[:, WAYS[way]]


def chosen_way(builds):
    """Return the way whose worse one of two stretches of time is the best, as a share of the best simple way's average precision.

    The stretches are the third and the fourth, and the fifth and the sixth tenth of all builds; fitted is on what was before.
    """
    merits = {way: [] for way in (*KINDS, *WAYS)}
    for begin, end in ((1, 2), (2, 3)):
        before, stretch = joined(builds[: len(builds) * begin // 3]), joined(builds[len(builds) * begin // 3 : len(builds) * end // 3])
        found = {way: precision(scores(way, before, stretch[0]), stretch[1]) for way in merits}
        best = max(found[way] for way in SIMPLE)
        for way, value in found.items():
            merits[way].append(value / best)
    return max(merits, key=lambda way: min(merits[way]))


def histories(folder):
    """Print average precision over the last four tenths of each history's builds; way and model come from those before."""
    print("| history | builds, tests x builds, failing | way to rank | average precision |\n|---|---|---|---|", flush=True)
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")]):
        builds = history_table(path)
        cut = len(builds) * 6 // 10
        way = chosen_way(builds[:cut])
        before, test = joined(builds[:cut]), joined(builds[cut:])
        owner = np.concatenate([np.full(len(each[1]), i) for i, each in enumerate(builds[cut:])])
        generator = np.random.default_rng(SEED)
        weights = [np.bincount(generator.integers(0, owner[-1] + 1, owner[-1] + 1), minlength=owner[-1] + 1)[owner] for _ in range(DRAWS // 4)]
        for name in dict.fromkeys((way, *KINDS, *SIMPLE)):
            score = scores(name, before, test[0])
            low, high = np.percentile([average_precision(score, test[1], w.astype(float)) for w in weights], [2.5, 97.5])
            told = f"chosen: {name}" if name == way else name
            print(f"| {path.stem} | {len(builds) - cut}, {len(owner)}, {int(test[1].sum())} | {told} | {precision(score, test[1]):.3f} ({low:.3f} to {high:.3f}) |", flush=True)


def precision(scores, failed):
    """Return the average precision of scores."""
    return average_precision(scores, failed, np.ones(len(failed)))


def main(words):
    """Do what the words say."""
    match words:
        case ["rows", name, matrix, tree, map_file, output]:
            found = rows_of(load(Path(matrix)), name, files_of(Path(tree)), Path(map_file), lambda said: print(said, file=sys.stderr))
            Path(output).write_bytes(write(found))
        case ["matrices", *files] if files:
            matrices(files)
        case ["histories", folder]:
            histories(Path(folder))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
