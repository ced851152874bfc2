"""Turn the report of an audit into a verdict; runs inside a derivation, with the standard library."""

import json
import sys
from pathlib import Path
from typing import Any


def main(attributes: dict[str, Any]) -> None:
    """Write the report's text into attributes["outputs"]["out"], or fail with it."""
    folder = Path(attributes["report"])
    text = (folder / "report.txt").read_text(encoding="utf-8")
    if json.loads((folder / "report.json").read_text(encoding="utf-8"))["verdict"] != "passes":
        sys.exit(f"{text}the whole report is in {folder}")
    Path(attributes["outputs"]["out"]).write_text(text, encoding="utf-8")
    sys.stdout.write(text)
