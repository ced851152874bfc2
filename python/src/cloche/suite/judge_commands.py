"""Turn the record of commands into a verdict; standard library only."""

import json
import sys
from pathlib import Path
from typing import Any


def main(attributes: dict[str, Any]) -> None:
    """Write what the recorded commands said into attributes["outputs"]["out"], or fail with it."""
    record = Path(attributes["record"], "commands.json")
    commands = json.loads(record.read_text(encoding="utf-8"))["commands"]
    text = "".join(f"$ {each['command']}\n{each['output']}" for each in commands)
    sys.stdout.write(text)
    if failed := [f"{each['command']} ended with {each['code']}" for each in commands if each["code"]]:
        sys.exit("; ".join(failed))
    Path(attributes["outputs"]["out"]).write_text(text, encoding="utf-8")
