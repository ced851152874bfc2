"""What a user can ask for, checked before anything heavy is imported or computed."""

from dataclasses import dataclass

from branin.errors import OutOfRangeError, UnknownMethodError

METHODS = ("bayes", "grid", "random")

# A Gaussian process costs O(n^3) for each of n evaluations: beyond this, hours go by unnoticed.
MOST_EVALUATIONS = 1000
MOST_REPEATS = 100
GREATEST_SEED = 2**32 - 1


def _check_range(option: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise OutOfRangeError(option, value, low, high)


@dataclass(frozen=True, slots=True)
class Request:
    """One search: the method, the seed of its random numbers and its budget of evaluations.

    Making one raises UnknownMethodError or OutOfRangeError when a part of it is not possible.
    """

    method: str
    seed: int
    evaluations: int

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.method not in METHODS:
            raise UnknownMethodError(self.method, METHODS)
        _check_range("--seed", self.seed, 0, GREATEST_SEED)
        _check_range("--evaluations", self.evaluations, 1, MOST_EVALUATIONS)


def all_requests(first_seed: int, repeats: int, evaluations: int) -> tuple[Request, ...]:
    """Return one request for each method and each of `repeats` consecutive seeds.

    Raises OutOfRangeError.
    """
    _check_range("--repeats", repeats, 1, MOST_REPEATS)
    seeds = range(first_seed, first_seed + repeats)
    return tuple(Request(method, seed, evaluations) for method in METHODS for seed in seeds)
