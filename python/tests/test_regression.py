"""Comparing results: every leaf is accounted for, each rule has values that it must and must not accept."""

# ruff: noqa: ANN401 - results are of any shape

import json
import math
import os
import re
import struct
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.errors import ClocheError
from cloche.regression import report, rules, samples
from cloche.regression.command import regress
from cloche.regression.compare import Comparison, Verdict, compare
from cloche.regression.findings import What
from cloche.regression.walk import leaves
from cloche.results import readers
from cloche.results.patterns import shown
from cloche.results.readers import Document

DAY = date(2026, 11, 22)
DATA = os.environ.get("CLOCHE_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="CLOCHE_DATA does not name the folder of real data")


def of(baseline: Any, current: Any, *tables: dict[str, Any], waivers: list[dict[str, Any]] | None = None) -> Comparison:
    """Compare two trees by rules."""
    chosen = rules.of_data({"rule": list(tables), "waiver": waivers or []}, "rules.toml")
    return compare(Document(Path("a.json"), "json", baseline), Document(Path("b.json"), "json", current), chosen, DAY)


def numbers(comparison: Comparison) -> dict[str, int]:
    """Return how many findings there are of each kind that has any."""
    return {str(what): number for what, number in comparison.findings.numbers.items() if number}


def paths(comparison: Comparison) -> dict[str, str]:
    """Return the kind of each finding by its path."""
    return {shown(each.path): str(each.what) for kept in comparison.findings.kept.values() for each in kept}


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(regress, ["compare", *map(str, arguments)])


def written(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


# Nothing compared is no agreement.


def test_files_without_a_field_in_common_are_no_agreement(tmp_path: Path) -> None:
    first, second = written(tmp_path, "a.json", {"rmse": 1.0}), written(tmp_path, "b.json", {"error": 1.0, "n": 2})
    ended = call(first, second)
    assert isinstance(ended.exception, ClocheError)
    assert ended.exception.exit_code == 2
    assert ended.exception.message == (
        "nothing was compared: they have no field in common (1 fields only in the baseline, 2 only in the current file)\n"
        f"  baseline: {first}\n"
        f"  current:  {second}\n"
        "A comparison without a compared value shows nothing; compare the results of the same experiment, or ignore less."
    )


def test_ignoring_everything_is_no_agreement() -> None:
    with pytest.raises(ClocheError, match="the rules ignore all 2 fields"):
        of({"a": 1, "b": 2}, {"a": 1, "b": 2}, {"path": "**", "ignore": "all of it"})


@pytest.mark.parametrize("value", [{}, [], {"a": [], "b": {}}, {"a": np.empty((0, 2))}])
def test_two_sides_without_a_value_are_no_agreement(value: Any) -> None:
    with pytest.raises(ClocheError, match="nothing was compared: there is no value in them"):
        of(value, value)


def test_tables_without_rows_are_no_agreement(tmp_path: Path) -> None:
    table = written(tmp_path, "a.csv", "a,b\n")
    assert str(call(table, table).exception).startswith("nothing was compared: there is no value in them")


def test_parts_of_another_kind_compare_nothing() -> None:
    with pytest.raises(ClocheError, match=r"^nothing was compared: "):
        of({"a": [1, 2]}, {"a": {"b": 1}})


# Structure.


@pytest.mark.parametrize(
    ("baseline", "current", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, {"b": "missing"}),
        ({"a": 1}, {"a": 1, "b": {"c": [1, 2]}}, {"b": "extra"}),
        ({"a": 1, "b": 2}, {"a": 1, "b": "2"}, {"b": "type"}),
        ({"a": 1, "b": 1}, {"a": 1, "b": True}, {"b": "type"}),
        ({"a": 1, "b": None}, {"a": 1, "b": 0.0}, {"b": "type"}),
        ({"a": 1, "b": {"c": 1}}, {"a": 1, "b": [1]}, {"b": "type"}),
        ({"a": 1, "b": 2.0}, {"a": 1, "b": math.nan}, {"b": "nan"}),
        ({"a": 1, "b": math.nan}, {"a": 1, "b": 2.0}, {"b": "nan"}),
        ({"a": 1, "b": [1, 2, 3]}, {"a": 1, "b": [1, 2]}, {"b": "shape"}),
        ({"a": 1, "b": []}, {"a": 1, "b": [1]}, {"b": "shape", "b[0]": "extra"}),
        ({"a": 1, "b": {}}, {"a": 1}, {"b": "missing"}),
        ({"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"b": "text"}),
        ({"a": 1, "b": True}, {"a": 1, "b": False}, {"b": "text"}),
        ({"a": 1, "b": 1.0}, {"a": 1, "b": math.inf}, {"b": "number"}),
        ({"a": 1, "b": math.inf}, {"a": 1, "b": -math.inf}, {"b": "number"}),
        ({"a": 1, "b.c": [{"d e": 1}]}, {"a": 1, "b.c": [{"d e": 2}]}, {'"b.c"[0]."d e"': "number"}),
        ({"a": 1, "b": 2**70}, {"a": 1, "b": 2**70 + 1}, {"b": "text"}),
        ({"a": 1, "b": 2**60}, {"a": 1, "b": 2**60 + 1}, {"b": "number"}),
        ({"a": 1, "b": [2**50, 0.5]}, {"a": 1, "b": [2**50 + 1, 0.5]}, {"b[0]": "number"}),
    ],
)
def test_each_change_of_structure_is_a_finding(baseline: Any, current: Any, expected: dict[str, str]) -> None:
    found = of(baseline, current)
    assert paths(found) == expected
    assert found.verdict is Verdict.REGRESSED


@pytest.mark.parametrize(
    "value", [1, 1.5, 1e300, 5e-324, -0.0, math.nan, math.inf, "x", True, None, [], {}, [[], [1, "a"]], 2**80]
)
def test_equal_values_are_identical(value: Any) -> None:
    found = of({"a": 0, "b": value}, {"a": 0, "b": value})
    assert found.verdict is Verdict.IDENTICAL
    assert found.counts.identical == found.counts.compared == leaves({"a": 0, "b": value})


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=12,
)
PATTERNS = st.lists(
    st.sampled_from(["a", "a.b", "**.c", "a[*]", "*[1]", "**", "b.**.a"]).flatmap(
        lambda path: st.sampled_from(
            [{"path": path, "ignore": "why"}, {"path": path, "relative": 0.5}, {"path": path, "exact": True}]
        )
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=60)
@given(TREES, TREES, PATTERNS)
def test_every_leaf_of_both_sides_stands_in_one_count(first: Any, second: Any, tables: list[dict[str, Any]]) -> None:
    # compare() itself counts the leaves of both trees and compares them with the sum.
    try:
        found = of(first, second, *tables)
    except ClocheError as error:
        if not error.message.startswith("nothing was compared: "):
            raise
        return
    counts = found.counts
    assert counts.compared == counts.identical + counts.within_tolerance + counts.changed
    if found.verdict is Verdict.IDENTICAL:
        assert counts.changed == counts.missing == counts.extra == 0


@settings(deadline=None, max_examples=60)
@given(TREES)
def test_a_tree_is_identical_to_itself(tree: Any) -> None:
    both = {"one": 1, "tree": tree}
    assert of(both, json.loads(json.dumps(both))).verdict is Verdict.IDENTICAL


# Tolerances.


def after(value: float, steps: int) -> float:
    """Return the double so many steps above a positive one."""
    return float(struct.unpack("<d", struct.pack("<q", struct.unpack("<q", struct.pack("<d", value))[0] + steps))[0])


@pytest.mark.parametrize(
    ("baseline", "current", "passes"),
    [
        (5.0, 5.0 + 0.9e-10, True),
        (5.0, 5.0 + 1.1e-10, False),
        (0.01, 0.01 + 0.9e-12, True),
        (0.01, 0.01 + 1.1e-12, False),
        # 4 ULP of 1e7 are 7.5e-9, more than 1e-10.
        (1e7, after(1e7, 4), True),
        (1e7, after(1e7, 5), False),
        (1e-300, 1e-300 * (1 + 0.9e-10), True),
        (1e-300, 1e-300 * (1 + 1.1e-10), False),
        (5e-324, 2.5e-323, True),
        (5e-324, 3e-323, False),
        (0.0, -0.0, True),
        (10, 11, False),
        (2**48, 2**48 + 1, False),
    ],
)
def test_the_default(baseline: float, current: float, passes: bool) -> None:  # noqa: FBT001 - a column of the table
    found = of({"a": baseline}, {"a": current})
    assert found.verdict is (Verdict.WITHIN if passes else Verdict.REGRESSED)


def test_a_reference_of_zero_needs_an_absolute_tolerance() -> None:
    assert numbers(of({"a": 0.0}, {"a": 5e-324})) == {"zero-reference": 1}
    assert numbers(of({"a": 0.0}, {"a": 1e-300}, {"path": "a", "relative": 0.5})) == {"zero-reference": 1}
    assert of({"a": 0.0}, {"a": 1e-9}, {"path": "a", "absolute": 1e-8}).verdict is Verdict.WITHIN
    assert numbers(of({"a": 0.0}, {"a": 1e-7}, {"path": "a", "absolute": 1e-8})) == {"number": 1}


@pytest.mark.parametrize(
    ("table", "baseline", "accepted", "refused"),
    [
        ({"absolute": 0.5}, 100.0, 100.5, 100.6),
        ({"relative": 1e-3}, 100.0, 100.1, 100.11),
        ({"relative": 1e-3}, -100.0, -100.1, -100.11),
        ({"absolute": 0.5, "relative": 1e-3}, 1000.0, 1001.0, 1001.1),
        ({"ulp": 8}, 1.0, after(1.0, 8), after(1.0, 9)),
        ({"ulp": 2}, 5e-324, -5e-324, -1e-323),
        ({"exact": True}, 1.0, 1.0, after(1.0, 1)),
        ({"exact": True}, 0.0, 0.0, -0.0),
        ({"worse": "higher"}, 1.0, 0.5, 1.5),
        ({"worse": "lower"}, 1.0, 1.5, 0.5),
        ({"worse": "higher", "relative": 0.2}, 1.0, 1.2, 1.3),
    ],
)
def test_each_rule_accepts_and_refuses(table: dict[str, Any], baseline: float, accepted: float, refused: float) -> None:
    rule = {"path": "a", **table}
    assert of({"a": baseline}, {"a": accepted}, rule).verdict in (Verdict.IDENTICAL, Verdict.WITHIN, Verdict.IMPROVED)
    assert of({"a": baseline}, {"a": refused}, rule).verdict is Verdict.REGRESSED


def test_what_improved_is_no_failure_and_is_said() -> None:
    found = of({"a": 1.0, "b": 2}, {"a": 0.5, "b": 2}, {"path": "a", "worse": "higher"})
    assert (found.verdict, numbers(found)) == (Verdict.IMPROVED, {"improved": 1})
    assert of({"a": 1.0, "b": 2}, {"a": 0.5, "b": 3}, {"path": "a", "worse": "higher"}).verdict is Verdict.REGRESSED


@pytest.mark.parametrize("table", [{"absolute": 1e9}, {"relative": 1e9}, {"ulp": 2**40}, {"worse": "higher"}])
@pytest.mark.parametrize(("baseline", "current"), [(1.0, math.nan), (math.nan, 1.0)])
def test_no_tolerance_accepts_nan(table: dict[str, Any], baseline: float, current: float) -> None:
    assert numbers(of({"a": baseline, "b": 1}, {"a": current, "b": 1}, {"path": "a", **table})) == {"nan": 1}


@pytest.mark.parametrize(
    ("kind", "baseline", "current", "table", "expected"),
    [
        ("c16", 1 + 0j, 4 + 0j, {"ulp": 4}, "number"),
        ("c16", 1 + 1j, 1 + 2j, {"ulp": 4}, "number"),
        ("c8", 1 + 1j, complex(1, np.float32(1) + np.spacing(np.float32(1))), {"ulp": 1}, None),
        ("c16", complex(1, math.nan), complex(2, math.nan), {"absolute": 0.1}, "number"),
        ("c16", complex(1, math.nan), complex(math.nan, 1), {"absolute": 0.1}, "number"),
        ("c16", complex(1, math.nan), complex(1, math.nan), {"absolute": 0.1}, None),
        ("c16", complex(0.0, 1), complex(-0.0, 1), {"exact": True}, "number"),
        (">f8", 2.0, 131072.0, {"ulp": 1}, "number"),
        (">f4", 1.0, after(1.0, 1), {"ulp": 1}, None),
        ("g", np.longdouble("1e-4000"), np.longdouble("2e-4000"), {"exact": True}, "number"),
    ],
)
def test_numbers_of_other_types_than_double(
    kind: str, baseline: Any, current: Any, table: dict[str, Any], expected: str | None
) -> None:
    found = of({"a": np.array([baseline], kind)}, {"a": np.array([current], kind)}, {"path": "a", **table})
    assert numbers(found) == ({expected: 1} if expected else {})


def test_what_became_infinite_has_not_improved() -> None:
    rule = {"path": "a", "absolute": 0.1}
    assert numbers(of({"a": 1.0}, {"a": -math.inf}, {**rule, "worse": "higher"})) == {"number": 1}
    assert numbers(of({"a": 1.0}, {"a": math.inf}, {**rule, "worse": "lower"})) == {"number": 1}
    assert numbers(of({"a": math.inf}, {"a": 1.0}, {**rule, "worse": "higher"})) == {"improved": 1}


def test_an_infinite_reference_is_no_tolerance() -> None:
    assert numbers(of({"a": math.inf}, {"a": 1.0}, {"path": "a", "relative": 0.1})) == {"number": 1}


def test_the_first_rule_that_matches_holds() -> None:
    first, second = {"path": "a.b", "absolute": 1.0}, {"path": "a", "exact": True}
    before, now = {"a": {"b": 1.0, "c": 1.0}}, {"a": {"b": 1.5, "c": 1.5}}
    assert paths(of(before, now, first, second)) == {"a.c": "number"}
    assert paths(of(before, now, second, first)) == {"a.b": "number", "a.c": "number"}


REST = {"path": "**", "ignore": "the rest"}


@pytest.mark.parametrize(
    ("baseline", "current", "expected"),
    [
        (
            {"runs": [{"error": 1, "s": 1}, {"error": 2, "s": 1}]},
            {"runs": [{"error": 1, "s": 1}]},
            {"runs[1]": "missing"},
        ),
        ({"runs": [{"error": 1}]}, {"runs": [{"error": 1}, {"error": 1}]}, {"runs[1]": "extra"}),
        ({"kept": 1, "fit": {"error": 1}}, {"kept": 1, "fit": 7}, {"fit": "missing"}),
        ({"kept": 1, "fit": 7}, {"kept": 1, "fit": [{"error": 1}]}, {"fit": "extra"}),
        ({"kept": 1, "a": np.arange(3.0)}, {"kept": 1, "a": np.array([0.0, 9.0, 7.0])}, {"a[1]": "number"}),
        ({"kept": 1, "a": np.arange(3.0)}, {"kept": 1, "a": np.arange(1.0)}, {"a": "shape"}),
        ({"kept": 1, "a": np.arange(3.0)}, {"kept": 1}, {"a": "missing"}),
        ({"kept": 1, "b": np.arange(3.0)}, {"kept": 1, "b": np.arange(2.0)}, {}),
    ],
)
def test_what_an_earlier_rule_is_about_is_compared_though_what_holds_it_is_ignored(
    baseline: Any, current: Any, expected: dict[str, str]
) -> None:
    chosen = [{"path": name, "absolute": 0.1} for name in ("**.error", "kept", "a[1]")]
    assert paths(of(baseline, current, *chosen, REST)) == expected


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("a", {"a.x", "a.l[0]", "a.l[1]"}),
        ("a.l", {"a.l[0]", "a.l[1]"}),
        ("a.l[1]", {"a.l[1]"}),
        ("a.l[*]", {"a.l[0]", "a.l[1]"}),
        ("**.x", {"a.x", '"b.c".x'}),
        ("**", {"a.x", "a.l[0]", "a.l[1]", '"b.c".x', "*"}),
        ('"b.c".*', {'"b.c".x'}),
        ('"*"', {"*"}),
        ("*.x", {"a.x", '"b.c".x'}),
        ("a.**[1]", {"a.l[1]"}),
    ],
)
def test_patterns(pattern: str, covered: set[str]) -> None:
    before = {"a": {"x": 1, "l": [1, 1]}, "b.c": {"x": 1}, "*": 1, "kept": 1}
    now = {"a": {"x": 2, "l": [2, 2]}, "b.c": {"x": 2}, "*": 2, "kept": 1}
    quoted = {path if path != "*" else '"*"' for path in covered}
    everything = {"a.x", "a.l[0]", "a.l[1]", '"b.c".x', '"*"'}
    if pattern == "**":
        with pytest.raises(ClocheError, match=r"^nothing was compared: the rules ignore all"):
            of(before, now, {"path": pattern, "ignore": "why"})
        return
    assert set(paths(of(before, now, {"path": pattern, "ignore": "why"}))) == everything - quoted


def test_rules_that_match_nothing_are_named() -> None:
    found = of(
        {"a": 1}, {"a": 1}, {"path": "b", "exact": True}, waivers=[{"path": "a", "reason": "why", "expires": DAY}]
    )
    assert found.unused == ["the rule for b matches nothing", "the waiver for a has nothing to waive"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"path": "a"},
            "rules.toml: rule 1 (a): it asks for nothing; give it absolute, relative, ulp, exact, ignore, distribution or worse",
        ),
        ({"exact": True}, "rules.toml: rule 1: 'path' is missing; it must be a text that is not empty"),
        (
            {"path": "a", "absolut": 1},
            "rules.toml: rule 1: there is no key 'absolut'; the keys are absolute, distribution, exact, ignore, path, relative, ulp, worse",
        ),
        ({"path": "a", "absolute": 0}, "rules.toml: rule 1 (a): 'absolute' is 0; it must be a number above 0"),
        ({"path": "a", "relative": math.nan}, "rules.toml: rule 1 (a): 'relative' is nan; it must be a number above 0"),
        ({"path": "a", "relative": "1"}, "rules.toml: rule 1 (a): 'relative' is '1'; it must be a number above 0"),
        ({"path": "a", "ulp": 0.5}, "rules.toml: rule 1 (a): 'ulp' is 0.5; it must be a whole number above 0"),
        ({"path": "a", "ignore": ""}, "rules.toml: rule 1 (a): 'ignore' is ''; it must be a text that is not empty"),
        (
            {"path": "a", "exact": True, "ulp": 1},
            "rules.toml: rule 1 (a): it asks for ulp and exact at once; make it one of them",
        ),
        ({"path": "a", "worse": "up"}, "rules.toml: rule 1 (a): 'worse' is 'up'; it must be \"higher\" or \"lower\""),
        (
            {"path": "a", "exact": True, "worse": "higher"},
            "rules.toml: rule 1 (a): 'worse' has no meaning beside 'exact'",
        ),
        (
            {"path": "a..b", "exact": True},
            "rules.toml: rule 1 (a..b): the path 'a..b' has an empty name at character 3",
        ),
        (
            {"path": "a[-1]", "exact": True},
            "rules.toml: rule 1 (a[-1]): the path 'a[-1]' cannot be read at character 2; a path is written like a.b[3].c, with * inside a name, [*] for any position, ** for any number of segments, and other names in \"quotes\"",
        ),
        (
            {"path": "a", "distribution": {"test": "t"}},
            "rules.toml: rule 1 (a): 'test' is 't'; it must be one of mann-whitney, welch, kolmogorov-smirnov",
        ),
        (
            {"path": "a", "distribution": {"effect": 2}},
            "rules.toml: rule 1 (a): 'effect' is 2; it must be a number above 0 and at most 1",
        ),
        (
            {"path": "a", "worse": "higher", "distribution": {"test": "kolmogorov-smirnov"}},
            "rules.toml: rule 1 (a): 'worse' has no meaning beside kolmogorov-smirnov, whose distance has no direction",
        ),
        (
            {"path": "a", "distribution": {"effect": 0.3, "negligible": 0.4}},
            "rules.toml: rule 1 (a): 'negligible' is 0.4; it must be below 'effect', which is 0.3",
        ),
    ],
)
def test_what_is_no_rule(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ClocheError) as caught:
        of({"a": 1}, {"a": 1}, table)
    assert caught.value.message == message
    assert caught.value.exit_code == 2


