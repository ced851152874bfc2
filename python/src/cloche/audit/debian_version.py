"""Debian's order of versions (Debian Policy, section 5.6.12), as a key for comparison."""

import re

_PARTS = re.compile(r"(\D*)(\d*)")
_ALLOWED = re.compile(r"(\d+:)?\d[A-Za-z0-9.+~:-]*")

Part = tuple[tuple[int, ...], int]
Key = tuple[int, tuple[Part, ...], tuple[Part, ...]]


def key(version: str) -> Key:
    """Return what two versions are ordered by; raise ValueError for a text that is no version."""
    if not _ALLOWED.fullmatch(version):
        message = f"{version!r} is no version of a Debian package"
        raise ValueError(message)
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, hyphen, revision = rest.rpartition("-")
    if not hyphen:
        upstream, revision = rest, "0"
    return int(epoch), _parts(upstream), _parts(revision)


def _parts(text: str) -> tuple[Part, ...]:
    parts = [
        ((*map(_order, letters), 0), int(digits or 0)) for letters, digits in _PARTS.findall(text) if letters or digits
    ]
    # The end sorts behind a tilde and before everything else.
    return (*parts, ((0,), 0))


def _order(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
