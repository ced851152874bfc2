"""The section on chaos: how much of the suite survives faults, with the interval that so many tests can show."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloche.chaos import judge
from cloche.report.artifacts import Artifacts
from cloche.report.facts import FAILS, PASSES, Section, Verdict
from cloche.report.shapes import Node

# How many failures are shown with their faults.
FAILURES = 100
FIRED = 12


@dataclass(frozen=True)
class Chaos:
    """The recordings, one for each seed, and by what they are judged (options cloche.chaos)."""

    recordings: list[Path]
    floor: float
    most: dict[str, int | None] = field(default_factory=dict)


def section(artifacts: Artifacts, given: Chaos, outcomes: Node) -> tuple[Section, dict[str, tuple[int, int]]]:
    """Return the section, and by plain name how often each test survived, of how many seeds in which a fault fired."""
    recordings, sources = [], []
    for folder in given.recordings:
        file = folder / "chaos.json"
        read = Node(artifacts.json(file, "chaos/new.json"), file).version(1)
        name = f"chaos/seed-{read.at('settings').at('seed').of(int)}.json"
        artifacts.rename("chaos/new.json", name)
        sources.append(name)
        recordings.append(_checked(read))
    recordings.sort(key=lambda recording: int(recording["settings"]["seed"]))
    verdict, problems, facts = judge.judge(recordings, outcomes.of(dict), given.floor, given.most)
    by_test: dict[str, tuple[int, int]] = {
        judge.plain_name(test.name): (test.survived, test.fired) for test in facts.tests.values() if test.fired
    }
    words = "no fault fired"
    if verdict["pairs"]:
        words = f"{verdict['survived']} of {verdict['pairs']} survived; at least {verdict['lower95']:.1%} with 95 % confidence"
    shown: dict[str, Any] = {
        name: verdict[name]
        for name in ("pairs", "survived", "tests", "survival", "lower95", "floor", "faults", "by_type", "seeds")
    }
    shown["left_out"] = {
        name: {"tests": verdict[name], "means": meaning, "most": given.most.get(name)}
        for name, meaning in judge.CAPPED.items()
    }
    shown["by_seed"] = [_by_seed(each) for each in recordings]
    shown["failures"] = _failures(recordings)
    state = FAILS if problems else PASSES
    return Section("chaos", "Chaos", Verdict(state, words, problems), sorted(sources), shown), by_test


def _checked(read: Node) -> dict[str, Any]:
    """Return a recording if it has what the judge and the page take from it."""
    for each in read.at("tests").each():
        for name in ("test", "outcome", "message", "replay"):
            each.at(name).of(str)
        each.at("unasserted").of(bool)
        each.at("marker").maybe(str)
        for fault in each.at("fired").each():
            for name in ("operation", "fault", "at", "type"):
                fault.at(name).of(str)
    read.at("counts").of(dict)
    return read.of(dict)


def _by_seed(recording: dict[str, Any]) -> dict[str, Any]:
    fired = [entry for entry in recording["tests"] if entry["fired"] and entry["marker"] != "fragile"]
    return {
        "seed": recording["settings"]["seed"],
        "survived": sum(entry["outcome"] == "survived" for entry in fired),
        "reached": len(fired),
        "faults": sum(len(entry["fired"]) for entry in recording["tests"]),
        "counts": recording["counts"],
    }


def _failures(recordings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [
        {
            "test": entry["test"],
            "seed": recording["settings"]["seed"],
            "outcome": entry["outcome"],
            "expected": entry["marker"] == "fragile",
            "message": " ".join(entry["message"].split())[:300],
            "fired": [f"{each['operation']} {each['fault']} at {each['at']}" for each in entry["fired"][:FIRED]],
            "replay": entry["replay"],
        }
        for recording in recordings
        for entry in recording["tests"]
        if entry["outcome"] in {"failed", "hung"}
    ]
    return sorted(found, key=lambda each: (each["expected"], each["test"], each["seed"]))[:FAILURES]
