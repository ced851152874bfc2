"""Turn recorded outcomes into a verdict; standard library only."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloche.outcomes.failures import failing


def first_line(entry: dict[str, Any]) -> str:
    """Return a test with the first line of what it said, and its subtests that failed."""
    inside = "".join(f" {name}" for name in entry.get("subtests", []))
    return f"{entry['test']}{inside}: {(entry['message'].splitlines() or ['(no message)'])[0]}"


def held(tests: list[dict[str, Any]], quarantine: dict[str, dict[str, str]], date: str) -> tuple[list[str], set[str]]:
    """Return what there is to say of tests in quarantine, and those whose failure does not count.

    A quarantine holds up to its day, by the date of the flake's revision: a derivation knows no other.
    """
    known = {entry["test"]: entry for entry in tests}
    lines, excused = [], set()
    for test, terms in sorted(quarantine.items()):
        entry, until = known[test], f"in quarantine until {terms['until']} ({terms['reason']})"
        if not failing(entry["outcome"]):
            lines.append(f"{until}: {test} passes; take it out of cloche.tests.quarantine")
        elif date <= terms["until"]:
            lines.append(f"{until}: {entry['outcome']} {first_line(entry)}")
            excused.add(test)
        else:
            entry["message"] = f"its quarantine ({terms['reason']}) ended on {terms['until']}; {entry['message']}"
    return lines, excused


@dataclass(frozen=True)
class Judgement:
    """What is said of a record: of tests that do not fail, of those that do, the counts, and why it does not pass."""

    shown: list[str]
    held: list[str]
    bad: list[str]
    summary: str
    # None where it passes.
    fault: str | None


def judge(tests: list[dict[str, Any]], quarantine: dict[str, dict[str, str]], date: str) -> Judgement:
    """Return the judgement on a record's tests."""
    if strange := sorted(set(quarantine) - {entry["test"] for entry in tests}):
        unknown = (
            f"cloche.tests.quarantine names {', '.join(strange)}, which is no test; take it out, or write it as "
            "outcomes.json does"
        )
        return Judgement([], [], [], "", unknown)
    lines, excused = held(tests, quarantine, date)
    bad = [entry for entry in tests if failing(entry["outcome"]) and entry["test"] not in excused]
    # A failure that the suite itself says it expects is no defect, as for pytest; it is shown, so that it hides nothing.
    expected = [entry for entry in tests if entry["outcome"] == "xfailed"]
    skipped = [entry for entry in tests if entry["outcome"] == "skipped"]
    passed = sum(entry["outcome"] == "passed" for entry in tests)
    summary = f"{passed} passed, {len(bad)} failed"
    summary += f", {len(expected)} failed as expected" if expected else ""
    summary += f", {len(excused)} in quarantine" if excused else ""
    fault: str | None = None
    if passed + len(bad) == 0:
        fault = f"all {len(skipped)} tests were skipped, so nothing was shown; the reasons are above"
        if excused:
            fault = f"no test passed, {len(excused)} are in quarantine, so nothing was shown; the reasons are above"
        elif expected:
            fault = f"no test passed, {len(expected)} failed as expected, so nothing was shown; the reasons are above"
    elif bad:
        fault = summary
    shown = [f"failed as expected {entry['test']}: {entry['message']}" for entry in expected]
    shown += [f"skipped {entry['test']}: {entry['message']}" for entry in skipped]
    return Judgement(shown, lines, [f"{entry['outcome']} {first_line(entry)}" for entry in bad], summary, fault)


def main(attributes: dict[str, Any]) -> None:
    """Write the counts into attributes["outputs"]["out"], or fail with a line for each test that did not pass."""
    results = Path(attributes["results"])
    data = json.loads((results / "outcomes.json").read_text())
    found = judge(data["tests"], attributes.get("quarantine", {}), attributes.get("date", ""))
    for line in [*found.shown, *found.held]:
        print(line)
    for line in found.bad:
        print(line, file=sys.stderr)
    if found.fault is not None:
        sys.exit(f"{found.fault}; the whole record is in {results}/junit.xml" if found.bad else found.fault)
    Path(attributes["outputs"]["out"]).write_text("".join(f"{line}\n" for line in [*found.held, found.summary]))
    print(found.summary)
