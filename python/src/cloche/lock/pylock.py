"""pylock.toml (PEP 751), read with `packaging.pylock`."""

from pathlib import Path
from typing import Any

from packaging.pylock import Package as PylockPackage
from packaging.pylock import PackageSdist, PackageWheel, Pylock, PylockUnsupportedVersionError, PylockValidationError

from cloche.lock.model import unsupported_lock_version
from cloche.lock.pool import Candidate, File, Pool, checked_file
from cloche.lock.text import malformed, parse_toml

LOCK_NAME = "pylock.toml"
REMEDY = "Write it again with the tool that made it, such as `uv export --format pylock.toml`."


def read_pylock(path: Path, remedy: str = REMEDY, overridden: frozenset[str] = frozenset()) -> Pool:
    """Return what a pylock.toml offers; the edges between its packages come from their metadata.

    Raises ClocheError.
    """
    data = parse_toml(path, remedy)
    try:
        lock = Pylock.from_dict(data)
    except PylockUnsupportedVersionError as error:
        raise unsupported_lock_version(path, data.get("lock-version"), "1.0", remedy) from error
    except PylockValidationError as error:
        raise malformed(path, str(error), remedy) from error
    pool = Pool(path.name, remedy, overridden=overridden)
    for package in lock.packages:
        pool.add(_candidate(package, path))
    return pool


def _candidate(package: PylockPackage, path: Path) -> Candidate:
    entries: list[PackageSdist | PackageWheel] = list(package.wheels or ())
    if package.sdist is not None:
        entries.append(package.sdist)
    return Candidate(
        name=package.name,
        version=str(package.version) if package.version is not None else "0",
        files=tuple(file for entry in entries if (file := _file(entry, package.name, path))),
        marker=package.marker,
        requires_python=str(package.requires_python) if package.requires_python is not None else None,
        unsupported=_unsupported(package),
        origin=path.name,
    )


def _file(entry: PackageSdist | PackageWheel, package: str, path: Path) -> File | None:
    return checked_file(entry.filename, package, path.name, entry.hashes.get("sha256"), entry.size)


def _unsupported(package: PylockPackage) -> str | None:
    sources: list[tuple[Any, str]] = [
        (package.vcs, "a repository"),
        (package.directory, "a folder"),
        (package.archive, "a URL"),
    ]
    return next((what for source, what in sources if source is not None), None)
