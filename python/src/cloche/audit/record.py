"""Audit an SBOM inside a derivation: report.json, report.txt and vex.cdx.json, whatever the verdict."""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cloche.audit import components, feed, policy, report, vex
from cloche.errors import ClocheError


def control(listed: components.Sbom, day: date) -> None:
    """End the program unless an advisory about each component that can be audited, planted here, is found."""
    for component in listed.components:
        if component.ecosystem is None:
            continue
        part = feed.Affected(component.ecosystem, component.package, ((("introduced", "0"),),), (), ())
        time = datetime.combine(day, datetime.min.time(), UTC)
        planted = feed.Advisory(
            "PLANTED-1", frozenset(), time, withdrawn=None, summary="", severities=(), affected=(part,)
        )
        found = report.audit(listed, feed.Feed((planted,)), policy.Policy(), day).findings
        if component not in [finding.component for finding in found if finding.verdict == "fails"]:
            sys.exit(f"the audit did not find the advisory that was planted for {component.ref}")


def main(attributes: dict[str, Any]) -> None:
    """Write the report on attributes["sbom"] by attributes["advisories"] and attributes["policy"]."""
    out = Path(attributes["outputs"]["out"])
    try:
        listed = components.read(Path(attributes["sbom"], "sbom.cdx.json").read_bytes(), what="sbom.cdx.json")
        accepted = policy.parse(attributes["policy"], what="the options cloche.audit")
        found = report.audit(
            listed, feed.load(Path(attributes["advisories"])), accepted, date.fromisoformat(attributes["date"])
        )
    except ClocheError as error:
        sys.exit(error.message)
    out.mkdir()
    data = json.dumps(report.as_data(found), indent=1, sort_keys=True, ensure_ascii=False)
    (out / "report.json").write_text(f"{data}\n", encoding="utf-8")
    (out / "report.txt").write_text(report.as_text(found), encoding="utf-8")
    (out / "vex.cdx.json").write_text(vex.dumps(found, listed), encoding="utf-8")
