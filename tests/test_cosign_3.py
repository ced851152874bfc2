"""cosign 3 in both directions, with its own defaults: bundles, signing configurations, and referrers in registries.

The tests of 2.5 are in test_trust.py and test_keyless.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import test_keyless
import test_trust
from conftest import Ended, of_debian, run
from machines import OFFLINE
from test_keyless import SUBJECT, Instance, instance, variables
from test_trust import TEST_RESULT, layout, oci, place, policy, registry

__all__ = ["instance", "oci", "place", "registry"]
OPEN = {"COSIGN_PASSWORD": "open"}


@pytest.fixture(scope="module")
def cosign() -> Path:
    """Return forky's cosign."""
    return of_debian("cosign-3")


@pytest.fixture
def quiet(place: Path, cosign: Path) -> list[str]:
    """Return the options of who signs by a key of cosign's without a log: cosign 3 wants a configuration that says so."""
    assert run(*OFFLINE, cosign, "generate-key-pair", cwd=place, env=OPEN).code == 0
    assert run(*OFFLINE, cosign, "signing-config", "create", "--out", "signing_config.json", cwd=place).code == 0
    return ["--key", "cosign.key", "--signing-config", "signing_config.json", "-y"]


@pytest.mark.parametrize("key", ["ed25519", "p256"])
def test_it_accepts_what_we_sign_by_a_key(place: Path, cloche: Path, cosign: Path, key: str) -> None:
    signed = run(cloche, "sign", "--key", f"{key}.pem", "--output", "signed", "statement.json", cwd=place)
    assert signed.code == 0, signed.err
    words = ["verify-blob-attestation", "--key", f"{key}.pub", "--type", TEST_RESULT, "--insecure-ignore-tlog=true"]
    words += ["--bundle", "signed/statement.sigstore.json", "--trusted-root", "trusted_root.json", "app.txt"]
    accepted = run(*OFFLINE, cosign, *words, cwd=place)
    assert (accepted.code, accepted.err.splitlines()[-1]) == (0, "Verified OK")
    # The control: another artifact.
    (place / "app.txt").write_text("another application\n")
    assert run(*OFFLINE, cosign, *words, cwd=place).code != 0


def test_we_accept_what_it_signs_by_a_key(place: Path, cloche: Path, cosign: Path, quiet: list[str]) -> None:
    attest = [
        "attest-blob",
        *quiet,
        "--predicate",
        "predicate.json",
        "--type",
        TEST_RESULT,
        "--bundle",
        "bundle.json",
        "app.txt",
    ]
    made = run(*OFFLINE, cosign, *attest, cwd=place, env=OPEN)
    assert made.code == 0, made.err
    accepted = run(
        *OFFLINE, cloche, "verify", "--policy", policy(place, "cosign"), "--bundle", "bundle.json", "app.txt", cwd=place
    )
    assert accepted.code == 0, accepted.out + accepted.err
    # Controls: the policy of another key, and another artifact.
    ended = run(
        *OFFLINE, cloche, "verify", "--policy", policy(place, "p256"), "--bundle", "bundle.json", "app.txt", cwd=place
    )
    assert ended.code == 20, ended.out
    (place / "app.txt").write_text("another application\n")
    ended = run(
        *OFFLINE, cloche, "verify", "--policy", policy(place, "cosign"), "--bundle", "bundle.json", "app.txt", cwd=place
    )
    assert ended.code == 23, ended.out


def test_it_accepts_what_an_identity_signed_with_us(
    place: Path, cloche: Path, cosign: Path, instance: Instance
) -> None:
    signed = test_keyless.sign(cloche, place, instance.token(), instance.folder / "trust_config.json")
    assert signed.code == 0, signed.err

    def check(identity: str = SUBJECT, issuer: str = instance.issuer) -> Ended:
        who = ["--certificate-identity", identity, "--certificate-oidc-issuer", issuer, "--type", TEST_RESULT]
        trusted = str(instance.folder / "trusted_root.json")
        what = ["--bundle", "signed/statement.sigstore.json", "--trusted-root", trusted]
        return run(*OFFLINE, cosign, "verify-blob-attestation", *what, *who, "app.txt", cwd=place)

    accepted = check()
    assert (accepted.code, accepted.err) == (0, "Verified OK\n")
    # Controls: another identity, issuer and artifact.
    assert check(identity=f"{SUBJECT}x").code != 0
    assert check(issuer="https://issuer.example").code != 0
    (place / "app.txt").write_text("another application\n")
    assert check().code != 0


