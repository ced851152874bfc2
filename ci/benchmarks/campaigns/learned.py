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
from cloche.learn.measuring import DRAWS, SEED, average_precision, measure
from cloche.learn.rows import read, write
from cloche.learn.training import fold_of, usable, validate
from cloche.mutants.matrix import load
from cloche.telemetry.histories import read_history
from cloche.telemetry.reports import PASSED
from cloche.telemetry.sources import About

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
                values.append([0, 0, 0, 0, 0, 99, 0, 0])
            else:
                recent = s["recent"][-20:]
                values.append([s["last"], s["decayed"] / s["weight"], sum(recent) / len(recent), s["failures"] / s["runs"],
                               min(s["runs"], 200), min(s["since"], 99), s["flips"], s["seconds"] / s["runs"]])
            failed.append(float(fails))
        builds.append((np.array(values, dtype=float), np.array(failed)))
        for test, (fails, seconds) in found.items():
            s = state.setdefault(test, {"last": 0, "decayed": 0.0, "weight": 0.0, "recent": [], "failures": 0, "runs": 0, "since": 99, "flips": 0, "seconds": 0.0})
            s["flips"] += s["runs"] > 0 and s["last"] != fails
            s["last"], s["failures"], s["runs"] = float(fails), s["failures"] + fails, s["runs"] + 1
            s["decayed"], s["weight"] = s["decayed"] * 0.87 + fails, s["weight"] * 0.87 + 1
            s["recent"] = [*s["recent"][-19:], float(fails)]
            s["since"], s["seconds"] = 0 if fails else s["since"] + 1, s["seconds"] + seconds
    return builds


def histories(folder):
    """Print average precision over the last four tenths of each history's builds; the model is fitted on those before."""
    simple = {"last failed": 0, "decayed failure rate": 1, "recent failure rate": 2, "failure rate": 3}
    print("| history | builds, tests x builds, failing | way to rank | average precision |\n|---|---|---|---|")
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")]):
        builds = history_table(path)
        cut = len(builds) * 6 // 10
        middle = len(builds) * 4 // 10
        train = [np.concatenate([each[i] for each in builds[:cut]]) for i in (0, 1)]
        first = [np.concatenate([each[i] for each in builds[:middle]]) for i in (0, 1)]
        second = [np.concatenate([each[i] for each in builds[middle:cut]]) for i in (0, 1)]
        test = [np.concatenate([each[i] for each in builds[cut:]]) for i in (0, 1)]
        owner = np.concatenate([np.full(len(each[1]), i) for i, each in enumerate(builds[cut:])])
        # What is best on the two tenths before, fitted on those before them; a simple way where no model is better than it.
        tried = {kind: precision(fit(kind, *first).probability(second[0]), second[1]) for kind in KINDS}
        tried |= {name: precision(second[0][:, column], second[1]) for name, column in simple.items()}
        kind = max(tried, key=tried.__getitem__)
        scores = {f"chosen: {kind}": fit(kind, *train).probability(test[0]) if kind in KINDS else test[0][:, simple[kind]]}
        scores |= {each: fit(each, *train).probability(test[0]) for each in KINDS if each != kind}
        scores |= {name: test[0][:, column] for name, column in simple.items()}
        generator = np.random.default_rng(SEED)
        weights = [np.bincount(generator.integers(0, owner[-1] + 1, owner[-1] + 1), minlength=owner[-1] + 1)[owner] for _ in range(DRAWS // 4)]
        for name, score in scores.items():
            low, high = np.percentile([average_precision(score, test[1], w.astype(float)) for w in weights], [2.5, 97.5])
            print(f"| {path.stem} | {len(builds) - cut}, {len(owner)}, {int(test[1].sum())} | {name} | {precision(score, test[1]):.3f} ({low:.3f} to {high:.3f}) |")


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
