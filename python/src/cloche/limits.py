"""What Cloche's parsers accept at most; docs/limits.md shows the same table.

A limit is far above what real input has, and low enough that hostile input is refused before it costs memory or time.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """The most that one kind of input may have: bytes, levels of nesting, members of a list or of an archive."""

    bytes: int
    depth: int = 64
    members: int = 100_000


MIB = 1 << 20

POLICY = Limit(bytes=MIB, depth=16, members=10_000)
TRUST_ROOT = Limit(bytes=4 * MIB, depth=32)
BUNDLE = Limit(bytes=16 * MIB, depth=32)
STATEMENT = Limit(bytes=64 * MIB, depth=64)
SBOM = Limit(bytes=64 * MIB, depth=64)
MANIFEST = Limit(bytes=4 * MIB, depth=16, members=1000)
ADVISORY = Limit(bytes=4 * MIB, depth=32)
