"""The learned layer: estimators as arrays, models that are refused, verdicts that fail open; on rows that are made here."""

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cloche.errors import ClocheError
from cloche.selection.learned import model as models
from cloche.selection.learned.build import PINNED, build
from cloche.selection.learned.columns import COLUMNS, matrix
from cloche.selection.learned.drift import alarms, stability
from cloche.selection.learned.estimator import Forest, Linear, standardised
from cloche.selection.learned.fitted import Trained
from cloche.selection.learned.fitting import KINDS, fit, sklearn_estimator
from cloche.selection.learned.history import History
from cloche.selection.learned.measuring import average_precision
from cloche.selection.learned.observation import Observation
from cloche.selection.learned.parts import PAIRS
from cloche.selection.learned.rows import BY_FILE, CHANGE, Row, chosen, read, write
from cloche.selection.learned.rule import FIRST, Rule, fitted_level, needed_groups, share_interval
from cloche.selection.learned.training import check, train

TESTS = sorted(f"tests/test_{file}.py::test_{name}" for file in ("one", "two") for name in "abcdefgh")


def row(number: int, *, origin: str = "mutant", place: int | None = None, fails: bool = True, **change: float) -> Row:
    """Return a change of function f<place>, which four tests ran; the one that ran the statement fails by it."""
    place = number % 40 if place is None else place
    ran = [(place + step) % len(TESTS) for step in range(4)]
    seen = Observation(
        tests=TESTS,
        breadth=[3] * len(TESTS),
        seconds=[0.1] * len(TESTS),
        statements=[5] * len(TESTS),
        assertions=[1] * len(TESTS),
        steps=[2] * len(TESTS),
        files=[f"p/m{place % 5}.py"],
        group=f"p/m{place % 5}.py::f{place}",
        kinds={"function": 1},
        change={**dict.fromkeys(CHANGE, 0.0), "functions_changed": 1.0, "statements_changed": 1.0, **change},
        pairs={
            **{name: {} for name in PAIRS},
            "covered_functions": dict.fromkeys(sorted(ran), 1.0),
            "covered_statements": {ran[0]: 1.0},
            "function_specificity": dict.fromkeys(sorted(ran), 0.25),
            "statement_specificity": {ran[0]: 1.0},
        },
        by_file={name: [1.0, 2.0] for name in BY_FILE},
        candidates=sorted(ran),
    )
    return Row("growth", origin, number, seen, [ran[0]] if fails else [], stratum="function")


def rows(number: int = 200) -> list[Row]:
    """Return changes of which every fourth is survived."""
    return [row(each, fails=each % 4 != 0) for each in range(number)]


@pytest.fixture(scope="module")
def trained() -> Trained:
    """Return a model of these changes."""
    return train("growth", rows())[0]


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    """Return a folder with that model as the current one."""
    models.write(trained, tmp_path / "models")
    return tmp_path / "models"


# -- estimators


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_predict_exactly_what_scikit_learn_does(kind: str) -> None:
    generator = np.random.default_rng(1)
    values = generator.normal(size=(1500, 12)).round(2)
    failed = (values[:, 0] + values[:, 1] * values[:, 2] + generator.normal(size=1500) > 1.5).astype(np.float64)
    fitted = sklearn_estimator(kind)
    scale = (values.mean(axis=0), values.std(axis=0))
    seen = standardised(values, *scale) if kind == "logistic regression" else values
    fitted.fit(seen, failed)
    fresh = generator.normal(size=(700, 12))
    scaled = standardised(fresh, *scale) if kind == "logistic regression" else fresh
    expected = fitted.predict_proba(scaled)[:, 1]
    assert np.array_equal(fit(kind, values, failed).probability(fresh), expected)
    # The control: another fit is told apart.
    assert not np.array_equal(fit(kind, values[:700], failed[:700]).probability(fresh), expected)


def test_average_precision_is_scikit_learns() -> None:
    from sklearn.metrics import average_precision_score

    generator = np.random.default_rng(2)
    failed = (generator.random(500) < 0.1).astype(np.float64)
    scores = (failed + generator.normal(size=500)).round(1)
    weights = generator.integers(0, 3, 500).astype(np.float64)
    expected = average_precision_score(failed, scores, sample_weight=weights)
    assert average_precision(scores, failed, weights) == pytest.approx(expected, abs=1e-12)


