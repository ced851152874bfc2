"""A release for the tests of `sign` and `verify`: keys, an application with three statements, and a policy."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cloche.attest import artifact, dsse, keys
from cloche.attest.key_options import KeySource
from conftest import Outcome

BUILD_TYPE = "https://cloche.example/build-types/nix-flake/v1"
LOCAL = "https://cloche.example/builders/unattested-local/v1"
SOURCE = "git+https://code.example/lab/demo"
REVISION = "0123456789abcdef0123456789abcdef01234567"
IN_TOTO = "https://in-toto.io/Statement/v1"
PREDICATES = {
    "provenance": "https://slsa.dev/provenance/v1",
    "test-result": "https://in-toto.io/attestation/test-result/v0.1",
    "sbom": "https://cyclonedx.org/bom",
}

# The beginning of a signer in a policy: it may sign all that these tests have.
SIGNS_ALL = '[[signer]]\nstatements = ["provenance", "test-result", "sbom", "signature"]\n'

Json = dict[str, Any]


def make_key(folder: Path, name: str, *, curve: bool = False, password: bytes | None = None) -> Path:
    """Write NAME.pem (PKCS#8) and NAME.pub, and return the first."""
    private = generate_private_key(SECP256R1()) if curve else Ed25519PrivateKey.generate()
    folder.mkdir(parents=True, exist_ok=True)
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    path = folder / f"{name}.pem"
    path.touch(mode=0o600)
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pub").write_bytes(public)
    return path


def provenance(**changes: Any) -> Json:  # noqa: ANN401 - JSON is of any shape
    """Return the predicate of provenance; `changes` go into the external parameters."""
    parameters = {"attribute": "default", "flake": SOURCE, "revision": REVISION, **changes}
    source = {
        "name": "source",
        "digest": {"sha256": "11" * 32, "gitCommit": parameters["revision"]},
        "annotations": {"kind": "source"},
    }
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": parameters,
            "resolvedDependencies": [source],
        },
        "runDetails": {"builder": {"id": LOCAL}},
    }


def outcome_of_tests(**changes: Any) -> Json:  # noqa: ANN401 - JSON is of any shape
    """Return the predicate of a test result."""
    passed = ["tests/test_demo.py::test_one", "tests/test_demo.py::test_two"]
    return {
        "result": "PASSED",
        "configuration": [],
        "passedTests": passed,
        "warnedTests": [],
        "failedTests": [],
        **changes,
    }


def sbom(count: int = 60) -> Json:
    """Return a CycloneDX document with this many components."""
    components = [
        {
            "type": "library",
            "name": f"package-{number}",
            "version": "1.0",
            "purl": f"pkg:pypi/package-{number}@1.0",
            "licenses": [{"expression": "MIT OR Apache-2.0"}],
            "hashes": [{"alg": "SHA-256", "content": f"{number:064x}"}],
        }
        for number in range(count)
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}


def subject_of(found: artifact.Artifact) -> Json:
    """Return the subject that a statement of Cloche has for an artifact."""
    kind = {} if found.media_type is None else {"mediaType": found.media_type}
    return {"name": found.name, "digest": {"sha256": found.sha256}, **kind}


