"""Make the output of the derivation `packages.test-model`."""

from pathlib import Path
from typing import Any

from cloche.selection.learned.build import in_process


def main(attributes: dict[str, Any]) -> None:
    """Write the model and its card."""
    output = Path(attributes["outputs"]["out"])
    output.mkdir()
    in_process(Path(attributes["rows"]), attributes["project"], tuple(attributes["origins"]), output)
