#!/usr/bin/env python3
"""Measure the selection of tests on mutants of four published projects, by the protocol of docs/benchmark-selection.md.

    ci/benchmarks/campaigns/selection.py matrix PROJECT --work FOLDER --functions 100 --imports 50

Runs with Cloche's modules, pytest, coverage and the projects' own test requirements. FOLDER/sdist holds the sdists that are named here.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cloche
from cloche.impact.map import load as load_map
from cloche.impact.plugin import python_files
from cloche.impact.recording import test_of
from cloche.mutants.matrix import Matrix, Suite, applied, facts, load, run, tree_digest
from cloche.mutants.replay import Figures, Interval, figures, replay
from cloche.mutants.sample import draw, source_files
from cloche.mutants.selectors import Tree, at_random, covered_function, covered_line, everything, explained, impact, import_graph, last_failed, tree
from cloche.mutants.sites import OPERATORS


@dataclass(frozen=True)
class Project:
    """A published project whose sdist carries its tests."""

    file: str
    sha256: str
    path: tuple[str, ...] = (".",)
    arguments: tuple[str, ...] = ()


PROJECTS = {
    "toolz": Project("toolz-1.2.0.tar.gz", "9667a038e9d6ecba37995e26cb2f59ec6420b6ad8dd9677de59db9b956b08490"),
    # One test with 9,592 subtests takes half of the suite's time.
    "more-itertools": Project(
        "more_itertools-11.2.1.tar.gz",
        "cbf08fd0af284dc69718b9b76a8e6203df624d70209ea511e4219d350c856f63",
        arguments=("--deselect=tests/test_recipes.py::PrimeFunctionTests::test_primes",),
    ),
    # These tests compare durations, which gives false labels on a loaded machine.
    "uncertainties": Project(
        "uncertainties-3.2.3.tar.gz", "76a5653e686f617a42922d546a239e9efce72e6b35411b7750a1d12dcba03031", arguments=("--ignore=tests/test_performance.py",)
    ),
    "attrs": Project("attrs-26.1.0.tar.gz", "d03ceb89cb322a8fd706d4fb91940737b6642aa36998fe130a9bc96c985eff32", path=("src",)),
}


def unpacked(name: str, work: Path, purpose: str) -> Path:
    """Return a fresh copy of a project's sdist, for one purpose; one that is there is taken as it is."""
    project = PROJECTS[name]
    folder = work / purpose / name
    if not folder.exists():
        archive = work / "sdist" / project.file
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != project.sha256:
            sys.exit(f"{archive} has the SHA-256 {found}, and not {project.sha256}; bring the file that ci/benchmarks/campaigns/selection.py names")
        with tarfile.open(archive) as opened:
            opened.extractall(folder.parent / f".{name}", filter="data")
        next((folder.parent / f".{name}").iterdir()).rename(folder)
        (folder.parent / f".{name}").rmdir()
    return folder


def suite(name: str, folder: Path) -> Suite:
    """Return how a project's tests are run here: by the Python that runs this."""
    project = PROJECTS[name]
    return Suite(folder, project.path, project.arguments, (sys.executable, "-m", "pytest", "-p", "no:testmon"))


def matrix(options: argparse.Namespace) -> None:
    """Run a project's suite for each fault of a sample."""
    folder = unpacked(options.project, options.work, "matrix")
    files = source_files(folder)
    sample = draw(folder, files, functions=options.functions, imports=options.imports, seed=options.seed)
    project = PROJECTS[options.project]
    about = facts(suite(options.project, folder), files, options.project, f"{project.file} sha256:{project.sha256}")
    until = time.time() + options.minutes * 60 if options.minutes else None
    target = options.work / "kills" / f"{options.project}.jsonl"
    run(suite(options.project, folder), sample, target, about, lambda line: print(line, flush=True), until=until)


