"""The Nix store: which files it holds, adding checked ones, and keeping them from the garbage collector."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cloche.fetch.sources import FetchError, Source


def nix(*arguments: str) -> str:
    """Run one of Nix's commands and return what it prints; its errors go to the user."""
    done = subprocess.run(arguments, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise FetchError(f"`{' '.join(arguments[:4])} ...` ended with {done.returncode} (its words are above)")
    return done.stdout


def store_paths(sources: list[Source], work: Path) -> dict[Source, str]:
    """Return the path that each source has in the store, as Nix itself computes it."""
    # By a file: one argument of a command cannot be longer than 128 KiB.
    wanted = work / "wanted.json"
    wanted.write_text(
        json.dumps([{"name": source.store_name, "hash": source.sha256} for source in sources]), encoding="ascii"
    )
    expression = """{ wanted }: map (file: (derivation {
        inherit (file) name; system = "builtin"; builder = "builtin"; outputHash = file.hash;
        outputHashAlgo = "sha256"; outputHashMode = "flat"; }).outPath) (builtins.fromJSON (builtins.readFile wanted))"""
    command = ["nix-instantiate", "--eval", "--strict", "--json", "--expr", expression]
    paths = json.loads(nix(*command, "--argstr", "wanted", str(wanted)))
    return dict(zip(sources, paths, strict=True))


def missing(paths: dict[Source, str]) -> list[Source]:
    """Return the sources whose path is not a valid one of the store."""
    if not paths:
        return []
    invalid = set(nix("nix-store", "--check-validity", "--print-invalid", *sorted(set(paths.values()))).split())
    return [source for source, path in paths.items() if path in invalid]


def add(files: list[tuple[Source, Path]], work: Path) -> None:
    """Add files whose hash was checked, each under its store name."""
    folder = Path(tempfile.mkdtemp(dir=work))
    named = []
    for index, (source, file) in enumerate(files):
        # Two files may share a name; each gets a folder of its own.
        (folder / str(index)).mkdir()
        target = folder / str(index) / source.store_name
        os.link(file, target)
        named.append(str(target))
    nix("nix-store", "--add-fixed", "sha256", *named)
    shutil.rmtree(folder)


def keep(paths: list[str], roots: Path) -> None:
    """Make the paths garbage collector roots of this lock, in place of those it had before."""
    if roots.is_dir():
        shutil.rmtree(roots)
    roots.mkdir(parents=True)
    for start in range(0, len(paths), 200):
        link = str(roots / f"source-{start}")
        nix("nix-store", "--realise", "--add-root", link, "--indirect", *paths[start : start + 200])
