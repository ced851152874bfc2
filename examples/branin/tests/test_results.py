"""The documents: the same bytes for the same runs, and no other document is taken for one."""

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branin.errors import InvalidResultsError, UnreadableError
from branin.functions import MINIMUM
from branin.request import METHODS
from branin.results import (
    Evaluation,
    Json,
    Run,
    best_evaluation,
    comparison_document,
    read_comparison,
    regrets,
    render,
    run_document,
    summary,
)

# Twice as much must not overflow either: the median of two regrets is half their sum.
finite = st.floats(-1e300, 1e300)
evaluations = st.builds(Evaluation, st.tuples(finite, finite), finite)


@st.composite
def comparisons(draw: st.DrawFn) -> list[Run]:
    """Return runs of one length with distinct methods and seeds, in any order."""
    length = draw(st.integers(1, 4))
    keys = st.tuples(st.sampled_from(METHODS), st.integers(0, 9))
    return [
        Run(method, seed, tuple(draw(st.lists(evaluations, min_size=length, max_size=length))))
        for method, seed in draw(st.lists(keys, min_size=1, max_size=4, unique=True))
    ]


RUNS = (
    Run("grid", 0, (Evaluation((1.0, 2.0), 3.5), Evaluation((0.5, 0.25), 1.5))),
    Run("random", 0, (Evaluation((4.0, 2.0), 0.5), Evaluation((0.5, 0.5), 2.5))),
)


@given(comparisons())
def test_documents_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, runs: list[Run]
) -> None:
    """All numbers survive, in sorted order."""
    path = tmp_path_factory.mktemp("results") / "results.json"
    path.write_bytes(render(comparison_document(runs)))
    assert list(read_comparison(path)) == sorted(runs, key=lambda run: (run.method, run.seed))


@given(comparisons(), st.randoms(use_true_random=False))
def test_bytes_do_not_depend_on_the_order_of_the_runs(runs: list[Run], shuffler: Random) -> None:
    """Sorted, so that a difference between two files is a difference between two experiments."""
    document = render(comparison_document(runs))
    shuffler.shuffle(runs)
    assert render(comparison_document(runs)) == document


def test_run_document_word_for_word() -> None:
    """Schema 1, as README.md describes it."""
    assert render(run_document(Run("grid", 7, (Evaluation((1.0, 2.0), 3.5),)))).decode() == (
        '{\n "best": {\n  "evaluation": 0,\n  "point": [\n   1.0,\n   2.0\n  ],\n'
        f'  "regret": {3.5 - MINIMUM!r},\n  "value": 3.5\n }},\n'
        ' "evaluations": [\n  {\n   "point": [\n    1.0,\n    2.0\n   ],\n   "value": 3.5\n  }\n'
        ' ],\n "function": "branin",\n "kind": "run",\n "method": "grid",\n "schema": 1,\n'
        ' "seed": 7\n}\n'
    )


@given(st.lists(evaluations, min_size=1, max_size=20))
def test_regret_is_that_of_the_best_value_so_far(made: list[Evaluation]) -> None:
    """It falls, is never negative, and ends at the best value's."""
    run = Run("random", 0, tuple(made))
    falling = regrets(run)
    assert falling == sorted(falling, reverse=True)
    assert falling[0] == max(made[0].value - MINIMUM, 0)
    assert falling[-1] == max(made[best_evaluation(run)].value - MINIMUM, 0)
    assert all(made[best_evaluation(run)].value <= evaluation.value for evaluation in made)


def test_first_of_equal_values_is_the_best() -> None:
    """A tie is decided by order."""
    values = (2.0, 1.0, 1.0)
    run = Run("random", 0, tuple(Evaluation((value, 0.0), value) for value in values))
    assert best_evaluation(run) == 1


def test_summary() -> None:
    """Best, median and worst of each method's last regrets."""
    runs = [Run("grid", seed, (Evaluation((0.0, 0.0), seed + 1.0),)) for seed in (3, 0, 1, 6)]
    expected = {
        "best": 1 - MINIMUM,
        "median": (2 - MINIMUM + 4 - MINIMUM) / 2,
        "worst": 7 - MINIMUM,
    }
    assert summary(runs) == {"grid": expected}


def test_documents_hold_no_infinite_numbers() -> None:
    """JSON has none."""
    with pytest.raises(ValueError, match="Out of range float"):
        render({"value": float("inf")})


