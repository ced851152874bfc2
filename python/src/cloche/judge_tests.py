"""Turn recorded outcomes into a verdict; standard library only."""

import json
import sys
from pathlib import Path
from typing import Any

BAD = ("failed", "error", "flaky")


def first_line(entry: dict[str, Any]) -> str:
    """Return a test with the first line of what it said, and its subtests that failed."""
    inside = "".join(f" {name}" for name in entry.get("subtests", []))
    return f"{entry['test']}{inside}: {(entry['message'].splitlines() or ['(no message)'])[0]}"


def held(tests: list[dict[str, Any]], quarantine: dict[str, dict[str, str]], date: str) -> tuple[list[str], set[str]]:
    """Return what there is to say of tests in quarantine, and those whose failure does not count.

    A quarantine holds up to its day, by the date of the flake's revision: a derivation knows no other.
    """
    known = {entry["test"]: entry for entry in tests}
    if strange := sorted(set(quarantine) - set(known)):
        sys.exit(
            f"cloche.tests.quarantine names {', '.join(strange)}, which is no test; take it out, or write it as "
            "outcomes.json does"
        )
    lines, excused = [], set()
    for test, terms in sorted(quarantine.items()):
        entry, until = known[test], f"in quarantine until {terms['until']} ({terms['reason']})"
        if entry["outcome"] not in BAD:
            lines.append(f"{until}: {test} passes; take it out of cloche.tests.quarantine")
        elif date <= terms["until"]:
            lines.append(f"{until}: {entry['outcome']} {first_line(entry)}")
            excused.add(test)
        else:
            entry["message"] = f"its quarantine ({terms['reason']}) ended on {terms['until']}; {entry['message']}"
    return lines, excused


def main(attributes: dict[str, Any]) -> None:
    """Write the counts into attributes["outputs"]["out"], or fail with a line for each test that did not pass."""
    results = Path(attributes["results"])
    data = json.loads((results / "outcomes.json").read_text())
    lines, excused = held(data["tests"], attributes.get("quarantine", {}), attributes.get("date", ""))
    bad = [entry for entry in data["tests"] if entry["outcome"] in BAD and entry["test"] not in excused]
    # A failure that the suite itself says it expects is no defect, as for pytest; it is shown, so that it hides nothing.
    passed = sum(entry["outcome"] == "passed" for entry in data["tests"])
    expected = sum(entry["outcome"] == "xfailed" for entry in data["tests"])
    for entry in data["tests"]:
        if entry["outcome"] == "xfailed":
            print(f"failed as expected {entry['test']}: {entry['message']}")
    summary = f"{passed} passed, {len(bad)} failed"
    summary += f", {expected} failed as expected" if expected else ""
    summary += f", {len(excused)} in quarantine" if excused else ""
    skipped = [entry for entry in data["tests"] if entry["outcome"] == "skipped"]
    for entry in skipped:
        print(f"skipped {entry['test']}: {entry['message']}")
    for line in lines:
        print(line)
    if passed + len(bad) == 0:
        if excused:
            sys.exit(f"no test passed, {len(excused)} are in quarantine, so nothing was shown; the reasons are above")
        if expected:
            sys.exit(f"no test passed, {expected} failed as expected, so nothing was shown; the reasons are above")
        sys.exit(f"all {len(skipped)} tests were skipped, so nothing was shown; the reasons are above")
    if bad:
        for entry in bad:
            print(f"{entry['outcome']} {first_line(entry)}", file=sys.stderr)
        sys.exit(f"{summary}; the whole record is in {results}/junit.xml")
    Path(attributes["outputs"]["out"]).write_text("".join(f"{line}\n" for line in [*lines, summary]))
    print(summary)
