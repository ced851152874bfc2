"""Whether a lock still fits what it was made from; no network is needed to tell."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cloche.errors import ClocheError, ExitCode
from cloche.lock.foreign import find_foreign
from cloche.lock.model import Environment, Lock, Package
from cloche.lock.project import Project
from cloche.lock.target import Target
from cloche.lock.text import read_bytes


def stale_lock(path: Path, differences: Sequence[str]) -> ClocheError:
    """Return the error of a lock that does not fit its project any more."""
    lines = "".join(f"\n  {line}" for line in differences)
    return ClocheError(f"{path} is stale:{lines}\nRun `nix run .#lock`.", ExitCode.CHECK_FAILED)


def differences(
    lock: Lock | None, project: Project, targets: Sequence[Target], report: Callable[[str], None]
) -> list[str]:
    """Return what differs between `lock` and what `project` now asks for on `targets`."""
    if lock is None:
        return ["there is no cloche.lock"]
    found = _sources(lock, project, report)
    if lock.project != project.name:
        found.append(f"it is the lock of {lock.project!r}, not of {project.name!r}")
    if lock.requires_python != project.requires_python:
        found.append(f"requires-python is now {project.requires_python!r}, was {lock.requires_python!r}")
    for target in targets:
        environment = lock.environments.get(target.system, {}).get(target.python)
        if environment is None:
            found.append(f"{target} is not locked")
        else:
            lines = [*_requirements(environment, project, target), *_edges(environment, target)]
            found.extend(line for line in lines if line not in found)
    return found


def _edges(environment: Environment, target: Target) -> list[str]:
    """Return what in a lock leads to nothing, and the packages that nothing leads to: somebody has edited it."""
    tables = [("", environment.packages, {name for names in environment.groups.values() for name in names})]
    for key, build in environment.builds.items():
        roots = {canonicalize_name(Requirement(text).name) for text in build.requires}
        reached = _reached(build.packages, {name for name in roots if name in build.packages})
        tables.append((f"the build of {key}: ", build.packages, reached))
    found = []
    for where, packages, reached in tables:
        edges = {(name, other) for name, package in packages.items() for other in package.dependencies}
        found += [f"{where}{name} needs {other}, which is not locked" for name, other in edges if other not in packages]
        found += [f"{where}{name} is in a group and not locked" for name in reached - packages.keys()]
        found += [f"{where}{name} is locked, and nothing needs it" for name in packages.keys() - reached]
    return [f"{line} ({target})" for line in sorted(found)]


def _reached(packages: Mapping[str, Package], names: set[str]) -> set[str]:
    while more := {other for name in names & packages.keys() for other in packages[name].dependencies} - names:
        names = names | more
    return names


def _sources(lock: Lock, project: Project, report: Callable[[str], None]) -> list[str]:
    foreign = find_foreign(project.directory, report)
    made_from = {"pyproject.toml": project.digest}
    if foreign is not None:
        made_from[foreign.name] = hashlib.sha256(read_bytes(foreign)).hexdigest()
    found = [
        f"{name} changed" for name in sorted(made_from) if made_from[name] != lock.made_from.get(name, made_from[name])
    ]
    found += [f"{name} is new, and is to be obeyed" for name in sorted(made_from.keys() - lock.made_from.keys())]
    found += [f"{name} was obeyed, and is gone" for name in sorted(lock.made_from.keys() - made_from.keys())]
    return found


def _requirements(environment: Environment, project: Project, target: Target) -> list[str]:
    found = [
        f"the group {group!r} is not locked" for group in sorted(project.groups.keys() - environment.groups.keys())
    ]
    found += [f"the group {group!r} is gone" for group in sorted(environment.groups.keys() - project.groups.keys())]
    for group, requirements in project.groups.items():
        for requirement in requirements:
            name = canonicalize_name(requirement.name)
            if name == project.name or not target.holds(requirement.marker):
                continue
            package = environment.packages.get(name)
            if package is None or name not in environment.groups.get(group, (name,)):
                found.append(f"{requirement} of the group {group!r} is not locked")
            elif not requirement.specifier.contains(package.version, prereleases=True):
                found.append(f"{requirement} of the group {group!r} is not met by {package.version}")
    return found
