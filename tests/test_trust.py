"""Signing and verifying from outside: the apps, Debian's cosign in both directions, and sigstore's trust root."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Ended, run
from machines import OFFLINE

sys.path.append(str(ROOT / "python/tests"))
import conformance

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
PREDICATE = {"result": "PASSED", "passedTests": ["tests/test_app.py::test_it"]}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with an artifact, a statement about it, keys of both kinds, and a policy for each."""
    (tmp_path / "app.txt").write_text("the application\n")
    sha256 = hashlib.sha256(b"the application\n").hexdigest()
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app.txt", "digest": {"sha256": sha256}}],
        "predicateType": TEST_RESULT,
        "predicate": PREDICATE,
    }
    (tmp_path / "statement.json").write_text(json.dumps(statement))
    (tmp_path / "predicate.json").write_text(json.dumps(PREDICATE))
    (tmp_path / "trusted_root.json").write_text(
        '{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}'
    )
    for name, words in (
        ("ed25519", ["-algorithm", "ed25519"]),
        ("p256", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ):
        assert run("openssl", "genpkey", *words, "-out", tmp_path / f"{name}.pem", cwd=tmp_path).code == 0
        (tmp_path / f"{name}.pem").chmod(0o600)
        assert (
            run(
                "openssl",
                "pkey",
                "-in",
                tmp_path / f"{name}.pem",
                "-pubout",
                "-out",
                tmp_path / f"{name}.pub",
                cwd=tmp_path,
            ).code
            == 0
        )
    return tmp_path


def policy(place: Path, key: str) -> Path:
    path = place / f"{key}.toml"
    path.write_text(
        f'version = 1\n[[signer]]\nname = "{key}"\nkey-file = "{key}.pub"\nstatements = ["test-result"]\n[statements]\nrequired = ["test-result"]\n'
    )
    return path


def offline(program: Path, *words: str | Path, place: Path, env: dict[str, str] | None = None) -> Ended:
    return run(*OFFLINE, program, *words, cwd=place, env=env)


@pytest.mark.parametrize("key", ["ed25519", "p256"])
def test_cosign_accepts_what_we_sign(place: Path, cloche: Path, cosign: Path, key: str) -> None:
    signed = run(cloche, "sign", "--key", f"{key}.pem", "--output", "signed", "statement.json", cwd=place)
    assert signed.code == 0, signed.err
    common = ["verify-blob-attestation", "--key", f"{key}.pub", "--type", TEST_RESULT, "--private-infrastructure=true"]
    bare = [*common, "--signature", "signed/statement.dsse.json"]
    bundle = [
        *common,
        "--bundle",
        "signed/statement.sigstore.json",
        "--new-bundle-format",
        "--trusted-root",
        "trusted_root.json",
    ]
    for words in (bare, bundle):
        ended = offline(cosign, *words, "app.txt", place=place)
        assert (ended.code, ended.err) == (0, "Verified OK\n")
    # The control: another artifact.
    (place / "app.txt").write_text("another application\n")
    for words in (bare, bundle):
        assert offline(cosign, *words, "app.txt", place=place).code != 0


def test_we_accept_what_cosign_signs(place: Path, cloche: Path, cosign: Path) -> None:
    environment = {"COSIGN_PASSWORD": "open"}
    assert offline(cosign, "generate-key-pair", place=place, env=environment).code == 0
    attest = [
        "attest-blob",
        "--key",
        "cosign.key",
        "--predicate",
        "predicate.json",
        "--type",
        TEST_RESULT,
        "--tlog-upload=false",
        "-y",
    ]
    for more in (["--output-signature", "envelope.json"], ["--bundle", "bundle.json", "--new-bundle-format"]):
        ended = offline(cosign, *attest, *more, "app.txt", place=place, env=environment)
        assert ended.code == 0, ended.err
    rules = policy(place, "cosign")
    # As cosign writes it: Statement v0.1 and an empty keyid. Then a keyid of nobody, and Statement v1 (its signature is
    # made by cosign over the bytes that DSSE signs).
    envelope = json.loads((place / "envelope.json").read_text())
    assert envelope["signatures"][0]["keyid"] == ""
    assert b"Statement/v0.1" in base64.b64decode(envelope["payload"])
    envelope["signatures"][0]["keyid"] = "nobody"
    (place / "foreign.json").write_text(json.dumps(envelope))
    payload, kind = (place / "statement.json").read_bytes(), "application/vnd.in-toto+json"
    (place / "pae").write_bytes(b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload))
    signed = offline(
        cosign, "sign-blob", "--key", "cosign.key", "--tlog-upload=false", "-y", "pae", place=place, env=environment
    )
    assert signed.code == 0, signed.err
    version_1 = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind,
        "signatures": [{"sig": signed.out.strip()}],
    }
    (place / "version-1.json").write_text(json.dumps(version_1))
    for name in ("envelope", "bundle", "foreign", "version-1"):
        ended = offline(cloche, "verify", "--policy", rules, "--bundle", f"{name}.json", "app.txt", place=place)
        assert ended.code == 0, ended.out + ended.err
    # The control: the policy of another key.
    for name in ("envelope", "bundle", "foreign", "version-1"):
        ended = offline(
            cloche, "verify", "--policy", policy(place, "p256"), "--bundle", f"{name}.json", "app.txt", place=place
        )
        assert ended.code in {15, 20}, ended.out


