"""In-toto Statements of others, read strictly: which artifacts something is said about, and what.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md. Read by hand, since the library jsonschema takes
over a second to load. Cloche's own are made by cloche.attest.statement.
"""

import re
from dataclasses import dataclass
from typing import Any

from cloche.attest.artifact import MANIFEST_TYPE, NAR_TYPE, Artifact, Kind
from cloche.attest.outcome import Refusal, Refused
from cloche.attest.statement import STATEMENT
from cloche.errors import ClocheError
from cloche.untrusted import shapes, spelling, strict_json
from cloche.untrusted.limits import STATEMENT as LIMIT
from cloche.untrusted.strict_json import BadJsonError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
# As cosign still writes it; what it says is the same.
STATEMENT_0_1 = "https://in-toto.io/Statement/v0.1"

# How many hexadecimal digits the digests have whose algorithm we know.
_LENGTHS = {
    "md5": 32,
    "sha1": 40,
    "gitCommit": 40,
    "gitTree": 40,
    "sha224": 56,
    "sha256": 64,
    "sha384": 96,
    "sha512": 128,
}
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class BadStatementError(ClocheError):
    """A text that is no in-toto statement; the message says which text, which part of it, and why."""


class UnknownStatementError(BadStatementError):
    """A statement of a version that Cloche does not know."""


@dataclass(frozen=True)
class Subject:
    """An artifact that a statement is about: its digests by algorithm, in hexadecimal."""

    name: str | None
    digest: dict[str, str]
    media_type: str | None = None


@dataclass(frozen=True)
class Statement:
    """A statement; fields that the specification has not are left out."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: dict[str, Any]

    def about(self, artifact: Artifact) -> bool:
        """Return whether one of the subjects is this artifact: by its digest, and by what the digest is made of.

        A file that holds a folder's NAR, or an image's manifest, has the digest of the folder or image, and is neither.
        A folder needs a subject that says NAR, since without it the digest is that of a file. An image does not: cosign
        writes none, and an image is the bytes of its manifest.
        """
        return any(
            subject.digest.get("sha256") == artifact.sha256 and _is(subject.media_type, artifact.kind)
            for subject in self.subjects
        )


def _is(media_type: str | None, kind: Kind) -> bool:
    if kind is Kind.STORE:
        return media_type == NAR_TYPE
    if kind is Kind.IMAGE:
        return media_type in {None, MANIFEST_TYPE}
    return media_type not in {NAR_TYPE, MANIFEST_TYPE}


def read(payload: bytes, payload_type: str, what: str) -> Statement:
    """Return the statement of a payload. Raises Refused (UNKNOWN, MALFORMED)."""
    if payload_type != PAYLOAD_TYPE:
        raise Refused(
            Refusal.UNKNOWN, f"{what} has a payload of the type {payload_type!r}, where {PAYLOAD_TYPE} belongs"
        )
    try:
        return parse(payload, what=what)
    except UnknownStatementError as error:
        raise Refused(Refusal.UNKNOWN, error.message) from error
    except (BadStatementError, BadJsonError) as error:
        raise Refused(Refusal.MALFORMED, error.message) from error


def parse(data: bytes, *, what: str) -> Statement:
    """Return the statement that a text says; fields that the specification has not are ignored.

    `what` names the text in messages. Raises BadStatementError (UnknownStatementError for another version), and
    BadJsonError (see cloche.untrusted.strict_json and cloche.untrusted.spelling).
    """
    value = strict_json.loads(data, what=what, limit=LIMIT)
    spelling.check(value, shapes.STATEMENT, what=what)
    if not isinstance(value, dict):
        message = f"{what} is no JSON object"
        raise BadStatementError(message)
    kind = value.get("_type")
    if kind is None and value.keys() & {"payloadType", "dsseEnvelope"}:
        message = f"{what} is signed already: it is an envelope or a bundle, and the statement is the payload in it"
        raise BadStatementError(message)
    if kind not in (STATEMENT, STATEMENT_0_1):
        message = f"{what}: _type is {kind!r}; Cloche reads {STATEMENT} and {STATEMENT_0_1}"
        raise UnknownStatementError(message)
    subjects = value.get("subject")
    if not isinstance(subjects, list) or not subjects:
        message = f"{what}: subject is no list with an artifact in it, so the statement is about nothing"
        raise BadStatementError(message)
    predicate_type = value.get("predicateType")
    if not isinstance(predicate_type, str) or not _URI.fullmatch(predicate_type):
        message = f"{what}: predicateType is {predicate_type!r}, which is no URI"
        raise BadStatementError(message)
    predicate = value.get("predicate", {})
    if not isinstance(predicate, dict):
        message = f"{what}: predicate is no object"
        raise BadStatementError(message)
    spelling.check(predicate, shapes.PREDICATES.get(predicate_type), what=f"{what}: predicate")
    read = tuple(_subject(entry, f"{what}: subject[{number}]") for number, entry in enumerate(subjects))
    return Statement(read, predicate_type, predicate)


def _subject(value: object, what: str) -> Subject:
    if not isinstance(value, dict):
        message = f"{what} is no object"
        raise BadStatementError(message)
    name = value.get("name")
    if name is not None and not isinstance(name, str):
        message = f"{what}: name is {name!r}"
        raise BadStatementError(message)
    media_type = value.get("mediaType")
    if media_type is not None and not isinstance(media_type, str):
        message = f"{what}: mediaType is {media_type!r}"
        raise BadStatementError(message)
    return Subject(name, _digests(value.get("digest"), what), media_type)


def _digests(value: object, what: str) -> dict[str, str]:
    """Return a DigestSet; https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md."""
    if not isinstance(value, dict) or not value:
        message = f"{what}: digest is {value!r}, so no artifact can be compared with it"
        raise BadStatementError(message)
    for algorithm, digest in value.items():
        length = _LENGTHS.get(algorithm)
        if not isinstance(digest, str) or (
            length is not None and (len(digest) != length or not _HEXADECIMAL.fullmatch(digest))
        ):
            kind = f" instead of {length} hexadecimal digits in lower case" if length else ", which is no text"
            message = f"{what}: the {algorithm} digest is {digest!r}{kind}"
            raise BadStatementError(message)
    return dict(value)