# Waivers.


def test_a_waiver_holds_until_its_last_day() -> None:
    waiver = {"path": "a", "reason": "issue 12", "expires": DAY}
    assert of({"a": 1, "b": 1}, {"a": 2, "b": 1}, waivers=[waiver]).verdict is Verdict.WITHIN
    found = of({"a": 1, "b": 1}, {"a": 2, "b": 1}, waivers=[{**waiver, "expires": date(2026, 11, 21)}])
    assert found.verdict is Verdict.REGRESSED
    assert found.expired == ["the waiver for a expired on 2026-11-21: issue 12"]


def test_a_waiver_is_about_its_path_only() -> None:
    waiver = {"path": "a", "reason": "issue 12", "expires": "2027-01-01"}
    found = of({"a": 1, "b": 1}, {"b": 2}, waivers=[waiver])
    assert found.verdict is Verdict.REGRESSED
    assert "a: 1 [waived until 2027-01-01: issue 12]" in report.as_text(found)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"path": "a", "reason": "x"},
            "rules.toml: waiver 1 (a): 'expires' is missing; it must be a day such as 2026-12-31",
        ),
        (
            {"path": "a", "reason": "x", "expires": "never"},
            "rules.toml: waiver 1 (a): 'expires' is 'never'; it must be a day such as 2026-12-31",
        ),
        (
            {"path": "a", "expires": DAY},
            "rules.toml: waiver 1 (a): 'reason' is missing; it must be a text that is not empty",
        ),
    ],
)
def test_what_is_no_waiver(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ClocheError) as caught:
        of({"a": 1}, {"a": 1}, waivers=[table])
    assert caught.value.message == message