def test_the_guide_has_the_table_of_exit_codes(cloche: Path) -> None:
    program = "from cloche.attest.outcome import *\nfor r in Refusal: print(f'| {int(r)} | {r.name.lower().replace(chr(95), chr(45))} | {MEANING[r]} |')"
    rows = run(cloche.resolve().parent / "python", "-c", program)
    assert rows.code == 0, rows.err
    assert len(rows.out.splitlines()) >= 20
    text = (ROOT / "docs/verify.md").read_text()
    assert [row for row in rows.out.splitlines() if row not in text] == []


def test_store_directory_and_its_dump_have_one_digest(cloche: Path, place: Path) -> None:
    """What is verified about a store path is what `nix-store --dump PATH | sha256sum` prints."""
    path = cloche.parent.parent
    dumped = run("sh", "-c", f"nix-store --dump {path} | sha256sum")
    ended = run(
        cloche, "verify", "--json", "--policy", policy(place, "p256"), "--bundle", "statement.json", path, cwd=place
    )
    assert json.loads(ended.out)["artifact"]["sha256"] == dumped.out.split()[0]
    assert ended.code == 17


def test_apps_refuse_a_key_inside_the_flake(consumer: Path, place: Path) -> None:
    """`nix run .#sign` with a key in the checkout: refused before anything is signed, and nothing is written."""
    keys = consumer / "keys"
    keys.mkdir()
    (keys / "release.pem").write_bytes((place / "p256.pem").read_bytes())
    (keys / "release.pem").chmod(0o600)
    words: list[str | Path] = [
        "nix",
        "run",
        ".#sign",
        "--",
        "--key",
        "keys/release.pem",
        "--output",
        place / "signed",
        place / "statement.json",
    ]
    ended = run(*words, cwd=consumer)
    assert ended.code == 2, ended.err
    assert (
        f"the key keys/release.pem is inside the flake {consumer}, which `nix run` copies into the store" in ended.err
    )
    assert not (place / "signed").exists()


