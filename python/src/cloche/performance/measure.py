"""Measure benchmarks of two revisions side by side and record the figures, whatever they say; standard library only.

attributes["sides"] has an environment for `head` and, where there is something to compare with, for `base`. Both run
at one path, a link that is set before each run, with the same arguments, variables, files and tests. Instructions are
counted twice for each side, time is measured in rounds, in an order that a fixed seed decides.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEED = 0
THREADS = ("BLIS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# What every run has: the values are no part of what is compared.
KEPT = ("LC_ALL", "LOCPATH", "TZDIR", "SOURCE_DATE_EPOCH", "PYTHONDONTWRITEBYTECODE")
# A wrapped line of pytest's would differ with the terminal.
WORDS = 4000


@dataclass(frozen=True)
class Ended:
    """How a process ended, what it said, and how long it took."""

    code: int
    words: str
    seconds: float


class SideError(Exception):
    """A side on which the benchmark does not run at all; the text says how."""


class Bench:
    """One benchmark, and the place where it runs."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self.attributes = attributes
        self.option = f"cloche.performance.{attributes['benchmark']}"
        self.top = Path(os.environ["NIX_BUILD_TOP"])
        self.side, self.project, self.notes = self.top / "side", self.top / "project", self.top / "notes"
        hook = self.top / "hook"
        hook.mkdir()
        self.notes.mkdir()
        shutil.copyfile(attributes["plugin"], hook / "cloche_counts.py")
        binaries = [f"{prefix}/bin" for prefix in [str(self.side), *attributes["programs"], attributes["base"]]]
        self.environment = {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            **dict.fromkeys(THREADS, "1"),
            "PATH": ":".join(binaries),
            "HOME": str(self.top),
            "TMPDIR": str(self.top),
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": str(hook),
            "CLOCHE_COUNTS": str(self.notes),
            "VALGRIND_LIB": f"{attributes['valgrind']}/usr/libexec/valgrind",
            "COLUMNS": "120",
            **attributes["variables"],
        }

    def run(self, side: str, command: list[str]) -> Ended:
        """Run a command with one side's environment, in a fresh copy of the benchmark's files."""
        self.side.unlink(missing_ok=True)
        self.side.symlink_to(self.attributes["sides"][side])
        shutil.rmtree(self.project, ignore_errors=True)
        self.project.mkdir()
        for tree in self.attributes["files"]:
            shutil.copytree(tree, self.project, symlinks=True, dirs_exist_ok=True)
        for path in [self.project, *self.project.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o200)
        words = self.top / "words"
        with words.open("wb") as file:
            start = time.perf_counter()
            try:
                done = subprocess.run(
                    command, cwd=self.project, env=self.environment, check=False, stdout=file, stderr=file
                )
            except OSError as error:
                raise SideError(f"{command[0]!r} cannot be started: {error.strerror}") from error
            seconds = time.perf_counter() - start
        return Ended(done.returncode, words.read_text(errors="replace")[-WORDS:], seconds)

    def program(self, side: str, command: list[str]) -> list[str]:
        """Return a command with its program's path; scripts of the environment by the Python at the common path."""
        place = Path(self.attributes["sides"][side], "bin", command[0])
        if not place.exists():
            return command
        with place.open("rb") as file:
            script = file.read(2) == b"#!" and b"python" in file.readline()
        path = str(self.side / "bin" / command[0])
        return [str(self.side / "bin/python"), path, *command[1:]] if script else [path, *command[1:]]

    def counting(self, command: list[str]) -> list[str]:
        """Return a command as cachegrind runs it. The simulated caches are those of the machine, so there are none."""
        return [
            f"{self.attributes['valgrind']}/bin/valgrind",
            *("--quiet", "--tool=cachegrind", "--cache-sim=no", "--branch-sim=no", "--trace-children=yes"),
            f"--cachegrind-out-file={self.notes}/counts.%p",
            *command,
        ]

    def clear(self) -> None:
        """Forget the counts of the last run."""
        for file in self.notes.iterdir():
            if file.name != "calls.json":
                file.unlink()


def ended_well(ended: Ended) -> None:
    """Raise SideError for a process that did not end with 0."""
    if ended.code:
        how = f"was killed by signal {-ended.code}" if ended.code < 0 else f"ended with {ended.code}"
        raise SideError(f"it {how}; its last words:\n{ended.words}")


