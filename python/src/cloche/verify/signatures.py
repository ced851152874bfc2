"""Who signed what: from documents to payloads with the accepted signers of each."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from cloche.attest.artifact import Artifact
from cloche.attest.envelope import Envelope, Evidence, Signature
from cloche.attest.outcome import Refusal, Refused, Report
from cloche.untrusted import regular_file
from cloche.verify import keys
from cloche.verify.policy import Policy, Signer

if TYPE_CHECKING:
    from cloche.verify.log import Log

_ENDING = re.compile(r"(\.dsse|\.sigstore|\.intoto)?\.json$")


@dataclass
class Signed:
    """A payload, the documents that hold it, and the names of those whose signatures over it are accepted.

    `payload` is None for a signature over the artifact's own bytes.
    """

    payload: bytes | None
    payload_type: str
    documents: list[str] = field(default_factory=list)
    signers: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Return what a report calls it: the documents in which it was found, without what says their format."""
        return ", ".join(sorted({_ENDING.sub("", document) for document in self.documents}))

    @property
    def sha256(self) -> str:
        """Return the digest of the payload."""
        return hashlib.sha256(self.payload or b"").hexdigest()


class Judge:
    """The accepted signers of a policy, at one moment."""

    def __init__(self, policy: Policy, now: datetime) -> None:
        """Load the keys and the trust root. Raises Refused (POLICY) for a key or trust root that can't be used."""
        self.policy, self.now = policy, now
        self.keys = keys.all_of(policy.signers)
        self.identities = None
        if any(signer.identity for signer in policy.signers) and policy.trust_root is not None:
            from cloche.verify.identity import Identities  # noqa: PLC0415 - sigstore takes 0.7 s to import

            self.identities = Identities(policy.signers, policy.trust_root)
        self._log: Log | None = None

    def signed(self, documents: Sequence[Evidence], artifact: Artifact, report: Report) -> list[Signed]:
        """Return the payloads that enough accepted signers signed; every signature is accounted for in the report."""
        found: dict[tuple[str, bytes | None], Signed] = {}
        for document in documents:
            content = document.content
            key = (content.payload_type, content.payload) if isinstance(content, Envelope) else ("", None)
            signed = found.setdefault(key, Signed(key[1], key[0]))
            signed.documents.append(document.name)
            try:
                signed.signers |= self._accepted(document, artifact, report)
            except Refused as refused:
                report.refuse(f"signature in {document.name}", refused.refusal, refused.reason)
        enough = []
        for signed in found.values():
            if len(signed.signers) >= self.policy.threshold:
                enough.append(signed)
            else:
                names = ", ".join(sorted(signed.signers)) or "nobody"
                reason = f"{self.policy.threshold} distinct signers are required, and of those accepted {names} signed"
                report.refuse(f"threshold of {signed.name}", Refusal.MISSING_SIGNATURE, reason)
        return enough

    def _accepted(self, document: Evidence, artifact: Artifact, report: Report) -> set[str]:
        if document.certified:
            return {self._by_identity(document, artifact, report)}
        content = document.content
        if isinstance(content, Envelope):
            found, bytes_or_envelope = content.signatures, content
            if not found:
                raise Refused(Refusal.MISSING_SIGNATURE, "the envelope has no signature")
            return self._by_keys(document, artifact, found, bytes_or_envelope, report)
        if content.sha256 is not None and content.sha256 != artifact.sha256:
            raise Refused(Refusal.WRONG_SUBJECT, f"it is for an artifact with the sha256 {content.sha256}")
        if artifact.content is None:
            raise Refused(
                Refusal.UNKNOWN, "a signature over bytes, where the artifact is a folder; sign a statement instead"
            )
        try:
            data = artifact.content()
        except regular_file.OversizedFileError as error:
            reason = f"a signature over the bytes of {artifact.name}, but {error.strerror}; sign a statement instead"
            raise Refused(Refusal.UNKNOWN, reason) from error
        if hashlib.sha256(data).hexdigest() != artifact.sha256:
            raise Refused(Refusal.TAMPERED, "the artifact changed while it was verified")
        return self._by_keys(document, artifact, (content.signature,), data, report)

    def _by_identity(self, document: Evidence, artifact: Artifact, report: Report) -> str:
        if self.identities is None:
            raise Refused(Refusal.WRONG_IDENTITY, "it is signed by an identity, and the policy accepts keys only")
        signer = self.identities.who_signed(document, artifact)
        self._usable(signer)
        reason = f"by {signer.name} ({signer.identity}, vouched for by {signer.issuer}), in the log"
        report.accept(f"signature in {document.name}", reason)
        return signer.name

    def _by_keys(
        self,
        document: Evidence,
        artifact: Artifact,
        found: Sequence[Signature],
        signed: Envelope | bytes,
        report: Report,
    ) -> set[str]:
        name = f"signature in {document.name}"
        accepted: set[str] = set()
        refused: list[tuple[Refusal, str]] = []
        for signature in found:
            key = keys.who_signed(signature, signed, self.keys)
            if key is None:
                refused.append(keys.complaint(signature, self.keys))
                continue
            try:
                self._usable(key.signer)
                logged = self._logged(document, artifact, key)
            except Refused as unusable:
                refused.append((unusable.refusal, unusable.reason))
            else:
                report.accept(name, f"by the key of {key.signer.name}; {logged}")
                accepted.add(key.signer.name)
        for refusal, reason in refused:
            extra = accepted and refusal in {Refusal.TAMPERED, Refusal.WRONG_IDENTITY}
            report.refuse(name, Refusal.EXTRA_SIGNATURE if extra else refusal, reason)
        return accepted

    def _logged(self, document: Evidence, artifact: Artifact, key: keys.PublicKey) -> str:
        """Return in words what vouches for the time of a signature by key; whatever comes with it has to be verified."""
        if not document.logged:
            return "no log entry is asked for with a key"
        if self.policy.trust_root is None:
            reason = "a log entry or time stamp comes with it, and the policy has no [trust-root] by which to verify it"
            raise Refused(Refusal.LOG_ENTRY, reason)
        if self._log is None:
            from cloche.verify.log import Log  # noqa: PLC0415 - as above

            self._log = Log(self.policy.trust_root)
        return self._log.check(document, artifact, key, self.now)

    def _usable(self, signer: Signer) -> None:
        if signer.revoked is not None:
            raise Refused(Refusal.REVOKED, f"by {signer.name}, which is revoked: {signer.revoked}")
        if signer.not_before is not None and self.now < signer.not_before:
            raise Refused(Refusal.EXPIRED, f"by {signer.name}, which is valid from {signer.not_before.isoformat()} on")
        if signer.not_after is not None and self.now >= signer.not_after:
            raise Refused(Refusal.EXPIRED, f"by {signer.name}, which was valid until {signer.not_after.isoformat()}")
