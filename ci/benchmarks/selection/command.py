"""`ci/bench selection`: its words, and the environment that it runs in.

The same words are read twice: on the toolchain's Python, which makes the environment and brings the sdists by name and hash with
the user's own pip configuration, and then in that environment.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from selection.projects import PROJECTS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# Verb -> the environment that it runs in; the others run in that of the suites.
PACKAGES = {"cosmic-ray": "cosmic-ray", "learned": "learned", "histories": "learned"}
FLAKE = """{
  inputs.cloche.url = "git+file://%s";
  outputs = { self, cloche }: cloche.lib.mkFlake { inherit self; } ./cloche.nix;
}
"""


def words() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(
        prog="ci/bench selection",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="How well the selection of tests selects. Without a verb: replay the selection and the baselines on the committed kill matrices.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--work",
        type=Path,
        metavar="FOLDER",
        help="where sdists, trees, maps and what campaigns make are kept; a temporary folder otherwise",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    verb = verbs.add_parser(
        "replay",
        parents=[common],
        help="record the maps with this checkout, replay on the kill matrices, print the figures",
    )
    verb.add_argument("projects", nargs="*", metavar="PROJECT", help=f"{', '.join(PROJECTS)}; all by default")
    verb.add_argument("--seed", type=int, default=1, help="of the choice at random (default: 1)")
    verb.add_argument("--no-record", dest="record", action="store_false", help="take the maps that --work has")
    verb.add_argument(
        "--worst", type=int, default=0, metavar="N", help="show the N most expensive selections of each matrix"
    )
    verb.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    verb.add_argument(
        "--document",
        action="store_true",
        help="renew these projects in docs/benchmark-selection.json, and the tables of docs/benchmark-selection.md",
    )
    for name, told in (
        ("maps", "record the maps with this checkout, and nothing else"),
        (
            "learned",
            "the same for the learned layer: models that have not seen a function, or a project, judged on its faults",
        ),
    ):
        verb = verbs.add_parser(name, parents=[common], help=told)
        verb.add_argument("projects", nargs="*", metavar="PROJECT", help=f"{', '.join(PROJECTS)}; all by default")
        verb.add_argument(
            "--no-record",
            dest="record",
            action="store_false",
            help="take the maps, and the rows made with them, that --work has",
        )
        if name == "learned":
            verb.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
            verb.add_argument(
                "--document",
                action="store_true",
                help="renew these figures in docs/benchmark-selection.json, and the tables of docs/benchmark-selection.md",
            )
    verb = verbs.add_parser(
        "histories",
        parents=[common],
        help="average precision of ways to rank the tests of CI histories, which know no changes",
    )
    verb.add_argument("folder", type=Path, metavar="FOLDER", help="tables in CSV or Parquet, one a history")
    verb.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    verb.add_argument(
        "--document",
        action="store_true",
        help="renew these figures in docs/benchmark-selection.json, and the tables of docs/benchmark-selection.md",
    )
    for name, told in (
        (
            "matrix",
            "run a project's whole suite for each fault of a sample; ended at any moment, the next call goes on",
        ),
        ("cosmic-ray", "draw a sample of cosmic-ray's faults in a project, for `matrix --foreign`"),
    ):
        verb = verbs.add_parser(name, parents=[common], help=told)
        verb.add_argument("project", choices=PROJECTS)
        verb.add_argument("--functions", type=int, default=100, metavar="N", help="faults in functions (default: 100)")
        verb.add_argument(
            "--imports", type=int, default=50, metavar="N", help="faults in code that runs at import (default: 50)"
        )
        verb.add_argument("--seed", type=int, default=1, metavar="N", help="(default: 1)")
        if name == "matrix":
            verb.add_argument("--minutes", type=float, metavar="N", help="end after N minutes")
            verb.add_argument("--foreign", action="store_true", help="take the faults that the verb cosmic-ray drew")
    verb = verbs.add_parser(
        "wall",
        parents=[common],
        help="measure from save to verdict: pytest, select-tests --run, pytest --testmon, in turns",
    )
    verb.add_argument("project", choices=PROJECTS)
    verb.add_argument(
        "--changes", type=int, default=30, metavar="N", help="the first N faults of the sample (default: 30)"
    )
    verb.add_argument("--minutes", type=float, metavar="N", help="end after N minutes")
    verbs.add_parser(
        "keep", parents=[common], help="copy the kill matrices and times of --work to where they are committed"
    )
    verbs.add_parser("lock", help="renew ci/benchmarks/selection/cloche.lock from the pyproject.toml beside it")
    return parser


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what the words mean; ends with 2 when they mean nothing."""
    parser = words()
    options = parser.parse_args(arguments or ["replay"])
    unknown = [name for name in getattr(options, "projects", []) if name not in PROJECTS]
    if unknown:
        parser.error(f"there is no project called {', '.join(unknown)}; there are: {', '.join(PROJECTS)}")
    if options.verb in {"matrix", "cosmic-ray", "wall", "keep"} and options.work is None:
        parser.error(f"{options.verb} needs --work FOLDER, where it keeps what it makes")
    return options


