"""What Cloche's parsers accept at most; docs/limits.md shows the same table.

A limit is far above what real input has, and low enough that hostile input is refused before it costs memory or time.
"""

from cloche.untrusted.archive_limits import GIB, MIB, RATIO, SDIST, WHEEL, Limit

POLICY = Limit(bytes=MIB, depth=16, members=10_000)
# Sigstore's trust root, or a client's trust configuration, which has one in it.
TRUST_ROOT = Limit(bytes=4 * MIB, depth=32)
BUNDLE = Limit(bytes=16 * MIB, depth=32)
# All documents of one verification or of one signing together; members are files, or artifacts that are attached.
EVIDENCE = Limit(bytes=64 * MIB, members=1000)
# One report of tests.
TELEMETRY = Limit(bytes=512 * MIB, depth=16, members=10_000_000)
# What a signature without a statement is about is held in memory as a whole.
SIGNED = Limit(bytes=GIB)
STATEMENT = Limit(bytes=64 * MIB, depth=64)
SBOM = Limit(bytes=64 * MIB, depth=64)
MANIFEST = Limit(bytes=4 * MIB, depth=16, members=1000)
INDEX_PAGE = Limit(bytes=64 * MIB, depth=16, members=1_000_000)
# A result of an experiment, in whatever format; an archive's when unpacked.
RESULT = Limit(bytes=2 * GIB)
ADVISORY = Limit(bytes=4 * MIB, depth=32)
# One file that a report is made of.
REPORT = Limit(bytes=256 * MIB, depth=64, members=10_000_000)
LOCK = Limit(bytes=64 * MIB, depth=16, members=1_000_000)
IMPACT_MAP = Limit(bytes=256 * MIB, depth=8, members=10_000_000)
# One line of it.
KILL_MATRIX = Limit(bytes=64 * MIB, depth=8, members=1_000_000)
# One change in the rows that a model is made of, and one description of a model.
TEST_ROWS = Limit(bytes=64 * MIB, depth=8, members=1_000_000)
TEST_MODEL = Limit(bytes=16 * MIB, depth=8, members=100_000)
# One text that is read out of an archive while locking.
METADATA = Limit(bytes=16 * MIB)
SDIST_TEXT = Limit(bytes=4 * MIB)

__all__ = [
    "ADVISORY",
    "BUNDLE",
    "EVIDENCE",
    "GIB",
    "IMPACT_MAP",
    "INDEX_PAGE",
    "KILL_MATRIX",
    "LOCK",
    "MANIFEST",
    "METADATA",
    "MIB",
    "POLICY",
    "RATIO",
    "REPORT",
    "RESULT",
    "SBOM",
    "SDIST",
    "SDIST_TEXT",
    "SIGNED",
    "STATEMENT",
    "TELEMETRY",
    "TEST_MODEL",
    "TEST_ROWS",
    "TRUST_ROOT",
    "WHEEL",
    "Limit",
]
