"""Write the report inside a derivation: nothing but its artifacts counts."""

import sys
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError
from cloche.report import sources, write
from cloche.report.gather import gather


def main(attributes: dict[str, Any]) -> None:
    """Write the report on attributes["sources"] into attributes["outputs"]["out"]."""
    project, where = sources.of_data(attributes["sources"])
    try:
        made = write.files(*gather(project, where))
    except ClocheError as error:
        sys.exit(error.message)
    for name, data in made.items():
        path = Path(attributes["outputs"]["out"], name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
