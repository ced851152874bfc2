"""Judge an SBOM: valid by the schemas of both formats, and complete by the closure; runs inside a derivation.

What the SBOM has to list is worked out here once more, from the closure and from what Nix evaluation knows, and not by
the code that wrote it. Each run first shows that it would catch an SBOM which lacks a component, has one too many, or
has a wrong hash.
"""

import copy
import json
import sys
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cloche.sbom.closure import hexadecimal
from cloche.store import derivation

_PREFIX = "cloche:"


@dataclass(frozen=True)
class Expected:
    """What must be listed: store paths with the sha256 of their NAR, and (type, name, version, sha256) of packages."""

    paths: dict[str, str]
    packages: frozenset[tuple[str, str, str, str | None]]
    digest: str


def expect(closure: list[dict[str, Any]], known: list[dict[str, Any]], digest: str) -> Expected:
    """Return what the SBOM of a closure has to list."""
    paths = {entry["path"]: hexadecimal(entry["narHash"]) for entry in closure}
    types = {"wheel": "pypi", "prefix": "deb", "other": "other"}
    packages = {
        (types[entry["holds"]], package["name"], package["version"], package["sha256"])
        for entry in known
        if entry["path"] in paths
        for package in entry["packages"]
    }
    return Expected(paths, frozenset(packages), digest)


def expect_build(
    closure: list[dict[str, Any]], known: list[dict[str, Any]], locked: list[dict[str, Any]], digest: str
) -> Expected:
    """Return what the SBOM of a build closure has to list: each fixed output and each source, and nothing made of them."""
    graph = {entry["path"]: hexadecimal(entry["narHash"]) for entry in closure}
    made: set[str] = set()
    packages: set[tuple[str, str, str, str | None]] = set()
    paths: dict[str, str] = {}
    for path in graph:
        if not path.endswith(".drv"):
            continue
        found = derivation.of_file(Path(path))
        made.update(found.paths)
        if fixed := found.fixed:
            output = fixed.path
            paths[output] = graph[output]
            files = [entry for entry in locked if entry["sha256"] == fixed.digest.get("sha256")]
            files += [package for entry in known if entry["path"] == output for package in entry["packages"]]
            packages |= {
                ("deb" if file["file"].endswith(".deb") else "pypi", file["name"], file["version"], file["sha256"])
                for file in files
            }
    paths |= {path: nar for path, nar in graph.items() if path not in made and not path.endswith(".drv")}
    return Expected(paths, frozenset(packages), digest)


def differences_cyclonedx(bom: dict[str, Any], expected: Expected) -> list[str]:
    """Return how a CycloneDX document differs from what it has to list, a line each."""
    subject = bom["metadata"]["component"]
    components = bom["components"]
    problems: list[str] = []
    packages, stated = [], {}
    for component in [subject, *components]:
        properties = [(entry["name"], entry.get("value", "")) for entry in component.get("properties", [])]
        for name, value in properties:
            if name == f"{_PREFIX}nar-sha256":
                nar, _, path = value.partition("  ")
                stated[path] = nar
        if component is not subject:
            hashes = [entry["content"] for entry in component.get("hashes", []) if entry["alg"] == "SHA-256"]
            packages.append(_identity(component.get("purl"), component, hashes[0] if hashes else None))
    problems += _compare(packages, stated, expected)
    refs = [component["bom-ref"] for component in components]
    edges = {entry["ref"]: entry.get("dependsOn", []) for entry in bom["dependencies"]}
    problems += _unreachable(subject["bom-ref"], refs, edges)
    found = [entry.get("value") for entry in subject["properties"] if entry["name"] == f"{_PREFIX}subject-sha256"]
    if found != [expected.digest]:
        problems.append(f"the subject's sha256 is {found}, it should be {expected.digest}")
    return problems


def differences_spdx(document: dict[str, Any], expected: Expected) -> list[str]:
    """Return how an SPDX document differs from what it has to list, a line each."""
    relationships = document["relationships"]
    (described,) = [entry["relatedSpdxElement"] for entry in relationships if entry["relationshipType"] == "DESCRIBES"]
    packages, stated, digests = [], {}, []
    for package in document["packages"]:
        for line in package.get("comment", "").splitlines():
            name, _, value = line.partition("=")
            if name == f"{_PREFIX}nar-sha256":
                nar, _, path = value.partition("  ")
                stated[path] = nar
            elif name == f"{_PREFIX}subject-sha256":
                digests.append(value)
        if package["SPDXID"] != described:
            purl = next((entry["referenceLocator"] for entry in package.get("externalRefs", [])), None)
            hashes = [entry["checksumValue"] for entry in package.get("checksums", [])]
            plain = {"name": package["name"], "version": package.get("versionInfo")}
            packages.append(_identity(purl, plain, hashes[0] if hashes else None))
    problems = _compare(packages, stated, expected)
    edges: dict[str, list[str]] = {}
    for entry in relationships:
        if entry["relationshipType"] == "DEPENDS_ON":
            edges.setdefault(entry["spdxElementId"], []).append(entry["relatedSpdxElement"])
    refs = [package["SPDXID"] for package in document["packages"]]
    problems += _unreachable(described, refs, edges)
    if digests != [expected.digest]:
        problems.append(f"the subject's sha256 is {digests}, it should be {expected.digest}")
    return problems