# Distributions.


def drawn(shift: float, size: int, seed: int) -> list[float]:
    return [shift + float(value) for value in np.random.default_rng(seed).normal(size=size)]


@pytest.mark.parametrize("test", ["mann-whitney", "welch"])
def test_samples(test: str) -> None:
    rule = {"path": "raw", "distribution": {"test": test}}
    assert of({"raw": drawn(0, 60, 1)}, {"raw": drawn(0, 55, 2)}, rule).verdict is Verdict.WITHIN
    for shift in (2, -2):
        assert numbers(of({"raw": drawn(0, 60, 1)}, {"raw": drawn(shift, 55, 2)}, rule)) == {"distribution": 1}
    better = {**rule, "worse": "higher"}
    assert of({"raw": drawn(0, 60, 1)}, {"raw": drawn(-2, 60, 2)}, better).verdict is Verdict.IMPROVED
    assert of({"raw": drawn(0, 60, 1)}, {"raw": drawn(2, 60, 2)}, better).verdict is Verdict.REGRESSED


def test_a_changed_spread_is_seen_by_the_test_that_can() -> None:
    before, now = {"raw": drawn(0, 200, 1)}, {"raw": [3 * value for value in drawn(0, 200, 2)]}
    kinds = {test: {"path": "raw", "distribution": {"test": test}} for test in ("mann-whitney", "kolmogorov-smirnov")}
    assert of(before, now, kinds["mann-whitney"]).verdict is Verdict.WITHIN
    found = of(before, now, kinds["kolmogorov-smirnov"])
    assert (found.verdict, numbers(found)) == (Verdict.REGRESSED, {"distribution": 1})
    assert of(before, {"raw": drawn(0, 200, 2)}, kinds["kolmogorov-smirnov"]).verdict is Verdict.WITHIN
    assert numbers(of(before, {"raw": drawn(0.9, 200, 2)}, kinds["kolmogorov-smirnov"])) == {"distribution": 1}


