"""The three search methods. Each is a function of its budget and its random numbers alone."""

from collections.abc import Callable
from math import ceil, sqrt

import numpy as np
from threadpoolctl import threadpool_limits

from branin.acquisition import maximise
from branin.functions import LOWER, FloatArray, branin, to_box
from branin.request import Request
from branin.results import Evaluation, Run
from branin.surrogate import fit

# Bayesian optimisation starts from this many points of a Latin hypercube.
INITIAL = 6

_DIMENSIONS = len(LOWER)


def _evaluate(unit: FloatArray) -> Evaluation:
    x1, x2 = to_box(unit).tolist()
    return Evaluation((x1, x2), float(branin((x1, x2))))


def latin_hypercube(size: int, rng: np.random.Generator) -> FloatArray:
    """Return `size` points of the unit square, shape (size, 2), one in each row and column.

    Source: M. D. McKay, R. J. Beckman and W. J. Conover, Technometrics 21 (1979) 239-245.
    """
    cells = np.stack([rng.permutation(size) for _ in range(_DIMENSIONS)], axis=-1)
    return np.asarray((cells + rng.random((size, _DIMENSIONS))) / size)


def bayes(evaluations: int, rng: np.random.Generator) -> list[Evaluation]:
    """Return the evaluations of a search that maximises the expected improvement, in order."""
    points = list(latin_hypercube(INITIAL, rng)[:evaluations])
    done = [_evaluate(point) for point in points]
    while len(done) < evaluations:
        values = np.array([evaluation.value for evaluation in done])
        surrogate = fit(np.array(points), values, seed=int(rng.integers(2**32)))
        points.append(maximise(surrogate, float(values.min()), rng))
        done.append(_evaluate(points[-1]))
    return done


def grid(evaluations: int, rng: np.random.Generator) -> list[Evaluation]:
    """Return evaluations at the cell centres of the smallest square grid that has enough cells.

    The random numbers decide the order, so that the progress of the search is not that of one
    row after another, and which cells are left out when the budget is not a square number.
    """
    side = ceil(sqrt(evaluations))
    order = rng.permutation(side**2)[:evaluations]
    cells = np.stack(np.divmod(order, side), axis=-1)
    return [_evaluate(point) for point in (cells + 0.5) / side]


def random(evaluations: int, rng: np.random.Generator) -> list[Evaluation]:
    """Return evaluations at independent points, distributed evenly over the box."""
    return [_evaluate(point) for point in rng.random((evaluations, _DIMENSIONS))]


_SEARCHES: dict[str, Callable[[int, np.random.Generator], list[Evaluation]]] = {
    "bayes": bayes,
    "grid": grid,
    "random": random,
}


def run(request: Request) -> Run:
    """Return the run that was asked for; the same request gives the same run, bit for bit.

    Linear algebra is held to one thread meanwhile: with several, sums are taken in another order.
    """
    rng = np.random.default_rng(request.seed)
    with threadpool_limits(limits=1):
        evaluations = _SEARCHES[request.method](request.evaluations, rng)
    return Run(request.method, request.seed, tuple(evaluations))
