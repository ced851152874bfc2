"""Make a model out of rows, and measure it on changes that it was not made from.

Each place of the code (or, for real changes, each stretch of time) is left out once: what is said of it comes from
estimators, calibration, rule and level that were fitted on the others. The model itself is then fitted on all rows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cloche.errors import ClocheError, ExitCode
from cloche.selection.learned.columns import COLUMNS, Matrix, Vector, failures, matrix
from cloche.selection.learned.estimator import Calibration, Estimator
from cloche.selection.learned.fitted import Fitted, Trained
from cloche.selection.learned.fitting import KINDS, calibrate, fit
from cloche.selection.learned.history import History
from cloche.selection.learned.measuring import Judged, Measured, best_f1, measure
from cloche.selection.learned.rows import Row
from cloche.selection.learned.rule import PACE, REDUNDANCY, Rule, fitted_level

FOLDS = 5
RECALLS = (0.9, 0.95, 0.99)
# The recall at which rules and estimators are compared.
COMPARED = 0.95
TINY = 1e-12
# Places of the code with failures below which nothing is fitted.
LEAST_PLACES = 10


@dataclass
class Sample:
    """One change as training sees it."""

    row: Row
    values: Matrix
    failed: Vector
    # The tests that the model decides on: candidates that no rule selects.
    open: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    decided: bool = True
    probability: dict[str, Vector] = field(default_factory=dict)


def sample_of(row: Row, history: History) -> Sample:
    """Return a change for training or measuring."""
    seen = row.observation
    always = set(seen.always)
    undecided = [number for number in seen.candidates if number not in always]
    return Sample(
        row, matrix(row, history), failures(row), np.array(undecided, dtype=np.int64), seen.everything is None
    )


def histories(rows: Sequence[Row]) -> dict[str, History]:
    """Return project -> what is known of former changes."""
    return {name: History([row for row in rows if row.project == name]) for name in sorted({r.project for r in rows})}


def fold_of(rows: Sequence[Row]) -> list[int]:
    """Return for each row the part of the data that is left out together with it.

    Mutants of one place go together, places by a digest of their names; real changes by time, in equal parts.
    """
    order = sorted((row.at, row.key) for row in rows if row.origin != "mutant")
    rank = {key: index * FOLDS // max(1, len(order)) for index, (_, key) in enumerate(order)}
    return [
        rank[row.key]
        if row.origin != "mutant"
        else int(hashlib.sha256(f"{row.project} {row.observation.group}".encode()).hexdigest()[:8], 16) % FOLDS
        for row in rows
    ]


def pairs_of(samples: Sequence[Sample]) -> tuple[Matrix, Vector]:
    """Return the pairs that a model is fitted on: tests that it would decide on, of usable changes."""
    chosen = [each for each in samples if each.decided and each.row.usable and len(each.open)]
    if not chosen:
        return np.zeros((0, len(COLUMNS))), np.zeros(0)
    return (
        np.concatenate([each.values[each.open] for each in chosen]),
        np.concatenate([each.failed[each.open] for each in chosen]),
    )


def probability_of(estimator: Estimator, sample: Sample) -> Vector:
    """Return the probability of each test of the suite; 0 for those that the change cannot reach."""
    found = np.zeros(len(sample.failed))
    if len(sample.open):
        found[sample.open] = estimator.probability(sample.values[sample.open])
    return found


def decide(samples: Sequence[Sample], probabilities: Sequence[Vector]) -> Fitted:
    """Fit calibration, rule and levels on probabilities of pairs that were not fitted on."""
    pairs = [(each.open, each.failed, p) for each, p in zip(samples, probabilities, strict=True) if each.decided]
    raw = np.concatenate([p[numbers] for numbers, _, p in pairs])
    failed = np.concatenate([truth[numbers] for numbers, truth, _ in pairs])
    calibration = calibrate(raw, failed)
    applied = [_calibrated(calibration, each, p) for each, p in zip(samples, probabilities, strict=True)]
    rules = [Rule(redundancy, pace) for redundancy in REDUNDANCY for pace in PACE]
    rule = min(rules, key=lambda each: _cost(each, samples, applied))
    caught = caught_levels(rule, samples, applied)
    levels = {recall: fitted_level(caught, recall) for recall in RECALLS}
    weights = np.concatenate([np.full(len(each.failed), each.row.weight) for each in samples if each.row.usable])
    every = [(p, each.failed) for p, each in zip(applied, samples, strict=True) if each.row.usable]
    says = best_f1(np.concatenate([p for p, _ in every]), np.concatenate([truth for _, truth in every]), weights)
    return Fitted(calibration, rule, levels, says)


def _calibrated(calibration: Calibration, sample: Sample, probability: Vector) -> Vector:
    found = np.zeros(len(probability))
    if len(sample.open):
        found[sample.open] = calibration.apply(probability[sample.open])
    return found


def caught_levels(rule: Rule, samples: Sequence[Sample], applied: Sequence[Vector]) -> list[float]:
    """Return for each place with failures, which the model decides on, the level at which all its changes are still caught."""
    found: dict[tuple[str, str], float] = {}
    for each, probability in zip(samples, applied, strict=True):
        truth = each.failed > 0
        if not each.decided or not truth.any() or not each.row.usable:
            continue
        if truth[each.row.observation.always].any():
            # A rule caught it; the model had nothing to do with it.
            continue
        level = float(_gains(rule, each, probability)[truth].max())
        place = (each.row.project, each.row.observation.group)
        found[place] = min(level, found.get(place, level))
    return [found[place] for place in sorted(found)]


def _gains(rule: Rule, sample: Sample, probability: Vector) -> Vector:
    """Return each test's gain; 0 for tests that the model does not decide on."""
    found = np.zeros(len(probability))
    if len(sample.open):
        seconds = np.array(sample.row.observation.seconds)[sample.open]
        found[sample.open] = rule.gains(probability[sample.open], seconds)
    return found


