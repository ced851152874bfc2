"""The page: a template filled in with the facts, the plots, and the rows that its script shows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokeh.core.property.validation import validate
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cloche.report import plots
from cloche.report.facts import Report
from cloche.report.plots import Plot

HERE = Path(__file__).parent
# Outcomes as the table sorts them: what asks for attention first.
WORST_FIRST = ("failed", "error", "flaky", "xfailed", "skipped", "passed")
# The rows that are on the page without its script, and the rows of a page with it.
ROWS = 50
WORDS = {"passes": "passes", "attention": "look", "fails": "fails", "shown": "facts"}
MARKS = {"passes": "✓", "attention": "!", "fails": "✕", "shown": "·"}
KILO = 1024


@dataclass(frozen=True)
class Drawn:
    """All plots of a report, by what they are about."""

    survival: Plot | None
    suite: list[Plot]
    leaves: dict[str, Plot]
    excess: dict[str, Plot]
    series: dict[str, list[Plot]]
    performance: dict[str, Plot]
    # By benchmark, over revisions.
    trends: dict[str, list[Plot]]

    def all(self) -> list[Plot]:
        """Return the plots one after another."""
        found = [*self.suite, *([] if self.survival is None else [self.survival])]
        for each in (self.leaves, self.excess, self.performance):
            found += each.values()
        return found + [plot for group in (self.series, self.trends) for each in group.values() for plot in each]


def draw(report: Report) -> Drawn:
    """Return the plots of a report."""
    facts = {section.name: section.facts for section in report.sections}
    chaos = facts.get("chaos")
    experiments = facts.get("regression", {}).get("experiments", [])
    compared = [(number, each) for number, each in enumerate(experiments, start=1) if each["compared"] is not None]
    history = facts.get("regression", {}).get("history", [])
    shifts = facts.get("regression", {}).get("shifts", [])
    series: dict[str, list[Plot]] = {}
    for number, each in enumerate(history, start=1):
        series.setdefault(each["experiment"], []).append(plots.series(number, each, shifts))
    measured = facts.get("performance", {})
    trends: dict[str, list[Plot]] = {}
    for number, each in enumerate(measured.get("history", []), start=1):
        trends.setdefault(each["benchmark"], []).append(plots.trend(number, each, measured["shifts"]))
    excess = {each["name"]: plots.excess(number, each) for number, each in compared}
    benchmarks = enumerate(measured.get("benchmarks", []), start=1)
    timed = {each["name"]: plots.performance(number, each) for number, each in benchmarks}
    return Drawn(
        plots.survival(chaos) if chaos is not None and chaos["pairs"] else None,
        plots.suite(facts["tests"]["history"]) if facts.get("tests", {}).get("history") else [],
        {each["name"]: plots.leaves(number, each) for number, each in compared},
        {name: plot for name, plot in excess.items() if plot is not None},
        series,
        {name: plot for name, plot in timed.items() if plot is not None},
        trends,
    )


def rows_of(tests: list[dict[str, Any]], links: dict[str, str | None]) -> dict[str, Any]:
    """Return the rows of the table of tests as the script reads them: short, and without what is not known of any."""
    files: dict[str, int] = {}
    reasons: dict[str, int] = {}
    rows = []
    for each in sorted(tests, key=lambda test: (WORST_FIRST.index(test["outcome"]), test["test"])):
        file, _, name = each["test"].rpartition("::") if "[" not in each["test"] else _split(each["test"])
        selection = each.get("selection")
        before, chaos = each.get("before"), each.get("chaos")
        rows.append(
            [
                files.setdefault(file, len(files)),
                name,
                WORST_FIRST.index(each["outcome"]),
                each.get("seconds"),
                None
                if selection is None
                else [selection["state"] == "selected", reasons.setdefault(selection["reason"], len(reasons))],
                None if before is None else [before["failures"], before["runs"], before["changes"]],
                None if chaos is None else [chaos["survived"], chaos["seeds"]],
                each.get("message"),
            ]
        )
    return {
        "files": list(files),
        "outcomes": list(WORST_FIRST),
        "reasons": list(reasons),
        "rows": rows,
        "page": ROWS,
        "links": links,
        "shown": {
            "seconds": any(row[3] is not None for row in rows),
            "selection": any(row[4] is not None for row in rows),
            "before": any(row[5] is not None for row in rows),
            "chaos": any(row[6] is not None for row in rows),
        },
    }


def _split(test: str) -> tuple[str, str, str]:
    """Split a name whose parameters may hold anything."""
    plain, bracket, parameters = test.partition("[")
    file, separator, name = plain.rpartition("::")
    return file, separator, name + bracket + parameters


def grouped(number: float) -> str:
    """Return a whole number with its thousands parted by narrow blanks."""
    return f"{int(number):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def size(number: int) -> str:
    """Return a number of bytes."""
    if number < KILO:
        return f"{number} B"
    return f"{number / KILO:.0f} KiB" if number < KILO * KILO else f"{number / KILO / KILO:.1f} MiB"


def value(found: object) -> str:
    """Return a value of a result as a person reads it."""
    if found is None:
        return ""
    return f"{found:.10g}" if isinstance(found, float) else str(found)


def render(report: Report) -> dict[str, bytes]:
    """Return the page and what it needs beside it: relative path -> bytes."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Bokeh reads a model where it first stands, so its order is to be kept.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":"), "ensure_ascii": False}
    environment.filters |= {"grouped": grouped, "size": size, "value": value}
    # What is drawn is made here, and checking the types of each property would take as long again.
    with validate(False):  # noqa: FBT003 - Bokeh's signature
        drawn = draw(report)
    name, library = plots.library()
    needed = bool(drawn.all())
    sections = {section.name: section for section in report.sections}
    links = {each.id: each.link for each in report.artifacts}
    if "chaos" in sections:
        # What is of several seeds leads to the table in which each has its own link.
        several = len(sections["chaos"].sources) > 1
        links[plots.SEEDS] = "#seeds-caption" if several else links[sections["chaos"].sources[0]]
    rows = None
    if "tests" in sections:
        columns = {"seconds": "tests/durations.json", "before": plots.HISTORY, "chaos": plots.SEEDS}
        found = {column: links.get(artifact) for column, artifact in columns.items()}
        rows = rows_of(sections["tests"].facts["tests"], found)
    text = environment.get_template("page.html").render(
        report=report,
        sections=sections,
        plots=drawn,
        rows=rows,
        colors=plots.COLORS,
        bokeh=f"assets/{name}" if needed else None,
        style=(HERE / "templates/page.css").read_text(encoding="utf-8"),
        script=(HERE / "templates/page.js").read_text(encoding="utf-8"),
        words=WORDS,
        marks=MARKS,
        links=links,
        found={each.id: each for each in report.artifacts},
    )
    return {"index.html": text.encode(), **({f"assets/{name}": library} if needed else {})}
