"""The random stream: a pure function of seed, test and call, so that nothing else can move it."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Draw:
    """What chance says about one call: `uniform` in [0, 1), and a number that chooses among faults."""

    uniform: float
    choice: int


def draw(seed: int, test: str, call: str) -> Draw:
    """Return the draw of one call: 128 bits of BLAKE2b over seed, node id and call number."""
    digest = hashlib.blake2b(f"{seed}\0{test}\0{call}".encode(errors="surrogateescape"), digest_size=16).digest()
    # 53 bits are what a double holds, so the largest quotient is below 1.
    return Draw((int.from_bytes(digest[:8]) >> 11) / (1 << 53), int.from_bytes(digest[8:]))
