"""A transparency log of one entry, and a trust root that has it: what stands beside a signature by key."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

ORIGIN = "rekor.example"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Log:
    """A log with a key of its own (sigstore/rekor, types and checkpoints as of version 1)."""

    def __init__(self) -> None:
        self.key = generate_private_key(SECP256R1())
        self.der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.id = hashlib.sha256(self.der).digest()

    def sign(self, data: bytes) -> bytes:
        """Return a signature by the log's key."""
        return self.key.sign(data, ECDSA(SHA256()))

    def entry(self, body: dict[str, Any], time: datetime) -> dict[str, Any]:
        """Return the entry of a bundle for this body, with proof and promise."""
        data = rfc8785.dumps(body)
        root = hashlib.sha256(b"\0" + data).digest()
        note = f"{ORIGIN}\n1\n{encoded(root)}\n"
        line = f"\u2014 {ORIGIN} {encoded(self.id[:4] + self.sign(note.encode()))}\n"
        seconds = int(time.timestamp())
        promise: dict[str, Any] = {
            "body": encoded(data),
            "integratedTime": seconds,
            "logID": self.id.hex(),
            "logIndex": 7,
        }
        return {
            "logIndex": "7",
            "logId": {"keyId": encoded(self.id)},
            "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
            "integratedTime": str(seconds),
            "inclusionPromise": {"signedEntryTimestamp": encoded(self.sign(rfc8785.dumps(promise)))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": encoded(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n{line}"},
            },
            "canonicalizedBody": encoded(data),
        }

    def trust_root(self) -> bytes:
        """Return a trust root with this log, and an authority for certificates that signs nothing."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, SHA256())
        )
        valid = {"start": "2020-01-01T00:00:00Z"}
        instance = {
            "baseUrl": f"https://{ORIGIN}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {"rawBytes": encoded(self.der), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid},
            "logId": {"keyId": encoded(self.id)},
        }
        authority = {
            "subject": {"organization": "nobody", "commonName": "nobody"},
            "uri": "https://ca.example",
            "certChain": {"certificates": [{"rawBytes": encoded(certificate.public_bytes(Encoding.DER))}]},
            "validFor": valid,
        }
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [instance],
                "ctlogs": [instance],
                "certificateAuthorities": [authority],
                "timestampAuthorities": [],
            }
        ).encode()


def dsse_body(bundle: dict[str, Any], public: bytes) -> dict[str, Any]:
    """Return the body of the entry for a bundle's envelope, by its public key (PEM)."""
    envelope = bundle["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(json.dumps(envelope).encode()).hexdigest()},
            "signatures": [{"signature": item["sig"], "verifier": encoded(public)} for item in envelope["signatures"]],
        },
    }