# -- the rule


def test_the_rule_stops_where_little_is_left_to_gain() -> None:
    probability, seconds = np.array([0.9, 0.8, 0.1]), np.array([1.0, 1.0, 1.0])
    assert Rule(0.0, 0.0).gains(probability, seconds).tolist() == [FIRST, 0.8, 0.1]
    # Something fails with q = 1 - sqrt(0.1 x 0.2 x 0.9) = 0.87, which the first test shows.
    assert Rule(1.0, 0.0).gains(probability, seconds).tolist() == pytest.approx([FIRST, 0.0, 0.0], abs=1e-6)
    # Of five tests with 0.5 each, q is 1 - sqrt(0.5**5) = 0.82, and each shows 0.5 / q of it.
    after = Rule(1.0, 0.0).gains(np.full(5, 0.5), np.ones(5))
    left = 1 - 0.5 / (1 - 0.5**2.5)
    assert after.tolist() == pytest.approx([FIRST, *(0.5 * left**before for before in (1, 2, 3, 4))])
    # A test that takes ten times as long has to promise more, but for the most probable one.
    assert Rule(0.0, 1.0).order(probability, np.array([10.0, 10.0, 1.0])).tolist() == [0, 2, 1]
    assert Rule(0.0, 1.0).gains(np.zeros(0), np.zeros(0)).tolist() == []


def test_a_level_keeps_the_recall_for_the_next_place_or_there_is_none() -> None:
    assert [needed_groups(recall) for recall in (0.9, 0.95, 0.99)] == [9, 19, 99]
    levels = [0.9] * 19
    found = fitted_level(levels, 0.95)
    assert found is not None
    assert (found.level, found.recall.value) == (0.9, 1.0)
    assert round(found.recall.low, 4) == 0.8541
    # One place less, or one that no test which could run has seen, and nothing is promised.
    assert fitted_level(levels[1:], 0.95) is None
    assert fitted_level([*levels, 0.0], 0.95) is None
    # 39 places may have one miss.
    assert fitted_level([0.9] * 38 + [0.1], 0.95) == fitted_level([0.9] * 38 + [0.0], 0.95)


def test_the_next_change_is_caught_as_often_as_wanted() -> None:
    generator = np.random.default_rng(4)
    caught = []
    for _ in range(3000):
        levels = generator.random(30)
        found = fitted_level(levels[1:].tolist(), 0.9)
        assert found is not None
        caught.append(levels[0] >= found.level)
    assert np.mean(caught) == pytest.approx(27 / 30, abs=0.015)


def test_intervals_are_those_of_clopper_and_pearson() -> None:
    # R: binom.test(18, 20, conf.level = 0.90)$conf.int
    found = share_interval(18, 20)
    assert (round(found.low, 4), round(found.high, 4)) == (0.7174, 0.9819)
    assert share_interval(0, 0).data() == {"value": 0.0, "low": 0.0, "high": 1.0}


# -- rows


def test_rows_are_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    data = write(rows(20))
    assert write(rows(20)[::-1]) == data
    (tmp_path / "rows.jsonl").write_bytes(data)
    assert write(read(tmp_path / "rows.jsonl")) == data


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"origin":"mutant"', '"origin":"guess"', "ValueError: its origin is 'guess', none of imported, mutant, real"),
        ('"failed":[1]', '"failed":[16]', "ValueError: tests are numbered from 0 to 15, and here is 16"),
        ('"failed":[1]', '"failed":[-1]', "ValueError: tests are numbered from 0 to 15, and here is -1"),
        ('"version":3', '"version":9', "ValueError: its version is 9, and this program reads 3"),
        ('"at":1', '"at":NaN', "NaN is no JSON number"),
        ('"group"', '"grp"', "KeyError: 'group'"),
    ],
)
def test_rows_that_are_none_are_refused(tmp_path: Path, old: str, new: str, fault: str) -> None:
    text = write([row(1)]).decode()
    first, second = text.splitlines(keepends=True)
    assert old in second
    file = tmp_path / "rows.jsonl"
    file.write_text(first + second.replace(old, new))
    with pytest.raises(ClocheError) as caught:
        read(file)
    assert caught.value.message == f"{file}, line 2: this is no row of a change and its tests ({fault})"


