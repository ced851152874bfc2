"""What is wanted: the files of locks and of the toolchain's pins."""

import json
from dataclasses import dataclass
from pathlib import Path

from cloche.store_name import store_name


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
    size: int
    # Debian packages have a path in the pool; files of an index have none.
    pool: str = ""

    @property
    def store_name(self) -> str:
        """The file's name in the store."""
        return store_name(self.file)


def sources_of_lock(path: Path, systems: list[str], groups: tuple[str, ...] = ()) -> list[Source]:
    """Return the files that the lock names for these systems, build requirements included; all groups', or some."""
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
        found = []
        for system in systems:
            for environment in lock["environments"].get(system, {}).values():
                names = {name for group in groups for name in environment["groups"][group]}
                packages = environment["packages"].items()
                found += [(name, entry) for name, entry in packages if name in names or not groups]
                for build in environment["builds"].values():
                    found += build["packages"].items()
        return [
            Source(name, entry["version"], _plain(entry["file"], path), entry["sha256"], entry["size"])
            for name, entry in found
        ]
    except OSError as error:
        raise FetchError(f"{path}: cannot be read: {error.strerror}", 2) from None
    except json.JSONDecodeError as error:
        text = (
            f"{path}, line {error.lineno}, column {error.colno}: {error.msg}; make the lock again with 'nix run .#lock'"
        )
        raise FetchError(text, 2) from None
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise FetchError(
            f"{path}: not a lock of this Cloche ({error!r}); make it again with 'nix run .#lock'", 2
        ) from None


def _plain(file: str, origin: Path) -> str:
    if not file or file.startswith(".") or "/" in file or "\\" in file or not file.isprintable():
        raise FetchError(f"{origin}: {file!r} is not a plain file name and could lead out of the environment", 2)
    return file


def roles_of_lock(path: Path, folder: Path) -> list[str]:
    """Return the toolchain's roles that the lock says the configuration uses; `folder` holds their pins."""
    roles = json.loads(path.read_text(encoding="utf-8")).get("roles", [])
    known = sorted(pins.stem for pins in folder.glob("*.json") if pins.stem != "seed")
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
