"""The gate: collects evidence row by row, and accepts only when nothing was refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloche.attest import artifact as artifacts
from cloche.attest import statements
from cloche.attest.artifact import Artifact
from cloche.attest.outcome import Refusal, Refused, Report
from cloche.attest.statements import Statement
from cloche.errors import ClocheError, ExitCode
from cloche.image.errors import BadIndexError, TooLargeError, WrongBytesError
from cloche.store import nar
from cloche.untrusted import regular_file
from cloche.untrusted.limits import SBOM
from cloche.untrusted.strict_json import BadJsonError
from cloche.verify import closure, evidence, policy, predicates, source, summary
from cloche.verify.policy import PREDICATES, SIGNATURE, Policy
from cloche.verify.predicates import Claimed
from cloche.verify.signatures import Judge, Signed


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    artifact: str
    policy: Path
    bundles: tuple[Path, ...] = ()
    sbom: Path | None = None
    advisories: Path | None = None
    repository: Path | None = None
    rebuild: bool = False
    source: Path | None = None
    insecure: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Outcome:
    """The report, and what of the artifact and the policy became known."""

    report: Report
    artifact: Artifact | None = None
    policy: Policy | None = None
    claimed: Claimed | None = None
    # (documents, sha256 of the payload) of each statement that was accepted.
    inputs: list[tuple[str, str]] = field(default_factory=list)


def verify(request: Request) -> Outcome:
    """Return the outcome. Never raises an Exception: one that nobody foresaw is a refusal (INTERNAL)."""
    outcome = Outcome(Report())
    try:
        _verify(request, outcome)
    except Refused as refused:
        outcome.report.refuse("verification", refused.refusal, refused.reason)
    except Exception as error:  # noqa: BLE001 - whatever it is, the artifact must not pass
        outcome.report.refuse("verification", Refusal.INTERNAL, f"{type(error).__name__}: {error}")
    return outcome


def _verify(request: Request, outcome: Outcome) -> None:
    report = outcome.report
    try:
        outcome.policy = policy.read(request.policy)
        judge = Judge(outcome.policy, request.now)
    except Refused as refused:
        report.refuse("policy", refused.refusal, refused.reason)
        return
    artifact = _artifact(request, report)
    if artifact is None:
        return
    outcome.artifact = artifact
    report.accept("artifact", f"{artifact.name}, {artifact.extent}, sha256 {artifact.sha256}")
    documents = evidence.gather(request.bundles, _attached(request, artifact, report), report)
    signed = judge.signed(documents, artifact, report)
    about, others = _about(signed, artifact, request, outcome.policy, report)
    _judge_statements(about, outcome, request.now)
    _required(signed, about, others, outcome)
    closure.check(artifact, outcome.claimed, outcome.policy, report)
    if request.sbom is not None:
        _sbom(request.sbom, about, report)
    _vulnerabilities(request, outcome, about)
    _revision(request, outcome)
    if request.rebuild:
        _rebuild(request, outcome)


def _artifact(request: Request, report: Report) -> Artifact | None:
    refusals: dict[type[ClocheError], Refusal] = {
        artifacts.MissingArtifactError: Refusal.MISSING,
        artifacts.MutableReferenceError: Refusal.MUTABLE_REFERENCE,
        artifacts.AlteredArtifactError: Refusal.TAMPERED,
        nar.ChangedError: Refusal.TAMPERED,
    }
    try:
        return artifacts.digest_of(request.artifact, insecure=request.insecure)
    except ClocheError as error:
        other = Refusal.MISSING if error.exit_code is ExitCode.ENVIRONMENT_LACKS else Refusal.MALFORMED
        report.refuse("artifact", refusals.get(type(error), other), error.message)
    except OSError as error:
        report.refuse("artifact", Refusal.MISSING, f"{request.artifact} can't be read: {error.strerror}")
    return None


def _attached(request: Request, artifact: Artifact, report: Report) -> list[tuple[str, bytes]]:
    """Return what is attached to an image; evidence that was given replaces it."""
    if request.bundles:
        return []
    try:
        return evidence.attached(artifact)
    except Refused as refused:
        report.refuse("attached evidence", refused.refusal, refused.reason)
    except WrongBytesError as error:
        report.refuse("attached evidence", Refusal.TAMPERED, error.message)
    except (BadJsonError, BadIndexError, TooLargeError) as error:
        report.refuse("attached evidence", Refusal.MALFORMED, error.message)
    except (ClocheError, OSError) as error:
        report.refuse("attached evidence", Refusal.MISSING, str(error))
    return []


def _about(
    signed: Sequence[Signed], artifact: Artifact, request: Request, rules: Policy, report: Report
) -> tuple[list[tuple[Signed, Statement]], list[Statement]]:
    """Return the statements about this artifact, and those about others.

    One about another artifact is refused if its file was named, and else noted: a folder or a registry may well hold
    the evidence of several.
    """
    named = {path.name for path in request.bundles if not path.is_dir()}
    found, others = [], []
    for item in signed:
        if item.payload is None:
            continue
        try:
            statement = statements.read(item.payload, item.payload_type, item.name)
        except Refused as refused:
            report.refuse(f"statement in {item.name}", refused.refusal, refused.reason)
            continue
        if statement.about(artifact):
            if _may_sign(item, statement.predicate_type, rules, report):
                found.append((item, statement))
            continue
        others.append(statement)
        subjects = ", ".join(
            f"{item.name or '(no name)'} with the sha256 {item.digest.get('sha256')}"
            f"{_kind(item.media_type) if item.digest.get('sha256') == artifact.sha256 else ''}"
            for item in statement.subjects[:3]
        )
        names = ", ".join(item.name or "(no name)" for item in statement.subjects[:3])
        if named & set(item.documents):
            report.refuse(f"subject of {item.name}", Refusal.WRONG_SUBJECT, f"it is about {subjects}")
        else:
            report.note(f"subject of {item.name}", f"not counted, since it is about another artifact: {names}")
    return found, others


def _kind(media_type: str | None) -> str:
    return f" of the type {media_type}" if media_type else " that says no media type, as a file's"


def _may_sign(signed: Signed, kind: str, rules: Policy, report: Report) -> bool:
    """Report on accepted signers that signed what the policy does not let them sign; return whether there are none.

    `kind` is the URI of a predicate type, or SIGNATURE.
    """
    name = _short(kind)
    if name not in {*rules.required, *rules.also_allowed}:
        return True  # it is refused as unknown, whoever signed it
    refused = [signer for signer in rules.signers if signer.name in signed.signers and name not in signer.statements]
    for signer in refused:
        reason = f"the policy does not let {signer.name} sign {name}, but {', '.join(signer.statements) or 'nothing'}"
        report.refuse(f"{name} in {signed.name}", Refusal.WRONG_IDENTITY, reason)
    return not refused


def _judge_statements(about: Sequence[tuple[Signed, Statement]], outcome: Outcome, now: datetime) -> None:
    report, rules = outcome.report, outcome.policy
    assert rules is not None  # noqa: S101 - read before
    known = {PREDICATES.get(name, name) for name in (*rules.required, *rules.also_allowed)}
    for signed, statement in about:
        kind, what = statement.predicate_type, f"{_short(statement.predicate_type)} in {signed.name}"
        if kind not in known:
            report.refuse(what, Refusal.UNKNOWN, f"the policy does not know statements of the type {kind}")
            continue
        outcome.inputs.append((signed.name, signed.sha256))
        if kind == PREDICATES["provenance"]:
            claimed = predicates.provenance(statement.predicate, signed.signers, rules, what, report)
            if claimed is not None and outcome.claimed is not None and claimed != outcome.claimed:
                report.refuse(
                    what,
                    Refusal.WRONG_SOURCE,
                    "two accepted statements name different origins or closures of the same artifact",
                )
            outcome.claimed = claimed or outcome.claimed
        elif kind == PREDICATES["test-result"]:
            predicates.tests(statement.predicate, rules, what, report)
        elif kind == PREDICATES["sbom"]:
            if not predicates.sbom(statement.predicate, what, report):
                continue
            if "licenses" in rules.audited:
                from cloche.verify import auditing  # noqa: PLC0415 - what audits takes a while to import

                auditing.licences(statement.predicate, rules.audit, what, report)
        elif kind == PREDICATES["vsa"] and rules.vsa is not None:
            summary.judge(statement.predicate, rules.vsa, now, what, report)
        else:
            report.note(what, "is signed and about this artifact; what it says is not judged")


def _short(kind: str) -> str:
    return next((name for name, uri in PREDICATES.items() if uri == kind), kind)


def _required(
    signed: Sequence[Signed], about: Sequence[tuple[Signed, Statement]], others: Sequence[Statement], outcome: Outcome
) -> None:
    report, rules = outcome.report, outcome.policy
    assert rules is not None  # noqa: S101 - read before
    over_bytes = any(item.payload is None and _may_sign(item, SIGNATURE, rules, report) for item in signed)
    if over_bytes and SIGNATURE not in (*rules.required, *rules.also_allowed):
        reason = "a signature over the artifact's bytes states nothing, and the policy does not name it (statements: signature)"
        report.refuse("signature over the artifact", Refusal.UNKNOWN, reason)
    for name in rules.required:
        kind, what = PREDICATES.get(name, name), f"statement {name}"
        if name == SIGNATURE and over_bytes:
            report.accept("signature over the artifact", "by accepted signers")
        elif any(statement.predicate_type == kind for _, statement in about):
            continue
        elif any(statement.predicate_type == kind for statement in others):
            report.refuse(
                what, Refusal.WRONG_SUBJECT, f"the policy requires {name}, and what there is is about other artifacts"
            )
        else:
            reason = f"the policy requires {name}, and no accepted statement about this artifact is one"
            report.refuse(what, Refusal.MISSING_STATEMENT, reason)


def _sbom(path: Path, about: Sequence[tuple[Signed, Statement]], report: Report) -> None:
    try:
        data = regular_file.read(path, SBOM)
    except OSError as error:
        report.refuse("SBOM file", evidence.refusal_of(error), f"{path} can't be read: {error.strerror}")
        return
    found = [statement.predicate for _, statement in about if statement.predicate_type == PREDICATES["sbom"]]
    predicates.sbom_file(data, found, report)


def _vulnerabilities(request: Request, outcome: Outcome, about: Sequence[tuple[Signed, Statement]]) -> None:
    report, rules = outcome.report, outcome.policy
    assert rules is not None  # noqa: S101 - read before
    if "vulnerabilities" not in rules.audited:
        if request.advisories is not None:
            report.refuse(
                "vulnerabilities",
                Refusal.POLICY,
                "--advisories was given, and the policy has no [vulnerabilities] to judge by",
            )
        return
    from cloche.verify import auditing  # noqa: PLC0415 - as above

    found = [statement.predicate for _, statement in about if statement.predicate_type == PREDICATES["sbom"]]
    auditing.vulnerabilities(found, request.advisories, rules.audit, request.now.date(), report)


def _revision(request: Request, outcome: Outcome) -> None:
    report, rules, claimed = outcome.report, outcome.policy, outcome.claimed
    assert rules is not None  # noqa: S101 - read before
    wanted = rules.provenance
    if wanted is None or "provenance" not in rules.required:
        report.note("replay", "the policy asks for no provenance, so replay of an older release is not excluded")
    elif wanted.minimum_revision is None and wanted.minimum_date is None and not wanted.revisions:
        report.note("replay", "the policy has no minimum revision, so replay of an older release is not excluded")
    elif claimed is not None and (wanted.minimum_revision or wanted.minimum_date):
        source.check_age(claimed, wanted, request.repository, report)


def _rebuild(request: Request, outcome: Outcome) -> None:
    report, claimed, artifact = outcome.report, outcome.claimed, outcome.artifact
    assert artifact is not None  # noqa: S101 - read before
    if report.refusal is not None:
        report.note("rebuild", "nothing was built, because not everything before it was accepted")
    elif claimed is None:
        report.refuse("rebuild", Refusal.NOT_REPRODUCED, "no accepted provenance says what to build")
    else:
        source.rebuild(claimed, artifact, request.source, report)


def json_of(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as data: version 1 of the report for machines."""
    refusal, artifact = outcome.report.refusal, outcome.artifact
    return {
        "version": 1,
        "accepted": refusal is None,
        "exitCode": 0 if refusal is None else int(refusal),
        "refusal": None if refusal is None else refusal.name.lower().replace("_", "-"),
        "artifact": None
        if artifact is None
        else {"kind": artifact.kind.value, "name": artifact.name, "sha256": artifact.sha256},
        "policy": None if outcome.policy is None else {"sha256": outcome.policy.sha256},
        "level": None if outcome.claimed is None else outcome.claimed.level,
        "rows": [{"what": row.what, "verdict": row.verdict, "reason": row.reason} for row in outcome.report.rows],
    }


__all__ = ["Outcome", "Request", "json_of", "verify"]
