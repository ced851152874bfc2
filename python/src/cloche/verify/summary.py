"""What a Verification Summary Attestation of somebody else has to say, by the policy.

https://slsa.dev/spec/v1.1/verification_summary, section "How to verify": who verified, what, and with which result are compared with
what the policy expects; no field that it has is passed over.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cloche.attest.outcome import Refusal, Refused, Report
from cloche.verify.policy import Summary

_LEVEL = re.compile(r"SLSA_BUILD_LEVEL_([0-3])")
_TRACK = "SLSA_BUILD_LEVEL_"
# The levels mean the same in these versions of SLSA.
_VERSIONS = ("1.0", "1.1", "1.2")
# How far the clocks of two machines may be apart.
_APART = timedelta(minutes=5)


def judge(predicate: Mapping[str, Any], wanted: Summary, now: datetime, what: str, report: Report) -> None:
    """Report on the predicate of a summary."""
    try:
        _expected(predicate.get("verifier"), "id", wanted.verifier, "verifier")
        _expected(predicate, "resourceUri", wanted.resource, "resource")
        _policy(predicate.get("policy"), wanted)
        level = _level(predicate.get("verifiedLevels"))
        # Whatever else it says is about what was not accepted.
        if predicate.get("verificationResult") != "PASSED":
            reason = f"the verification ended with {predicate.get('verificationResult')!r}, where 'PASSED' is accepted"
            raise Refused(Refusal.FAILED_CHECK, reason)  # noqa: TRY301 - one place reports refusals
        if predicate.get("slsaVersion") not in (None, *_VERSIONS):
            reason = f"the levels are those of SLSA {predicate['slsaVersion']!r}; known are {', '.join(_VERSIONS)}"
            raise Refused(Refusal.UNKNOWN, reason)  # noqa: TRY301 - as above
        if level < wanted.minimum_level:
            reason = f"SLSA build level {level} was verified, and the policy demands {wanted.minimum_level}"
            raise Refused(Refusal.WRONG_BUILDER, reason)  # noqa: TRY301 - as above
        _dependencies(predicate.get("dependencyLevels"), wanted)
        _inputs(predicate.get("inputAttestations"))
        when = _time(predicate.get("timeVerified"), wanted, now)
    except Refused as refused:
        report.refuse(what, refused.refusal, refused.reason)
    else:
        report.accept(what, f"{wanted.verifier} verified {wanted.resource} at SLSA build level {level}{when}")


def _expected(table: object, name: str, wanted: str, noun: str) -> None:
    found = table.get(name) if isinstance(table, Mapping) else None
    if found != wanted:
        refusal = Refusal.WRONG_IDENTITY if noun == "verifier" else Refusal.WRONG_SUBJECT
        raise Refused(refusal, f"the {noun} is {found!r}, and the policy accepts {wanted}")


def _policy(found: object, wanted: Summary) -> None:
    digest = found.get("digest", {}) if isinstance(found, Mapping) else None
    if not isinstance(digest, Mapping):
        raise Refused(Refusal.MALFORMED, "policy is no object with the digest of one")
    if wanted.policy_sha256 is not None and digest.get("sha256") != wanted.policy_sha256:
        reason = f"it was verified by a policy with the sha256 {digest.get('sha256')}, and {wanted.policy_sha256} is accepted"
        raise Refused(Refusal.POLICY, reason)


def _level(found: object) -> int:
    """Return the one build level that was verified, 0 where none is named."""
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Refused(Refusal.MALFORMED, "verifiedLevels is no list of levels")
    levels = [each for each in found if each.startswith(_TRACK)]
    if len(levels) > 1 or not all(map(_LEVEL.fullmatch, levels)):
        raise Refused(Refusal.MALFORMED, f"verifiedLevels has {', '.join(levels)}, where one known build level belongs")
    return int(levels[0].removeprefix(_TRACK)) if levels else 0


def _dependencies(found: object, wanted: Summary) -> None:
    counts = {} if found is None else found
    if not isinstance(counts, Mapping) or not all(re.fullmatch(r"\d+", str(count)) for count in counts.values()):
        raise Refused(Refusal.MALFORMED, "dependencyLevels is no object with a number for each level")
    least = wanted.minimum_dependency_level
    if least is None:
        return
    if found is None:
        raise Refused(Refusal.WRONG_BUILDER, f"it has no dependencyLevels, and the policy demands {least} of all")
    for name, count in counts.items():
        level = _LEVEL.fullmatch(name)
        if int(count) and (level is None or int(level[1]) < least):
            raise Refused(
                Refusal.WRONG_BUILDER, f"{count} dependencies have {name}, and the policy demands {least} of all"
            )


def _inputs(found: object) -> None:
    entries = [] if found is None else found
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) and each.get("digest") for each in entries):
        raise Refused(Refusal.MALFORMED, "inputAttestations is no list of attestations with their digests")


def _time(found: object, wanted: Summary, now: datetime) -> str:
    if found is None and wanted.maximum_age is None:
        return ""
    try:
        when = datetime.fromisoformat(str(found))
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise Refused(Refusal.MALFORMED, f"timeVerified is {found!r}, which is no time with an offset from UTC")
    if when > now + _APART:
        raise Refused(Refusal.EXPIRED, f"timeVerified is {found}, which is yet to come")
    if wanted.maximum_age is not None and now - when > timedelta(days=wanted.maximum_age):
        reason = f"it was verified on {found}; at most {wanted.maximum_age} days ago is accepted (vsa.maximum-age)"
        raise Refused(Refusal.EXPIRED, reason)
    return f", on {when.astimezone(UTC):%Y-%m-%d}"
