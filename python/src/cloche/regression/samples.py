"""Compare samples of stochastic results: the size of the effect first, then a test, the power, and all tests together.

Two samples have changed if the effect is not negligible *and* the test, corrected for all samples of the comparison (Holm
1979), rejects equality. Where they have not, and an effect of the size that matters would have been found with less than
the wanted power, nothing was shown.

Sources: Cliff 1993 (delta), Mann and Whitney 1947, Noether 1987 (power of the rank test), Hedges 1981 (g), Welch 1947,
Smirnov 1948, Massey 1950 (power of Kolmogorov and Smirnov's test).
"""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from cloche.regression.rules import Distribution, Test, Worse
from cloche.regression.walk import Sample

# Where one of the samples has more values, the rank test is not exact but asymptotic, as SciPy recommends.
_EXACT_UP_TO = 8


@dataclass(frozen=True)
class Compared:
    """The comparison of a pair of samples; p is corrected for all pairs.

    `effect` is positive where values have risen; a distance of distributions, which has no direction, always is.
    """

    sample: Sample
    effect: float
    p: float
    power: float
    # How many values a side would give the wanted power, where the samples show nothing.
    needed: int | None
    changed: bool
    improved: bool

    @property
    def shown(self) -> bool:
        """Return whether the samples show something: a change, or that there is none that matters."""
        return self.changed or self.power >= self.sample.rule.distribution.power


def compare(samples: list[Sample]) -> list[Compared]:
    """Compare pairs of samples; the probability of any false alarm is at most the least `alpha` of their rules."""
    if not samples:
        return []
    effects = [_effect(sample) for sample in samples]
    alpha = min(sample.rule.distribution.alpha for sample in samples)
    corrected = holm([p for _, p in effects])
    return [
        _compared(sample, effect, p, alpha, len(samples))
        for sample, (effect, _), p in zip(samples, effects, corrected, strict=True)
    ]


def holm(values: list[float]) -> list[float]:
    """Return p-values corrected by Holm's step-down procedure (Holm 1979), each at most 1."""
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = highest
    return corrected


def _compared(sample: Sample, effect: float, p: float, alpha: float, pairs: int) -> Compared:
    asked = sample.rule.distribution
    changed = abs(effect) >= asked.negligible and p <= alpha
    worse = sample.rule.worse
    improved = changed and worse is not None and (effect < 0) == (worse is Worse.HIGHER)
    # The level of the first step of Holm's procedure: the power is at least this.
    level = alpha / pairs
    sizes = sample.reference.size, sample.current.size
    power = _power(asked, sizes[0], sizes[1], level)
    needed = _needed(asked, level) if not changed and power < asked.power else None
    return Compared(sample, effect, p, power, needed, changed, improved)


@lru_cache
def _needed(asked: Distribution, level: float) -> int | None:
    return next((n for n in _sizes() if _power(asked, n, n, level) >= asked.power), None)


def _sizes() -> Iterator[int]:
    n = 2
    while n < 10**6:
        yield n
        n += max(1, n // 50)


def _effect(sample: Sample) -> tuple[float, float]:
    """Return the effect size and the p-value, without correction."""
    from scipy import stats  # noqa: PLC0415 - takes long to load

    before, after = sample.reference, sample.current
    if sample.rule.distribution.test is Test.MANN_WHITNEY:
        tied = np.unique(np.concatenate([before, after])).size < before.size + after.size
        exact = not tied and min(before.size, after.size) <= _EXACT_UP_TO
        done = stats.mannwhitneyu(after, before, alternative="two-sided", method="exact" if exact else "asymptotic")
        delta = 2 * float(done.statistic) / (before.size * after.size) - 1
        # Where all values are equal the test statistic is 0/0.
        return delta, 1.0 if math.isnan(done.pvalue) else float(done.pvalue)
    if sample.rule.distribution.test is Test.KOLMOGOROV_SMIRNOV:
        distance = stats.ks_2samp(before, after, method="auto")
        return float(distance.statistic), float(distance.pvalue)
    return _welch(before, after)


def _welch(before: Any, after: Any) -> tuple[float, float]:
    from scipy import stats  # noqa: PLC0415 - takes long to load

    shift = float(after.mean() - before.mean())
    total = before.size + after.size - 2
    if min(before.size, after.size) < 2:  # noqa: PLR2004 - one value has no variance
        return 0.0, 1.0
    pooled = math.sqrt(((before.size - 1) * before.var(ddof=1) + (after.size - 1) * after.var(ddof=1)) / total)
    if pooled == 0:
        # Constants: any shift is certain.
        return (math.copysign(math.inf, shift), 0.0) if shift else (0.0, 1.0)
    with warnings.catch_warnings():
        # Of nearly equal values SciPy says that digits were lost; the effect is tiny then.
        warnings.simplefilter("ignore", RuntimeWarning)
        p = float(stats.ttest_ind(after, before, equal_var=False).pvalue)
    return shift / pooled * (1 - 3 / (4 * total - 1)), p


def _power(asked: Distribution, before: int, after: int, level: float) -> float:
    """Return the probability that an effect of the least size that matters is found, two-sided, at a level."""
    from scipy import special  # noqa: PLC0415 - takes long to load

    if asked.test is Test.MANN_WHITNEY:
        # Noether 1987, eq. 1, for unequal sizes: the statistic's variance is that under equality.
        deviation = math.sqrt((before + after + 1) / (12 * before * after))
        return float(special.ndtr(asked.effect / 2 / deviation + special.ndtri(level / 2)))
    if asked.test is Test.KOLMOGOROV_SMIRNOV:
        # Massey 1950: at least the probability that the shares below the point of greatest distance differ by more than
        # the critical distance; their variance is greatest where they lie evenly about one half.
        critical = float(special.kolmogi(level)) * math.sqrt(1 / before + 1 / after)
        deviation = math.sqrt((1 - asked.effect**2) / 4 * (1 / before + 1 / after))
        return (
            float(special.ndtr((asked.effect - critical) / deviation)) if deviation else float(asked.effect > critical)
        )
    freedom = before + after - 2
    if min(before, after) < 2:  # noqa: PLR2004 - one value has no variance
        return 0.0
    # Of Student's test, to which Welch's comes down where the variances are equal; by the noncentral t distribution.
    noncentral = asked.effect * math.sqrt(before * after / (before + after))
    return float(1 - special.nctdtr(freedom, noncentral, special.stdtrit(freedom, 1 - level / 2)))
