"""The Verification Summary Attestation: what was verified, by which policy (SLSA, verification_summary/v1)."""

import json
from datetime import UTC
from typing import Any

from cloche.attest import statement as statements
from cloche.attest.artifact import Artifact, Kind
from cloche.store import canonical_json
from cloche.verify.run import Outcome, Request

VERIFIER = "https://cloche.example/verifiers/cloche-verify/v1"


def statement(outcome: Outcome, request: Request) -> bytes:
    """Return the statement about an artifact that was accepted, as canonical JSON."""
    artifact, policy = outcome.artifact, outcome.policy
    if artifact is None or policy is None or outcome.report.refusal is not None:
        message = "a summary is written about what was accepted only"
        raise ValueError(message)
    level = outcome.claimed.level if outcome.claimed else 0
    return canonical_json.dumps(
        statements.make(
            [_subject(artifact)],
            statements.VSA,
            {
                "verifier": {"id": VERIFIER},
                "timeVerified": request.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "resourceUri": outcome.claimed.flake if outcome.claimed else _text(artifact.name),
                "policy": {"uri": _text(request.policy.name), "digest": {"sha256": policy.sha256}},
                "inputAttestations": [
                    {"uri": _text(name), "digest": {"sha256": sha256}} for name, sha256 in outcome.inputs
                ],
                "verificationResult": "PASSED",
                "verifiedLevels": [f"SLSA_BUILD_LEVEL_{level}"],
                "slsaVersion": "1.1",
            },
        )
    )


def unsigned(data: bytes) -> bytes:
    """Return a summary that says in its first word that nobody signed it; `cloche verify` refuses it as evidence."""
    return (
        json.dumps({"UNSIGNED": "anybody could have written this", "statement": json.loads(data)}, indent=2).encode()
        + b"\n"
    )


def _text(name: str) -> str:
    """Return the name of a file as JSON can say it: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _subject(artifact: Artifact) -> dict[str, Any]:
    if artifact.kind is Kind.STORE:
        return statements.of_tree(_text(artifact.name), {"sha256": artifact.sha256})
    if artifact.kind is Kind.IMAGE:
        return statements.of_image(_text(artifact.name), artifact.sha256)
    return {"name": _text(artifact.name), "digest": {"sha256": artifact.sha256}}
