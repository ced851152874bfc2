"""The ignores of an audit as VEX: CycloneDX 1.6 JSON whose vulnerabilities point into the audited SBOM by BOM-Link."""

import hashlib
import json
import uuid
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.impact_analysis import ImpactAnalysisJustification, ImpactAnalysisState
from cyclonedx.model.vulnerability import (
    BomTarget,
    Vulnerability,
    VulnerabilityAnalysis,
    VulnerabilityRating,
    VulnerabilityReference,
    VulnerabilityScoreSource,
    VulnerabilitySeverity,
    VulnerabilitySource,
)
from cyclonedx.output.json import JsonV1Dot6

from cloche.audit.components import Sbom
from cloche.audit.report import Finding, Report


def dumps(report: Report, sbom: Sbom) -> str:
    """Return the VEX document of the findings that an ignore covers; the same report gives the same bytes."""
    bom = Bom(version=1)
    # The setter's type says otherwise, but None is how the library is told to write no time.
    bom.metadata.timestamp = None  # type: ignore[assignment]
    for finding in report.findings:
        if finding.ignore is not None:
            bom.vulnerabilities.add(_vulnerability(finding, sbom))
    bom.serial_number = uuid.UUID(int=0)
    text = JsonV1Dot6(bom).output_as_string()
    digest = hashlib.sha256(text.encode()).hexdigest()
    data: Any = json.loads(text)
    data["serialNumber"] = (
        f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'https://cloche.example/vex/v1/sha256/{digest}')}"
    )
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _vulnerability(finding: Finding, sbom: Sbom) -> Vulnerability:
    ignore = finding.ignore
    if ignore is None:
        message = "only an ignored finding has an analysis"
        raise ValueError(message)
    first, *others = finding.ids
    target = finding.component.ref
    if sbom.serial:
        # https://cyclonedx.org/capabilities/bomlink/
        target = f"urn:cdx:{sbom.serial.removeprefix('urn:uuid:')}/{sbom.version}#{quote(target, safe='')}"
    return Vulnerability(
        bom_ref=f"{first} {finding.component.ref}",
        id=first,
        source=VulnerabilitySource(name=_source(first)),
        references=[VulnerabilityReference(id=name, source=VulnerabilitySource(name=_source(name))) for name in others],
        ratings=[_rating(finding)],
        description=finding.summary or None,
        analysis=VulnerabilityAnalysis(
            state=ImpactAnalysisState(ignore.state),
            justification=ImpactAnalysisJustification(ignore.justification) if ignore.justification else None,
            detail=ignore.reason,
        ),
        affects=[BomTarget(ref=target)],
        properties=[Property(name="cloche:expires", value=ignore.expires.isoformat())],
    )


def _rating(finding: Finding) -> VulnerabilityRating:
    found = finding.severity
    if found.score is None or found.vector is None:
        return VulnerabilityRating(severity=VulnerabilitySeverity(found.level.name))
    if found.vector.startswith("CVSS:3.1/"):
        method = VulnerabilityScoreSource.CVSS_V3_1
    else:
        method = VulnerabilityScoreSource[str(found.method)]
    return VulnerabilityRating(
        severity=VulnerabilitySeverity(found.level.name),
        score=Decimal(str(found.score)),
        method=method,
        vector=found.vector,
    )


def _source(name: str) -> str:
    """Return who gives an id of this form."""
    known = {"CVE": "NVD", "GHSA": "GitHub Advisory Database", "PYSEC": "Python Packaging Advisory Database"}
    return known.get(name.partition("-")[0], "OSV")
