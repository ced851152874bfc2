"""Programs that judge the whole repository: ruff, mypy, shellcheck and typos; standard library only.

Run inside derivations, each over the files that it is about (checks/own/style.nix), and by pre-commit and by hand over a
checkout: `python ci/house/lint.py [PART ...]`, with the programs on PATH. Exit codes: 0 nothing was found, 1 something was.
"""

import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Projects of their own, with their own settings (python/ has checks.types), and the toolchain's inputs.
OWN_TYPES = re.compile(r"(python|examples/branin|templates|tests/growth|tests/runpath|pkgs/toolchain)/")
# From where modules import each other. The library's tests have helpers that the repository's tests use.
MODULES = ("tests", "ci/benchmarks", "ci/house", "python/src", "python/tests")
PYTHON, SHELL = re.compile(rb"#!.*\bpython3?\b"), re.compile(rb"#!.*\b(ba)?sh\b")


def names_of(root: Path) -> list[str]:
    """Return the files below a folder: those that git knows in a checkout, else all."""
    if (root / ".git").exists():
        words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(words, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
        return sorted(name for name in listed if name and (root / name).is_file())
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def scripts(root: Path, names: list[str], suffix: str, program: re.Pattern[bytes]) -> list[str]:
    """Return the files of a language: by their suffix, or by the first line of those that have none."""

    def starts(name: str) -> bool:
        with (root / name).open("rb") as file:
            return program.match(file.readline(200)) is not None

    return [name for name in names if name.endswith(suffix) or ("." not in Path(name).name and starts(name))]


def ruff(_root: Path, _names: list[str]) -> list[str]:
    """Return the command that looks for faults in Python files; ruff finds them and their settings."""
    return ["ruff", "check", "--no-cache", "."]


def layout(_root: Path, _names: list[str]) -> list[str]:
    """Return the command that looks at the layout of Python files."""
    return ["ruff", "format", "--no-cache", "--check", "--diff", "."]


def mypy(root: Path, names: list[str]) -> list[str]:
    """Return the command that checks the types of what is no project of its own, by the library's settings."""
    settings = ["--config-file", "python/pyproject.toml", "--explicit-package-bases", "--scripts-are-modules"]
    files = [name for name in scripts(root, names, ".py", PYTHON) if not OWN_TYPES.match(name)]
    return ["mypy", *settings, f"--cache-dir={os.devnull}", *files]


def shellcheck(root: Path, names: list[str]) -> list[str]:
    """Return the command that looks at shell scripts, and follows what they read; .shellcheckrc has its settings."""
    return ["shellcheck", "--external-sources", *scripts(root, names, ".sh", SHELL)]


def typos(_root: Path, _names: list[str]) -> list[str]:
    """Return the command that looks at the spelling of all files; typos.toml has the words that are none."""
    return ["typos", "--hidden", "--color=never", "."]


PARTS: dict[str, Callable[[Path, list[str]], list[str]]] = {
    "ruff": ruff,
    "format": layout,
    "mypy": mypy,
    "shellcheck": shellcheck,
    "typos": typos,
}


def judge(root: Path, parts: list[str], environment: dict[str, str]) -> list[str]:
    """Run parts over the files below a folder, which say what they find; return the names of those that found something."""
    names, failed = names_of(root), []
    given = {**environment, "MYPYPATH": os.pathsep.join(MODULES)}
    for part in parts:
        words = PARTS[part](root, names)
        # The names of a hundred files say nothing.
        sys.stdout.write(textwrap.shorten(f"$ {shlex.join(words)}", 120, placeholder=" ...") + "\n")
        sys.stdout.flush()
        if subprocess.run(words, cwd=root, env=given, check=False).returncode:
            failed.append(part)
    return failed


def main(attributes: dict[str, Any]) -> None:
    """Run attributes["parts"] over attributes["source"] with the programs of attributes["programs"]."""
    environment = {**os.environ, "PATH": f"{attributes['programs']}/bin:{os.environ['PATH']}", "NO_COLOR": "1"}
    parts = attributes["parts"]
    if failed := judge(Path(attributes["source"]), parts, environment):
        sys.exit(f"found something: {', '.join(failed)}")
    Path(attributes["outputs"]["out"]).write_text(f"{len(parts)} passed, 0 failed\n")


if __name__ == "__main__":
    if strange := [name for name in sys.argv[1:] if name not in PARTS]:
        sys.stderr.write(f"lint: there is no part {strange[0]}; the parts are: {', '.join(PARTS)}\n")
        sys.exit(2)
    if found := judge(Path(__file__).resolve().parents[2], sys.argv[1:] or list(PARTS), dict(os.environ)):
        sys.exit(f"found something: {', '.join(found)}")