@dataclass
class Release:
    """An artifact, its statements, keys outside of any flake, and a policy."""

    folder: Path
    run: Callable[..., Outcome]
    artifact: Path = field(init=False)

    def __post_init__(self) -> None:
        self.artifact = self.folder / "demo-1.0.tar.gz"
        self.artifact.write_bytes(b"the application")
        self.key = make_key(self.folder / "keys", "release")
        self.predicates: Json = {"provenance": provenance(), "test-result": outcome_of_tests(), "sbom": sbom()}

    @property
    def bundles(self) -> Path:
        """The folder with the signatures."""
        return self.folder / "signed"

    def statements(self, *, subject: Path | None = None, folder: str = "statements") -> Path:
        """Write the statements about the artifact, as packages.provenance has them."""
        found = artifact.digest_of(subject or self.artifact)
        place = self.folder / folder / "default"
        place.mkdir(parents=True, exist_ok=True)
        for name, predicate in self.predicates.items():
            statement = {
                "_type": IN_TOTO,
                "subject": [subject_of(found)],
                "predicateType": PREDICATES.get(name, name),
                "predicate": predicate,
            }
            (place / f"{name.rpartition('/')[2]}.json").write_text(json.dumps(statement))
        return place.parent

    def sign(
        self, *more: str | Path, key: Path | None = None, output: Path | None = None, statements: Path | None = None
    ) -> Outcome:
        """Run `cloche sign` on the statements."""
        place = statements or self.statements()
        return self.run(
            "sign", "--key", str(key or self.key), "--output", str(output or self.bundles), *map(str, more), str(place)
        )

    def signed(self, **options: Any) -> "Release":  # noqa: ANN401 - as sign takes them
        """Sign the statements, which must succeed, and return self."""
        outcome = self.sign(**options)
        assert outcome.code == 0, outcome.err
        return self

    def signed_anyway(self) -> None:
        """Sign the statements with the key, even those that `cloche sign` refuses."""
        signer = keys.load(KeySource(self.key))
        self.bundles.mkdir(exist_ok=True)
        for path in (self.statements() / "default").iterdir():
            envelope = dsse.envelope(path.read_bytes(), signer)
            for old in self.bundles.glob(f"default.{path.stem}.*"):
                old.unlink()
            (self.bundles / f"default.{path.stem}.dsse.json").write_bytes(dsse.text(envelope))

    def policy(self, extra: str = "", **changes: str) -> Path:
        """Write the policy; `changes` replace whole sections by their names, `extra` goes to its end."""
        sections = {
            "signer": f'{SIGNS_ALL}name = "release"\nkey-file = "keys/release.pub"\n',
            "signatures": "",
            "statements": '[statements]\nrequired = ["provenance", "test-result", "sbom"]\n',
            "provenance": f'[provenance]\nbuild-type = "{BUILD_TYPE}"\nsource = "{SOURCE}"\nattributes = ["default"]\n',
            "builder": f'[[builder]]\nid = "{LOCAL}"\nsigners = ["release"]\nlevel = 1\n',
            **changes,
        }
        path = self.folder / "policy.toml"
        path.write_text("version = 1\n" + "".join(sections.values()) + extra)
        return path

    def verify(
        self,
        *more: str | Path,
        policy: Path | None = None,
        artifact: Path | str | None = None,
        bundles: Path | None = None,
    ) -> Outcome:
        """Run `cloche verify`, and check that it changed nothing."""
        chosen = policy or self.policy()
        written = str(self.folder / "summary.json")
        before = {name: data for name, data in snapshot(self.folder).items() if name != written}
        outcome = self.run(
            "verify",
            "--policy",
            str(chosen),
            "--bundle",
            str(bundles or self.bundles),
            *map(str, more),
            str(artifact or self.artifact),
        )
        assert {name: data for name, data in snapshot(self.folder).items() if name != written} == before
        return outcome

    def rows(self, *more: str | Path, **options: Any) -> tuple[int, list[Json]]:  # noqa: ANN401 - as verify takes them
        """Run `cloche verify --json`, and return its exit code and its rows."""
        outcome = self.verify("--json", *more, **options)
        assert outcome.out, outcome.err
        report = json.loads(outcome.out)
        assert report["exitCode"] == outcome.code
        assert report["accepted"] == (outcome.code == 0)
        return outcome.code, report["rows"]

    def refused(self, code: int, reason: str, *more: str | Path, **options: Any) -> str:  # noqa: ANN401 - as verify takes them
        """Run `cloche verify`, which must refuse with this exit code and a row that has this reason, word for word."""
        found, rows = self.rows(*more, **options)
        reasons = [row["reason"] for row in rows if row["verdict"] not in {"accepted", "note"}]
        assert found == code, rows
        assert reason in reasons, reasons
        return next(str(row["what"]) for row in rows if row["reason"] == reason)


def snapshot(folder: Path) -> dict[str, bytes | str]:
    """Return the content of all files below a folder."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        elif path.is_file():
            found[str(path)] = path.read_bytes()
    return found


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, and return what it printed."""
    environment = {
        **os.environ,
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    return subprocess.run(
        ["git", *words], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def layout(folder: Path, layers: int = 10) -> str:
    """Write an OCI layout, and return the digest of its manifest."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def put(data: bytes, kind: str) -> dict[str, Any]:
        sha256 = hashlib.sha256(data).hexdigest()
        (blobs / sha256).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{sha256}", "size": len(data)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": put(b"{}", "application/vnd.oci.image.config.v1+json"),
        "layers": [put(b"layer %d" % number, "application/vnd.oci.image.layer.v1.tar") for number in range(layers)],
    }
    return str(put(json.dumps(manifest).encode(), manifest["mediaType"])["digest"])  # type: ignore[arg-type]


def one_test_result(release: Release, **subject: Any) -> Path:  # noqa: ANN401 - JSON is of any shape
    """Sign one statement about a subject that names the artifact's digest, and return the policy that asks for it."""
    digest = subject.pop("digest", None) or {"sha256": hashlib.sha256(release.artifact.read_bytes()).hexdigest()}
    statement = {
        "_type": IN_TOTO,
        "subject": [{"name": "demo", "digest": digest, **subject}],
        "predicateType": PREDICATES["test-result"],
        "predicate": release.predicates["test-result"],
    }
    path = release.folder / "one.json"
    path.write_text(json.dumps(statement))
    release.signed(statements=path)
    return release.policy(statements='[statements]\nrequired = ["test-result"]\n', provenance="", builder="")