@pytest.mark.parametrize("statement", ["test-result", "signature"])
def test_we_accept_what_an_identity_signs_with_it(
    place: Path, cloche: Path, cosign: Path, instance: Instance, statement: str
) -> None:
    """An attestation, whose log entry is a dsse, and a file's signature, whose log entry is a hashedrekord."""
    config = json.loads((instance.folder / "trust_config.json").read_text())
    (place / "signing_config.json").write_text(json.dumps(config["signingConfig"]))
    (place / "token").write_text(instance.token())
    verb = (
        ["attest-blob", "--predicate", "predicate.json", "--type", TEST_RESULT]
        if statement == "test-result"
        else ["sign-blob"]
    )
    words = [
        *verb,
        "--identity-token",
        "token",
        "-y",
        "--signing-config",
        "signing_config.json",
        "--bundle",
        "bundle.json",
    ]
    words += ["--trusted-root", str(instance.folder / "trusted_root.json"), "app.txt"]
    made = run(*variables(None, place), cosign, *words, cwd=place)
    assert made.code == 0, made.err

    def judge(identity: str) -> Ended:
        rules = test_keyless.policy(place, instance.folder, instance.issuer, identity)
        rules.write_text(rules.read_text().replace("test-result", statement))
        return run(*OFFLINE, cloche, "verify", "--policy", rules, "--bundle", "bundle.json", "app.txt", cwd=place)

    accepted = judge(SUBJECT)
    assert accepted.code == 0, accepted.out
    # Controls: another identity, and another artifact.
    assert judge(f"{SUBJECT}x").code == 20
    (place / "app.txt").write_text("another application\n")
    assert judge(SUBJECT).code == 23


def test_evidence_travels_through_a_registry_both_ways(  # noqa: PLR0913, PLR0917 - fixtures
    place: Path, cloche: Path, cosign: Path, oci: Path, registry: tuple[str, Path], quiet: list[str]
) -> None:
    host, _ = registry
    digest, _ = layout(place / "image")
    copy = ["copy", "--preserve-digests", "--insecure-policy", "--dest-tls-verify=false", "oci:image"]
    pushed = run(oci / "skopeo", *copy, f"docker://{host}/app:1", cwd=place)
    assert pushed.code == 0, pushed.err
    reference = f"{host}/app@{digest}"
    # Theirs, read by us.
    attest = [
        "attest",
        *quiet,
        "--predicate",
        "predicate.json",
        "--type",
        TEST_RESULT,
        "--allow-http-registry",
        reference,
    ]
    made = run(cosign, *attest, cwd=place, env=OPEN)
    assert made.code == 0, made.err
    accepted = run(cloche, "verify", "--policy", policy(place, "cosign"), "--insecure-registry", reference, cwd=place)
    assert accepted.code == 0, accepted.out
    assert (
        run(cloche, "verify", "--policy", policy(place, "p256"), "--insecure-registry", reference, cwd=place).code == 20
    )
    # Ours, read by them.
    statement = json.loads((place / "statement.json").read_text())
    statement["subject"] = [{"name": "app", "digest": {"sha256": digest.removeprefix("sha256:")}}]
    (place / "statement.json").write_text(json.dumps(statement))
    signed = run(cloche, "sign", "--key", "p256.pem", "--output", "signed", "statement.json", cwd=place)
    assert signed.code == 0, signed.err
    python = cloche.resolve().parent / "python"
    attached = run(python, "-c", test_trust.ATTACH, f"{host}/app:1", digest, place / "signed/statement.sigstore.json")
    assert attached.code == 0, attached.err
    check = [
        "verify-attestation",
        "--insecure-ignore-tlog=true",
        "--trusted-root",
        "trusted_root.json",
        "--type",
        TEST_RESULT,
    ]
    theirs = run(cosign, *check, "--key", "p256.pub", "--allow-http-registry", reference, cwd=place)
    assert theirs.code == 0, theirs.err
    assert run(cosign, *check, "--key", "ed25519.pub", "--allow-http-registry", reference, cwd=place).code != 0
