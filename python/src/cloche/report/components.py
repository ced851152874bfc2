"""The section on what the application consists of: components, licences, known vulnerabilities."""

from pathlib import Path
from typing import Any

from cloche.report.artifacts import Artifacts
from cloche.report.facts import FAILS, PASSES, SHOWN, Section, Verdict, count
from cloche.report.shapes import Node

KINDS = {"pkg:pypi/": "Python", "pkg:deb/": "Debian"}
UNKNOWN = "not known"


def section(artifacts: Artifacts, sbom: Path, audit: Path | None) -> Section:
    """Return the section on an SBOM, and on its audit where there is one."""
    file = sbom / "sbom.cdx.json"
    name = "sbom/sbom.cdx.json"
    read = Node(artifacts.json(file, name), file)
    read.at("bomFormat").among("CycloneDX")
    read.at("specVersion").among("1.6")
    sources = [name]
    if (sbom / "sbom.spdx.json").exists():
        artifacts.data(sbom / "sbom.spdx.json", "sbom/sbom.spdx.json")
        sources.append("sbom/sbom.spdx.json")
    rows = [_component(each) for each in read.at("components").each()]
    rows.sort(key=lambda row: (row["kind"], row["name"], row["version"] or ""))
    licenses: dict[str, int] = {}
    for row in rows:
        license_ = row["license"] or UNKNOWN
        licenses[license_] = licenses.get(license_, 0) + 1
    kinds = sorted({row["kind"] for row in rows})
    words = ", ".join(f"{sum(row['kind'] == kind for row in rows)} {kind}" for kind in kinds)
    facts: dict[str, Any] = {
        "components": rows,
        "licenses": dict(sorted(licenses.items(), key=lambda item: (item[0] == UNKNOWN, -item[1], item[0]))),
    }
    verdict = Verdict(SHOWN, f"{count(len(rows), 'component')}: {words}")
    if audit is not None:
        facts["audit"], verdict = _audit(artifacts, audit, rows, verdict.summary)
        sources.append("audit/report.json")
    return Section("components", "Components and licences", verdict, sources, facts)


def _component(each: Node) -> dict[str, Any]:
    purl = each.get("purl").maybe(str)
    kind = next((kind for start, kind in KINDS.items() if (purl or "").startswith(start)), "other")
    sha256 = None
    if each.get("hashes").value is not None:
        for found in each.at("hashes").each():
            if found.at("alg").of(str) == "SHA-256":
                sha256 = found.at("content").of(str)
    return {
        "ref": each.at("bom-ref").of(str),
        "name": each.at("name").of(str),
        "version": each.get("version").maybe(str),
        "kind": kind,
        "license": _license(each.get("licenses")),
        "sha256": sha256,
    }


def _license(licenses: Node) -> str | None:
    if licenses.value is None:
        return None
    found = []
    for each in licenses.each():
        if each.get("expression").value is not None:
            found.append(each.at("expression").of(str))
        else:
            choice = each.at("license")
            found.append((choice.get("id") if choice.get("id").value is not None else choice.at("name")).of(str))
    return " AND ".join(found) or None


def _audit(
    artifacts: Artifacts, audit: Path, rows: list[dict[str, Any]], summary: str
) -> tuple[dict[str, Any], Verdict]:
    file = audit / "report.json" if audit.is_dir() else audit
    read = Node(artifacts.json(file, "audit/report.json"), file).version(1)
    fails = read.at("verdict").among("passes", "fails") == "fails"
    findings = [
        {
            "component": each.at("component").of(str),
            "name": each.at("name").of(str),
            "version": each.at("version").of(str),
            "ids": each.at("ids").texts(),
            "severity": each.at("severity").of(str),
            "score": each.at("score").maybe(float),
            "affected": each.at("affected").of(str),
            "fixed": each.at("fixed").texts(),
            "verdict": each.at("verdict").among("fails", "ignored", "accepted"),
            "reason": each.at("reason").of(str),
        }
        for each in read.at("findings").each()
    ]
    denied = {each.at("component").of(str): each.at("denied").of(str) for each in read.at("denied-licenses").each()}
    not_audited = [each.at("component").of(str) for each in read.at("not-audited").each()]
    unaudited = set(not_audited)
    for row in rows:
        here = [each for each in findings if each["component"] == row["ref"]]
        row["audit"] = (
            "not audited"
            if row["ref"] in unaudited
            else count(len(here), "finding")
            if here
            else "licence denied"
            if row["ref"] in denied
            else "no finding"
        )
    audited = read.at("audited").of(int)
    feed = read.at("feed")
    facts = {
        "day": read.at("day").of(str),
        "verdict": read.at("verdict").of(str),
        "audited": audited,
        "not_audited": len(not_audited),
        "findings": findings,
        "denied": denied,
        "feed": {
            "newest": feed.at("newest").of(str),
            "records": feed.at("records").of(int),
            "ecosystems": feed.at("ecosystems").texts(),
        },
    }
    words = f"{summary}; {count(len(findings), 'finding')} in {audited} audited, {len(not_audited)} not audited"
    return facts, Verdict(FAILS if fails else PASSES, words, read.at("reasons").texts())
