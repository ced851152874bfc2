"""What `reproduce` says, to people and to machines."""

import json
from pathlib import PurePath

from cloche.reproduce.compare import Finding, impossible
from cloche.reproduce.run import Result, Verdict
from cloche.reproduce.variations import VARIATIONS

# The hash and the hyphen before a store path's name.
_HASH = 33


def listed(machine: str | None) -> str:
    """Return the list of variations, each with why it is not possible here if it is not."""
    width = max(map(len, VARIATIONS))
    lines = []
    for name, variation in VARIATIONS.items():
        reason = impossible(name, machine)
        lines.append(f"{name:{width}}  {variation.text}" + (f" (not here: {reason})" if reason else ""))
    return "\n".join(lines)


def as_text(result: Result) -> str:
    """Return the report for people: one line for each output, then what differs."""
    width = max((len(verdict.attribute) for verdict in result.verdicts), default=0)
    lines = [f"{verdict.attribute:{width}}  {_verdict(verdict)}" for verdict in result.verdicts]
    findings = {finding.derivation: finding for verdict in result.verdicts for finding in verdict.findings}
    for finding in findings.values():
        lines += ["", f"{_name(finding.derivation)}: {finding.state.value} ({_causes(finding)})"]
        lines += [f"  {line}" for line in finding.text.splitlines()]
    lines += ["", f"varied: {', '.join(result.variations)}"]
    lines += [f"not varied: {name} ({reason})" for name, reason in result.left_out.items()]
    return "\n".join(lines)


def as_json(result: Result) -> str:
    """Return the report for machines (version 2), sorted."""
    data = {
        "version": 2,
        "variations": list(result.variations),
        "notVaried": result.left_out,
        "outputs": [
            {
                "attribute": verdict.attribute,
                "derivation": verdict.derivation,
                "derivations": verdict.derivations,
                "state": verdict.state.value,
                "measurements": list(verdict.measurements),
                "findings": [
                    {
                        "derivation": finding.derivation,
                        "state": finding.state.value,
                        "causes": sorted(set(finding.causes)),
                        "outputs": list(finding.outputs),
                        "text": finding.text,
                    }
                    for finding in verdict.findings
                ],
            }
            for verdict in result.verdicts
        ],
    }
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False)


def _verdict(verdict: Verdict) -> str:
    if verdict.findings:
        return f"{verdict.state.value}: {', '.join(_name(finding.derivation) for finding in verdict.findings)}"
    left = f"; measured, not built again: {', '.join(map(_name, verdict.measurements))}" if verdict.measurements else ""
    return f"{verdict.state.value} ({verdict.derivations} derivations built again{left})"


def _name(derivation: str) -> str:
    return PurePath(derivation).name[_HASH:].removesuffix(".drv")


def _causes(finding: Finding) -> str:
    return ", ".join(sorted(set(finding.causes)))
