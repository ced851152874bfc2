"""Turn recorded stacks into flame graphs and tables: profile.json, profile.txt, stacks.folded, flamegraph.svg.

Where a base was sampled too, also base.folded and difference.svg.
"""

import json
import math
from pathlib import Path
from typing import Any

from cloche.profile import flame, stacks
from cloche.profile.stacks import Share, Stacks

# The rows of a table for programs, and of one for people.
ROWS, LINES = 50, 10
# Two-sided, 95 %.
_Z = 1.959964
KINDS = ("work", "import", "start")
ENOUGH, NOT_ENOUGH = "enough samples", "not enough samples"


def summary(found: Stacks, floor: int, *, test: bool) -> dict[str, Any]:
    """Return how many samples there are, and what they were about."""
    total = found.total()
    parts = {kind: found.where(kind, test=test).total() for kind in KINDS}
    return {
        "samples": total,
        "shares": {kind: count / total if total else 0.0 for kind, count in parts.items()},
        # What is ranked is the work, so it has to have enough.
        "verdict": ENOUGH if parts["work"] >= floor else NOT_ENOUGH,
    }


def row(share: Share, total: int) -> dict[str, Any]:
    """Return one function's samples for programs."""
    return {
        "function": share.frame.function,
        "file": share.frame.file,
        "project": share.frame.own,
        "own": share.own / total,
        "total": share.total / total,
        "samples": {"own": share.own, "total": share.total},
    }


def interval(before: int, before_total: int, now: int, now_total: int) -> tuple[float, float]:
    """Return the interval of a difference of two shares: Newcombe 1998, method 10, of Wilson's intervals."""

    def wilson(count: int, total: int) -> tuple[float, float]:
        share, square = count / total, _Z**2
        middle = share + square / (2 * total)
        half = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total**2))
        return (middle - half) / (1 + square / total), (middle + half) / (1 + square / total)

    first, second = before / before_total, now / now_total
    low1, high1 = wilson(before, before_total)
    low2, high2 = wilson(now, now_total)
    change = second - first
    return (
        change - math.hypot(second - low2, high1 - first),
        change + math.hypot(high2 - second, first - low1),
    )


def changes(base: Stacks, head: Stacks, rate: int) -> list[dict[str, Any]]:
    """Return what each function has of the work's samples in both, those first that gained or lost the most time."""
    before = {share.frame: share.own for share in stacks.functions(base, project=False)}
    now = {share.frame: share.own for share in stacks.functions(head, project=False)}
    first, second = base.total(), head.total()
    rows = []
    for frame in before.keys() | now.keys():
        there, here = before.get(frame, 0), now.get(frame, 0)
        rows.append(
            {
                "function": frame.function,
                "file": frame.file,
                "project": frame.own,
                "base": there / first,
                "head": here / second,
                "change": here / second - there / first,
                "interval": list(interval(there, first, here, second)),
                "seconds": {"base": there / rate, "head": here / rate},
            }
        )

    def order(each: dict[str, Any]) -> tuple[float, str, str]:
        return -abs(each["seconds"]["head"] - each["seconds"]["base"]), each["file"], each["function"]

    return sorted(rows, key=order)[:ROWS]


def as_data(record: dict[str, Any], floor: int, head: Stacks, base: Stacks | None) -> dict[str, Any]:
    """Return what is said of a profile; version 1, described in docs/profile.md."""
    test = record["kind"] == "test"
    said = summary(head, floor, test=test)
    work = head.where("work", test=test)
    enough = said["verdict"] == ENOUGH
    other = None if base is None else summary(base, floor, test=test)
    both = enough and base is not None and other is not None and other["verdict"] == ENOUGH

    def table(*, project: bool) -> list[dict[str, Any]]:
        found = stacks.functions(work, project=project) if enough else []
        return [row(share, work.total()) for share in found[:ROWS]]

    return {
        "version": 1,
        **{name: record[name] for name in ("profile", "kind", "command", "rate", "native")},
        "seconds": record["seconds"]["head"],
        "floor": floor,
        **said,
        "functions": table(project=False),
        "project": table(project=True),
        "base": None if other is None else {**other, "seconds": record["seconds"]["base"]},
        "changes": changes(base.where("work", test=test), work, record["rate"]) if both and base is not None else None,
    }


def as_text(data: dict[str, Any]) -> str:
    """Return what is said of a profile for a person."""
    shares = ", ".join(f"{data['shares'][kind] * 100:.0f} % {kind}" for kind in KINDS)
    lines = [f"{data['profile']}: {data['samples']} samples in {data['seconds']:.1f} s ({shares})"]
    if data["verdict"] == NOT_ENOUGH:
        count = round(data["shares"]["work"] * data["samples"])
        lines.append(
            f"  not enough samples: {count} of work, and {data['floor']} are the fewest that are ranked; sample a longer run, or raise cloche.profile.rate"
        )
    for title, name in (
        ("functions of the project, with what they call in libraries", "project"),
        ("all functions", "functions"),
    ):
        if data[name]:
            lines.append(f"  {title}: own, total")
            lines += [
                f"    {each['own'] * 100:5.1f} % {each['total'] * 100:5.1f} %  {each['function']} ({each['file']})"
                for each in data[name][:LINES]
            ]
    if data["base"] is not None and data["changes"] is None:
        lines.append(
            f"  no comparison: the base has {data['base']['samples']} samples, and not enough of work on one side"
        )
    if data["changes"]:
        lines.append("  compared with the base: own time of functions, and share of the work")
        lines += [
            f"    {each['seconds']['base']:6.2f} s -> {each['seconds']['head']:6.2f} s  "
            f"{each['base'] * 100:5.1f} % -> {each['head'] * 100:5.1f} %  {each['function']} ({each['file']})"
            for each in data["changes"][:LINES]
        ]
    return "\n".join(lines) + "\n"


def profile(source: Path, target: Path, floor: int) -> None:
    """Write what one recorded profile says into a folder."""
    record = json.loads((source / "record.json").read_text(encoding="utf-8"))
    sides = {
        side: stacks.read((source / f"{side}.raw").read_text(encoding="utf-8"), record["modules"])
        for side in record["seconds"]
    }
    head, base = sides["head"], sides.get("base")
    data = as_data(record, floor, head, base)
    target.mkdir()
    (target / "profile.json").write_text(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    (target / "profile.txt").write_text(as_text(data))
    (target / "stacks.folded").write_text(head.folded())
    (target / "flamegraph.svg").write_text(flame.draw(f"{record['profile']}: {head.total()} samples", head))
    if base is not None:
        (target / "base.folded").write_text(base.folded())
        title = f"{record['profile']}: red has a greater share than in the base, blue a smaller"
        (target / "difference.svg").write_text(flame.draw(title, head, base))


def main(attributes: dict[str, Any]) -> None:
    """Write a folder for each recorded profile into attributes["outputs"]["out"]."""
    out = Path(attributes["outputs"]["out"])
    out.mkdir()
    for record in attributes["records"]:
        for source in sorted(Path(record).iterdir()):
            profile(source, out / source.name, attributes["floor"])
            print((out / source.name / "profile.txt").read_text(encoding="utf-8"), end="")