def test_the_power_of_the_distance_is_no_more_than_what_simulation_shows() -> None:
    from scipy import stats

    shift = 0.8  # of normal distributions: a distance of 0.311
    random = np.random.default_rng(3)
    for size in (40, 70, 120):
        found = np.mean(
            [
                stats.ks_2samp(random.normal(size=size), random.normal(shift, size=size)).pvalue <= 0.05
                for _ in range(300)
            ]
        )
        told = samples._power(rules.Distribution(rules.Test.KOLMOGOROV_SMIRNOV, 0.311, 0.08), size, size, 0.05)  # noqa: SLF001 - see above
        assert found - 0.4 < told < found + 0.05, (size, told, found)


@pytest.mark.parametrize("test", ["mann-whitney", "welch", "kolmogorov-smirnov"])
def test_samples_that_could_show_nothing_are_no_agreement(test: str) -> None:
    found = of({"raw": drawn(0, 5, 1)}, {"raw": drawn(0, 5, 2)}, {"path": "raw", "distribution": {"test": test}})
    assert (found.verdict, numbers(found)) == (Verdict.INCOMPARABLE, {"underpowered": 1})
    assert found.samples[0].needed is not None
    enough = of(
        {"raw": drawn(0, found.samples[0].needed, 1)},
        {"raw": drawn(0, found.samples[0].needed, 2)},
        {"path": "raw", "distribution": {"test": test}},
    )
    assert enough.verdict is Verdict.WITHIN


