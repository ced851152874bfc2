"""What a comparison finds: findings with their places, and counts in which every leaf of both sides stands once."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cloche.regression.rules import Rule, Waiver
from cloche.results.patterns import Path

# How many findings of one kind are described; all are counted.
MOST = 1000


class What(StrEnum):
    """The kinds of findings."""

    NUMBER = "number"
    IMPROVED = "improved"
    NAN = "nan"
    ZERO = "zero-reference"
    TEXT = "text"
    TYPE = "type"
    SHAPE = "shape"
    MISSING = "missing"
    EXTRA = "extra"
    DISTRIBUTION = "distribution"
    DISTRIBUTION_IMPROVED = "distribution-improved"
    UNDERPOWERED = "underpowered"


IMPROVEMENTS = (What.IMPROVED, What.DISTRIBUTION_IMPROVED)


@dataclass(frozen=True)
class Finding:
    """One finding: at a leaf, or for a part with `leaves` leaves."""

    what: What
    path: Path
    reference: Any = None
    current: Any = None
    rule: Rule | None = None
    # |current - reference|, or ULPs, or an effect; and what the rule accepts.
    distance: float | None = None
    tolerance: float | None = None
    leaves: int = 1
    note: str = ""
    waiver: Waiver | None = None

    def excess(self) -> float:
        """Return by how many tolerances the value is away, for the order of findings."""
        if self.distance is None or not self.tolerance:
            return float("inf")
        return self.distance / self.tolerance


@dataclass
class Counts:
    """Counts of leaves.

    Of the reference: pairs - samples + missing + ignored + leaves in samples, and so on the current side with extra.
    `compared` = identical + within_tolerance + changed. One pair of samples counts as one comparison.
    """

    identical: int = 0
    within_tolerance: int = 0
    changed: int = 0
    missing: int = 0
    extra: int = 0
    ignored_reference: int = 0
    ignored_current: int = 0
    samples: int = 0
    sampled_reference: int = 0
    sampled_current: int = 0

    @property
    def compared(self) -> int:
        """Return how many pairs were compared."""
        return self.identical + self.within_tolerance + self.changed

    @property
    def reference(self) -> int:
        """Return how many leaves the reference has, as the parts add up."""
        return self.compared - self.samples + self.missing + self.ignored_reference + self.sampled_reference

    @property
    def current(self) -> int:
        """Return how many leaves the current side has, as the parts add up."""
        return self.compared - self.samples + self.extra + self.ignored_current + self.sampled_current


@dataclass
class Findings:
    """All findings by kind; of each kind so many are kept, and all are counted."""

    kept: dict[What, list[Finding]] = field(default_factory=dict)
    numbers: dict[What, int] = field(default_factory=dict)
    waived: dict[What, int] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it if there is room."""
        self.count(finding.what, 1, waived=finding.waiver is not None)
        kept = self.kept.setdefault(finding.what, [])
        if len(kept) < MOST:
            kept.append(finding)

    def count(self, what: What, number: int, *, waived: bool) -> None:
        """Count findings."""
        counts = self.waived if waived else self.numbers
        counts[what] = counts.get(what, 0) + number
