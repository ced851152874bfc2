"""The table of limits says what the code has."""

from __future__ import annotations

import re

from cloche.untrusted import limits
from conftest import ROOT

UNITS = {"MiB": limits.MIB, "GiB": limits.GIB}


def table() -> dict[str, tuple[int, int, int]]:
    """Return bytes, depth and members by name, as docs/limits.md has them; 0 where a limit has no such part."""
    rows = {}
    for line in (ROOT / "docs/limits.md").read_text().splitlines():
        if match := re.fullmatch(r"\| `(\w+)` \| .* \| (\d+) (\w+) \| (\d*) ?\| ([\d,]*) ?\|", line):
            name, number, unit, depth, members = match.groups()
            rows[name] = (int(number) * UNITS[unit], int(depth or 0), int(members.replace(",", "") or 0))
    return rows


def test_table_and_code_agree() -> None:
    code = {name: value for name in limits.__all__ if isinstance(value := getattr(limits, name), limits.Limit)}
    rows = table()
    assert rows.keys() == code.keys()
    for name, (size, depth, members) in rows.items():
        limit = code[name]
        assert size == limit.bytes, name
        # Texts that are read as they are have no nesting and no members.
        assert (depth, members) in {(limit.depth, limit.members), (0, 0)}, name
    assert list(rows) == sorted(rows)
    assert f"at most {limits.RATIO} times the size" in (ROOT / "docs/limits.md").read_text()
