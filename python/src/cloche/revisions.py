"""Build what the flake where the user stands makes of itself, or of itself against another revision of its git."""

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cloche.errors import ClocheError, ExitCode


class NoFlakeError(ClocheError):
    """A place that is in no flake."""

    def __init__(self, here: Path) -> None:
        super().__init__(f"neither {here} nor a folder above it has a flake.nix; stand in the project's flake")


class NoProgramError(ClocheError):
    """A program that the work is done with, and that is not there."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no {name} on PATH")


class NoRevisionError(ClocheError):
    """A name that git does not know."""

    def __init__(self, revision: str, words: str) -> None:
        super().__init__(f"--base {revision}: git knows no such revision of this repository: {words}")


class NoProjectThereError(ClocheError):
    """A revision without the project."""

    def __init__(self, revision: str, file: str) -> None:
        super().__init__(f"--base {revision}: it has no {file}, so there is nothing to compare with")


class NotBuiltError(ClocheError):
    """What Nix did not build; its words are above."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what} was not built: Nix ended with {code} (its words are above)")


_THE_BASE = "the base"


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NoProgramError(name)
    return found


def flake(here: Path) -> Path:
    """Return the folder with the flake in which `here` is."""
    for folder in (here, *here.parents):
        if (folder / "flake.nix").exists():
            return folder
    raise NoFlakeError(here)


@dataclass(frozen=True)
class Base:
    """Another revision's project: its place in the store, and its name in git."""

    path: str
    commit: str


def checkout(folder: Path, directory: str, revision: str, target: Path) -> str:
    """Write the project of another revision of the flake in `folder` to `target`; return the revision's name in git."""
    git = _program("git")

    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [git, *arguments], cwd=folder, check=False, capture_output=True, text=True, errors="replace"
        )

    found = ask("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    if found.returncode:
        raise NoRevisionError(revision, " ".join(found.stderr.split()))
    commit = found.stdout.strip()
    place = os.path.normpath(f"{ask('rev-parse', '--show-prefix').stdout.strip()}{directory}")
    file = os.path.normpath(f"{place}/pyproject.toml")
    if ask("cat-file", "-e", f"{commit}:{file}").returncode:
        raise NoProjectThereError(revision, file)
    top = ask("rev-parse", "--show-toplevel").stdout.strip()
    with tempfile.TemporaryDirectory() as own:
        # An index of its own: the user's is left as it is.
        environment = {**os.environ, "GIT_INDEX_FILE": str(Path(own, "index"))}
        for arguments in (
            ["read-tree", commit if place == "." else f"{commit}:{place}"],
            ["checkout-index", "--all", f"--prefix={target}/"],
        ):
            subprocess.run([git, *arguments], cwd=top, check=True, env=environment)
    return commit


def base(folder: Path, directory: str, revision: str) -> Base:
    """Bring the project of another revision of the flake in `folder` into the store."""
    with tempfile.TemporaryDirectory() as top:
        tree = Path(top, "base")
        commit = checkout(folder, directory, revision, tree)
        added = subprocess.run(
            [_program("nix"), "store", "add-path", "--name", "base", tree],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if added.returncode:
        raise NotBuiltError(_THE_BASE, added.returncode)
    return Base(added.stdout.strip(), commit)


def built(folder: Path, attribute: str, other: Base | None) -> Path:
    """Build a package of a flake, or what its function `against` makes of another revision; return the store path."""
    nix = _program("nix")
    what = f".#{attribute}"
    target = what
    if other is not None:
        # A revision that is no input of the flake is what makes this impure.
        argument = f'{{ src = builtins.storePath "{other.path}"; revision = "{other.commit}"; }}'
        asked = subprocess.run(
            [nix, "eval", "--impure", "--json", f".#{attribute}.against", "--apply", f"f: (f {argument}).drvPath"],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if asked.returncode:
            raise NotBuiltError(what, asked.returncode)
        target = f"{json.loads(asked.stdout)}^out"
    done = subprocess.run(
        [nix, "build", "--no-link", "--print-out-paths", target],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotBuiltError(what, done.returncode)
    return Path(done.stdout.split()[0])
