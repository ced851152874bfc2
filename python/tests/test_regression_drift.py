"""Drift: planted shifts in both directions, constants, noise, and histories in a telemetry store."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cloche.errors import ClocheError
from cloche.regression.command import regress
from cloche.regression.drift import Series, shifts
from cloche.telemetry.command import telemetry


def found(*values: float) -> list[tuple[int, str]]:
    """Return the shifts of one history as (index, direction)."""
    here = shifts([Series("a", np.array(values))]).shifts.get("a", [])
    return [(shift.index, "up" if shift.rose else "down") for shift in here]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5.0] * 20, []),
        ([5.0] * 20 + [5.0 + 1e-12], []),
        ([5.0] * 20 + [5.1], [(20, "up")]),
        ([5.0] * 20 + [4.9], [(20, "down")]),
        ([5.0] * 5 + [5.1] * 5 + [5.0] * 5, [(5, "up"), (10, "down")]),
        ([0.0] * 5 + [1e-300] * 5, [(5, "up")]),
        ([5.0, 5.0], []),
        ([5.0, 6.0], []),
        ([5.0], []),
        ([], []),
    ],
)
def test_histories_that_do_not_vary(values: list[float], expected: list[tuple[int, str]]) -> None:
    assert found(*values) == expected


def test_a_nan_that_comes_or_goes() -> None:
    here = shifts([Series("a", np.array([5.0] * 5 + [np.nan] * 5))]).shifts["a"]
    assert [shift.index for shift in here] == [5]
    noisy = np.random.default_rng(1).normal(size=20)
    noisy[12:] = np.nan
    assert [shift.index for shift in shifts([Series("a", noisy)]).shifts["a"]] == [12]


def test_a_history_that_varies_and_is_short_says_nothing() -> None:
    here = shifts([Series("a", np.random.default_rng(0).normal(size=9))])
    assert (here.shifts, here.short) == ({}, ["a"])


def test_planted_shifts_are_found_in_both_directions_and_noise_is_not() -> None:
    """The rates over many histories; ci/benchmarks/workloads/drift.py prints them for more cases."""
    random = np.random.default_rng(3)
    alarms, hits, wrong = 0, {1: 0, -1: 0}, 0
    for _ in range(100):
        noise = random.normal(size=40)
        alarms += bool(found(*(7 + noise)))
        for sign in (1, -1):
            moved = 7 + noise
            moved[25:] += 4 * sign
            here = found(*moved)
            hits[sign] += any(abs(index - 25) <= 2 and (way == "up") == (sign > 0) for index, way in here)
            wrong += any((way == "up") != (sign > 0) for _, way in here)
    assert alarms <= 6
    assert min(hits.values()) >= 95
    assert wrong <= 8


def test_many_histories_raise_no_more_alarms_than_one() -> None:
    random = np.random.default_rng(4)
    alarms = sum(
        bool(shifts([Series(str(number), values) for number, values in enumerate(random.normal(size=(20, 40)))]).shifts)
        for _ in range(30)
    )
    assert alarms <= 5


def test_one_outlier_is_no_level() -> None:
    noise = np.random.default_rng(5).normal(size=40)
    noise[20] = 50.0
    assert found(*noise) == []


def output(folder: Path, value: float, name: str = "fit") -> Path:
    """Write what an output of packages.regression has."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "comparison.json").write_text(
        json.dumps({"version": 1, "experiment": name, "class": "x86-64-v2", "verdict": "identical"})
    )
    (place / "result.json").write_text(json.dumps({"error": value, "steps": [1, 2.5], "note": "text", "ok": True}))
    return folder


def kept(folder: Path, store: Path, commit: str, day: int, *more: str) -> Result:
    words = [
        "import",
        "--store",
        str(store),
        "--project",
        "p",
        "--commit",
        commit,
        "--at",
        f"2026-01-{day:02}T00:00:00Z",
        *more,
        str(folder),
    ]
    return CliRunner().invoke(telemetry, words)


def looked(store: Path, *more: str) -> Result:
    return CliRunner().invoke(regress, ["drift", "--store", str(store), "--project", "p", *more])


def test_a_history_is_stored_and_its_shift_is_found(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    for day in range(1, 13):
        done = kept(output(tmp_path / "out", 2.0 if day < 9 else 1.5), store, f"{day:040}", day)
        assert done.stdout == f"{tmp_path}/out/fit: 3 numbers, stored\n", done.output
    assert kept(tmp_path / "out", store, f"{12:040}", 12).stdout == f"{tmp_path}/out/fit: 3 numbers, known already\n"
    done = looked(store)
    assert done.stdout == (
        "fit (x86-64-v2) error: fell from 2 to 1.5 at commit 000000000000, 2026-01-09T00:00:00Z\n"
        "1 change of level in 3 histories of up to 12 runs\n"
    )
    assert done.exit_code == 1
    (shift,) = json.loads(looked(store, "--json").stdout)["shifts"]
    assert (shift["direction"], shift["commit"], shift["last_before"]) == ("fell", f"{9:040}", f"{8:040}")
    later = looked(store, "--since", "2026-01-10T00:00:00Z")
    assert (later.exit_code, later.stdout) == (0, "0 changes of level in 3 histories of up to 12 runs\n")
    forgotten = CliRunner().invoke(telemetry, ["forget", "--store", str(store), "--project", "p", "--json"])
    assert json.loads(forgotten.stdout)["results"] == 12
    with_nothing = looked(store)
    assert isinstance(with_nothing.exception, ClocheError)
    assert with_nothing.exception.message == (
        "the store has no result of an experiment of 'p'; store results by `telemetry import`, with --commit and --at (docs/regression.md)"
    )


def test_which_numbers_are_kept(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    assert kept(output(tmp_path / "out", 1.0), store, "a", 1, "--values", "steps[*]").stdout.endswith(
        "fit: 2 numbers, stored\n"
    )
    nothing = kept(tmp_path / "out", store, "a", 1, "--values", "note")
    assert isinstance(nothing.exception, ClocheError)
    assert (
        nothing.exception.message
        == f"{tmp_path}/out/fit/result.json: it has no number to follow at these paths (--values)"
    )
    (tmp_path / "out/fit/result.json").write_text(json.dumps(list(range(10_001))))
    many = kept(tmp_path / "out", store, "a", 1)
    assert isinstance(many.exception, ClocheError)
    assert (
        many.exception.message
        == f"{tmp_path}/out/fit/result.json: it has more than 10000 numbers; say which to follow: --values PATH"
    )


def test_a_nan_survives_the_store(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    for day in range(1, 9):
        assert kept(output(tmp_path / "out", 2.0 if day < 6 else float("nan")), store, str(day), day).exit_code == 0
    done = looked(store)
    assert done.stdout.startswith("fit (x86-64-v2) error: changed from 2 to nan at commit 6, 2026-01-06T00:00:00Z\n")
