"""The limits of archives, apart from all others (limits.py): an edit here builds every wheel again."""

from typing import NamedTuple


class Limit(NamedTuple):
    """The most that one kind of input may have: bytes, levels of nesting, members of a list or of an archive."""

    bytes: int
    depth: int = 64
    members: int = 100_000


MIB = 1 << 20
GIB = 1 << 30

# Bytes when unpacked, folders below each other, files.
WHEEL = Limit(bytes=8 * GIB, depth=64, members=200_000)
SDIST = Limit(bytes=8 * GIB, depth=64, members=200_000)
# How many times larger than the archive its content may be, from 64 MiB on.
RATIO = 200
