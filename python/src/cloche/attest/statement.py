"""In-toto Statements: which artifacts something is said about, and what.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md; schema/statement.schema.json says the same as a
schema. What others wrote is read by hand, since the library jsonschema takes over a second to load.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloche import limits, strict_json
from cloche.errors import ClocheError

STATEMENT = "https://in-toto.io/Statement/v1"
# As cosign still writes it; what it says is the same.
STATEMENT_0_1 = "https://in-toto.io/Statement/v0.1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SBOM = "https://cyclonedx.org/bom"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

NAR = "application/x-nix-nar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

# How many hexadecimal digits the digests have whose algorithm we know.
LENGTHS = {
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

Json = dict[str, Any]


class BadStatementError(ClocheError):
    """A text that is no in-toto statement; the message says which text, which part of it, and why."""


@dataclass(frozen=True)
class Subject:
    """An artifact that a statement is about: its digests by algorithm, in hexadecimal."""

    name: str | None
    digest: dict[str, str]
    media_type: str | None = None
    annotations: Json | None = None


@dataclass(frozen=True)
class Statement:
    """A statement; fields that the specification has not are left out."""

    type: str
    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Json


def make(subjects: list[Json], predicate_type: str, predicate: Json) -> Json:
    """Return a Statement v1 as plain data."""
    return {"_type": STATEMENT, "subject": subjects, "predicateType": predicate_type, "predicate": predicate}


def parse(data: bytes, *, what: str = "the statement") -> Statement:
    """Return the statement that a text says; fields that the specification has not are ignored.

    `what` names the text in messages. Raises BadStatementError, or BadJsonError (see cloche.strict_json).
    """
    value = strict_json.loads(data, what=what, limit=limits.STATEMENT)
    if not isinstance(value, dict):
        message = f"{what} is no JSON object"
        raise BadStatementError(message)
    kind = value.get("_type")
    if kind not in {STATEMENT, STATEMENT_0_1}:
        message = f"{what}: _type is {kind!r}; Cloche reads {STATEMENT} and {STATEMENT_0_1}"
        raise BadStatementError(message)
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
    read = tuple(_subject(entry, f"{what}: subject[{number}]") for number, entry in enumerate(subjects))
    return Statement(type=kind, subjects=read, predicate_type=predicate_type, predicate=predicate)


def _subject(value: object, what: str) -> Subject:
    if not isinstance(value, dict):
        message = f"{what} is no object"
        raise BadStatementError(message)
    for field, expected in (("name", str), ("mediaType", str), ("annotations", dict)):
        if field in value and not isinstance(value[field], expected):
            message = f"{what}: {field} is {value[field]!r}"
            raise BadStatementError(message)
    return Subject(
        value.get("name"), digests(value.get("digest"), what), value.get("mediaType"), value.get("annotations")
    )


def digests(value: object, what: str) -> dict[str, str]:
    """Return a DigestSet as it is; raises BadStatementError for one that is empty or can be no digest.

    https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md
    """
    if not isinstance(value, dict) or not value:
        message = f"{what}: digest is {value!r}, so no artifact can be compared with it"
        raise BadStatementError(message)
    for algorithm, digest in value.items():
        length = LENGTHS.get(algorithm)
        if not isinstance(digest, str) or (
            length is not None and (len(digest) != length or not _HEXADECIMAL.fullmatch(digest))
        ):
            message = f"{what}: the {algorithm} digest is {digest!r}" + (
                f" instead of {length} hexadecimal digits in lower case" if length else ", which is no text"
            )
            raise BadStatementError(message)
    return dict(value)


def of_file(path: Path) -> Json:
    """Return the subject for a file, by its content."""
    import hashlib  # noqa: PLC0415 - readers of statements need none

    with path.open("rb") as file:
        return {"name": path.name, "digest": {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}}


def of_tree(name: str, digest: dict[str, str]) -> Json:
    """Return the subject for a store path, by the digest of its NAR: `nix-store --dump PATH | sha256sum`."""
    return {"name": name, "digest": digest, "mediaType": NAR, "annotations": {"serialization": "nix-archive-1"}}


def of_image(name: str, digest: str) -> Json:
    """Return the subject for an OCI image, by the digest of its manifest ("sha256:...")."""
    algorithm, _, value = digest.strip().partition(":")
    return {"name": name, "digest": digests({algorithm: value}, f"the image {name}"), "mediaType": MANIFEST}
