"""What `cloche lock` and `cloche lock --check` do, without the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cloche.lock.changes import changes, summary
from cloche.lock.check import differences, stale_lock
from cloche.lock.index import PipIndex, cache_directory
from cloche.lock.make import Request, Surroundings, make_lock
from cloche.lock.model import LOCK_NAME, Lock, read_lock
from cloche.lock.pip_config import read_pip_config
from cloche.lock.project import Project, read_project
from cloche.lock.target import SYSTEMS, Target, lowest_python
from cloche.store import write as whole
from cloche.store.git import make_known


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user asked for; an empty tuple leaves it to the former lock, else to the default."""

    systems: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()
    sdists: tuple[str, ...] = ()
    keep_sdists: bool = True
    # None keeps the former lock's.
    roles: tuple[str, ...] | None = None
    upgrade: bool = False


def write(directory: Path, options: Options, report: Callable[[str], None]) -> Lock:
    """Make and write the lock of the project in `directory`, tell `report`, and return the lock.

    Raises ClocheError.
    """
    project = read_project(directory)
    path = directory / LOCK_NAME
    former = read_lock(path) if path.exists() else None
    config = read_pip_config()
    cache = cache_directory()
    around = Surroundings(config=config, index=PipIndex(config, cache), cache=cache, report=report)
    kept = former.sdists if former is not None and options.keep_sdists else ()
    request = Request(
        targets=_targets(project, options, former),
        sdists=tuple(sorted({*kept, *options.sdists})),
        roles=options.roles if options.roles is not None else (former.roles if former is not None else ()),
        former=former,
        upgrade=options.upgrade,
    )
    lock = make_lock(project, request, around)
    whole.file(path, lock.dumps())
    for line in changes(former, lock):
        report(line)
    report(f"Wrote {path}: {summary(lock)}")
    if warning := make_known([path]):
        report(warning)
    return lock


def check(directory: Path, options: Options, report: Callable[[str], None]) -> None:
    """Raise ClocheError when the lock of the project in `directory` is stale or missing."""
    project = read_project(directory)
    path = directory / LOCK_NAME
    former = read_lock(path) if path.exists() else None
    found = differences(former, project, _targets(project, options, former), report)
    if found:
        raise stale_lock(path, found)
    report(f"{path} is up to date.")


def _targets(project: Project, options: Options, former: Lock | None) -> tuple[Target, ...]:
    systems = options.systems or (former.systems if former else ()) or tuple(SYSTEMS)
    pythons = options.pythons or (former.pythons if former else ()) or (lowest_python(project.requires_python),)
    return tuple(Target(system, python) for system in dict.fromkeys(systems) for python in dict.fromkeys(pythons))
