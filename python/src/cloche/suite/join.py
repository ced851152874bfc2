"""Join the records of several batches of tests into one of the same form; standard library only."""

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from cloche.suite import installed_packages


def know(packages: dict[str, Any], site_packages: str) -> None:
    """End the program where a package offers something that the record does not know.

    Tests to which it was not given may look for that, and the guard of their batch would not know whose it is.
    """
    now = installed_packages.offered([Path(wheel) for wheel in packages["wheels"]], site_packages)
    if found := installed_packages.news(packages["table"], now):
        sys.exit(
            "locked packages offer what cloche-tests.json does not know, so tests that were not given them may look for it. Run\n"
            "'nix run .#trace-tests', which renews it. Nothing is recorded.\n  " + "\n  ".join(found)
        )


def union(one: Any, other: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what both have: of objects all names, of lists of texts all entries, sorted."""
    if isinstance(one, dict):
        return {
            name: union(one[name], other[name]) if name in one and name in other else one.get(name, other.get(name))
            for name in sorted({*one, *other})
        }
    if isinstance(one, list):
        return sorted({*one, *other})
    if one != other:
        sys.exit(f"batches have noted {one!r} and {other!r} for the same thing")
    return one


def main(attributes: dict[str, Any]) -> None:
    """Join attributes["results"] and attributes["logs"], both by batch, and write the two outputs."""
    out, log = Path(attributes["outputs"]["out"]), Path(attributes["outputs"]["log"])
    if attributes["packages"] is not None:
        know(attributes["packages"], attributes["sitePackages"])
    tests: list[dict[str, str]] = []
    durations: dict[str, float] = {}
    suites = ET.Element("testsuites")
    words = ""
    contexts: dict[str, Any] = {}
    for name, folder in sorted(attributes["results"].items()):
        tests += json.loads(Path(folder, "outcomes.json").read_text())["tests"]
        for suite in ET.parse(Path(folder, "junit.xml")).getroot().iter("testsuite"):
            suites.append(suite)
        if (noted := Path(folder, "coverage.json")).exists():
            contexts = union(contexts, json.loads(noted.read_text()))
        logs = Path(attributes["logs"][name])
        durations |= json.loads((logs / "durations.json").read_text())
        words += f"==> {name} <==\n{(logs / 'pytest.log').read_text(errors='replace')}\n"
    if not tests:
        sys.exit("no batch recorded any test; is there a test in the project?")
    counts: dict[str, int] = {}
    for entry in tests:
        counts[entry["outcome"]] = counts.get(entry["outcome"], 0) + 1
    data = {"version": 1, "counts": counts, "tests": sorted(tests, key=lambda entry: entry["test"])}
    out.mkdir()
    log.mkdir()
    (out / "outcomes.json").write_text(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    if contexts:
        (out / "coverage.json").write_text(json.dumps(contexts, sort_keys=True) + "\n")
    ET.ElementTree(suites).write(out / "junit.xml", encoding="utf-8", xml_declaration=True)
    (log / "durations.json").write_text(json.dumps(durations, indent=1, sort_keys=True) + "\n")
    (log / "pytest.log").write_text(words)
    (log / "record").symlink_to(out)
