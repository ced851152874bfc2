"""Signatures by identity: all certificates, time stamps and log entries are judged by the sigstore library.

The trust root is the file that the policy pins. The library's own cache, which it would believe unverified, is never
read, and the network is never used.
"""

import base64
import hashlib
import json
import logging
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import load_der_x509_certificate
from sigstore import dsse
from sigstore._internal.timestamp import TimestampSource, TimestampVerificationResult
from sigstore._utils import cert_is_root_ca
from sigstore.errors import CertValidationError
from sigstore.errors import Error as SigstoreError
from sigstore.hashes import Hashed
from sigstore.models import Bundle, InvalidBundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import AnyOf, Identity
from sigstore_models.common.v1 import HashAlgorithm

from cloche.artifact import Artifact
from cloche.verify.envelope import Envelope, Evidence
from cloche.verify.outcome import Refusal, Refused
from cloche.verify.policy import Signer
from cloche.verify.policy import TrustRoot as PinnedRoot

# How the library words what it refuses; the first that occurs in its words decides. What is not here is TAMPERED.
# The cases of sigstore-conformance go through all of these.
_WORDS = (
    ("uint64 domain", Refusal.MALFORMED),
    ("candidates exhausted: signature does not match", Refusal.UNTRUSTED_SERVICE),
    ("candidates exhausted: all candidates", Refusal.UNTRUSTED_SERVICE),
    ("failed to verify SCT", Refusal.UNTRUSTED_SERVICE),
    ("cert is not valid at validation time", Refusal.EXPIRED),
    ("expired at time of signing", Refusal.EXPIRED),
    ("signed timestamp(s)", Refusal.EXPIRED),
    ("no Timestamp Authorities", Refusal.UNTRUSTED_SERVICE),
    ("Invalid Timestamp Response", Refusal.UNTRUSTED_SERVICE),
    ("inclusion promise", Refusal.LOG_ENTRY),
    ("inclusion proof", Refusal.LOG_ENTRY),
    ("inclusionProof", Refusal.LOG_ENTRY),
    ("invalid log entry", Refusal.LOG_ENTRY),
    ("log entry", Refusal.LOG_ENTRY),
    ("message digest mismatch", Refusal.WRONG_SUBJECT),
    ("policies succeeded", Refusal.WRONG_IDENTITY),
    ("Certificate's", Refusal.WRONG_IDENTITY),
)
# The same for what the library says only in its log, when no time stamp was good enough.
_TIME_WORDS = (
    ("uint64 domain", Refusal.MALFORMED),
    ("has expired", Refusal.EXPIRED),
    ("not in CA time range", Refusal.EXPIRED),
    ("Mismatch between messages", Refusal.TAMPERED),
    ("certificate not found", Refusal.UNTRUSTED_SERVICE),
)


class _Heard(logging.Handler):
    """What the library's verifier said while it worked."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        reason = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self.words.append(record.getMessage() + reason)


class _Diagnosis(Verifier):
    """The library's verifier, that also takes the time of log entries of the kind intoto. Only ever used to refuse."""

    def _establish_time(self, bundle: Bundle) -> list[TimestampVerificationResult]:
        entry = bundle.log_entry._inner  # noqa: SLF001 - as the library's own
        times = list(self._verify_timestamp_authority(bundle))
        if entry.integrated_time and entry.inclusion_promise:
            when = datetime.fromtimestamp(entry.integrated_time, tz=UTC)
            times.append(TimestampVerificationResult(source=TimestampSource.TRANSPARENCY_SERVICE, time=when))
        return times


