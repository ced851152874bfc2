"""Run the project's pytest: to record the map, to run a selection, or to see what a selection would have missed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cloche.errors import ClocheError, ExitCode
from cloche.store import write


def pytest_command() -> list[str]:
    """Return the pytest on PATH, which in a development shell is the project's; else that of this Python."""
    found = shutil.which("pytest")
    if found:
        return [found]
    try:
        import pytest  # noqa: F401, PLC0415 - only whether it is there
    except ImportError as error:
        raise ClocheError(
            "there is no pytest on PATH; run this where the project's tests can run, for example inside 'nix develop'",
            ExitCode.ENVIRONMENT_LACKS,
        ) from error
    return [sys.executable, "-m", "pytest"]


def carry(module: str, package: Path) -> None:
    """Copy a module of Cloche, and what it imports of it, into a package of another name, for a Python without Cloche."""
    cloche = Path(__file__).parents[2]
    imports: dict[str, list[str]] = json.loads((cloche / "imports.json").read_text(encoding="utf-8"))
    wanted, needed = [module], set[str]()
    while wanted:
        if (file := wanted.pop()) not in needed:
            needed.add(file)
            wanted += imports.get(file, ())
    for file in needed:
        copy = package / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(cloche / file, copy)


def run(project: Path, arguments: list[str], *, folder: Path | None = None) -> int:
    """Run pytest in the project; its words go to stderr, because stdout is for data. Return its exit code."""
    environment = dict(os.environ)
    if folder is not None:
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = f"{folder}{os.pathsep}{known}" if known else str(folder)
    sys.stderr.flush()
    command = [*pytest_command(), *arguments]
    return subprocess.run(command, cwd=project, env=environment, stdout=sys.stderr.fileno(), check=False).returncode


def record(project: Path, target: Path, arguments: list[str]) -> int:
    """Run all tests and write the map; return pytest's exit code (0, or 1 when tests failed).

    Raises ClocheError when there is no map afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="cloche-impact-") as name:
        carry("selection/impact/plugin.py", Path(name, "cloche_impact"))
        fresh = Path(name, "map.json")
        words = ["-p", "cloche_impact.selection.impact.plugin", "--impact-map", str(fresh), *arguments]
        code = run(project, words, folder=Path(name))
        if not fresh.exists():
            raise ClocheError(
                f"pytest ended with {code} and no map was written; its words are above", ExitCode.CHECK_FAILED
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        write.file(target, fresh.read_bytes())
    return code
