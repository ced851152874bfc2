"""The searches: what every method must keep, and what the better one must achieve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from branin import search
from branin.acquisition import log_expected_improvement
from branin.errors import OutOfRangeError, UnknownMethodError
from branin.functions import LOWER, UPPER, branin
from branin.request import METHODS, Request, all_requests
from branin.results import Run, regrets
from branin.surrogate import fit, posterior

cheap = st.sampled_from(["grid", "random"])
seeds = st.integers(0, 2**32 - 1)


def check_run(run: Run, request: Request) -> None:
    """Assert what holds for each run of each method."""
    assert (run.method, run.seed) == (request.method, request.seed)
    assert len(run.evaluations) == request.evaluations
    points = [evaluation.point for evaluation in run.evaluations]
    assert np.all((np.array(points) >= LOWER) & (np.array(points) <= UPPER))
    assert len(set(points)) == len(points), "a point was evaluated twice"
    assert [evaluation.value for evaluation in run.evaluations] == [
        float(branin(point)) for point in points
    ]


@given(cheap, seeds, st.integers(1, 50))
def test_cheap_runs_keep_to_the_request(method: str, seed: int, evaluations: int) -> None:
    """Budget, box, values, and the same again for the same request."""
    request = Request(method, seed, evaluations)
    run = search.run(request)
    check_run(run, request)
    assert search.run(request) == run


@pytest.mark.experiment
def test_bayes_keeps_to_the_request(bayes_run: Run) -> None:
    """Budget, box and values."""
    check_run(bayes_run, Request("bayes", 3, 30))


@pytest.mark.experiment
@pytest.mark.parametrize("evaluations", [1, search.INITIAL, 10])
def test_bayes_with_less_budget_is_the_beginning_of_the_same_search(
    bayes_run: Run, evaluations: int
) -> None:
    """The budget decides when to stop, and nothing else; so the search is repeatable too."""
    shorter = search.run(Request("bayes", 3, evaluations))
    assert shorter.evaluations == bayes_run.evaluations[:evaluations]


@given(seeds, st.integers(1, 49))
def test_random_with_less_budget_is_the_beginning_of_the_same_search(
    seed: int, evaluations: int
) -> None:
    """As for the Bayesian search."""
    whole = search.run(Request("random", seed, 50))
    shorter = search.run(Request("random", seed, evaluations))
    assert shorter.evaluations == whole.evaluations[:evaluations]


@given(seeds, st.integers(1, 6))
def test_square_budget_fills_the_grid(seed: int, side: int) -> None:
    """All cell centres, once each, whatever the seed."""
    run = search.run(Request("grid", seed, side**2))
    centres = [(index + 0.5) / side for index in range(side)]
    expected = [(-5 + 15 * first, 15 * second) for first in centres for second in centres]
    points = sorted(evaluation.point for evaluation in run.evaluations)
    np.testing.assert_allclose(points, expected, rtol=1e-14, atol=1e-14)


@given(seeds, st.integers(1, 40))
def test_latin_hypercube_has_one_point_in_each_row_and_column(seed: int, size: int) -> None:
    """The property that gives the design its name."""
    points = search.latin_hypercube(size, np.random.default_rng(seed))
    for axis in range(2):
        assert sorted(np.floor(points[:, axis] * size)) == list(range(size))


def test_no_two_searches_begin_at_the_same_point() -> None:
    """Neither two seeds nor two methods, the grid apart, which has few points."""
    requests = all_requests(0, 4, 1)
    starts = {
        search.run(request).evaluations[0].point for request in requests if request.method != "grid"
    }
    assert len(starts) == 8


@pytest.mark.experiment
@pytest.mark.parametrize("known", [search.INITIAL, 14, 22])
def test_bayes_goes_where_the_expected_improvement_is_greatest(bayes_run: Run, known: int) -> None:
    """Each new point, seen from those before it, against 2000 random ones."""
    lower, upper = np.array(LOWER), np.array(UPPER)
    points = np.array([evaluation.point for evaluation in bayes_run.evaluations])
    unit = (points - lower) / (upper - lower)
    values = np.array([evaluation.value for evaluation in bayes_run.evaluations[:known]])
    surrogate = fit(unit[:known], values, seed=1)
    others = np.random.default_rng(2).random((2000, 2))
    here, elsewhere = (
        log_expected_improvement(*posterior(surrogate, candidates), float(values.min()))
        for candidates in (unit[known : known + 1], others)
    )
    assert here[0] > elsewhere.max()


@pytest.mark.experiment
def test_bayes_finds_the_minimum_and_its_rivals_do_not(bayes_run: Run) -> None:
    """With 30 evaluations: 1 % of the rivals' regret, and less than 0.01."""
    rivals = [
        regrets(search.run(Request(method, seed, 30)))[-1]
        for method in ("grid", "random")
        for seed in range(5)
    ]
    reached = regrets(bayes_run)[-1]
    assert reached < 0.01
    assert reached < 0.01 * float(np.median(rivals))


@pytest.mark.experiment
def test_linear_algebra_has_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a search runs; afterwards the caller has its threads back."""
    seen: list[int] = []

    def spy(point: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return branin(np.asarray(point))

    monkeypatch.setattr(search, "branin", spy)
    with threadpool_limits(limits=2):
        search.run(Request("bayes", 0, 7))
        assert set(seen) == {1}
        assert 2 in {pool["num_threads"] for pool in threadpool_info()}


@pytest.mark.parametrize("method", ["", "Bayes", "annealing"], ids=["empty", "case", "unknown"])
def test_refuses_unknown_methods(method: str) -> None:
    """With the word that was wrong and those that are right."""
    with pytest.raises(UnknownMethodError) as caught:
        Request(method, 0, 1)
    assert str(caught.value) == (
        f"unknown method {method!r} (option --method): choose one of bayes, grid, random"
    )


@given(st.sampled_from(METHODS), st.integers().filter(lambda number: not 1 <= number <= 1000))
def test_refuses_impossible_budgets(method: str, evaluations: int) -> None:
    """Every integer outside the range is refused, and named."""
    with pytest.raises(OutOfRangeError) as caught:
        Request(method, 0, evaluations)
    assert str(caught.value) == (
        f"{evaluations} is out of range (option --evaluations): choose a number from 1 to 1000"
    )


def test_all_requests_covers_methods_and_seeds() -> None:
    """Each method with each seed, once."""
    found = [(request.method, request.seed) for request in all_requests(5, 2, 9)]
    assert sorted(found) == [(method, seed) for method in METHODS for seed in (5, 6)]
