"""How severe an advisory is: CVSS vectors, rated by the library cvss (https://www.first.org/cvss/)."""

from dataclasses import dataclass, replace
from enum import IntEnum

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError

_CLASSES = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}
# Types of the OSV format whose score is a word, which says how urgent one distribution finds it, and rates nothing.
_WORDS = {"Ubuntu"}
# The qualitative rating scale of CVSS 3.1, section 5, and 4.0, section 6: the score below which each level ends.
_ENDS = ((0.1, "none"), (4.0, "low"), (7.0, "medium"), (9.0, "high"))


class Level(IntEnum):
    """The qualitative severity; `unknown` stands above every ceiling."""

    none = 0
    low = 1
    medium = 2
    high = 3
    critical = 4
    unknown = 5


@dataclass(frozen=True)
class Severity:
    """A level, and the score (0.0 to 10.0) and vector that it comes from, None where there is none that can be read.

    `least` is the level of what can be read, where something beside it can't and the level is unknown.
    """

    level: Level
    score: float | None = None
    method: str | None = None
    vector: str | None = None
    least: Level = Level.none


UNKNOWN = Severity(Level.unknown)


def rate(vectors: list[tuple[str, str]]) -> Severity:
    """Return the highest severity of (type, vector) pairs; one that can't be read could be higher, and makes it unknown."""
    rated = [_rate(kind, vector) for kind, vector in vectors if kind not in _WORDS]
    known = [severity for severity in rated if severity is not None]
    found = max(known, key=lambda severity: severity.score or 0.0, default=UNKNOWN)
    return found if len(known) == len(rated) else replace(UNKNOWN, least=found.level if known else Level.none)


def _rate(kind: str, vector: str) -> Severity | None:
    known = _CLASSES.get(kind)
    if known is None:
        return None
    try:
        score = float(known(vector).base_score)
    except CVSSError:
        return None
    name = next((name for end, name in _ENDS if score < end), "critical")
    return Severity(Level[name], score, kind, vector)
