"""Log entries and time stamps that come with a signature by key: each is verified by the sigstore library, or refused.

The library verifies whole bundles with a certificate only, so its parts are called here. Where a release of it no longer has
them, everything is refused; its releases are bounded to those that were tried.
"""

import json
from datetime import datetime, timedelta

from sigstore._internal.trust import KeyringPurpose
from sigstore.models import TransparencyLogEntry
from sigstore_models.bundle.v1 import Bundle

from cloche.attest.artifact import Artifact
from cloche.attest.envelope import Evidence
from cloche.attest.outcome import Refusal, Refused
from cloche.untrusted.moments import moment
from cloche.verify import diagnosis, identity
from cloche.verify.keys import PublicKey
from cloche.verify.policy import TrustRoot

# How far the clocks of two machines may be apart.
_APART = timedelta(minutes=5)


class Log:
    """The logs and authorities for time stamps of a trust root."""

    def __init__(self, root: TrustRoot) -> None:
        """Read the trust root. Raises Refused (POLICY) for one that the library can't use."""
        self.pinned = root
        self.root = identity.trusted(root)

    def check(self, evidence: Evidence, artifact: Artifact, key: PublicKey, now: datetime) -> str:
        """Return in words what stands in the log; raises Refused for what does not hold of entries and time stamps."""
        try:
            times = [*self._entries(evidence, artifact, key), *identity.stamps(evidence, self.pinned)]
        except Refused:
            raise
        except Exception as error:
            # Also what hostile values make of the library; whatever it is, nothing was verified.
            raise Refused(Refusal.LOG_ENTRY, f"its log entry or time stamp: {identity.words(error)}") from error
        for time in times:
            if time > now + _APART:
                raise Refused(Refusal.EXPIRED, f"it was signed at {time}, which is yet to come")
        return f"in a log or stamped at {min(times)}" if times else "in a log"

    def _entries(self, evidence: Evidence, artifact: Artifact, key: PublicKey) -> list[datetime]:
        document = json.loads(evidence.raw)
        stated = document["verificationMaterial"].get("tlogEntries") or []
        entries = Bundle.from_json(identity.whole(evidence.raw)).verification_material.tlog_entries or []
        if len(entries) != len(stated):
            raise Refused(Refusal.LOG_ENTRY, "two readers found another number of log entries in it")
        times = []
        for entry in entries:
            TransparencyLogEntry(entry)._verify(self.root.rekor_keyring(KeyringPurpose.VERIFY))  # noqa: SLF001 - as said
            if bool(entry.inclusion_promise) != bool(entry.integrated_time):
                raise Refused(
                    Refusal.LOG_ENTRY, "its log entry has a time without a promise, or a promise without a time"
                )
            if entry.integrated_time:
                times.append(moment(entry.integrated_time))
        if fault := diagnosis.compare_entries(evidence.content, artifact.sha256, stated, key.der):
            raise Refused(Refusal.LOG_ENTRY, fault[1])
        return times
