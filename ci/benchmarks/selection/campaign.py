"""What `ci/bench selection` does in the environment of the suites: kill matrices, maps, and what ways of selecting make of them."""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import json
import os
import random
import sys
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cloche
from cloche.selection.impact.map import load as load_map
from cloche.selection.impact.tree import python_files
from cloche.selection.mutants import foreign
from cloche.selection.mutants.matrix import Matrix, Suite, applied, facts, load, run, tree_digest
from cloche.selection.mutants.replay import ORDINARY, Row, Selected, Selector, figures, replay
from cloche.selection.mutants.sample import Sample, draw, source_files
from cloche.selection.mutants.selectors import (
    Tree,
    at_random,
    covered_function,
    covered_line,
    everything,
    explained,
    impact,
    import_graph,
    last_failed,
    tree,
)
from cloche.selection.mutants.sites import OPERATORS, Mutant, compiles, place_of
from selection.projects import PROJECTS, in_git, unpacked
from selection.report import line_of
from selection.wall import spent

HERE = Path(__file__).parent
STORED = HERE / "stored"
CLOCHE = "from cloche.cli import main; main()"
# Where the plugins are.
PATHS = [str(HERE), str(Path(cloche.__file__).parent.parent)]
# Of a project with faults by cosmic-ray.
FOREIGN = ".cosmic-ray"


def suite(name: str, folder: Path) -> Suite:
    """Return how a project's tests are run here: by the Python that runs this."""
    project = PROJECTS[name]
    return Suite(folder, project.path, project.arguments, (sys.executable, "-m", "pytest", "-p", "no:testmon"))


def matrix(options: argparse.Namespace) -> None:
    """Run a project's suite for each fault of a sample."""
    name, work = options.project, options.work
    folder = unpacked(name, work, "matrix")
    files = source_files(folder)
    project = PROJECTS[name]
    about = facts(suite(name, folder), files, name, f"{project.file} sha256:{project.sha256}")
    sample, target = (
        draw(folder, files, functions=options.functions, imports=options.imports, seed=options.seed),
        work / "kills" / f"{name}.jsonl",
    )
    if options.foreign:
        tool, sample = foreign.read(work / "samples" / f"{name}{FOREIGN}.json")
        about["mutants"], target = tool, work / "kills" / f"{name}{FOREIGN}.jsonl"
    until = time.time() + options.minutes * 60 if options.minutes else None
    run(suite(name, folder), sample, target, about, lambda line: print(line, flush=True), until=until)


def other_tool(options: argparse.Namespace) -> None:
    """Draw a sample of cosmic-ray's faults in a project, in the same strata, and write it."""
    import cosmic_ray.plugins
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code

    version = importlib.metadata.version("cosmic-ray")
    folder = unpacked(options.project, options.work, "matrix")
    spots: dict[str, list[tuple[str, str, int]]] = {"function": [], "import": []}
    texts = {}
    operators = {name: cosmic_ray.plugins.get_operator(name) for name in sorted(cosmic_ray.plugins.operator_names())}
    # Those that need to be told names of variables have nothing to do by themselves.
    ready = {name: operator() for name, operator in operators.items() if not operator.arguments()}
    for file in source_files(folder):
        texts[file] = (folder / file).read_text(encoding="utf-8")
        lines = [0]
        for row in texts[file].split("\n"):
            lines.append(lines[-1] + len(row) + 1)
        place, parsed = place_of(texts[file]), get_ast(texts[file])
        for name, operator in ready.items():
            found = (where for node in ast_nodes(parsed) for where in operator.mutation_positions(node))
            for occurrence, ((line, column), (last, end)) in enumerate(found):
                spots[place(lines[line - 1] + column, lines[last - 1] + end)[0]].append((file, name, occurrence))
    chosen = []
    for stratum, wanted in (("function", options.functions), ("import", options.imports)):
        candidates = spots[stratum]
        random.Random(f"{options.seed} {stratum}").shuffle(candidates)  # noqa: S311 - a sample, no secret
        taken = 0
        for file, name, occurrence in candidates:
            if taken == wanted:
                break
            changed = mutate_code(texts[file], ready[name], occurrence)
            if changed is None or changed == texts[file]:
                continue
            made = foreign.mutant(file, texts[file], changed, name)
            # What a fault is in is said by what it changes, which may be less than the node that the tool names.
            if compiles(made, texts[file]):
                chosen.append(((taken + 1) / wanted, replace(made, stratum=stratum)))
                taken += 1
    target = options.work / "samples" / f"{options.project}{FOREIGN}.json"
    target.parent.mkdir(exist_ok=True)
    order = [made for _, made in sorted(chosen, key=lambda each: each[0])]
    foreign.write(
        target,
        f"cosmic-ray {version}",
        Sample(order, {stratum: len(each) for stratum, each in spots.items()}, options.seed),
    )
    print(f"{options.project}: {len(order)} of {sum(map(len, spots.values()))} faults of cosmic-ray {version}")


