"""What `select-tests` finds in a project that nobody here wrote: faults seeded into toolz, its whole suite run for each.

The figures are printed (pytest -s, or in the report of a failure); they are no measurement of time. A fault that the
whole suite sees and the selection does not is a miss, and there must be none. The control breaks the map.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from cloche.selection.impact import verb
from cloche.selection.impact.results import junit_name
from cloche.selection.impact.run import record
from mutants import Mutant, failing, mutants
from test_real_projects import sdist

TOOLZ = {
    "name": "toolz",
    "version": "1.2.0",
    "file": "toolz-1.2.0.tar.gz",
    "sha256": "9667a038e9d6ecba37995e26cb2f59ec6420b6ad8dd9677de59db9b956b08490",
    "size": 55442,
}


@dataclass(frozen=True)
class Judged:
    """A fault, the tests that fail by it, and what was selected for it."""

    mutant: Mutant
    failed: set[str]
    selected: set[str]
    share: float


@dataclass
class Project:
    """toolz in git, with a map."""

    folder: Path
    map_file: Path
    scratch: Path
    judged: list[Judged] = field(default_factory=list)

    def select(self, mutant: Mutant, map_file: Path | None = None) -> tuple[set[str], float]:
        """Return the selected tests for a fault, as JUnit XML calls them, and their share of all."""
        file = self.folder / mutant.file
        before = file.read_text()
        file.write_text(mutant.text)
        try:
            request = verb.Request(self.folder, "HEAD", None, map_file or self.map_file)
            answer = verb.answer(request, print)
        finally:
            file.write_text(before)
        if answer.selection.everything is not None:
            print(f"all tests for {mutant}: {answer.selection.everything}")  # noqa: T201 - why a figure is bad
            return {"everything"}, 1.0
        return {junit_name(test) for test in answer.selection.reasons}, len(answer.selection.reasons) / answer.known

    def judge(self, mutant: Mutant) -> Judged | None:
        """Run the whole suite with a fault, and select for it; None when the suite could not even be collected."""
        selected, share = self.select(mutant)
        file = self.folder / mutant.file
        before = file.read_text()
        file.write_text(mutant.text)
        try:
            failed = failing(self.folder, self.scratch / "junit.xml")
        finally:
            file.write_text(before)
        return None if failed is None else Judged(mutant, failed, selected, share)


def missed(judged: Judged) -> bool:
    """Say whether the suite sees a fault that the selection does not."""
    return bool(judged.failed) and "everything" not in judged.selected and not judged.failed & judged.selected


@pytest.fixture(scope="module")
def toolz(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return toolz's sdist in a git checkout with a map; its suite passes."""
    top = tmp_path_factory.mktemp("toolz")
    with tarfile.open(fileobj=BytesIO(sdist(TOOLZ, top))) as archive:
        for member in archive.getmembers():
            # As the user who runs the test: git refuses folders of others.
            member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
        archive.extractall(top / "sdist")  # noqa: S202 - its hash is pinned
    folder = next((top / "sdist").iterdir())
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A", "-f"], [*who, "commit", "-q", "-m", "as published"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    assert failing(folder, top / "junit.xml") == set()
    assert record(folder, top / "map.json", ["-q", "-p", "no:cacheprovider"]) == 0
    return Project(folder, top / "map.json", top)


def judge(project: Project, count: int, *, at_import: bool, seed: int) -> list[Judged]:
    """Judge a sample of faults and print what came out; every miss by its name."""
    files = sorted(
        path.relative_to(project.folder).as_posix()
        for path in project.folder.rglob("*.py")
        if "tests" not in path.parts
    )
    sample = mutants(project.folder, files, count, at_import=at_import, seed=seed)
    assert len(sample) == count
    ended = [project.judge(mutant) for mutant in sample]
    judged = [each for each in ended if each is not None]
    killed = [each for each in judged if each.failed]
    caught = [each for each in killed if not missed(each)]
    where = "in code that runs at import" if at_import else "in functions"
    share = sum(each.share for each in judged) / len(judged)
    print(  # noqa: T201 - the figures are what this is for
        f"\n{count} faults {where} (seed {seed}): {count - len(judged)} broke the collection, {len(killed)} were seen by "
        f"the whole suite, {len(caught)} of these by the selection; on average {share:.0%} of the tests were selected"
    )
    for each in killed:
        if missed(each):
            print(f"missed: {each.mutant}, seen by {sorted(each.failed)}")  # noqa: T201
    project.judged += judged
    return judged


@pytest.mark.slow
def test_no_fault_is_missed_and_a_broken_map_is_noticed(toolz: Project) -> None:
    judged = judge(toolz, 6, at_import=False, seed=1) + judge(toolz, 4, at_import=True, seed=1)
    assert [str(each.mutant) for each in judged if missed(each)] == []
    killed = [each for each in judged if each.failed and not each.mutant.at_import]
    assert killed
    # The control: with a map that knows what no function ran for, nothing is selected for a function, so each is missed.
    broken = toolz.scratch / "broken.json"
    broken.write_text(json.dumps(forgetful(json.loads(toolz.map_file.read_text()))))
    again = [Judged(each.mutant, each.failed, *toolz.select(each.mutant, broken)) for each in killed]
    assert [each.selected for each in again] == [set[str]()] * len(killed)
    assert all(missed(each) for each in again)


def forgetful(data: dict[str, Any]) -> dict[str, Any]:
    """Return a map that is read like another one, and in which neither tests nor statements ran any function or file."""
    nothing: dict[str, list[int]] = {"tests": [], "import": []}
    functions = {
        name: {**each, **nothing, "steps": [[digest, parent, None, None] for digest, parent, *_ in each["steps"]]}
        for name, each in data["functions"].items()
    }
    tests = [[name, "passed"] for name, _ in data["tests"]]
    forgotten = {"functions": functions, "tests": tests, "programs": nothing}
    return {**data, **forgotten, **{name: {} for name in ("files", "reads", "evaluated", "unmeasured")}}


@pytest.mark.slow
def test_no_fault_of_a_larger_sample_is_missed(toolz: Project) -> None:
    judged = judge(toolz, 60, at_import=False, seed=2) + judge(toolz, 40, at_import=True, seed=2)
    assert [str(each.mutant) for each in judged if missed(each)] == []
