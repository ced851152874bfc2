#!/usr/bin/env python3
"""Measure the selection of tests on mutants of four published projects, by the protocol of docs/benchmark-selection.md.

    ci/bench-selection.py matrix PROJECT --work FOLDER --functions 100 --imports 50

Runs with Cloche's modules and the group `mutants`. FOLDER/sdist holds the sdists that are named here.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cloche
from cloche.impact.map import load as load_map
from cloche.impact.plugin import python_files
from cloche.mutants.matrix import Matrix, Suite, facts, load, run, tree_digest
from cloche.mutants.replay import Figures, Interval, figures, replay
from cloche.mutants.sample import draw, source_files
from cloche.mutants.selectors import Tree, at_random, covered_function, covered_line, explained, impact, import_graph, last_failed, tree


@dataclass(frozen=True)
class Project:
    """A published project whose sdist carries its tests."""

    file: str
    sha256: str
    path: tuple[str, ...] = (".",)
    arguments: tuple[str, ...] = ()


PROJECTS = {
    "toolz": Project("toolz-1.2.0.tar.gz", "9667a038e9d6ecba37995e26cb2f59ec6420b6ad8dd9677de59db9b956b08490"),
    # One test with 9,592 subtests takes half of the suite's time.
    "more-itertools": Project(
        "more_itertools-11.2.1.tar.gz",
        "cbf08fd0af284dc69718b9b76a8e6203df624d70209ea511e4219d350c856f63",
        arguments=("--deselect=tests/test_recipes.py::PrimeFunctionTests::test_primes",),
    ),
    # These tests compare durations, which gives false labels on a loaded machine.
    "uncertainties": Project(
        "uncertainties-3.2.3.tar.gz", "76a5653e686f617a42922d546a239e9efce72e6b35411b7750a1d12dcba03031", arguments=("--ignore=tests/test_performance.py",)
    ),
    "attrs": Project("attrs-26.1.0.tar.gz", "d03ceb89cb322a8fd706d4fb91940737b6642aa36998fe130a9bc96c985eff32", path=("src",)),
}


def unpacked(name: str, work: Path, purpose: str) -> Path:
    """Return a fresh copy of a project's sdist, for one purpose; one that is there is taken as it is."""
    project = PROJECTS[name]
    folder = work / purpose / name
    if not folder.exists():
        archive = work / "sdist" / project.file
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != project.sha256:
            sys.exit(f"{archive} has the SHA-256 {found}, and not {project.sha256}; bring the file that ci/bench-selection.py names")
        with tarfile.open(archive) as opened:
            opened.extractall(folder.parent / f".{name}", filter="data")
        next((folder.parent / f".{name}").iterdir()).rename(folder)
        (folder.parent / f".{name}").rmdir()
    return folder


def suite(name: str, folder: Path) -> Suite:
    """Return how a project's tests are run here: by the Python that runs this."""
    project = PROJECTS[name]
    return Suite(folder, project.path, project.arguments, (sys.executable, "-m", "pytest", "-p", "no:testmon"))


def matrix(options: argparse.Namespace) -> None:
    """Run a project's suite for each fault of a sample."""
    folder = unpacked(options.project, options.work, "matrix")
    files = source_files(folder)
    sample = draw(folder, files, functions=options.functions, imports=options.imports, seed=options.seed)
    project = PROJECTS[options.project]
    about = facts(suite(options.project, folder), files, options.project, f"{project.file} sha256:{project.sha256}")
    until = time.time() + options.minutes * 60 if options.minutes else None
    target = options.work / "kills" / f"{options.project}.jsonl"
    run(suite(options.project, folder), sample, target, about, lambda line: print(line, flush=True), until=until)


def record(options: argparse.Namespace) -> None:
    """Record a project's map, and which tests ran which lines."""
    folder = unpacked(options.project, options.work, "record")
    maps = options.work / "maps"
    maps.mkdir(exist_ok=True)
    found = suite(options.project, folder)
    environment = found.environment()
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], str(Path(__file__).parent), str(Path(cloche.__file__).parent.parent)])
    environment["CLOCHE_LINES"] = str(maps / f"{options.project}.lines.json")
    words = ["-q", "-p", "no:cacheprovider", "-p", "cloche.impact.plugin", "-p", "bench_lines", f"--impact-map={maps / options.project}.json"]
    sys.exit(subprocess.run([*found.words(), *words], cwd=folder, env=environment, check=False).returncode)


