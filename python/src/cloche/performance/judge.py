"""Turn the figures of a benchmark into verdicts, for programs and for people, and store them, whatever they say."""

import json
import math
from pathlib import Path
from statistics import median
from typing import Any

from cloche.performance import statistics
from cloche.performance.statistics import Verdict


def finite(value: float) -> float | None:
    """Return a number as JSON can have it."""
    return value if math.isfinite(value) else None


def of_counts(case: dict[str, Any], gate: float, *, base: bool) -> tuple[dict[str, Any] | None, str]:
    """Return what instructions say of a case, and why."""
    counts = case["counts"]
    if "head" not in counts:
        return None, ""
    if case["processes"]:
        return None, "instructions: it starts other processes, whose instructions are not counted"
    if base and "base" not in counts:
        return None, ""
    before = counts["base"] if base else counts["head"]
    verdict, change, repeatability, reason = statistics.counts(before, counts["head"], gate)
    if not base and verdict is not Verdict.INCONCLUSIVE:
        verdict = Verdict.NOT_COMPARED
    return {
        "verdict": verdict,
        "base": median(before) if base else None,
        "head": median(counts["head"]),
        "change": finite(change) if base else None,
        "repeatability": finite(repeatability),
        "calls": case["calls"],
        "counts": {"base": before if base else [], "head": counts["head"]},
    }, reason


def of_times(case: dict[str, Any], effect: float, *, base: bool) -> tuple[dict[str, Any] | None, str]:
    """Return what times say of a case, and why."""
    runs = case["seconds"]
    if "head" not in runs:
        return None, ""
    if not base:
        floor = statistics.paired(runs["head"], runs["again"])
        return {
            "verdict": Verdict.NOT_COMPARED,
            "base": None,
            "head": median([*runs["head"], *runs["again"]]),
            "change": None,
            "interval": None,
            "noise": None if floor is None else floor.bound,
            "runs": {"base": [], "again": runs["again"], "head": runs["head"]},
        }, ""
    if len(runs.get("base", [])) != len(runs["head"]) or len(runs.get("again", [])) != len(runs["head"]):
        return None, ""
    found = statistics.rounds(runs["base"], runs["again"], runs["head"], effect)
    return {
        "verdict": found.verdict,
        "base": median([*runs["base"], *runs["again"]]),
        "head": median(runs["head"]),
        "change": found.estimate.change if found.estimate else found.change,
        "interval": [found.estimate.low, found.estimate.high] if found.estimate else None,
        "noise": found.noise,
        "runs": {arm: runs[arm] for arm in ("base", "again", "head")},
    }, found.reason


def of_case(name: str, case: dict[str, Any], settings: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict on a case with all that it rests on."""
    base = record["base"]
    instructions, why_counts = of_counts(case, settings["instructions"], base=base)
    time, why_times = of_times(case, settings["time"], base=base)
    verdicts = [Verdict(each["verdict"]) for each in (instructions, time) if each is not None]
    reasons = [reason for reason in (why_counts, why_times) if reason]
    if not base:
        reasons = [
            "there is no base to compare with (cloche.base)",
            *(reasons if Verdict.INCONCLUSIVE in verdicts else []),
        ]
    elif not verdicts:
        why = case["failed"].get("base") or record["broken"]
        last = why.strip().splitlines()[-1] if why.strip() else "it is not there"
        reasons.append(f"the base has no figures for it: {last}")
    verdict = statistics.worst(verdicts) if verdicts else Verdict.NOT_COMPARED
    return {"name": name, "verdict": verdict, "reasons": reasons, "instructions": instructions, "time": time}


def as_data(record: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return the verdicts on all cases; version 1, described in docs/performance.md."""
    cases = [of_case(name, case, settings, record) for name, case in sorted(record["cases"].items())]
    return {
        "version": 1,
        "benchmark": settings["benchmark"],
        "compared": record["base"] and any(each["verdict"] is not Verdict.NOT_COMPARED for each in cases),
        "revisions": settings["revisions"],
        "verdict": statistics.worst([each["verdict"] for each in cases]),
        "gates": {
            "instructions": settings["instructions"],
            "time": settings["time"],
            "runs": settings["runs"],
            "confidence": statistics.CONFIDENCE,
        },
        "cases": cases,
    }


def seconds(value: float) -> str:
    """Return a duration with three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def as_text(data: dict[str, Any]) -> str:
    """Return the verdicts for a person."""
    lines = [f"{data['benchmark']}: {data['verdict']}"]
    for case in data["cases"]:
        lines.append(f"  {case['name']}: {case['verdict']}")
        lines += [f"    {reason}" for reason in case["reasons"]]
        if found := case["instructions"]:
            before = "" if found["base"] is None else f"{found['base']:,.0f} -> "
            spread = (
                "do not repeat" if found["repeatability"] is None else f"repeat to {found['repeatability'] * 100:.3f} %"
            )
            lines.append(
                f"    instructions a call: {before}{found['head']:,.0f} ({found['calls']} calls, counted twice, {spread})"
            )
        if found := case["time"]:
            before = "" if found["base"] is None else f"{seconds(found['base'])} -> "
            noise = "unknown" if found["noise"] is None else statistics.percent(found["noise"])
            lines.append(
                f"    time: {before}{seconds(found['head'])} ({len(found['runs']['head'])} rounds, noise floor {noise})"
            )
    return "\n".join(lines) + "\n"


def main(attributes: dict[str, Any]) -> None:
    """Write performance.json and performance.txt into attributes["outputs"]["out"]."""
    out = Path(attributes["outputs"]["out"])
    record = json.loads(Path(attributes["record"], "record.json").read_text(encoding="utf-8"))
    data = as_data(record, attributes["settings"])
    out.mkdir()
    (out / "performance.json").write_text(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    (out / "performance.txt").write_text(as_text(data))
    (out / "record").symlink_to(attributes["record"])
