"""How severe an advisory is: CVSS vectors, rated by the library cvss (https://www.first.org/cvss/)."""

from dataclasses import dataclass
from enum import IntEnum

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError

_CLASSES = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}
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
    """A level, and the score (0.0 to 10.0) and vector that it comes from, None where there is none that can be read."""

    level: Level
    score: float | None = None
    method: str | None = None
    vector: str | None = None


UNKNOWN = Severity(Level.unknown)


def rate(vectors: list[tuple[str, str]]) -> Severity:
    """Return the highest severity of (type, vector) pairs; UNKNOWN where none can be read."""
    found = [severity for kind, vector in vectors if (severity := _rate(kind, vector))]
    return max(found, key=lambda severity: severity.score or 0.0, default=UNKNOWN)


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
