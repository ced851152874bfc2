"""Verdicts on figures of two programs. The unit is the run, which is one process: calls within one are not independent.

Times are compared by the logarithms of their ratios, whose mean has an interval by Student's t distribution; the
noise floor is what the same comparison says of the base against itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, median, stdev, variance

# So many runs a side are the fewest by which anything is called slower or faster.
FEWEST = 3
CONFIDENCE = 0.95


class Verdict(StrEnum):
    """What is said of a case, the worst first."""

    SLOWER = "slower"
    FASTER = "faster"
    INCONCLUSIVE = "inconclusive"
    UNCHANGED = "unchanged"
    NOT_COMPARED = "not compared"


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the worst of some verdicts."""
    return min(verdicts, key=list(Verdict).index)


@dataclass(frozen=True)
class Estimate:
    """A change as a fraction (0.1: takes a tenth longer), with the ends of its interval."""

    change: float
    low: float
    high: float

    @property
    def bound(self) -> float:
        """The greatest change in either direction that the interval holds."""
        return max(abs(self.low), abs(self.high))

    @property
    def different(self) -> bool:
        """Whether the interval leaves out "no change"."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Judged:
    """A verdict on times with what it rests on."""

    verdict: Verdict
    reason: str
    change: float
    estimate: Estimate | None
    # The noise floor as a fraction.
    noise: float | None


def percent(fraction: float) -> str:
    """Return a fraction for a person."""
    return f"{abs(fraction) * 100:.2g} %" if abs(fraction) < 1 else f"{abs(fraction) * 100:.0f} %"


def _t(freedom: float) -> float:
    from scipy import special  # noqa: PLC0415 - takes long to load

    return float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))


def _estimate(mean: float, error: float, freedom: float) -> Estimate:
    half = _t(freedom) * error
    return Estimate(math.expm1(mean), math.expm1(mean - half), math.expm1(mean + half))


def paired(base: Sequence[float], head: Sequence[float]) -> Estimate | None:
    """Return the change between runs that stood side by side; None with fewer than three pairs."""
    ratios = [math.log(after / before) for before, after in zip(base, head, strict=True)]
    if len(ratios) < FEWEST:
        return None
    return _estimate(fmean(ratios), stdev(ratios) / math.sqrt(len(ratios)), len(ratios) - 1)


def rounds(base: Sequence[float], again: Sequence[float], head: Sequence[float], effect: float) -> Judged:
    """Judge the times of interleaved rounds, each with two runs of the base and one of the head."""
    both = [math.sqrt(first * second) for first, second in zip(base, again, strict=True)]
    change = median(head) / median([*base, *again]) - 1
    floor = paired(base, again)
    return judged(change, paired(both, head), None if floor is None else floor.bound, effect)


def judged(change: float, estimate: Estimate | None, noise: float | None, effect: float) -> Judged:
    """Return the verdict on a change: it must be known not to be zero, be of interest, and be above the noise floor."""

    def say(verdict: Verdict, reason: str) -> Judged:
        return Judged(verdict, reason, change, estimate, noise)

    if estimate is None:
        return say(Verdict.INCONCLUSIVE, f"fewer than {FEWEST} runs a side")
    interval = f"from {estimate.low * 100:+.1f} % to {estimate.high * 100:+.1f} %"
    if abs(estimate.change) >= effect and estimate.different and (noise is None or abs(estimate.change) > noise):
        verdict = Verdict.SLOWER if estimate.change > 0 else Verdict.FASTER
        return say(
            verdict, f"time: {percent(estimate.change)} {'more' if estimate.change > 0 else 'less'} ({interval})"
        )
    if estimate.bound < effect:
        return say(Verdict.UNCHANGED, f"time: {interval}, less than the {percent(effect)} of interest")
    if noise is not None and noise >= abs(estimate.change) >= effect:
        return say(
            Verdict.INCONCLUSIVE, f"time: {interval}, and the base differs from itself by up to {percent(noise)}"
        )
    return say(Verdict.INCONCLUSIVE, f"time: {interval}; more runs would tell")


def apart(base: Sequence[float], head: Sequence[float], same: Sequence[float] = ()) -> Estimate | None:
    """Return the change between runs that did not stand side by side.

    With three runs a side or more by Welch's t test. With fewer, what is known is how far runs of one program lie apart,
    by `same`, runs of the base's program, of which there must be three or more; else None.
    """
    first, second = [math.log(each) for each in base], [math.log(each) for each in head]
    mean = fmean(second) - fmean(first)
    if min(len(first), len(second)) >= FEWEST:
        parts = [variance(first) / len(first), variance(second) / len(second)]
        total = sum(parts)
        if total == 0:
            return _estimate(mean, 0, 1)
        freedom = total**2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, (first, second), strict=True))
        return _estimate(mean, math.sqrt(total), freedom)
    known = [math.log(each) for each in same]
    if len(known) < FEWEST:
        return None
    return _estimate(mean, stdev(known) * math.sqrt(1 / len(first) + 1 / len(second)), len(known) - 1)


def counts(base: Sequence[float], head: Sequence[float], gate: float) -> tuple[Verdict, float, float, str]:
    """Judge counts of instructions; return verdict, change, repeatability and reason."""
    repeatability = max(
        (max(each) - min(each)) / median(each) if median(each) > 0 else math.inf for each in (base, head)
    )
    change = median(head) / median(base) - 1 if median(base) > 0 else math.inf
    if not repeatability < gate:
        return (
            Verdict.INCONCLUSIVE,
            change,
            repeatability,
            f"instructions: two counts of one side differ by {percent(repeatability)}",
        )
    if abs(change) < gate or abs(change) <= repeatability:
        return (
            Verdict.UNCHANGED,
            change,
            repeatability,
            f"instructions: {change * 100:+.2f} %, less than the gate of {percent(gate)}",
        )
    verdict, word = (Verdict.SLOWER, "more") if change > 0 else (Verdict.FASTER, "fewer")
    return verdict, change, repeatability, f"instructions: {percent(change)} {word}, the gate is {percent(gate)}"
