"""SLSA Provenance v1 of a derivation: what was built, from which source, out of which fixed inputs.

https://slsa.dev/spec/v1.1/provenance; the meaning of each field is in docs/provenance.md, which the build type names.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from packageurl import PackageURL

from cloche.attest import graph, statement
from cloche.attest.graph import ProvenanceError
from cloche.store.derivation import Derivation, FixedOutput

BUILD_TYPE = "https://cloche.example/build-types/nix-flake/v1"

_ARCHITECTURE = re.compile(r".*_(?P<architecture>[a-z0-9-]+)\.deb")

Json = dict[str, Any]


@dataclass(frozen=True)
class Build:
    """What was asked for, and what evaluation knows of it."""

    attribute: str
    # The flake reference and the revision of its source, or None.
    flake: str | None
    revision: str | None
    # Names of .drv file and output, system and toolchain.
    internal: Json
    builder: str


def predicate(build: Build, dependencies: list[Json], byproducts: list[Json]) -> Json:
    """Return the predicate. It has no invocation id and no times, which no derivation can know."""
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "attribute": build.attribute,
                "flake": build.flake,
                "revision": build.revision,
            },
            "internalParameters": build.internal,
            "resolvedDependencies": dependencies,
        },
        "runDetails": {"builder": {"id": build.builder}, "byproducts": byproducts},
    }


def fixed_outputs(root: str) -> list[Json]:
    """Return one resource descriptor for each fixed output that the derivation `root` is made from, by store path.

    Two derivations with one fixed output are one dependency, since whichever was built, the bytes are the same.
    Raises ProvenanceError where two derivations call the same file by different package URLs.
    """
    return merged((found, uri) for _, drv in graph.derivations(root) if (found := drv.fixed) for uri in [purl(drv)])


def merged(found: Iterable[tuple[FixedOutput, str]]) -> list[Json]:
    """Return one resource descriptor for each fixed output, sorted by its URI and name."""
    outputs: dict[str, tuple[FixedOutput, str]] = {}
    for output, uri in found:
        _, known = outputs.setdefault(output.path, (output, uri))
        if known != uri:
            # A plain download may have no more than a file name, where a lock knows the package.
            said = {name for name in (known, uri) if not name.startswith("pkg:generic/")}
            if len(said) > 1:
                message = f"{output.path} is called {known} by one derivation and {uri} by another"
                raise ProvenanceError(message)
            outputs[output.path] = (output, said.pop() if said else min(known, uri))
    return sorted(
        (resource(output, uri) for output, uri in outputs.values()), key=lambda entry: (entry["uri"], entry["name"])
    )


def resource(output: FixedOutput, uri: str) -> Json:
    """Return the resource descriptor of a fixed output."""
    entry: Json = {
        "name": graph.name_of(output.path),
        "uri": uri,
        "digest": output.digest,
        "annotations": {"kind": "fixed-output"},
    }
    if output.mode == "nar":
        entry["mediaType"] = statement.NAR
        entry["annotations"]["serialization"] = "nix-archive-1"
    return entry


def purl(drv: Derivation) -> str:
    """Return the package URL of a fixed output: of a package by the attributes of pkgs/python/source.nix, else a generic one."""
    attributes = drv.attributes
    file = attributes.get("file", "")
    if {"package", "version", "file"} <= attributes.keys():
        package, version = attributes["package"], attributes["version"]
        if match := _ARCHITECTURE.fullmatch(file):
            return str(PackageURL("deb", "debian", package, version, {"arch": match["architecture"]}))
        return str(PackageURL("pypi", None, package, version, {"file_name": file}))
    addresses = attributes.get("urls") or attributes.get("url") or ""
    first = (addresses.split() if isinstance(addresses, str) else addresses)[:1]
    known = {"download_url": first[0]} if first and re.match(r"(https?|ftp|mirror)://", first[0]) else None
    return str(PackageURL("generic", None, attributes["name"], None, known))


def source(flake: str | None, revision: str | None, digest: dict[str, str]) -> Json:
    """Return the resource descriptor of the flake's source tree; without a revision the tree was not committed."""
    entry: Json = {
        "name": "source",
        "digest": digest | ({"gitCommit": revision} if revision else {}),
        "mediaType": statement.NAR,
        "annotations": {"kind": "source", "serialization": "nix-archive-1"},
    }
    return entry | ({"uri": flake} if flake else {})
