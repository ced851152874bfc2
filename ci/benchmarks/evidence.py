"""How fast provenance, SBOM and verification are."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from measure import Bench, Figure, Spent


def provenance(bench: Bench) -> list[Figure]:
    """Make the provenance of the environment again, by a derivation: start of the sandbox and closure included."""
    figure = Figure("provenance", "make the provenance of the environment", 1.0)
    bench.run("nix", "build", "--no-link", f"{bench.flake}#provenance")
    derivation = bench.run("nix", "eval", "--raw", f"{bench.flake}#provenance.drvPath")
    for _ in range(bench.runs):
        figure.ours.append(bench.spend("nix-store", "--realise", "--check", derivation))
    return [figure]


def sbom(bench: Bench) -> list[Figure]:
    """Write the SBOM of the environment again: the builder and its sandbox, without evaluation."""
    figure = Figure("sbom", "write the environment's SBOM (nix-store --realise --check)", 1.0)
    bench.run("nix", "build", "--no-link", f"{bench.flake}#sbom")
    derivation = bench.run("nix", "eval", "--raw", f"{bench.flake}#sbom.drvPath").strip()
    figure.ours = [bench.spend("nix-store", "--realise", "--check", derivation) for _ in range(bench.runs)]
    return [figure]


def verify(bench: Bench) -> list[Figure]:
    """Verify an image: 10 layers of 8 MiB, 3 signed statements, an SBOM of 60 components that is compared with a file."""
    figure = Figure("verify", "verify an image of 10 layers, 3 statements, an SBOM of 60 components", 1.5)
    place = bench.work / "verify"
    blobs = place / "image/blobs/sha256"
    blobs.mkdir(parents=True)
    (place / "image/oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def put(data: bytes, kind: str) -> dict[str, Any]:
        sha256 = hashlib.sha256(data).hexdigest()
        (blobs / sha256).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}+json", "digest": f"sha256:{sha256}", "size": len(data)}

    layers = [put(bytes([number]) * (8 << 20), "layer.v1.tar") for number in range(10)]
    manifest = {"schemaVersion": 2, "config": put(b"{}", "config.v1"), "layers": layers}
    digest = put(json.dumps(manifest).encode(), "manifest.v1")["digest"]
    licences = [{"expression": "MIT"}]
    components = [
        {"type": "library", "name": f"p{n}", "version": "1", "purl": f"pkg:pypi/p{n}@1", "licenses": licences}
        for n in range(60)
    ]
    sbom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}
    (place / "sbom.cdx.json").write_text(json.dumps(sbom, sort_keys=True, indent=1))
    subject = {"name": "image", "digest": {"sha256": digest.removeprefix("sha256:")}}
    figure.ours = judge(bench, place, subject, sbom, [], "--sbom", "sbom.cdx.json", f"oci:image@{digest}")
    return [figure, verify_closure(bench)]


def verify_closure(bench: Bench) -> Figure:
    """Verify the environment of 60 packages with its own SBOM: each store path that it needs is read and compared."""
    place = bench.work / "verify-closure"
    place.mkdir()
    environment = bench.environment_path
    made = Path(
        bench.run("nix", "build", "--no-link", "--print-out-paths", f"{bench.flake}#provenance").strip(), "dependencies"
    )
    sbom = Path(
        bench.run("nix", "build", "--no-link", "--print-out-paths", f"{bench.flake}#sbom").strip(), "sbom.cdx.json"
    )
    stated = json.loads((made / "provenance.json").read_text())
    byproducts = stated["predicate"]["runDetails"]["byproducts"]
    size = sum(
        file.lstat().st_size
        for each in byproducts
        for file in Path(environment).parent.joinpath(each["name"]).rglob("*")
    )
    what = f"verify a store path, its closure of {len(byproducts)} paths ({size // 10**6} MB) compared, 3 statements, its SBOM"
    figure = Figure("verify-closure", what, 1.5)
    figure.ours = judge(bench, place, stated["subject"][0], json.loads(sbom.read_text()), byproducts, environment)
    return figure


def judge(
    bench: Bench, place: Path, subject: dict[str, Any], sbom: dict[str, Any], byproducts: list[Any], *words: str
) -> list[Spent]:
    """Sign three statements about a subject and a policy for them, and return what `verify WORDS` takes."""
    revision, builder = "0" * 40, "https://cloche.example/builders/unattested-local/v1"
    definition = {
        "buildType": "https://cloche.example/build-types/nix-flake/v1",
        "externalParameters": {"attribute": "demo", "flake": "git+https://example.org/demo", "revision": revision},
        "resolvedDependencies": [{"digest": {"gitCommit": revision}, "annotations": {"kind": "source"}}],
    }
    predicates = {
        "https://slsa.dev/provenance/v1": {
            "buildDefinition": definition,
            "runDetails": {"builder": {"id": builder}, "byproducts": byproducts},
        },
        "https://in-toto.io/attestation/test-result/v0.1": {
            "result": "PASSED",
            "passedTests": ["a"],
            "failedTests": [],
        },
        "https://cyclonedx.org/bom": sbom,
    }
    (place / "statements").mkdir()
    for number, (kind, predicate) in enumerate(predicates.items()):
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [subject],
            "predicateType": kind,
            "predicate": predicate,
        }
        (place / f"statements/{number}.json").write_text(json.dumps(statement))
    (place / "policy.toml").write_text(
        'version = 1\n[[signer]]\nname = "it"\nkey-file = "key.pub"\nstatements = ["provenance", "test-result", "sbom"]\n[statements]\nrequired = ["provenance", "test-result", "sbom"]\n'
        f'[[builder]]\nid = "{builder}"\nsigners = ["it"]\nlevel = 1\n[provenance]\nbuild-type = "{definition["buildType"]}"\n'
        'source = "git+https://example.org/demo"\nattributes = ["demo"]\n'
    )
    bench.run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "key.pem", cwd=place)
    bench.run("openssl", "pkey", "-in", "key.pem", "-pubout", "-out", "key.pub", cwd=place)
    (place / "key.pem").chmod(0o600)
    bench.run(
        "nix",
        "run",
        f"{bench.flake}#cloche",
        "--",
        "sign",
        "--key",
        "key.pem",
        "--output",
        "signed",
        "statements",
        cwd=place,
    )
    program = bench.run("nix", "eval", "--raw", f"{bench.flake}#apps.{os.uname().machine}-linux.cloche.program")
    command = [program, "verify", "--policy", "policy.toml", "--bundle", "signed", *words]
    bench.run(*command, cwd=place)
    return [bench.spend(*command, cwd=place) for _ in range(bench.runs)]