def _cost(rule: Rule, samples: Sequence[Sample], applied: Sequence[Vector]) -> float:
    """Return the share of time that a rule takes at the level for a recall of 95 %, to compare rules by."""
    caught = caught_levels(rule, samples, applied)
    fitted = fitted_level(caught, COMPARED)
    # Where there are too few places for a level, that of all of them.
    level = fitted.level if fitted is not None else min(caught, default=0.0)
    spent = every = 0.0
    for each, probability in zip(samples, applied, strict=True):
        if each.decided and each.row.usable:
            seconds = np.array(each.row.observation.seconds) * each.row.weight
            spent += float(seconds[_gains(rule, each, probability) >= max(level, TINY)].sum())
            every += float(seconds.sum())
    return spent / every if every else 1.0


def judge(sample: Sample, probability: Vector, fitted: Fitted, recall: float) -> Judged:
    """Return the decision on a change. Everything runs where a rule says so, and all candidates where no level is known."""
    seen = sample.row.observation
    applied = _calibrated(fitted.calibration, sample, probability)
    runs = np.zeros(len(applied), dtype=bool)
    level = fitted.levels[recall]
    if not sample.decided:
        runs[:] = True
    elif level is None:
        runs[seen.candidates] = True
    else:
        runs |= _gains(fitted.rule, sample, applied) >= level.level
    runs[seen.always] = True
    return Judged(
        group=f"{sample.row.project} {seen.group}",
        failed=sample.failed > 0,
        score=applied,
        runs=runs,
        says=applied >= fitted.says,
        seconds=np.array(seen.seconds),
        everything=not sample.decided,
        weight=sample.row.weight,
    )


@dataclass(frozen=True)
class Validated:
    """What cross-validation said of one kind of estimator."""

    kind: str
    # Probabilities of each sample by an estimator that had not seen its place.
    probabilities: list[Vector]
    judged: dict[float, list[Judged]]
    measured: dict[float, Measured]


