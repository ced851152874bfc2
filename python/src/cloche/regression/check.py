"""Turn the comparisons of all experiments into a verdict; standard library only."""

import json
import sys
from pathlib import Path
from typing import Any

PASSED = ("identical", "within tolerance", "improved")


def main(attributes: dict[str, Any]) -> None:
    """Write the verdicts into attributes["outputs"]["out"], or fail with the comparisons that did not pass."""
    lines, bad = [], []
    for name, folder in sorted(attributes["comparisons"].items()):
        verdict = json.loads(Path(folder, "comparison.json").read_text(encoding="utf-8"))["verdict"]
        text = Path(folder, "comparison.txt").read_text(encoding="utf-8")
        print(f"== {name} ({folder})\n{text}", end="")
        if verdict == "improved":
            print(f"{name} has improved; make that the new baseline: nix run .#accept -- {name} --why '...'")
        if verdict not in PASSED:
            bad.append(f"{name}: {verdict}")
        lines.append(f"{name}: {verdict}\n")
    if bad:
        sys.exit("; ".join(bad))
    Path(attributes["outputs"]["out"]).write_text("".join(lines))
