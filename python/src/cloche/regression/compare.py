"""Compare two files of results, and say what the comparison means."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np

from cloche.errors import ClocheError
from cloche.regression import samples
from cloche.regression.findings import IMPROVEMENTS, Counts, Finding, Findings, What
from cloche.regression.rules import Rules, Test
from cloche.regression.walk import Sample, Walk, leaves
from cloche.results.readers import Document


class Verdict(StrEnum):
    """What a comparison means."""

    IDENTICAL = "identical"
    WITHIN = "within tolerance"
    IMPROVED = "improved"
    INCOMPARABLE = "incomparable"
    REGRESSED = "regressed"


# These pass. What has improved should be accepted as the new baseline all the same.
PASSED = (Verdict.IDENTICAL, Verdict.WITHIN, Verdict.IMPROVED)


@dataclass(frozen=True)
class Comparison:
    """The result of comparing two documents; `unused` are the rules and waivers that matched nothing, in words."""

    verdict: Verdict
    reasons: list[str]
    counts: Counts
    findings: Findings
    samples: list[samples.Compared]
    unused: list[str]
    expired: list[str]


def compare(reference: Document, current: Document, rules: Rules, day: date) -> Comparison:
    """Compare two documents by rules; waivers whose last day is before `day` are none.

    Raises ClocheError, also where no value was compared.
    """
    if reference.format != current.format:
        raise ClocheError(
            f"{reference.source} and {current.source} are of different formats, so their types cannot be compared; "
            "write both in one format"
        )
    expired = [waiver for waiver in rules.waivers if waiver.expires < day]
    rules = Rules(rules.rules, tuple(waiver for waiver in rules.waivers if waiver not in expired))
    walk = Walk(reference, current, rules)
    try:
        walk.run()
    except RecursionError as error:
        raise ClocheError(f"{reference.source}: it is nested too deeply to be compared") from error
    compared = _samples(walk)
    counts = walk.counts
    _account(counts, reference, current)
    # That both sides hold nothing is no agreement either.
    if counts.compared == walk.empty:
        raise ClocheError(
            f"nothing was compared: {_why_nothing(counts)}\n"
            f"  baseline: {reference.source}\n"
            f"  current:  {current.source}\n"
            "A comparison without a compared value shows nothing; compare the results of the same experiment, or ignore less."
        )
    unused = [
        f"the rule for {rule.path} matches nothing"
        for number, rule in enumerate(rules.rules)
        if number not in walk.used
    ]
    unused += [
        f"the waiver for {waiver.path} has nothing to waive"
        for number, waiver in enumerate(rules.waivers, start=len(rules.rules))
        if number not in walk.used
    ]
    gone = [f"the waiver for {waiver.path} expired on {waiver.expires}: {waiver.reason}" for waiver in expired]
    verdict, reasons = _verdict(counts, walk.findings)
    return Comparison(verdict, reasons, counts, walk.findings, compared, unused, gone)


def _account(counts: Counts, reference: Document, current: Document) -> None:
    """Raise an error of the program where a leaf stands in no count, or in two."""
    for side, found, document in (("baseline", counts.reference, reference), ("current", counts.current, current)):
        if found != (there := leaves(document.root)):
            message = f"{document.source}: the {side} side has {there} leaves and the comparison accounts for {found}"
            raise AssertionError(message)


def _why_nothing(counts: Counts) -> str:
    if counts.missing or counts.extra:
        return f"they have no field in common ({counts.missing} fields only in the baseline, {counts.extra} only in the current file)"
    if counts.ignored_reference or counts.ignored_current:
        return f"the rules ignore all {max(counts.ignored_reference, counts.ignored_current)} fields"
    return "there is no value in them"


def _samples(walk: Walk) -> list[samples.Compared]:
    """Compare the samples that the walk came by, and add what it means to its counts and findings."""
    whole = []
    for sample in walk.samples:
        state = sample.state
        nans = [int(np.isnan(side).sum()) for side in (sample.reference, sample.current)]
        about: dict[str, Any] = {
            "reference": f"{nans[0]} of {sample.reference.size} NaN",
            "current": f"{nans[1]} of {sample.current.size} NaN",
        }
        # Of infinite values there is no mean.
        if sample.rule.distribution.test is Test.WELCH and not _has_variance(sample):
            raise ClocheError(
                f"the rule for {sample.rule.path}: a sample with infinite or very large numbers has no mean and "
                'variance; use test = "mann-whitney"'
            )
        if nans != [0, 0]:
            if nans[0] == nans[1]:
                raise ClocheError(
                    f"the rule for {sample.rule.path}: a sample with NaN cannot be tested; leave such values out when "
                    "writing the results"
                )
            walk.counts.changed += 1
            walk.find(What.NAN, sample.path, state, **about)
            continue
        whole.append(sample)
    compared = samples.compare(whole)
    for each in compared:
        asked, sample = each.sample.rule.distribution, each.sample
        about = {
            "reference": f"{sample.reference.size} values, median {np.median(sample.reference):g}",
            "current": f"{sample.current.size} values, median {np.median(sample.current):g}",
        }
        if each.changed:
            walk.counts.changed += 1
            what = What.DISTRIBUTION_IMPROVED if each.improved else What.DISTRIBUTION
            note = f"{asked.test}: effect {each.effect:+.3f}, p {each.p:.2g} (Holm, {len(compared)} samples)"
            walk.find(
                what,
                sample.path,
                sample.state,
                note=note,
                distance=abs(each.effect),
                tolerance=asked.negligible,
                **about,
            )
        elif not each.shown:
            walk.counts.within_tolerance += 1
            many = "more than a million" if each.needed is None else f"{each.needed}"
            note = (
                f"{asked.test}: an effect of {asked.effect:g} would be found with a probability of {each.power:.2f}, where "
                f"{asked.power:g} is asked for; that takes {many} values a side"
            )
            walk.find(What.UNDERPOWERED, sample.path, sample.state, note=note, **about)
        elif np.array_equal(sample.reference, sample.current):
            walk.counts.identical += 1
        else:
            walk.counts.within_tolerance += 1
    return compared


def _has_variance(sample: Sample) -> bool:
    with np.errstate(all="ignore"):
        sides = [side[~np.isnan(side)] for side in (sample.reference, sample.current)]
        spread = [float(np.sum((side - side.mean()) ** 2)) if side.size else 0.0 for side in sides]
        return bool(np.isfinite(sum(spread)))


def _verdict(counts: Counts, findings: Findings) -> tuple[Verdict, list[str]]:
    open_ = {what: number for what, number in findings.numbers.items() if number}
    worse = {what: number for what, number in open_.items() if what not in (*IMPROVEMENTS, What.UNDERPOWERED)}
    if worse:
        return Verdict.REGRESSED, [f"{number} {words(what, number)}" for what, number in sorted(worse.items())]
    if number := open_.get(What.UNDERPOWERED, 0):
        return Verdict.INCOMPARABLE, [f"{number} {words(What.UNDERPOWERED, number)}"]
    if better := {what: number for what, number in open_.items() if what in IMPROVEMENTS}:
        return Verdict.IMPROVED, [f"{number} {words(what, number)}" for what, number in sorted(better.items())]
    if counts.within_tolerance or counts.changed or findings.waived:
        return Verdict.WITHIN, []
    return Verdict.IDENTICAL, []


_WORDS = {
    What.NUMBER: ("number changed beyond its tolerance", "numbers changed beyond their tolerance"),
    What.IMPROVED: ("number improved beyond its tolerance", "numbers improved beyond their tolerance"),
    What.NAN: ("value became or ceased to be NaN", "values became or ceased to be NaN"),
    What.ZERO: (
        "number whose reference is zero, without an absolute tolerance",
        "numbers whose reference is zero, without an absolute tolerance",
    ),
    What.TEXT: ("text or other exact value changed", "texts or other exact values changed"),
    What.TYPE: ("change of type", "changes of type"),
    What.SHAPE: ("change of size", "changes of size"),
    What.MISSING: ("part is missing", "parts are missing"),
    What.EXTRA: ("part is new", "parts are new"),
    What.DISTRIBUTION: ("distribution changed", "distributions changed"),
    What.DISTRIBUTION_IMPROVED: ("distribution improved", "distributions improved"),
    What.UNDERPOWERED: ("pair of samples too small to show anything", "pairs of samples too small to show anything"),
}


def words(what: What, number: int) -> str:
    """Return what so many findings of a kind are called."""
    return _WORDS[what][number != 1]


def shown_findings(findings: Findings) -> list[Finding]:
    """Return the findings that are kept, those that count first, then the waived ones; by kind and place."""
    kept = [finding for what in What for finding in findings.kept.get(what, [])]
    return [each for each in kept if each.waiver is None] + [each for each in kept if each.waiver is not None]