def record(options: argparse.Namespace) -> None:
    """Record a project's map, and which tests ran which lines."""
    folder = unpacked(options.project, options.work, "record")
    maps = options.work / "maps"
    maps.mkdir(exist_ok=True)
    found = suite(options.project, folder)
    environment = found.environment()
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], str(Path(__file__).parent), str(Path(cloche.__file__).parent.parent)])
    environment["CLOCHE_LINES"] = str(maps / f"{options.project}.lines.json")
    words = ["-q", "-p", "no:cacheprovider", "-p", "cloche.impact.plugin", "-p", "bench_lines", f"--impact-map={maps / options.project}.json"]
    sys.exit(subprocess.run([*found.words(), *words], cwd=folder, env=environment, check=False).returncode)


def read(name: str, work: Path) -> tuple[Matrix, Tree]:
    """Return a project's kill matrix and its tree without faults."""
    folder = unpacked(name, work, "record")
    lines = json.loads((work / "maps" / f"{name}.lines.json").read_text())
    by_line = {file: {int(line): frozenset(tests) for line, tests in rows.items()} for file, rows in lines.items()}
    texts = {}
    for file in python_files(folder):
        with (folder / file).open(encoding="utf-8", newline="") as opened:
            texts[file] = opened.read()
    found = load(work / "kills" / f"{name}.jsonl")
    if tree_digest(folder, found.facts["files"]) != found.facts["tree"]:
        sys.exit(f"{folder} is not the tree of the kill matrix; remove it, and it is unpacked anew")
    return found, tree(texts, load_map(work / "maps" / f"{name}.json"), by_line)


def replayed(options: argparse.Namespace) -> None:
    """Replay the impact layer and the baselines on the stored matrices."""
    report: dict[str, Any] = {"version": 1, "operators": OPERATORS, "projects": {}}
    for name in options.projects or PROJECTS:
        found, here = read(name, options.work)
        print(f"{name}: {len(found.judged)} faults, {len(found.base)} tests, {sum(found.seconds.values()):.1f} s in tests, {found.fixed:.1f} s besides")
        impact_rows = replay(found, impact(here))
        share = figures(found, impact_rows).tests.value
        ways = {
            "covered line": covered_line(here),
            "covered function": covered_function(here),
            "import graph": import_graph(here),
            "last failed": last_failed(found),
            "random, as many": at_random(here, share, options.seed),
        }
        results = {"impact layer": impact_rows, "everything": replay(found, everything(here))}
        results |= {way: replay(found, select) for way, select in ways.items()}
        for stratum in found.sites:
            results[f"impact layer, {stratum}"] = [row for row in impact_rows if row.judged.mutant.stratum == stratum]
        told = {way: figures(found, rows) for way, rows in results.items()}
        for way, each in told.items():
            print(row_of(way, each), flush=True)
        missed = [row.judged.mutant.id for row in impact_rows if row.detected is False]
        report["projects"][name] = {
            "facts": {key: value for key, value in found.facts.items() if key not in {"files", "path"}},
            "tests": len(found.base),
            "flaky": sorted(found.flaky),
            "test seconds": round(sum(found.seconds.values()), 3),
            "fixed seconds": found.fixed,
            "sites": found.sites,
            "seed": found.seed,
            "drawn": dict(Counter(row.judged.mutant.stratum for row in impact_rows)),
            "outcomes": dict(Counter(row.judged.outcome for row in impact_rows)),
            "missed by the impact layer": missed,
            "ways": {way: asdict(each) for way, each in told.items()},
        }
        if options.json:
            options.json.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
        for row in impact_rows:
            if row.detected is False:
                mutant = row.judged.mutant
                print(f"    missed {mutant.id} {mutant.where}: {mutant.old[:60]!r} -> {mutant.new[:60]!r}; {row.judged.outcome} by {sorted(row.judged.failed)[:4]}")
        if options.worst:
            for row in sorted(impact_rows, key=lambda each: -each.test_seconds)[: options.worst]:
                mutant = row.judged.mutant
                selection = explained(here, mutant)
                counts = Counter(why.partition(";")[0] for whys in selection.reasons.values() for why in whys[:1])
                print(f"    {row.test_seconds:.2f} s {len(row.selected.tests)} tests {mutant.id} {mutant.where}: {mutant.old[:50]!r}; {selection.everything or counts.most_common(3)}")