def test_a_negligible_effect_is_none_however_sure() -> None:
    found = of({"raw": drawn(0, 20000, 1)}, {"raw": drawn(0.1, 20000, 2)}, {"path": "raw", "distribution": {}})
    assert found.samples[0].p < 1e-6
    assert found.verdict is Verdict.WITHIN


def test_constant_samples() -> None:
    for test in ("mann-whitney", "welch", "kolmogorov-smirnov"):
        rule = {"path": "raw", "distribution": {"test": test}}
        assert of({"raw": [1.0] * 70}, {"raw": [1.0] * 70}, rule).verdict is Verdict.IDENTICAL
        assert of({"raw": [1.0] * 70}, {"raw": [1.5] * 50}, rule).verdict is Verdict.REGRESSED


def test_false_alarms_and_detections_among_many_samples() -> None:
    """The family-wise rate of false alarms is at most alpha, and a planted effect of the asked size is found."""
    alarms = found = 0
    rule = {"path": "raw", "distribution": {"effect": 0.6}}
    for seed in range(20):
        before = {"raw": {str(number): drawn(0, 60, 1000 * seed + number) for number in range(5)}}
        now = {"raw": {str(number): drawn(0, 60, 1000 * seed + 500 + number) for number in range(5)}}
        alarms += of(before, now, rule).verdict is Verdict.REGRESSED
        # Cliff's delta of two normal distributions is 2 Phi(shift / sqrt 2) - 1: 0.6 at a shift of 1.19.
        now["raw"]["0"] = drawn(1.19, 60, 7000 + seed)
        found += paths(of(before, now, rule)).get("raw.0") == "distribution"
    assert alarms <= 4  # expected: at most 1
    assert found >= 14  # expected: at least 16


def test_a_sample_with_nan() -> None:
    rule = {"path": "raw", "distribution": {}}
    assert numbers(of({"raw": drawn(0, 50, 1)}, {"raw": [*drawn(0, 49, 2), math.nan]}, rule)) == {"nan": 1}
    with pytest.raises(ClocheError, match="a sample with NaN cannot be tested"):
        of({"raw": [math.nan, 1.0]}, {"raw": [math.nan, 1.0]}, rule)


def test_a_sample_without_a_mean() -> None:
    rule = {"path": "a", "distribution": {"test": "welch"}}
    values = drawn(0, 50, 1)
    message = re.escape(
        "the rule for a: a sample with infinite or very large numbers has no mean and variance; "
        'use test = "mann-whitney"'
    )
    for before, now in (
        (values, [*values[1:], math.inf]),
        ([1e200 * value for value in values], [1e200 * (value + 9) for value in values]),
    ):
        with pytest.raises(ClocheError, match=message):
            of({"a": before}, {"a": now}, rule)


def test_a_single_number_is_no_sample() -> None:
    with pytest.raises(ClocheError) as caught:
        of({"raw": 1.0}, {"raw": 1.0}, {"path": "raw", "distribution": {}})
    assert caught.value.message == "the rule for raw: a distribution needs a list of numbers, and raw is one number"


# Formats.


def test_npz(tmp_path: Path) -> None:
    before = {
        "a": np.arange(6.0).reshape(2, 3),
        "n": np.array([1, 2]),
        "t": np.array(["x", "y"]),
        "c": np.array([1 + 2j]),
        "f": np.array([1, 2], np.float32),
    }
    moved = {"a": before["a"] + np.array([[0, 0, 0], [0, 1, 0]]), "t": np.array(["x", "z"])}
    other = {"n": before["n"].astype(float), "f": before["f"][:1], "a": before["a"].T}
    for name, arrays in (("a", before), ("b", {**before, **moved}), ("c", {**before, **other})):
        np.savez(tmp_path / f"{name}.npz", allow_pickle=False, **arrays)
    a, b, c = (readers.read(tmp_path / f"{name}.npz") for name in "abc")
    assert compare(a, a, rules.Rules(), DAY).verdict is Verdict.IDENTICAL
    assert paths(compare(a, b, rules.Rules(), DAY)) == {"a[1][1]": "number", "t[1]": "text"}
    chosen = rules.of_data({"rule": [{"path": "a[1]", "absolute": 1.5}, {"path": "t", "ignore": "why"}]}, "r")
    assert compare(a, b, chosen, DAY).verdict is Verdict.WITHIN
    found = compare(a, c, rules.Rules(), DAY)
    assert paths(found) == {"n": "type", "f": "shape", "a": "shape"}


