"""Faults that another tool made: a changed text becomes a `Mutant`, so that its suite, matrix and replay are the same."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cloche.errors import MISSHAPEN, ClocheError
from cloche.selection.mutants.sample import Sample
from cloche.selection.mutants.sites import Mutant, place_of
from cloche.store import write as whole
from cloche.untrusted import strict_json
from cloche.untrusted.limits import KILL_MATRIX

VERSION = 1


def bad_sample(path: Path, fault: str) -> ClocheError:
    """Return the error of a file that is no sample of faults of another tool."""
    return ClocheError(f"{path} is no sample of faults that can be used here: {fault}; make it anew")


def mutant(file: str, text: str, changed: str, operator: str) -> Mutant:
    """Return the fault that makes one text of the other: the shortest range in which they differ.

    Raises ValueError when they don't differ, SyntaxError when `text` is no Python.
    """
    if text == changed:
        message = f"{file} is the same before and after {operator}"
        raise ValueError(message)
    begin = _same(text, changed)
    tail = _same(text[begin:][::-1], changed[begin:][::-1])
    end = len(text) - tail
    stratum, where = place_of(text)(begin, end)
    new = changed[begin : len(changed) - tail]
    return Mutant(file, begin, end, text.count("\n", 0, begin) + 1, operator, text[begin:end], new, stratum, where)


def _same(one: str, other: str) -> int:
    """Return how many characters two texts begin with that are the same."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def write(path: Path, tool: str, sample: Sample) -> None:
    """Write a tool's sample, for `read`."""
    rows = [asdict(each) for each in sample.mutants]
    stored = {"version": VERSION, "tool": tool, "seed": sample.seed, "sites": sample.sites, "mutants": rows}
    whole.file(path, json.dumps(stored, sort_keys=True, indent=1) + "\n")


def read(path: Path) -> tuple[str, Sample]:
    """Return the tool and its sample; raises ClocheError for a file that is none."""
    try:
        stored: dict[str, Any] = strict_json.load(path, limit=KILL_MATRIX)
        if stored["version"] != VERSION:
            raise bad_sample(path, f"its version is {stored['version']!r}, and this program reads {VERSION}")
        sites = {str(name): int(number) for name, number in stored["sites"].items()}
        found = [Mutant(**each) for each in stored["mutants"]]
        _known(found, sites)
        return str(stored["tool"]), Sample(found, sites, int(stored["seed"]))
    except (strict_json.BadJsonError, *MISSHAPEN) as error:
        raise bad_sample(path, f"{type(error).__name__}: {error}") from error


def _known(found: Iterable[Mutant], sites: dict[str, int]) -> None:
    for each in found:
        if each.stratum not in sites:
            message = (
                f"{each.id} is of the stratum {each.stratum!r}, of which the file does not say how many sites there are"
            )
            raise ValueError(message)
