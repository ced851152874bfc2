"""Run a project's pytest inside a derivation, in a copy of its tree; standard library only.

Shared by the recordings (record.py) and by the run that finds out what each test file needs (cloche.trace.record).
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What the tracer reads, at the place that it was installed with.
CONFIGURATION = "cloche-trace.json"
# No line of JSON.
END = b"\0end\0"
SIZE = 1 << 17


def copy_source(source: str, tree: Path) -> None:
    """Copy a folder of the store to where tests can write."""
    shutil.copytree(source, tree, symlinks=True)
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)


def variables(attributes: dict[str, Any]) -> dict[str, str]:
    """Return the environment variables of a run of tests."""
    binaries = [f"{prefix}/bin" for prefix in [attributes["environment"], *attributes["programs"]]]
    return {
        **os.environ,
        "PATH": ":".join([*binaries, os.environ["PATH"]]),
        "COLUMNS": "120",
        "PY_COLORS": "0",
        **attributes["variables"],
    }


@dataclass(frozen=True)
class Place:
    """Where a project's folder or module is in a run: its path, and its name in the project."""

    path: str
    name: str


@dataclass(frozen=True)
class Selection:
    """Which tests one run is about."""

    # Files to collect (None: what the arguments say), and files that are not collected.
    files: list[str] | None = None
    leave: list[str] = field(default_factory=list)
    # Of the tests in them, those that are not run, by node id; and the only ones that are, as a record names them.
    done: list[str] = field(default_factory=list)
    only: list[str] | None = None
    only_collect: bool = False