def problem_in(content: bytes, folder: Path) -> str:
    """Return the problem that is found in a file with this content."""
    path = folder / "results.json"
    path.write_bytes(content)
    with pytest.raises(InvalidResultsError) as caught:
        read_comparison(path)
    before = f"{str(path)!r} (argument RESULTS) holds no valid comparison: "
    after = "; make the file again with `branin compare`"
    message = str(caught.value)
    assert message.startswith(before)
    assert message.endswith(after)
    return message.removeprefix(before).removesuffix(after)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff", "it is not UTF-8"),
        (b"", "it is not JSON (Expecting value, line 1, column 1)"),
        (b'{"schema": 1,\n}', "it is not JSON ("),
        (b'{"schema": NaN}', "it holds NaN, which is not a number"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"[]", "the document is not an object"),
        (b"{}", "the document lacks 'schema'"),
        (b'{"schema": 2}', "it has schema 2, this program reads schema 1"),
        (b'{"schema": 1, "kind": "run"}', "it is of the kind 'run', not 'comparison'"),
    ],
    ids=[
        "not-utf-8",
        "empty",
        "not-json",
        "nan",
        "too-deep",
        "list",
        "no-schema",
        "later-schema",
        "other-kind",
    ],
)
def test_refuses_other_files(content: bytes, problem: str, tmp_path: Path) -> None:
    """From a picture to a later version of ourselves."""
    assert problem_in(content, tmp_path).startswith(problem)


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (["runs"], [], "'runs' is not a list with at least one item"),
        (["runs"], {}, "'runs' is not a list with at least one item"),
        (["runs", 0], 5, "run 0 is not an object"),
        (
            ["runs", 1, "method"],
            "sun",
            "run 1 has the method 'sun', not one of bayes, grid, random",
        ),
        (["runs", 1, "method"], [], "run 1 has the method [], not one of bayes, grid, random"),
        (["runs", 1, "seed"], -1, "run 1 has the seed -1, which is not a whole number from 0"),
        (["runs", 1, "seed"], True, "run 1 has the seed True, which is not a whole number from 0"),
        (["runs", 0, "evaluations"], None, "run 0: 'evaluations' is not a list with"),
        (["runs", 0, "evaluations", 1], {}, "run 0, evaluation 1 lacks 'point'"),
        (
            ["runs", 0, "evaluations", 1, "point"],
            [1.0],
            "run 0, evaluation 1: 'point' has 1 coordinates",
        ),
        (
            ["runs", 0, "evaluations", 1, "point", 0],
            "1",
            "run 0, evaluation 1: a coordinate is '1', not a finite number with a decimal point",
        ),
        (
            ["runs", 0, "evaluations", 1, "value"],
            1,
            "run 0, evaluation 1: 'value' is 1, not a finite number with a decimal point",
        ),
        (
            ["runs", 0, "evaluations"],
            [{"point": [1.0, 2.0], "value": 3.5}],
            "its runs differ in length",
        ),
        (
            ["regret", "grid", "best"],
            0.0,
            "its best points, regrets or order do not follow from its evaluations",
        ),
        (
            ["runs", 1, "best", "evaluation"],
            1,
            "its best points, regrets or order do not follow from its evaluations",
        ),
    ],
    ids=[
        "no-runs",
        "runs-no-list",
        "run-no-object",
        "unknown-method",
        "method-no-text",
        "negative-seed",
        "seed-no-number",
        "no-evaluations",
        "no-point",
        "one-coordinate",
        "coordinate-is-text",
        "value-without-point",
        "lengths-differ",
        "wrong-regret",
        "wrong-best",
    ],
)
def test_refuses_damaged_comparisons(
    place: list[str | int], value: Json, problem: str, tmp_path: Path
) -> None:
    """One value of a good document replaced, and the place is named."""
    document = json.loads(render(comparison_document(RUNS)))
    container = document
    for step in place[:-1]:
        container = container[step]
    container[place[-1]] = value
    assert problem_in(json.dumps(document).encode(), tmp_path).startswith(problem)


def test_refuses_numbers_that_overflow(tmp_path: Path) -> None:
    """JSON allows 1e999, which Python reads as infinity."""
    content = render(comparison_document(RUNS)).replace(b'"value": 3.5', b'"value": 1e999')
    assert "'value' is inf, not a finite number" in problem_in(content, tmp_path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none", "No such file or directory"), ("", "Is a directory")],
    ids=["missing", "folder"],
)
def test_unreadable_files(name: str, reason: str, tmp_path: Path) -> None:
    """The system's reason is passed on."""
    path = tmp_path / name
    with pytest.raises(UnreadableError) as caught:
        read_comparison(path)
    assert str(caught.value) == (
        f"cannot read {str(path)!r} (argument RESULTS): {reason}; "
        "name a file written by `branin compare`"
    )