def record(name: str, work: Path) -> None:
    """Record a project's map, and which tests ran which lines."""
    folder, maps = unpacked(name, work, "record"), work / "maps"
    maps.mkdir(exist_ok=True)
    found, file = suite(name, folder), maps / f"{name}.json"
    words = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "cloche.selection.impact.plugin",
        "-p",
        "bench_lines",
        f"--impact-map={file}",
    ]
    file.unlink(missing_ok=True)
    ended = spent(found, [*found.words(), *words], PATHS, {"CLOCHE_LINES": str(maps / f"{name}.lines.json")})
    if ended["code"] not in {0, 1} or not file.exists():
        sys.exit(f"the map of {name} was not recorded: {ended['said']}")


def selecting(name: str, work: Path) -> None:
    """Measure what selecting takes beside plain pytest, in processor time."""
    folder, maps = unpacked(name, work, "record"), work / "maps"
    in_git(folder)
    # Byte code is kept, as it is for users.
    found = replace(suite(name, folder), cache=work / "byte-code" / name)
    plain = sorted(
        spent(found, [*found.words(), "-q", "-p", "no:cacheprovider"], PATHS, {})["processor"] for _ in range(3)
    )[1]
    words = [
        sys.executable,
        "-c",
        CLOCHE,
        "select-tests",
        "--base",
        "HEAD",
        "--map",
        str(maps / f"{name}.json"),
        "--store",
        str(maps / f"{name}.sqlite"),
    ]
    mutant = next(
        each
        for each in draw(folder, source_files(folder), functions=100, imports=50, seed=1).mutants
        if each.stratum == "function"
    )
    with applied(folder, mutant):
        runs = [spent(found, [*words, "--output", os.devnull], PATHS, {}) for _ in range(3)]
    if any(run["code"] not in {0, 5} for run in runs):
        sys.exit(f"select-tests failed in {folder}: {runs[0]['said']}")
    told = {"plain": plain, "selecting": sorted(run["processor"] for run in runs)[1]}
    (maps / f"{name}.selecting.json").write_text(json.dumps(told))


def stored(name: str, work: Path | None = None) -> Matrix:
    """Return a kill matrix: that of the work folder, where there is one, and else the committed one."""
    if work is not None and (work / "kills" / f"{name}.jsonl").exists():
        return load(work / "kills" / f"{name}.jsonl")
    return load(STORED / f"{name}.jsonl.gz")


def read(name: str, work: Path, found: Matrix) -> Tree:
    """Return a project's tree without faults, and its map."""
    folder = unpacked(name, work, "record")
    if tree_digest(folder, found.facts["files"]) != found.facts["tree"]:
        sys.exit(f"{folder} is not the tree of the kill matrix; remove it, and it is unpacked anew")
    lines = json.loads((work / "maps" / f"{name}.lines.json").read_text())
    by_line = {file: {int(line): frozenset(tests) for line, tests in rows.items()} for file, rows in lines.items()}
    texts = {}
    for file in python_files(folder):
        with (folder / file).open(encoding="utf-8", newline="") as opened:
            texts[file] = opened.read()
    return tree(texts, load_map(work / "maps" / f"{name}.json"), by_line)


def strata(rows: list[Row]) -> dict[str, list[Row]]:
    """Return the strata that are told apart: what the suite's tests say, by where the fault is; and what breaks more than that."""
    ordinary = [row for row in rows if row.judged.outcome in ORDINARY]
    found = {
        f"{stratum}": [row for row in ordinary if row.judged.mutant.stratum == stratum]
        for stratum in ("function", "import")
    }
    return found | {"breaks more": [row for row in rows if row.judged.outcome not in ORDINARY]}


