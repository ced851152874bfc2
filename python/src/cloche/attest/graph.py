"""The closure of a derivation, as Nix's exportReferencesGraph tells a builder of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cloche.attest.hashes import digest_set
from cloche.errors import ClocheError
from cloche.store import derivation

HASH_LENGTH = 32


class ProvenanceError(ClocheError):
    """Something that would make a statement untrue; the message says what and where."""


@dataclass(frozen=True)
class StorePath:
    """A path of the store with the digest of its NAR and what it refers to (itself included)."""

    path: str
    digest: dict[str, str]
    references: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the name without the hash."""
        return name_of(self.path)


def name_of(path: str) -> str:
    """Return a store path's name without its hash."""
    return path.rpartition("/")[2][HASH_LENGTH + 1 :]


def read(entries: list[dict[str, Any]]) -> dict[str, StorePath]:
    """Return the paths of an exported graph."""
    return {
        entry["path"]: StorePath(entry["path"], digest_set(entry["narHash"]), tuple(entry["references"]))
        for entry in entries
    }


def closure(graph: dict[str, StorePath], root: str) -> list[StorePath]:
    """Return a path and all that it needs at run time, sorted by path."""
    found: dict[str, StorePath] = {}
    waiting = [root]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = graph[path]
            waiting += graph[path].references
    return [found[path] for path in sorted(found)]


def derivations(root: str) -> Iterator[tuple[str, derivation.Derivation]]:
    """Yield each .drv file that a derivation is built from, with what it says, the root included."""
    seen: set[str] = set()
    waiting = [root]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            found = _read(path)
            yield path, found
            waiting += found.inputs


# Outputs of one project share most of their closures.
@cache
def _read(path: str) -> derivation.Derivation:
    try:
        return derivation.of_file(Path(path))
    except derivation.BadDerivationError as error:
        message = f"{path} is no derivation that this Cloche can read: {error}"
        raise ProvenanceError(message) from error
