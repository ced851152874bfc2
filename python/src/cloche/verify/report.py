"""The report for people: a table with a reason in every row."""

import textwrap

from cloche.attest.outcome import MEANING, Report
from cloche.untrusted import terminal

_MARKS = {"accepted": "ok", "note": "note"}
_WIDTH = 120


def table(report: Report, artifact: str) -> str:
    """Return the rows as text, and the verdict in the last line; `--json` has each row by itself."""
    # What has the same verdict for the same reason stands in one line, where the first of them was.
    alike: dict[tuple[str, str], list[str]] = {}
    for row in report.rows:
        alike.setdefault((_MARKS.get(row.verdict, row.verdict), row.reason), []).append(row.what)
    rows = [(mark, _named(whats), reason) for (mark, reason), whats in alike.items()]
    first = max([len(mark) for mark, _, _ in rows], default=0)
    second = min(max([len(what) for _, what, _ in rows], default=0), 56)
    lines = []
    for mark, what, reason in rows:
        head = f"{terminal.line(mark):<{first}}  {terminal.line(what):<{second}}  "
        width = max(_WIDTH - len(head), 40)
        parts = textwrap.wrap(terminal.line(reason), width, break_on_hyphens=False) or [""]
        lines.append(head + parts[0])
        lines += [" " * len(head) + part for part in parts[1:]]
    refusal = report.refusal
    if refusal is None:
        lines.append(f"accepted: {terminal.line(artifact)}")
    else:
        name = refusal.name.lower().replace("_", "-")
        lines.append(f"REFUSED: {terminal.line(artifact)} ({name}, exit code {int(refusal)}: {MEANING[refusal]})")
    return "\n".join(lines)


def _named(whats: list[str]) -> str:
    return whats[0] if len(whats) == 1 else f"{whats[0]} and {len(whats) - 1} more"
