"""Sample the stacks of an experiment or of the slowest tests, of one revision or of two, and record them; standard library only.

py-spy starts the program itself, as its child: so it may look into it without any right. What it saw is recorded as
folded stacks, a line each: frames joined by semicolons, a blank, and the number of samples.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

THREADS = ("BLIS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
WORDS = 4000
# As a plugin of pytest: which tests there are, by what a record calls them, and how the run ended.
PLUGIN = """import json, os
from _pytest.junitxml import mangle_test_address

def pytest_collection_finish(session):
    with open(os.environ["CLOCHE_PROFILE"], "w") as file:
        for item in session.items:
            *parts, name = mangle_test_address(item.nodeid)
            file.write(json.dumps([".".join(parts) + "::" + name, item.nodeid]) + "\\n")

def pytest_sessionfinish(exitstatus):
    with open(os.environ["CLOCHE_PROFILE"], "a") as file:
        file.write(json.dumps(["", int(exitstatus)]) + "\\n")
"""


def slowest(durations: dict[str, float], most: int, least: float) -> list[str]:
    """Return the names of the slowest tests that take some seconds or more, the slowest first."""
    found = sorted(durations, key=lambda name: (-durations[name], name))
    return [name for name in found[:most] if durations[name] >= least]


class Recorder:
    """The place where everything runs."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self.attributes = attributes
        self.top = Path(os.environ["NIX_BUILD_TOP"])
        self.side, self.project, self.note = self.top / "side", self.top / "project", self.top / "note"
        hook = self.top / "hook"
        hook.mkdir()
        (hook / "cloche_profiled.py").write_text(PLUGIN)
        binaries = [f"{prefix}/bin" for prefix in [str(self.side), *attributes["programs"]]]
        self.environment = {
            **os.environ,
            **dict.fromkeys(THREADS, "1"),
            "PYTHONHASHSEED": "0",
            "COLUMNS": "120",
            **attributes["variables"],
            "PATH": ":".join([*binaries, os.environ["PATH"]]),
            "PYTHONPATH": str(hook),
            "CLOCHE_PROFILE": str(self.note),
        }

    def prepare(self, side: str) -> None:
        """Make a fresh copy of the files, and one side's environment the one at the common path."""
        self.side.unlink(missing_ok=True)
        self.side.symlink_to(self.attributes["sides"][side])
        shutil.rmtree(self.project, ignore_errors=True)
        self.project.mkdir()
        for tree in self.attributes["files"]:
            shutil.copytree(tree, self.project, symlinks=True, dirs_exist_ok=True)
        for path in [self.project, *self.project.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o200)
        self.note.unlink(missing_ok=True)

    def program(self, command: list[str]) -> list[str]:
        """Return a command with its program's path; a script of the environment by its Python."""
        place = self.side / "bin" / command[0]
        if not place.exists():
            return command
        with place.open("rb") as file:
            script = file.read(2) == b"#!" and b"python" in file.readline()
        return [*([str(self.side / "bin/python")] if script else []), str(place), *command[1:]]

    def sampled(self, side: str, command: list[str]) -> tuple[str, float]:
        """Run a command under the sampler; return its folded stacks and how long it took."""
        self.prepare(side)
        raw, words = self.top / "raw", self.top / "words"
        raw.unlink(missing_ok=True)
        options = ["--format", "raw", "--function", "--full-filenames", "--subprocesses"]
        options += ["--native"] if self.attributes["native"] else []
        options += ["--rate", str(self.attributes["rate"]), "--output", str(raw)]
        start = time.monotonic()
        with words.open("wb") as file:
            done = subprocess.run(
                [self.attributes["sampler"], "record", *options, "--", *self.program(command)],
                cwd=self.project,
                env=self.environment,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        seconds = time.monotonic() - start
        self.words = words.read_text(errors="replace")[-WORDS:]
        if done.returncode or not raw.exists():
            sys.exit(f"the sampler ended with {done.returncode}; its last words:\n{self.words}\nNothing is recorded.")
        return raw.read_text(errors="replace"), seconds

    def experiment(self, side: str) -> tuple[str, float]:
        """Sample the experiment, which has to write its result."""
        stacks, seconds = self.sampled(side, self.attributes["command"])
        if not (self.project / self.attributes["result"]).is_file():
            sys.exit(
                f"cloche.profile: the experiment {self.attributes['profile']} wrote no {self.attributes['result']} on the {side}; "
                f"its last words:\n{self.words}\nNothing is recorded."
            )
        return stacks, seconds

    def tests(self, side: str) -> dict[str, str]:
        """Return the node ids of a side's tests by what a record calls them."""
        self.prepare(side)
        command = ["pytest", *self.pytest(), "--collect-only", "-q"]
        subprocess.run(
            self.program(command), cwd=self.project, env=self.environment, check=False, stdout=subprocess.DEVNULL
        )
        lines = self.note.read_text().splitlines() if self.note.exists() else []
        return {name: node for name, node in map(json.loads, lines) if name}

    def pytest(self) -> list[str]:
        """Return the arguments that all runs of pytest have."""
        return ["-p", "cloche_profiled", "-p", "no:cacheprovider", *self.attributes["arguments"]]

    def test(self, side: str, node: str) -> tuple[str, float]:
        """Sample one test, which has to pass."""
        stacks, seconds = self.sampled(side, ["pytest", *self.pytest(), node])
        lines = self.note.read_text().splitlines() if self.note.exists() else []
        if not lines or json.loads(lines[-1]) != ["", 0]:
            sys.exit(f"cloche.profile: {node} does not pass on the {side}:\n{self.words}\nNothing is recorded.")
        return stacks, seconds


def modules(folder: str) -> list[str]:
    """Return the modules of an unpacked wheel, below its site-packages."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*.py"))


def main(attributes: dict[str, Any]) -> None:
    """Write a folder with record.json and the stacks of each side for each profile into attributes["outputs"]["out"]."""
    recorder, sides = Recorder(attributes), attributes["sides"]
    out = Path(attributes["outputs"]["out"])
    out.mkdir()
    about = {"rate": attributes["rate"], "native": attributes["native"], "modules": modules(attributes["modules"])}
    if attributes["durations"] is None:
        profiles = {attributes["profile"]: attributes["command"]}
    else:
        durations = json.loads(Path(attributes["durations"], "durations.json").read_text())
        chosen = slowest(durations, attributes["slowest"], attributes["seconds"])
        nodes = {side: recorder.tests(side) for side in sides if chosen}
        if lost := [name for name in chosen if name not in nodes["head"]]:
            sys.exit(f"cloche.profile: pytest has no {', '.join(lost)}, which were recorded. Nothing is recorded.")
        profiles = {nodes["head"][name]: [name] for name in chosen}
    for name, command in profiles.items():
        folder = out / re.sub("[^A-Za-z0-9_.-]+", "-", name).strip("-")
        folder.mkdir()
        seconds = {}
        for side in sides:
            if attributes["durations"] is None:
                found = recorder.experiment(side)
            elif command[0] in nodes[side]:
                found = recorder.test(side, nodes[side][command[0]])
            else:
                continue
            stacks, seconds[side] = found
            (folder / f"{side}.raw").write_text(stacks)
        kind, words = ("experiment", command) if attributes["durations"] is None else ("test", ["pytest", name])
        data = {"version": 1, "profile": name, "kind": kind, "command": words, "seconds": seconds, **about}
        (folder / "record.json").write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
