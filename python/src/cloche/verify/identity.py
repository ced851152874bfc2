"""Signatures by identity: all certificates, time stamps and log entries are judged by the sigstore library.

The trust root is the file that the policy pins. The library's own cache, which it would believe unverified, is never
read, and the network is never used. Only what the library accepts is accepted; the class of a refusal follows from the
type of its exception and from own checks (diagnosis.py).
"""

import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography.x509 import Certificate
from rfc3161_client import decode_timestamp_response
from sigstore.errors import CertValidationError, VerificationError
from sigstore.errors import Error as SigstoreError
from sigstore.hashes import Hashed
from sigstore.models import Bundle, InvalidBundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from sigstore_models.bundle.v1 import Bundle as StatedBundle
from sigstore_models.common.v1 import HashAlgorithm

from cloche.attest.artifact import Artifact
from cloche.attest.envelope import Envelope, Evidence
from cloche.attest.outcome import Refusal, Refused
from cloche.verify.diagnosis import brings_a_root, find_fault
from cloche.verify.policy import Signer
from cloche.verify.policy import TrustRoot as PinnedRoot
from cloche.verify.timestamps import authorities


class _WrongIdentityError(VerificationError):
    """A certificate, good so far, is nobody's that the policy accepts."""


class _Accepted:
    """The identities of a policy, as the library asks for them: after the chain, before the log entry."""

    def __init__(self, signers: Sequence[Signer]) -> None:
        self.signers = signers
        self.found: Signer | None = None

    def verify(self, cert: Certificate) -> None:
        """Keep whose certificate it is; raises _WrongIdentityError."""
        for signer in self.signers:
            assert signer.identity is not None  # noqa: S101 - only such signers come here
            try:
                Identity(identity=signer.identity, issuer=signer.issuer).verify(cert)
            except SigstoreError:
                continue
            self.found = signer
            return
        message = "none of the accepted identities is in its certificate"
        raise _WrongIdentityError(message)


def trusted(root: PinnedRoot) -> TrustedRoot:
    """Return the trust root as the library reads it. Raises Refused (POLICY) for one that it can't use."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            # From the bytes that were compared with the pin, since the file could have changed since.
            path = Path(folder) / "trusted_root.json"
            path.write_bytes(root.data)
            found = TrustedRoot.from_file(str(path))
            # Reads the keys and certificates, too.
            Verifier(trusted_root=found)
    except (ValueError, SigstoreError) as error:
        raise Refused(Refusal.POLICY, f"the trust root sha256:{root.sha256} is not usable: {words(error)}") from error
    return found


def stamps(evidence: Evidence, root: PinnedRoot) -> list[datetime]:
    """Return the times of all time stamps of a bundle. Raises Refused for one that no authority of the trust root made.

    The library is content with one that is good, and passes over others.
    """
    material = StatedBundle.from_json(whole(evidence.raw)).verification_material.timestamp_verification_data
    content, times = evidence.content, []
    signature = content.signatures[0] if isinstance(content, Envelope) else content.signature
    for stamp in material.rfc3161_timestamps if material else ():
        response = decode_timestamp_response(stamp.signed_timestamp)
        if not any(authority.made(response, signature.data) for authority in authorities(root.data)):
            reason = "its time stamp is not one of an authority of the trust root over this signature"
            raise Refused(Refusal.LOG_ENTRY, reason)
        times.append(response.tst_info.gen_time)
    return times


class Identities:
    """The signers of a policy that are identities, with the trust root by which they are judged."""

    def __init__(self, signers: Sequence[Signer], root: PinnedRoot) -> None:
        """Read the trust root. Raises Refused (POLICY) for a trust root that the library can't use."""
        self.signers = [signer for signer in signers if signer.identity is not None]
        self.root = root
        self.verifier = Verifier(trusted_root=trusted(root))

    def who_signed(self, evidence: Evidence, artifact: Artifact) -> Signer:
        """Return the accepted signer of an envelope, or of the artifact itself. Raises Refused."""
        accepted = _Accepted(self.signers)
        if brings_a_root(evidence):
            reason = f"{evidence.name}: its certificate chain contains a root certificate, and trust comes from the policy alone"
            raise Refused(Refusal.MALFORMED, reason)
        content, read = evidence.content, None
        try:
            bundle = Bundle.from_json(whole(evidence.raw))
            if isinstance(content, Envelope):
                read = self.verifier.verify_dsse(bundle, accepted)
            else:
                digest = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(artifact.sha256))
                self.verifier.verify_artifact(digest, bundle, accepted)
            stamps(evidence, self.root)
        except Refused as refused:
            raise Refused(refused.refusal, f"{evidence.name}: {refused.reason}") from refused
        except Exception as error:
            # Also what hostile values make of the library; whatever it is, nothing was accepted.
            raise self._refused(error, evidence, artifact) from error
        if isinstance(content, Envelope) and read != (content.payload_type, content.payload):
            raise Refused(Refusal.TAMPERED, f"{evidence.name}: two readers found two payloads in it")
        if accepted.found is None:
            raise Refused(Refusal.UNVERIFIED, f"{evidence.name}: the sigstore library did not ask who signed")
        return accepted.found

    def _refused(self, error: Exception, evidence: Evidence, artifact: Artifact) -> Refused:
        """Return the refusal: by the exception's type, else by what is found wrong, else UNVERIFIED."""
        reason = f"{evidence.name}: {words(error)}"
        if isinstance(error, _WrongIdentityError):
            return Refused(Refusal.WRONG_IDENTITY, reason)
        fault = find_fault(evidence, artifact.sha256, self.root.data)
        if isinstance(error, CertValidationError) and (fault is None or fault.refusal is not Refusal.EXPIRED):
            # Its chain does not lead to the trust root.
            return Refused(Refusal.UNTRUSTED_SERVICE, reason)
        if fault is not None:
            return fault
        return Refused(Refusal.MALFORMED if isinstance(error, InvalidBundle) else Refusal.UNVERIFIED, reason)


def whole(raw: bytes) -> bytes:
    """Return a bundle with the values that its writer left out, because they are zero or empty.

    JSON of protocol buffers may leave them out (protobuf.dev, "ProtoJSON Format"), and Go's does: those of the first entry
    of a log. The library asks for them.
    """
    document = json.loads(raw)
    for entry in document["verificationMaterial"].get("tlogEntries") or []:
        entry.setdefault("logIndex", "0")
        if proof := entry.get("inclusionProof"):
            proof.setdefault("logIndex", "0")
            proof.setdefault("hashes", [])
    return json.dumps(document).encode()


def words(error: Exception) -> str:
    """Return what an exception says, in one line."""
    text = " ".join(str(part) for part in error.args) if error.args else str(error)
    return " ".join(text.split())[:500] or type(error).__name__
