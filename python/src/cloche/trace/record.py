"""Find out what each test file of a project looks for: one run of pytest per file, traced, in the whole tree.

Runs inside a derivation, standard library only. Writes trace.json, out of which `cloche trace-tests` makes
cloche-tests.json. A process of its own for every file, because what one file has imported, read or cached another
would not look for again.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from cloche.suite import installed_packages
from cloche.suite.run import Selection, Suite
from cloche.untrusted import walk

KINDS = ("seen", "listed", "absent", "missing", "program", "module", "path", "package")


def modules_of(site: Path, source: Path) -> tuple[dict[str, str], list[str]]:
    """Return where the project's source folders and modules are in site-packages, and the files that a build makes.

    The second are files below those folders which the wheel does not hold as they are: sources of extensions, modules that
    a build writes anew.
    """
    found: dict[str, str] = {}
    build: list[str] = []
    for entry in sorted(site.iterdir()):
        if entry.name.endswith((".dist-info", ".pth")) or entry.name == "__pycache__":
            continue
        inside = [entry] if entry.is_file() else [path for path in walk.below(entry) if "__pycache__" not in path.parts]
        best, most = None, 0
        for candidate in sorted(
            (path for path in walk.below(source) if path.name == entry.name), key=lambda path: (len(path.parts), path)
        ):
            same = sum(_same(path, candidate / path.relative_to(entry)) for path in inside)
            if same > most:
                best, most = candidate, same
        if best is None:
            continue
        root = best.relative_to(source).as_posix()
        found[root] = entry.name
        if best.is_dir():
            build += [
                path.relative_to(source).as_posix()
                for path in walk.below(best)
                if path.is_file() and not _same(path, entry / path.relative_to(best))
            ]
    return found, build


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def names_below(source: Path, modules: dict[str, str], tree: Path) -> set[str]:
    """Return the names of all that a project has for its tests: files and folders of the tree, and modules."""
    names = {path.relative_to(tree).as_posix() for path in walk.below(tree)}
    for root in modules:
        top = source / root
        names |= {path.relative_to(source).as_posix() for path in [top, *(walk.below(top) if top.is_dir() else [])]}
    return names


def wheels_of(environment: Path, site_packages: str, without: frozenset[str]) -> dict[str, str]:
    """Return the unpacked wheels that an environment links to -> the package that each is."""
    found = {}
    for info in sorted((environment / site_packages).glob("*.dist-info")):
        name = installed_packages.normal(info.name.partition("-")[0])
        place = info.resolve()
        if name not in without and place.as_posix().endswith(f"{site_packages}/{info.name}"):
            found[place.as_posix().removesuffix(f"/{site_packages}/{info.name}")] = name
    return found


class Trace:
    """What came out, by test file."""

    def __init__(self, suite: Suite, names: set[str], words: Path) -> None:
        """Begin with nothing; `names` is what the project has."""
        self.suite = suite
        self.names = names
        self.words = words
        self.files: dict[str, dict[str, Any]] = {}
        self.start_ups: list[float] = []
        # Packages that each run needs, though no file asks for them.
        self.always: list[str] = []

    def collected(self) -> list[str]:
        """Return the names of the files in which pytest finds tests."""
        self.suite.prepare()
        code = self.suite.run(self.words, Selection(only_collect=True))
        if code not in {0, 5}:
            fail(self.words, f"pytest cannot collect the tests; exit code {code}")
        entries = [entry for entry in self.suite.reported() if entry["kind"] == "collected"]
        return sorted({self.suite.name_of(file) for entry in entries for file in entry["files"]})

    def follow(self, name: str) -> None:
        """Run one file."""
        self.suite.prepare()
        began = time.perf_counter()
        code = self.suite.run(self.words, Selection(files=[name]))
        seconds = time.perf_counter() - began
        # 5: all of it was deselected, by a marker for example.
        if code not in {0, 1, 5}:
            fail(self.words, f"pytest cannot run {name} by itself; exit code {code}")
        found = self.looked_for()
        ended = [entry["seconds"] for entry in self.suite.reported() if entry["kind"] == "end"]
        self.start_ups.append(seconds - sum(ended))
        self.files[name] = {kind: sorted(each) for kind, each in found.items()} | {"seconds": seconds}

    def together(self) -> None:
        """Run all files in one process: some look for more when others have gone before.

        What none has looked for by itself is added to the file whose turn it was.
        """
        self.suite.prepare()
        code = self.suite.run(self.words, Selection())
        if code not in {0, 1, 5}:
            fail(self.words, f"pytest cannot run all tests in one process; exit code {code}")
        known = {kind: {name for found in self.files.values() for name in found[kind]} for kind in KINDS}
        turns = {self.suite.name_of(entry["turn"]) for entry in self.suite.noted if entry["turn"]}
        for turn in turns & set(self.files):
            for kind, names in self.looked_for(turn).items():
                self.files[turn][kind] = sorted({*self.files[turn][kind], *(names - known[kind])})

    def looked_for(self, turn: str | None = None) -> dict[str, set[str]]:
        """Return what the last run looked for, by kind: all, or while it was one file's turn."""
        found: dict[str, set[str]] = {kind: set() for kind in KINDS}
        for entry in self.suite.noted:
            if turn is None or (entry["turn"] and self.suite.name_of(entry["turn"]) == turn):
                found[entry["kind"]].add(entry["name"])
        found["seen"] &= self.names
        found["package"].update(self.always)
        found["listed"] = {each for each in found["listed"] if each == "./" or each.rstrip("/") in self.names}
        return found


def fail(words: Path, message: str) -> None:
    """End with pytest's words."""
    sys.stdout.write(words.read_text(errors="replace"))
    sys.exit(f"{message}; its words are above. Nothing is recorded.")


def main(attributes: dict[str, Any]) -> None:
    """Trace attributes["source"] and write trace.json into attributes["outputs"]["out"]."""
    site = Path(attributes["project"], attributes["sitePackages"])
    project = Path(attributes["projectSource"])
    modules, build = modules_of(site, project)
    suite = Suite.of(attributes, modules=modules, trace=True)
    own = frozenset(installed_packages.offered([Path(attributes["project"])], suite.site_packages))
    table = installed_packages.offered([suite.environment], suite.site_packages, own)
    suite.packages = {
        "table": table,
        "absent": [],
        "wheels": wheels_of(suite.environment, suite.site_packages, own),
    }
    suite.prepare()
    names = names_below(project, modules, suite.tree)
    trace = Trace(suite, names, suite.top / "pytest.log")
    trace.always = installed_packages.always(table)
    files = trace.collected()
    if not files:
        fail(trace.words, "pytest collected no test")
    strange = [name for name in files if name.startswith("/")]
    if strange:
        sys.exit(f"these test files are neither in the tree nor in the project's package: {', '.join(strange)}")
    for name in files:
        trace.follow(name)
        print(f"{name}: {trace.files[name]['seconds']:.1f} s", flush=True)
    trace.together()
    out = Path(attributes["outputs"]["out"])
    out.mkdir()
    data = {
        "version": 1,
        "modules": modules,
        "build": build,
        "collection": attributes["collection"],
        "files": trace.files,
        "names": sorted(name for name in names if not (suite.source / name).is_dir() and not (project / name).is_dir()),
        "start-up": min(trace.start_ups),
        "packages": table,
    }
    (out / "trace.json").write_text(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
