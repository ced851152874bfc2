"""Statements: what an accepted signer said about which artifact (in-toto attestation framework, Statement v0.1 and v1)."""

import re
from dataclasses import dataclass
from typing import Any

from cloche import strict_json
from cloche.limits import STATEMENT
from cloche.verify.outcome import Refusal, Refused

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Statement:
    """A statement: the digests of its subjects, and its predicate."""

    subjects: tuple[tuple[str, str | None], ...]
    predicate_type: str
    predicate: dict[str, Any]

    def about(self, sha256: str) -> bool:
        """Return whether one of the subjects has this digest."""
        return any(digest == sha256 for _, digest in self.subjects)


def read(payload: bytes, payload_type: str, what: str) -> Statement:
    """Return the statement of a payload. Raises Refused (UNKNOWN, MALFORMED). Unknown fields are ignored."""
    if payload_type != PAYLOAD_TYPE:
        raise Refused(
            Refusal.UNKNOWN, f"{what} has a payload of the type {payload_type!r}, where {PAYLOAD_TYPE} belongs"
        )
    try:
        data = strict_json.loads(payload, what=what, limit=STATEMENT)
    except strict_json.BadJsonError as error:
        raise Refused(Refusal.MALFORMED, str(error)) from error
    if not isinstance(data, dict) or not isinstance(data.get("_type"), str):
        raise Refused(Refusal.MALFORMED, f"{what} is no statement: it has no _type")
    if data["_type"] not in STATEMENT_TYPES:
        raise Refused(Refusal.UNKNOWN, f"{what} is a {data['_type']!r}; known are {', '.join(STATEMENT_TYPES)}")
    predicate_type, predicate, subjects = data.get("predicateType"), data.get("predicate"), data.get("subject")
    if not isinstance(predicate_type, str) or not predicate_type:
        raise Refused(Refusal.MALFORMED, f"{what} has no predicateType")
    if not isinstance(predicate, dict):
        raise Refused(Refusal.MALFORMED, f"{what}: the predicate is no object")
    if not isinstance(subjects, list) or not subjects:
        raise Refused(Refusal.MALFORMED, f"{what} has no subject")
    return Statement(tuple(_subject(item, what) for item in subjects), predicate_type, predicate)


def _subject(item: Any, what: str) -> tuple[str, str | None]:  # noqa: ANN401 - JSON is of any shape
    digest = item.get("digest") if isinstance(item, dict) else None
    if not isinstance(digest, dict) or not digest or not all(isinstance(value, str) for value in digest.values()):
        raise Refused(Refusal.MALFORMED, f"{what}: a subject has no digest")
    name, sha256 = item.get("name", ""), digest.get("sha256")
    if not isinstance(name, str) or (sha256 is not None and not _SHA256.fullmatch(sha256)):
        raise Refused(
            Refusal.MALFORMED,
            f"{what}: a subject's sha256 is not 64 hexadecimal digits in lower case, or its name is no text",
        )
    return name, sha256
