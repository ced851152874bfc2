"""Compare runs of which files are given: those of pytest-benchmark, or any JSON that has a list of samples."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from cloche.errors import ClocheError
from cloche.performance import statistics
from cloche.performance.statistics import FEWEST, Estimate, Verdict
from cloche.untrusted import strict_json, terminal
from cloche.untrusted.limits import REPORT


def bad_figures(path: Path, what: str) -> ClocheError:
    """Return the error of a file without figures that can be compared."""
    return ClocheError(
        f"{path}: {what}; a run is a file of pytest-benchmark (--benchmark-json), or any JSON with a list of samples, "
        "which --samples names"
    )


@dataclass(frozen=True)
class Compared:
    """What is said of one benchmark. `different` is None where it is not known how far runs of one program lie apart."""

    name: str
    verdict: Verdict
    reason: str
    base: list[float]
    head: list[float]
    change: float
    estimate: Estimate | None

    @property
    def different(self) -> bool | None:
        """Whether the two are further apart than runs of one program are."""
        return None if self.estimate is None else self.estimate.different


def runs(path: Path, samples: str | None) -> dict[str, float]:
    """Return a run's figures by benchmark: of each the median of its samples, which are not independent."""
    try:
        data = strict_json.load(path, limit=REPORT)
    except OSError as error:
        raise bad_figures(path, f"it cannot be read: {error.strerror}") from error
    except strict_json.BadJsonError as error:
        raise bad_figures(path, error.message.removeprefix(f"{path}: ").removeprefix(f"{path} is ")) from error
    if samples is not None:
        return {samples: _figure(path, samples, _at(path, data, samples))}
    found = data.get("benchmarks") if isinstance(data, dict) else None
    if not isinstance(found, list) or not found:
        raise bad_figures(path, 'it has no list "benchmarks"')
    result = {}
    for number, each in enumerate(found):
        try:
            name, value = each["fullname"], each["stats"]["median"]
        except (KeyError, TypeError):
            raise bad_figures(path, f"benchmarks[{number}] has no fullname or no stats.median") from None
        result[str(name)] = _figure(path, f"the median of {name}", [value])
    return result


def _at(path: Path, data: Any, name: str) -> Any:
    for part in name.split("."):
        if not isinstance(data, dict) or part not in data:
            raise bad_figures(path, f"there is no {name} in it")
        data = data[part]
    return data


def _figure(path: Path, name: str, values: Any) -> float:
    if not isinstance(values, list) or not values:
        raise bad_figures(path, f"{name} is no list of samples")
    for value in values:
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
            raise bad_figures(path, f"{name} has {value!r}, which is no duration above zero")
    return float(median(values))


def judged(name: str, base: Sequence[float], head: Sequence[float], same: Sequence[float], effect: float) -> Compared:
    """Return what is said of the runs of two sides; `same` are more runs of the base's program."""
    known = [*base, *same]
    estimate = statistics.apart(base, head, known)
    change = median(head) / median(base) - 1
    if min(len(base), len(head)) < FEWEST:
        if estimate is None:
            why = f"and only {len(known)} of one program, from which its noise is not known"
        elif estimate.different:
            why = f"but they are further apart than {len(known)} runs of one program are: measure more"
        else:
            why = f"and no further apart than {len(known)} runs of one program are"
        reason = f"{len(base)} and {len(head)} runs, fewer than {FEWEST} a side, {why}"
        return Compared(name, Verdict.INCONCLUSIVE, reason, list(base), list(head), change, estimate)
    found = statistics.judged(change, estimate, None, effect)
    return Compared(name, found.verdict, found.reason, list(base), list(head), change, estimate)


def compare(
    before: Sequence[Path], after: Sequence[Path], same: Sequence[Path], samples: str | None, effect: float
) -> list[Compared]:
    """Compare the runs in files, benchmark by benchmark."""
    base, head, more = ([runs(path, samples) for path in paths] for paths in (before, after, same))
    names = sorted(name for name in base[0] if all(name in run for run in [*base, *head]))
    if not names:
        raise ClocheError("the two sides have no benchmark in common, so nothing was compared")
    return [
        judged(
            name,
            [run[name] for run in base],
            [run[name] for run in head],
            [run[name] for run in more if name in run],
            effect,
        )
        for name in names
    ]


def dumps(found: list[Compared]) -> str:
    """Return what was found for programs."""
    data = {
        "version": 1,
        "benchmarks": [
            {
                "name": each.name,
                "verdict": each.verdict,
                "reason": each.reason,
                "different": each.different,
                "base": each.base,
                "head": each.head,
                "change": each.change,
                "interval": None if each.estimate is None else [each.estimate.low, each.estimate.high],
            }
            for each in found
        ],
    }
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def as_text(found: list[Compared]) -> str:
    """Return what was found for a person."""
    return "".join(
        f"{terminal.line(each.name)}: {each.verdict} ({each.change * 100:+.1f} %); {each.reason}\n" for each in found
    )
