"""Measure evaluation, building, substitution and start-up of an environment, beside uv and pip on the same machine.

Everything is made in one temporary folder (stores, caches, virtual environments) and removed at the end. Each figure
is the median of several runs; a figure and what it is compared with take turns, so that both see the same machine.
uv is the one of Cloche's own lock, pip the toolchain's, and all run on the toolchain's Python: no network is needed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from chaos import chaos
from elsewhere import elsewhere
from environments import build, evaluation, imports, no_op, substitution
from evidence import provenance, sbom, verify
from fuzz import main as fuzz
from images import image
from measure import Bench, Figure, remove
from reports import report
from results import regression
from selection.command import main as selection
from stores import telemetry
from suites import tests

GROUPS: dict[str, Callable[[Bench], list[Figure]]] = {
    "evaluation": evaluation,
    "no-op": no_op,
    "build": build,
    "substitution": substitution,
    "import": imports,
    "provenance": provenance,
    "sbom": sbom,
    "verify": verify,
    "image": image,
    "telemetry": telemetry,
    "regression": regression,
    "report": report,
    "chaos": chaos,
    "tests": tests,
    "tests-elsewhere": elsewhere,
}


def line(figure: Figure) -> str:
    """Return a figure as a line of the table."""
    seconds = f"{figure.median('wall'):9.3f} {figure.median('cpu'):8.3f}"
    if figure.other:
        other = f"{figure.median('wall', other=True):9.3f} {figure.median('cpu', other=True):8.3f}"
        verdict = f"{figure.value():7.2f} {figure.value('cpu'):7.2f}"
    else:
        other, verdict = f"{'':9} {'':8}", f"{'':7} {'':7}"
    met = ""
    if figure.target is not None:
        verdict += f"   <= {figure.target:.2f}" + ("" if figure.other else " s")
        met = "met" if figure.value() <= figure.target else "not met"
    what = figure.what + (f" / {figure.other_what}" if figure.other else "")
    return f"{figure.name:17}{seconds} {other} {verdict:27} {met:8} {what}"


def main() -> None:
    """Measure what is asked for and print the table."""
    if sys.argv[1:2] == ["selection"]:
        # Other figures, with words of their own.
        selection(sys.argv[2:])
    if sys.argv[1:2] == ["fuzz"]:
        fuzz(sys.argv[2:])
    parser = argparse.ArgumentParser(
        prog="ci/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.epilog = "`ci/bench selection` measures how well tests are selected: see `ci/bench selection --help`; `ci/bench fuzz` what hostile input does to the parsers."
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(GROUPS)} (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all runs to FILE as well")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in GROUPS]
    if unknown or options.runs < 1:
        parser.error(
            f"there is no figure called {', '.join(unknown)}; there are: {', '.join(GROUPS)}"
            if unknown
            else "--runs must be 1 or more"
        )
    # Ended by a signal, the folder is removed as well.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    work = Path(tempfile.mkdtemp(prefix="cloche-bench."))
    shared = Path("/dev/shm")  # noqa: S108
    memory = Path(tempfile.mkdtemp(prefix="cloche-bench.", dir=shared)) if os.access(shared, os.W_OK) else work
    try:
        bench = Bench(work, memory, options.runs)
        cores = len(os.sched_getaffinity(0))
        machine = {
            "cores": cores,
            "load": os.getloadavg()[0],
            "packages": len(bench.facts["sources"]),
            "runs": options.runs,
        }
        print(
            f"{machine['packages']} packages, {cores} cores, load {machine['load']:.1f} at the start, medians of {options.runs}; seconds as wall time and cpu time"
        )
        print(f"{'':17}{'ours':>9} {'cpu':>8} {'other':>9} {'cpu':>8} {'ratio':>7} {'of cpu':>7}   target", flush=True)
        figures = []
        for name in options.names or GROUPS:
            for figure in GROUPS[name](bench):
                figures.append(figure)
                print(line(figure), flush=True)
        if options.json:
            report = {
                "version": 1,
                "machine": machine,
                "figures": [asdict(figure) | {"value": figure.value()} for figure in figures],
            }
            options.json.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    finally:
        remove(work)
        remove(memory)


if __name__ == "__main__":
    main()
