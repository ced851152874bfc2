"""Why a bundle was refused: what own checks find wrong in it, by the formats it is made of.

Nothing here accepts anything. What no check finds has the class UNVERIFIED, and the library's words are the reason: those words, which change from release to release, decide
no class.

Formats: the bundle (sigstore/protobuf-specs, sigstore_bundle.proto, sigstore_rekor.proto), bodies of log entries
(sigstore/rekor, pkg/types: dsse 0.0.1, hashedrekord 0.0.1, intoto 0.0.2; sigstore/rekor-tiles: hashedrekord 0.0.2), time
stamps (RFC 3161).
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    DuplicateExtension,
    ExtensionNotFound,
    InvalidVersion,
    UnsupportedGeneralNameType,
    load_der_x509_certificate,
    load_pem_x509_certificate,
)
from rfc3161_client import TimeStampResponse, decode_timestamp_response
from securesystemslib import dsse

from cloche.attest.envelope import Envelope, Evidence, Message
from cloche.attest.outcome import Refusal, Refused
from cloche.errors import MISSHAPEN
from cloche.untrusted.moments import moment
from cloche.verify.timestamps import authorities

# The kinds of log entries that the library reads.
_READ = {("dsse", "0.0.1"), ("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")}


@dataclass(frozen=True)
class _Bundle:
    """The parts of a bundle that own checks look at."""

    evidence: Evidence
    certificate: Certificate
    # Whether it is of the format's first version.
    first: bool
    entries: list[dict[str, Any]]
    stamps: list[TimeStampResponse]


# What is wrong with certificates has classes of its own.
_MISSHAPEN = (DuplicateExtension, InvalidVersion, UnsupportedAlgorithm, UnsupportedGeneralNameType, *MISSHAPEN)


def find_fault(evidence: Evidence, artifact_sha256: str, root: bytes) -> Refused | None:
    """Return what is wrong with a refused bundle, None where no check finds anything.

    `root` is the trust root (JSON) by which it was refused.
    """
    try:
        bundle = _parts(evidence)
        for find in (_entry, _times, _digest, _signature, _body, _kind):
            fault = find(bundle, artifact_sha256, root)
            if fault is not None:
                return Refused(fault[0], f"{evidence.name}: {fault[1]}")
    # A document's value is of another kind than its format has: whichever error that makes, it is not of its form.
    except _MISSHAPEN as error:
        return Refused(Refusal.MALFORMED, f"{evidence.name}: {type(error).__name__}: {error}")
    return None


_Fault = tuple[Refusal, str] | None


def _parts(evidence: Evidence) -> _Bundle:
    document = json.loads(evidence.raw)
    material = document["verificationMaterial"]
    stamps = (material.get("timestampVerificationData") or {}).get("rfc3161Timestamps") or []
    return _Bundle(
        evidence,
        load_der_x509_certificate(_certificates(material)[0]),
        document["mediaType"].endswith(";version=0.1"),
        material.get("tlogEntries") or [],
        [decode_timestamp_response(_bytes(stamp["signedTimestamp"])) for stamp in stamps],
    )


def _certificates(material: dict[str, Any]) -> list[bytes]:
    if "certificate" in material:
        return [_bytes(material["certificate"]["rawBytes"])]
    return [_bytes(each["rawBytes"]) for each in material["x509CertificateChain"]["certificates"]]


def _bytes(text: str) -> bytes:
    # As the library reads it, line ends and all.
    return base64.b64decode(text)


def brings_a_root(evidence: Evidence) -> bool:
    """Return whether a bundle's certificate chain has a root of trust of its own, of which the library merely warns."""
    try:
        ders = _certificates(json.loads(evidence.raw)["verificationMaterial"])
        certificates = [load_der_x509_certificate(der) for der in ders]
        return any(each.issuer == each.subject and _is_authority(each) for each in certificates)
    except _MISSHAPEN:
        return False  # the library says what is wrong with it