def test_trust_root_is_the_pinned_file_and_never_the_cache(cloche: Path, place: Path) -> None:
    """A bundle of another instance is refused though the user's cache trusts it; a valid one needs no home at all."""
    folder = conformance.folder()
    if folder is None:
        pytest.skip(conformance.ABSENT)
    stores = _sigstore_stores(cloche)
    production, staging = (stores / f"https%3A%2F%2Ftuf-repo-cdn.{name}" for name in ("sigstore.dev", "sigstage.dev"))
    root = (production / "trusted_root.json").read_bytes()
    (place / "root.json").write_bytes(root)
    identity = (
        "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
        ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
    )
    rules = place / "identity.toml"
    rules.write_text(
        f'version = 1\n[[signer]]\nname = "ci"\nidentity = "{identity}"\nissuer = "https://token.actions.githubusercontent.com"\nstatements = ["signature"]\n'
        f'[trust-root]\nfile = "root.json"\nsha256 = "{hashlib.sha256(root).hexdigest()}"\n[statements]\nrequired = ["signature"]\n'
    )
    # Everything that the library would keep of the public instance says what the other instance's root says.
    home = place / "home"
    for base in (".local/share/sigstore-python/tuf", ".cache/sigstore-python/tuf"):
        poisoned = home / base / production.name
        poisoned.mkdir(parents=True)
        for name in ("root.json", "trusted_root.json", "targets/trusted_root.json"):
            (poisoned / name).parent.mkdir(exist_ok=True)
            (poisoned / name).write_bytes((staging / Path(name).name).read_bytes())

    def judge(case: str, *prefix: str) -> int:
        words: list[str | Path] = [
            *prefix,
            cloche,
            "verify",
            "--policy",
            rules,
            "--bundle",
            folder / case / "bundle.sigstore.json",
            folder / "a.txt",
        ]
        return run(*OFFLINE, *words, cwd=place).code

    empty = place / "read-only"
    empty.mkdir(mode=0o555)
    for prefix in (["env", f"HOME={home}"], ["env", "-u", "HOME"], ["env", f"HOME={empty}"], ["env", "HOME=/proc"]):
        assert judge("happy-path-v0.3", *prefix) == 0
        assert judge("bundle-from-wrong-instance_fail", *prefix) == 22
        assert list(empty.iterdir()) == []


def _sigstore_stores(cloche: Path) -> Path:
    """Return the folder of trust roots that the sigstore package of this command line carries."""
    closure = run("nix-store", "--query", "--requisites", cloche.parent.parent)
    assert closure.code == 0, closure.err
    found = [
        path for line in closure.out.split() for path in Path(line).glob("lib/python3.*/site-packages/sigstore/_store")
    ]
    assert found
    return found[0]


ATTACH = """
import sys
from cloche.image.descriptor import Reference
from cloche.image.registry import Registry

reference, digest, path = sys.argv[1:]
kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
Registry(Reference.parse(reference), insecure=True).attach(digest, kind, open(path, "rb").read(), kind)
"""


def layout(folder: Path) -> tuple[str, list[str]]:
    """Write an OCI layout with an image of three layers, and return its digest and those of its layers."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def put(data: bytes, kind: str) -> dict[str, Any]:
        sha256 = hashlib.sha256(data).hexdigest()
        (blobs / sha256).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{sha256}", "size": len(data)}

    layers = [put(b"layer %d" % number, "layer.v1.tar") for number in range(3)]
    rootfs = {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}
    config = put(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode(), "config.v1+json")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": layers,
    }
    entry = put(json.dumps(manifest).encode(), "manifest.v1+json")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return entry["digest"], [layer["digest"] for layer in layers]


@pytest.fixture(scope="session")
def oci() -> Path:
    """Return the programs of the toolchain's role `oci`."""
    brought = run("sh", ROOT / "pkgs/fetch/fetch.sh", "--tools-only", "--role", "oci")
    assert brought.code == 0, brought.err
    expression = f"(import {ROOT}/pkgs/toolchain {{ system = builtins.currentSystem; }}).roles.oci"
    made = run("nix", "build", "--no-link", "--print-out-paths", "--impure", "--expr", expression)
    assert made.code == 0, made.err
    return Path(made.out.strip(), "bin")


@pytest.fixture
def registry(oci: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Return the address of a docker-registry on the loopback device, and the folder of its blobs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    data, settings = tmp_path / "registry", tmp_path / "registry.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {data}}}}}\nhttp: {{addr: '{host}'}}\n"
    )
    with (
        (tmp_path / "registry.log").open("wb") as log,
        subprocess.Popen([oci / "docker-registry", "serve", settings], stdout=log, stderr=log) as server,
    ):
        for _ in range(200):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", int(host.rpartition(":")[2]))) == 0:
                    break
            time.sleep(0.05)
        yield host, data / "docker/registry/v2/blobs/sha256"
        server.terminate()


