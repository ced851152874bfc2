"""The section on numerical regression: each experiment's comparison with its baseline, and its numbers over revisions."""

from pathlib import Path
from typing import Any

from cloche.report.artifacts import Artifacts, folders, part
from cloche.report.facts import ATTENTION, FAILS, ORDER, PASSES, Section, Verdict, count
from cloche.report.history import History
from cloche.report.shapes import Node

STATES = {
    "identical": PASSES,
    "within tolerance": PASSES,
    "improved": ATTENTION,
    "regressed": FAILS,
    "incomparable": FAILS,
}
COUNTS = ("identical", "within_tolerance", "changed", "missing", "extra")
FORMATS = ("json", "npz", "csv", "parquet")
# How many findings of an experiment are shown, the furthest off first.
FINDINGS = 200
# How many histories of an experiment are drawn; those that moved first.
SERIES = 4


def section(artifacts: Artifacts, place: Path, history: History | None) -> Section:
    """Return the section on the folder of `packages.regression`."""
    experiments, sources, reasons = [], [], []
    state = PASSES
    for name, folder in folders(place, "comparison.json"):
        found, here = _experiment(artifacts, name, folder)
        experiments.append(found)
        sources += here
        state = max(state, STATES[found["verdict"]], key=ORDER.index)
        if STATES[found["verdict"]] != PASSES:
            reasons.append(f"{name}: {found['verdict']}" + "".join(f"; {why}" for why in found["reasons"][:3]))
    verdicts = [each["verdict"] for each in experiments]
    words = ", ".join(f"{verdicts.count(name)} {name}" for name in STATES if name in verdicts)
    facts: dict[str, Any] = {"experiments": experiments}
    if history is not None and history.series:
        names = {each["name"] for each in experiments}
        facts["history"] = [each for each in history.chosen(SERIES) if each["experiment"] in names]
        facts["constant"] = [each for each in history.constant if each["experiment"] in names]
        facts["shifts"] = [each for each in history.shifts if each["experiment"] in names]
        sources.append("history.json")
        if facts["shifts"]:
            state = max(state, ATTENTION, key=ORDER.index)
            reasons.append(f"{count(len(facts['shifts']), 'change', 'changes')} of level in the history")
    return Section(
        "regression",
        "Numerical regression",
        Verdict(state, f"{count(len(experiments), 'experiment')}: {words}", reasons),
        sources,
        facts,
    )


def _experiment(artifacts: Artifacts, name: str, folder: Path) -> tuple[dict[str, Any], list[str]]:
    below = f"regression/{part(name)}"
    file = folder / "comparison.json"
    read = Node(artifacts.json(file, f"{below}/comparison.json"), file).version(1)
    sources = [f"{below}/comparison.json"]
    verdict = read.at("verdict").among(*STATES)
    found: dict[str, Any] = {
        "name": name,
        "class": read.at("class").of(str),
        "baseline": read.at("place").of(str),
        "verdict": verdict,
        "reasons": read.at("reasons").texts(),
        "source": f"{below}/comparison.json",
        "compared": None,
    }
    # What could not be compared at all has no counts.
    if read.get("compared").value is not None:
        found["compared"] = read.at("compared").of(int)
        found["counts"] = {each: read.at(each).of(int) for each in COUNTS}
        found["counts"]["ignored"] = max(each.of(int) for _, each in read.at("ignored").items())
        all_findings = read.at("findings").each()
        found["findings"] = [_finding(each) for each in all_findings[:FINDINGS]]
        found["findings_left_out"] = len(all_findings) - len(found["findings"])
        found["distributions"] = [each.of(dict) for each in read.at("distributions").each()]
        found["unused"] = read.at("unused").texts()
        found["expired"] = read.at("expired").texts()
    for other in ("comparison.txt", "platform.json", *(f"result.{form}" for form in FORMATS)):
        if (folder / other).exists():
            artifacts.data(folder / other, f"{below}/{other}")
            sources.append(f"{below}/{other}")
    return found, sources


def _finding(each: Node) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": each.at("kind").of(str), "path": each.at("path").of(str)}
    for name in ("baseline", "current", "distance", "tolerance"):
        value = each.get(name).value
        if value is not None:
            found[name] = value if isinstance(value, int | float | bool) else str(value)[:200]
    for name in ("rule", "note", "waived"):
        if (text := each.get(name).maybe(str)) is not None:
            found[name] = text
    if isinstance(found.get("distance"), int | float) and isinstance(found.get("tolerance"), int | float):
        # How many times the accepted difference; nothing where none is accepted.
        found["excess"] = found["distance"] / found["tolerance"] if found["tolerance"] else None
    return found