Identity = tuple[str, str, str, str | None]


def _identity(purl: str | None, component: dict[str, Any], sha256: str | None) -> Identity | str:
    """Return what a component says that it is, or a line that says how it contradicts itself."""
    name, version = component["name"], component.get("version") or ""
    if purl is None:
        return ("other", name, version, sha256)
    kind = purl.removeprefix("pkg:").partition("/")[0]
    start = {"pypi": "pkg:pypi/", "deb": "pkg:deb/debian/"}.get(kind)
    if start is None:
        return ("other", name, version, sha256)
    plain = purl.partition("?")[0]
    if (
        plain != f"{start}{quote(name, safe='+~')}@{quote(version, safe='~:')}"
        and plain != f"{start}{quote(name)}@{quote(version)}"
    ):
        return f"{name} {version}: its purl is {purl}"
    return (kind, name, version, sha256)


def _compare(packages: list[Identity | str], stated: dict[str, str], expected: Expected) -> list[str]:
    problems = [entry for entry in packages if isinstance(entry, str)]
    found = [entry for entry in packages if not isinstance(entry, str)]
    published = [entry for entry in found if entry[0] != "other"]
    wanted = {entry for entry in expected.packages if entry[0] != "other"}
    problems += [f"missing: {' '.join(map(str, entry))}" for entry in sorted(wanted - set(published))]
    problems += [
        f"not in the closure: {' '.join(map(str, entry))}" for entry in sorted(set(published) - wanted, key=str)
    ]
    problems += [
        f"listed twice: {' '.join(map(str, entry))}" for entry, times in sorted(Counter(published).items()) if times > 1
    ]
    declared = {entry for entry in expected.packages if entry[0] == "other"}
    problems += [f"missing: {' '.join(map(str, entry))}" for entry in sorted(declared - set(found), key=str)]
    problems += [f"no component has the store path {path}" for path in sorted(expected.paths.keys() - stated.keys())]
    problems += [f"not a path of the closure: {path}" for path in sorted(stated.keys() - expected.paths.keys())]
    problems += [
        f"{path}: the sha256 of its NAR is {nar}, it should be {expected.paths[path]}"
        for path, nar in sorted(stated.items())
        if path in expected.paths and nar != expected.paths[path]
    ]
    return problems


def _unreachable(top: str, refs: list[str], edges: dict[str, list[str]]) -> list[str]:
    problems = [
        f"a dependency on {ref}, which is not listed"
        for ref in sorted({x for y in edges.values() for x in y} - {*refs, top})
    ]
    found, waiting = set(), [top]
    while waiting:
        ref = waiting.pop()
        if ref not in found:
            found.add(ref)
            waiting.extend(edges.get(ref, []))
    return problems + [f"nothing depends on {ref}" for ref in sorted(set(refs) - found)]


def schema_cyclonedx(text: str) -> list[str]:
    """Return the first fault that the schema of CycloneDX 1.6 finds, if any."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - its import builds a grammar, which takes a second
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return [] if error is None else [f"not valid by CycloneDX's schema: {error.data.message}"]


def schema_spdx(document: Any) -> list[str]:  # noqa: ANN401 - whatever JSON the file holds
    """Return what the JSON schema of SPDX 2.3 finds wrong, a line each.

    The schema is SPDX's own file, as the package lib4sbom brings it; nothing of that package is run.
    """
    from jsonschema import Draft7Validator  # noqa: PLC0415 - only the check judges by schemas

    schema = json.loads((resources.files("lib4sbom") / "schemas/spdx/2.3-schema.json").read_bytes())
    faults = Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER).iter_errors(document)
    return [f"not valid by SPDX's schema: {fault.json_path}: {fault.message[:200]}" for fault in faults]


def validity_spdx(path: Path) -> list[str]:
    """Return what SPDX's own parser and full validation have to say of a document, if anything."""
    from spdx_tools.spdx.parser.error import SPDXParsingError  # noqa: PLC0415
    from spdx_tools.spdx.parser.json.json_parser import parse_from_file  # noqa: PLC0415
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document  # noqa: PLC0415

    try:
        document = parse_from_file(str(path))
    except SPDXParsingError as error:
        return list(error.get_messages())
    return [f"{found.context.spdx_id}: {found.validation_message}" for found in validate_full_spdx_document(document)]


