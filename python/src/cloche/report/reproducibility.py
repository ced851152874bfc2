"""The section on reproducibility: the outputs that were built again, under which circumstances, and what differed."""

from pathlib import Path
from typing import Any

from cloche.report.artifacts import Artifacts
from cloche.report.facts import FAILS, PASSES, Section, Verdict
from cloche.report.shapes import Node

# Of what diffoscope says as much as a page shows.
TEXT = 4000


def section(artifacts: Artifacts, file: Path) -> Section:
    """Return the section on what `nix run .#reproduce -- --json` printed."""
    name = "reproduce/report.json"
    read = Node(artifacts.json(file, name), file).version(2)
    outputs: list[dict[str, Any]] = [
        {
            "name": each.at("attribute").of(str),
            "state": each.at("state").of(str),
            "derivations": each.at("derivations").of(int),
            "findings": [
                {
                    "derivation": finding.at("derivation").of(str),
                    "state": finding.at("state").of(str),
                    "causes": finding.at("causes").texts(),
                    "text": finding.at("text").of(str)[:TEXT],
                }
                for finding in each.at("findings").each()
            ],
        }
        for each in read.at("outputs").each()
    ]
    # Measurements are no function of their inputs; the command names them.
    compared = [each for each in outputs if each["state"] != "not compared"]
    bad = [each for each in compared if each["state"] != "identical"]
    reasons = [f"{each['name']}: {each['state']}" for each in bad]
    facts = {
        "variations": read.at("variations").texts(),
        "not_varied": {name: each.of(str) for name, each in read.at("notVaried").items()},
        "outputs": outputs,
    }
    words = f"{len(compared) - len(bad)} of {len(compared)} outputs came out the same"
    state = FAILS if bad or not compared else PASSES
    return Section("reproducibility", "Reproducibility", Verdict(state, words, reasons), [name], facts)
