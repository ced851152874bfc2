"""Machines of their own for tests: a home, a store, and an archive of sources, so that nothing needs the network.

What is made here lies in the system's folder for temporary files and not in pytest's, whose folders are closed to
other users.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import ROOT, Ended, run

HOST_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
OFFLINE = ["unshare", "--map-current-user", "--net"] if os.geteuid() else ["unshare", "--net"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts and other users need root")


@dataclass(frozen=True)
class Machine:
    """A home and a store; `environment` is all that a command sees of the machine on which the tests run."""

    folder: Path
    archive: Path

    @property
    def home(self) -> Path:
        """The folder that holds the cache with Nix and the marks."""
        return self.folder / "home"

    @property
    def store(self) -> Path:
        """The folder below which the store's /nix lies."""
        return self.folder / "store"

    @property
    def marks(self) -> Path:
        """The folder in which ci/nix and fetch leave what they know of this store."""
        return Path(f"{self.home}/.cache/cloche/stores{self.store}")

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a command, with the archive as its only source."""
        return {"HOME": str(self.home), "PATH": HOST_PATH, "CLOCHE_SOURCES": str(self.archive), **more}

    def nix(self, *arguments: str | Path, cwd: Path = ROOT, prefix: list[str] | None = None, **more: str) -> Ended:
        """Run ci/nix on this machine's store, without a network."""
        words = [*(OFFLINE if prefix is None else prefix), ROOT / "ci/nix", "--store", self.store, *arguments]
        return alone(*words, cwd=cwd, environment=self.environment(**more))


def alone(*words: str | Path, environment: dict[str, str], cwd: Path = ROOT) -> Ended:
    """Run a command with this environment and nothing of ours."""
    return run("env", "-i", *(f"{name}={value}" for name, value in environment.items()), *words, cwd=cwd)


@contextmanager
def temporary(name: str) -> Iterator[Path]:
    """Yield a folder which everybody may enter; remove it, read-only store paths included."""
    folder = Path(tempfile.mkdtemp(prefix=f"cloche-{name}."))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        subprocess.run(["chmod", "-R", "u+w", folder], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)


def copy_of(machine: Machine, folder: Path) -> Machine:
    """Return a machine of its own with a copy of the store, and with the same Nix; what it has marked is not copied."""
    other = Machine(folder, machine.archive)
    run("cp", "-a", machine.store, other.store)
    # The roots of the copy would be the marks of the machine that it was copied from.
    run("rm", "-rf", other.store / "nix/var/nix/gcroots/auto")
    cache = other.home / ".cache/cloche"
    cache.mkdir(parents=True)
    (cache / "nix").symlink_to(machine.home / ".cache/cloche/nix")
    (cache / "substituters").write_text("no\n")
    return other
