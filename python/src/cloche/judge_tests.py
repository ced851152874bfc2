"""Turn recorded outcomes into a verdict; standard library only."""

import json
import sys
from pathlib import Path
from typing import Any

BAD = ("failed", "error")


def main(attributes: dict[str, Any]) -> None:
    """Write the counts into attributes["outputs"]["out"], or fail with a line for each test that did not pass."""
    results = Path(attributes["results"])
    data = json.loads((results / "outcomes.json").read_text())
    bad = [entry for entry in data["tests"] if entry["outcome"] in BAD]
    # A failure that the suite itself says it expects is no defect, as for pytest; it is shown, so that it hides nothing.
    passed = sum(entry["outcome"] in ("passed", "xfailed") for entry in data["tests"])
    for entry in data["tests"]:
        if entry["outcome"] == "xfailed":
            print(f"failed as expected {entry['test']}: {entry['message']}")
    summary = f"{passed} passed, {len(bad)} failed"
    skipped = [entry for entry in data["tests"] if entry["outcome"] == "skipped"]
    for entry in skipped:
        print(f"skipped {entry['test']}: {entry['message']}")
    if passed + len(bad) == 0:
        sys.exit(f"all {len(skipped)} tests were skipped, so nothing was shown; the reasons are above")
    if bad:
        for entry in bad:
            first = (entry["message"].splitlines() or ["(no message)"])[0]
            print(f"{entry['outcome']} {entry['test']}: {first}", file=sys.stderr)
        sys.exit(f"{summary}; the whole record is in {results}/junit.xml")
    Path(attributes["outputs"]["out"]).write_text(f"{summary}\n")
    print(summary)
