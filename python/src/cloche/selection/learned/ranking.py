"""What a model says of a selection: which of the candidates run, in which order, and why the others do not.

Without a model, or where it cannot be relied on, all candidates run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cloche.selection.impact.verb import Answer
from cloche.selection.impact.verdict import Verdict, plain, reasons_of, unreached
from cloche.selection.learned.columns import COLUMNS, Matrix, matrix
from cloche.selection.learned.drift import alarms
from cloche.selection.learned.history import HISTORY, History
from cloche.selection.learned.model import Model
from cloche.selection.learned.observation import Observation, observe
from cloche.selection.learned.rows import Row
from cloche.selection.learned.rule import Level

# A kind of change that training has seen less often says nothing.
LEAST_SEEN = 20
# This share of the candidates may lie outside of what training has seen, by more than this part of its width.
OUTSIDE = 0.1
MARGIN = 0.25
ALL = "; all tests that can reach the change are selected"


def latest_seconds(rows: Sequence[Row]) -> dict[str, float]:
    """Return the durations of the tests by the latest rows, those of real runs before those of mutants."""
    found: dict[str, float] = {}
    for row in sorted(rows, key=lambda each: (each.origin != "mutant", each.at, each.key)):
        if any(row.observation.seconds):
            found |= dict(zip(row.observation.tests, row.observation.seconds, strict=True))
    return found


@dataclass(frozen=True)
class Question:
    """What is asked of a model."""

    project: str
    # Former changes, of any project and origin.
    rows: Sequence[Row]
    model: Model | None
    # The moment, in microseconds since 1970.
    at: int
    recall: float
    # Seconds of tests.
    budget: float | None = None


def rank(answer: Answer, question: Question) -> Verdict:
    """Return the verdict on a change. Without a map everything runs, and without a usable model all candidates do."""
    if answer.evidence is None:
        return plain(answer)
    rows = [row for row in question.rows if row.project == question.project]
    seen = observe(answer, latest_seconds(rows))
    model = question.model
    if seen.everything is not None:
        return _everything(answer, seen, question.budget)
    if model is None:
        return _all(answer, seen, question, "there is no model, so all tests that can reach the change are selected")
    history = History([each for each in rows if each.origin in {*model.trained.origins, "real"}])
    values = matrix(Row(question.project, "real", question.at, seen, []), history)
    level = model.level(question.recall)
    notes = [f"alarm: {each}" for each in alarms(model.trained, rows, question.recall)]
    if not notes and level is None:
        notes = [
            (
                f"the evidence is thin: {len(model.trained.caught)} places of the code with failures show no level that keeps a "
                f"recall of {question.recall:.0%}"
            )
        ]
    notes = notes or _unlike(model, seen, values)
    if notes or level is None:
        return _all(answer, seen, question, *(note + ALL for note in notes))
    return _decided(answer, seen, values, model, level, question)


def _everything(answer: Answer, seen: Observation, budget: float | None) -> Verdict:
    found = plain(answer)
    if budget is None:
        return found
    new = _new(answer, seen)
    # Nothing says which of them is better, so the quick ones come first.
    tests = [seen.tests[number] for number in np.argsort(np.array(seen.seconds), kind="stable")]
    reasons = {test: [f"always-run rule: {seen.everything}"] for test in [*new, *tests]}
    cut = _cut(Verdict(answer, [*new, *tests], reasons, {}), seen, budget, frozenset(new))
    # Cut nothing off, and it is everything again.
    return cut if cut.left_out else replace(found, notes=cut.notes)


def _decided(  # noqa: PLR0913, PLR0917 - what a decision is made of
    answer: Answer, seen: Observation, values: Matrix, model: Model, level: Level, question: Question
) -> Verdict:
    fitted = model.trained.fitted
    ruled = set(seen.always)
    unsettled = np.array([number for number in seen.candidates if number not in ruled], dtype=np.int64)
    probability = np.zeros(len(seen.tests))
    every = reasons_of(answer)
    run = [*_new(answer, seen), *(seen.tests[number] for number in seen.always)]
    reasons = {test: every[test] for test in run}
    left_out = unreached(answer)
    if len(unsettled):
        probability[unsettled] = fitted.calibration.apply(model.trained.estimator.probability(values[unsettled]))
        seconds = np.array(seen.seconds)[unsettled]
        gains = fitted.rule.gains(probability[unsettled], seconds)
        for position in fitted.rule.order(probability[unsettled], seconds):
            test, p = seen.tests[unsettled[position]], probability[unsettled[position]]
            if gains[position] >= level.level:
                reasons[test] = [f"predicted p={p:.2g}", *every[test]]
                run.append(test)
            else:
                left_out[test] = f"predicted p={p:.2g}, too little to gain for a recall of {question.recall:.0%}"
    found = Verdict(
        answer,
        run,
        reasons,
        left_out,
        probability={seen.tests[number]: round(float(probability[number]), 6) for number in unsettled},
        recall=level.recall.data(),
        model=model.digest,
    )
    return _cut(found, seen, question.budget, frozenset(answer.selection.always))


def _new(answer: Answer, seen: Observation) -> list[str]:
    """Return what is selected and is no test of the map: new tests, and files with some."""
    return sorted(set(answer.selection.reasons) - set(seen.tests))


def _all(answer: Answer, seen: Observation, question: Question, *notes: str) -> Verdict:
    """Run all candidates: those that ran more of what changed, and less of what did not, first."""
    specific = seen.pairs["statement_specificity"]
    coarse = seen.pairs["function_specificity"]
    ruled = set(seen.always)

    def promise(number: int) -> tuple[bool, float, float, float]:
        return (number not in ruled, -specific.get(number, 0.0), -coarse.get(number, 0.0), seen.seconds[number])

    run = [*_new(answer, seen), *(seen.tests[number] for number in sorted(seen.candidates, key=promise))]
    reasons = reasons_of(answer)
    found = Verdict(answer, run, {test: reasons[test] for test in run}, unreached(answer), notes=list(notes))
    return _cut(found, seen, question.budget, frozenset(answer.selection.always))


def _unlike(model: Model, seen: Observation, values: Matrix) -> list[str]:
    """Say how a change is unlike those that the model was fitted on; empty when it is not."""
    for kind in seen.kinds:
        times = model.trained.kinds.get(kind, 0)
        if times < LEAST_SEEN:
            return [f"the change is unlike those of the training: it has the kind {kind!r}, which {times} of them had"]
    if not seen.candidates:
        return []
    inside = values[seen.candidates]
    margin = MARGIN * (model.trained.high - model.trained.low)
    beyond = ((inside < model.trained.low - margin) | (inside > model.trained.high + margin)).mean(axis=0)
    # What former changes did grows with each of them; whether it still is as in training is for the alarms to say.
    beyond[[COLUMNS.index(name) for name in HISTORY]] = 0.0
    column = int(np.argmax(beyond))
    if beyond[column] > OUTSIDE:
        return [
            (
                f"the change is unlike those of the training: {COLUMNS[column]} is outside of what it has seen for "
                f"{beyond[column]:.0%} of the candidates"
            )
        ]
    return []


def _cut(verdict: Verdict, seen: Observation, budget: float | None, ruled: frozenset[str]) -> Verdict:
    """Cut off what is past the budget. What a rule selects runs, and counts first; so does what has no duration."""
    if not any(seen.seconds):
        note = [] if budget is None else ["no durations are known, so the budget cuts nothing off"]
        return replace(verdict, notes=[*verdict.notes, *note])
    seconds = dict(zip(seen.tests, seen.seconds, strict=True))
    spent = sum(seconds.get(test, 0.0) for test in verdict.run if test in ruled)
    run, left_out, reasons = [], dict(verdict.left_out), dict(verdict.reasons)
    for test in verdict.run:
        took = 0.0 if test in ruled else seconds.get(test, 0.0)
        if budget is None or took == 0 or spent + took <= budget:
            run.append(test)
            spent += took
        else:
            left_out[test] = f"past the budget of {budget:g} s; {reasons.pop(test)[0]}"
    return replace(
        verdict,
        run=run,
        reasons=reasons,
        left_out=left_out,
        seconds=(round(spent, 3), round(sum(seen.seconds), 3)),
    )