def _is_authority(certificate: Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return False


def _entry(bundle: _Bundle, _artifact: str, _root: bytes) -> _Fault:
    """Refuse a bundle without a log entry, and an entry without proof."""
    if not bundle.entries:
        return Refusal.LOG_ENTRY, "it has no log entry"
    for entry in bundle.entries:
        if int(entry.get("logIndex") or 0) < 0:
            return Refusal.MALFORMED, f"its log entry has the index {entry['logIndex']}"
        # The proof may be missing in the first version of bundles only.
        proof = entry.get("inclusionProof") or {}
        if not proof.get("checkpoint") and not (bundle.first and entry.get("inclusionPromise")):
            return Refusal.LOG_ENTRY, "its log entry has no inclusion proof with a checkpoint"
    return None


def _times(bundle: _Bundle, _artifact: str, root: bytes) -> _Fault:
    """Refuse time stamps about something else or of nobody's time, and a certificate that was not valid then."""
    known = list(authorities(root))
    content = bundle.evidence.content
    signature = content.signatures[0].data if isinstance(content, Envelope) else content.signature.data
    times = []
    for stamp in bundle.stamps:
        imprint, time = stamp.tst_info.message_imprint.message, stamp.tst_info.gen_time
        if imprint not in {hashlib.new(name, signature).digest() for name in ("sha256", "sha384", "sha512")}:
            return Refusal.TAMPERED, "its time stamp is of another signature"
        if not known:
            return Refusal.UNTRUSTED_SERVICE, "it has a time stamp, and the trust root has no authority for them"
        if not any(authority.valid_at(time) for authority in known):
            return Refusal.EXPIRED, f"its time stamp says {time}, when no authority of the trust root was valid"
        times.append(time)
    times += [
        moment(int(entry["integratedTime"]))
        for entry in bundle.entries
        if entry.get("inclusionPromise") and entry.get("integratedTime")
    ]
    if not times:
        return Refusal.EXPIRED, "no time could be established: there is no time stamp, and no promise of a log"
    start, end = bundle.certificate.not_valid_before_utc, bundle.certificate.not_valid_after_utc
    for time in times:
        if not start <= time <= end:
            return Refusal.EXPIRED, f"it was signed at {time}, and its certificate is valid from {start} to {end}"
    return None


def _digest(bundle: _Bundle, artifact_sha256: str, _root: bytes) -> _Fault:
    content = bundle.evidence.content
    if isinstance(content, Envelope) or content.sha256 in {None, artifact_sha256}:
        return None
    return Refusal.WRONG_SUBJECT, f"it is about a file with the sha256 {content.sha256}, and this has {artifact_sha256}"


def _signature(bundle: _Bundle, artifact_sha256: str, _root: bytes) -> _Fault:
    """Refuse a signature that the certificate's key did not make."""
    key, content = bundle.certificate.public_key(), bundle.evidence.content
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return None
    if isinstance(content, Envelope):
        data = dsse.Envelope(content.payload, content.payload_type, {}).pae()
        digests: list[tuple[bytes, SHA256 | SHA384]] = [
            (hashlib.sha256(data).digest(), SHA256()),
            (hashlib.sha384(data).digest(), SHA384()),
        ]
        signatures = [each.data for each in content.signatures]
    else:
        digests = [(bytes.fromhex(artifact_sha256), SHA256())]
        signatures = [content.signature.data]
    for signature in signatures:
        if not any(_verifies(key, signature, digest, algorithm) for digest, algorithm in digests):
            return Refusal.TAMPERED, "a signature is not one of its certificate's key over these bytes"
    return None


def _verifies(key: ec.EllipticCurvePublicKey, signature: bytes, digest: bytes, algorithm: SHA256 | SHA384) -> bool:
    try:
        key.verify(signature, digest, ec.ECDSA(Prehashed(algorithm)))
    except InvalidSignature:
        return False
    return True


def _body(bundle: _Bundle, artifact_sha256: str, _root: bytes) -> _Fault:
    return _compare(bundle.evidence.content, artifact_sha256, bundle.entries, bundle.certificate)


def compare_entries(
    content: Envelope | Message, artifact_sha256: str, entries: list[dict[str, Any]], key: bytes
) -> _Fault:
    """Return what of log entries (JSON) is not about a signature by this key (SubjectPublicKeyInfo), or is not read here.

    Raises ValueError, LookupError, TypeError for what is no entry. That a log vouches for them is not looked at.
    """
    for entry in entries:
        body = json.loads(_bytes(entry["canonicalizedBody"]))
        if entry["kindVersion"] != {"kind": body["kind"], "version": body["apiVersion"]}:
            return (
                Refusal.LOG_ENTRY,
                f"its log entry says that it is {entry['kindVersion']}, and its body is {body['kind']}",
            )
    return _compare(content, artifact_sha256, entries, key) or _unread(entries)


def _compare(
    content: Envelope | Message, artifact_sha256: str, entries: list[dict[str, Any]], verifier: Certificate | bytes
) -> _Fault:
    """Refuse a log entry that is about other bytes, another signature, or another certificate or key."""
    if isinstance(content, Envelope):
        pae = dsse.Envelope(content.payload, content.payload_type, {}).pae()
        payload, signed = hashlib.sha256(content.payload).hexdigest(), _digests(pae)
        signatures = {each.data for each in content.signatures}
    else:
        payload, signed, signatures = artifact_sha256, {artifact_sha256}, {content.signature.data}
    for entry in entries:
        try:
            body = json.loads(_bytes(entry["canonicalizedBody"]))
            kind = body["kind"], body["apiVersion"]
            logged = _READERS[kind](body["spec"]) if kind in _READERS else None
        except MISSHAPEN as error:
            return Refusal.LOG_ENTRY, f"the body of its log entry can't be read: {type(error).__name__}: {error}"
        if logged is None:
            continue
        if logged.digest not in ({payload} if kind in {("dsse", "0.0.1"), ("intoto", "0.0.2")} else signed):
            return (
                Refusal.LOG_ENTRY,
                f"its log entry is about bytes with the digest {logged.digest}, and not about these",
            )
        if logged.signatures != signatures:
            return Refusal.LOG_ENTRY, "its log entry is about another signature"
        if any(each != verifier for each in logged.verifiers):
            noun = "key" if isinstance(verifier, bytes) else "certificate"
            return Refusal.LOG_ENTRY, f"its log entry is about another {noun}"
    return None


def _kind(bundle: _Bundle, _artifact: str, _root: bytes) -> _Fault:
    return _unread(bundle.entries)


def _unread(entries: list[dict[str, Any]]) -> _Fault:
    """Refuse an entry of a kind that the library does not read, in which nothing worse was found."""
    for entry in entries:
        body = json.loads(_bytes(entry["canonicalizedBody"]))
        if (body["kind"], body["apiVersion"]) not in _READ:
            return (
                Refusal.UNKNOWN,
                f"its log entry is of the kind {body['kind']} {body['apiVersion']}, which is not read here",
            )
    return None


def _digests(data: bytes) -> set[str]:
    return {hashlib.new(name, data).hexdigest() for name in ("sha256", "sha384", "sha512")}


@dataclass(frozen=True)
class _Logged:
    """What the body of a log entry is about: a digest (hexadecimal), signatures, and certificates or keys (in DER)."""

    digest: str
    signatures: set[bytes]
    verifiers: list[Certificate | bytes]


def _dsse_1(spec: dict[str, Any]) -> _Logged:
    items = spec["signatures"]
    verifiers = [_pem(item["verifier"]) for item in items]
    return _Logged(spec["payloadHash"]["value"], {_bytes(item["signature"]) for item in items}, verifiers)


def _hashedrekord_1(spec: dict[str, Any]) -> _Logged:
    signature = spec["signature"]
    return _Logged(
        spec["data"]["hash"]["value"], {_bytes(signature["content"])}, [_pem(signature["publicKey"]["content"])]
    )


def _hashedrekord_2(spec: dict[str, Any]) -> _Logged:
    record = spec["hashedRekordV002"]
    signature = record["signature"]
    verifier: Certificate | bytes
    if "publicKey" in signature["verifier"]:
        verifier = _bytes(signature["verifier"]["publicKey"]["rawBytes"])
    else:
        verifier = load_der_x509_certificate(_bytes(signature["verifier"]["x509Certificate"]["rawBytes"]))
    return _Logged(_bytes(record["data"]["digest"]).hex(), {_bytes(signature["content"])}, [verifier])


def _intoto_2(spec: dict[str, Any]) -> _Logged:
    content = spec["content"]
    items = content["envelope"]["signatures"]
    # The log holds the base64 of the envelope's base64.
    signatures = {_bytes(_bytes(item["sig"]).decode()) for item in items}
    return _Logged(content["payloadHash"]["value"], signatures, [_pem(item["publicKey"]) for item in items])


_READERS = {
    ("dsse", "0.0.1"): _dsse_1,
    ("hashedrekord", "0.0.1"): _hashedrekord_1,
    ("hashedrekord", "0.0.2"): _hashedrekord_2,
    ("intoto", "0.0.2"): _intoto_2,
}


def _pem(text: str) -> Certificate | bytes:
    data = _bytes(text)
    if b"PUBLIC KEY" in data:
        return load_pem_public_key(data).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return load_pem_x509_certificate(data)