def test_evidence_travels_through_a_registry(
    place: Path, cloche: Path, cosign: Path, oci: Path, registry: tuple[str, Path]
) -> None:
    """Ours is read by cosign, cosign's by us; a swapped layer and a tag are refused."""
    host, blobs = registry
    digest, layers = layout(place / "image")
    statement = json.loads((place / "statement.json").read_text())
    statement["subject"] = [{"name": "app", "digest": {"sha256": digest.removeprefix("sha256:")}}]
    (place / "statement.json").write_text(json.dumps(statement))
    copy = ["copy", "--preserve-digests", "--insecure-policy", "--dest-tls-verify=false", "oci:image"]
    pushed = run(oci / "skopeo", *copy, f"docker://{host}/app:1", cwd=place)
    assert pushed.code == 0, pushed.err

    signed = run(cloche, "sign", "--key", "p256.pem", "--output", "signed", "statement.json", cwd=place)
    assert signed.code == 0, signed.err
    python = cloche.resolve().parent / "python"
    attached = run(python, "-c", ATTACH, f"{host}/app:1", digest, place / "signed/statement.sigstore.json")
    assert attached.code == 0, attached.err
    reference = f"{host}/app@{digest}"

    def judge(key: str, artifact: str) -> Ended:
        return run(cloche, "verify", "--policy", policy(place, key), "--insecure-registry", artifact, cwd=place)

    accepted = judge("p256", reference)
    assert accepted.code == 0, accepted.out
    assert "app, image of 3 layers, each compared with its digest" in accepted.out
    bundle = ["--new-bundle-format", "--trusted-root", "trusted_root.json"]
    check = ["verify-attestation", "--key", "p256.pub", "--private-infrastructure=true", *bundle, "--type", TEST_RESULT]
    theirs = run(cosign, *check, "--allow-http-registry", reference, cwd=place)
    assert theirs.code == 0, theirs.err
    # Controls: another key, a tag, a registry without TLS that was not announced.
    assert judge("ed25519", reference).code == 20
    assert judge("p256", f"{host}/app:1").code == 13
    assert run(cloche, "verify", "--policy", policy(place, "p256"), reference, cwd=place).code == 12

    # One layer is swapped behind the registry's back.
    name = layers[1].removeprefix("sha256:")
    blob = blobs / name[:2] / name / "data"
    blob.write_bytes(b"layer X")
    before = {path: path.read_bytes() for path in blobs.rglob("data")}
    swapped = judge("p256", reference)
    assert swapped.code == 15, swapped.out
    assert before == {path: path.read_bytes() for path in blobs.rglob("data")}


def test_we_accept_what_cosign_attaches_to_an_image(
    place: Path, cloche: Path, cosign: Path, oci: Path, registry: tuple[str, Path]
) -> None:
    host, _ = registry
    digest, _ = layout(place / "image")
    copy = ["copy", "--preserve-digests", "--insecure-policy", "--dest-tls-verify=false", "oci:image"]
    pushed = run(oci / "skopeo", *copy, f"docker://{host}/app:1", cwd=place)
    assert pushed.code == 0, pushed.err
    environment = {"COSIGN_PASSWORD": "open"}
    assert run(cosign, "generate-key-pair", cwd=place, env=environment).code == 0
    attest = [
        "attest",
        "--key",
        "cosign.key",
        "--predicate",
        "predicate.json",
        "--type",
        TEST_RESULT,
        "--tlog-upload=false",
        "-y",
    ]
    ended = run(
        cosign,
        *attest,
        "--new-bundle-format",
        "--allow-http-registry",
        f"{host}/app@{digest}",
        cwd=place,
        env=environment,
    )
    assert ended.code == 0, ended.err
    words: list[str | Path] = ["verify", "--policy", policy(place, "cosign"), "--insecure-registry"]
    accepted = run(cloche, *words, f"{host}/app@{digest}", cwd=place)
    assert accepted.code == 0, accepted.out


