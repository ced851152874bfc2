"""Write the statements about a project's outputs: provenance, test results, SBOM; in canonical JSON.

What is written depends on the outputs, on what they are made from and on what evaluation knows of the source, so that
it is the same wherever it is written. `main` runs inside a derivation.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cloche.attest import graph, slsa, statement, test_result
from cloche.attest.graph import ProvenanceError
from cloche.attest.hashes import digest_set
from cloche.store import canonical_json

Json = dict[str, Any]


def subjects(output: Json, paths: dict[str, graph.StorePath]) -> list[Json]:
    """Return what an output is known by.

    A tree is known by its NAR; files (a wheel, an sdist) by their contents and the folder around them by its NAR; an
    image by its manifest.
    """
    path = Path(output["path"])
    tree = statement.of_tree(graph.name_of(output["path"]), paths[output["path"]].digest)
    if output["kind"] == "image":
        return [image(output["name"], path)]
    if path.is_file():
        return [statement.of_file(path) | {"name": graph.name_of(output["path"])}, tree]
    if output["kind"] == "files":
        files = sorted(path.iterdir())
        if not files or not all(file.is_file() and not file.is_symlink() for file in files):
            message = f"{path} should hold nothing but the files that packages.{output['attribute']} is about"
            raise ProvenanceError(message)
        return [*map(statement.of_file, files), tree]
    return [tree]


def image(name: str, path: Path) -> Json:
    """Return the subject for packages.image, whose manifest must have the digest that it is said to have."""
    said = (path / "digest").read_text().strip()
    found = hashlib.sha256((path / "manifest.json").read_bytes()).hexdigest()
    if said != f"sha256:{found}":
        message = f"{path}/manifest.json has the digest sha256:{found}, but {path}/digest says {said}"
        raise ProvenanceError(message)
    return statement.of_image(name, found)


def dependencies(attributes: Json, root: str) -> list[Json]:
    """Return resolvedDependencies: source, flake inputs and locks, then every fixed output of the .drv closure."""
    flake = attributes["source"]
    found = []
    if flake["narHash"]:
        found.append(slsa.source(flake["reference"], flake["revision"], digest_set(flake["narHash"])))
    for entry in attributes["inputs"]:
        digest = digest_set(entry["narHash"]) | ({"gitCommit": entry["rev"]} if entry["rev"] else {})
        annotations = {"kind": "flake-input", "serialization": "nix-archive-1"}
        found.append({"name": entry["name"], "digest": digest, "mediaType": statement.NAR, "annotations": annotations})
        if entry["uri"]:
            found[-1]["uri"] = entry["uri"]
    found += [
        {"name": name, "digest": {"sha256": digest}, "annotations": {"kind": "lock"}}
        for name, digest in sorted(attributes["locks"].items())
    ]
    return found + slsa.fixed_outputs(root)


def provenance(attributes: Json, output: Json, paths: dict[str, graph.StorePath]) -> Json:
    """Return the provenance predicate of one output."""
    build = slsa.Build(
        attribute=output["attribute"],
        flake=attributes["source"]["reference"],
        revision=attributes["source"]["revision"],
        internal={
            "derivation": Path(output["derivation"]).name,
            "output": output["output"],
            "system": attributes["system"],
            "toolchain": attributes["toolchainName"],
        },
        builder=attributes["builderId"],
    )
    # Files and images hold all that they are; a tree names the rest of its closure by store paths.
    closure = graph.closure(paths, output["path"]) if output["kind"] == "tree" else []
    byproducts = [statement.of_tree(Path(entry.path).name, entry.digest) for entry in closure]
    return slsa.predicate(build, dependencies(attributes, output["derivation"]), byproducts)


def tests(attributes: Json, paths: dict[str, graph.StorePath]) -> Json | None:
    """Return the test-result predicate, or None for a project without tests."""
    run = attributes["tests"]
    if run is None:
        return None
    configuration = [statement.of_file(Path(run["derivation"])) | {"name": graph.name_of(run["derivation"])}]
    suites = sorted(run["suites"].items())
    for name, suite in suites:
        # Of several batches each has its name; of one suite there is nothing to tell apart.
        batch = "" if len(suites) == 1 else f" of {name}"
        configuration += [
            statement.of_tree(f"environment{batch}", paths[suite["environment"]].digest),
            statement.of_tree(f"tests{batch}", paths[suite["source"]].digest),
        ]
    outcomes = json.loads((Path(run["results"]) / "outcomes.json").read_bytes())
    return test_result.predicate(outcomes, configuration)


def statements(attributes: Json) -> dict[str, Json]:
    """Return the statements by their path below the output."""
    paths = graph.read(attributes["graph"])
    tested = tests(attributes, paths)
    found = {}
    for output in attributes["subjects"]:
        about, folder = subjects(output, paths), output["attribute"]
        found[f"{folder}/provenance.json"] = statement.make(
            about, statement.PROVENANCE, provenance(attributes, output, paths)
        )
        if tested:
            found[f"{folder}/test-result.json"] = statement.make(about, statement.TEST_RESULT, tested)
        if output["sbom"]:
            document = json.loads((Path(output["sbom"]) / "sbom.cdx.json").read_bytes())
            found[f"{folder}/sbom.json"] = statement.make(about, statement.SBOM, document)
    return found


def main(attributes: Json) -> None:
    """Write `<attribute>/{provenance,test-result,sbom}.json` into attributes["outputs"]["out"]."""
    out = Path(attributes["outputs"]["out"])
    try:
        found = statements(attributes)
    except ProvenanceError as error:
        sys.exit(error.message)
    for name, content in found.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(canonical_json.dumps(content))
