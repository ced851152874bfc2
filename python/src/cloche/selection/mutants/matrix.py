"""Run a project's whole suite once for each fault, and keep which tests see it: the kill matrix.

The file has one JSON line for the tree, the environment and the sample, one for the base runs, and one for each fault as soon
as it is judged, so a run that was ended goes on where it was. docs/mutants.md describes it.
"""

import contextlib
import gzip
import hashlib
import json
import math
import os
import platform
import resource
import signal
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from cloche.errors import MISSHAPEN, ClocheError, ExitCode
from cloche.selection.impact.recording import test_of
from cloche.selection.impact.run import carry, pytest_command
from cloche.selection.mutants.sample import Sample
from cloche.selection.mutants.sites import Mutant
from cloche.store import write as whole
from cloche.untrusted import regular_file, strict_json
from cloche.untrusted.limits import KILL_MATRIX

VERSION = 1
# How a fault ended.
SURVIVED, KILLED, COLLECTION, BROAD, TIME = "survived", "killed", "collection", "broad", "time"
# A suite may use this many times the processor time that it uses without a fault, and no less than so many seconds. A machine
# under load must not turn a fault into a time-out, so the clock only ends what waits: after so many times as much again.
TIMES, LEAST, WAITING = 4.0, 20.0, 6.0


def bad_matrix(path: Path, fault: str) -> ClocheError:
    """Return the error of a file that is no kill matrix, or one of something else."""
    return ClocheError(
        f"{path} is no kill matrix that can be used here: {fault}; give another file, or remove this one"
    )


@dataclass(frozen=True)
class Ended:
    """What one run of the suite did, by test function: its parameters are one test."""

    outcomes: dict[str, str]
    seconds: dict[str, float]
    # Tests that were begun and did not end: the process was killed, or died.
    unfinished: set[str]
    collected: int
    # Files that could not be collected.
    broken: set[str]
    timed_out: bool
    # pytest's exit code, negative for a signal.
    code: int
    # Wall and processor time of the whole process.
    wall: float
    processor: float
    words: str


@dataclass(frozen=True)
class Judged:
    """A fault and what the whole suite says of it."""

    mutant: Mutant
    # SURVIVED, KILLED; of their own: COLLECTION (files could not be collected), BROAD (more than half of the tests), TIME (out)
    outcome: str
    # Tests that passed without the fault and fail with it, flaky ones left out; those that could not run are not in it.
    failed: frozenset[str]
    # Files that could not be collected with the fault; with COLLECTION, none means that pytest did not come so far.
    broken: frozenset[str]
    # Tests of the base that have no outcome with the fault.
    missing: int
    wall: float
    processor: float


@dataclass(frozen=True)
class Matrix:
    """A kill matrix that was read."""

    facts: dict[str, Any]
    # test -> outcome without a fault, in the order in which they run
    base: dict[str, str]
    # test -> seconds in set-up, call and tear-down
    seconds: dict[str, float]
    # Tests whose outcome differed between two base runs.
    flaky: frozenset[str]
    # Wall time of plain pytest without a fault, the median of the base runs, and what of it is not in any test.
    wall: float
    fixed: float
    # stratum -> sites of the project
    sites: dict[str, int]
    seed: int
    judged: list[Judged] = field(default_factory=list)
    # Processor time of plain pytest without a fault.
    processor: float = 0.0

    def sample(self) -> Sample:
        """Return what was judged as a sample, for its weights."""
        return Sample([each.mutant for each in self.judged], self.sites, self.seed)


@dataclass(frozen=True)
class Clock:
    """To whom progress is told, and when to end."""

    say: Callable[[str], None]
    until: float | None


