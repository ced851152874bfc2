"""How fast telemetry takes rows in and answers, on SQLite."""

from __future__ import annotations

import json
import os
from pathlib import Path

from measure import Bench, Figure, Spent

ROWS = 1_000_000


def telemetry(bench: Bench) -> list[Figure]:
    """Import a million executions, and ask for the features of all tests; once, since it takes a minute."""
    rows = int(os.environ.get("CLOCHE_ROWS", str(ROWS)))
    load = Path(__file__).parent / "workloads/telemetry.py"
    said = bench.run(
        "nix",
        "develop",
        f"git+file://{bench.checkout}#full",
        "--command",
        "python",
        load,
        str(rows),
        bench.work / "telemetry.sqlite",
        PYTHONPATH=f"{bench.checkout}/python/src",
    )
    seconds = {name: [Spent(*each) for each in figures] for name, figures in json.loads(said.splitlines()[-1]).items()}
    return [
        Figure("telemetry-import", f"import {rows} executions (50,000 a second)", rows / 50_000, seconds["import"]),
        Figure(
            "features", f"features for one change over 20,000 tests, {rows} executions stored", 1.0, seconds["features"]
        ),
    ]
