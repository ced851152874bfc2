"""uv.lock (https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile), as uv writes it."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cloche.errors import MISSHAPEN, ClocheError
from cloche.lock.model import unsupported_lock_version
from cloche.lock.pool import Candidate, File, Pool, checked_file
from cloche.lock.text import line_of, malformed, parse_toml

LOCK_NAME = "uv.lock"
REMEDY = "Run `uv lock`."
_KNOWN_VERSION = 1
# Kinds of [package.source] that are the project itself, or a member of its workspace.
_LOCAL_KINDS = ("virtual", "editable", "directory")


def read_uv_lock(path: Path, uv_settings: dict[str, Any]) -> Pool:
    """Return what uv.lock offers; `uv_settings` is [tool.uv].

    Raises ClocheError.
    """
    data = parse_toml(path, REMEDY)
    version = data.get("version")
    if version != _KNOWN_VERSION:
        remedy = f"Run `uv lock` with a uv that writes version {_KNOWN_VERSION}."
        raise unsupported_lock_version(path, version, str(_KNOWN_VERSION), remedy)
    if data.get("conflicts"):
        raise ClocheError(
            f"{path}:{line_of(path, 'conflicts')}: the lock declares conflicts between groups or extras, which is not "
            "supported.\nOne environment holds one version of a package: remove [tool.uv] conflicts, or split the "
            "project."
        )
    pool = Pool(path.name, REMEDY, overridden=overridden_names(uv_settings))
    try:
        for package in data.get("package", []):
            pool.add(_candidate(package, path))
    except MISSHAPEN as error:
        raise malformed(path, f"not as uv writes it ({type(error).__name__}: {error})", REMEDY) from error
    return pool


def overridden_names(settings: dict[str, Any]) -> frozenset[str]:
    """Return the packages whose requirements [tool.uv] replaces or leaves out."""
    texts = [*settings.get("override-dependencies", ()), *settings.get("exclude-dependencies", ())]
    return frozenset(canonicalize_name(Requirement(text).name) for text in texts if isinstance(text, str))


def _candidate(package: dict[str, Any], path: Path) -> Candidate:
    name = canonicalize_name(package["name"])
    files = [package["sdist"]] if "sdist" in package else []
    files.extend(package.get("wheels", []))
    markers = package.get("resolution-markers", [])
    return Candidate(
        name=name,
        version=package.get("version", "0"),
        files=tuple(file for entry in files if (file := _file(entry, name, path))),
        dependencies=tuple(_edges(package)),
        marker=Marker(" or ".join(f"({marker})" for marker in markers)) if markers else None,
        unsupported=_unsupported(package["source"]),
        origin=path.name,
    )


def _edges(package: dict[str, Any]) -> list[Requirement]:
    edges = [_edge(entry) for entry in package.get("dependencies", [])]
    for extra, entries in package.get("optional-dependencies", {}).items():
        edges.extend(_edge(entry, f"extra == '{extra}'") for entry in entries)
    return edges


def _edge(entry: dict[str, Any], condition: str = "") -> Requirement:
    extras = f"[{','.join(entry['extra'])}]" if entry.get("extra") else ""
    version = f"=={entry['version']}" if "version" in entry else ""
    markers = [f"({marker})" for marker in (entry.get("marker", ""), condition) if marker]
    return Requirement(f"{entry['name']}{extras}{version}" + (f" ; {' and '.join(markers)}" if markers else ""))


def _file(entry: dict[str, Any], package: str, path: Path) -> File | None:
    where = entry.get("filename") or entry.get("url") or entry.get("path")
    if where is None:
        return None
    name = unquote(
        urlparse(where).path.rpartition("/")[2] if "url" in entry else where.replace("\\", "/").rpartition("/")[2]
    )
    algorithm, _, digest = entry.get("hash", "").partition(":")
    return checked_file(name, package, path.name, digest if algorithm == "sha256" else None, entry.get("size"))


def _unsupported(source: dict[str, Any]) -> str | None:
    for kind in ("git", "url", "path"):
        if kind in source:
            return f"{_article(kind)} ({source[kind]})"
    for kind in _LOCAL_KINDS:
        if kind in source:
            return f"the folder {source[kind]!r}"
    return None


def _article(kind: str) -> str:
    return {"git": "a git repository", "url": "a URL", "path": "a path"}[kind]
