"""From a request to an answer: read the map, the changes and the last results, and select."""

import configparser
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from cloche.errors import MISSHAPEN
from cloche.selection.impact import results as last_results
from cloche.selection.impact.changes import Change, compare_modules, other_file, read_sources, since_recording
from cloche.selection.impact.git import Checkout
from cloche.selection.impact.map import BadMapError, ImpactMap, Staleness, load, staleness
from cloche.selection.impact.recording import NOT_RUN
from cloche.selection.impact.select import Selection, new_tests, still_there
from cloche.selection.impact.source import Module, file_digest, parse
from cloche.selection.impact.spread import Spread
from cloche.selection.impact.uses import Project
from cloche.untrusted import toml
from cloche.untrusted.limits import LOCK
from cloche.untrusted.toml import BadTomlError

# A map that does not know more of the tree's functions than this as they are is of no use.
MOST_STALE = 0.25


@dataclass(frozen=True)
class Request:
    """What the user asks."""

    project: Path
    base: str | None
    head: str | None
    map_file: Path
    results: tuple[Path, ...] = ()
    unrelated: tuple[str, ...] = ()


class Trees(Protocol):
    """Where two versions of a project are read: a git checkout, or two folders."""

    def revision(self, name: str) -> str:
        """Return what a name stands for."""

    def merge_base(self, head: str) -> str:
        """Return where `head` left the main branch."""

    def changed(self, base: str, head: str | None) -> dict[str, str]:
        """Return path -> "A", "M" or "D"."""

    def paths(self, revision: str | None) -> list[str]:
        """Return all files of a version."""

    def read(self, revision: str | None, paths: list[str]) -> dict[str, bytes]:
        """Return the content of those files that exist in a version."""


@dataclass(frozen=True)
class Evidence:
    """What the selection was made of, for who wants to know more of the change than which tests it can reach."""

    known: ImpactMap
    # Both versions together; made when it is asked for, because that takes time.
    project: Callable[[], Project]
    # The changed Python files as they were, and as they are with others that had to be parsed.
    old: dict[str, Module]
    new: dict[str, Module]
    # Changed file -> its content before and after.
    texts: dict[str, tuple[bytes, bytes]]
    # Tests that are known and still there.
    there: set[str]


@dataclass(frozen=True)
class Answer:
    """A selection, and what it rests on."""

    selection: Selection
    base: str
    head: str | None
    changes: list[Change]
    staleness: Staleness | None
    # Tests that the map knows and that are still there.
    known: int
    # What pytest is given for "everything".
    paths: list[str]
    # What numbers about the change are made of; None without a map.
    evidence: Evidence | None = None


def modules_of(files: dict[str, bytes]) -> dict[str, Module]:
    """Parse files; those that are no Python are left out."""
    found = {}
    for path, data in files.items():
        try:
            found[path] = parse(data)
        except (SyntaxError, ValueError):
            continue
    return found


def answer(request: Request, say: Callable[[str], None], trees: Trees | None = None) -> Answer:
    """Select the tests that the change between two versions can affect; they are read from git unless `trees` has them."""
    repository = Checkout(request.project) if trees is None else trees
    head = None if request.head is None else repository.revision(request.head)
    base = repository.merge_base(head or "HEAD") if request.base is None else repository.revision(request.base)
    own = _inside(request.map_file, request.project)
    status = {path: state for path, state in repository.changed(base, head).items() if path != own}
    paths = repository.paths(head)
    old_files = repository.read(base, sorted(status))
    new_files = repository.read(head, [path for path in paths if path.endswith(".py")])
    others = repository.read(head, [path for path in sorted(status) if not path.endswith(".py")])

    selection = Selection()
    known = _map(request.map_file, selection, say)
    old_sources = {path: data for path, data in old_files.items() if path.endswith(".py")}
    before_files = {path: data for path, data in new_files.items() if path not in status} | old_sources
    # What is as it was recorded need not be parsed, unless the uses of a name are looked for.
    sources = known.sources if known is not None else {}
    was = {path: file_digest(data) for path, data in before_files.items()}
    now = {path: file_digest(new_files[path]) for path in status if path in new_files}
    same = {path for path, found in was.items() if sources.get(path) == found}
    new = modules_of({path: data for path, data in new_files.items() if path in status or path not in same})
    old = modules_of(old_sources)
    here = {path: module for path, module in new.items() if path in status}
    changes = compare_modules(old, here)
    for path in sorted(status):
        if path.endswith(".py"):
            if PurePosixPath(path).name == "setup.py" or (path in new_files and path not in new):
                why = "changed, which builds the project" if path in new else "changed and cannot be parsed"
                changes.append(Change("everything", path, f"{path} {why}"))
        else:
            changes += other_file(
                path, status[path], old_files.get(path, b""), others.get(path, b""), request.unrelated
            )
    paths_for_all = test_paths(others | repository.read(head, ["pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"]))
    if known is None:
        return Answer(selection, base, head, changes, None, 0, paths_for_all)

    before = {path: module for path, module in new.items() if path not in status}
    before |= {path: module for path, module in old.items() if path not in same}
    stale = staleness(known, before, same)
    if stale.share > MOST_STALE:
        selection.all(f"the map is stale: {stale.sentence()}")

    after = {**old, **new}
    spread = Spread(
        known,
        lambda: Project({**after, **modules_of({path: data for path, data in new_files.items() if path not in after})}),
        selection,
        lambda: Project(
            {path: each for path, each in spread.project.modules.items() if path not in status} | old, spread.project
        ),
    )
    texts = read_sources(known, was, now)
    for change in [*changes, *texts]:
        spread.follow(change, change.sentence())
    for change in [*since_recording(known, before, same), *read_sources(known, known.sources, was)]:
        spread.follow(change, f"since the map was recorded: {change.sentence()}")
    # What else is said of a file says more.
    changes += [change for change in texts if change.file not in {each.file for each in changes}]
    _always(known, new, selection, request.results, configured(repository, head), say)
    same -= status.keys()
    there = {
        test for test in known.outcomes if test.partition("::")[0] in same or still_there(test, known, new, set(paths))
    }
    if known.outcomes and not there:
        # Names of tests begin with their files as seen from pytest's root; recorded below another one, none is found.
        selection.all(f"none of the map's {len(known.outcomes)} tests is in the tree; record it anew in this folder")
    for test in set(known.outcomes) - there:
        selection.reasons.pop(test, None)
        selection.always.pop(test, None)
    contents = {path: (old_files.get(path, b""), new_files.get(path, others.get(path, b""))) for path in sorted(status)}
    evidence = Evidence(known, lambda: spread.project, old, new, contents, there)
    return Answer(selection, base, head, changes, stale, len(there), paths_for_all, evidence)