def test_single_precision_has_its_own_ulp(tmp_path: Path) -> None:
    one = np.float32(1)
    for steps, verdict in ((4, Verdict.WITHIN), (5, Verdict.REGRESSED)):
        np.savez(tmp_path / "a.npz", a=np.array([one]))
        np.savez(tmp_path / "b.npz", a=np.array([one + steps * np.spacing(one)], np.float32))
        found = compare(readers.read(tmp_path / "a.npz"), readers.read(tmp_path / "b.npz"), rules.Rules(), DAY)
        assert found.verdict is verdict


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables(tmp_path: Path, kind: str) -> None:
    import duckdb

    def table(name: str, rows: str) -> Document:
        path = tmp_path / f"{name}.{kind}"
        with duckdb.connect() as connection:
            values = f'FROM (VALUES {rows}) AS t(n, x, "a name")'
            connection.execute(f"COPY (SELECT * {values}) TO '{path}' (FORMAT {kind})")
        return readers.read(path)

    a = table("a", "(1, 0.1::DOUBLE, 'u'), (2, 0.2, NULL), (3, 'nan', 'w')")
    assert compare(a, a, rules.Rules(), DAY).verdict is Verdict.IDENTICAL
    assert compare(a, a, rules.Rules(), DAY).counts.identical == 9
    b = table("b", "(1, 0.1::DOUBLE, 'u'), (2, 0.25, 'v'), (3, 0.0, 'w')")
    assert paths(compare(a, b, rules.Rules(), DAY)) == {"x[1]": "number", "x[2]": "nan", '"a name"[1]': "type"}
    c = table("c", "(1, 0.1::DOUBLE, 'u'), (2, 0.2, NULL)")
    found = compare(a, c, rules.Rules(), DAY)
    assert paths(found) == {"n": "shape", "x": "shape", '"a name"': "shape"}
    assert (found.counts.identical, found.counts.missing) == (6, 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"", "{}: the file is empty"),
        (
            "a.json",
            b'{"a": [1, 2',
            "{}: no JSON: Expecting ',' delimiter in line 1, column 12; the file ends there, so it is truncated",
        ),
        ("a.json", b'{"a": 1}}', "{}: no JSON: Extra data in line 1, column 9"),
        (
            "a.json",
            b'{"a": 1, "a": 2}',
            "{}: the name 'a' stands twice in one object, so one of its values would be lost",
        ),
        ("a.json", b'{"a": "\xff"}', "{}: byte 7 is no UTF-8"),
        ("a.json", b"[" * 100000, "{}: it is nested too deeply to be read"),
        ("a.txt", b"1", "{}: its name ends in none of .json, .npz, .csv, .parquet"),
        ("b.npz", b"PK\x03\x04", "{}: no NPZ that can be read (truncated?): File is not a zip file"),
        ("a.csv", b"", "{}: the file is empty; its first row must have the names of the columns"),
        ("a.csv", b"a,a\n1,2\n", "{}: the column 'a' stands twice in its first row"),
        ("a.csv", b"1.5,2\n3,4\n", "{}: its first row has numbers only, where the names of the columns should be"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ClocheError) as caught:
        readers.read(path)
    assert caught.value.message == message.format(path)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["a,b\n1,2\n3\n", "a,b\n1,2,3\n", 'a,b\n1,"x'])
def test_a_torn_table_is_refused(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, "a.csv", text)
    with pytest.raises(ClocheError, match=f"{path}: no csv that can be read: "):
        readers.read(path)


@pytest.mark.parametrize(
    "text",
    [
        '{"a\\u003A": [1e30]}',
        '{"a": 123456789012345678901}',
        '{"a": [NaN, -Infinity, 1]}',
        '{"a": [9223372036854775808, true]}',
        "7",
        '":"',
        "[[], {}]",
        "null",
    ],
)
def test_both_readers_of_json_agree(tmp_path: Path, text: str) -> None:
    root = readers.read(written(tmp_path, "a.json", text)).root
    assert repr(root) == repr(json.loads(text))


def test_a_document_that_is_nested_too_deeply(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", "[" * 900 + "1" + "]" * 900)
    with pytest.raises(ClocheError) as caught:
        compare(readers.read(path), readers.read(path), rules.Rules(), DAY)
    assert caught.value.message in {
        f"{path}: it is nested too deeply to be compared",
        f"{path}: it is nested too deeply to be read",
    }


def test_types_of_the_columns_of_a_csv(tmp_path: Path) -> None:
    text = "a,b,c,d,e\n1,2.5,1,x,12345678901234567890\n-2,3,2.5,1,1\n,nan,,,\n"
    root = readers.read(written(tmp_path, "a.csv", text)).root
    assert {name: column.dtype.name for name, column in root.items()} == {
        "a": "int64", "b": "float64", "c": "float64", "d": "object", "e": "object",
    }  # fmt: skip
    assert root["a"].tolist() == [1, -2, None]


def test_objects_in_an_npz_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object))
    with pytest.raises(ClocheError, match="it has an array of Python objects, which could run code"):
        readers.read(tmp_path / "a.npz")


def test_an_array_that_stands_twice_in_an_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.array([1.0]))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("a", archive.read("a.npy"))
    with pytest.raises(ClocheError, match="the name 'a' stands twice in it, so one of its arrays would be lost"):
        readers.read(tmp_path / "a.npz")


def test_a_number_of_a_sample_or_a_table_beyond_a_double(tmp_path: Path) -> None:
    first, second = written(tmp_path, "a.json", '{"a": [1, 2]}'), written(tmp_path, "b.json", '{"a": [1, 1e400]}')
    rule = written(tmp_path, "rules.toml", '[[rule]]\npath = "a"\ndistribution = {}\n')
    ended = call(first, second, "--rules", rule)
    assert isinstance(ended.exception, ClocheError)
    assert ended.exception.message == f"{second}: the number at a[1] is beyond what a double holds"
    first, second = written(tmp_path, "a.csv", "a\n1\n1e400\n"), written(tmp_path, "b.csv", "a\n1\n1e500\n")
    assert call(first, second).exit_code == 1
    assert call(written(tmp_path, "a.csv", "a\n-inf\n1\n"), tmp_path / "a.csv").exit_code == 0


