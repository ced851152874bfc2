"""Vulnerabilities and licences of what an accepted SBOM lists, judged by `cloche.audit`.

What `cloche audit` merely reports is refused here unless the policy says otherwise: components that no feed covers, and
licences that are not known.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from cloche.attest.outcome import Refusal, Refused, Report
from cloche.audit import components, feed, report
from cloche.audit.licenses import LicensePolicy
from cloche.audit.policy import Policy as AuditPolicy
from cloche.audit.policy import PolicyError, parse
from cloche.errors import ClocheError
from cloche.store import canonical_json

# How many of many faults a reason names.
_SHOWN = 5


def policy(tables: Mapping[str, Any], what: str) -> AuditPolicy:
    """Return the policy of the tables that `cloche audit` has too. Raises ValueError for what it does not understand."""
    strict = {"vulnerabilities": {"not-audited": "fail"}, "licenses": {"unknown": "fail"}}
    filled = {
        name: strict.get(name, {}) | value if isinstance(value, dict) else value for name, value in tables.items()
    }
    try:
        found = parse(filled, what=what)
        LicensePolicy(found)
    except PolicyError as error:
        raise ValueError(error.message.removeprefix(f"{what}: ")) from error
    return found


def licences(predicate: dict[str, Any], rules: AuditPolicy, what: str, rows: Report) -> None:
    """Report on the licences of an SBOM's components."""
    try:
        listed = _listed(predicate, what)
    except Refused as refused:
        rows.refuse(f"licences in {what}", refused.refusal, refused.reason)
        return
    judge, bad, unknown = LicensePolicy(rules), [], []
    for component in listed.components:
        fault = judge.fault(component.license)
        name = f"{component.name} {component.version}".strip()
        if fault is None:
            unknown.append(
                f"{name} has {component.license}, which is not known" if component.license else f"{name} states none"
            )
        elif fault:
            bad.append(f"{name} has {fault}, which is denied")
    if rules.unknown_license == "fail":
        bad, unknown = bad + unknown, []
    _tell(f"licences in {what}", Refusal.LICENCE, bad, f"none is denied in {len(listed.components)} components", rows)
    if unknown:
        rows.note(f"licences in {what}", f"{len(unknown)} components have no known licence: {_some(unknown)}")


def vulnerabilities(
    sboms: list[dict[str, Any]], folder: Path | None, rules: AuditPolicy, today: date, rows: Report
) -> None:
    """Report on known vulnerabilities of what the SBOMs list."""
    what = "vulnerabilities"
    if folder is None:
        rows.refuse(
            what, Refusal.MISSING, "the policy has a ceiling for vulnerabilities, and no --advisories FOLDER was given"
        )
        return
    if not folder.is_dir():
        rows.refuse(what, Refusal.MISSING, f"there is no folder {folder}")
        return
    # Licences have rows of their own.
    only = replace(rules, denied=(), permitted=(), unknown_license="report")
    try:
        records = feed.load(folder)
        for sbom in sboms:
            found = report.audit(_listed(sbom, what), records, only, today)
            age = f"by {len(records.advisories)} advisories, the newest of {records.newest}"
            _tell(
                what,
                Refusal.VULNERABLE,
                found.reasons,
                f"none above {rules.ceiling.name} in {found.audited} components, {age}",
                rows,
            )
            if rules.not_audited == "report":
                for why, number in sorted(Counter(why for _, why in found.not_audited).items()):
                    rows.note(what, f"{number} components were not audited: {why}")
            for finding in found.findings:
                if finding.verdict == "ignored":
                    rows.note(
                        what,
                        f"{finding.component.name} {finding.component.version}: {finding.ids[0]} is ignored {finding.reason}",
                    )
    except Refused as refused:
        rows.refuse(what, refused.refusal, refused.reason)
    except ClocheError as error:
        rows.refuse(what, Refusal.MALFORMED, error.message)


def _listed(predicate: dict[str, Any], what: str) -> components.Sbom:
    try:
        return components.read(canonical_json.dumps(predicate), what=what)
    except (ClocheError, ValueError) as error:
        raise Refused(Refusal.MALFORMED, str(error)) from error


def _tell(what: str, refusal: Refusal, bad: list[str], good: str, rows: Report) -> None:
    if bad:
        rows.refuse(what, refusal, _some(bad))
    else:
        rows.accept(what, good)


def _some(faults: list[str]) -> str:
    more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return "; ".join(faults[:_SHOWN]) + more
