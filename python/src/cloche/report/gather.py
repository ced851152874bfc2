"""Read all artifacts and put the report together; what is not there is left out."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError
from cloche.report import chaos, commands, components, performance, provenance, regression, reproducibility, tests
from cloche.report import history as histories
from cloche.report.artifacts import Artifacts
from cloche.report.chaos import Chaos
from cloche.report.facts import Project, Report, Section
from cloche.report.shapes import Node
from cloche.report.tests import Tests

# The order of the sections on the page.
SHOWN = (
    *("tests", "selection", "lint", "types", "chaos", "regression", "performance", "profiles", "components"),
    "provenance",
    "reproducibility",
)


@dataclass(frozen=True)
class Sources:
    """Where the artifacts of each capability are; None where it is not configured."""

    tests: Tests | None = None
    # The folder of `packages.test-selection`, or a file that `select-tests --format json` wrote.
    selection: Path | None = None
    # What the checks of these names have recorded, each a folder with commands.json.
    lint: Path | None = None
    types: Path | None = None
    chaos: Chaos | None = None
    regression: Path | None = None
    performance: Path | None = None
    profile: Path | None = None
    sbom: Path | None = None
    audit: Path | None = None
    provenance: Path | None = None
    reproduce: Path | None = None
    # A file that `cloche report --save-history` wrote, or what it would hold and the store that it was taken from.
    history: Path | dict[str, Any] | None = None
    history_from: str = ""


def gather(project: Project, sources: Sources) -> tuple[Report, dict[str, bytes]]:
    """Return the report and the artifacts to lay beside it: relative path -> bytes."""
    artifacts = Artifacts()
    history = _history(artifacts, sources)
    selection = None
    if sources.selection is not None:
        file = sources.selection / "selection.json" if sources.selection.is_dir() else sources.selection
        selection = Node(artifacts.json(file, "selection/selection.json"), file).version(2)
    if sources.audit is not None and sources.sbom is None:
        raise ClocheError(f"{sources.audit}: an audit is of an SBOM, and none is named; name the SBOM as well")
    sections = _suite(artifacts, sources, history, selection)
    if sources.regression is not None:
        sections.append(regression.section(artifacts, sources.regression, history))
    if sources.sbom is not None:
        sections.append(components.section(artifacts, sources.sbom, sources.audit))
    if sources.performance is not None:
        sections.append(performance.section(artifacts, sources.performance, history))
    for place, section in (
        (sources.lint, partial(commands.section, name="lint")),
        (sources.types, partial(commands.section, name="types")),
        (sources.profile, performance.profiles),
        (sources.provenance, provenance.section),
        (sources.reproduce, reproducibility.section),
    ):
        if place is not None:
            sections.append(section(artifacts, place))
    if not sections:
        raise ClocheError("there is nothing to report: name at least one artifact, such as --tests (docs/report.md)")
    found, files = artifacts.laid_out()
    return Report(project, sorted(sections, key=lambda section: SHOWN.index(section.name)), found), files


def _history(artifacts: Artifacts, sources: Sources) -> histories.History | None:
    if sources.history is None:
        return None
    if isinstance(sources.history, dict):
        artifacts.made("history.json", sources.history_from, sources.history)
        return histories.read(Node(sources.history, Path(sources.history_from)))
    return histories.read(Node(artifacts.json(sources.history, "history.json"), sources.history))


def _suite(
    artifacts: Artifacts, sources: Sources, history: histories.History | None, selection: Node | None
) -> list[Section]:
    """Return the sections on tests, their selection and chaos, which know of each other."""
    found: list[Section] = []
    outcomes = None if sources.tests is None else tests.outcomes_of(artifacts, sources.tests)
    survival: dict[str, tuple[int, int]] = {}
    shaken = None
    if sources.chaos is not None:
        if outcomes is None:
            place = sources.chaos.recordings[0] if sources.chaos.recordings else "chaos"
            raise ClocheError(
                f"{place}: chaos is judged beside the tests without it, and none are named; name the tests as well"
            )
        shaken, survival = chaos.section(artifacts, sources.chaos, outcomes)
    if sources.tests is not None and outcomes is not None:
        found.append(tests.section(artifacts, sources.tests, outcomes, history, survival, selection))
    if selection is not None:
        found.append(tests.selection_section(selection))
    return [*found, *([] if shaken is None else [shaken])]
