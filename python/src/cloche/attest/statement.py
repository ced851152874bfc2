"""In-toto Statements as Cloche writes them: which artifacts something is said about, and what.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md; schema/statement.json says the same as a schema.
Statements of others are read by cloche.attest.statements.
"""

import hashlib
from pathlib import Path
from typing import Any

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SBOM = "https://cyclonedx.org/bom"
VSA = "https://slsa.dev/verification_summary/v1"

NAR = "application/x-nix-nar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

Json = dict[str, Any]


def make(subjects: list[Json], predicate_type: str, predicate: Json) -> Json:
    """Return a Statement v1 as plain data."""
    return {"_type": STATEMENT, "subject": subjects, "predicateType": predicate_type, "predicate": predicate}


def of_file(path: Path) -> Json:
    """Return the subject for a file, by its content."""
    with path.open("rb") as file:
        return {"name": path.name, "digest": {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}}


def of_tree(name: str, digest: dict[str, str]) -> Json:
    """Return the subject for a store path, by the digest of its NAR: `nix-store --dump PATH | sha256sum`."""
    return {"name": name, "digest": digest, "mediaType": NAR, "annotations": {"serialization": "nix-archive-1"}}


def of_image(name: str, digest: str) -> Json:
    """Return the subject for an OCI image, by the sha256 of its manifest in hexadecimal."""
    return {"name": name, "digest": {"sha256": digest}, "mediaType": MANIFEST}
