"""What training makes and a selection uses: an estimator, its calibration, the rule, and what it has seen."""

from dataclasses import dataclass

from cloche.selection.learned.columns import Matrix, Vector
from cloche.selection.learned.estimator import Calibration, Estimator
from cloche.selection.learned.rule import Level, Rule


@dataclass(frozen=True)
class Fitted:
    """What turns a change's numbers into a decision, whatever the estimator."""

    calibration: Calibration
    rule: Rule
    # Wanted recall -> its level; None where no level shows it.
    levels: dict[float, Level | None]
    # From this probability on a test is said to fail.
    says: float


@dataclass(frozen=True)
class Trained:
    """A model and what it was fitted on."""

    project: str
    kind: str
    estimator: Estimator
    fitted: Fitted
    # For each place of the code with failures that the model decided on: the level at which all its changes are still caught, on
    # validation.
    caught: list[float]
    # The lowest and the highest value of each column, and how often each kind of change was seen.
    low: Vector
    high: Vector
    kinds: dict[str, int]
    # Tenths of each column on the candidates, for drift.
    tenths: Matrix
    origins: list[str]
