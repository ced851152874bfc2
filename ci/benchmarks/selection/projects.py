"""The published projects whose sdists carry their tests, and how those are run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Project:
    """A published project."""

    version: str
    file: str
    sha256: str
    size: int
    # Folders for PYTHONPATH, and words for pytest.
    path: tuple[str, ...] = (".",)
    arguments: tuple[str, ...] = ()


PROJECTS = {
    "toolz": Project(
        "1.2.0", "toolz-1.2.0.tar.gz", "9667a038e9d6ecba37995e26cb2f59ec6420b6ad8dd9677de59db9b956b08490", 55442
    ),
    # These ten tests take more than nine tenths of the suite's time; one of them has 9,592 subtests.
    "more-itertools": Project(
        "11.2.1",
        "more_itertools-11.2.1.tar.gz",
        "cbf08fd0af284dc69718b9b76a8e6203df624d70209ea511e4219d350c856f63",
        154133,
        arguments=(
            "--deselect=tests/test_recipes.py::PrimeFunctionTests::test_primes",
            "--deselect=tests/test_recipes.py::PrimeFunctionTests::test_nth_prime_approximate",
            "--deselect=tests/test_recipes.py::PrimeFunctionTests::test_nth_prime_tightened_bound",
            "--deselect=tests/test_recipes.py::PolynomialFromRootsTests::test_large",
            "--deselect=tests/test_recipes.py::RunningMedianTests::test_vs_statistics_median",
            "--deselect=tests/test_more.py::DiscreteFourierTransformTests::test_roundtrip",
            "--deselect=tests/test_more.py::TestConcurrentTee::test_concurrent_consumers",
            "--deselect=tests/test_more.py::TestSerialize::test_concurrent_calls",
            "--deselect=tests/test_more.py::TestRandomOrderedRange::test_lcg_mitigation",
            "--deselect=tests/test_more.py::ExtractTests::test_all_orderings",
        ),
    ),
    # These tests compare durations, which gives false labels on a loaded machine.
    "uncertainties": Project(
        "3.2.3",
        "uncertainties-3.2.3.tar.gz",
        "76a5653e686f617a42922d546a239e9efce72e6b35411b7750a1d12dcba03031",
        160492,
        arguments=("--ignore=tests/test_performance.py",),
    ),
    "attrs": Project(
        "26.1.0",
        "attrs-26.1.0.tar.gz",
        "d03ceb89cb322a8fd706d4fb91940737b6642aa36998fe130a9bc96c985eff32",
        952055,
        path=("src",),
    ),
}


def unpacked(name: str, work: Path, purpose: str) -> Path:
    """Return a copy of a project's sdist for one purpose; one that is there is taken as it is."""
    project = PROJECTS[name]
    folder = work / purpose / name
    if not folder.exists():
        archive = work / "sdist" / project.file
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != project.sha256:
            sys.exit(
                f"{archive} has the SHA-256 {found}, and not {project.sha256}; remove it, and `ci/bench selection` brings it again"
            )
        aside = folder.parent / f".{name}"
        # No filter: the toolchain's Python has none.
        with tarfile.open(archive) as opened:
            for member in opened.getmembers():
                # As the user's own: git refuses folders of others.
                member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
            opened.extractall(aside)  # noqa: S202 - its hash is known
        next(aside.iterdir()).rename(folder)
        aside.rmdir()
        for path in [folder, *folder.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
    return folder


def in_git(folder: Path) -> None:
    """Make a folder a git checkout whose main branch has all of its files; a fault that a killed call left in it is taken out."""
    if (folder / ".git").exists():
        subprocess.run(["git", "checkout", "-q", "."], cwd=folder, check=True)
        return
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A", "-f"], [*who, "commit", "-q", "-m", "as published"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