def replayed(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Replay the impact layer and the baselines on a matrix; return the figures."""
    work, project = options.work, name.removesuffix(FOREIGN)
    found = stored(name, work)
    here = read(project, work, found)
    measured = json.loads((work / "maps" / f"{project}.selecting.json").read_text())
    selecting = measured["selecting"] / measured["plain"] * found.wall

    def starting(select: Selector) -> Selector:
        # A rule that needs to look at the change costs a process; the parts of it that depend on the fault are small.
        def chosen(mutant: Mutant) -> Selected:
            selected = select(mutant)
            return replace(selected, seconds=selecting)

        return chosen

    impact_rows = replay(found, starting(impact(here)))
    share = figures(found, impact_rows).tests.value
    ways = {
        "everything": everything(here),
        "covered line": starting(covered_line(here)),
        "covered function": starting(covered_function(here)),
        "import graph": starting(import_graph(here)),
        "last failed": last_failed(found),
        "random, as many": at_random(here, share, options.seed),
    }
    results = {"impact layer": impact_rows} | {way: replay(found, select) for way, select in ways.items()}
    told = {way: asdict(figures(found, rows)) for way, rows in results.items()}
    parts = {way: asdict(figures(found, rows)) for way, rows in strata(impact_rows).items() if rows}
    print(
        f"{name}: {len(found.judged)} faults, {len(found.base)} tests, {sum(found.seconds.values()):.1f} s in tests, {found.fixed:.1f} s besides"
    )
    for way, each in (told | {f"impact layer: {part}": each for part, each in parts.items()}).items():
        print(line_of(way, each), flush=True)
    missed = [row for row in impact_rows if row.detected is False]
    for row in missed:
        mutant = row.judged.mutant
        print(
            f"    missed {mutant.id} {mutant.where}: {mutant.old[:60]!r} -> {mutant.new[:60]!r}; {row.judged.outcome} by {sorted(row.judged.failed)[:4]}"
        )
    for row in sorted(impact_rows, key=lambda each: -each.test_seconds)[: options.worst]:
        mutant = row.judged.mutant
        selection = explained(here, mutant)
        counts = Counter(why.partition(";")[0] for whys in selection.reasons.values() for why in whys[:1])
        print(
            f"    {row.test_seconds:.2f} s {len(row.selected.tests)} tests {mutant.id} {mutant.where}: {mutant.old[:50]!r}; {selection.everything or counts.most_common(3)}"
        )
    return {
        "facts": {key: value for key, value in found.facts.items() if key not in {"files", "path"}},
        "tests": len(found.base),
        "flaky": sorted(found.flaky),
        "test seconds": round(sum(found.seconds.values()), 3),
        "fixed seconds": found.fixed,
        "processor seconds": measured["plain"],
        "selecting seconds": round(selecting, 3),
        "sites": found.sites,
        "seed": found.seed,
        "drawn": dict(Counter(row.judged.mutant.stratum for row in impact_rows)),
        "outcomes": dict(Counter(row.judged.outcome for row in impact_rows)),
        "missed": [row.judged.mutant.id for row in missed],
        "ways": told,
        "impact layer": parts,
    }


def maps(options: argparse.Namespace) -> None:
    """Record the maps where it is asked for or they are not there."""
    for name in options.projects or list(PROJECTS):
        if options.record or not (options.work / "maps" / f"{name}.json").exists():
            record(name, options.work)


def report(options: argparse.Namespace) -> dict[str, Any]:
    """Record the maps where it is asked for, replay on all matrices, and return everything that is known."""
    names = options.projects or list(PROJECTS)
    told: dict[str, Any] = {"version": 2, "operators": OPERATORS, "projects": {}, "other tool": {}}
    maps(options)
    for name in names:
        if options.record or not (options.work / "maps" / f"{name}.selecting.json").exists():
            selecting(name, options.work)
        told["projects"][name] = replayed(name, options)
        if (STORED / f"{name}{FOREIGN}.jsonl.gz").exists() or (
            options.work / "kills" / f"{name}{FOREIGN}.jsonl"
        ).exists():
            told["other tool"][name] = replayed(f"{name}{FOREIGN}", options)
    return told


def keep(options: argparse.Namespace) -> None:
    """Put what campaigns made where it is committed, compressed without dates."""
    STORED.mkdir(exist_ok=True)
    for file in sorted([*(options.work / "kills").glob("*.jsonl"), *(options.work / "wall").glob("*.jsonl")]):
        name = file.name if file.parent.name == "kills" else f"{file.stem}.wall.jsonl"
        (STORED / f"{name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
        print(f"{name}.gz")
