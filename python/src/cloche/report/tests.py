"""The section on tests: every test's outcome, what a selection says of it, and how it fared before and under chaos."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloche.chaos.judge import plain_name
from cloche.report.artifacts import Artifacts
from cloche.report.facts import ATTENTION, FAILS, PASSES, Section, Verdict
from cloche.report.history import History
from cloche.report.shapes import Node
from cloche.suite import judge

OUTCOMES = ("passed", "failed", "error", "flaky", "skipped", "xfailed")
# Of a message as much as a person reads in a table.
MESSAGE = 500
# How many reasons the overview shows.
REASONS = 20


@dataclass(frozen=True)
class Tests:
    """Where tests were recorded, and what is known of them from elsewhere."""

    results: Path
    # The record's durations, None where they are not to be shown.
    durations: Path | None = None
    quarantine: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # The day by which the quarantine is judged.
    date: str = ""


def outcomes_of(artifacts: Artifacts, given: Tests) -> Node:
    """Return the record of a suite, checked."""
    file = given.results / "outcomes.json"
    outcomes = Node(artifacts.json(file, "tests/outcomes.json"), file).version(1)
    for each in outcomes.at("tests").each():
        each.at("test").of(str)
        each.at("outcome").among(*OUTCOMES)
        each.at("message").of(str)
    return outcomes


def section(  # noqa: PLR0913, PLR0917 - each is what another capability knows of the tests
    artifacts: Artifacts,
    given: Tests,
    outcomes: Node,
    history: History | None,
    chaos: dict[str, tuple[int, int]],
    selection: Node | None,
) -> Section:
    """Return the section. `chaos` has by plain name how often a test survived, of how many seeds in which a fault fired."""
    sources = ["tests/outcomes.json"]
    entries: list[dict[str, Any]] = []
    for each in outcomes.at("tests").each():
        entry: dict[str, Any] = {name: each.at(name).of(str) for name in ("test", "outcome", "message")}
        if (inner := each.get("subtests")).value is not None:
            entry["subtests"] = inner.texts()
        entries.append(entry)
    found = judge.judge(entries, {name: dict(terms) for name, terms in given.quarantine.items()}, given.date)
    seconds: dict[str, float] = {}
    if given.durations is not None:
        times = Node(artifacts.json(given.durations, "tests/durations.json"), given.durations)
        seconds = {name: each.of(float) for name, each in times.items()}
        sources.append("tests/durations.json")
    chosen = {} if selection is None else _chosen(selection)
    if selection is not None:
        sources.append("selection/selection.json")
    if history is not None:
        sources.append("history.json")
    rows = [_row(entry, seconds, chosen, history, chaos) for entry in entries]
    counts = {name: sum(row["outcome"] == name for row in rows) for name in OUTCOMES}
    state = FAILS if found.fault is not None else ATTENTION if found.held else PASSES
    reasons = ([found.fault] if found.fault and not found.bad else []) + found.bad[:REASONS] + found.held
    if len(found.bad) > REASONS:
        reasons.append(f"and {len(found.bad) - REASONS} more tests that failed")
    shown = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    facts: dict[str, Any] = {"counts": {name: number for name, number in counts.items() if number}, "tests": rows}
    if seconds:
        facts["seconds"] = round(sum(seconds.values()), 3)
    if history is not None and history.revisions:
        facts["history"] = [vars(each) for each in history.revisions]
    return Section("tests", "Tests", Verdict(state, shown or "no test", reasons), sources, facts)


def _row(
    entry: dict[str, Any],
    seconds: dict[str, float],
    chosen: dict[str, dict[str, str]],
    history: History | None,
    chaos: dict[str, tuple[int, int]],
) -> dict[str, Any]:
    name = entry["test"]
    row: dict[str, Any] = {"test": name, "outcome": entry["outcome"]}
    words = " ".join([*entry.get("subtests", []), entry["message"]]).strip()
    if words:
        row["message"] = words if len(words) <= MESSAGE else f"{words[:MESSAGE]}…"
    if name in seconds:
        row["seconds"] = seconds[name]
    # A selection is of functions: their parameters run together.
    if (said := chosen.get(name.partition("[")[0])) is not None:
        row["selection"] = said
    if history is not None and (before := history.tests.get(name)) is not None:
        row["before"] = {"runs": before[0], "failures": before[1], "changes": before[2]}
    if name in chaos:
        row["chaos"] = {"survived": chaos[name][0], "seeds": chaos[name][1]}
    return row


def _chosen(selection: Node) -> dict[str, dict[str, str]]:
    """Return by plain name whether a test is selected, and why."""
    found = {}
    for each in selection.at("left_out").each():
        found[plain_name(each.at("id").of(str))] = {"state": "left out", "reason": each.at("reason").of(str)}
    for each in selection.at("tests").each():
        reasons = each.at("reasons").texts()
        found[plain_name(each.at("id").of(str))] = {"state": "selected", "reason": "; ".join(reasons[:3])}
    return found


def selection_section(selection: Node) -> Section:
    """Return the section on the selection of tests for the last change (version 2)."""
    everything = selection.at("everything").maybe(str)
    empty = selection.at("empty").maybe(str)
    tests, left = selection.at("tests").each(), selection.at("left_out").each()
    words = f"{len(tests)} selected, {len(left)} left out"
    if everything is not None:
        words = f"everything is selected: {everything}"
    elif empty is not None:
        words = f"no test is selected: {empty}"
    notes = selection.at("notes").texts()
    whys: dict[str, int] = {}
    for each in left:
        why = each.at("reason").of(str)
        whys[why] = whys.get(why, 0) + 1
    seconds = selection.at("seconds")
    recall = selection.at("recall")
    facts: dict[str, Any] = {
        "selected": len(tests),
        "left_out": len(left),
        "known": selection.at("known").of(int),
        "everything": everything,
        "left_out_by_reason": dict(sorted(whys.items(), key=lambda item: (-item[1], item[0]))),
        "changes": selection.at("changes").texts(),
        "notes": notes,
        "seconds": None
        if seconds.value is None
        else {name: seconds.at(name).of(float) for name in ("selected", "all")},
        "recall": None
        if recall.value is None
        else {
            name: recall.at(name).of(float) for name in ("value", "low", "high") if recall.get(name).value is not None
        },
    }
    state = ATTENTION if notes else "shown"
    return Section("selection", "Selected tests", Verdict(state, words, notes), ["selection/selection.json"], facts)
