"""A figure, and the temporary folder with what the figures share: a checkout, a project, stores, uv."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# The group of python/cloche.lock that is measured.
GROUP = "bench"
# ext4 avoids inodes that were freed less than five seconds ago, and searching for others slows what is measured next.
SETTLE = 6
CONSUMER = """{
  inputs.cloche.url = "git+file://%s";
  outputs = { self, cloche }: cloche.lib.mkFlake { inherit self; } ./cloche.nix;
}
"""
CONFIGURATION = """{ config, self, ... }:
let
  inherit (config.cloche) build toolchain;
in
{
  cloche.src = ./.;
  cloche.provenance = {
    enable = true;
    attributes = [ "dependencies" ];
  };
  packages = {
    # What uv and pip install: the lock's packages, without the project.
    dependencies = build.environment {
      name = "dependencies";
      packages = build.selection.names "default";
    };
    uv = build.set.packages.uv;
    sbom = config.cloche.sbom.of {
      name = "dependencies";
      kind = "environment";
      roots = [ config.packages.dependencies ];
      wheel = null;
    };
  };
  legacyPackages.facts = {
    python = toolchain.python.interpreter;
    inherit (toolchain) base pip;
    cloche = self.inputs.cloche.outPath;
    sources = builtins.listToAttrs (
      map (name: {
        inherit name;
        value = build.set.source name build.selection.packages.${name};
      }) (build.selection.names "default")
    );
  };
}
"""
PYPROJECT = """[project]
name = "bench"
version = "1"
requires-python = ">=3.11"

