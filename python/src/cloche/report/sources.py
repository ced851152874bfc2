"""Where artifacts are, as the flake tells it: one JSON object, null for what is not configured."""

from pathlib import Path
from typing import Any

from cloche.report.chaos import Chaos
from cloche.report.facts import Project
from cloche.report.gather import Sources
from cloche.report.tests import Tests


def of_data(data: dict[str, Any]) -> tuple[Project, Sources]:
    """Return whose report it is and what it is made of."""
    tests, chaos = data["tests"], data["chaos"]

    def path(name: str) -> Path | None:
        return None if data[name] is None else Path(data[name])

    return Project(**data["project"]), Sources(
        tests=None
        if tests is None
        else Tests(
            Path(tests["results"]),
            None if tests["durations"] is None else Path(tests["durations"]),
            tests["quarantine"],
            tests["date"],
        ),
        selection=path("selection"),
        lint=path("lint"),
        types=path("types"),
        chaos=None
        if chaos is None
        else Chaos([Path(each) for each in chaos["recordings"]], chaos["floor"], chaos["most"]),
        regression=path("regression"),
        performance=path("performance"),
        profile=path("profile"),
        sbom=path("sbom"),
        audit=path("audit"),
        provenance=path("provenance"),
        reproduce=path("reproduce"),
        history=path("history"),
    )
