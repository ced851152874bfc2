"""What is read and judged at once has the same result as what is looked at one by one."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloche.errors import ClocheError
from cloche.regression import numbers, report, rules
from cloche.regression.compare import compare
from cloche.regression.rules import Kind, Rule, Worse
from cloche.results import readers
from cloche.results.readers import Numbers

DAY = date(2026, 11, 22)
SPECIAL = [0.0, -0.0, 1.0, -1.0, 1.0 + 1e-12, 5e-324, 1e-9, 1e308, np.inf, -np.inf, np.nan]


def said(baseline: Path, current: Path, *tables: dict[str, Any]) -> str:
    """Return the whole report of a comparison, or the error."""
    try:
        chosen = rules.of_data({"rule": list(tables)}, "rules.toml")
        return report.dumps(compare(readers.read(baseline), readers.read(current), chosen, DAY))
    except ClocheError as error:
        return error.message


LONG: dict[str, list[Any]] = {
    "doubles": [number / 7 for number in range(15)],
    "moved": [number / 7 + (number % 4 == 0) for number in range(15)],
    "shorter": [number / 7 for number in range(14)],
    "whole": list(range(15)),
    "moved whole": [number + (number == 3) for number in range(15)],
    "large": [2**60 + number for number in range(15)],
    "larger": [2**63 + number for number in range(15)],
    "large doubles": [1e300] * 15,
    "mixed": [0, *(number / 7 for number in range(1, 15))],
    "true": [True, *range(14)],
    "texts": ["a:b"] * 15,
    "null": [None, *range(14)],
    "empty": [],
}
RULES: list[list[dict[str, Any]]] = [
    [],
    [{"path": "a[3]", "ignore": "why"}, {"path": "a[5]", "absolute": 2}],
    [{"path": "a[*]", "absolute": 2.0}, {"path": "a", "ignore": "why"}],
    [{"path": "a", "ignore": "why"}],
    [{"path": "a", "distribution": {"test": "mann-whitney"}}],
    [{"path": "**", "relative": 1e-3, "worse": "higher"}],
]


@pytest.mark.parametrize("tables", RULES)
@pytest.mark.parametrize("shape", ["in an object", "alone", "in a list"])
def test_long_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str, tables: list[dict[str, Any]]) -> None:
    files = {}
    for name, items in LONG.items():
        value: Any = {"in an object": {"a": items, "b": {"c": 1.0}}, "alone": items, "in a list": [items, [1.0]]}[shape]
        files[name] = tmp_path / f"{name}.json"
        files[name].write_text(json.dumps(value))
    pairs = [(first, second) for first in files for second in files if "doubles" in (first, second) or "whole" in first]
    monkeypatch.setattr(readers, "_LONG", 10)
    quickly = {pair: said(files[pair[0]], files[pair[1]], *tables) for pair in pairs}
    monkeypatch.setattr(readers, "_LONG", 10**9)
    for pair in pairs:
        assert quickly[pair] == said(files[pair[0]], files[pair[1]], *tables), pair


def test_long_lists_are_arrays(tmp_path: Path) -> None:
    lists = {"a": LONG["doubles"] * 100, "b": LONG["whole"] * 100, "c": LONG["mixed"] * 100}
    (tmp_path / "a.json").write_text(json.dumps(lists))
    root = readers.read(tmp_path / "a.json").root
    assert {name: type(value) for name, value in root.items()} == {"a": Numbers, "b": Numbers, "c": list}


BY_RULE = [
    Rule("**", Kind.DEFAULT),
    Rule("**", Kind.EXACT),
    Rule("**", Kind.ULP, ulp=3),
    Rule("**", Kind.TOLERANCE, relative=1e-3),
    # A complex number is neither higher nor lower.
    Rule("**", Kind.TOLERANCE, absolute=1e-3, worse=Worse.HIGHER),
]


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f8", "g", "c8", "c16", "i1", "i8", "u8", "?"])
@pytest.mark.parametrize("rule", BY_RULE)
def test_pairs_with_the_same_bits(kind: str, rule: Rule) -> None:
    type_ = np.dtype(kind)
    with np.errstate(all="ignore"):
        values = np.array(SPECIAL if type_.kind in "fc" else [0, 1, 2, 3, 100]).astype(type_)
    first, second = np.repeat(values, len(values)), np.tile(values, len(values))
    if type_.kind == "c":
        first.imag, second.imag = np.roll(first.real, 3), np.roll(second.real, 3)
        rule = replace(rule, worse=None)
    if type_.kind == "b":
        rule = BY_RULE[1]
    every, found = numbers._judge_all(first, second, rule), numbers.judge(first, second, rule)  # noqa: SLF001 - the other way
    assert found.codes.tolist() == every.codes.tolist()
    differ = every.codes >= numbers.Code.CHANGED
    assert np.array_equal(found.distance[differ], every.distance[differ], equal_nan=True)
    assert np.array_equal(found.tolerance[differ], every.tolerance[differ], equal_nan=True)


FIELDS = [
    "2.5",
    " 2.5",
    '"2.5"',
    '""',
    "",
    "nan",
    "-inf",
    "1e999",
    "0x1",
    "true",
    "1_0",
    "5.",
    ".5",
    "7",
    "x",
    "9" * 30,
    "1e5",
]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("first", ["1.5", "x", "1", ""])
def test_columns_of_doubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, first: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"a,b,c\n{first},1.5,1\n{field},2.5,2\n3.5,{field},3\n")
    quickly = readers.read(path).root
    monkeypatch.setattr(readers, "_numbers_at_once", lambda *_: None)
    slowly = readers.read(path).root
    assert {name: column.dtype for name, column in quickly.items()} == {
        name: column.dtype for name, column in slowly.items()
    }
    assert repr(quickly) == repr(slowly)
