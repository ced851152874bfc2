"""`ci/bench fuzz`: inputs that nobody thought of, for each parser of foreign bytes (python/tests/fuzz_targets.py).

atheris guides them by the lines that they reach. A target passes when all its inputs are read or refused by an error of the
library's own, each within 1 GiB and 20 s. What it finds is written to --output, to be mended, and then kept in
python/tests/corpus/TARGET, which the ordinary tests read.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "python/tests"
# In MiB, and in seconds for one input: more than the largest of them takes on a machine with other work.
MEMORY, LONGEST = 1024, 20
# How large inputs become; each format's faults are shown by small ones.
SIZE = 8192
MACHINE = "x86_64"
LACKS = 3
DONE = re.compile(r"#(?P<inputs>\d+)\s+\w+\s+cov: (?P<edges>\d+)")


@dataclass(frozen=True)
class Fuzzed:
    """What became of a target: seconds, inputs, edges of the parser that they reached, and what was found."""

    name: str
    seconds: float
    inputs: int
    edges: int
    found: str

    def line(self) -> str:
        """Return it as a line of the table."""
        return f"| {self.name} | {self.seconds:.0f} | {self.inputs:,} | {self.edges} | {self.found or 'nothing'} |"


def environment() -> Path:
    """Return the environment with atheris and what the parsers need."""
    words = ["nix", "build", "--no-link", "--print-out-paths", f"git+file://{ROOT}#fuzz-environment"]
    return Path(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def fuzz(python: Path, name: str, seconds: int, output: Path) -> Fuzzed:
    """Give a target inputs for so many seconds, or until one is found that ends it."""
    options = [
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={MEMORY}",
        f"-timeout={LONGEST}",
        f"-max_len={SIZE}",
        f"-artifact_prefix={output}/{name}-",
    ]
    start = time.monotonic()
    # In memory where there is such a place: most targets write each input to a file.
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(
        prefix="cloche-fuzz.", dir=memory if os.access(memory, os.W_OK) else None
    ) as folder:
        # The library of the checkout, which may be newer than the environment's.
        variables = {"PYTHONPATH": str(ROOT / "python/src"), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": folder}
        done = subprocess.run(
            [str(python), "fuzzing.py", name, *options],
            cwd=TESTS,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    said = [match for line in done.stderr.splitlines() if (match := DONE.match(line))]
    inputs, edges = (int(said[-1][part]) if said else 0 for part in ("inputs", "edges"))
    found = ""
    if done.returncode or not inputs:
        (output / f"{name}.log").write_text(done.stdout + done.stderr)
        found = next(
            (line for line in done.stderr.splitlines() if re.match(r"[\w.]*(Error|Exception)\b|==\d+== ?ERROR", line)),
            f"it ended with {done.returncode}",
        )
    return Fuzzed(name, time.monotonic() - start, inputs, edges, found)


def main(arguments: list[str]) -> None:
    """Fuzz what is asked for, and print a table; ends with 1 when something was found."""
    parser = argparse.ArgumentParser(
        prog="ci/bench fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="a target (default: all)")
    parser.add_argument("--seconds", type=int, default=60, help="how long for each target (default: 60)")
    parser.add_argument(
        "--jobs", type=int, default=len(os.sched_getaffinity(0)), help="targets at once (default: one for each core)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("fuzz-found"), help="where what is found is written (default: fuzz-found)"
    )
    options = parser.parse_args(arguments)
    if platform.machine() != MACHINE:
        print(
            f"ci/bench fuzz: atheris has wheels for {MACHINE} alone, and this is {platform.machine()}", file=sys.stderr
        )
        sys.exit(LACKS)
    python = environment() / "bin/python"
    listed = subprocess.run(
        [str(python), "fuzzing.py"], cwd=TESTS, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()
    unknown = sorted(set(options.targets) - set(listed))
    if unknown or options.seconds < 1 or options.jobs < 1:
        parser.error(
            f"there is no target {', '.join(unknown)}; there are: {', '.join(listed)}"
            if unknown
            else "--seconds and --jobs must be 1 or more"
        )
    options.output.mkdir(parents=True, exist_ok=True)
    print("| target | seconds | inputs | edges | found |\n|---|---:|---:|---:|---|", flush=True)
    failed = 0
    names = options.targets or listed
    with ThreadPoolExecutor(options.jobs) as pool:
        for fuzzed in pool.map(lambda name: fuzz(python, name, options.seconds, options.output.resolve()), names):
            failed += bool(fuzzed.found)
            print(fuzzed.line(), flush=True)
    if not any(options.output.iterdir()):
        options.output.rmdir()
    print(f"{len(names) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
