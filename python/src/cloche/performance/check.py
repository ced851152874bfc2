"""Turn the verdicts of all benchmarks into one, and those of the controls, which must be what was planted."""

import json
import sys
from pathlib import Path
from typing import Any

# What a control must be called by its instructions, and what it must not by its time: noise may hide it there.
PLANTED = {"slower": "faster", "faster": "slower"}


def missed(name: str, data: dict[str, Any]) -> list[str]:
    """Return how a control was judged wrongly."""
    found = []
    for case in data["cases"]:
        counted, clocked = case["instructions"]["verdict"], case["time"]["verdict"]
        if counted != name:
            found.append(f"the planted {name} program is {counted!r} by its instructions")
        if clocked == PLANTED[name]:
            found.append(f"the planted {name} program is {clocked!r} by its time")
    return found or ([] if data["cases"] else [f"the planted {name} program was not measured"])


def main(attributes: dict[str, Any]) -> None:
    """Write the verdicts into attributes["outputs"]["out"], or fail with what has become slower."""
    bad, lines = [], []
    for kind in ("controls", "comparisons"):
        for name, folder in sorted(attributes[kind].items()):
            data = json.loads(Path(folder, "performance.json").read_text(encoding="utf-8"))
            text = Path(folder, "performance.txt").read_text(encoding="utf-8")
            print(f"== {name}{' (a control)' if kind == 'controls' else ''} ({folder})\n{text}", end="")
            if kind == "controls":
                bad += missed(name, data)
                continue
            if data["verdict"] == "slower":
                slow = [case["name"] for case in data["cases"] if case["verdict"] == "slower"]
                bad.append(f"{name}: slower ({', '.join(slow)})")
            lines.append(f"{name}: {data['verdict']}\n")
    if bad:
        sys.exit("; ".join(bad))
    Path(attributes["outputs"]["out"]).write_text("".join(lines))
