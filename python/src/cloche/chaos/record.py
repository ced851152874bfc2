"""Run a pytest suite under chaos with one seed and record what came of each test; standard library only.

Two outputs, as for the suite without chaos: what is the same in every run, and the durations. What the machine did is no
result: a test that hangs, or that lacks space or memory, without a fault before it fails the derivation.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cloche.chaos.report import read_journal, write
from cloche.suite.record import LACKED, NO_RECORD, stable
from cloche.suite.run import copy_source, variables

# Seconds beyond a test's deadline in which nothing is written before the whole process is taken for hung.
GRACE = 30.0
NOTHING_LEFT = 5
# The environment's own cloche comes first, if it has one: ours is behind everything.
START = "import sys; sys.path.append(sys.argv.pop(1)); import pytest; sys.exit(pytest.main(sys.argv[1:]))"


def run_pytest(command: list[str], tree: Path, attributes: dict[str, Any], words: Path, journal: Path) -> int:
    """Run pytest until it ends, or until its journal has grown for too long by nothing; return its exit code."""
    environment = variables(attributes)
    if attributes["preload"]:
        environment["LD_PRELOAD"] = ":".join(attributes["preload"])
    with words.open("ab") as file:
        process = subprocess.Popen(command, cwd=tree, env=environment, stdout=file, stderr=file, start_new_session=True)
        seen, since = 0, time.monotonic()
        while True:
            try:
                return process.wait(1)
            except subprocess.TimeoutExpired:
                size = journal.stat().st_size if journal.exists() else 0
                if size != seen:
                    seen, since = size, time.monotonic()
                if read_journal(journal).began is None:
                    # Collecting, or a fixture between tests: no test is at its deadline.
                    since = time.monotonic()
                if time.monotonic() - since > attributes["deadline"] + GRACE:
                    os.killpg(process.pid, signal.SIGKILL)
                    return process.wait()


def main(attributes: dict[str, Any]) -> None:
    """Run the suite with attributes["seed"] and write the two outputs."""
    top = Path(os.environ["NIX_BUILD_TOP"])
    tree, words, report = top / "project", top / "pytest.log", top / "chaos.json"
    copy_source(attributes["source"], tree)
    command = [
        *[f"{attributes['environment']}/bin/python", "-P", "-c", START, attributes["chaos"]],
        *["-p", "cloche.chaos.plugin", "-p", "no:cacheprovider", "--chaos", f"--chaos-seed={attributes['seed']}"],
        *[f"--chaos-rate={attributes['rate']}", f"--chaos-types={','.join(attributes['types'])}"],
        *[f"--chaos-only={','.join(attributes['only'])}", f"--chaos-deadline={attributes['deadline']}"],
        *(["--chaos-native"] if attributes["preload"] else []),
        # The last word: with -x those after a failure would be missing.
        *[f"--chaos-report={report}", *attributes["arguments"], "--maxfail=0"],
    ]
    journal = Path(f"{report}.part")
    continued = False
    while True:
        words.write_bytes(b"")
        code = run_pytest(command, tree, attributes, words, journal)
        # Where no test is left for a continued session, pytest calls that "collected no test".
        if report.exists() and (code in {0, 1} or (code == NOTHING_LEFT and continued)):
            break
        sys.stdout.write(words.read_text(errors="replace"))
        if code in NO_RECORD:
            sys.exit(f"pytest {NO_RECORD[code]}; exit code {code}, its words are above. Nothing is recorded.")
        before = read_journal(journal)
        how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        if before.began is None or not before.fired:
            where = before.began or "no test"
            sys.exit(
                f"pytest {how} in {where}, in which no fault had fired: that is no outcome under chaos, so nothing is recorded."
            )
        # A test did not outlive its fault. pytest goes on with the others, from the journal.
        continued = True
        print(
            f"pytest {how} in {before.began} after {before.fired[-1]['operation']} failed; it goes on without that test"
        )
    sys.stdout.write(words.read_text(errors="replace"))
    data = json.loads(report.read_text())
    check(data["tests"])
    out, log = Path(attributes["outputs"]["out"]), Path(attributes["outputs"]["log"])
    out.mkdir()
    log.mkdir()
    for entry in data["tests"]:
        entry["message"] = stable(entry["message"])
    write(out / "chaos.json", data)
    shutil.copyfile(top / "chaos-durations.json", log / "durations.json")
    shutil.copyfile(words, log / "pytest.log")
    # As for the record without chaos: a rebuild compares the outcomes before it comes to the durations.
    (log / "record").symlink_to(out)


def check(tests: list[dict[str, Any]]) -> None:
    """End the program where the machine did something, or where nothing was run."""
    if not tests:
        sys.exit("pytest reported no test at all; nothing is recorded.")
    for entry in tests:
        if entry["outcome"] in {"failed", "hung"} and not entry["fired"]:
            if entry["outcome"] == "hung":
                sys.exit(
                    f"{entry['test']} was not at its end at the deadline, and no fault had fired; nothing is recorded."
                )
            if re.match(LACKED, entry["message"]):
                sys.exit(
                    f"the machine lacked space or memory, so nothing is recorded:\n  {entry['test']}: {entry['message']}"
                )