def test_a_suite_that_was_changed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(write([row(1)]).replace(b"test_one.py::test_a", b"test_one.py::test_A"))
    with pytest.raises(ClocheError, match=r"its suite is not the one that its digest [0-9a-f]{64} names"):
        read(file)


def test_origins_are_mixed_only_when_they_are_named() -> None:
    mixed = [row(1), row(2, origin="real")]
    with pytest.raises(ClocheError) as caught:
        chosen(mixed, [])
    assert caught.value.message == (
        "there are rows that are mutant and real; mixing them is a decision: name those that are wanted\n"
        "(--origin, several times for a mixture)"
    )
    assert chosen(mixed, ["mutant", "real"]) == mixed
    assert chosen(mixed, ["real"]) == mixed[1:]


# -- what is known of former changes


def test_a_change_knows_nothing_of_its_own_place_or_of_later_ones() -> None:
    column = COLUMNS.index("failures_with_file")
    same = [row(number, place=3) for number in range(5)]
    assert matrix(same[0], History(same))[3, column] == pytest.approx(0.02)
    # The control: failures of another function of the file count.
    other = [row(number, place=8) for number in range(5)]
    assert matrix(same[0], History(other))[8, column] > 0.5
    real = [row(number, origin="real", place=3) for number in range(5)]
    last = COLUMNS.index("failed_last")
    assert matrix(real[0], History(real))[:, last].sum() == 0
    assert matrix(real[4], History(real))[3, last] == 1


def test_every_value_of_the_matrix_is_finite() -> None:
    values = matrix(row(3), History(rows(50)))
    assert values.shape == (len(TESTS), len(COLUMNS))
    assert np.isfinite(values).all()


