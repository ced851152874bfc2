"""The audit itself: an SBOM, a feed, a policy and a day become findings and a verdict with its reasons."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cloche.audit import match, severity
from cloche.audit.components import Listed, Sbom
from cloche.audit.feed import Advisory, Feed
from cloche.audit.licenses import LicensePolicy
from cloche.audit.policy import Ignore, Policy
from cloche.audit.severity import Level, Severity
from cloche.errors import ClocheError
from cloche.untrusted import terminal

VERSION = 1


@dataclass(frozen=True)
class Finding:
    """One vulnerability of one component: all advisories that are aliases of each other.

    `verdict` is "fails", "ignored" or "accepted" (not above the ceiling); `reason` says why.
    """

    component: Listed
    ids: tuple[str, ...]
    summary: str
    severity: Severity
    how: str
    fixed: tuple[str, ...]
    verdict: str
    reason: str
    ignore: Ignore | None = None


@dataclass
class Report:
    """What an audit found, and `reasons`: why it does not pass, a line each; none means that it passes."""

    today: date
    newest: date
    records: int
    withdrawn: int
    ecosystems: tuple[str, ...]
    audited: int = 0
    findings: list[Finding] = field(default_factory=list)
    not_audited: list[tuple[Listed, str]] = field(default_factory=list)
    licenses: list[tuple[Listed, str]] = field(default_factory=list)
    unlicensed: list[Listed] = field(default_factory=list)
    unused: list[Ignore] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def age(self) -> int:
        """How many days the newest advisory is old."""
        return (self.today - self.newest).days


def audit(sbom: Sbom, feed: Feed, policy: Policy, today: date) -> Report:
    """Return the report. Raises ClocheError when `today` lies before the newest advisory."""
    report = Report(
        today=today,
        newest=feed.newest,
        records=len(feed.advisories),
        withdrawn=sum(advisory.withdrawn_on(today) for advisory in feed.advisories),
        ecosystems=tuple(sorted(feed.ecosystems)),
    )
    # A day's tolerance, since the day of the audit is a local one.
    if report.age < -1:
        raise ClocheError(
            f"the audit's day is {today}, but the newest advisory is of {feed.newest}: by a day in the past no age and no\n"
            "expiry can be judged. Correct the clock, --today, or the option cloche.audit.date."
        )
    if report.age > policy.maximum_age:
        report.reasons.append(
            f"the newest advisory is of {feed.newest}, {report.age} days before {today}; at most {policy.maximum_age} are allowed"
        )
    _vulnerabilities(report, sbom, feed, policy)
    _licenses(report, sbom, policy)
    return report


def _vulnerabilities(report: Report, sbom: Sbom, feed: Feed, policy: Policy) -> None:
    groups = merge([advisory for advisory in feed.advisories if not advisory.withdrawn_on(report.today)])
    used: set[Ignore] = set()
    for component in sbom.components:
        if component.ecosystem is None:
            why = "it has no package URL" if component.purl is None else f"no ecosystem is known for {component.purl}"
            report.not_audited.append((component, why))
            continue
        if component.ecosystem in feed.ecosystems:
            report.audited += 1
        else:
            # Advisories about all releases may be there, but none that knows this one.
            report.not_audited.append((component, f"no advisory of the feed is about {component.ecosystem}"))
        found = [finding for group in groups if (finding := _judge(component, group, policy, report.today, used))]
        report.findings.extend(sorted(found, key=lambda finding: finding.ids))
    if not report.audited:
        report.reasons.append("no component could be audited")
    report.unused = [ignore for ignore in policy.ignores if ignore not in used]
    report.reasons += [
        f"{finding.component.name} {finding.component.version}: {finding.ids[0]}: {finding.reason}"
        for finding in report.findings
        if finding.verdict == "fails"
    ]
    if report.not_audited and policy.not_audited == "fail":
        report.reasons.append(f"{len(report.not_audited)} components could not be audited")


def merge(advisories: list[Advisory]) -> list[list[Advisory]]:
    """Return the advisories in groups that are about the same vulnerability: linked by ids and aliases, however far."""
    owner: dict[str, list[Advisory]] = {}
    groups: list[list[Advisory]] = []
    for advisory in advisories:
        names = {advisory.id, *advisory.aliases}
        joined = [advisory]
        for other in {id(owner[name]): owner[name] for name in names if name in owner}.values():
            joined += other
            groups = [group for group in groups if group is not other]
        groups.append(joined)
        for member in joined:
            for name in (member.id, *member.aliases):
                owner[name] = joined
    return groups


def _judge(component: Listed, group: list[Advisory], policy: Policy, today: date, used: set[Ignore]) -> Finding | None:
    hits = [
        (advisory, part, how)
        for advisory in group
        for part in advisory.affected
        if match.about(component, part) and (how := match.affects(part, component.audited_version))
    ]
    if not hits:
        return None
    ids = tuple(sorted({name for advisory in group for name in (advisory.id, *advisory.aliases)}, key=_preference))
    found = severity.rate(
        [pair for advisory in group for pair in advisory.severities]
        + [pair for _, part, _ in hits for pair in part.severities]
    )
    verdict, reason, ignore = _verdict(component, ids, found, policy, today)
    if ignore is not None:
        used.add(ignore)
    return Finding(
        component=component,
        ids=ids,
        summary=" ".join(hits[0][0].summary.split()),
        severity=found,
        how=hits[0][2],
        fixed=tuple(
            dict.fromkeys(version for _, part, _ in hits for version in match.fixed_in(part, component.audited_version))
        ),
        verdict=verdict,
        reason=reason,
        ignore=ignore if verdict == "ignored" else None,
    )


def _preference(name: str) -> tuple[int, str]:
    """Sort the ids by which people know a vulnerability best to the front."""
    order = ("CVE-", "GHSA-", "PYSEC-")
    return next((rank for rank, start in enumerate(order) if name.startswith(start)), len(order)), name


def _verdict(
    component: Listed, ids: tuple[str, ...], found: Severity, policy: Policy, today: date
) -> tuple[str, str, Ignore | None]:
    matching = [
        ignore
        for ignore in policy.ignores
        if ignore.id in ids and ignore.package in {None, component.name, component.package}
    ]
    for ignore in matching:
        if today <= ignore.expires:
            return "ignored", f"until {ignore.expires}: {ignore.reason}", ignore
    level = max(policy.unknown, found.least) if found.level is Level.unknown else found.level
    shown = found.level.name if found.level is not Level.unknown else f"unknown (counted as {_unknown(level)})"
    if level <= policy.ceiling:
        return "accepted", f"severity {shown}, not above {policy.ceiling.name}", None
    reason = f"severity {shown}, above {policy.ceiling.name}"
    if matching:
        last = max(matching, key=lambda ignore: ignore.expires)
        return "fails", f"{reason}; its ignore expired on {last.expires}", last
    return "fails", reason, None


def _unknown(level: Level) -> str:
    return "above any ceiling" if level is Level.unknown else level.name


def _licenses(report: Report, sbom: Sbom, policy: Policy) -> None:
    judge = LicensePolicy(policy)
    for component in sbom.components:
        fault = judge.fault(component.license)
        if fault is None:
            report.unlicensed.append(component)
        elif fault:
            report.licenses.append((component, fault))
            report.reasons.append(f"{component.name} {component.version}: the licence {fault} is denied")
    if report.unlicensed and policy.unknown_license == "fail":
        report.reasons.append(f"the licences of {len(report.unlicensed)} components are not known")


def as_data(report: Report) -> dict[str, Any]:
    """Return the report as JSON has it."""
    return {
        "version": VERSION,
        "verdict": "fails" if report.reasons else "passes",
        "reasons": report.reasons,
        "day": report.today.isoformat(),
        "feed": {
            "newest": report.newest.isoformat(),
            "age-in-days": report.age,
            "records": report.records,
            "withdrawn": report.withdrawn,
            "ecosystems": list(report.ecosystems),
        },
        "audited": report.audited,
        "findings": [
            {
                "component": finding.component.ref,
                "name": finding.component.name,
                "version": finding.component.version,
                "ids": list(finding.ids),
                "severity": finding.severity.level.name,
                "score": finding.severity.score,
                "vector": finding.severity.vector,
                "affected": finding.how,
                "fixed": list(finding.fixed),
                "verdict": finding.verdict,
                "reason": finding.reason,
            }
            for finding in report.findings
        ],
        "not-audited": [{"component": component.ref, "reason": why} for component, why in report.not_audited],
        "denied-licenses": [{"component": component.ref, "denied": fault} for component, fault in report.licenses],
        "unknown-licenses": [component.ref for component in report.unlicensed],
        "unused-ignores": [ignore.id for ignore in report.unused],
    }


def as_text(report: Report) -> str:
    """Return the report for a person."""
    feed = f"{report.records} records ({report.withdrawn} withdrawn) for {', '.join(report.ecosystems)}"
    lines = [
        f"advisories: {feed}; the newest is of {report.newest}, {report.age} days before {report.today}",
        f"audited: {report.audited} components, {len(report.findings)} findings",
    ]
    for finding in report.findings:
        score = "" if finding.severity.score is None else f" {finding.severity.score}"
        fixed = f"; fixed in {', '.join(finding.fixed)}" if finding.fixed else "; no fixed version is known"
        what = f"{finding.component.name} {finding.component.version}: {', '.join(finding.ids)}"
        lines += [
            f"{finding.verdict}: {what} ({finding.severity.level.name}{score})",
            f"  {finding.reason}; affected: {finding.how}{fixed}",
        ]
    reasons: dict[str, list[str]] = {}
    for component, why in report.not_audited:
        reasons.setdefault(why, []).append(component.name)
    lines += [
        f"not audited: {len(names)} components, since {why}: {_some(names)}" for why, names in sorted(reasons.items())
    ]
    lines += [f"denied licence: {component.name} {component.version}: {fault}" for component, fault in report.licenses]
    if report.unlicensed:
        names = [component.name for component in report.unlicensed]
        lines.append(f"licence not known: {len(names)} components: {_some(names)}")
    lines += [f"unused ignore: {ignore.id}, which matches no finding" for ignore in report.unused]
    lines.append("the audit fails:" if report.reasons else "the audit passes")
    lines += [f"  {reason}" for reason in report.reasons]
    return "".join(f"{terminal.line(line)}\n" for line in lines)


def _some(names: list[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
