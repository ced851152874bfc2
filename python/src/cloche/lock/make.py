"""Makes a lock: reads or resolves, chooses, closes, and pins what builds need."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cloche.errors import ClocheError
from cloche.lock.builds import BuildLocker
from cloche.lock.closure import Closures, Walker, wrong_python
from cloche.lock.foreign import find_foreign, read_foreign
from cloche.lock.index import Index
from cloche.lock.metadata import MetadataReader
from cloche.lock.model import Environment, Lock
from cloche.lock.pip_config import PipConfig
from cloche.lock.pool import Pool
from cloche.lock.project import Project, refuse_direct_sources
from cloche.lock.resolve import preferred_of, resolve
from cloche.lock.target import Target
from cloche.lock.text import read_bytes


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to lock for: systems and Python versions, packages to build from sdist, and the former lock."""

    targets: tuple[Target, ...]
    sdists: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    former: Lock | None = None
    upgrade: bool = False


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the user's machine brings: pip's configuration, its indexes, a cache, and where to report."""

    config: PipConfig
    index: Index
    cache: Path
    report: Callable[[str], None]


def make_lock(project: Project, request: Request, around: Surroundings) -> Lock:
    """Return the lock of `project`; writes nothing but the cache.

    Raises ClocheError for everything that a person can correct.
    """
    for target in request.targets:
        if not target.meets(project.requires_python):
            remedy = "Choose another --python, or widen requires-python in pyproject.toml."
            raise wrong_python(f"The project {project.name!r}", project.requires_python, target, remedy)
    foreign = find_foreign(project.directory, around.report)
    reader = MetadataReader(around.index, around.cache)
    made_from = {"pyproject.toml": project.digest}
    if foreign is None:
        refuse_direct_sources(project)
        if "index" in project.uv:
            around.report("[[tool.uv.index]] is not used: indexes come from pip's configuration.")
        pool = _resolver(request, around)(None, project.name, project.requirements, project.uv)
    else:
        made_from[foreign.name] = hashlib.sha256(read_bytes(foreign)).hexdigest()
        pool = read_foreign(foreign, project)
        around.report(f"Obeying {foreign.name}.")
    walker = Walker(
        pool=pool,
        reader=reader,
        project=project.name,
        groups=project.groups,
        sdists=frozenset(map(canonicalize_name, request.sdists)),
    )
    closed = [walker.walk(target) for target in request.targets]
    for closures in closed if foreign is None else ():
        walker.refuse_unreached(closures)
    _check_sdists(request.sdists, closed)
    return Lock(
        project=project.name,
        requires_python=project.requires_python,
        made_from=made_from,
        sdists=tuple(sorted(map(canonicalize_name, request.sdists))),
        roles=tuple(sorted(set(request.roles))),
        environments=_environments(project, closed, _build_locker(project, request, around, reader)),
    )


def _environments(
    project: Project, closed: Sequence[Closures], builder: BuildLocker
) -> dict[str, dict[str, Environment]]:
    own = None if project.build_system is None else (project.name, project.build_system)
    environments: dict[str, dict[str, Environment]] = {}
    for closures in closed:
        environment = Environment(
            groups={group: tuple(sorted(names)) for group, names in closures.groups.items()},
            packages=closures.packages(),
            builds=builder.lock(closures, own),
        )
        environments.setdefault(closures.target.system, {})[closures.target.python] = environment
    return environments


def _build_locker(project: Project, request: Request, around: Surroundings, reader: MetadataReader) -> BuildLocker:
    resolver = _resolver(request, around)
    constraints = project.uv.get("build-constraint-dependencies", [])
    settings = {"constraint-dependencies": constraints} if constraints else {}

    def resolve_build(key: str, requirements: Sequence[Requirement]) -> Pool:
        return resolver(key, f"the build of {key}", requirements, settings)

    return BuildLocker(reader=reader, resolve=resolve_build, extra=project.build_requires)


def _resolver(
    request: Request, around: Surroundings
) -> Callable[[str | None, str, Sequence[Requirement], dict[str, Any]], Pool]:
    def run(build: str | None, what: str, requirements: Sequence[Requirement], settings: dict[str, Any]) -> Pool:
        keep = request.former is not None and not request.upgrade
        around.report(f"Resolving {what} ...")
        return resolve(
            what,
            requirements,
            targets=request.targets,
            config=around.config,
            settings=settings,
            preferences=preferred_of(request.former.each(), build) if keep and request.former else "",
        )

    return run


def _check_sdists(names: Sequence[str], closed: Sequence[Closures]) -> None:
    for name in names:
        if not any(canonicalize_name(name) in closures.chosen for closures in closed):
            raise ClocheError(f"--sdist {name}: no group of the project needs {name!r}.\nCheck the spelling.")
