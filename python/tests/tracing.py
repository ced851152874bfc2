"""An environment with the tracer, and a project whose tests are traced and recorded in it, without Nix."""

import contextlib
import io
import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cloche.selection.impact.run import carry
from cloche.suite import record as record_tests
from cloche.suite.run import Selection, Suite
from cloche.trace import install_hooks, needs
from cloche.trace import record as trace_tests

SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
PYTEST = """#!{python}
import sys
from pytest import console_main
sys.exit(console_main())
"""


def make_environment(folder: Path) -> Path:
    """Make a virtual environment with this one's packages, and the tracer in front of them.

    What it reads is beside the environment, where a Project has its folder `top`.
    """
    venv.create(folder, symlinks=True, with_pip=False)
    site = folder / SITE
    (site / "these.pth").write_text(sysconfig.get_path("purelib") + "\n")
    modules = folder.parent / "modules"
    carry("trace/hooks/plugin.py", modules / "cloche")
    install_hooks.main(
        {
            "modules": str(modules),
            "configuration": str(folder.parent / "top/cloche-trace.json"),
            "sitePackages": SITE,
            "outputs": {"out": str(folder)},
        }
    )
    script = folder / "bin/pytest"
    script.write_text(PYTEST.format(python=folder / "bin/python"))
    script.chmod(0o755)
    return folder


@dataclass
class Project:
    """A project in a folder; its modules are installed by copying."""

    top: Path
    environment: Path
    monkeypatch: pytest.MonkeyPatch
    arguments: list[str] = field(default_factory=list)
    scratch: list[str] = field(default_factory=list)

    @property
    def tree(self) -> Path:
        """The tests' tree."""
        return self.top / "tree"

    @property
    def source(self) -> Path:
        """The wheel's source."""
        return self.top / "source"

    def write(self, files: dict[str, str]) -> None:
        """Write files: those below src/ into the wheel's source, others into the tests' tree."""
        for name, text in files.items():
            path = (self.source if name.startswith("src/") else self.tree) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def installed(self, without: set[str]) -> Path:
        """Return a prefix with the project's modules, and put them into the environment."""
        prefix = self.top / "prefix"
        shutil.rmtree(prefix, ignore_errors=True)
        site = prefix / SITE
        site.mkdir(parents=True)
        if (self.source / "src").exists():
            shutil.copytree(self.source / "src", site, dirs_exist_ok=True)
        for name in without:
            (site / name.removeprefix("src/")).unlink(missing_ok=True)
        (self.environment / SITE / "project.pth").write_text(f"{site}\n")
        return prefix

    def attributes(self, prefix: Path, tree: Path, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as Nix gives them
        """Return what the derivations have in common."""
        top = self.environment.parent / "top"
        shutil.rmtree(top, ignore_errors=True)
        top.mkdir()
        self.monkeypatch.setenv("NIX_BUILD_TOP", str(top))
        self.monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        self.monkeypatch.delenv("PYTHONPATH", raising=False)
        for name in ("out", "log"):
            shutil.rmtree(self.top / name, ignore_errors=True)
        return {
            "outputs": {"out": str(self.top / "out"), "log": str(self.top / "log")},
            "environment": str(self.environment),
            "source": str(tree),
            "prefixes": [str(prefix)],
            "sitePackages": SITE,
            "arguments": self.arguments,
            "scratch": self.scratch,
            "programs": [],
            "variables": {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            "reruns": 0,
            "coverage": False,
            **more,
        }

    def trace(self) -> dict[str, Any]:
        """Trace all test files, and return the record."""
        prefix = self.installed(set())
        attributes = self.attributes(
            prefix, self.tree, project=str(prefix), projectSource=str(self.source), collection={}
        )
        with contextlib.redirect_stdout(io.StringIO()):
            trace_tests.main(attributes)
        trace = json.loads((self.top / "out/trace.json").read_text())
        return needs.make(trace, self.source, {})

    def look(self, code: str) -> dict[str, set[str]]:
        """Return what a process looks for that runs this code in the tree, by kind."""
        attributes = self.attributes(self.installed(set()), self.tree)
        suite = Suite.of(attributes, modules={"src/p": "p"}, trace=True)
        suite.prepare()
        suite.configure(Selection())
        with suite.listening():
            subprocess.run([self.environment / "bin/python", "-c", code], cwd=suite.tree, check=True)
        found: dict[str, set[str]] = {}
        for entry in suite.noted:
            found.setdefault(entry["kind"], set()).add(entry["name"])
        return found

    def record(
        self,
        closure: dict[str, Any] | None = None,
        without: set[str] | None = None,
        **more: Any,  # noqa: ANN401 - as Nix gives them
    ) -> dict[str, Any]:
        """Record the tests, without some files, as a batch; return the outcomes by test."""
        narrowed = self.top / "narrowed"
        shutil.rmtree(narrowed, ignore_errors=True)
        shutil.copytree(self.tree, narrowed)
        for name in without or set():
            path = narrowed / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        prefix = self.installed(without or set())
        whole: dict[str, Any] = {"files": None, "leave": [], "modules": {}, "recorded": None, "timeout": None}
        attributes = self.attributes(prefix, narrowed, closure={**whole, **(closure or {})}, **more)
        with contextlib.redirect_stdout(io.StringIO()):
            record_tests.main(attributes)
        data = json.loads((self.top / "out/outcomes.json").read_text())
        return {entry["test"]: entry for entry in data["tests"]}


def closure_of(data: dict[str, Any], *files: str) -> dict[str, Any]:
    """Return a batch of these files, as lib/tests/needs.nix makes it of a record."""
    parts = [data["every"], *(data["files"][name] for name in files)]

    def names(*keys: str) -> list[str]:
        return sorted({name for part in parts for key in keys for name in part.get(key, [])})

    recorded = {
        "names": names("needs", "absent"),
        "missing": names("missing"),
        "programs": names("programs"),
        "tops": [],
        "packages": {},
    }
    return {"files": list(files), "modules": data["modules"], "recorded": recorded}
