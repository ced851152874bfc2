"""Make cloche-tests.json out of a trace; docs/tests.md describes the file."""

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError
from cloche.store import write as whole
from cloche.trace.static import Imports

VERSION = 1
FILE = "cloche-tests.json"
# A duration that changed by less keeps its former value, so that the record, and the batches that are planned by it, do
# not change with every run.
SAME = 2.0
LEAST = 0.01
KEYS = ("needs", "absent", "missing", "programs", "packages")
# What people write.
DECLARED = ("declared", "declared-packages")
EVERY = "*"
START = "start-up"


def bad_trace(fault: str) -> ClocheError:
    """Return the error of a trace that this Cloche did not write."""
    return ClocheError(
        f"trace.json is no trace of tests ({fault}); the flake's Cloche must be of the same version as this one"
    )


class Durations:
    """Durations for a record, in seconds with one significant digit.

    A busy or slow machine takes longer for all of them alike, a pause takes as long on each. So a duration keeps its
    former value where it is still about right as measured, or at the speed of the machine that measured the former ones.
    """

    def __init__(self, measured: dict[str, float], former: dict[str, float]) -> None:
        """Compare what was measured with the values of the record that is there."""
        self.measured, self.former = measured, former
        ratios = [max(seconds, LEAST) / former[name] for name, seconds in measured.items() if former.get(name)]
        self.speed = statistics.median(ratios) if ratios else 1.0

    def __getitem__(self, name: str) -> float:
        """Return the duration of one name."""
        seconds, former = max(self.measured[name], LEAST), self.former.get(name)
        if former and any(former / SAME <= each <= former * SAME for each in (seconds, seconds / self.speed)):
            return former
        return float(f"{seconds:.1g}")


def make(trace: dict[str, Any], project: Path, former: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a traced run.

    `former` is the record that is there, {} if there is none: of it is kept what people have declared by hand (also that
    there are no modules to leave out), and durations that are still about right.
    """
    if trace.get("version") != VERSION:
        raise bad_trace(f"its version is {trace.get('version')!r}, and this Cloche reads {VERSION}")
    imports = Imports(project, trace["modules"])
    known = {name: each["seconds"] for name, each in former.get("files", {}).items() if "seconds" in each}
    durations = Durations(
        {
            START: trace["start-up"],
            **{name: each["seconds"] - trace["start-up"] for name, each in trace["files"].items()},
        },
        known | ({START: former["start-up"]} if "start-up" in former else {}),
    )
    files: dict[str, dict[str, set[str]]] = {}
    declared: dict[str, dict[str, set[str]]] = {}
    names = set(trace["names"])
    for name, found in trace["files"].items():
        needs = {*found["seen"], *found["listed"]}
        for file in sorted(needs & names):
            needs |= imports.of_package(file) | imports.of_test(file)
        for file in sorted(needs & names):
            needs |= imports.of_package(file)
        files[name] = {
            "needs": needs - {name},
            "absent": set(found["absent"]),
            "missing": set(found["missing"]),
            "programs": set(found["program"]),
            "packages": set(found["package"]) | (set(trace["packages"]) if EVERY in found["package"] else set()),
        }
        declared[name] = declared_in(former.get("files", {}).get(name, {}))
    every = {key: set.intersection(*(each[key] for each in files.values())) for key in KEYS}
    needed = set().union(*(each["needs"] for each in files.values()), files)
    return {
        "version": VERSION,
        "modules": {} if former.get("modules") == {} else trace["modules"],
        "build": trace["build"],
        "collection": trace["collection"],
        "paths": sorted(
            {path for found in trace["files"].values() for path in found["path"]} | parents(trace["modules"])
        ),
        "start-up": durations[START],
        "packages": trace["packages"],
        "every": part(every, declared_in(former.get("every", {}))),
        "files": {
            name: part({key: each[key] - every[key] for key in KEYS}, declared[name]) | {"seconds": durations[name]}
            for name, each in files.items()
        },
        "unused": sorted(names - needed),
    }


def parents(modules: Iterable[str]) -> set[str]:
    """Return the folders in which the packages are."""
    return {root.rpartition("/")[0] for root in modules}


def declared_in(part: dict[str, Any]) -> dict[str, set[str]]:
    """Return what people have written into a part of a record."""
    return {key: set(part.get(key, [])) for key in DECLARED}


def part(names: dict[str, set[str]], declared: dict[str, set[str]]) -> dict[str, Any]:
    """Return the lists that are not empty, sorted; of packages where all are needed, only that."""
    packages = names["packages"]
    names = names | declared | {"packages": {EVERY} if EVERY in packages else packages}
    return {key: sorted(each) for key, each in names.items() if each}


def write(data: dict[str, Any], path: Path) -> None:
    """Write the record, sorted, a name a line, so that a difference can be read and a line added."""
    whole.file(path, json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
