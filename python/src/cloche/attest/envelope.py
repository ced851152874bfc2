"""Evidence as it was found: DSSE envelopes and Sigstore bundles, read strictly.

Formats: DSSE 1.0 (secure-systems-lab/dsse, envelope.md) and the Sigstore bundle (sigstore/protobuf-specs,
sigstore_bundle.proto). Fields that neither names are ignored; two texts for one value (duplicate names, names in another
spelling, base64 that is not canonical or mixes two alphabets) are refused, and so is what is an envelope and a bundle at once.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from cloche.attest.outcome import Refusal, Refused
from cloche.untrusted import shapes, spelling, strict_json
from cloche.untrusted.limits import BUNDLE

BUNDLE_TYPES = (
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
)
_MOST_SIGNATURES = 100
# From the alphabet for URLs.
_STANDARD = str.maketrans("-_", "+/")


@dataclass(frozen=True)
class Signature:
    """The bytes of a signature, and the hint at its key, which proves nothing."""

    data: bytes
    hint: str | None


@dataclass(frozen=True)
class Envelope:
    """A signed payload with its type."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class Message:
    """A signature over an artifact's own bytes."""

    signature: Signature
    # The artifact's sha256 in hexadecimal, as the bundle claims.
    sha256: str | None


@dataclass(frozen=True)
class Evidence:
    """One document: `certified` when it carries a certificate, which only the sigstore library may judge.

    `raw` is what that library is given: payload and signatures stand in the standard alphabet, since it passes over letters
    of another one.
    """

    name: str
    content: Envelope | Message
    certified: bool
    raw: bytes
    # Whether a log entry or a time stamp comes with it.
    logged: bool = False


def read(data: bytes, name: str) -> Evidence:
    """Return the evidence in a document. Raises Refused (MALFORMED, MISSING_SIGNATURE)."""
    if not data.strip():
        raise Refused(Refusal.MALFORMED, f"{name} is empty")
    try:
        document = strict_json.loads(data, what=name, limit=BUNDLE)
        spelling.check(document, shapes.EVIDENCE, what=name)
    except strict_json.BadJsonError as error:
        raise Refused(Refusal.MALFORMED, str(error)) from error
    try:
        return _evidence(document, name, data)
    except _ShapeError as error:
        raise Refused(Refusal.MALFORMED, f"{name}: {error}") from error


class _ShapeError(Exception):
    """A value is not what the format has at this place."""


def _get(table: dict[str, Any], key: str, kind: type, where: str) -> Any:  # noqa: ANN401 - each caller names its type
    value = table.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        message = f"{where}.{key} is {'missing' if key not in table else f'no {_KINDS[kind]}'}"
        raise _ShapeError(message)
    if isinstance(value, str) and not value.isascii():
        message = f"{where}.{key} is no ASCII text"
        raise _ShapeError(message)
    return value


_KINDS: dict[type, str] = {str: "text", dict: "object", list: "list"}


def _base64(text: str, where: str) -> bytes:
    """Return the bytes of a text in one of the two alphabets of RFC 4648, padded; DSSE lets a signer choose."""
    if set("-_") & set(text) and set("+/") & set(text):
        message = f"{where} is no base64: it mixes the standard alphabet (+ and /) and the one for URLs (- and _)"
        raise _ShapeError(message)
    standard = text.translate(_STANDARD)
    try:
        data = base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError) as error:
        message = f"{where} is no base64: {error}"
        raise _ShapeError(message) from error
    if _encoded(data) != standard:
        message = f"{where} is no canonical base64: another text would have the same bytes"
        raise _ShapeError(message)
    return data


def _evidence(document: Any, name: str, raw: bytes) -> Evidence:  # noqa: ANN401 - JSON is of any shape
    if not isinstance(document, dict):
        message = "neither an envelope nor a bundle, since it is no object"
        raise _ShapeError(message)
    if "UNSIGNED" in document or "_type" in document:
        raise Refused(Refusal.MISSING_SIGNATURE, f"{name} is not signed, so anybody could have written it")
    of_envelope, of_bundle = (sorted(document.keys() & fields) for fields in (shapes.ENVELOPE, shapes.BUNDLE))
    if of_envelope and of_bundle:
        message = f"an envelope ({', '.join(of_envelope)}) and a bundle ({', '.join(of_bundle)}) at once"
        raise _ShapeError(message)
    if "mediaType" in document:
        return _bundle(document, name, raw)
    if "payload" in document:
        return Evidence(name, _envelope(document, "envelope", None), certified=False, raw=raw)
    message = "neither an envelope (payload, payloadType, signatures) nor a bundle (mediaType, verificationMaterial)"
    raise _ShapeError(message)