[build-system]
requires = ["poetry-core>=2.0"]
build-backend = "poetry.core.masonry.api"
"""


@dataclass(frozen=True)
class Spent:
    """What one run took, in seconds; `cpu` is user and system time of the command and all that it waited for."""

    wall: float
    cpu: float


@dataclass
class Figure:
    """One line of the table. Without `other`, the target is in seconds, else it is a ratio of medians.

    A figure whose target is None explains another one.
    """

    name: str
    what: str
    target: float | None
    ours: list[Spent] = field(default_factory=list)
    other: list[Spent] = field(default_factory=list)
    other_what: str = ""

    def median(self, kind: str, *, other: bool = False) -> float:
        """Return the median of all runs in seconds; `kind` is wall or cpu."""
        return statistics.median(float(getattr(spent, kind)) for spent in (self.other if other else self.ours))

    def value(self, kind: str = "wall") -> float:
        """Return what is compared with the target: seconds, or the ratio."""
        ours = self.median(kind)
        return ours / self.median(kind, other=True) if self.other else ours


class Bench:
    """The temporary folder and what the figures share; each part is made when the first figure asks for it."""

    def __init__(self, work: Path, memory: Path, runs: int) -> None:
        # Evaluation is measured in a store in memory: in a folder on a disk, making 170 small files takes longer.
        self.work, self.memory, self.runs = work, memory, runs
        # uv and pip are to install the files that they are given, whatever the user has configured.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))}
        self.environment = {
            **kept,
            "XDG_CACHE_HOME": str(work / "cache"),
            "UV_CACHE_DIR": str(work / "uv-cache"),
            "UV_NO_CONFIG": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, *command: str | Path, cwd: Path | None = None, **variables: str) -> str:
        """Run a command to its end and return its output; end the benchmark with its words if it fails."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd or self.work,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            shown = " ".join(str(word) for word in command)[:300]
            sys.exit(
                f"ci/bench: a command of the measurement failed: {shown}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
            )
        return done.stdout

    def spend(self, *command: str | Path, cwd: Path | None = None, **variables: str) -> Spent:
        """Run a command as `run` does and return what it took."""
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        self.run(*command, cwd=cwd, **variables)
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    @cached_property
    def checkout(self) -> Path:
        """Return a clean git checkout with the files that git knows here, uncommitted edits included."""
        target = self.work / "checkout"
        for name in self.run("git", "ls-files", "-z", cwd=ROOT).split("\0"):
            if name and (ROOT / name).is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target / name)
        for words in (
            ["init", "-q"],
            ["add", "-A"],
            ["-c", "user.name=bench", "-c", "user.email=bench", "commit", "-qm", "bench"],
        ):
            self.run("git", *words, cwd=target)
        return target

    @cached_property
    def lock(self) -> dict[str, Any]:
        """Return Cloche's own lock as the lock of a project whose dependencies are the group GROUP."""
        lock: dict[str, Any] = json.loads((ROOT / "python/cloche.lock").read_text())
        project = tomllib.loads(PYPROJECT)
        del project["project"]["version"]  # no part of what the lock depends on
        canonical = json.dumps(project, sort_keys=True, separators=(",", ":"))
        for pythons in lock["environments"].values():
            for locked in pythons.values():
                locked["groups"] = {"default": locked["groups"][GROUP], "tools": ["uv"]}
                locked["builds"]["bench"] = locked["builds"].pop("cloche")
        made_from = {"pyproject.toml": hashlib.sha256(canonical.encode()).hexdigest()}
        lock.update({"project": "bench", "made-from": made_from})
        return lock

    @cached_property
    def flake(self) -> str:
        """Return the reference of a flake that imports the checkout, as a user's project does."""
        folder = self.work / "project"
        folder.mkdir()
        (folder / "flake.nix").write_text(CONSUMER % self.checkout)
        (folder / "cloche.nix").write_text(CONFIGURATION)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "cloche.lock").write_text(json.dumps(self.lock, sort_keys=True, indent=1))
        self.run("nix", "flake", "lock", f"path:{folder}")
        return f"path:{folder}"

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Return the store paths that the flake tells: python, base, pip, cloche, packages, sources, script files."""
        facts: dict[str, Any] = json.loads(self.run("nix", "eval", "--json", f"{self.flake}#facts"))
        everything = json.loads(self.run("nix", "derivation", "show", "-r", f"{self.flake}#dependencies"))
        facts["inputs"] = sorted({path for drv in everything.values() for path in drv["inputSrcs"]})
        facts["builders"] = sorted(
            f"{path}^*"
            for path, drv in everything.items()
            if drv["name"] in ("wheel-unpacker", "cloche-base") or "hash" in drv["outputs"]["out"]
        )
        facts["packages"] = len(facts["sources"])
        return facts

    @cached_property
    def sources(self) -> list[str]:
        """Return the base, the builders' tools and the wheels, which are in the store before anything is measured."""
        return self.run("nix", "build", "--no-link", "--print-out-paths", *self.facts["builders"]).split()

    def store(self, name: str, paths: list[str], *, below: Path | None = None) -> Path:
        """Return a store in the temporary folder that holds these paths and what they need."""
        folder = (below or self.work) / name
        self.run("nix", "copy", "--no-check-sigs", "--to", folder, *paths)
        return folder

    def fresh(self, template: Path) -> Path:
        """Return a new copy of a store; its files are hard links, since nothing writes to files of a store."""
        folder = template.parent / "fresh"
        remove(folder)
        shutil.copytree(template / "nix/store", folder / "nix/store", symlinks=True, copy_function=os.link)
        shutil.copytree(template / "nix/var", folder / "nix/var", symlinks=True)
        return folder

    @cached_property
    def environment_path(self) -> str:
        """Return the environment, built in the user's store."""
        return self.run("nix", "build", "--no-link", "--print-out-paths", f"{self.flake}#dependencies").strip()

    @cached_property
    def files(self) -> list[Path]:
        """Return the wheels under their own names."""
        folder = self.work / "wheels"
        folder.mkdir()
        _ = self.sources
        system, python = f"{os.uname().machine}-linux", ".".join(map(str, sys.version_info[:2]))
        packages = self.lock["environments"][system][python]["packages"]
        for name, source in self.facts["sources"].items():
            (folder / packages[name]["file"]).symlink_to(source)
        return sorted(folder.iterdir())

    def virtual_environment(self) -> Path:
        """Return a new empty virtual environment on the toolchain's Python."""
        folder = self.work / "venv"
        remove(folder)
        self.run(self.facts["python"], "-I", "-m", "venv", "--without-pip", folder)
        return folder / "bin/python"

    @cached_property
    def uv(self) -> Path:
        """Return uv of Cloche's lock."""
        return Path(self.run("nix", "build", "--no-link", "--print-out-paths", f"{self.flake}#uv").strip(), "bin/uv")

    def uv_sync(self) -> Spent:
        """Install the lock with uv, byte code included, into an empty virtual environment."""
        requirements = self.work / "requirements.txt"
        requirements.write_text("".join(f"{file}\n" for file in self.files))
        python = self.virtual_environment()
        return self.spend(
            self.uv, "pip", "sync", "--offline", "--no-index", "--compile-bytecode", "--python", python, requirements
        )


def remove(folder: Path) -> None:
    """Remove a folder that may hold a store, whose folders are read-only."""
    if folder.exists():
        for path, _, _ in os.walk(folder):
            Path(path).chmod(0o755)
        shutil.rmtree(folder)


def settle(*folders: Path) -> None:
    """Remove folders between runs and wait until the file system has forgotten them."""
    for folder in folders:
        remove(folder)
    time.sleep(SETTLE)
