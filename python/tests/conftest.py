"""A user's machine for each test: a home, a cache, and one index, in a temporary folder."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloche.cli import main
from local_index import LocalIndex

BUILD_SYSTEM = '\n[build-system]\nrequires = ["flit_core>=3"]\nbuild-backend = "flit_core.buildapi"\n'


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Workplace:
    """A project in a folder, an index, and the command line."""

    directory: Path
    index: LocalIndex
    run: Callable[..., Outcome]

    def project(self, table: str, *, build: str = BUILD_SYSTEM) -> None:
        """Write pyproject.toml from the lines below [project] (and further tables)."""
        (self.directory / "pyproject.toml").write_text(f'[project]\nname = "demo"\nversion = "1"\n{table}{build}')

    def lock(self, *arguments: str) -> Outcome:
        """Run `cloche lock` for one system and Python 3.11, unless told otherwise."""
        chosen = list(arguments)
        if "--system" not in chosen:
            chosen += ["--system", "x86_64-linux"]
        if "--python" not in chosen:
            chosen += ["--python", "3.11"]
        return self.run("lock", "--project", str(self.directory), *chosen)

    def locked(self, *arguments: str) -> dict[str, Any]:
        """Run `cloche lock`, which must succeed, and return cloche.lock."""
        outcome = self.lock(*arguments)
        assert outcome.code == 0, outcome.err
        assert outcome.out == ""
        return self.read()

    def read(self) -> dict[str, Any]:
        """Return cloche.lock."""
        data: dict[str, Any] = json.loads((self.directory / "cloche.lock").read_text())
        return data

    def environment(self, *arguments: str, system: str = "x86_64-linux", python: str = "3.11") -> dict[str, Any]:
        """Run `cloche lock`, and return one environment of cloche.lock."""
        found: dict[str, Any] = self.locked(*arguments)["environments"][system][python]
        return found


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Return a function that runs `cloche` with arguments."""

    def call(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["cloche", *arguments])
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def workplace(tmp_path: Path, run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """Return a project folder and an index that pip's configuration names; nothing else is configured."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_", "XDG_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    index = LocalIndex(tmp_path / "index")
    for name, version in (("flit-core", "3.12.0"), ("setuptools", "80.0.0")):
        index.wheel(name, version)
    directory = tmp_path / "project"
    directory.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    return Workplace(directory, index, run)
