"""What can be wrong with the place where a flake is built, and with the revision that it is compared with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cloche.errors import ClocheError, ExitCode
from cloche.performance import revisions
from cloche.store.git import GitError, NoGitError

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a flake below the top of a repository, with a project below it, and one commit."""
    flake = tmp_path / "work/flake"
    (flake / "python").mkdir(parents=True)
    (flake / "flake.nix").touch()
    (flake / "python/pyproject.toml").touch()
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*GIT, *command], cwd=tmp_path, check=True)
    return flake


def test_the_flake_is_here_or_above(repository: Path) -> None:
    assert revisions.flake(repository / "python") == repository
    assert revisions.flake(repository) == repository
    with pytest.raises(ClocheError) as raised:
        revisions.flake(repository.parent)
    assert (
        raised.value.message
        == f"neither {repository.parent} nor a folder above it has a flake.nix; stand in the project's flake"
    )


def test_a_revision_must_be_one_and_have_the_project(repository: Path) -> None:
    with pytest.raises(GitError) as raised:
        revisions.checkout(repository, "python", "--output=x", repository / "no")
    assert (
        raised.value.message
        == f"{repository}: '--output=x' names no commit; git says:\nfatal: Needed a single revision"
    )
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    with pytest.raises(ClocheError) as absent:
        revisions.checkout(repository, ".", commit.stdout.strip(), repository / "no")
    assert absent.value.message == (
        f"--base {commit.stdout.strip()}: it has no work/flake/pyproject.toml, so there is nothing to compare with"
    )


def test_the_project_at_a_revision_is_taken_as_git_has_it(repository: Path, tmp_path: Path) -> None:
    """The edited tree and the user's index stay as they are."""
    (repository / "python/pyproject.toml").write_text("edited")
    (repository / "python/new").touch()
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    commit = revisions.checkout(repository, "python", "HEAD", tmp_path / "taken")
    assert len(commit) == 40
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["pyproject.toml"]
    assert (tmp_path / "taken/pyproject.toml").read_text() == ""
    status = ["git", "status", "--short", "--untracked-files=no"]
    words = subprocess.run(status, cwd=repository, check=True, capture_output=True, text=True).stdout.split()
    assert words == ["A", "python/new", "M", "python/pyproject.toml"]


def test_without_git_the_environment_lacks_something(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoGitError) as raised:
        revisions.checkout(repository, "python", "HEAD", repository / "no")
    assert (raised.value.message, raised.value.exit_code) == (
        f"git can't be started (No such file or directory), and {repository} needs it; install it, or put it on PATH",
        ExitCode.ENVIRONMENT_LACKS,
    )
