"""The sections on lint and types: the commands that looked at the source, and what they said."""

from pathlib import Path
from typing import Any

from cloche.report.artifacts import Artifacts
from cloche.report.facts import FAILS, PASSES, Section, Verdict, count
from cloche.report.shapes import Node

TITLES = {"lint": "Lint", "types": "Types"}
# Of what a command said as much as a page shows.
TEXT = 20_000


def section(artifacts: Artifacts, record: Path, *, name: str) -> Section:
    """Return the section called `name` on the record of commands, a folder with commands.json."""
    file, kept = record / "commands.json", f"{name}/commands.json"
    read = Node(artifacts.json(file, kept), file).version(1)
    commands: list[dict[str, Any]] = []
    for each in read.at("commands").each():
        said = each.at("output").of(str)
        output = said if len(said) <= TEXT else f"{said[:TEXT]}\n… all of it is in commands.json"
        commands.append({"command": each.at("command").of(str), "code": each.at("code").of(int), "output": output})
    reasons = [f"{each['command']} ended with {each['code']}" for each in commands if each["code"]]
    words = f"{len(commands) - len(reasons)} of {count(len(commands), 'command')} passed"
    return Section(
        name, TITLES[name], Verdict(FAILS if reasons else PASSES, words, reasons), [kept], {"commands": commands}
    )
