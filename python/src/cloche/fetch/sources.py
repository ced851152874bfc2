"""What is wanted: the files of locks and of the toolchain's pins."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloche.errors import MISSHAPEN
from cloche.store.store_name import store_name
from cloche.untrusted.limits import LOCK
from cloche.untrusted.strict_json import BadJsonError, load

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

# Sets of packages that the toolchain itself is made of.
NO_ROLES = {"licenses", "seed"}


class FetchError(Exception):
    """Something that stops a source from entering the store; `code` is the exit code."""

    def __init__(self, message: str, code: int = 3) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Source:
    """One published file: where to look for it, and what it must be."""

    name: str
    version: str
    file: str
    sha256: str
    # 0 is not known.
    size: int
    # Debian packages have a path in the pool; files of an index have none.
    pool: str = ""

    @property
    def store_name(self) -> str:
        """The file's name in the store."""
        return store_name(self.file)


def sources_of_lock(path: Path, systems: list[str], groups: tuple[str, ...] = ()) -> list[Source]:
    """Return the files that the lock names for these systems, build requirements included; all groups', or some."""
    lock = _read(path)
    try:
        found = []
        for system in systems:
            for environment in lock["environments"].get(system, {}).values():
                names = {name for group in groups for name in environment["groups"][group]}
                packages = environment["packages"].items()
                found += [(name, entry) for name, entry in packages if name in names or not groups]
                for build in environment["builds"].values():
                    found += build["packages"].items()
        return [_source(name, entry, path) for name, entry in found]
    except MISSHAPEN as error:
        raise _no_lock(path, repr(error)) from None


def _read(path: Path) -> Any:  # noqa: ANN401  JSON is of any shape
    """Return what is in a lock, which may come from anybody: what a strict reader of JSON refuses is refused."""
    try:
        return load(path, limit=LOCK)
    except OSError as error:
        raise FetchError(f"{path}: cannot be read: {error.strerror}", 2) from None
    except BadJsonError as error:
        text = str(error)
        if isinstance(error.__cause__, json.JSONDecodeError):
            cause = error.__cause__
            text = f"{path}, line {cause.lineno}, column {cause.colno}: {cause.msg}"
        raise FetchError(f"{text}; make the lock again with 'nix run .#lock'", 2) from None


def _no_lock(path: Path, why: str) -> FetchError:
    return FetchError(f"{path}: not a lock of this Cloche ({why}); make it again with 'nix run .#lock'", 2)


def _source(name: str, entry: dict[str, Any], path: Path) -> Source:
    """Return one entry of the lock, whose words become names of files, arguments and addresses."""
    version, file, digest, size = entry["version"], entry["file"], entry["sha256"], entry["size"]
    if not _NAME.fullmatch(name):
        raise _no_lock(path, f"{name!r} is no name of a package")
    if not isinstance(version, str) or not isinstance(file, str) or not isinstance(digest, str):
        raise _no_lock(path, f"version, file and sha256 of {name} are not all texts")
    if not _SHA256.fullmatch(digest):
        raise _no_lock(path, f"{digest[:80]!r}, the sha256 of {name}, is not 64 hexadecimal digits")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _no_lock(path, f"{size!r}, the size of {name}, is no number of bytes")
    return Source(name, version, _plain(file, path), digest, size)


def _plain(file: str, origin: Path) -> str:
    if not file or file.startswith(".") or "/" in file or "\\" in file or not file.isprintable():
        raise FetchError(f"{origin}: {file!r} is not a plain file name and could lead out of the environment", 2)
    return file


def roles_of_lock(path: Path, folder: Path) -> list[str]:
    """Return the toolchain's roles that the lock says the configuration uses; `folder` holds their pins."""
    lock = _read(path)
    roles = lock.get("roles", []) if isinstance(lock, dict) else None
    if not isinstance(roles, list):
        raise _no_lock(path, f"its roles are {roles!r}")
    known = sorted(pins.stem for pins in folder.glob("*.json") if pins.stem not in NO_ROLES)
    for role in roles:
        if role not in known:
            raise FetchError(f"{path}: the toolchain has no role {role!r}; it has {', '.join(known)}", 2)
    return list(roles)


def sources_of_pins(path: Path) -> list[Source]:
    """Return the Debian packages of one of the toolchain's sets."""
    return [
        Source(pin["name"], pin["version"], pin["path"].rsplit("/", 1)[1], pin["sha256"], pin["size"], pin["path"])
        for pin in json.loads(path.read_text(encoding="utf-8"))
    ]
