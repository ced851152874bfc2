"""The learned layer on the kill matrices: models of one part of the functions, or of other projects, judged on what they have not seen."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cloche.selection.impact.folders import files_of
from cloche.selection.learned.from_mutants import rows_of
from cloche.selection.learned.measuring import Judged, Measured, measure
from cloche.selection.learned.rows import Row, read, write
from cloche.selection.learned.simple import baselines
from cloche.selection.learned.training import RECALLS, Sample, Validated, fold_of, merit, usable, validate
from cloche.selection.mutants.matrix import Matrix
from cloche.selection.mutants.replay import Selected, figures, replay
from cloche.selection.mutants.sites import Mutant
from selection import campaign
from selection.learned_report import SIMPLE, line_of
from selection.projects import PROJECTS, unpacked

# The kind of estimator is chosen as training does it, by the parts that are not judged.
CHOSEN = "chosen"


def rows(name: str, options: argparse.Namespace) -> list[Row]:
    """Return the faults of a kill matrix as rows, with the map that --work has; made anew unless --no-record."""
    target = options.work / "rows" / f"{name}.jsonl"
    if options.record or not target.exists():
        target.parent.mkdir(exist_ok=True)
        files = files_of(unpacked(name, options.work, "record"))
        found = rows_of(
            campaign.stored(name, options.work),
            name,
            files,
            options.work / "maps" / f"{name}.json",
            lambda said: print(said, file=sys.stderr),
        )
        target.write_bytes(write(found))
    # As the matrix has them.
    return sorted(read(target), key=lambda row: row.at)


def chosen(judged: dict[str, list[Judged]], precision: dict[int, str], folds: Sequence[int]) -> list[Judged]:
    """Return for each fault what the kind of estimator says that was chosen without its part."""
    return [judged[precision[fold]][index] for index, fold in enumerate(folds)]


def kinds_of(samples: Sequence[Sample], found: Sequence[Validated], folds: Sequence[int]) -> dict[int, str]:
    """Return part -> kind of estimator: the one that does best on the other parts."""
    known = {}
    for part in sorted(set(folds)):
        others = [index for index, fold in enumerate(folds) if fold != part]
        merits = {
            each.kind: merit(measure(usable([samples[i] for i in others], [each.judged[0.95][i] for i in others])))
            for each in found
        }
        known[part] = max(merits, key=lambda kind: (merits[kind], kind))
    return known


def caught(matrix: Matrix, judged: Sequence[Judged], samples: Sequence[Sample]) -> dict[str, Any]:
    """Return what a way to select catches and takes, in the terms of the impact layer's figures; selecting itself is not in it."""
    runs = {
        each.mutant.id + each.mutant.new: frozenset(
            test for test, run in zip(sample.row.observation.tests, said.runs, strict=True) if run
        )
        for each, said, sample in zip(matrix.judged, judged, samples, strict=True)
    }

    def select(mutant: Mutant) -> Selected:
        return Selected(runs[mutant.id + mutant.new])

    told = asdict(figures(matrix, replay(matrix, select)))
    return {
        name: told[name]
        for name in (
            "faults",
            "killed",
            "missed",
            "functions",
            "detected",
            "detected_few",
            "few",
            "test_seconds",
            "time",
            "tests",
            "everything",
        )
    }


def ranked(found: Measured) -> dict[str, Any]:
    """Return F1 and average precision over all pairs of a fault that leaves the suite able to run and a test."""
    told = found.data()
    return {name: told[name] for name in ("changes", "changes_with_failures", "places", "f1", "average_precision")}


def judged_by(
    name: str, samples: Sequence[Sample], found: Sequence[Validated], folds: Sequence[int], options: argparse.Namespace
) -> dict[str, Any]:
    """Return the figures of the estimators, of the chosen one and of simple ways, for the faults of a project."""
    matrix = campaign.stored(name, options.work)
    here = [index for index, each in enumerate(samples) if each.row.project == name]
    part = [samples[index] for index in here]
    kinds = kinds_of(samples, found, folds)
    told: dict[str, Any] = {"kinds": [kinds[fold] for fold in sorted({folds[index] for index in here})], "ways": {}}
    for kind in (CHOSEN, *(each.kind for each in found)):
        entry: dict[str, Any] = {}
        for recall in RECALLS:
            every = {each.kind: each.judged[recall] for each in found}
            judged = chosen(every, kinds, folds) if kind == CHOSEN else every[kind]
            own = [judged[index] for index in here]
            entry[f"{recall:g}"] = caught(matrix, own, part)
            entry["ranker"] = ranked(measure(usable(part, own)))
        told["ways"][kind] = entry
    for way, judged in baselines([each.row for each in part], 0.0).items():
        if way in SIMPLE:
            told["ways"][way] = {"": caught(matrix, judged, part), "ranker": ranked(measure(usable(part, judged)))}
    return told


def report(options: argparse.Namespace) -> dict[str, Any]:
    """Fit and judge models with functions left out, and with projects left out; return the figures."""
    names = options.projects or list(PROJECTS)
    known = {name: rows(name, options) for name in names}
    told: dict[str, Any] = {"functions left out": {}, "projects left out": {}}
    for name in names:
        folds = fold_of(known[name])
        samples, found = validate(known[name], folds)
        told["functions left out"][name] = judged_by(name, samples, found, folds, options)
        print(
            "\n".join(
                line_of(f"{name}, functions left out", way, each)
                for way, each in told["functions left out"][name]["ways"].items()
            ),
            flush=True,
        )
    if set(names) == set(PROJECTS):
        every = [row for each in known.values() for row in each]
        folds = [names.index(row.project) for row in every]
        samples, found = validate(every, folds, remember=False)
        for name in names:
            told["projects left out"][name] = judged_by(name, samples, found, folds, options)
            print(
                "\n".join(
                    line_of(f"{name}, fitted on the others", way, each)
                    for way, each in told["projects left out"][name]["ways"].items()
                ),
                flush=True,
            )
    for split, projects in told.items():
        for recall in RECALLS:
            parts = [each["ways"][CHOSEN][f"{recall:g}"] for each in projects.values()]
            if parts:
                detected, time = (
                    statistics.median(each[key]["value"] for each in parts) for key in ("detected", "test_seconds")
                )
                print(
                    f"median project, {split}, {recall:.0%}: {detected:.3f} caught in {time:.3f} of the tests' seconds",
                    flush=True,
                )
    return told
