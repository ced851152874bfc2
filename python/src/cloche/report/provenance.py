"""The section on provenance: what each output was made from, by whom, and what says that it was tested."""

from pathlib import Path
from typing import Any

from cloche.report.artifacts import Artifacts, folders, part
from cloche.report.facts import ATTENTION, FAILS, ORDER, SHOWN, Section, Verdict
from cloche.report.shapes import Node

STATEMENT = "https://in-toto.io/Statement/v1"
SLSA = "https://slsa.dev/provenance/v1"
# Kinds of materials, by the start of their package URL.
ECOSYSTEMS = {"pkg:pypi/": "PyPI", "pkg:deb/": "Debian"}


def section(artifacts: Artifacts, place: Path) -> Section:
    """Return the section on the folder of `packages.provenance`."""
    outputs, sources = [], []
    origin: dict[str, Any] = {}
    for name, folder in folders(place, "provenance.json"):
        found, origin, here = _output(artifacts, name, folder)
        outputs.append(found)
        sources += here
    reasons = []
    state = SHOWN
    if origin["revision"] is None:
        state = ATTENTION
        reasons.append(
            "the tree has changes that are not committed, so there is no revision to build again, and nothing to sign"
        )
    for each in outputs:
        if each["tested"] == "FAILED":
            state = max(state, FAILS, key=ORDER.index)
            reasons.append(f"{each['name']}: its tests failed, and its statement says so")
    names = ", ".join(each["name"] for each in outputs)
    facts = {"origin": origin, "outputs": sorted(outputs, key=_rank)}
    return Section("provenance", "Provenance", Verdict(state, f"statements about {names}", reasons), sources, facts)


def _rank(output: dict[str, Any]) -> tuple[bool, int, str]:
    """Sort the outputs as they are made: sdist, wheel, application, images."""
    order = ("sdist", "wheel", "default")
    name = output["name"]
    return name not in order, order.index(name) if name in order else 0, name


def _output(artifacts: Artifacts, name: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    below = f"provenance/{part(name)}"
    file = folder / "provenance.json"
    read = Node(artifacts.json(file, f"{below}/provenance.json"), file)
    sources = [f"{below}/provenance.json"]
    read.at("_type").among(STATEMENT)
    read.at("predicateType").among(SLSA)
    predicate = read.at("predicate")
    definition, builder = predicate.at("buildDefinition"), predicate.at("runDetails").at("builder")
    materials: dict[str, int] = {}
    locks: list[dict[str, str]] = []
    tree = None
    for each in definition.at("resolvedDependencies").each():
        kind = each.at("annotations").at("kind").of(str)
        if kind == "source":
            tree = each.at("digest").at("sha256").of(str)
        elif kind == "lock":
            locks.append({"name": each.at("name").of(str), "sha256": each.at("digest").at("sha256").of(str)})
        else:
            uri = each.get("uri").maybe(str) or ""
            called = next((words for start, words in ECOSYSTEMS.items() if uri.startswith(start)), "other")
            called = "flake inputs" if kind == "flake-input" else called
            materials[called] = materials.get(called, 0) + 1
    internal = definition.at("internalParameters")
    origin = {
        "revision": definition.at("externalParameters").at("revision").maybe(str),
        "flake": definition.at("externalParameters").at("flake").maybe(str),
        "tree": tree,
        "locks": sorted(locks, key=lambda lock: lock["name"]),
        "builder": builder.at("id").of(str),
        "build_type": definition.at("buildType").of(str),
        "system": internal.at("system").of(str),
        "toolchain": internal.at("toolchain").of(str),
    }
    subjects = [
        {"name": each.at("name").of(str), "sha256": each.at("digest").at("sha256").of(str)}
        for each in read.at("subject").each()
    ]
    found: dict[str, Any] = {
        "name": name,
        "source": f"{below}/provenance.json",
        "subjects": subjects,
        "derivation": internal.at("derivation").of(str),
        "materials": dict(sorted(materials.items())),
        "tested": None,
        "sbom": None,
    }
    if (folder / "test-result.json").exists():
        file = folder / "test-result.json"
        result = Node(artifacts.json(file, f"{below}/test-result.json"), file).at("predicate")
        found["tested"] = result.at("result").among("PASSED", "WARNED", "FAILED")
        found["tests"] = {each: len(result.at(f"{each}Tests").each()) for each in ("passed", "warned", "failed")}
        sources.append(f"{below}/test-result.json")
    if (folder / "sbom.json").exists():
        file = folder / "sbom.json"
        bom = Node(artifacts.json(file, f"{below}/sbom.json"), file).at("predicate")
        found["sbom"] = len(bom.at("components").each())
        sources.append(f"{below}/sbom.json")
    return found, origin, sources
