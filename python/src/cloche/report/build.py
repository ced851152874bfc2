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
        write.write(Path(attributes["outputs"]["out"]), *gather(project, where))
    except ClocheError as error:
        sys.exit(error.message)
