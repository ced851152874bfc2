"""The closure of store paths, as Nix tells it to a derivation by exportReferencesGraph under structured attributes."""

from dataclasses import dataclass
from typing import Any

# Nix's own base 32 (nix/src/libutil/hash.cc): no e, o, u, t; the last digit of the text is the lowest.
_DIGITS = "0123456789abcdfghijklmnpqrsvwxyz"
_SHA256_BYTES = 32


@dataclass(frozen=True)
class StorePath:
    """One path of a closure: the sha256 of its NAR in hexadecimal, its size in bytes, and the paths it refers to."""

    path: str
    nar_sha256: str
    nar_size: int
    references: frozenset[str]


def read(graph: list[dict[str, Any]]) -> dict[str, StorePath]:
    """Return the closure by path, sorted; a path's reference to itself is left out.

    Raises ValueError for a hash that is no sha256.
    """
    return {
        entry["path"]: StorePath(
            entry["path"],
            hexadecimal(entry["narHash"]),
            entry["narSize"],
            frozenset(entry["references"]) - {entry["path"]},
        )
        for entry in sorted(graph, key=lambda entry: str(entry["path"]))
    }


def hexadecimal(narhash: str) -> str:
    """Return the hexadecimal digits of `sha256:` and base 32, as Nix prints hashes; raise ValueError for another text."""
    algorithm, _, text = narhash.partition(":")
    if algorithm != "sha256" or not text or any(digit not in _DIGITS for digit in text):
        message = f"{narhash!r} is not a sha256 in Nix's base 32"
        raise ValueError(message)
    value = 0
    for digit in text:
        value = value << 5 | _DIGITS.index(digit)
    try:
        return value.to_bytes(_SHA256_BYTES, "little").hex()
    except OverflowError:
        message = f"{narhash!r} is longer than a sha256"
        raise ValueError(message) from None