@dataclass(frozen=True)
class Suite:
    """A project's folder, and how its tests are run."""

    folder: Path
    # Folders for PYTHONPATH, relative to the project's: a copy is imported, whatever is installed.
    path: tuple[str, ...] = (".",)
    # Words for pytest, such as --deselect.
    arguments: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    # Where Python keeps byte code, none by default: a process that compiles pytest anew takes a second longer.
    cache: Path | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables of its processes."""
        folders = [str((self.folder / each).resolve()) for each in self.path]
        given = os.environ.get("PYTHONPATH")
        byte_code = {"PYTHONPYCACHEPREFIX": str(self.cache)} if self.cache else {"PYTHONDONTWRITEBYTECODE": "1"}
        return {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPATH": os.pathsep.join([*folders, *([given] if given else [])]),
            "PYTHONHASHSEED": "0",
            # One thread: what libraries of linear algebra do must not depend on how many processors are free.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **byte_code,
        }

    def words(self) -> list[str]:
        """Return the command that runs pytest."""
        return [*(self.command or pytest_command()), *self.arguments]

    def run(self, *arguments: str, limit: float | None = None) -> Ended:
        """Run the tests, and read what each of them did."""
        with tempfile.TemporaryDirectory(prefix="cloche-mutants-") as name:
            carry("selection/mutants/recorder.py", Path(name, "cloche_mutants"))
            lines, said = Path(name, "outcomes.jsonl"), Path(name, "said")
            environment = self.environment()
            environment["PYTHONPATH"] += f"{os.pathsep}{name}"
            command = [*self.words(), "-p", "no:cacheprovider", "-p", "cloche_mutants.selection.mutants.recorder"]
            command += [f"--outcome-lines={lines}", *arguments]
            with said.open("wb") as output:
                code, timed_out, wall, processor = _ended(command, self.folder, environment, output, limit)
            records = _lines(lines) if lines.exists() else []
            words = said.read_bytes()[-2000:].decode(errors="replace")
        return _summary(records, code, timed_out=timed_out, times=(wall, processor), words=words)


def _ended(
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    output: IO[bytes],
    limit: float | None,
) -> tuple[int, bool, float, float]:
    """Run a command in a process group of its own, so that its end is the end of all that it started."""
    before = os.times()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    if limit is not None:
        # Of each process: what it starts counts for itself.
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit) + 1))
    timed_out = False
    try:
        process.wait(limit * WAITING if limit is not None else None)
        timed_out = process.returncode == -signal.SIGXCPU
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        # Also what a test left running, and all of it when this process is told to end.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return process.returncode, timed_out, after.elapsed - before.elapsed, used


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a file; the last may have been cut off by the process's end."""
    data = path.read_bytes()
    return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]


def _summary(
    records: list[dict[str, Any]], code: int, *, timed_out: bool, times: tuple[float, float], words: str
) -> Ended:
    order = ["passed", "skipped", "failed"]
    outcomes: dict[str, str] = {}
    seconds: dict[str, float] = {}
    begun: list[str] = []
    for record in records:
        if "start" in record:
            begun.append(record["start"])
        elif "test" in record:
            test = test_of(record["test"])
            outcomes[test] = max(outcomes.get(test, "passed"), record["outcome"], key=order.index)
            seconds[test] = seconds.get(test, 0.0) + record["seconds"]
    ended = {record["test"] for record in records if "test" in record}
    return Ended(
        outcomes,
        seconds,
        {test_of(each) for each in begun if each not in ended},
        next((record["collected"] for record in records if "collected" in record), 0),
        {record["file"] for record in records if "file" in record},
        timed_out,
        code,
        *times,
        words,
    )


def judge(suite: Suite, mutant: Mutant, base: dict[str, str], flaky: frozenset[str], limit: float) -> Judged:
    """Run the whole suite with a fault in the folder's file, and take the fault out again; `limit` is processor time."""
    with applied(suite.folder, mutant):
        ended = suite.run(limit=limit)
    failed = {test for test, outcome in ended.outcomes.items() if outcome == "failed"} | ended.unfinished
    seen = frozenset(test for test in failed if base.get(test) == "passed" and test not in flaky)
    missing = len(base.keys() - ended.outcomes.keys())
    if ended.timed_out:
        outcome = TIME
    elif ended.broken or not ended.collected or ended.code not in {0, 1}:
        # A process that died while a test ran is that test's doing.
        outcome = KILLED if ended.unfinished and not ended.broken else COLLECTION
    elif len(seen) > len(base) / 2:
        outcome = BROAD
    else:
        outcome = KILLED if seen else SURVIVED
    return Judged(
        mutant, outcome, seen, frozenset(ended.broken), missing, round(ended.wall, 3), round(ended.processor, 3)
    )