def _envelope(table: dict[str, Any], where: str, hint: str | None) -> Envelope:
    signatures = []
    found = _get(table, "signatures", list, where)
    if len(found) > _MOST_SIGNATURES:
        message = f"{where} has {len(found)} signatures, where at most {_MOST_SIGNATURES} are read"
        raise _ShapeError(message)
    for number, item in enumerate(found):
        place = f"{where}.signatures[{number}]"
        if not isinstance(item, dict):
            message = f"{place} is no object"
            raise _ShapeError(message)
        keyid = item.get("keyid")
        if keyid is not None and not isinstance(keyid, str):
            message = f"{place}.keyid is no text"
            raise _ShapeError(message)
        data = _base64(_get(item, "sig", str, place), f"{place}.sig")
        signatures.append(Signature(data, keyid or hint))
    payload = _base64(_get(table, "payload", str, where), f"{where}.payload")
    return Envelope(payload, _get(table, "payloadType", str, where), tuple(signatures))


def _bundle(table: dict[str, Any], name: str, raw: bytes) -> Evidence:
    media_type = _get(table, "mediaType", str, "bundle")
    if media_type not in BUNDLE_TYPES:
        message = f"the bundle has the version {media_type!r}; known are {', '.join(BUNDLE_TYPES)}"
        raise _ShapeError(message)
    material = _get(table, "verificationMaterial", dict, "bundle")
    ways = [key for key in ("publicKey", "certificate", "x509CertificateChain") if key in material]
    if len(ways) != 1:
        message = f"bundle.verificationMaterial has to have one of publicKey, certificate and x509CertificateChain, and has {ways}"
        raise _ShapeError(message)
    hint = None
    if ways == ["publicKey"]:
        hint = _get(material, "publicKey", dict, "bundle.verificationMaterial").get("hint")
        if hint is not None and not isinstance(hint, str):
            message = "bundle.verificationMaterial.publicKey.hint is no text"
            raise _ShapeError(message)
    contents = [key for key in ("dsseEnvelope", "messageSignature") if key in table]
    if len(contents) != 1:
        message = f"the bundle has to have one of dsseEnvelope and messageSignature, and has {contents}"
        raise _ShapeError(message)
    content: Envelope | Message
    if contents == ["dsseEnvelope"]:
        content = _envelope(_get(table, "dsseEnvelope", dict, "bundle"), "bundle.dsseEnvelope", hint)
    else:
        content = _message(_get(table, "messageSignature", dict, "bundle"), hint)
    # Whatever stands there is to be verified, also what is no list of entries.
    logged = any(material.get(key) not in (None, [], {}) for key in ("tlogEntries", "timestampVerificationData"))
    return Evidence(name, content, ways != ["publicKey"], _standard(table, content, raw), logged)


def _standard(table: dict[str, Any], content: Envelope | Message, raw: bytes) -> bytes:
    """Return a bundle with payload and signatures in the standard alphabet; as it came where they are."""
    if isinstance(content, Message):
        changes = {"messageSignature": table["messageSignature"] | {"signature": _encoded(content.signature.data)}}
    else:
        envelope = table["dsseEnvelope"]
        pairs = zip(envelope["signatures"], content.signatures, strict=True)
        signatures = [item | {"sig": _encoded(signature.data)} for item, signature in pairs]
        changes = {"dsseEnvelope": envelope | {"payload": _encoded(content.payload), "signatures": signatures}}
    standard = table | changes
    return raw if standard == table else json.dumps(standard).encode()


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _message(table: dict[str, Any], hint: str | None) -> Message:
    where = "bundle.messageSignature"
    signature = Signature(_base64(_get(table, "signature", str, where), f"{where}.signature"), hint)
    if "messageDigest" not in table:
        return Message(signature, None)
    digest = _get(table, "messageDigest", dict, where)
    if digest.get("algorithm") != "SHA2_256":
        message = f"{where}.messageDigest.algorithm is {digest.get('algorithm')!r}, where SHA2_256 belongs"
        raise _ShapeError(message)
    return Message(signature, _base64(_get(digest, "digest", str, where), f"{where}.messageDigest.digest").hex())
