#!/usr/bin/env python3
"""Measure the selection of tests on mutants of four published projects, by the protocol of docs/benchmark-selection.md.

    ci/bench-selection.py matrix PROJECT --work FOLDER --functions 100 --imports 50

Runs with Cloche's modules and the group `mutants`. FOLDER/sdist holds the sdists that are named here.
"""

import argparse
import hashlib
import sys
import tarfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cloche.mutants.matrix import Suite, facts, run
from cloche.mutants.sample import draw, source_files


@dataclass(frozen=True)
class Project:
    """A published project whose sdist carries its tests."""

    file: str
    sha256: str
    path: tuple[str, ...] = (".",)
    arguments: tuple[str, ...] = ()


PROJECTS = {
    "toolz": Project("toolz-1.2.0.tar.gz", "9667a038e9d6ecba37995e26cb2f59ec6420b6ad8dd9677de59db9b956b08490"),
    "more-itertools": Project("more_itertools-11.2.1.tar.gz", "cbf08fd0af284dc69718b9b76a8e6203df624d70209ea511e4219d350c856f63"),
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
    options = parser.parse_args(arguments)
    options.call(options)


if __name__ == "__main__":
    main()
