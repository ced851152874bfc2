"""Signing and verifying with each release of sigstore that Cloche's bounds allow.

tests/sigstore/releases.json has the two newest releases, with what the older one needs besides. What they refuse is classified by their exceptions' types and by own
checks; this is where a release that changes either is noticed.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, run

RELEASES: dict[str, dict[str, Any]] = json.loads((ROOT / "tests/sigstore/releases.json").read_text())
CASES = ["tests/test_keyless.py", "tests/test_trust.py"]


def test_the_locked_release_is_the_newest_that_is_tried_and_no_other_is_allowed() -> None:
    lock = json.loads((ROOT / "python/cloche.lock").read_text())
    oldest, *_, newest = RELEASES
    assert lock["environments"]["x86_64-linux"]["3.11"]["packages"]["sigstore"] == RELEASES[newest]["sigstore"]
    bounds = set(re.findall(r'"sigstore(>=[^"]*)"', (ROOT / "python/pyproject.toml").read_text()))
    major, minor, _ = newest.split(".")
    assert bounds == {f">={oldest},<{major}.{int(minor) + 1}"}


# The newest one is what all other tests use.
@pytest.mark.slow
@pytest.mark.parametrize("release", list(RELEASES)[:-1])
def test_a_former_release_gives_the_same_verdicts(release: str, tmp_path: Path) -> None:
    copy = tmp_path / "cloche"
    assert run("git", "clone", "-q", ROOT, copy).code == 0
    path = copy / "python/cloche.lock"
    lock = json.loads(path.read_text())
    for pythons in lock["environments"].values():
        for environment in pythons.values():
            environment["packages"] |= RELEASES[release]
            for names in environment["groups"].values():
                if "sigstore" in names:
                    names.extend(sorted(RELEASES[release].keys() - {*names}))
    path.write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n")
    nix = copy / "ci/nix"
    ended = run(
        nix, "shell", ".#test-environment", "--command", "pytest", "-q", "-p", "no:cacheprovider", *CASES, cwd=copy
    )
    assert ended.code == 0, ended.out + ended.err
    version = ["python", "-c", "from importlib.metadata import version; print(version('sigstore'))"]
    assert run(nix, "shell", ".#test-environment", "--command", *version, cwd=copy).out == f"{release}\n"
    if "CLOCHE_CONFORMANCE" not in os.environ:
        print("the bundles of sigstore-conformance were not judged: CLOCHE_CONFORMANCE names no checkout of it")  # noqa: T201 - a reason
        return
    words = [
        "develop",
        ".#full",
        "--command",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "python/tests/test_conformance.py",
    ]
    ended = run(nix, *words, cwd=copy)
    assert ended.code == 0, ended.out + ended.err