class Suite:
    """A pytest-benchmark suite: each of its tests is a case."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        # As the command, not `python -m pytest`, which would put the folder on sys.path.
        self.command = [str(bench.side / f"bin/{name}") for name in ("python", "pytest")]
        self.command += ["-p", "no:cacheprovider", "-q"]
        self.arguments = [*bench.attributes["suite"], *bench.attributes["arguments"]]

    def count(self, side: str) -> dict[str, Any]:
        """Return the instructions of a call of each test."""
        bench = self.bench
        bench.clear()
        command = [*self.command, "-p", "cloche_counts", "--benchmark-disable", *self.arguments]
        ended = bench.run(side, bench.counting(command))
        found = bench.notes / "found.json"
        if ended.code not in {0, 5} or not found.exists():
            raise SideError(f"pytest ended with {ended.code}; its last words:\n{ended.words}")
        tests: dict[str, Any] = json.loads(found.read_text())
        failed = {name: test["failed"] for name, test in tests.items() if "failed" in test}
        if failed and side == "head":
            raise SideError("\n".join(f"{name} fails:\n{text[-WORDS:]}" for name, text in failed.items()))
        chosen = bench.notes / "calls.json"
        if not chosen.exists():
            chosen.write_text(json.dumps({name: test["calls"] for name, test in tests.items() if "calls" in test}))
        return tests

    def clock(self, side: str) -> dict[str, Any]:
        """Return the seconds of a call of each test: the median of one process."""
        bench = self.bench
        report = bench.top / "report.json"
        report.unlink(missing_ok=True)
        ended = bench.run(side, [*self.command, "--benchmark-only", f"--benchmark-json={report}", *self.arguments])
        # A new test may fail on the base; what it can't show there is told by its absence.
        if ended.code not in ({0, 5} if side == "head" else {0, 1, 5}):
            raise SideError(f"pytest ended with {ended.code}; its last words:\n{ended.words}")
        text = report.read_text() if report.exists() else ""
        found = json.loads(text)["benchmarks"] if text else []
        return {each["fullname"]: {"seconds": each["stats"]["median"]} for each in found if "stats" in each}


class Command:
    """A command: one case. A process is a call; what its set-up counts is subtracted."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.name = " ".join(bench.attributes["command"])

    def _count(self, side: str, command: list[str]) -> tuple[int, bool]:
        self.bench.clear()
        ended_well(self.bench.run(side, self.bench.counting(self.bench.program(side, command))))
        counts = [
            int(file.read_text().splitlines()[-1].removeprefix("summary:")) for file in self.bench.notes.iterdir()
        ]
        return max(counts), len(counts) > 1

    def count(self, side: str) -> dict[str, Any]:
        """Return the instructions of the command without those of its set-up."""
        whole, processes = self._count(side, self.bench.attributes["command"])
        before, _ = self._count(side, self.bench.attributes["setUp"])
        return {self.name: {"calls": 1, "count": float(whole - before), "processes": processes}}

    def clock(self, side: str) -> dict[str, Any]:
        """Return the seconds of the command, its set-up included."""
        ended = self.bench.run(side, self.bench.program(side, self.bench.attributes["command"]))
        ended_well(ended)
        return {self.name: {"seconds": ended.seconds}}


def orders(arms: list[str], runs: int) -> list[list[str]]:
    """Return the order of the arms in each round: of two rounds, the second is the first one backwards."""
    chance = random.Random(SEED)  # noqa: S311 - an order, no secret
    found: list[list[str]] = []
    while len(found) < runs:
        order = arms[:]
        chance.shuffle(order)
        found += [order, order[::-1]]
    return found[:runs]


class Record:
    """What was measured, by case."""

    def __init__(self) -> None:
        self.cases: dict[str, dict[str, Any]] = {}

    def case(self, name: str) -> dict[str, Any]:
        """Return the record of a case."""
        return self.cases.setdefault(
            name, {"counts": {}, "seconds": {}, "failed": {}, "calls": None, "processes": False}
        )

    def add(self, side: str, arm: str, found: dict[str, Any]) -> None:
        """Take in what one run has found."""
        for name, values in found.items():
            case = self.case(name)
            if "failed" in values:
                case["failed"].setdefault(side, values["failed"][-WORDS:])
            elif "seconds" in values:
                case["seconds"].setdefault(arm, []).append(values["seconds"])
            else:
                case["counts"].setdefault(side, []).append(values["count"])
                case["calls"] = values["calls"]
                case["processes"] |= values["processes"]


def main(attributes: dict[str, Any]) -> None:
    """Measure and write record.json and the words of the runs into attributes["outputs"]["out"]."""
    bench = Bench(attributes)
    kind = Suite(bench) if attributes["suite"] else Command(bench)
    record, broken = Record(), ""
    arms = (
        {"base": "base", "again": "base", "head": "head"}
        if "base" in attributes["sides"]
        else {"head": "head", "again": "head"}
    )
    plan = [("count", side, side) for side in ("head", "base") * 2 if side in attributes["sides"]]
    if "instructions" not in attributes["instruments"]:
        plan = []
    if "time" in attributes["instruments"]:
        plan += [("clock", arms[arm], arm) for order in orders(list(arms), attributes["runs"]) for arm in order]
    for what, side, arm in plan:
        if side == "base" and broken:
            continue
        try:
            found = getattr(kind, what)(side)
        except SideError as error:
            if side == "head":
                sys.exit(f"{bench.option}: the benchmark does not run: {error}\nNothing is recorded.")
            print(f"{bench.option}: the benchmark does not run on the base: {error}")
            broken = str(error)
            continue
        print(
            what,
            arm,
            json.dumps({name: values.get("count", values.get("seconds", "failed")) for name, values in found.items()}),
        )
        record.add(side, arm, found)
    if not record.cases:
        sys.exit(
            f"{bench.option}: {' '.join(attributes['suite'])} has no test with the fixture `benchmark'. Nothing is recorded."
        )
    out = Path(attributes["outputs"]["out"])
    out.mkdir()
    data = {"version": 1, "base": "base" in attributes["sides"], "broken": broken, "cases": record.cases}
    (out / "record.json").write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
