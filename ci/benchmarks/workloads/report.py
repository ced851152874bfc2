"""Write the artifacts of a made-up project into a folder, and print the options of `cloche report` that name them.

Standard library only. Arguments: folder, tests, revisions.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FILES = 100
# Tests that a fault reaches with each of five seeds, experiments with their values, components.
REACHED, SEEDS, EXPERIMENTS, COMPONENTS = 500, 5, 3, 300


def put(path: Path, value: object) -> Path:
    """Write JSON into a file whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1))
    return path


def suite(folder: Path, tests: int) -> list[str]:
    """Write what the suite did, with and without chaos."""
    names = [
        (f"tests/test_part_{number % FILES}.py", f"test_property_of_number_{number}[case-{number % 7}]")
        for number in range(tests)
    ]
    plain = [f"{file.removesuffix('.py').replace('/', '.')}::{name}" for file, name in names]
    outcomes = [
        "failed" if number % 997 == 0 else "skipped" if number % 101 == 0 else "passed" for number in range(tests)
    ]
    entries = [
        {"test": test, "outcome": outcome, "message": "" if outcome == "passed" else "because of something"}
        for test, outcome in zip(plain, outcomes, strict=True)
    ]
    put(folder / "results/outcomes.json", {"version": 1, "counts": {}, "tests": entries})
    durations = {test: round(random.expovariate(20), 3) for test in plain}
    words = [f"--tests={folder}/results", f"--durations={put(folder / 'durations.json', durations)}"]
    for seed in range(1, SEEDS + 1):
        fired = {
            "operation": "builtins.open",
            "fault": "EIO",
            "at": "package/files.py:71",
            "type": "filesystem",
            "call": "3",
        }
        recorded = [
            {
                "test": f"{file}::{name}",
                "marker": None,
                "armed": ["filesystem"],
                "calls": 12,
                "fired": [fired] * 3,
                "recovery": [],
                "message": "",
                "unasserted": False,
                "outcome": "survived",
                "replay": f"pytest --chaos --chaos-seed={seed} '{file}::{name}'",
            }
            for file, name in names[:REACHED]
        ]
        put(
            folder / f"chaos-{seed}/chaos.json",
            {"version": 1, "settings": {"seed": seed}, "counts": {"survived": REACHED}, "tests": recorded},
        )
        words.append(f"--chaos={folder}/chaos-{seed}")
    return words


def history(folder: Path, tests: int, revisions: int) -> list[str]:
    """Write the history of the suite and of numbers of experiments."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [(start + timedelta(hours=12 * number)).isoformat().replace("+00:00", "Z") for number in range(revisions)]
    runs = [
        {
            "commit": f"{number:040x}",
            "at": at,
            "passed": tests - number % 5,
            "failed": number % 5,
            "skipped": 0,
            "seconds": round(random.gauss(250, 5), 2),
        }
        for number, at in enumerate(moments)
    ]
    series: list[dict[str, Any]] = [
        {
            "experiment": f"experiment-{number}",
            "class": "x86-64-v2",
            "path": f"error.case[{place}]",
            "points": [
                {"commit": f"{step:040x}", "at": at, "value": random.gauss(1, 0.01)} for step, at in enumerate(moments)
            ],
        }
        for number in range(EXPERIMENTS)
        for place in range(10)
    ]
    known = {
        f"tests.test_part_{number % FILES}::test_property_of_number_{number}[case-{number % 7}]": [
            revisions,
            number % 3,
            2 * (number % 3),
        ]
        for number in range(tests)
    }
    data = {
        "version": 1,
        "project": "bench",
        "revisions": runs,
        "tests": known,
        "series": series,
        "constant": [],
        "shifts": [],
    }
    return [f"--history={put(folder / 'history.json', data)}"]


def rest(folder: Path) -> list[str]:
    """Write experiments and an SBOM."""
    for number in range(EXPERIMENTS):
        finding = {
            "kind": "number",
            "baseline": 1.0,
            "current": 1.1,
            "distance": 0.1,
            "tolerance": 1e-10,
            "rule": "default",
        }
        comparison = {
            "version": 1,
            "experiment": f"experiment-{number}",
            "class": "x86-64-v2",
            "place": "tests/baselines/x.json",
            "verdict": "regressed",
            "reasons": ["it differs"],
            "compared": 10_000,
            "identical": 9_000,
            "within_tolerance": 0,
            "changed": 1_000,
            "missing": 0,
            "extra": 0,
            "ignored": {"baseline": 0, "current": 0},
            "findings": [finding | {"path": f"error.case[{place}]"} for place in range(1000)],
            "distributions": [],
            "unused": [],
            "expired": [],
        }
        put(folder / f"regression/experiment-{number}/comparison.json", comparison)
    components = [
        {
            "bom-ref": f"pkg:pypi/part-{number}@1",
            "name": f"part-{number}",
            "version": "1.0",
            "purl": f"pkg:pypi/part-{number}@1.0",
            "licenses": [{"expression": "MIT"}],
            "hashes": [{"alg": "SHA-256", "content": f"{number:064x}"}],
        }
        for number in range(COMPONENTS)
    ]
    put(folder / "sbom/sbom.cdx.json", {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components})
    return [f"--regression={folder}/regression", f"--sbom={folder}/sbom"]


if __name__ == "__main__":
    random.seed(0)
    place, number, commits = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps([*suite(place, number), *history(place, number, commits), *rest(place)]))
