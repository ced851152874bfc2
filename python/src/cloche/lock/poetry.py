"""poetry.lock, formats 1.x and 2.x (https://python-poetry.org), as Poetry writes it."""

from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from cloche.errors import MISSHAPEN
from cloche.lock.legacy import read_requirement
from cloche.lock.model import unsupported_lock_version
from cloche.lock.poetry_project import pep508
from cloche.lock.pool import Candidate, File, Pool, checked_file
from cloche.lock.text import malformed, parse_toml

REMEDY = "Run `poetry lock`."
_KNOWN_MAJORS = ("1", "2")
_UNSUPPORTED = {"git": "a git repository", "url": "a URL", "file": "a path", "directory": "a folder"}


def read_poetry_lock(path: Path) -> Pool:
    """Return what poetry.lock offers.

    Raises ClocheError.
    """
    data = parse_toml(path, REMEDY)
    pool = Pool(path.name, REMEDY)
    try:
        version = str(data.get("metadata", {}).get("lock-version"))
        if version.partition(".")[0] not in _KNOWN_MAJORS:
            raise unsupported_lock_version(path, version, "1.x, 2.x", "Run `poetry lock` with Poetry 2.")
        # Format 1.0 and 1.1 list the files of all packages in one table.
        old_files = data["metadata"].get("files", {})
        for package in data.get("package", []):
            pool.add(_candidate(package, old_files, path))
    except MISSHAPEN as error:
        raise malformed(path, f"not as Poetry writes it ({type(error).__name__}: {error})", REMEDY) from error
    return pool


def _candidate(package: dict[str, Any], old_files: dict[str, Any], path: Path) -> Candidate:
    name = canonicalize_name(package["name"])
    entries = package.get("files") or old_files.get(package["name"], old_files.get(name, []))
    source = package.get("source", {})
    kind = _UNSUPPORTED.get(source.get("type", ""))
    return Candidate(
        name=name,
        version=package["version"],
        files=tuple(file for entry in entries if (file := _file(entry, name, path))),
        dependencies=tuple(_edges(package)),
        marker=_marker(package.get("markers")),
        unsupported=f"{kind} ({source.get('url')})" if kind else None,
        origin=path.name,
    )


def _file(entry: dict[str, Any], package: str, path: Path) -> File | None:
    algorithm, _, digest = entry["hash"].partition(":")
    return checked_file(entry["file"], package, path.name, digest if algorithm == "sha256" else None)


def _marker(markers: str | dict[str, str] | None) -> Marker | None:
    """Return the marker; a table has one for each group, and a group without one needs none."""
    if not markers:
        return None
    texts = [markers] if isinstance(markers, str) else list(markers.values())
    return Marker(" or ".join(f"({text})" for text in texts))


def _edges(package: dict[str, Any]) -> list[Requirement]:
    wanted_by = _extras(package)
    edges = []
    for name, value in package.get("dependencies", {}).items():
        for constraint in value if isinstance(value, list) else [value]:
            requirement = pep508(name, constraint)
            optional = isinstance(constraint, dict) and constraint.get("optional")
            if not optional:
                edges.append(requirement)
                continue
            edges.extend(_with_extra(requirement, extra) for extra in wanted_by.get(canonicalize_name(name), ()))
    return edges


def _extras(package: dict[str, Any]) -> dict[str, list[str]]:
    """Return, for each optional dependency, the extras of the package that want it."""
    wanted: dict[str, list[str]] = {}
    for extra, texts in package.get("extras", {}).items():
        for text in texts:
            try:
                name = read_requirement(text).name
            except InvalidRequirement:
                name = text.split()[0].partition("[")[0]
            wanted.setdefault(canonicalize_name(name), []).append(canonicalize_name(extra))
    return wanted


def _with_extra(requirement: Requirement, extra: str) -> Requirement:
    """Return the requirement on the condition `extra`; Poetry's marker may state it already."""
    text = f"({requirement.marker}) and extra == '{extra}'" if requirement.marker else f"extra == '{extra}'"
    bare, _, _ = str(requirement).partition(";")
    return Requirement(f"{bare.strip()} ; {text}")