def test_a_number_beyond_a_double(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", '{"a": [1.0, 1e999]}')
    with pytest.raises(ClocheError) as caught:
        compare(readers.read(path), readers.read(path), rules.Rules(), DAY)
    assert caught.value.message == f"{path}: the number at a[1] is beyond what a double holds"


def test_files_of_different_formats(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.ones(2))
    with pytest.raises(ClocheError, match="are of different formats, so their types cannot be compared"):
        compare(
            readers.read(written(tmp_path, "a.json", {"a": [1.0, 1.0]})),
            readers.read(tmp_path / "a.npz"),
            rules.Rules(),
            DAY,
        )


# The command, on real files.


@needs_data
def test_a_calibration_before_and_after_a_change(tmp_path: Path) -> None:
    folder = Path(str(DATA), "regression")
    files = [folder / f"results_v0.4.{patch}_calibration_metrics.json" for patch in (2, 3)]
    ended = call(*files, "--json")
    data = json.loads(ended.stdout)
    assert ended.exit_code == 1
    assert {name: data[name] for name in ("compared", "identical", "within_tolerance", "changed", "missing", "extra")} == {
        "compared": 320, "identical": 271, "within_tolerance": 0, "changed": 49, "missing": 0, "extra": 6,
    }  # fmt: skip
    assert (data["findings_by_kind"]["number"], data["findings_by_kind"]["text"]) == (45, 4)
    timings = written(
        tmp_path,
        "rules.toml",
        '[[rule]]\npath = "performance"\nignore = "timings"\n[[rule]]\npath = "**.runtime_s"\nignore = "timings"\n',
    )
    data = json.loads(call(*files, "--json", "--rules", timings).stdout)
    assert (data["findings_by_kind"]["number"], data["ignored"]) == (35, {"baseline": 10, "current": 10})


@needs_data
def test_the_truncated_file() -> None:
    folder = Path(str(DATA), "regression")
    path = folder / "validation_stochastic_20251001_072924.json"
    ended = call(folder / "validation_stochastic_20251001_083713.json", path)
    assert isinstance(ended.exception, ClocheError)
    assert (
        ended.exception.message
        == f"{path}: no JSON: Expecting value in line 36, column 11; the file ends there, so it is truncated"
    )


@needs_data
def test_stochastic_trials_need_a_distribution() -> None:
    """The raw trials of one noise level against those of another: leaf by leaf all differ, as samples few do."""
    data = json.loads(Path(str(DATA), "regression/validation_stochastic_20251001_083713.json").read_text())[
        "results_by_noise"
    ]
    assert of({"raw": data["0.1"]["raw"]}, {"raw": data["0.5"]["raw"]}).counts.changed == 40
    rule = {"path": "raw", "distribution": {"effect": 0.95}}
    assert of({"raw": data["0.1"]["raw"]}, {"raw": data["0.5"]["raw"]}, rule).verdict is Verdict.WITHIN
    # The noise does harm two of the methods, and a shift of one method's values is found in either direction.
    noisy = of({"raw": data["0.0"]["raw"]}, {"raw": data["2.0"]["raw"]}, rule)
    assert set(paths(noisy)) == {"raw.random", "raw.bayesian"}
    for shift in (-3.0, 3.0):
        raw = data["0.5"]["raw"]
        moved = {"raw": {**raw, "random": [value + shift for value in raw["random"]]}}
        assert paths(of({"raw": data["0.1"]["raw"]}, moved, rule)) == {"raw.random": "distribution"}


def test_holm() -> None:
    # Holm 1979: the least is multiplied by the number of tests, and no corrected value is below an earlier one.
    assert samples.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert samples.holm([0.9, 0.8]) == [1.0, 1.0]


def test_many_findings_are_counted_and_the_largest_shown() -> None:
    before = [1.0] * 7000
    now = [1.0 + 1e-6] * 4999 + [2.0]
    found = of(before, now)
    assert found.findings.numbers[What.NUMBER] == 5000
    assert len(found.findings.kept[What.NUMBER]) == 1000
    text = report.as_text(found).splitlines()
    assert text[1] == "  [4999]: 1 -> 2 (off by 1, accepted 1e-10: default)"
    assert text[21] == "  ... and 4980 more"


def test_names_of_columns_are_data(tmp_path: Path) -> None:
    """Also those that SQL or DuckDB would take for the same, for none, or for more than a name."""
    names = ["", "t", "T", "T_1", 'a"b', "n.q", "x); DROP TABLE fields", "l\nm", "ä", "c0", "select"]
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    values = [f"{number}.5" for number in range(len(names))]
    first = written(tmp_path, "a.csv", f"{quoted}\n{','.join(values)}\n")
    assert {name: column.tolist() for name, column in readers.read(first).root.items()} == {
        name: [number + 0.5] for number, name in enumerate(names)
    }
    changed = [f"{number + 10}.5" for number in range(len(names))]
    second = written(tmp_path, "b.csv", f"\ufeff{quoted}\n{','.join(changed)}\n")
    given = "".join(f"[[rule]]\npath = {json.dumps(json.dumps(name))}\nabsolute = 10\n" for name in names)
    rule = rules.load(Path(written(tmp_path, "rules.toml", given)))
    found = compare(readers.read(first), readers.read(second), rule, DAY)
    assert (found.verdict, found.unused) == (Verdict.WITHIN, [])
    found = compare(readers.read(first), readers.read(second), rules.Rules(rule.rules[1:]), DAY)
    assert paths(found) == {'""[0]': "number"}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a,b\r\n1,2\r\n\r\n3,4\r\n", {"a": [1, 3], "b": [2, 4]}),
        ("a,b\r1,2\r", {"a": [1], "b": [2]}),
        ("a\n1\n\n2", {"a": [1, None, 2]}),
        ('a,b\r\n1,"x\r\ny"\r\n', {"a": [1], "b": ["x\r\ny"]}),
        ('a,b\n1,"x\r\ny"\n', {"a": [1], "b": ["x\r\ny"]}),
        ('"a\nb",c\n1,2\n', {"a\nb": [1], "c": [2]}),
        (
            '"a\nb",c\r\n1,2\r\n',
            "no csv that can be read: 0 of its 1 rows were found; write it with line ends of one kind, and without any in names",
        ),
    ],
)
def test_no_row_of_a_csv_is_lost(tmp_path: Path, text: str, columns: dict[str, list[object]] | str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    if isinstance(columns, str):
        with pytest.raises(ClocheError) as caught:
            readers.read(path)
        assert caught.value.message == f"{path}: {columns}"
    else:
        assert {name: column.tolist() for name, column in readers.read(path).root.items()} == columns


def test_names_of_columns_of_parquet_are_data(tmp_path: Path) -> None:
    """Names that differ only by case are two, a path is no pattern, and a folder is no column."""
    import duckdb

    folder = tmp_path / "year=2026"
    folder.mkdir()
    path = folder / "a[1]*.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT 1.5::FLOAT AS tt, 2.5::FLOAT AS uu, 3 AS "a""b", 4 AS "n.q") TO '{tmp_path}/p' (FORMAT parquet)"""
        )
        connection.execute(f"COPY (SELECT {{'x': 1, 'y': [2]}} AS s, 1 AS n) TO '{tmp_path}/nested.parquet'")
    # DuckDB itself writes no such names, but others do.
    path.write_bytes((tmp_path / "p").read_bytes().replace(b"uu", b"TT"))
    (folder / "a1x.parquet").write_bytes(b"another file, which the pattern would find")
    root = readers.read(path).root
    assert {name: column.tolist() for name, column in root.items()} == {
        "tt": [1.5],
        "TT": [2.5],
        'a"b': [3],
        "n.q": [4],
    }
    path.write_bytes((tmp_path / "p").read_bytes().replace(b"uu", b"tt"))
    for place, message in (
        (path, f"{path}: the column 'tt' stands twice in it"),
        (
            tmp_path / "nested.parquet",
            f"{tmp_path}/nested.parquet: its column 's' is of the type STRUCT(x INTEGER, y INTEGER[])",
        ),
    ):
        with pytest.raises(ClocheError) as caught:
            readers.read(place)
        assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("1", "1.00000000000001", (Verdict.WITHIN, {})),
        ("1", "1.0", (Verdict.IDENTICAL, {})),
        ("1.5", "2", (Verdict.REGRESSED, {"a[1]": "number"})),
        ("1e3", "1000", (Verdict.IDENTICAL, {})),
        # Whole numbers that no double holds.
        ("9007199254740993", "9007199254740993.0", (Verdict.REGRESSED, {"a[1]": "text"})),
        ("9007199254740992", "9007199254740992.0", (Verdict.IDENTICAL, {})),
        ("9007199254740992", "9007199254740994.0", (Verdict.WITHIN, {})),
        ("9007199254740992", "9207199254740994.0", (Verdict.REGRESSED, {"a[1]": "number"})),
        ("9007199254740992", "9007199254740993", (Verdict.REGRESSED, {"a[1]": "number"})),
        # Which 64 bits may not hold either.
        ("9223372036854775807", "-9223372036854775808", (Verdict.REGRESSED, {"a[1]": "text"})),
        ("", "1.5", (Verdict.REGRESSED, {"a[1]": "type"})),
        ("true", "1.5", (Verdict.REGRESSED, {"a": "type"})),
        ("1_0", "10", (Verdict.REGRESSED, {"a": "type"})),
        ("nan", "1", (Verdict.REGRESSED, {"a[1]": "nan"})),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_whole_numbers_and_decimals_of_a_csv(
    tmp_path: Path, before: str, after: str, found: tuple[Verdict, dict[str, str]], *, turned: bool
) -> None:
    if turned:
        before, after = after, before
    first = written(tmp_path, "a.csv", f"a\n3\n{before}\n4\n")
    second = written(tmp_path, "b.csv", f"a\n3\n{after}\n4\n")
    seen = compare(readers.read(first), readers.read(second), rules.Rules(), DAY)
    assert (seen.verdict, paths(seen)) == found