class applied:  # noqa: N801 - a context manager, used like a function
    """A fault in a tree for as long as the context lasts.

    Byte code is taken for current by the source's size and its date in seconds, so each fault gives the file a date that no
    other one gives it. Afterwards text and date are as they were.
    """

    def __init__(self, folder: Path, mutant: Mutant) -> None:
        self.file = folder / mutant.file
        self.mutant = mutant
        self.text = ""
        self.date = 0

    def __enter__(self) -> Path:
        """Write the fault."""
        with self.file.open(encoding="utf-8", newline="") as file:
            self.text = file.read()
        self.date = self.file.stat().st_mtime_ns
        self._write(self.mutant.apply(self.text))
        other = int(hashlib.sha256(f"{self.mutant.id} {self.mutant.new}".encode()).hexdigest()[:7], 16) + 1
        os.utime(self.file, ns=(self.date, self.date + other * 1_000_000_000))
        return self.file

    def __exit__(self, *_: object) -> None:
        """Write what was there."""
        self._write(self.text)
        os.utime(self.file, ns=(self.date, self.date))

    def _write(self, text: str) -> None:
        with self.file.open("w", encoding="utf-8", newline="") as file:
            file.write(text)


def tree_digest(folder: Path, files: Sequence[str]) -> str:
    """Return a hash of the files that faults are put into."""
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(f"{file}\0{hashlib.sha256((folder / file).read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def facts(suite: Suite, files: Sequence[str], name: str, source: str) -> dict[str, Any]:
    """Return what a matrix depends on: the tree, the interpreter and the packages of its environment, the machine."""
    script = (
        "import importlib.metadata as m, json, platform\n"
        "print(json.dumps([platform.python_version(), sorted({f'{d.name} {d.version}' for d in m.distributions()})]))"
    )
    command = suite.words()
    python = command[0] if "-m" in command else str(Path(command[0]).with_name("python"))
    done = subprocess.run([python, "-c", script], capture_output=True, check=True)
    version, packages = json.loads(done.stdout)
    return {
        "project": name,
        "source": source,
        "tree": tree_digest(suite.folder, files),
        "files": list(files),
        "python": version,
        "packages": packages,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "arguments": list(suite.arguments),
        "path": list(suite.path),
    }


def run(  # noqa: PLR0913 - what is run, what is kept, and how it is told
    suite: Suite,
    sample: Sample,
    target: Path,
    about: dict[str, Any],
    say: Callable[[str], None],
    *,
    until: float | None = None,
) -> Matrix:
    """Judge each fault of a sample that the file does not have yet; `until` (time.time()) ends it between two faults.

    Raises ClocheError when the suite does not run without a fault, for an empty sample, and when the file is of another tree,
    environment or base.
    """
    if not sample.mutants:
        raise ClocheError(
            f"no fault can be put into {suite.folder}: {len(about['files'])} modules of packages that are not tests "
            "were found below it; is it the\nfolder of the project, and are its packages (folders with __init__.py) "
            "in git?"
        )
    with tempfile.TemporaryDirectory(prefix="cloche-mutants-") as cache:
        return _run(replace(suite, cache=Path(cache)), sample, target, about, Clock(say, until))


def _run(suite: Suite, sample: Sample, target: Path, about: dict[str, Any], clock: Clock) -> Matrix:
    header = {"version": VERSION, "facts": about, "sites": sample.sites, "seed": sample.seed}
    if target.exists() and target.stat().st_size:
        _heal(target)
        matrix = load(target)
        if matrix.facts != about or matrix.sites != sample.sites:
            named = [name for name in about if matrix.facts.get(name) != about[name]] or ["sites"]
            raise bad_matrix(target, f"it was made for another {', '.join(named)}")
    else:
        base = _base(suite)
        target.parent.mkdir(parents=True, exist_ok=True)
        whole.file(target, json.dumps(header, sort_keys=True) + "\n" + json.dumps(base, sort_keys=True) + "\n")
        matrix = load(target)
    done = {each.mutant.id + each.mutant.new for each in matrix.judged}
    limit = max(LEAST, TIMES * matrix.processor)
    for number, mutant in enumerate(sample.mutants, start=1):
        if mutant.id + mutant.new in done:
            continue
        if clock.until is not None and time.time() > clock.until:
            clock.say(f"ended by the clock after {len(matrix.judged)} of {len(sample.mutants)} faults")
            break
        judged = judge(suite, mutant, matrix.base, matrix.flaky, limit)
        with os.fdopen(whole.appending(target), "a", encoding="utf-8") as file:
            file.write(json.dumps(_row(judged), sort_keys=True) + "\n")
        matrix.judged.append(judged)
        clock.say(
            f"{number}/{len(sample.mutants)} {mutant.id}: {judged.outcome}, {len(judged.failed)} tests, {judged.wall:.1f} s"
        )
    return matrix


def _base(suite: Suite) -> dict[str, Any]:
    """Run the suite twice without a fault, after once for the byte code."""
    suite.run()
    runs = [suite.run() for _ in range(2)]
    for ended in runs:
        if ended.code not in {0, 1} or ended.broken or not ended.outcomes or ended.unfinished:
            raise ClocheError(
                f"the tests of {suite.folder} ended with {ended.code} although nothing was changed in it; pytest's "
                f"last words:\n{ended.words}",
                ExitCode.CHECK_FAILED,
            )
    first, second = runs
    flaky = {test for test in first.outcomes | second.outcomes if first.outcomes.get(test) != second.outcomes.get(test)}
    walls = sorted(each.wall for each in runs)
    wall = sum(walls) / 2
    seconds = {
        test: round((first.seconds[test] + second.seconds.get(test, first.seconds[test])) / 2, 6)
        for test in first.seconds
    }
    return {
        "tests": [[test, outcome, seconds[test]] for test, outcome in first.outcomes.items()],
        "flaky": sorted(flaky),
        "walls": [round(each, 3) for each in walls],
        "wall": round(wall, 3),
        "fixed": round(max(0.0, wall - sum(seconds.values())), 3),
        "processor": round(sum(each.processor for each in runs) / 2, 3),
    }


def _row(judged: Judged) -> dict[str, Any]:
    return {
        "mutant": asdict(judged.mutant),
        "outcome": judged.outcome,
        "failed": sorted(judged.failed),
        "broken": sorted(judged.broken),
        "missing": judged.missing,
        "wall": judged.wall,
        "processor": judged.processor,
    }


def _heal(path: Path) -> None:
    """Cut off a last line that was not written to its end."""
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end != len(data):
        with path.open("r+b") as file:
            file.truncate(end)


def load(path: Path) -> Matrix:
    """Read a kill matrix, compressed where its name ends with .gz; raises ClocheError for a file that is none."""
    try:
        with regular_file.open_regular(path) as plain:
            data = (gzip.GzipFile(fileobj=plain) if path.suffix == ".gz" else plain).read(KILL_MATRIX.bytes + 1)
        if len(data) > KILL_MATRIX.bytes:
            raise bad_matrix(path, f"it has more than {KILL_MATRIX.bytes} bytes")
        lines = data.splitlines()
        first, base, *rows = [strict_json.loads(line, what=str(path), limit=KILL_MATRIX) for line in lines]
        if first["version"] != VERSION:
            raise bad_matrix(path, f"its version is {first['version']!r}, and this program reads {VERSION}")
        return Matrix(
            facts=first["facts"],
            base={str(test): str(outcome) for test, outcome, _ in base["tests"]},
            seconds={str(test): float(seconds) for test, _, seconds in base["tests"]},
            flaky=frozenset(base["flaky"]),
            wall=float(base["wall"]),
            fixed=float(base["fixed"]),
            # Matrices were made before base runs had it, on machines with little else to do.
            processor=float(base.get("processor", base["wall"])),
            sites={str(name): int(number) for name, number in first["sites"].items()},
            seed=int(first["seed"]),
            judged=[
                Judged(
                    Mutant(**row["mutant"]),
                    str(row["outcome"]),
                    frozenset(row["failed"]),
                    frozenset(row["broken"]),
                    int(row["missing"]),
                    float(row["wall"]),
                    float(row["processor"]),
                )
                for row in rows
            ],
        )
    except (strict_json.BadJsonError, EOFError, gzip.BadGzipFile, zlib.error, *MISSHAPEN) as error:
        raise bad_matrix(path, f"{type(error).__name__}: {error}") from error