CLOCHE = "from cloche.cli import main; main()"


def checkout(name: str, work: Path, purpose: str) -> Suite:
    """Return a project's sdist in git, with byte code kept outside of it."""
    folder = unpacked(name, work, purpose)
    if not (folder / ".git").exists():
        who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
        for words in (["init", "-q", "-b", "main"], ["add", "-A", "-f"], [*who, "commit", "-q", "-m", "as published"]):
            subprocess.run(["git", *words], cwd=folder, check=True)
    return replace(suite(name, folder), cache=work / f"{purpose}-byte-code" / name)


def timed(found: Suite, words: list[str], lines: Path, extra: dict[str, str]) -> dict[str, Any]:
    """Run a command that runs pytest with the recorder of outcomes; return its wall time, what ran and what failed."""
    environment = found.environment() | extra
    folders = [environment["PYTHONPATH"], str(Path(cloche.__file__).parent.parent)]
    environment["PYTHONPATH"] = os.pathsep.join(folders)
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    lines.unlink(missing_ok=True)
    start = time.monotonic()
    before = os.times()
    done = subprocess.run(words, cwd=found.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=900, check=False)
    wall, after = time.monotonic() - start, os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    rows = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    tests = {test_of(row["test"]) for row in rows if "test" in row}
    failed = {test_of(row["test"]) for row in rows if row.get("outcome") == "failed"}
    return {"wall": round(wall, 3), "processor": round(processor, 3), "tests": len(tests), "failed": sorted(failed), "code": done.returncode, "said": done.stderr.decode(errors="replace")[-500:] if done.returncode not in {0, 1, 5} else ""}