def validate(
    rows: Sequence[Row], folds: Sequence[int], kinds: Sequence[str] = KINDS, *, remember: bool = True
) -> tuple[list[Sample], list[Validated]]:
    """Cross-validate every kind of estimator on rows that are parted into folds.

    Without `remember` nothing is known of former changes, as for a project that no fitted row is of.
    """
    parts = sorted(set(folds))
    samples: list[Sample] = []
    place: list[int] = []
    outputs: dict[str, dict[int, Vector]] = {kind: {} for kind in kinds}
    for part in parts:
        train = [row for row, fold in zip(rows, folds, strict=True) if fold != part]
        held = [(index, row) for index, (row, fold) in enumerate(zip(rows, folds, strict=True)) if fold == part]
        known = histories(train if remember else [])
        empty = History([])
        values, failed = pairs_of([sample_of(row, known.get(row.project, empty)) for row in train])
        tested = [(index, sample_of(row, known.get(row.project, empty))) for index, row in held]
        for kind in kinds:
            if len(set(failed.tolist())) < 2:  # noqa: PLR2004 - both classes
                for index, sample in tested:
                    outputs[kind][index] = np.zeros(len(sample.failed))
                continue
            estimator = fit(kind, values, failed)
            for index, sample in tested:
                outputs[kind][index] = probability_of(estimator, sample)
        samples += [sample for _, sample in tested]
        place += [index for index, _ in tested]
    ordered = [samples[position] for position in np.argsort(place, kind="stable")]
    return ordered, [_validated(kind, ordered, [outputs[kind][i] for i in range(len(rows))], folds) for kind in kinds]


def _validated(kind: str, samples: list[Sample], probabilities: list[Vector], folds: Sequence[int]) -> Validated:
    """Judge each fold by what the predictions for the other folds say."""
    judged: dict[float, dict[int, Judged]] = {recall: {} for recall in RECALLS}
    for part in sorted(set(folds)):
        others = [index for index, fold in enumerate(folds) if fold != part]
        fitted = decide([samples[index] for index in others], [probabilities[index] for index in others])
        for index, fold in enumerate(folds):
            if fold == part:
                for recall in RECALLS:
                    judged[recall][index] = judge(samples[index], probabilities[index], fitted, recall)
    listed = {recall: [judged[recall][index] for index in range(len(samples))] for recall in RECALLS}
    return Validated(
        kind, probabilities, listed, {recall: measure(usable(samples, each)) for recall, each in listed.items()}
    )


def usable(samples: Sequence[Sample], judged: Sequence[Judged]) -> list[Judged]:
    """Return the judgements of changes that left the tests able to run."""
    return [each for sample, each in zip(samples, judged, strict=True) if sample.row.usable]


def merit(found: Measured) -> float:
    """Return by what estimators are chosen: how well they rank pairs, and how well they say which tests fail."""
    return found.average_precision.value + found.f1.value


def check(rows: Sequence[Row]) -> None:
    """Raise ClocheError when nothing can be fitted and validated."""
    failing = [
        row
        for row in rows
        if row.failed
        and row.usable
        and row.observation.everything is None
        and set(row.failed) & set(row.observation.candidates)
    ]
    places = {(row.project, row.observation.group) for row in failing}
    if len(places) < LEAST_PLACES:
        raise ClocheError(
            f"{len(rows)} changes, {len(failing)} of them with failures that were selected for, in {len(places)} "
            "places of the code: too few\nto fit and to validate a model, which takes failures in at least "
            f"{LEAST_PLACES} places. Run select-tests with --shadow\nmore often, or make changes with --from-mutants",
            ExitCode.CHECK_FAILED,
        )


def train(project: str, rows: Sequence[Row]) -> tuple[Trained, list[Sample], list[Validated]]:
    """Return the model of all rows, and what cross-validation says of each kind of estimator.

    Raises ClocheError.
    """
    rows = sorted(rows, key=lambda row: (row.project, row.at, row.key))
    check(rows)
    samples, validated = validate(rows, fold_of(rows))
    best = max(validated, key=lambda each: (merit(each.measured[COMPARED]), each.kind))
    fitted = decide(samples, best.probabilities)
    known = histories(rows)
    final = [sample_of(row, known[row.project]) for row in rows]
    values, failed = pairs_of(final)
    applied = [_calibrated(fitted.calibration, each, p) for each, p in zip(samples, best.probabilities, strict=True)]
    caught = caught_levels(fitted.rule, samples, applied)
    kinds: dict[str, int] = {}
    for row in rows:
        for kind in row.observation.kinds:
            kinds[kind] = kinds.get(kind, 0) + 1
    trained = Trained(
        project=project,
        kind=best.kind,
        estimator=fit(best.kind, values, failed),
        fitted=fitted,
        caught=sorted(caught),
        low=values.min(axis=0),
        high=values.max(axis=0),
        kinds=dict(sorted(kinds.items())),
        tenths=np.quantile(values, np.linspace(0, 1, 11), axis=0),
        origins=sorted({row.origin for row in rows}),
    )
    return trained, samples, validated