def controls(bom: dict[str, Any], document: dict[str, Any], expected: Expected) -> int:
    """Return how many falsified documents were caught; end the program when one was not."""
    caught = 0
    for name, whole, key, differences in (
        ("CycloneDX", bom, "components", differences_cyclonedx),
        ("SPDX", document, "packages", differences_spdx),
    ):
        for index, entry in enumerate(whole[key]):
            less = {**whole, key: whole[key][:index] + whole[key][index + 1 :]}
            if key == "packages" and entry["SPDXID"].startswith("SPDXRef-subject"):
                continue
            if not differences(less, expected):
                sys.exit(f"{name}: the check did not notice that {entry['name']} was taken out")
            caught += 1
        added = copy.deepcopy(whole)
        added[key].append(_strange(added[key]))
        falsified = copy.deepcopy(whole)
        _change_hash(falsified[key])
        for what, false in (("that one was added", added), ("a wrong hash", falsified)):
            if not differences(false, expected):
                sys.exit(f"{name}: the check did not notice {what}")
            caught += 1
    return caught


def schema_controls(bom: dict[str, Any], document: dict[str, Any]) -> int:
    """Return how many documents with a member that no schema knows were caught; end the program when one was not."""
    for name, whole, key in (("CycloneDX", bom, "components"), ("SPDX", document, "packages")):
        # Everything but the schema passes over it.
        false = {**whole, key: [{**whole[key][0], "not-in-the-schema": 1}, *whole[key][1:]]}
        if not (schema_cyclonedx(json.dumps(false)) if name == "CycloneDX" else schema_spdx(false)):
            sys.exit(f"{name}: the check did not notice a member that the schema does not know")
    return 2


def _strange(components: list[dict[str, Any]]) -> dict[str, Any]:
    strange = copy.deepcopy(next(entry for entry in components if "pkg:" in json.dumps(entry)))
    text = json.dumps(strange).replace(strange["name"], "a-package-that-is-not-there")
    copied: dict[str, Any] = json.loads(text)
    return copied


def _change_hash(components: list[dict[str, Any]]) -> None:
    entry = next(entry for entry in components if "pkg:" in json.dumps(entry))
    for found in (*entry.get("hashes", []), *entry.get("checksums", [])):
        for key in ("content", "checksumValue"):
            if key in found:
                found[key] = "0" * 64


def main(attributes: dict[str, Any]) -> None:
    """Write how much was accounted for into attributes["outputs"]["out"], or fail with a line for each fault."""
    folder = Path(attributes["sbom"])
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in ("sbom.cdx.json", "sbom.spdx.json")}
    bom, document = (json.loads(text) for text in texts.values())
    if attributes["image"]:
        digest = (Path(attributes["image"]) / "digest").read_text().strip().removeprefix("sha256:")
    else:
        (root,) = attributes["roots"]
        digest = next(hexadecimal(entry["narHash"]) for entry in attributes["closure"] if entry["path"] == root)
    if attributes["scope"] == "build":
        expected = expect_build(attributes["closure"], attributes["known"], attributes["locked"], digest)
    else:
        expected = expect(attributes["closure"], attributes["known"], digest)
    problems = [
        *(f"sbom.cdx.json: {line}" for line in schema_cyclonedx(texts["sbom.cdx.json"])),
        *(f"sbom.spdx.json: {line}" for line in schema_spdx(document)),
        *(f"sbom.spdx.json: {line}" for line in validity_spdx(folder / "sbom.spdx.json")),
        *(f"sbom.cdx.json: {line}" for line in differences_cyclonedx(bom, expected)),
        *(f"sbom.spdx.json: {line}" for line in differences_spdx(document, expected)),
    ]
    if problems:
        sys.exit(f"{folder} is not a sound SBOM:\n  " + "\n  ".join(problems))
    caught = controls(bom, document, expected) + schema_controls(bom, document)
    summary = (
        f"{len(expected.paths)} store paths and {len(expected.packages)} published packages are accounted for in both formats;"
        f" {caught} falsified documents were caught"
    )
    Path(attributes["outputs"]["out"]).write_text(f"{summary}\n")
    print(summary)