def kept(source: Path, target: Path) -> None:
    """Copy a SQLite database that nobody has open, with what is not yet in its main file."""
    for suffix in ("", "-shm", "-wal"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
        if Path(f"{source}{suffix}").exists():
            shutil.copyfile(f"{source}{suffix}", f"{target}{suffix}")


def wall(options: argparse.Namespace) -> None:
    """Measure from save to verdict: plain pytest, select-tests --run, and pytest --testmon, on the same faults, in turns."""
    name, work = options.project, options.work
    found = load(work / "kills" / f"{name}.jsonl")
    ours, plain, testmon = (checkout(name, work, purpose) for purpose in ("wall-ours", "wall-plain", "wall-testmon"))
    lines = work / "wall-lines.jsonl"
    recorder = ["-p", "no:randomly", "-p", "cloche.mutants.recorder", f"--outcome-lines={lines}", *PROJECTS[name].arguments]
    pytest = [sys.executable, "-m", "pytest", "-q"]
    select = [sys.executable, "-c", CLOCHE, "select-tests", "--base", "HEAD"]
    map_file = work / "wall-maps" / f"{name}.json"
    data, saved = testmon.folder / ".testmondata", work / "wall-maps" / f"{name}.testmondata"
    commands = {
        "plain": (plain, [*pytest, "-p", "no:testmon", "-p", "no:cacheprovider", *recorder]),
        "ours": (ours, [*select, "--map", str(map_file), "--run", "--shadow-runs", "0", "--", "-q", "-p", "no:testmon", "-p", "no:cacheprovider", *recorder]),
        "testmon": (testmon, [*pytest, "--testmon", *recorder]),
    }
    target = work / "wall" / f"{name}.jsonl"
    target.parent.mkdir(exist_ok=True)
    if not saved.exists():
        map_file.parent.mkdir(exist_ok=True)
        first = {"plain": timed(plain, commands["plain"][1], lines, {})}
        record_words = [*select[:3], "select-tests", "--record", "--map", str(map_file), "--", "-q", "-p", "no:testmon", "-p", "no:cacheprovider", *PROJECTS[name].arguments]
        first |= {"record": timed(ours, record_words, lines, {}), "record testmon": timed(testmon, commands["testmon"][1], lines, {})}
        kept(data, saved)
        target.write_text(json.dumps(first, sort_keys=True) + "\n")
    done = {json.loads(line)["fault"] for line in target.read_text().splitlines()[1:]}
    faults = [each for each in found.judged if not options.functions_only or each.mutant.stratum == "function"]
    for judged in faults[: options.changes]:
        if judged.mutant.id in done:
            continue
        row: dict[str, Any] = {"fault": judged.mutant.id, "stratum": judged.mutant.stratum, "cluster": judged.mutant.cluster, "outcome": judged.outcome, "killers": len(judged.failed)}
        for way, (tree_of, words) in commands.items():
            kept(saved, data)
            with applied(tree_of.folder, judged.mutant):
                row[way] = timed(tree_of, words, lines, {})
        # What the whole suite sees is what it saw here, on this tree and load.
        base = {test for test, outcome in found.base.items() if outcome == "passed" and test not in found.flaky}
        for way in commands:
            row[way]["failed"] = sorted(base & set(row[way]["failed"]))
            row[way]["red"] = row[way]["code"] not in {0, 5}
        with target.open("a") as file:
            file.write(json.dumps(row, sort_keys=True) + "\n")
        print(name, judged.mutant.id, judged.outcome, *(f"{way} {row[way]['wall']:.1f} s {row[way]['tests']} tests {len(row[way]['failed'])} failed ({row[way]['code']})" for way in commands), flush=True)


def row_of(way: str, found: Figures) -> str:
    """Return a line of the table."""

    def share(each: Interval) -> str:
        return f"{each.value:6.1%} [{each.low:.1%}, {each.high:.1%}]"

    return f"{way:22} {found.faults:4} {found.killed:4} missed {found.missed:3}  detected {share(found.detected):24} few {share(found.detected_few):24} test-s {share(found.test_seconds):22} time {share(found.time):24} tests {found.tests.value:6.1%}  F1 {found.f1:.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("matrix", help="run a project's suite for each fault of a sample")
    verb.add_argument("project", choices=PROJECTS)
    verb.add_argument("--work", type=Path, required=True)
    verb.add_argument("--functions", type=int, default=100)
    verb.add_argument("--imports", type=int, default=50)
    verb.add_argument("--seed", type=int, default=1)
    verb.add_argument("--minutes", type=float, help="end after so many minutes; the next call goes on")
    verb.set_defaults(call=matrix)
    verb = verbs.add_parser("record", help="record a project's map")
    verb.add_argument("project", choices=PROJECTS)
    verb.add_argument("--work", type=Path, required=True)
    verb.set_defaults(call=record)
    verb = verbs.add_parser("replay", help="replay the selection and the baselines on the stored matrices")
    verb.add_argument("projects", nargs="*")
    verb.add_argument("--work", type=Path, required=True)
    verb.add_argument("--seed", type=int, default=1)
    verb.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    verb.add_argument("--worst", type=int, default=0, help="show so many of the most expensive selections")
    verb.set_defaults(call=replayed)
    verb = verbs.add_parser("wall", help="measure from save to verdict, beside plain pytest and testmon")
    verb.add_argument("project", choices=PROJECTS)
    verb.add_argument("--work", type=Path, required=True)
    verb.add_argument("--changes", type=int, default=30)
    verb.add_argument("--functions-only", action="store_true")
    verb.set_defaults(call=wall)
    options = parser.parse_args(arguments)
    options.call(options)


if __name__ == "__main__":
    main()
