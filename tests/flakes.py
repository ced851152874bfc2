"""Consumer flakes for the integration tests: projects in temporary folders that import this checkout by its path."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from conftest import ROOT, Ended, run

SYSTEM = f"{os.uname().machine}-linux"
FLAKE = f"""{{
  inputs.cloche.url = "git+file://{ROOT}";
  outputs = {{ self, cloche }}: cloche.lib.mkFlake {{ inherit self; }} ./cloche.nix;
}}
"""
FLAKE_PARTS = f"""{{
  inputs.cloche.url = "git+file://{ROOT}";
  inputs.flake-parts.follows = "cloche/flake-parts";
  outputs = inputs@{{ flake-parts, ... }}: flake-parts.lib.mkFlake {{ inherit inputs; }} {{
    imports = [ inputs.cloche.flakeModules.default ];
    systems = [ "x86_64-linux" "aarch64-linux" ];
    perSystem = ./cloche.nix;
  }};
}}
"""


def cloche(*arguments: str | Path, cwd: Path) -> Ended:
    """Run ci/nix in a consumer's folder."""
    return run(ROOT / "ci/nix", *arguments, cwd=cwd)


def add(folder: Path) -> None:
    """Let git, and so Nix, know all files."""
    if not (folder / ".git").exists():
        assert run("git", "init", "-q", cwd=folder).code == 0
    assert run("git", "add", "-A", cwd=folder).code == 0


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files into a folder that git knows, and return it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    add(folder)
    return folder


def copy(source: Path, target: Path, files: dict[str, str] | None = None) -> Path:
    """Copy a project, without its git and its flake.lock, write `files` into it, and return it."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("flake.lock", ".git", "__pycache__", ".*cache"))
    return write(target, files or {})


def words(ended: Ended) -> str:
    """Return Nix's error without its indentation and the trace before it."""
    lines = ended.err[ended.err.rfind("error:") :].splitlines()
    return "\n".join(line.removeprefix(" " * 7).removeprefix("error: ") for line in lines)
