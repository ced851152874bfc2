"""The classes of refusal. docs/verify.md has the same table; a test compares them."""

from dataclasses import dataclass
from enum import IntEnum


class Refusal(IntEnum):
    """Why an artifact was refused: the exit code of `cloche verify`. The first in this order decides."""

    INTERNAL = 10
    POLICY = 11
    MISSING = 12
    MUTABLE_REFERENCE = 13
    MALFORMED = 14
    TAMPERED = 15
    LOG_ENTRY = 16
    MISSING_SIGNATURE = 17
    EXTRA_SIGNATURE = 18
    REVOKED = 19
    WRONG_IDENTITY = 20
    EXPIRED = 21
    UNTRUSTED_SERVICE = 22
    WRONG_SUBJECT = 23
    UNKNOWN = 24
    MISSING_STATEMENT = 25
    WRONG_BUILDER = 26
    WRONG_SOURCE = 27
    FAILED_CHECK = 28
    VULNERABLE = 29
    LICENCE = 30
    NOT_REPRODUCED = 31
    UNVERIFIED = 32


MEANING = {
    Refusal.INTERNAL: "verify itself failed; nothing is said about the artifact",
    Refusal.POLICY: "the policy is missing, has an unknown key or contradicts itself, or a file that it pins has other bytes",
    Refusal.MISSING: "a tool, file or store path that is needed is missing",
    Refusal.MUTABLE_REFERENCE: "the artifact is named by a tag instead of a digest",
    Refusal.MALFORMED: "evidence is not of the form that it should have",
    Refusal.TAMPERED: "bytes were altered: of the payload, its type, a signature, the artifact, its closure or the SBOM",
    Refusal.LOG_ENTRY: "a log entry is missing, contradicts the bundle, or is not proven by the log",
    Refusal.MISSING_SIGNATURE: "too few accepted signers signed",
    Refusal.EXTRA_SIGNATURE: "an accepted signature stands beside one that is not",
    Refusal.REVOKED: "a revoked signer signed",
    Refusal.WRONG_IDENTITY: "somebody signed who is not among the accepted signers, or may not sign such a statement",
    Refusal.EXPIRED: "a certificate, a time stamp or a signer is outside of its validity, or no time could be established",
    Refusal.UNTRUSTED_SERVICE: "an authority, log or time stamp is not one of the trust root",
    Refusal.WRONG_SUBJECT: "the evidence is about another artifact",
    Refusal.UNKNOWN: "unknown type of payload, statement, predicate or build, or an unknown external parameter",
    Refusal.MISSING_STATEMENT: "a required statement is missing, or none covers a store path that the artifact refers to",
    Refusal.WRONG_BUILDER: "another builder, or too low a level",
    Refusal.WRONG_SOURCE: "another source, or an older revision than the policy allows",
    Refusal.FAILED_CHECK: "a required test or check did not pass",
    Refusal.VULNERABLE: "a vulnerability above the ceiling, or one of unknown severity",
    Refusal.LICENCE: "a licence that is denied, or none stated",
    Refusal.NOT_REPRODUCED: "the rebuilt artifact has other bytes, or could not be rebuilt",
    Refusal.UNVERIFIED: "the sigstore library refused it, and no check of Cloche's own finds why; its words are the reason",
}


_WHY_MISSING = frozenset(
    {
        Refusal.EXTRA_SIGNATURE,
        Refusal.REVOKED,
        Refusal.WRONG_IDENTITY,
        Refusal.EXPIRED,
        Refusal.UNTRUSTED_SERVICE,
        Refusal.WRONG_SUBJECT,
        Refusal.UNVERIFIED,
    }
)


class Refused(Exception):  # noqa: N818 - it is the verdict and no fault of the program
    """Something was refused, for a reason."""

    def __init__(self, refusal: Refusal, reason: str) -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.reason = reason


@dataclass(frozen=True)
class Row:
    """One line of the report: what was looked at, and why it was accepted, refused or merely noted."""

    what: str
    reason: str
    refusal: Refusal | None = None
    # What proves nothing and refuses nothing: a remark.
    note: bool = False

    @property
    def verdict(self) -> str:
        """Return `accepted`, `note`, or the name of the refusal."""
        if self.refusal is not None:
            return self.refusal.name.lower().replace("_", "-")
        return "note" if self.note else "accepted"


class Report:
    """The rows so far. It refuses unless something was accepted and nothing was refused."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def accept(self, what: str, reason: str) -> None:
        """Add a row for what holds."""
        self.rows.append(Row(what, reason))

    def note(self, what: str, reason: str) -> None:
        """Add a remark."""
        self.rows.append(Row(what, reason, note=True))

    def refuse(self, what: str, refusal: Refusal, reason: str) -> None:
        """Add a row for what does not hold."""
        self.rows.append(Row(what, reason, refusal))

    @property
    def refusal(self) -> Refusal | None:
        """Return the class that decides, or None when everything was accepted."""
        found = {row.refusal for row in self.rows if row.refusal is not None}
        # That signatures are missing follows when one was refused, and that one says why.
        if found & _WHY_MISSING:
            found.discard(Refusal.MISSING_SIGNATURE)
        if Refusal.UNVERIFIED in found:
            found.discard(Refusal.MISSING_STATEMENT)
        if found:
            return min(found)
        return None if any(row.verdict == "accepted" for row in self.rows) else Refusal.INTERNAL