def configured(trees: Trees, head: str | None) -> bool:
    """Say whether the project configures which names are tests."""
    files = trees.read(head, ["pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"])
    return any(
        word in data for data in files.values() for word in (b"python_functions", b"python_classes", b"python_files")
    )


def _inside(file: Path, folder: Path) -> str:
    """Return a path relative to a folder, or as it is when it is elsewhere."""
    path, top = Path(os.path.realpath(file)), Path(os.path.realpath(folder))
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else str(path)


def _map(path: Path, selection: Selection, say: Callable[[str], None]) -> ImpactMap | None:
    if not path.is_file():
        selection.all(f"there is no map {path}; make it with: cloche select-tests --record")
        return None
    try:
        return load(path)
    except BadMapError as error:
        say(f"warning: {error.message}")
        selection.all("the map cannot be read")
        return None


def _always(  # noqa: PLR0913, PLR0917 - what the rules look at
    known: ImpactMap,
    new: dict[str, Module],
    selection: Selection,
    results: tuple[Path, ...],
    custom: bool,  # noqa: FBT001 - whether names of tests are configured
    say: Callable[[str], None],
) -> None:
    """Select what always runs: new tests, and those that did not pass."""
    fresh = new_tests(known, new, custom=custom)
    for test, why in fresh.items():
        selection.add([test], f"new: {why}", always=True)
    for test, outcome in known.outcomes.items():
        if outcome != "passed":
            word = {"skipped": "was skipped", NOT_RUN: "did not run to its end"}.get(outcome, outcome)
            selection.add([test], f"{word} when the map was recorded, so what it runs is not known", always=True)
    for path in results:
        found, lost = last_results.match(last_results.failed(path), {*known.outcomes, *fresh})
        selection.add(found, f"failed in {path.name}", always=True)
        if lost:
            say(f"warning: {path} has failed tests that are not known here: {', '.join(sorted(lost))}")
            selection.all(f"a test that failed in {path.name} is not known: {min(lost)}")


def test_paths(files: dict[str, bytes]) -> list[str]:
    """Return pytest's configured `testpaths`, or ["."]: what stands for everything in a list of tests."""
    for name in ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
        text = files.get(name, b"").decode(errors="replace")
        found: object = None
        if name == "pyproject.toml":
            try:
                table = toml.loads(files.get(name, b""), what=name, limit=LOCK)
                found = table.get("tool", {}).get("pytest", {}).get("ini_options", {}).get("testpaths")
            except (BadTomlError, *MISSHAPEN):
                continue
        else:
            parser = configparser.ConfigParser(interpolation=None)
            try:
                parser.read_string(text)
            except configparser.Error:
                continue
            section = "tool:pytest" if name == "setup.cfg" else "pytest"
            found = parser.get(section, "testpaths", fallback=None)
        words = found.split() if isinstance(found, str) else found
        if isinstance(words, list) and words:
            return [str(word) for word in words]
    return ["."]


def report_recorded(target: Path, say: Callable[[str], None]) -> None:
    """Say what a recording holds."""
    known = load(target)
    ran = sum(bool(each.tests) for each in known.functions.values())
    imported = sum(each.imported for each in known.functions.values())
    say(
        f"{target}: {len(known.outcomes)} tests, {len(known.functions)} functions, of which tests ran {ran}, and "
        f"{imported} ran at import"
    )
    unseen = len(known.programs.tests)
    if unseen:
        say(f"{unseen} tests start other programs, in which nothing is seen; they are selected for every change")
