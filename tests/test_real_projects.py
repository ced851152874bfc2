"""Projects that nobody here wrote, built from their sdists with their own test suites as the check.

One with hatchling, one with setuptools and a C extension, one with scikit-build-core and C++, one whose tests are inside
its package. tests/projects/NAME holds

  pin.json     the sdist (name, version, file, sha256, size), what its tests need, and how they must end
  cloche.nix   the configuration
  cloche.lock  the lock; `CLOCHE_UPDATE=1 ci/test test_real_projects` makes them anew

Of the project itself only the table [dependency-groups] of pyproject.toml is replaced, by one with what its tests need,
and the locks of other tools are left out: those that are there bring documentation and release tools.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, built, nix, run
from flakes import FLAKE, SYSTEM, write

PROJECTS = ROOT / "tests/projects"
NAMES = sorted(path.name for path in PROJECTS.iterdir() if path.is_dir())


@dataclass(frozen=True)
class Project:
    """A project as a flake in a temporary folder, and its pin."""

    folder: Path
    pin: dict[str, Any]


def sdist(pin: dict[str, Any], folder: Path) -> bytes:
    """Bring the sdist by the project's own `fetch`, from a lock with this one file, and return it."""
    entry = {key: pin[key] for key in ("version", "file", "sha256", "size")}
    lock = {"environments": {SYSTEM: {"3.11": {"packages": {pin["name"]: entry}, "builds": {}}}}}
    (folder / "sdist.lock").write_text(json.dumps(lock))
    fetched = run("sh", ROOT / "pkgs/fetch/fetch.sh", "--lock", folder / "sdist.lock")
    assert fetched.code == 0, fetched.err
    path = run("nix-store", "--print-fixed-path", "sha256", pin["sha256"], pin["file"]).out.strip()
    return subprocess.run(["nix", "store", "cat", path], capture_output=True, check=True).stdout


def project(name: str, folder: Path) -> Project:
    """Make the flake: the sdist's files, the configuration and the lock."""
    pin: dict[str, Any] = json.loads((PROJECTS / name / "pin.json").read_text())
    with tarfile.open(fileobj=io.BytesIO(sdist(pin, folder))) as archive:
        for member in archive.getmembers():
            # As the user who runs the test: git refuses folders of others.
            member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
        archive.extractall(folder / "sdist")  # noqa: S202 - its hash is pinned
    tree = next((folder / "sdist").iterdir())
    for foreign in ("uv.lock", "poetry.lock", "pylock.toml"):
        (tree / foreign).unlink(missing_ok=True)
    text = re.sub(r"(?ms)^\[dependency-groups\].*?(?=^\[|\Z)", "", (tree / "pyproject.toml").read_text())
    text += f"\n[dependency-groups]\ntest = {json.dumps(pin['test'])}\n"
    write(tree, {"pyproject.toml": text, "flake.nix": FLAKE})
    shutil.copyfile(PROJECTS / name / "cloche.nix", tree / "cloche.nix")
    if os.environ.get("CLOCHE_UPDATE"):
        write(tree, {})
        ended = run(ROOT / "ci/nix", "run", ".#lock", cwd=tree)
        assert ended.code == 0, ended.err
        shutil.copyfile(tree / "cloche.lock", PROJECTS / name / "cloche.lock")
    shutil.copyfile(PROJECTS / name / "cloche.lock", tree / "cloche.lock")
    write(tree, {})
    # Its own .gitignore may name files that an sdist has; a flake sees only what git knows.
    assert run("git", "add", "-f", ".", cwd=tree).code == 0
    return Project(tree, pin)


@pytest.mark.parametrize("name", NAMES)
def test_project_builds_from_source_and_passes_its_own_tests(name: str, tmp_path: Path) -> None:
    made = project(name, tmp_path)
    fetched = run(ROOT / "ci/nix", "run", ".#fetch", cwd=made.folder)
    assert fetched.code == 0, fetched.err
    check = run(ROOT / "ci/nix", "build", "--no-link", "-L", f".#checks.{SYSTEM}.tests", cwd=made.folder)
    assert check.code == 0, check.err
    results = built(nix("build", "--no-link", "--print-out-paths", ".#test-results^out", cwd=made.folder))
    outcomes = json.loads(nix("store", "cat", f"{results}/outcomes.json").out)
    assert outcomes["counts"] == made.pin["counts"]
    # The tests saw what was built, and nothing built carries the compilers with it.
    environment = built(nix("build", "--no-link", "--print-out-paths", ".#env", cwd=made.folder))
    closure = nix("path-info", "-r", environment).out
    assert f"-{made.pin['name']}-" in closure
    assert "-cloche-cc" not in closure
    wheel = built(nix("build", "--no-link", "--print-out-paths", ".#wheel", cwd=made.folder))
    assert len(nix("store", "ls", wheel).out.split()) == 1


# Tests in their package, and a C extension; what a foreign suite looks for is in no list of ours.
@pytest.mark.slow
@pytest.mark.parametrize("name", ["toolz", "markupsafe"])
def test_is_traced_and_does_the_same_in_batches(name: str, tmp_path: Path) -> None:
    made = project(name, tmp_path)
    traced = run(ROOT / "ci/nix", "run", ".#trace-tests", cwd=made.folder)
    assert traced.code == 0, traced.err
    assert traced.err.rstrip().endswith("the tests are the same in batches as in the whole tree")
    results = built(nix("build", "--no-link", "--print-out-paths", ".#test-results^out", cwd=made.folder))
    assert json.loads(nix("store", "cat", f"{results}/outcomes.json").out)["counts"] == made.pin["counts"]
