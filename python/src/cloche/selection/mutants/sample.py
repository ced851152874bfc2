"""A seeded, uniform sample of the faults that a project's own code has room for, in two strata."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cloche.selection.impact.tree import python_files
from cloche.selection.mutants.sites import FUNCTION, IMPORT, Mutant, compiles, mutants_of

# Folders and files whose code is no part of what is tested.
ELSEWHERE = {"tests", "test", "testing", "doc", "docs", "examples", "bench", "benchmarks"}


@dataclass(frozen=True)
class Sample:
    """The faults that were drawn, and how many there are to draw from."""

    mutants: list[Mutant]
    # stratum -> sites in the project
    sites: dict[str, int]
    seed: int

    def weight(self, stratum: str) -> float:
        """How many sites of a stratum each of its drawn faults stands for."""
        drawn = sum(each.stratum == stratum for each in self.mutants)
        return self.sites[stratum] / drawn if drawn else 0.0


def source_files(root: Path) -> list[str]:
    """Return the modules of the packages of a tree that are not tests: what faults are put into."""
    found = python_files(root)
    packages = {PurePosixPath(file).parent for file in found if PurePosixPath(file).name == "__init__.py"}
    return [
        file
        for file in found
        if (path := PurePosixPath(file)).parent in packages
        and not ELSEWHERE & set(path.parts)
        and not path.name.startswith("test_")
        and path.name != "conftest.py"
    ]


def draw(root: Path, files: Iterable[str], *, functions: int, imports: int, seed: int) -> Sample:
    """Draw that many faults of each stratum, or all there are; each compiles."""
    texts = {file: (root / file).read_text(encoding="utf-8") for file in files}
    found = [mutant for file, text in texts.items() for mutant in mutants_of(file, text)]
    return drawn(found, texts, {FUNCTION: functions, IMPORT: imports}, seed)


def drawn(found: Iterable[Mutant], texts: Mapping[str, str], wanted: Mapping[str, int], seed: int) -> Sample:
    """Draw from faults that are known; a longer sample of one seed begins with the shorter one."""
    every = sorted(found, key=lambda each: (each.file, each.begin, each.end, each.new))
    chosen: list[Mutant] = []
    sites = {}
    for stratum, number in wanted.items():
        candidates = [each for each in every if each.stratum == stratum]
        sites[stratum] = len(candidates)
        random.Random(f"{seed} {stratum}").shuffle(candidates)  # noqa: S311 - a sample, no secret
        taken: list[Mutant] = []
        for each in candidates:
            if len(taken) == number:
                break
            if compiles(each, texts[each.file]):
                taken.append(each)
        chosen += taken
    # Interleaved, so that a run that is ended early has seen both strata.
    order = {each.id: position for position, each in enumerate(chosen)}
    first = {
        stratum: min((order[each.id] for each in chosen if each.stratum == stratum), default=0) for stratum in wanted
    }
    share = {stratum: max(1, sum(each.stratum == stratum for each in chosen)) for stratum in wanted}
    chosen.sort(key=lambda each: ((order[each.id] - first[each.stratum]) / share[each.stratum], each.stratum))
    return Sample(chosen, sites, seed)