@dataclass
class Suite:
    """One tree, one environment, and what pytest is called with."""

    top: Path
    source: Path
    environment: Path
    arguments: list[str]
    # The environment variables of its processes.
    environ: dict[str, str]
    # Folder or module of the project's source -> its place in site-packages.
    modules: dict[str, str]
    # Prefixes in which the project's modules are, besides the environment.
    prefixes: list[str]
    site_packages: str
    # Whether processes are traced, and the record that they are held against.
    trace: bool = False
    recorded: dict[str, list[str]] | None = None
    scratch: list[str] = field(default_factory=list)
    # Whether it is noted which test ran which lines (cloche.selection.impact.contexts).
    coverage: bool = False
    # What processes hear of packages: { table, absent, wheels } (cloche.trace.hooks.packages), None for nothing.
    packages: dict[str, Any] | None = None
    # What the processes of the last run looked for.
    noted: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, attributes: dict[str, Any], **more: Any) -> "Suite":  # noqa: ANN401 - the fields have types
        """Return the suite of a derivation's attributes."""
        return cls(
            top=Path(os.environ["NIX_BUILD_TOP"]),
            source=Path(attributes["source"]),
            environment=Path(attributes["environment"]),
            arguments=attributes["arguments"],
            environ=variables(attributes),
            prefixes=attributes["prefixes"],
            site_packages=attributes["sitePackages"],
            scratch=attributes["scratch"],
            **more,
        )

    @property
    def tree(self) -> Path:
        """The copy of the project's tree, in which pytest runs."""
        return self.top / "project"

    @property
    def home(self) -> Path:
        """Where temporary files and caches go."""
        return self.top / "home"

    @property
    def pipe(self) -> Path:
        """Where the traced processes write; a pipe, so that no limit or full disk keeps them from it."""
        return self.top / "cloche-trace.pipe"

    @property
    def report(self) -> Path:
        """What the plugin writes."""
        return self.top / "cloche-suite.jsonl"

    @property
    def junit(self) -> Path:
        """Pytest's own report."""
        return self.top / "junit.xml"

    @property
    def contexts(self) -> Path:
        """What was noted of the lines that each test ran."""
        return self.top / "cloche-contexts.json"

    def places(self) -> list[Place]:
        """Return where the project's files are: the tree, and its modules in every prefix."""
        found = [Place(str(self.tree), "")]
        for prefix in [str(self.environment), *self.prefixes]:
            for name, place in sorted(self.modules.items()):
                found.append(Place(f"{prefix}/{self.site_packages}/{place}", name))
        return found

    def place_of(self, name: str) -> str:
        """Return the path of a file of the project in this run, by its name in the project."""
        if (self.tree / name).exists():
            return str(self.tree / name)
        for place in self.places()[1:]:
            if name == place.name or name.startswith(f"{place.name}/"):
                return place.path + name[len(place.name) :]
        return str(self.tree / name)

    def name_of(self, path: str) -> str:
        """Return a file's name in the project; its path when it is elsewhere."""
        for place in sorted(self.places(), key=lambda each: each.path, reverse=True):
            if path.startswith(f"{place.path}/") or path == place.path:
                rest = path[len(place.path) + 1 :]
                return "/".join(part for part in (place.name, rest) if part)
        return path

    def prepare(self) -> None:
        """Make the copy of the tree, writable, and a new home; remove what a former run left."""
        for folder in (self.tree, self.home):
            if folder.exists():
                shutil.rmtree(folder)
        self.home.mkdir()
        copy_source(str(self.source), self.tree)
        for path in (self.report, self.junit):
            path.unlink(missing_ok=True)

    def configure(self, selection: Selection) -> None:
        """Write what the tracer and the plugin read."""
        settings = {
            "files": None if selection.files is None else [self.place_of(name) for name in selection.files],
            "leave": [self.place_of(name) for name in selection.leave],
            "done": selection.done,
            "only": selection.only,
            "only-collect": selection.only_collect,
            "report": str(self.report),
            "contexts": {
                "target": str(self.contexts),
                "places": [[place.path, place.name] for place in self.places()],
            },
        }
        (self.top / "cloche-suite.json").write_text(json.dumps(settings))
        configuration = {
            "trace": self.trace,
            "prefixes": [[place.path, place.name] for place in self.places()],
            "pythons": [f"{self.environment}/bin/"],
            "recorded": self.recorded,
            "scratch": self.scratch,
            "coverage": self.coverage,
            "packages": self.packages
            and {"environment": str(self.environment), "site": self.site_packages, **self.packages},
            "log": str(self.pipe),
        }
        (self.top / CONFIGURATION).write_text(json.dumps(configuration))

    def run(self, words: Path, selection: Selection, timeout: int | None = None) -> int | None:
        """Run pytest in the tree, and return its exit code, None when it had not ended after `timeout` seconds.

        What pytest says is added to the file `words`.
        """
        self.configure(selection)
        pytest = self.environment / "bin/pytest"
        if not pytest.exists():
            sys.exit(
                "pytest is not in the environment; add it to a dependency group that cloche.tests.groups names (normally\n"
                "[dependency-groups] test in pyproject.toml) and run 'nix run .#lock'"
            )
        environment = {
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "CLOCHE_SUITE": str(self.top / "cloche-suite.json"),
        }
        # As the command `pytest` and not `python -m pytest`, which would put the tree on sys.path, before what was built.
        command = [str(pytest), "-p", "_cloche_trace.plugin", "-p", "no:cacheprovider", f"--junit-xml={self.junit}"]
        # Tests that are run again have been noted.
        if self.coverage and selection.only is None:
            command += ["-p", "_cloche_trace.selection.impact.contexts"]
        # A collection error is the outcome of one file; the others are run all the same.
        command += ["--continue-on-collection-errors", *self.arguments]
        with words.open("ab") as file, self.listening():
            # A session of its own, so that a time-out ends children too.
            process = subprocess.Popen(
                command,
                cwd=self.tree,
                env={**self.environ, **environment},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
            try:
                return process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Read what traced processes write, until this process says that it is the end."""
        if not self.pipe.exists():
            os.mkfifo(self.pipe)
        # Open for writing too, so that there is always a reader, and never an end.
        descriptor = os.open(self.pipe, os.O_RDWR)
        heard = bytearray()

        def read() -> None:
            while END not in heard[-SIZE:]:
                heard.extend(os.read(descriptor, SIZE // 2))

        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield
        finally:
            os.write(descriptor, END)
            thread.join()
            os.close(descriptor)
        self.noted = [json.loads(line) for line in bytes(heard).partition(END)[0].splitlines()]

    def reported(self) -> list[dict[str, Any]]:
        """Return what the plugin has written."""
        if not self.report.exists():
            return []
        return [json.loads(line) for line in self.report.read_text(encoding="utf-8").splitlines()]
