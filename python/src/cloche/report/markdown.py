"""The report as Markdown, for a pull request: the overview, and below it what asks for attention."""

import re

from cloche.report.facts import Report, Section

WORDS = {"passes": "✅ passes", "attention": "⚠️ look", "fails": "❌ fails", "shown": "facts"}
# What a comment can hold; forges cut at 65,536 characters.
MOST = 60_000
LINES = 20


def code(text: str) -> str:
    """Return a text as a code span: nothing in it is markup, a link or the name of a person to tell."""
    flat = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", flat)), default=0) + 1)
    inner = flat.replace("|", "\\|")
    return f"{fence} {inner} {fence}" if "`" in inner else f"{fence}{inner}{fence}"


def plain(text: str) -> str:
    """Return a text in which no character is markup, and no name tells a person."""
    flat = " ".join(text.split())
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~<>&-])", r"\\\1", flat)
    return escaped.replace("@", "@\N{ZERO WIDTH SPACE}").replace("://", ":\N{ZERO WIDTH SPACE}//")


def render(report: Report) -> str:
    """Return the report as Markdown."""
    revision = (
        f" at {code(report.project.revision[:12])}"
        if report.project.revision
        else ", a tree with changes that are not committed"
    )
    version = f" {plain(report.project.version)}" if report.project.version else ""
    lines = [
        f"## {plain(report.project.name)}{version}: {WORDS[report.state]}",
        "",
        f"The report on {plain(report.project.name)}{version}{revision}.",
        "",
        "| section | verdict | found |",
        "|---|---|---|",
    ]
    lines += [
        f"| {plain(section.title)} | {WORDS[section.verdict.state]} | {plain(section.verdict.summary)} |"
        for section in report.sections
    ]
    for section in report.sections:
        lines += _details(section)
    text = "\n".join(lines) + "\n"
    if len(text) > MOST:
        cut = text[:MOST].rpartition("\n")[0]
        text = f"{cut}\n\nand more: the whole report is in report.json.\n"
    return text


def _details(section: Section) -> list[str]:
    lines = [f"- {plain(reason)}" for reason in section.verdict.reasons]
    facts = section.facts
    if section.name == "regression":
        for each in facts["experiments"]:
            for finding in each.get("findings", [])[:LINES]:
                values = f"{finding.get('baseline', '')} → {finding.get('current', '')}"
                lines.append(f"- {code(each['name'])} {code(finding['path'])}: {finding['kind']}, {code(values)}")
    if section.name == "chaos":
        lines += [
            f"- {code(each['test'])} {each['outcome']} with seed {each['seed']}; replay: {code(each['replay'])}"
            for each in facts["failures"][:LINES]
            if not each["expected"]
        ]
    if not lines:
        return []
    return ["", f"### {plain(section.title)}", "", *lines]
