"""The figures about the selection of tests: the page is what the JSON says, and the JSON is of the matrices that are committed."""

from __future__ import annotations

import copy
import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, run

sys.path.insert(0, str(ROOT / "ci/benchmarks"))

from selection import learned_report, report
from selection.command import parsed
from selection.projects import PROJECTS

STORED = ROOT / "ci/benchmarks/selection/stored"
PAGE = ROOT / "docs/benchmark-selection.md"


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """Return the committed figures."""
    found: dict[str, Any] = json.loads(PAGE.with_suffix(".json").read_text())
    return found


def test_the_page_is_what_the_figures_say(told: dict[str, Any]) -> None:
    page, known = PAGE.read_text(), report.tables(told)
    assert {found["name"] for found in report.BLOCK.finditer(page)} == known.keys()
    assert report.written(page, known) == page, "run `ci/bench selection replay --document`"
    # The control: another figure is another page.
    other = copy.deepcopy(told)
    other["projects"]["toolz"]["ways"]["impact layer"]["missed"] += 1
    assert report.written(page, report.tables(other)) != page


def test_the_figures_are_of_what_is_stored(told: dict[str, Any]) -> None:
    assert told["projects"].keys() == PROJECTS.keys()
    assert told["times"] == report.times(STORED)
    matrices = [(name, each) for name, each in told["projects"].items()]
    matrices += [(f"{name}.cosmic-ray", each) for name, each in told["other tool"].items()]
    for name, each in matrices:
        first, base, *rows = [
            json.loads(line) for line in gzip.decompress((STORED / f"{name}.jsonl.gz").read_bytes()).splitlines()
        ]
        assert each["outcomes"] == Counter(row["outcome"] for row in rows), name
        assert (each["tests"], each["seed"], each["sites"]) == (len(base["tests"]), first["seed"], first["sites"])
        assert (
            first["facts"]["source"]
            == f"{PROJECTS[name.removesuffix('.cosmic-ray')].file} sha256:{PROJECTS[name.removesuffix('.cosmic-ray')].sha256}"
        )
    assert {file.name.removesuffix(".jsonl.gz") for file in STORED.iterdir()} == {
        *(name for name, _ in matrices),
        *(f"{name}.wall" for name in told["times"]),
    }


@pytest.mark.parametrize("split", learned_report.SPLITS)
def test_the_learned_layer_is_judged_on_every_fault(told: dict[str, Any], split: str) -> None:
    assert told[split].keys() == PROJECTS.keys()
    for name, each in told[split].items():
        layer = told["projects"][name]["ways"]["impact layer"]
        ordinary = sum(told["projects"][name]["outcomes"].get(outcome, 0) for outcome in ("killed", "survived"))
        assert each["ways"].keys() >= {learned_report.CHOSEN, *learned_report.SIMPLE}
        for way in each["ways"].values():
            assert way["ranker"]["changes"] == ordinary
            for found in (way[recall] for recall in way if recall != "ranker"):
                assert (found["faults"], found["killed"]) == (layer["faults"], layer["killed"]), name


def test_an_aim_is_met_only_where_both_figures_are() -> None:
    def project(caught: float, time: float, f1: float) -> dict[str, Any]:
        found = {"detected": {"value": caught}, "test_seconds": {"value": time}}
        return {"ways": {learned_report.CHOSEN: {"0.95": found, "0.99": found, "ranker": {"f1": {"value": f1}}}}}

    def verdicts(*projects: tuple[float, float, float]) -> list[str]:
        return [
            row[2]
            for row in learned_report.aims(
                {str(number): project(*each) for number, each in enumerate(projects)}, "functions left out"
            )
        ]

    assert verdicts((1.0, 0.1, 0.8), (1.0, 0.1, 0.8), (0.9, 0.9, 0.1)) == ["met", "met", "met"]
    assert verdicts((0.96, 0.1, 0.79)) == ["met", "not met", "not met"]
    assert verdicts((0.94, 0.1, 0.8)) == ["not met", "not met", "met"]
    assert verdicts((1.0, 0.15, 0.8)) == ["not met", "met", "met"]
    # In a long suite, the lower bound and the time with pytest's own count.
    one = project(1.0, 0.05, 0.9)
    for found in (one["ways"][learned_report.CHOSEN][recall] for recall in ("0.95", "0.99")):
        found["detected"] |= {"low": 0.96, "high": 1.0}
        found["time"] = {"value": 0.08, "low": 0.07, "high": 0.09}
    assert [row[2] for row in learned_report.aims({"one": one}, "functions left out", ["one"])] == [
        "met",
        "met",
        "met",
        "not met",
        "met",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["replay", "numpy"],
            "there is no project called numpy; there are: toolz, more-itertools, uncertainties, attrs",
        ),
        (["matrix", "toolz"], "matrix needs --work FOLDER, where it keeps what it makes"),
        (
            ["learned", "numpy"],
            "there is no project called numpy; there are: toolz, more-itertools, uncertainties, attrs",
        ),
    ],
)
def test_wrong_words(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parsed(words)
    assert raised.value.code == 2
    assert capsys.readouterr().err.endswith(f"ci/bench selection: error: {said}\n")


@pytest.mark.slow
def test_the_command_repeats_a_committed_figure(told: dict[str, Any], tmp_path: Path) -> None:
    """The impact layer of this checkout, on a map that is recorded now: what it selects and misses is what the page has."""
    ended = run(ROOT / "ci/bench", "selection", "replay", "toolz", "--json", tmp_path / "t.json")
    assert ended.code == 0, ended.err
    before, now = told["projects"]["toolz"], json.loads((tmp_path / "t.json").read_text())["projects"]["toolz"]
    assert now["missed"] == before["missed"]
    for figure in ("detected", "tests", "test_seconds"):
        assert now["ways"]["impact layer"][figure] == pytest.approx(before["ways"]["impact layer"][figure], abs=0.02)


@pytest.mark.slow
def test_the_command_repeats_a_committed_figure_of_the_learned_layer(told: dict[str, Any], tmp_path: Path) -> None:
    """Rows of a map that is recorded now, and models of this checkout: what they catch and how they rank is what the page has."""
    ended = run(ROOT / "ci/bench", "selection", "learned", "uncertainties", "--json", tmp_path / "l.json")
    assert ended.code == 0, ended.err
    ways = [
        each["functions left out"]["uncertainties"]["ways"][learned_report.CHOSEN]
        for each in (told, json.loads((tmp_path / "l.json").read_text()))
    ]
    assert ways[1]["ranker"]["f1"]["value"] == pytest.approx(ways[0]["ranker"]["f1"]["value"], abs=0.03)
    assert ways[1]["0.95"]["detected"]["value"] == pytest.approx(ways[0]["0.95"]["detected"]["value"], abs=0.03)