def test_rounded_whole_numbers_of_a_csv_are_not_the_same(tmp_path: Path) -> None:
    """In a column of decimals, a whole number beyond 2^53 keeps its digits."""
    first = written(tmp_path, "a.csv", "a\n0.5\n9007199254740993\n")
    second = written(tmp_path, "b.csv", "a\n0.5\n9007199254740992\n")
    assert compare(readers.read(first), readers.read(second), rules.Rules(), DAY).verdict is Verdict.REGRESSED
    same = written(
        tmp_path, "c.csv", "a\n0.5\n6.02e23\n12345678901234567890123456\n1e300\n9007199254740992\nnan\ninf\n"
    )
    assert compare(readers.read(same), readers.read(same), rules.Rules(), DAY).verdict is Verdict.IDENTICAL


def test_whole_numbers_and_decimals_of_json(tmp_path: Path) -> None:
    text = '{{"a": [9007199254740992{0}, 1152921504606846976{0}, 1{0}]}}'
    first, second = written(tmp_path, "a.json", text.format("")), written(tmp_path, "b.json", text.format(".0"))
    assert compare(readers.read(first), readers.read(second), rules.Rules(), DAY).verdict is Verdict.IDENTICAL
    third = written(tmp_path, "c.json", text.format(".0").replace("740992", "740993"))
    fourth = written(tmp_path, "d.json", text.format("").replace("740992", "740993"))
    assert compare(readers.read(third), readers.read(fourth), rules.Rules(), DAY).verdict is Verdict.REGRESSED


def test_thousands_of_columns_and_underscores(tmp_path: Path) -> None:
    names = ",".join(f"col_{number}" for number in range(1000))
    row = ",".join(["1.5", "2", "x", "1e300"] * 250)
    path = written(tmp_path, "a.csv", f"{names}\n{row}\n{row}\n")
    root = readers.read(path).root
    assert [column.dtype.kind for column in list(root.values())[:4]] == ["f", "i", "O", "f"]
    assert len(root) == 1000
