"""Build what the flake where the user stands makes of itself, or of itself against another revision of its git."""

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cloche.errors import ClocheError, ExitCode
from cloche.store.git import EXECUTABLE, LINK, SUBMODULE, Entry, GitError, Objects, Repository


def not_built(what: str, code: int) -> ClocheError:
    """Return the error of what Nix did not build; its words are above."""
    return ClocheError(f"{what} was not built: Nix ended with {code} (its words are above)", ExitCode.CHECK_FAILED)


_THE_BASE = "the base"


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ClocheError(f"there is no {name} on PATH", ExitCode.ENVIRONMENT_LACKS)
    return found


def flake(here: Path) -> Path:
    """Return the folder with the flake in which `here` is."""
    for folder in (here, *here.parents):
        if (folder / "flake.nix").exists():
            return folder
    raise ClocheError(f"neither {here} nor a folder above it has a flake.nix; stand in the project's flake")


@dataclass(frozen=True)
class Base:
    """Another revision's project: its place in the store, and its name in git."""

    path: str
    commit: str


def checkout(folder: Path, directory: str, revision: str, target: Path) -> str:
    """Write the project of another revision of the flake in `folder` to `target`, as git has it; return its commit.

    No filter is run, so that a file of git-lfs is what git keeps of it, as in the source of a flake that is taken from git.
    """
    git = Repository(folder)
    commit = git.commit(revision)
    place = os.path.normpath(f"{git.prefix()}{directory}")
    file = os.path.normpath(f"{place}/pyproject.toml")
    tree = git.tree(commit, whole=True)
    if file not in tree:
        raise ClocheError(f"--base {revision}: it has no {file}, so there is nothing to compare with")
    with git.objects() as objects:
        for path, entry in tree.items():
            if place == "." or path.startswith(f"{place}/"):
                _write(objects, entry, target, Path(os.path.relpath(path, place)))
    return commit


def _write(objects: Objects, entry: Entry, target: Path, path: Path) -> None:
    # What git itself refuses to check out, and what would be written through a link or into a file of the same tree.
    above = [target / folder for folder in path.parents]
    if ".." in path.parts or any(part.lower() == ".git" for part in path.parts) or any(map(Path.is_symlink, above)):
        what = f"{objects.folder}: {str(path)!r} is no path that can be checked out"
        raise GitError(what)
    new = target / path
    new.parent.mkdir(parents=True, exist_ok=True)
    if entry.mode == SUBMODULE:
        new.mkdir()
    elif entry.mode == LINK:
        new.symlink_to(os.fsdecode(objects.read(entry.name)))
    else:
        new.write_bytes(objects.read(entry.name))
        new.chmod(0o755 if entry.mode == EXECUTABLE else 0o644)


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
        raise not_built(_THE_BASE, added.returncode)
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
            raise not_built(what, asked.returncode)
        target = f"{json.loads(asked.stdout)}^out"
    done = subprocess.run(
        [nix, "build", "--no-link", "--print-out-paths", target],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise not_built(what, done.returncode)
    return Path(done.stdout.split()[0])
