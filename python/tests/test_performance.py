"""Verdicts on figures of two programs: their signs, their noise, and what is not enough to say anything."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cloche.cli import cloche
from cloche.errors import ClocheError
from cloche.performance import check, judge, measure, statistics
from cloche.performance.statistics import Verdict

LATENCY = Path(os.environ.get("CLOCHE_DATA", "/absent"), "latency")
GATES = {"benchmark": "fit", "instructions": 0.01, "time": 0.05, "runs": 6, "revisions": {"base": None, "head": None}}


def measured(factor: float, noise: float, seed: int, runs: int = 6) -> tuple[list[float], list[float], list[float]]:
    """Return times of a base, again of the base, and of a head that takes `factor` as long."""
    chance = random.Random(seed)  # noqa: S311 - noise, no secret
    return tuple([size * math.exp(chance.gauss(0, noise)) for _ in range(runs)] for size in (1.0, 1.0, factor))  # type: ignore[return-value]


def verdicts(factor: float, noise: float, runs: int = 6, *, many: int = 300) -> dict[str, int]:
    found = dict.fromkeys(map(str, Verdict), 0)
    for seed in range(many):
        found[statistics.rounds(*measured(factor, noise, seed, runs), 0.05).verdict] += 1
    return found


def record(**case: object) -> dict[str, Any]:
    whole: dict[str, Any] = {"counts": {}, "seconds": {}, "failed": {}, "calls": 10, "processes": False, **case}
    return {"version": 1, "base": True, "broken": "", "cases": {"a": whole}}


def counted(base: list[float], head: list[float]) -> dict[str, Any]:
    data = judge.as_data(record(counts={"base": base, "head": head}), GATES)
    case: dict[str, Any] = data["cases"][0]
    return case


@pytest.mark.parametrize(("factor", "right", "wrong"), [(1.2, "slower", "faster"), (0.8, "faster", "slower")])
def test_a_change_of_20_percent_has_its_sign(factor: float, right: str, wrong: str) -> None:
    found = verdicts(factor, 0.02)
    assert found[wrong] == 0
    assert found[right] > 290
    assert verdicts(factor, 0.2)[wrong] <= 3


def test_a_program_is_not_different_from_itself() -> None:
    for noise in (0.005, 0.02, 0.1, 0.3):
        found = verdicts(1.0, noise)
        assert found["slower"] + found["faster"] <= 9, noise
    assert verdicts(1.0, 0.01)["unchanged"] > 290


def test_fewer_than_three_runs_a_side_say_nothing() -> None:
    found = statistics.rounds([1.0, 1.0], [1.0, 1.0], [2.0, 2.0], 0.05)
    assert (found.verdict, found.reason) == ("inconclusive", "fewer than 3 runs a side")
    assert statistics.rounds([1.0] * 3, [1.0] * 3, [2.0] * 3, 0.05).verdict == "slower"


def test_what_is_within_the_noise_floor_is_inconclusive() -> None:
    found = statistics.rounds([1.0, 1.1, 1.0, 1.1], [1.2, 1.1, 1.2, 1.1], [1.25, 1.25, 1.25, 1.25], 0.05)
    assert found.estimate is not None
    assert found.estimate.different
    assert found.noise is not None
    assert found.noise > found.estimate.change > 0.05
    assert found.verdict == "inconclusive"
    assert found.reason == "time: from +13.4 % to +14.3 %, and the base differs from itself by up to 30 %"


@pytest.mark.skipif(not LATENCY.is_dir(), reason="CLOCHE_DATA names no folder with latency")
class TestLatency:
    """Four runs of one program, whose samples differ with vanishing p-values."""

    FILES = sorted(map(str, LATENCY.glob("*.json")))

    @staticmethod
    def compared(folder: Path, base: list[str], head: list[str], factor: float, *more: str) -> dict[str, Any]:
        """Compare runs, those of the head with their samples multiplied."""
        planted = []
        for number, name in enumerate(head):
            data = json.loads(Path(name).read_text())
            planted.append(folder / f"{number}.json")
            planted[-1].write_text(json.dumps({"raw_latencies": [each * factor for each in data["raw_latencies"]]}))
        files = [*(f"--base={name}" for name in base), *(f"--head={name}" for name in planted)]
        ended = CliRunner().invoke(
            cloche, ["performance", "compare", "--samples", "raw_latencies", "--json", *files, *more]
        )
        assert ended.exit_code in {0, 1}, ended.output
        (found,) = json.loads(ended.output)["benchmarks"]
        assert ended.exit_code == (found["verdict"] == "slower")
        return dict(found)

    def test_no_pair_is_different_and_a_planted_tenth_is(self, tmp_path: Path) -> None:
        """With one run a side nothing is called slower; what is known of the noise is said."""
        assert len(self.FILES) == 4
        for one, other in itertools.permutations(self.FILES, 2):
            same = [f"--same={name}" for name in self.FILES if name != one]
            found = self.compared(tmp_path, [one], [other], 1.0, *same)
            assert (found["verdict"], found["different"]) == ("inconclusive", False)
            planted = self.compared(tmp_path, [one], [other], 1.1, *same)
            # One run a side: not called slower, but further apart than runs of one program are.
            assert (planted["verdict"], planted["different"]) == ("inconclusive", True)
            alone = self.compared(tmp_path, [one], [other], 1.1)
            assert (alone["verdict"], alone["different"]) == ("inconclusive", None)

    def test_four_runs_a_side_are_enough_for_a_tenth(self, tmp_path: Path) -> None:
        """In either direction, and only then."""
        slower = self.compared(tmp_path, self.FILES, self.FILES, 1.1)
        assert (slower["verdict"], slower["different"]) == ("slower", True)
        assert slower["interval"][0] < 0.1 < slower["interval"][1]
        assert self.compared(tmp_path, self.FILES, self.FILES, 0.9)["verdict"] == "faster"
        assert self.compared(tmp_path, self.FILES, self.FILES, 1.0)["verdict"] == "unchanged"
        # Of no two halves is one slower.
        for pair in itertools.combinations(self.FILES, 2):
            rest = [name for name in self.FILES if name not in pair]
            assert self.compared(tmp_path, list(pair), rest, 1.0)["verdict"] == "inconclusive"


def test_figures_that_are_none_are_errors(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('{"benchmarks": [{"fullname": "a", "stats": {"median": 1.0}}]}')
    ending = "; a run is a file of pytest-benchmark (--benchmark-json), or any JSON with a list of samples, which --samples names"
    for text, arguments, message in (
        ("{", [], "no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", [], 'it has no list "benchmarks"'),
        ('{"benchmarks": [{}]}', [], "benchmarks[0] has no fullname or no stats.median"),
        (
            '{"benchmarks": [{"fullname": "a", "stats": {"median": 0}}]}',
            [],
            "the median of a has 0, which is no duration above zero",
        ),
        ('{"a": {"b": [1, NaN]}}', ["--samples=a.b"], "NaN is no JSON number"),
        ('{"a": {"b": 1}}', ["--samples=a.b"], "a.b is no list of samples"),
        ('{"a": 1}', ["--samples=a.b"], "there is no a.b in it"),
    ):
        bad.write_text(text)
        ended = CliRunner().invoke(cloche, ["performance", "compare", f"--base={bad}", f"--head={bad}", *arguments])
        assert isinstance(ended.exception, ClocheError)
        assert ended.exception.message == f"{bad}: {message}{ending}"
    bad.write_text('{"benchmarks": [{"fullname": "b", "stats": {"median": 1.0}}]}')
    ended = CliRunner().invoke(cloche, ["performance", "compare", f"--base={bad}", f"--head={good}"])
    assert isinstance(ended.exception, ClocheError)
    assert ended.exception.message == "the two sides have no benchmark in common, so nothing was compared"


def test_instructions_are_gated_in_both_directions() -> None:
    slower = counted([1000.0, 1000.0], [1200.0, 1201.0])
    assert (slower["verdict"], slower["reasons"]) == ("slower", ["instructions: 20 % more, the gate is 1 %"])
    faster = counted([1000.0, 1000.0], [800.0, 800.0])
    assert (faster["verdict"], faster["reasons"]) == ("faster", ["instructions: 20 % fewer, the gate is 1 %"])
    same = counted([1000.0, 1001.0], [1009.0, 1008.0])
    assert (same["verdict"], same["reasons"]) == ("unchanged", ["instructions: +0.80 %, less than the gate of 1 %"])
    unsteady = counted([1000.0, 1050.0], [1200.0, 1200.0])
    assert (unsteady["verdict"], unsteady["reasons"]) == (
        "inconclusive",
        ["instructions: two counts of one side differ by 4.9 %"],
    )
    # A body that costs nothing has no ratio.
    assert counted([0.0, 0.0], [0.0, 0.0])["verdict"] == "inconclusive"


def test_either_instrument_makes_a_case_slower() -> None:
    seconds = {"base": [1.0, 1.01, 1.0], "again": [1.0, 1.0, 1.01], "head": [1.3, 1.31, 1.3]}
    data = judge.as_data(record(counts={"base": [1000.0] * 2, "head": [900.0] * 2}, seconds=seconds), GATES)
    assert data["verdict"] == "slower"
    assert data["cases"][0]["time"]["verdict"] == "slower"
    assert data["cases"][0]["instructions"]["verdict"] == "faster"
    text = judge.as_text(data)
    assert (
        "  a: slower\n    instructions: 10 % fewer, the gate is 1 %\n    time: 30 % more (from +28.7 % to +31.2 %)\n"
        in text
    )


def test_what_the_base_lacks_is_not_compared() -> None:
    data = judge.as_data(record(counts={"head": [1.0, 1.0]}, failed={"base": "E   ImportError: no fit\n"}), GATES)
    assert (data["verdict"], data["compared"]) == ("not compared", False)
    assert data["cases"][0]["reasons"] == ["the base has no figures for it: E   ImportError: no fit"]
    alone = record(counts={"head": [10.0, 10.0]}, seconds={"head": [1.0, 1.0, 1.0], "again": [1.0, 1.1, 1.0]})
    alone["base"] = False
    data = judge.as_data(alone, GATES)
    assert (data["verdict"], data["compared"]) == ("not compared", False)
    assert data["cases"][0]["reasons"] == ["there is no base to compare with (cloche.base)"]
    assert data["cases"][0]["time"]["noise"] > 0


def test_other_processes_are_not_counted() -> None:
    data = judge.as_data(record(counts={"base": [1000.0] * 2, "head": [2000.0] * 2}, processes=True), GATES)
    assert data["cases"][0]["instructions"] is None
    assert (
        data["cases"][0]["reasons"][0] == "instructions: it starts other processes, whose instructions are not counted"
    )


def control(folder: Path, name: str, instructions: str, time: str) -> Path:
    target = folder / name
    target.mkdir()
    case = {"name": "a", "verdict": instructions, "instructions": {"verdict": instructions}, "time": {"verdict": time}}
    (target / "performance.json").write_text(json.dumps({"verdict": instructions, "cases": [case]}))
    (target / "performance.txt").write_text(f"{name}\n")
    return target


@pytest.mark.parametrize(
    ("instructions", "time", "message"),
    [
        ("slower", "slower", None),
        ("slower", "inconclusive", None),
        ("unchanged", "slower", "the planted slower program is 'unchanged' by its instructions"),
        ("slower", "faster", "the planted slower program is 'faster' by its time"),
    ],
)
def test_a_control_that_is_missed_fails_the_check(
    tmp_path: Path, instructions: str, time: str, message: str | None
) -> None:
    controls = {"slower": str(control(tmp_path, "slower", instructions, time))}
    attributes = {"controls": controls, "comparisons": {}, "outputs": {"out": str(tmp_path / "out")}}
    if message is None:
        check.main(attributes)
    else:
        with pytest.raises(SystemExit, match=message):
            check.main(attributes)


@pytest.mark.parametrize("verdict", list(map(str, Verdict)))
def test_only_what_is_slower_is_red(tmp_path: Path, verdict: str) -> None:
    comparisons = {"fit": str(control(tmp_path, "fit", verdict, verdict))}
    attributes = {"controls": {}, "comparisons": comparisons, "outputs": {"out": str(tmp_path / "out")}}
    if verdict == "slower":
        with pytest.raises(SystemExit, match=r"fit: slower \(a\)"):
            check.main(attributes)
    else:
        check.main(attributes)
        assert (tmp_path / "out").read_text() == f"fit: {verdict}\n"


def test_rounds_are_balanced_and_always_the_same() -> None:
    found = measure.orders(["base", "again", "head"], 6)
    assert found == measure.orders(["base", "again", "head"], 6)
    assert all(sorted(order) == ["again", "base", "head"] for order in found)
    assert [order[::-1] for order in found[::2]] == found[1::2]
    assert len({tuple(order) for order in measure.orders(["base", "again", "head"], 40)}) == 6
