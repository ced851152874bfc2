"""Whether what comes now is still like what the model was fitted on, and whether it still finds what fails.

Two alarms. *Columns*: the population stability index of a column between training and the latest real changes; above
0.25 is a shift by common convention (Siddiqi, Credit Risk Scorecards, 2006). *Recall*: real changes with failures of
which the selection would have missed more than its recall allows, by an exact binomial test.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import bdtrc

from cloche.selection.learned.columns import COLUMNS, Matrix, Vector, matrix
from cloche.selection.learned.fitted import Trained
from cloche.selection.learned.history import History
from cloche.selection.learned.rows import Row

SHIFT = 0.25
# Changes that columns are compared over, the latest; and below which they are not compared.
LATEST, LEAST = 50, 20
CHANCE = 0.05
TINY = 1e-4


def stability(edges: Vector, values: Vector) -> float:
    """Return the population stability index of values against tenths (eleven edges) of what was seen before."""
    inner = np.unique(edges[1:-1])
    # Tenths may fall together: the share that was expected in each of the distinct parts follows from the edges.
    expected = np.diff(np.concatenate([[0.0], np.searchsorted(edges[1:-1], inner, side="right") / 10, [1.0]]))
    found = np.bincount(np.searchsorted(inner, values, side="left"), minlength=len(inner) + 1) / max(1, len(values))
    expected, found = np.maximum(expected, TINY), np.maximum(found, TINY)
    return float(np.sum((found - expected) * np.log(found / expected)))


def alarms(trained: Trained, rows: Sequence[Row], recall: float) -> list[str]:
    """Return what has drifted, in words; empty when nothing has, or too little was seen to say."""
    real = sorted((row for row in rows if row.origin == "real"), key=lambda row: (row.at, row.key))[-LATEST:]
    found = []
    judged = [row for row in real if row.decision is not None and row.failed]
    missed = sum(bool(row.decision and row.decision.get("missed")) for row in judged)
    if missed and float(bdtrc(missed - 1, len(judged), 1 - recall)) < CHANCE:
        found.append(
            f"{missed} of the latest {len(judged)} changes with failures would have been missed, more than a recall of "
            f"{recall:.0%} explains"
        )
    if len(real) >= LEAST and trained.origins == ["real"]:
        found += _shifted(trained, real, rows)
    return found


def _shifted(trained: Trained, real: Sequence[Row], rows: Sequence[Row]) -> list[str]:
    history = History(rows)
    values: Matrix = np.concatenate([matrix(row, history)[row.observation.candidates] for row in real])
    if not len(values):
        return []
    by_column = [(stability(trained.tenths[:, index], values[:, index]), name) for index, name in enumerate(COLUMNS)]
    return [
        f"the column {name} of the latest {len(real)} changes is not as in training (stability index {index:.2f}, alarm above {SHIFT})"
        for index, name in sorted(by_column, reverse=True)[:3]
        if index > SHIFT
    ]
