"""The sections on performance and profiles."""

from pathlib import Path
from typing import Any

from cloche.report.artifacts import Artifacts, folders, part
from cloche.report.facts import ATTENTION, FAILS, ORDER, PASSES, SHOWN, Section, Verdict, count
from cloche.report.history import History
from cloche.report.shapes import Node

# "inconclusive" is never red by itself.
STATES = {
    "slower": FAILS,
    "inconclusive": ATTENTION,
    "faster": PASSES,
    "unchanged": PASSES,
    "not compared": SHOWN,
}
ENOUGH, TOO_FEW = "enough samples", "not enough samples"
FUNCTIONS = 15
# The name by which the telemetry keeps a benchmark among the experiments.
BENCHMARK = "performance/"
# How many cases of a benchmark and instrument are drawn over revisions; those that moved first.
TRENDS = 4


def section(artifacts: Artifacts, place: Path, history: History | None) -> Section:
    """Return the section on the folder of `packages.performance`, and what its benchmarks cost on former revisions."""
    benchmarks: list[dict[str, Any]] = []
    sources: list[str] = []
    reasons: list[str] = []
    state = SHOWN
    for name, folder in folders(place, "performance.json"):
        below = f"performance/{part(name)}/performance.json"
        file = folder / "performance.json"
        read = Node(artifacts.json(file, below), file).version(1)
        sources.append(below)
        verdict = read.at("verdict").among(*STATES)
        state = max(state, STATES[verdict], key=ORDER.index)
        revisions = read.at("revisions")
        cases = [_case(each) for each in read.at("cases").each()]
        benchmarks.append(
            {
                "name": name,
                "verdict": verdict,
                "source": below,
                "compared": read.at("compared").of(bool),
                "base": revisions.at("base").maybe(str),
                "head": revisions.at("head").maybe(str),
                "gates": {gate: each.of(float) for gate, each in read.at("gates").items()},
                "cases": cases,
            }
        )
        reasons += [
            f"{name}: {case['name']}: {why}"
            for case in cases
            if STATES[case["verdict"]] != PASSES
            for why in case["reasons"]
        ]
    verdicts = [case["verdict"] for each in benchmarks for case in each["cases"]]
    words = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in STATES if verdict in verdicts)
    facts: dict[str, Any] = {"benchmarks": benchmarks}
    names = {f"{BENCHMARK}{each['name']}": each["name"] for each in benchmarks}
    if history is not None and (over := _over_revisions(history, names)):
        facts |= over
        sources.append("history.json")
        if facts["shifts"]:
            state = max(state, ATTENTION, key=ORDER.index)
            reasons.append(f"{count(len(facts['shifts']), 'change', 'changes')} of level in the history")
    return Section("performance", "Performance", Verdict(state, words or "no case", reasons), sources, facts)


def _over_revisions(history: History, names: dict[str, str]) -> dict[str, Any]:
    """Return the history of benchmarks that the telemetry keeps under these names; nothing where there is none."""

    def named(each: dict[str, Any]) -> dict[str, Any]:
        rest = {name: value for name, value in each.items() if name not in {"experiment", "class", "path"}}
        case = {"case": each["path"]} if "path" in each else {}
        return {"benchmark": names[each["experiment"]], "unit": each["class"], **case, **rest}

    drawn = [named(each) for each in history.chosen(TRENDS) if each["experiment"] in names]
    constant = [named(each) for each in history.constant if each["experiment"] in names]
    if not drawn and not constant:
        return {}
    return {
        "history": drawn,
        "constant": constant,
        "shifts": [named(each) for each in history.shifts if each["experiment"] in names],
    }


def _case(each: Node) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": each.at("name").of(str),
        "verdict": each.at("verdict").among(*STATES),
        "reasons": each.at("reasons").texts(),
        "instructions": None,
        "time": None,
    }
    if each.at("instructions").value is not None:
        counted = each.at("instructions")
        found["instructions"] = {
            "verdict": counted.at("verdict").of(str),
            **{name: counted.at(name).maybe(float) for name in ("base", "head", "change", "repeatability")},
        }
    if each.at("time").value is not None:
        timed = each.at("time")
        interval = timed.at("interval")
        found["time"] = {
            "verdict": timed.at("verdict").of(str),
            **{name: timed.at(name).maybe(float) for name in ("base", "head", "change", "noise")},
            "interval": None if interval.value is None else [end.of(float) for end in interval.each()],
            "runs": {side: [run.of(float) for run in runs.each()] for side, runs in timed.at("runs").items()},
        }
    return found


def profiles(artifacts: Artifacts, place: Path) -> Section:
    """Return the section on the folder of `packages.profile`."""
    found: list[dict[str, Any]] = []
    sources: list[str] = []
    reasons: list[str] = []
    for name, folder in folders(place, "profile.json"):
        below = f"profile/{part(name)}"
        file = folder / "profile.json"
        read = Node(artifacts.json(file, f"{below}/profile.json"), file).version(1)
        verdict = read.at("verdict").among(ENOUGH, TOO_FEW)
        sources.append(f"{below}/profile.json")
        beside = []
        for other in ("flamegraph.svg", "difference.svg", "stacks.folded", "base.folded"):
            if (folder / other).exists():
                artifacts.data(folder / other, f"{below}/{other}")
                beside.append(f"{below}/{other}")
        sources += beside
        samples, floor = read.at("samples").of(int), read.at("floor").of(int)
        if verdict == TOO_FEW:
            reasons.append(f"{name}: {samples} samples, fewer than the floor of {floor}")
        changes = read.at("changes")
        found.append(
            {
                "name": read.at("profile").of(str),
                "kind": read.at("kind").of(str),
                "verdict": verdict,
                "samples": samples,
                "floor": floor,
                "seconds": read.at("seconds").of(float),
                "shares": {share: each.of(float) for share, each in read.at("shares").items()},
                "functions": [_function(each, ("own", "total")) for each in read.at("functions").each()[:FUNCTIONS]],
                "changes": None
                if changes.value is None
                else [_function(each, ("base", "head", "change")) for each in changes.each()[:FUNCTIONS]],
                "flamegraph": next((each for each in beside if each.endswith("flamegraph.svg")), None),
                "difference": next((each for each in beside if each.endswith("difference.svg")), None),
                "source": f"{below}/profile.json",
            }
        )
    words = f"{count(len(found), 'profile')}, {sum(each['samples'] for each in found)} samples"
    state = ATTENTION if reasons else SHOWN
    return Section("profiles", "Profiles", Verdict(state, words, reasons), sources, {"profiles": found})


def _function(each: Node, numbers: tuple[str, ...]) -> dict[str, Any]:
    return {
        "function": each.at("function").of(str),
        "file": each.at("file").of(str),
        **{name: each.at(name).of(float) for name in numbers},
    }
