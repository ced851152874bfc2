"""Time from save to verdict, measured: plain pytest, `select-tests --run` and `pytest --testmon` on the same faults, in turns."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cloche
from cloche.selection.impact.recording import test_of
from cloche.selection.mutants.matrix import Suite, applied
from cloche.selection.mutants.sample import draw, source_files
from cloche.selection.mutants.sites import Mutant
from selection.projects import PROJECTS, in_git, unpacked

CLOCHE = "from cloche.cli import main; main()"


def spent(
    found: Suite, words: list[str], paths: list[str], extra: dict[str, str], limit: float = 1800
) -> dict[str, Any]:
    """Run a command in a project's folder; return its wall and processor time, its code and its last words.

    A command that is not done after `limit` seconds is killed with all that it started, and has no code.
    """
    environment = found.environment() | extra
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], *paths])
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    start, before = time.monotonic(), os.times()
    process = subprocess.Popen(
        words,
        cwd=found.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=limit)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        code = None
    wall, after = time.monotonic() - start, os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    said = "" if code in {0, 1, 5} else (output + errors).decode(errors="replace")[-500:]
    return {"wall": round(wall, 3), "processor": round(processor, 3), "code": code, "said": said}


def timed(found: Suite, words: list[str], lines: Path, limit: float = 1800) -> dict[str, Any]:
    """Run a command that runs pytest with the recorder of outcomes; return besides what ran and what failed."""
    lines.unlink(missing_ok=True)
    ended = spent(found, words, [str(Path(cloche.__file__).parent.parent)], {}, limit)
    rows = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    tests = {test_of(row["test"]) for row in rows if "test" in row}
    failed = {test_of(row["test"]) for row in rows if row.get("outcome") == "failed"}
    return ended | {"tests": len(tests), "failed": sorted(failed)}


def kept(source: Path, target: Path) -> None:
    """Copy a SQLite database that nobody has open, with what is not yet in its main file."""
    for suffix in ("", "-shm", "-wal"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
        if Path(f"{source}{suffix}").exists():
            shutil.copyfile(f"{source}{suffix}", f"{target}{suffix}")


@dataclass(frozen=True)
class Race:
    """The commands that take turns, each with its checkout."""

    commands: dict[str, tuple[Suite, list[str]]]
    # Where the recorder of outcomes writes.
    lines: Path
    # testmon's database, and that of the suite without a fault.
    data: Path
    saved: Path

    def row(self, mutant: Mutant, number: int, limit: float, before: set[str]) -> dict[str, Any]:
        """Return what each command took and found of a fault, besides the tests that failed before."""
        row: dict[str, Any] = {
            "fault": mutant.id,
            "stratum": mutant.stratum,
            "cluster": mutant.cluster,
            "load": round(os.getloadavg()[0], 2),
        }
        # The order changes from fault to fault, so that no command always runs after the same other one.
        turn = number % 3
        for way in [*self.commands, *self.commands][turn : turn + 3]:
            tree_of, words = self.commands[way]
            if way == "testmon":
                kept(self.saved, self.data)
            with applied(tree_of.folder, mutant):
                row[way] = timed(tree_of, words, self.lines, limit)
            if row[way]["code"] is None:
                return {"fault": mutant.id, "hangs": way}
            row[way]["failed"] = sorted(set(row[way]["failed"]) - before)
            # What fails without a fault is no verdict on it: a run is red by tests that passed, or by files that are broken.
            row[way]["red"] = bool(row[way]["failed"]) or row[way]["code"] not in {0, 1, 5}
        return row


def about(name: str) -> dict[str, Any]:
    """Return what the figures of a project are figures of: the checkout, the Python and the machine."""
    here = Path(__file__).parent
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True).stdout
    compared = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "../../../python/src"], cwd=here, check=False)
    return {
        "project": name,
        # A checkout with edits is no revision.
        "cloche": f"{revision.strip()} with edits" if compared.returncode != 0 else revision.strip(),
        "python": sys.version.split()[0],
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }


def wall(options: argparse.Namespace, suite: Suite) -> None:
    """Measure on the first faults of the sample that were not measured yet; rows go to WORK/wall."""
    name, work = options.project, options.work

    def checkout(purpose: str) -> Suite:
        folder = unpacked(name, work, purpose)
        in_git(folder)
        return replace(suite, folder=folder, cache=work / f"{purpose}-byte-code" / name)

    ours, plain, testmon = (checkout(purpose) for purpose in ("wall-ours", "wall-plain", "wall-testmon"))
    lines, maps = work / f"wall-lines-{name}.jsonl", work / "wall-maps"
    recorder = [
        "-p",
        "no:randomly",
        "-p",
        "cloche.selection.mutants.recorder",
        f"--outcome-lines={lines}",
        *PROJECTS[name].arguments,
    ]
    pytest = [sys.executable, "-m", "pytest", "-q"]
    # testmon crashes without the cache provider, and plain pytest has it, too.
    quiet = ["-p", "no:testmon"]
    select = [
        sys.executable,
        "-c",
        CLOCHE,
        "select-tests",
        "--map",
        str(maps / f"{name}.json"),
        "--store",
        str(maps / f"{name}.sqlite"),
    ]
    commands = {
        "plain": (plain, [*pytest, *quiet, *recorder]),
        "ours": (ours, [*select, "--base", "HEAD", "--run", "--shadow-runs", "0", "--", "-q", *quiet, *recorder]),
        "testmon": (testmon, [*pytest, "--testmon", *recorder]),
    }
    race = Race(commands, lines, testmon.folder / ".testmondata", maps / f"{name}.testmondata")
    target = work / "wall" / f"{name}.jsonl"
    if not race.saved.exists() or not target.exists():
        for folder in (target.parent, maps):
            folder.mkdir(exist_ok=True)
        first = about(name)
        first["plain"] = timed(plain, commands["plain"][1], lines)
        first["record"] = timed(ours, [*select, "--record", "--", "-q", *quiet, *PROJECTS[name].arguments], lines)
        first["record testmon"] = timed(testmon, commands["testmon"][1], lines)
        kept(race.data, race.saved)
        target.write_text(json.dumps(first, sort_keys=True) + "\n")
    first, *rows = [json.loads(line) for line in target.read_text().splitlines()]
    # A suite that does not end has no verdict; what a command takes that waits for it is a matter of the limit.
    hanging = {row["fault"] for row in rows if "hangs" in row}
    done, before = {row["fault"] for row in rows} - hanging, set(first["plain"]["failed"])
    # As kill matrices have them by default.
    sample = draw(suite.folder, source_files(suite.folder), functions=100, imports=50, seed=1)
    limit = max(60.0, 10 * first["plain"]["wall"])
    until = time.monotonic() + options.minutes * 60 if options.minutes else None
    for mutant in sample.mutants:
        if len(done) == options.changes:
            break
        if mutant.id in done or mutant.id in hanging:
            continue
        if until is not None and time.monotonic() > until:
            print("ended by the clock", flush=True)
            break
        row = race.row(mutant, len(done), limit, before)
        with target.open("a") as file:
            file.write(json.dumps(row, sort_keys=True) + "\n")
        if "hangs" in row:
            hanging.add(mutant.id)
            print(name, mutant.id, "does not end", flush=True)
            continue
        done.add(mutant.id)
        print(
            name,
            mutant.id,
            *(
                f"{way} {row[way]['wall']:.1f} s {row[way]['tests']} tests {len(row[way]['failed'])} failed ({row[way]['code']})"
                for way in commands
            ),
            flush=True,
        )
