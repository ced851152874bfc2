"""How fast results of experiments are compared."""

from __future__ import annotations

import json
from pathlib import Path

from measure import Bench, Figure, Spent

NUMBERS = 1_000_000


def regression(bench: Bench) -> list[Figure]:
    """Compare two files of a million numbers, in a process of its own, imports and reading included."""
    load = Path(__file__).parent / "workloads/regression.py"
    figures = []
    for form in ("npz", "json", "csv"):
        figure = Figure(f"regression-{form}", "", 1.0)
        megabytes = 0.0
        for _ in range(bench.runs):
            said = bench.run(
                "nix",
                "develop",
                f"git+file://{bench.checkout}#full",
                "--command",
                "python",
                load,
                form,
                str(NUMBERS),
                PYTHONPATH=f"{bench.checkout}/python/src",
            )
            found = json.loads(said.splitlines()[-1])
            figure.ours.append(Spent(found["wall"], found["cpu"]))
            megabytes = max(megabytes, found["megabytes"])
        figure.what = f"compare two {form} files of {NUMBERS} numbers; at most {megabytes:.0f} MB (500 MB)"
        figures.append(figure)
    return figures
