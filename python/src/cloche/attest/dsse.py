"""Signing by key: a bare DSSE envelope, and a Sigstore bundle of version 0.3 without keyid."""

import base64
import hashlib
import json
from typing import Any

from securesystemslib import dsse
from securesystemslib.signer import CryptoSigner

from cloche.attest import keys
from cloche.attest.statements import PAYLOAD_TYPE

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"

Json = dict[str, Any]


def envelope(payload: bytes, signer: CryptoSigner) -> Json:
    """Return the envelope of an in-toto statement."""
    made = dsse.Envelope(payload, PAYLOAD_TYPE, {})
    made.sign(signer)
    found: Json = made.to_dict()
    return found


def bundle(signed: Json, signer: CryptoSigner) -> Json:
    """Return the bundle of an envelope: its key is hinted at as cosign does, by the digest of the public key."""
    hint = base64.b64encode(hashlib.sha256(keys.public_der(signer)).digest()).decode()
    return {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": {**signed, "signatures": [{"sig": item["sig"]} for item in signed["signatures"]]},
    }


def text(value: Json) -> bytes:
    """Return the text of an envelope or bundle: sorted, in one line."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
