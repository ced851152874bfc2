"""Every option changes an output: the table tests/options/options.nix has a value for each, and nothing is built."""

import json

from conftest import ROOT, nix

# An output that the option has nothing to do with, an option that there isn't, and a row that is right.
CONTROL = (
    '"checks.lint" = { "cloche.tests.attempt" = 1; "cloche.lint.path" = [ "src" ]; "cloche.lint.paths" = [ "src" ]; };'
)


def problems(arguments: str) -> list[str]:
    """Return what is wrong with the table, or with the rows that the arguments give instead."""
    ended = nix("eval", "--json", "--read-only", "--impure", "--expr", f"import {ROOT}/tests/options {{ {arguments} }}")
    assert ended.code == 0, ended.err
    found: list[str] = json.loads(ended.out)
    return found


def test_every_option_has_a_row_that_changes_an_output() -> None:
    assert problems("") == []


def test_an_option_without_row_and_a_row_without_effect_or_option_are_told() -> None:
    *missing, unknown, unchanged = problems(f"rows = {{ {CONTROL} }};")
    assert unknown == "cloche.lint.path is no option"
    assert unchanged == "cloche.tests.attempt does not change checks.lint"
    assert all(problem.endswith(" has no row") for problem in missing)
    assert "cloche.lint.format has no row" in missing
    assert not {"cloche.lint.paths has no row", "cloche.tests.attempt has no row"} & {*missing}
