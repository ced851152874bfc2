"""Make the application: links to the project's own scripts in its environment; standard library only."""

from pathlib import Path
from typing import Any


def main(attributes: dict[str, Any]) -> None:
    """Link each script of attributes["project"] as attributes["environment"] has it."""
    out = Path(attributes["outputs"]["out"])
    project, environment = Path(attributes["project"]), Path(attributes["environment"])
    binaries = out / "bin"
    binaries.mkdir(parents=True)
    for folder in ("bin", "share"):
        scripts = project / folder
        if folder == "share" and scripts.is_dir():
            (out / "share").symlink_to(environment / "share")
        elif scripts.is_dir():
            for script in sorted(scripts.iterdir()):
                (binaries / script.name).symlink_to(environment / "bin" / script.name)