def read(name: str, work: Path) -> tuple[Matrix, Tree]:
    """Return a project's kill matrix and its tree without faults."""
    folder = unpacked(name, work, "record")
    lines = json.loads((work / "maps" / f"{name}.lines.json").read_text())
    by_line = {file: {int(line): frozenset(tests) for line, tests in rows.items()} for file, rows in lines.items()}
    texts = {}
    for file in python_files(folder):
        with (folder / file).open(encoding="utf-8", newline="") as opened:
            texts[file] = opened.read()
    found = load(work / "kills" / f"{name}.jsonl")
    if tree_digest(folder, found.facts["files"]) != found.facts["tree"]:
        sys.exit(f"{folder} is not the tree of the kill matrix; remove it, and it is unpacked anew")
    return found, tree(texts, load_map(work / "maps" / f"{name}.json"), by_line)


def replayed(options: argparse.Namespace) -> None:
    """Replay the impact layer and the baselines on the stored matrices."""
    for name in options.projects or PROJECTS:
        if not (options.work / "kills" / f"{name}.jsonl").exists():
            continue
        found, here = read(name, options.work)
        print(f"{name}: {len(found.judged)} faults, {len(found.base)} tests, {sum(found.seconds.values()):.1f} s in tests, {found.fixed:.1f} s besides")
        impact_rows = replay(found, impact(here))
        share = figures(found, impact_rows).tests.value
        ways = {
            "covered line": covered_line(here),
            "covered function": covered_function(here),
            "import graph": import_graph(here),
            "last failed": last_failed(found),
            "random, as many": at_random(here, share, options.seed),
        }
        results = {"impact layer": impact_rows} | {way: replay(found, select) for way, select in ways.items()}
        for way, rows in results.items():
            print(row_of(way, figures(found, rows)))
        for stratum in found.sites:
            rows = [row for row in impact_rows if row.judged.mutant.stratum == stratum]
            print(row_of(f"  impact, {stratum}", figures(found, rows)))
        for row in impact_rows:
            if row.detected is False:
                mutant = row.judged.mutant
                print(f"    missed {mutant.id} {mutant.where}: {mutant.old[:60]!r} -> {mutant.new[:60]!r}; {row.judged.outcome} by {sorted(row.judged.failed)[:4]}")
        if options.worst:
            for row in sorted(impact_rows, key=lambda each: -each.test_seconds)[: options.worst]:
                mutant = row.judged.mutant
                selection = explained(here, mutant)
                counts = Counter(why.partition(";")[0] for whys in selection.reasons.values() for why in whys[:1])
                print(f"    {row.test_seconds:.2f} s {len(row.selected.tests)} tests {mutant.id} {mutant.where}: {mutant.old[:50]!r}; {selection.everything or counts.most_common(3)}")


def row_of(way: str, found: Figures) -> str:
    """Return a line of the table."""

    def share(each: Interval) -> str:
        return f"{each.value:6.1%} [{each.low:.1%}, {each.high:.1%}]"

    return f"{way:22} {found.faults:4} {found.killed:4} missed {found.missed:3}  detected {share(found.detected):24} few {share(found.detected_few):24} test-s {share(found.test_seconds):22} time {share(found.time):24} tests {found.tests.value:6.1%}  F1 {found.f1:.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("matrix", help="run a project's suite for each fault of a sample")
    verb.add_argument("project", choices=PROJECTS)
    verb.add_argument("--work", type=Path, required=True)
    verb.add_argument("--functions", type=int, default=100)
    verb.add_argument("--imports", type=int, default=50)
    verb.add_argument("--seed", type=int, default=1)
    verb.add_argument("--minutes", type=float, help="end after so many minutes; the next call goes on")
    verb.set_defaults(call=matrix)
    verb = verbs.add_parser("record", help="record a project's map")
    verb.add_argument("project", choices=PROJECTS)
    verb.add_argument("--work", type=Path, required=True)
    verb.set_defaults(call=record)
    verb = verbs.add_parser("replay", help="replay the selection and the baselines on the stored matrices")
    verb.add_argument("projects", nargs="*")
    verb.add_argument("--work", type=Path, required=True)
    verb.add_argument("--seed", type=int, default=1)
    verb.add_argument("--worst", type=int, default=0, help="show so many of the most expensive selections")
    verb.set_defaults(call=replayed)
    options = parser.parse_args(arguments)
    options.call(options)


if __name__ == "__main__":
    main()
