"""A comparison as JSON and as text."""

import json
import math
from typing import Any

from cloche.regression.compare import Comparison, shown_findings, words
from cloche.regression.findings import Finding, What
from cloche.regression.samples import Compared
from cloche.results.patterns import shown
from cloche.untrusted import terminal

# How many findings of a kind the text shows.
LINES = 20


def as_data(comparison: Comparison) -> dict[str, Any]:
    """Return the report for programs; version 1, described in docs/regression.md."""
    counts, findings = comparison.counts, comparison.findings
    return {
        "version": 1,
        "verdict": str(comparison.verdict),
        "reasons": comparison.reasons,
        "compared": counts.compared,
        "identical": counts.identical,
        "within_tolerance": counts.within_tolerance,
        "changed": counts.changed,
        "missing": counts.missing,
        "extra": counts.extra,
        "ignored": {"baseline": counts.ignored_reference, "current": counts.ignored_current},
        "samples": {"pairs": counts.samples, "baseline": counts.sampled_reference, "current": counts.sampled_current},
        "leaves": {"baseline": counts.reference, "current": counts.current},
        "findings_by_kind": {str(what): findings.numbers.get(what, 0) for what in What},
        "waived_by_kind": {str(what): findings.waived.get(what, 0) for what in What if findings.waived.get(what)},
        "findings": [_finding(each) for each in shown_findings(findings)],
        "distributions": [_sample(each) for each in comparison.samples],
        "unused": comparison.unused,
        "expired": comparison.expired,
    }


def dumps(comparison: Comparison) -> str:
    """Return the report for programs as text."""
    return json.dumps(as_data(comparison), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    data = {
        "kind": str(finding.what),
        "path": shown(finding.path),
        "baseline": _value(finding.reference),
        "current": _value(finding.current),
        "distance": _value(finding.distance),
        "tolerance": _value(finding.tolerance),
        "rule": None if finding.rule is None else finding.rule.words(),
        "leaves": finding.leaves,
        "note": finding.note or None,
        "waived": None if finding.waiver is None else f"{finding.waiver.reason} (until {finding.waiver.expires})",
    }
    return {name: value for name, value in data.items() if value is not None}


def _value(value: Any) -> Any:
    """Return a value as JSON can have it: NaN and infinities, which it lacks, as text."""
    if isinstance(value, complex):
        return repr(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _sample(each: Compared) -> dict[str, Any]:
    asked = each.sample.rule.distribution
    return {
        "path": shown(each.sample.path),
        "test": str(asked.test),
        "effect": _value(each.effect),
        "p": each.p,
        "power": each.power,
        "sizes": [each.sample.reference.size, each.sample.current.size],
        "changed": each.changed,
        "shown": each.shown,
        "needed": each.needed,
    }


def as_text(comparison: Comparison) -> str:
    """Return the report for a person."""
    counts = comparison.counts
    lines = []
    for what in What:
        kept = comparison.findings.kept.get(what, [])
        number = comparison.findings.numbers.get(what, 0) + comparison.findings.waived.get(what, 0)
        if not number:
            continue
        lines.append(f"{number} {words(what, number)}:")
        chosen = sorted(kept, key=lambda each: (each.waiver is not None, -each.excess()))[:LINES]
        lines += [f"  {terminal.line(_line(each))}" for each in chosen]
        if number > len(chosen):
            lines.append(f"  ... and {number - len(chosen)} more")
    lines += [*comparison.expired, *comparison.unused]
    ignored = max(counts.ignored_reference, counts.ignored_current)
    lines.append(
        f"{counts.compared} compared: {counts.identical} identical, {counts.within_tolerance} within tolerance, "
        f"{counts.changed} changed; {counts.missing} missing, {counts.extra} extra, {ignored} ignored"
    )
    reasons = f": {'; '.join(comparison.reasons)}" if comparison.reasons else ""
    lines.append(f"{comparison.verdict}{reasons}")
    return "\n".join(lines) + "\n"


def _line(finding: Finding) -> str:
    waived = "" if finding.waiver is None else f" [waived until {finding.waiver.expires}: {finding.waiver.reason}]"
    path = shown(finding.path)
    match finding.what:
        case What.MISSING:
            return f"{path}: {_part(finding, finding.reference)}{waived}"
        case What.EXTRA:
            return f"{path}: {_part(finding, finding.current)}{waived}"
        case What.TYPE | What.SHAPE:
            return f"{path}: {finding.reference} -> {finding.current}{waived}"
    about = ""
    if finding.note:
        about = f" ({finding.note})"
        return f"{path}: {finding.reference} -> {finding.current}{about}{waived}"
    if finding.distance is not None and finding.rule is not None:
        about = f" (off by {finding.distance:.3g}, accepted {finding.tolerance:.3g}: {finding.rule.words()})"
    return f"{path}: {_word(finding.reference)} -> {_word(finding.current)}{about}{waived}"


def _part(finding: Finding, value: Any) -> str:
    return str(value) if finding.leaves > 1 else _word(value)


def _word(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**49:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
