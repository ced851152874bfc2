"""Signatures by key: each is tried against each accepted key, since hints at keys may be missing or foreign.

The cryptography is securesystemslib's.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib import dsse
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer._key import Key, SSlibKey
from securesystemslib.signer._signature import Signature as LibrarySignature

from cloche.attest.envelope import Envelope, Signature
from cloche.attest.outcome import Refusal, Refused
from cloche.verify.policy import Signer


@dataclass(frozen=True)
class PublicKey:
    """An accepted key: `der` is what makes it the same key as another."""

    signer: Signer
    key: SSlibKey
    der: bytes

    @property
    def hints(self) -> tuple[str, ...]:
        """Return the hints that name this key: securesystemslib's, and cosign's digest of the key."""
        return (self.key.keyid, hint_of(self.der))


def hint_of(der: bytes) -> str:
    """Return the hint at a key that cosign writes too: the base64 of the sha256 of its SubjectPublicKeyInfo."""
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def public(signer: Signer) -> PublicKey:
    """Return a signer's key. Raises Refused (POLICY) for what is no Ed25519 or ECDSA P-256 public key in PEM."""
    assert signer.key is not None  # noqa: S101 - the caller chose the signers with keys
    try:
        if b"PRIVATE KEY" in signer.key:
            message = (
                "it is a private key, which belongs nowhere near a policy; replace it, since it is no secret any more"
            )
            raise ValueError(message)  # noqa: TRY301 - one place turns faults of a key into a refusal
        found = load_pem_public_key(signer.key)
        ed25519 = isinstance(found, Ed25519PublicKey)
        if not ed25519 and not (isinstance(found, EllipticCurvePublicKey) and isinstance(found.curve, SECP256R1)):
            message = "it is neither Ed25519 nor ECDSA P-256"
            raise ValueError(message)  # noqa: TRY301 - as above
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused(Refusal.POLICY, f"the key of the signer {signer.name} is not usable: {error}") from error
    der = found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(signer, SSlibKey.from_crypto(found), der)


def all_of(signers: Sequence[Signer]) -> tuple[PublicKey, ...]:
    """Return the keys of the signers that are keys. Raises Refused (POLICY) when two are the same one."""
    keys = [public(signer) for signer in signers if signer.key is not None]
    for number, key in enumerate(keys):
        for other in keys[:number]:
            if key.der == other.der:
                reason = f"the signers {other.signer.name} and {key.signer.name} have the same key, so a threshold would count it twice"
                raise Refused(Refusal.POLICY, reason)
    return tuple(keys)


def who_signed(signature: Signature, signed: Envelope | bytes, keys: Sequence[PublicKey]) -> PublicKey | None:
    """Return the key that made a signature over an envelope, or over bytes, or None."""
    for candidate in keys:
        # The hint is set to the candidate's, because the library tries no key with another one.
        library = LibrarySignature(candidate.key.keyid, signature.data.hex())
        if _verifies(candidate.key, library, signed):
            return candidate
    return None


def _verifies(key: Key, signature: LibrarySignature, signed: Envelope | bytes) -> bool:
    try:
        if isinstance(signed, bytes):
            key.verify_signature(signature, signed)
        else:
            dsse.Envelope(signed.payload, signed.payload_type, {key.keyid: signature}).verify([key], 1)
    except (UnverifiedSignatureError, VerificationError):
        return False
    return True


def complaint(signature: Signature, keys: Sequence[PublicKey]) -> tuple[Refusal, str]:
    """Return why a signature that no accepted key verifies is refused.

    A hint proves nothing, but says which of two refusals is the helpful one.
    """
    for candidate in keys:
        if signature.hint in candidate.hints:
            return (
                Refusal.TAMPERED,
                f"it names the key of {candidate.signer.name}, which did not sign these bytes: they were altered",
            )
    if signature.hint:
        return Refusal.WRONG_IDENTITY, f"none of the accepted keys made it; it names the key {signature.hint}"
    return Refusal.TAMPERED, "none of the accepted keys signed these bytes: they were altered, or somebody else signed"
