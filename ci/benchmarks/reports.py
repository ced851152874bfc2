"""How long the report of a large project takes, to write and to load, and how large it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from measure import Bench, Figure, Spent

TESTS, REVISIONS = 5_000, 200


def report(bench: Bench) -> list[Figure]:
    """Write the report of 5,000 tests and 200 revisions by the command line, and load its page in headless Chromium."""
    loads = Path(__file__).parent / "workloads"
    words = json.loads(
        bench.run(sys.executable, loads / "report.py", bench.work / "artifacts", str(TESTS), str(REVISIONS))
    )
    flake = f"git+file://{bench.checkout}"
    bench.run("nix", "run", f"{flake}#cloche", "--", "--version")
    expression = f'(builtins.getFlake "{flake}").apps.${{builtins.currentSystem}}.cloche.program'
    cloche = bench.run("nix", "eval", "--raw", "--impure", "--expr", expression)
    folder = bench.work / "report"
    build = Figure("report", "", 5.0)
    build.ours = [
        bench.spend(cloche, "report", "--project", "bench", "--output", folder, *words) for _ in range(bench.runs)
    ]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    build.what = f"write the report of {TESTS} tests and {REVISIONS} revisions; {size:.1f} MB (5 MB)"
    environment = bench.run("nix", "build", "--no-link", "--print-out-paths", f"{flake}#test-environment").strip()
    said = bench.run(Path(environment, "bin/python"), loads / "load_page.py", folder / "index.html", str(bench.runs))
    load = Figure("report-load", "load its page in headless Chromium, from the disk", 1.0)
    load.ours = [Spent(each["wall"], each["cpu"]) for each in json.loads(said.splitlines()[-1])]
    return [build, load]