def called(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command to its end, and return what it prints; its other words go to the terminal."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"ci/bench selection: this failed: {' '.join(map(str, command))[:300]}")
    return done.stdout.strip()


def flake(folder: Path) -> Path:
    """Write a flake whose packages are the environments, and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("pyproject.toml", "cloche.lock", "cloche.nix"):
        if (HERE / name).exists():
            shutil.copyfile(HERE / name, folder / name)
    (folder / "flake.nix").write_text(FLAKE % ROOT)
    (folder / "flake.lock").unlink(missing_ok=True)
    called("git", "init", "-q", cwd=folder)
    called("git", "add", "-A", cwd=folder)
    return folder


def lock(work: Path) -> None:
    """Renew the lock."""
    folder = flake(work / "flake")
    called(ROOT / "ci/nix", "run", f"{folder}#lock", cwd=folder)
    shutil.copyfile(folder / "cloche.lock", HERE / "cloche.lock")


def sdists(work: Path, names: Sequence[str]) -> None:
    """Bring the sdists, by Cloche's own `fetch`."""
    (work / "sdist").mkdir(parents=True, exist_ok=True)
    wanted = {name: PROJECTS[name] for name in names if not (work / "sdist" / PROJECTS[name].file).exists()}
    if not wanted:
        return
    packages = {
        name: {"version": each.version, "file": each.file, "sha256": each.sha256, "size": each.size}
        for name, each in wanted.items()
    }
    stated = {"environments": {f"{os.uname().machine}-linux": {"3.11": {"packages": packages, "builds": {}}}}}
    (work / "sdists.lock").write_text(json.dumps(stated))
    called("sh", ROOT / "pkgs/fetch/fetch.sh", "--lock", work / "sdists.lock")
    for each in wanted.values():
        path = called("nix-store", "--print-fixed-path", "sha256", each.sha256, each.file)
        with (work / "sdist" / each.file).open("wb") as file:
            subprocess.run(["nix", "store", "cat", path], stdout=file, check=True)


def main(arguments: Sequence[str]) -> None:
    """Make the environment and run the rest in it."""
    options = parsed(arguments)
    with tempfile.TemporaryDirectory(prefix="cloche-bench-selection.") as temporary:
        work = Path(getattr(options, "work", None) or temporary).resolve()
        if options.verb == "lock":
            lock(work)
            sys.exit()
        names = [options.project] if "project" in options else getattr(options, "projects", []) or list(PROJECTS)
        sdists(work, [] if options.verb == "histories" else names)
        folder = flake(work / "flake")
        called(ROOT / "ci/nix", "run", f"{folder}#fetch", cwd=folder)
        rest = [*(arguments or ["replay"]), *([] if getattr(options, "work", None) else ["--work", str(work)])]
        steps = [(PACKAGES.get(options.verb, "suites"), rest)]
        if options.verb == "learned":
            # The suites run without the libraries of the models.
            steps.insert(
                0, ("suites", ["maps", *names, "--work", str(work), *([] if options.record else ["--no-record"])])
            )
        variables = {
            # Nothing of the user's but what programs need to be found.
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))},
            "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(ROOT / "python/src")]),
            "PYTHONPYCACHEPREFIX": str(work / "byte-code"),
        }
        for package, given in steps:
            environment = called(ROOT / "ci/nix", "build", "--no-link", "--print-out-paths", f"{folder}#{package}")
            done = subprocess.run([f"{environment}/bin/python", "-m", "selection", *given], env=variables, check=False)
            if done.returncode:
                break
    sys.exit(done.returncode)