@pytest.mark.slow  # builds the toolchain a second time
def test_rebuild(tmp_path: Path, cloche: Path, place: Path) -> None:
    """`--rebuild` builds the signed source, and only after everything before it was accepted."""
    flake = tmp_path / "flake"
    # The toolchain is part of the flake, which so needs no input.
    for folder in ("lib", "pkgs", "python"):
        shutil.copytree(ROOT / folder, flake / folder, ignore=shutil.ignore_patterns("__pycache__", ".*cache"))
    (flake / "flake.nix").write_text(
        """{
  outputs = { self }: {
    packages.x86_64-linux.default = (import ./pkgs/toolchain { system = "x86_64-linux"; }).runBash {
      name = "tiny";
      script = "mkdir $out; echo hello > $out/hello; exit 0";
    };
  };
}
"""
    )
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    for command in ([*git, "init", "-q"], [*git, "add", "-A"], [*git, "commit", "-qm", "all"]):
        assert run(*command, cwd=flake).code == 0
    told = json.loads(run("nix", "flake", "metadata", "--json", cwd=flake).out)
    made = run("nix", "build", "--no-link", "--print-out-paths", cwd=flake)
    assert made.code == 0, made.err
    output = Path(made.out.strip())
    dumped = run("sh", "-c", f"nix-store --dump {output} | sha256sum").out.split()[0]
    source = f"git+file://{flake}"

    def sign(nar: str, attribute: str, folder: str) -> Path:
        predicate = {
            "buildDefinition": {
                "buildType": "https://cloche.example/build-types/nix-flake/v1",
                "externalParameters": {"attribute": attribute, "flake": source, "revision": told["revision"]},
                "resolvedDependencies": [
                    {
                        "name": "source",
                        "digest": {"sha256": nar, "gitCommit": told["revision"]},
                        "annotations": {"kind": "source"},
                    }
                ],
            },
            "runDetails": {"builder": {"id": "https://cloche.example/builders/unattested-local/v1"}},
        }
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "tiny", "digest": {"sha256": dumped}, "mediaType": "application/x-nix-nar"}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": predicate,
        }
        (place / "provenance.json").write_text(json.dumps(statement))
        signed = run(cloche, "sign", "--key", "p256.pem", "--output", folder, "provenance.json", cwd=place)
        assert signed.code == 0, signed.err
        return place / folder

    (place / "rebuild.toml").write_text(
        'version = 1\n[[signer]]\nname = "it"\nkey-file = "p256.pub"\nstatements = ["provenance"]\n[statements]\nrequired = ["provenance"]\n[[builder]]\n'
        'id = "https://cloche.example/builders/unattested-local/v1"\nsigners = ["it"]\nlevel = 1\n[provenance]\n'
        f'build-type = "https://cloche.example/build-types/nix-flake/v1"\nsource = "{source}"\nattributes = ["default", "other"]\n'
    )

    def judge(bundles: Path, artifact: Path, *more: str | Path) -> tuple[int, list[dict[str, str]]]:
        ended = run(
            cloche,
            "verify",
            "--json",
            "--rebuild",
            *more,
            "--policy",
            "rebuild.toml",
            "--bundle",
            bundles,
            artifact,
            cwd=place,
        )
        return ended.code, json.loads(ended.out)["rows"]

    nar = base64.b64decode(told["locked"]["narHash"].removeprefix("sha256-")).hex()
    good = sign(nar, "default", "good")
    code, rows = judge(good, output)
    assert code == 0, rows
    assert rows[-1] == {
        "what": "rebuild",
        "verdict": "accepted",
        "reason": "default, built again on this machine, has the same bytes",
    }
    # The source in a folder, without what git and the store add to it.
    copy = place / "source"
    shutil.copytree(told["path"], copy)
    assert judge(good, output, "--source", copy)[0] == 0
    (copy / "flake.nix").chmod(0o644)
    with (copy / "flake.nix").open("a") as file:
        file.write("# one line more\n")
    assert judge(good, output, "--source", copy)[0] == 27
    (copy / ".git").mkdir()
    code, rows = judge(good, output, "--source", copy)
    assert code == 27
    assert "; its .git is part of it: give what `git archive " in rows[-1]["reason"]
    # A source with another digest than the signed one, and an attribute that there is not.
    assert judge(sign("0" * 64, "default", "other-source"), output)[0] == 27
    assert judge(sign(nar, "other", "no-attribute"), output)[0] == 31
    # Nothing is built for what is refused before.
    changed = place / "changed"
    shutil.copytree(output, changed)
    (changed / "hello").chmod(0o644)
    (changed / "hello").write_text("bye\n")
    code, rows = judge(good, changed)
    assert code == 23
    assert rows[-1] == {
        "what": "rebuild",
        "verdict": "note",
        "reason": "nothing was built, because not everything before it was accepted",
    }
