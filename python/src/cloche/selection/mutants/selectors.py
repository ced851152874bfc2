"""Ways to select tests for a fault, to be compared on a kill matrix: what Cloche does, and what simpler rules do."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cloche.selection.impact.changes import compare_modules
from cloche.selection.impact.map import ImpactMap
from cloche.selection.impact.recording import innermost
from cloche.selection.impact.select import Selection
from cloche.selection.impact.source import Module, parse
from cloche.selection.impact.spread import Spread
from cloche.selection.impact.uses import Project
from cloche.selection.mutants.matrix import Judged, Matrix
from cloche.selection.mutants.replay import Selected, Selector
from cloche.selection.mutants.sites import Mutant


@dataclass(frozen=True)
class Tree:
    """A project without a fault: its Python files, parsed, and what was recorded of it."""

    texts: Mapping[str, str]
    modules: Mapping[str, Module]
    known: ImpactMap
    # file -> line -> tests that ran it; empty where it was not recorded.
    lines: Mapping[str, Mapping[int, frozenset[str]]]

    @cached_property
    def project(self) -> Project:
        """The uses of names without a fault."""
        return Project(dict(self.modules))

    def with_fault(self, mutant: Mutant) -> Module:
        """Return the file with the fault in it."""
        return parse(mutant.apply(self.texts[mutant.file]))

    def recorded_as_failed(self) -> frozenset[str]:
        """Return the tests that did not pass when they were recorded."""
        return frozenset(test for test, outcome in self.known.outcomes.items() if outcome != "passed")


def tree(texts: Mapping[str, str], known: ImpactMap, lines: Mapping[str, Mapping[int, frozenset[str]]]) -> Tree:
    """Return a tree from the texts of its files."""
    modules = {}
    for file, text in texts.items():
        try:
            modules[file] = parse(text)
        except (SyntaxError, ValueError):
            continue
    return Tree(texts, modules, known, lines)


def explained(here: Tree, mutant: Mutant) -> Selection:
    """Return what the impact layer selects for a fault, with its reasons."""
    selection = Selection()
    new = dict(here.modules) | {mutant.file: here.with_fault(mutant)}
    spread = Spread(here.known, lambda: Project(new, here.project), selection, lambda: here.project)
    old = {mutant.file: here.modules[mutant.file]}
    for change in compare_modules(old, {mutant.file: new[mutant.file]}):
        spread.follow(change, change.sentence())
    return selection


def impact(here: Tree) -> Selector:
    """Return the impact layer, as `cloche select-tests` selects; its seconds are those of this process."""
    always = here.recorded_as_failed()

    def select(mutant: Mutant) -> Selected:
        start = time.process_time()
        selection = explained(here, mutant)
        found = frozenset(here.known.outcomes if selection.everything is not None else selection.reasons)
        return Selected(found | always, time.process_time() - start)

    return select


def everything(here: Tree) -> Selector:
    """Return plain pytest."""
    found = frozenset(here.known.outcomes)
    return lambda _: Selected(found)


def at_random(here: Tree, share: float, seed: int) -> Selector:
    """Return a rule that takes each test with the same probability, anew for each fault."""

    def select(mutant: Mutant) -> Selected:
        generator = random.Random(f"{seed} {mutant.id}")  # noqa: S311 - a sample, no secret
        tests = sorted(here.known.outcomes)
        return Selected(frozenset(test for test in tests if generator.random() < share))

    return select


def covered_function(here: Tree) -> Selector:
    """Return the tests that ran the function that changed; none for code outside of functions."""

    def select(mutant: Mutant) -> Selected:
        owner = innermost(here.modules[mutant.file]).get(mutant.line)
        recorded = here.known.functions.get(f"{mutant.file}::{owner}") if owner is not None else None
        return Selected(recorded.tests if recorded is not None and mutant.stratum == "function" else frozenset())

    return select


def covered_line(here: Tree) -> Selector:
    """Return the tests that ran one of the lines that changed."""

    def select(mutant: Mutant) -> Selected:
        last = mutant.line + mutant.old.count("\n")
        of_file = here.lines.get(mutant.file, {})
        return Selected(frozenset().union(*(of_file.get(line, frozenset()) for line in range(mutant.line, last + 1))))

    return select


def import_graph(here: Tree) -> Selector:
    """Return the tests of the files that import the changed one, directly or through others."""
    reached: dict[str, frozenset[str]] = {}

    def select(mutant: Mutant) -> Selected:
        if mutant.file not in reached:
            files = here.project.importers(mutant.file)
            tests = frozenset(test for test in here.known.outcomes if test.partition("::")[0] in files)
            reached[mutant.file] = tests
        return Selected(reached[mutant.file])

    return select


def last_failed(matrix: Matrix) -> Selector:
    """Return the tests that failed for the fault before this one: what `pytest --last-failed` would run."""
    before: dict[str, frozenset[str]] = {}
    previous: Judged | None = None
    for judged in matrix.judged:
        before[judged.mutant.id + judged.mutant.new] = previous.failed if previous is not None else frozenset()
        if judged.failed:
            previous = judged
    return lambda mutant: Selected(before[mutant.id + mutant.new])
