"""What a report says, before it is drawn: report.json is exactly this (its schema: schema.json, docs/report.md)."""

from dataclasses import asdict, dataclass, field
from typing import Any

from cloche.report.artifacts import Artifact

VERSION = 1
# What a section's verdict can be; the worst of all sections is the report's. "shown": facts without a verdict.
PASSES, ATTENTION, FAILS, SHOWN = "passes", "attention", "fails", "shown"
ORDER = (SHOWN, PASSES, ATTENTION, FAILS)


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with the word for so many."""
    return f"{number} {one if number == 1 else many or one + 's'}"


@dataclass(frozen=True)
class Verdict:
    """A section's line in the overview: its verdict, one sentence, and the reasons why it does not simply pass."""

    state: str
    summary: str
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """One capability: its name (a key of Report.sections), title, verdict, facts, and the artifacts that they are from."""

    name: str
    title: str
    verdict: Verdict
    # Names of artifacts.
    sources: list[str]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Project:
    """Whose report it is; the revision is null where the tree had changes that were not committed."""

    name: str
    version: str | None
    revision: str | None


@dataclass(frozen=True)
class Report:
    """All sections, in the order in which they are shown, and all artifacts."""

    project: Project
    sections: list[Section]
    artifacts: list[Artifact]

    @property
    def state(self) -> str:
        """Return the worst verdict of all sections."""
        return max((section.verdict.state for section in self.sections), key=ORDER.index)

    def link(self, name: str) -> str | None:
        """Return the link to an artifact, None where it is not beside the page."""
        return next((each.link for each in self.artifacts if each.id == name), None)

    def data(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {
            "version": VERSION,
            "verdict": self.state,
            "project": asdict(self.project),
            "sections": {
                section.name: {
                    "title": section.title,
                    "verdict": section.verdict.state,
                    "summary": section.verdict.summary,
                    "reasons": section.verdict.reasons,
                    "sources": section.sources,
                    "facts": section.facts,
                }
                for section in self.sections
            },
            "order": [section.name for section in self.sections],
            "artifacts": [asdict(each) for each in self.artifacts],
        }