class Identities:
    """The signers of a policy that are identities, with the trust root by which they are judged."""

    def __init__(self, signers: Sequence[Signer], root: PinnedRoot) -> None:
        """Read the trust root. Raises Refused (POLICY) for a trust root that the library can't use."""
        self.signers = [signer for signer in signers if signer.identity is not None]
        try:
            with tempfile.TemporaryDirectory() as folder:
                # From the bytes that were compared with the pin, since the file could have changed since.
                path = Path(folder) / "trusted_root.json"
                path.write_bytes(root.data)
                self.root = TrustedRoot.from_file(str(path))
                self.verifier = Verifier(trusted_root=self.root)
        except (ValueError, SigstoreError) as error:
            raise Refused(
                Refusal.POLICY, f"the trust root sha256:{root.sha256} is not usable: {_line(error)}"
            ) from error

    def who_signed(self, evidence: Evidence, artifact: Artifact) -> Signer:
        """Return the accepted signer of an envelope, or of the artifact itself. Raises Refused."""
        heard = _Heard()
        log = logging.getLogger("sigstore.verify.verifier")
        level, propagate = log.level, log.propagate
        log.addHandler(heard)
        log.setLevel(logging.DEBUG)
        log.propagate = False
        try:
            return self._verify(evidence, artifact)
        except (SigstoreError, ValueError) as error:
            raise self._refused(error, evidence, heard.words) from error
        finally:
            log.removeHandler(heard)
            log.setLevel(level)
            log.propagate = propagate

    def _verify(self, evidence: Evidence, artifact: Artifact) -> Signer:
        _refuse_roots(evidence)
        bundle = Bundle.from_json(evidence.raw)
        accepted = AnyOf([_identity(signer) for signer in self.signers])
        if isinstance(evidence.content, Envelope):
            payload_type, payload = self.verifier.verify_dsse(bundle, accepted)
            if (payload_type, payload) != (evidence.content.payload_type, evidence.content.payload):
                raise Refused(Refusal.TAMPERED, f"{evidence.name}: two readers found two payloads in it")
        else:
            digest = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(artifact.sha256))
            self.verifier.verify_artifact(digest, bundle, accepted)
        for signer in self.signers:
            try:
                _identity(signer).verify(bundle.signing_certificate)
            except SigstoreError:
                continue
            return signer
        raise Refused(Refusal.WRONG_IDENTITY, f"{evidence.name}: none of the accepted identities is in its certificate")

    def _refused(self, error: Exception, evidence: Evidence, heard: list[str]) -> Refused:
        words = _line(error)
        if "Integrated time only supported" in words or "Unsupported DSSE log entry type" in words:
            return self._diagnose(evidence, heard, words)
        return Refused(_refusal(error, words, heard), f"{evidence.name}: {words}")

    def _diagnose(self, evidence: Evidence, heard: list[str], words: str) -> Refused:
        """Return why a bundle is refused whose log entry is of a kind that the library doesn't read (intoto).

        It is refused in any case; this finds out whether something worse is wrong with it.
        """
        bundle = Bundle.from_json(evidence.raw)
        try:
            _Diagnosis(trusted_root=self.root)._verify_common_signing_cert(  # noqa: SLF001 - the library's own steps 0 to 6
                bundle, AnyOf([_identity(signer) for signer in self.signers])
            )
            if isinstance(evidence.content, Envelope):
                _compare_entry(bundle, evidence.content)
                envelope = bundle._dsse_envelope  # noqa: SLF001 - as the library's own
                if envelope is not None:
                    dsse._verify(bundle.signing_certificate.public_key(), envelope)  # type: ignore[arg-type]  # noqa: SLF001
        except Refused as refused:
            return Refused(refused.refusal, f"{evidence.name}: {refused.reason}")
        except (SigstoreError, ValueError) as worse:
            return Refused(_refusal(worse, _line(worse), heard), f"{evidence.name}: {_line(worse)}")
        return Refused(Refusal.UNKNOWN, f"{evidence.name}: {words}")


def _identity(signer: Signer) -> Identity:
    assert signer.identity is not None  # noqa: S101 - only such signers come here
    return Identity(identity=signer.identity, issuer=signer.issuer)


def _line(error: Exception) -> str:
    text = " ".join(str(part) for part in error.args) if error.args else str(error)
    return " ".join(text.split())[:500] or type(error).__name__


def _refusal(error: Exception, words: str, heard: list[str]) -> Refusal:
    if "not enough sources of verified time" in words:
        said = " ".join(heard)
        return next((refusal for part, refusal in _TIME_WORDS if part in said), Refusal.EXPIRED)
    for part, refusal in _WORDS:
        if part in words:
            return refusal
    if isinstance(error, CertValidationError):
        return Refusal.UNTRUSTED_SERVICE
    return Refusal.MALFORMED if isinstance(error, InvalidBundle) else Refusal.TAMPERED


def _refuse_roots(evidence: Evidence) -> None:
    """Refuse a bundle that brings its own root of trust, of which the library merely warns."""
    chain = json.loads(evidence.raw)["verificationMaterial"].get("x509CertificateChain")
    try:
        ders = [base64.b64decode(item["rawBytes"]) for item in chain["certificates"]] if chain else []
    except (KeyError, TypeError, ValueError):
        return  # the library says what is wrong with it
    if any(cert_is_root_ca(load_der_x509_certificate(der)) for der in ders):
        raise Refused(
            Refusal.MALFORMED,
            f"{evidence.name}: its certificate chain contains a root certificate, and trust comes from the policy alone",
        )


def _compare_entry(bundle: Bundle, envelope: Envelope) -> None:
    """Refuse an entry of the kind intoto that is about another payload or signature (rekor, intoto_v0_0_2_schema.json)."""
    content = json.loads(bundle.log_entry._inner.canonicalized_body).get("spec", {}).get("content", {})  # noqa: SLF001
    logged = content.get("payloadHash", {}).get("value")
    found = hashlib.sha256(envelope.payload).hexdigest()
    if logged != found:
        raise Refused(
            Refusal.LOG_ENTRY, f"the log entry is about a payload with the sha256 {logged}, and this one has {found}"
        )
    # The log holds the base64 of the envelope's base64.
    entries = {item.get("sig") for item in content.get("envelope", {}).get("signatures", [])}
    if entries != {base64.b64encode(base64.b64encode(item.data)).decode() for item in envelope.signatures}:
        raise Refused(Refusal.LOG_ENTRY, "the log entry is about another signature")