# -- training


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ClocheError) as caught:
        check([row(number) for number in range(9)])
    assert caught.value.message == (
        "9 changes, 9 of them with failures that were selected for, in 9 places of the code: too few\n"
        "to fit and to validate a model, which takes failures in at least 10 places. Run select-tests with --shadow\n"
        "more often, or make changes with --from-mutants"
    )


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(write(rows(120)))
    words = [sys.executable, "-m", "cloche.selection.learned.build", str(file), "growth", ""]
    import os

    environment = {**os.environ, **PINNED, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    for name, seed in (("a", "1"), ("b", "2")):
        subprocess.run([*words, str(tmp_path / name)], env={**environment, "PYTHONHASHSEED": seed}, check=True)
    files = {
        path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()
    }
    again = {
        path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file()
    }
    assert files == again
    assert {"card.json", "card.md", "curve.svg", "current"} <= {str(path) for path in files}
    # The control: one label less is another model.
    file.write_bytes(write([*rows(119), row(119, fails=not rows(120)[119].failed)]))
    build(file, "growth", [], tmp_path / "c")
    assert (tmp_path / "c/current").read_text() != (tmp_path / "a/current").read_text()


def test_the_card_has_every_baseline_and_the_model_finds_what_was_planted(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(write(rows()))
    build(file, "growth", [], tmp_path)
    card = json.loads((tmp_path / "card.json").read_text())
    assert set(card["baselines"]) == {
        *("all", "random", "last failed", "decayed failure rate", "same path", "covered line", "covered function"),
        *("import graph", "impact layer"),
    }
    assert set(card["estimators"]) == set(KINDS)
    assert card["rows"]["by_origin"] == {"mutant": 200}
    best = card["estimators"][card["estimator"]]["0.95"]
    assert best["average_precision"]["value"] > card["baselines"]["random"]["average_precision"]["value"] * 5
    # The wanted recall is kept on average, so it lies within the interval.
    assert best["detected"]["high"] >= 0.95
    assert "| covered line |" in (tmp_path / "card.md").read_text()


# -- models that are refused


def test_a_model_is_read_as_it_was_written(trained: Trained, folder: Path) -> None:
    read_ = models.load(folder, "growth").trained
    values = matrix(row(3), History(rows()))
    assert np.array_equal(read_.estimator.probability(values), trained.estimator.probability(values))
    assert read_.caught == trained.caught
    assert sorted(path.suffix for path in folder.rglob("*") if path.is_file()).count(".npy") == len(
        list(folder.rglob("*.npy"))
    )


def refused(folder: Path, project: str = "growth") -> str:
    """Return why a model is refused."""
    with pytest.raises(ClocheError) as caught:
        models.load(folder, project)
    return caught.value.message


def rewritten(own: Path, name: str, data: bytes) -> Path:
    """Put other content into a model, with digests that are right again; return the model's new folder."""
    (own / name).write_bytes(data)
    manifest = json.loads((own / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    text = json.dumps(manifest).encode()
    (own / "manifest.json").write_bytes(text)
    new = own.with_name(f"sha256-{hashlib.sha256(text).hexdigest()}")
    own.rename(new)
    return new


def npy(value: np.ndarray[tuple[int, ...], np.dtype[np.generic]], **options: bool) -> bytes:
    """Return an array as NPY."""
    buffer = io.BytesIO()
    np.save(buffer, value, **options)
    return buffer.getvalue()


def test_a_changed_byte_is_refused_before_anything_is_parsed(folder: Path) -> None:
    own = models.located(folder)
    data = bytearray((own / "caught.npy").read_bytes())
    before = hashlib.sha256(data).hexdigest()
    data[-1] ^= 1
    (own / "caught.npy").write_bytes(data)
    after = hashlib.sha256(data).hexdigest()
    assert refused(folder) == (
        f"{own} is refused as a model: the digest of caught.npy is {after}, and manifest.json has {before}"
    )


def test_a_changed_manifest_is_refused(folder: Path) -> None:
    own = models.located(folder)
    (own / "manifest.json").write_text("this is not parsed")
    digest = hashlib.sha256(b"this is not parsed").hexdigest()
    assert refused(folder) == (
        f"{own} is refused as a model: the digest of its manifest.json is {digest}, which is not its name"
    )


def test_a_model_of_another_project_is_refused(folder: Path) -> None:
    own = models.located(folder)
    assert refused(folder, "decay") == (
        f"{own} is refused as a model: it is for the project 'growth', and this is 'decay'"
    )


def test_a_pickle_is_refused_and_not_loaded(folder: Path, tmp_path: Path) -> None:
    planted = tmp_path / "planted"

    class Planted:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (planted,))  # type: ignore[return-value]

    array = np.array([Planted()], dtype=object)
    own = rewritten(models.located(folder), "caught.npy", npy(array, allow_pickle=True))
    assert refused(own) == f"{own} is refused as a model: caught.npy has the type object, and not float64"
    assert not planted.exists()


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        (
            "left.npy",
            np.zeros_like,
            "left.npy names a child that is not there or comes before its parent",
        ),
        ("left.npy", lambda left: left.astype("<i4"), "left.npy has the type int32, and not int64"),
        ("threshold.npy", lambda each: each * np.nan, "threshold.npy has values that are no finite numbers"),
        (
            "column.npy",
            lambda each: each + 1000,
            f"column.npy names columns that are not there; there are {len(COLUMNS)}",
        ),
        ("roots.npy", lambda each: each - 1, "roots.npy names nodes that are not there; there are {nodes}"),
        (
            "value.npy",
            lambda each: each[:-1],
            "value.npy has the shape ({less},), and not that of left.npy, ({nodes},)",
        ),
        ("low.npy", lambda each: each[:3], f"low.npy has the shape (3,), and not ({len(COLUMNS)},)"),
        ("right.npy", lambda each: np.full_like(each, -1), "a node has one child; it must have two, or none"),
    ],
)
def test_arrays_that_are_no_forest_are_refused(
    trained: Trained,
    tmp_path: Path,
    name: str,
    change: Callable[[np.ndarray[tuple[int], np.dtype[np.float64]]], np.ndarray[tuple[int], np.dtype[np.float64]]],
    fault: str,
) -> None:
    samples = [matrix(each, History(rows())) for each in rows(60)]
    values = np.concatenate(samples)
    failed = np.concatenate([[float(number in each.failed) for number in range(len(TESTS))] for each in rows(60)])
    forest = fit("random forest", values, failed)
    assert isinstance(forest, Forest)
    own = models.write(replace(trained, estimator=forest, kind="random forest"), tmp_path)
    assert models.load(own, "growth").trained.kind == "random forest"
    nodes = len(forest.left)
    own = rewritten(own, name, npy(change(np.load(own / name))))
    fault = fault.format(nodes=nodes, less=nodes - 1)
    assert refused(own) == f"{own} is refused as a model: {fault}"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"shape": "pickle"}, "its shape is 'pickle', and allowed are: forest, linear"),
        ({"format": "skops"}, "its format is 'skops' 2, and this program reads 'cloche test model' 2"),
        ({"columns": ["seconds"]}, "it was fitted on other columns than this program makes; train it anew"),
        ({"says": "all"}, "says is 'all', which is no number"),
        ({"rule": {}}, "KeyError: 'redundancy'"),
    ],
)
def test_descriptions_that_are_none_are_refused(folder: Path, change: dict[str, object], fault: str) -> None:
    own = models.located(folder)
    description = {**json.loads((own / "model.json").read_text()), **change}
    own = rewritten(own, "model.json", json.dumps(description).encode())
    assert refused(own) == f"{own} is refused as a model: {fault}"


def test_a_file_that_no_model_has_is_refused(folder: Path) -> None:
    own = rewritten(models.located(folder), "model.pkl", b"x")
    assert refused(own) == f"{own} is refused as a model: it has a file that no model has: model.pkl"


def test_current_must_name_a_model(folder: Path) -> None:
    (folder / "current").write_text("../../elsewhere\n")
    assert refused(folder) == (
        f"{folder} is refused as a model: '../../elsewhere' in its file 'current' is no name of a model (sha256-...)"
    )
    (folder / "current").unlink()
    assert refused(folder) == (
        f"{folder} is refused as a model: its file 'current', which names the model, cannot be read"
    )


def test_a_linear_model_without_a_scale_is_refused(trained: Trained, tmp_path: Path) -> None:
    width = len(COLUMNS)
    flat = Linear(np.zeros(width), np.zeros(width), np.zeros(width), np.zeros(1))
    own = models.write(replace(trained, estimator=flat), tmp_path)
    assert refused(own) == f"{own} is refused as a model: scale.npy has values that are not above 0"


# -- drift


def test_misses_beyond_chance_raise_an_alarm(trained: Trained) -> None:
    def shadowed(missed: int) -> list[Row]:
        return [
            replace(row(number, origin="real"), decision={"missed": number < missed, "missed_some": number < missed})
            for number in range(20)
        ]

    assert alarms(trained, shadowed(1), 0.95) == []
    assert alarms(trained, shadowed(6), 0.95) == [
        "6 of the latest 20 changes with failures would have been missed, more than a recall of 95% explains"
    ]


def test_columns_that_are_not_as_in_training_raise_an_alarm(trained: Trained) -> None:
    edges = np.linspace(0, 1, 11)
    assert stability(edges, np.linspace(0.01, 0.99, 200)) < 0.01
    assert stability(edges, np.full(200, 0.95)) > 0.25
    real = replace(trained, origins=["real"])
    assert alarms(real, [row(number, origin="real", lines_added=0.0) for number in range(10)], 0.95) == []
    found = alarms(real, [row(number, origin="real", lines_added=500.0) for number in range(25)], 0.95)
    assert any(
        each.startswith("the column lines_added of the latest 25 changes is not as in training") for each in found
    )


def test_rows_of_another_project_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(write(rows(20)))
    with pytest.raises(ClocheError) as caught:
        build(tmp_path / "rows.jsonl", "sums", [], tmp_path / "model")
    assert caught.value.message == (
        "there are rows of growth, and the model is to be of sums; make rows of sums with\n"
        "cloche train --export, or name the project as its rows do"
    )


def test_changes_are_made_by_mutants_without_pytest_in_the_own_environment() -> None:
    """The program `train` starts the project's pytest, and has none itself."""
    program = "import sys; sys.modules['pytest'] = None; import cloche.selection.learned.from_mutants, cloche.selection.mutants.matrix"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    control = program.replace("cloche.selection.learned.from_mutants", "cloche.selection.impact.plugin")
    assert subprocess.run([sys.executable, "-c", control], check=False, capture_output=True).returncode == 1
