"""Signing by identity for real: an OIDC token, a certificate, a log entry, and everybody who has to judge them.

The Sigstore instance is one of its own on the loopback device (ci/sigstore), with keys that are made for each test
session. Debian's cosign and sigstore's own library judge what we sign.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pty
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from conftest import ROOT, Ended, run
from machines import OFFLINE

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SUBJECT = "https://gitlab.example/lab/demo//.gitlab-ci.yml@refs/heads/main"


@dataclass(frozen=True)
class Instance:
    """A Sigstore instance that runs: its address, which is the issuer too, and the folder with what is to be trusted."""

    issuer: str
    folder: Path

    def token(self, subject: str = SUBJECT) -> str:
        """Return a token of the issuer."""
        # The loopback device, by HTTP.
        request = urllib.request.Request(f"{self.issuer}/mint", data=json.dumps({"sub": subject}).encode())  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return str(answer.read().decode())


def start(folder: Path) -> Iterator[Instance]:
    """Run an instance; skip where none is to be had."""
    folder.mkdir(exist_ok=True)
    with subprocess.Popen([ROOT / "ci/sigstore", folder], stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        assert server.stderr is not None
        address = server.stdout.readline().strip()
        if not address:
            reason = server.stderr.read().strip()
            if server.wait() == 3:
                pytest.skip(reason)
            raise AssertionError(reason)
        yield Instance(address, folder)
        server.stdin.close()


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    yield from start(tmp_path_factory.mktemp("instance"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    yield from start(tmp_path_factory.mktemp("other"))


def fill(folder: Path) -> Path:
    """Write an artifact and a statement about it."""
    (folder / "app.txt").write_text("the application\n")
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app.txt", "digest": {"sha256": hashlib.sha256(b"the application\n").hexdigest()}}],
        "predicateType": TEST_RESULT,
        "predicate": {"result": "PASSED", "passedTests": ["tests/test_app.py::test_it"]},
    }
    (folder / "statement.json").write_text(json.dumps(statement))
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with an artifact and a statement about it."""
    return fill(tmp_path)


def variables(token: str | None, home: Path) -> list[str]:
    """Return the environment of a job in GitLab's CI, and nothing else that could give an identity or a home."""
    ci = () if token is None else ("GITLAB_CI=true", f"SIGSTORE_ID_TOKEN={token}")
    return ["env", "-i", f"PATH={os.environ['PATH']}", f"HOME={home}/no-home", *ci]


def sign(cloche: Path, place: Path, token: str | None, config: Path | str, output: str = "signed") -> Ended:
    """Sign the statement as a job in continuous integration does."""
    words = ["sign", "--trust-config", config, "--output", output, "statement.json"]
    return run(*variables(token, place), cloche, *words, cwd=place)


def policy(place: Path, root: Path, issuer: str, identity: str = SUBJECT) -> Path:
    """Write a policy that accepts one identity, by the trust root of an instance."""
    data = (root / "trusted_root.json").read_bytes()
    (place / "trusted_root.json").write_bytes(data)
    path = place / "policy.toml"
    path.write_text(
        f'version = 1\n[[signer]]\nname = "ci"\nidentity = "{identity}"\nissuer = "{issuer}"\nstatements = ["test-result"]\n'
        f'[trust-root]\nfile = "trusted_root.json"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\n'
        '[signatures]\nlog-entry = true\n[statements]\nrequired = ["test-result"]\n'
    )
    return path


def judge(
    cloche: Path, place: Path, rules: Path, bundle: str = "signed/statement.sigstore.json"
) -> tuple[int, set[str], list[str]]:
    """Verify without any network and home, and return the exit code, the verdicts and the reasons."""
    words: list[str | Path] = ["verify", "--json", "--policy", rules, "--bundle", bundle, "app.txt"]
    ended = run(*OFFLINE, *variables(None, place), cloche, *words, cwd=place)
    assert ended.out, ended.err
    rows = json.loads(ended.out)["rows"]
    return (
        ended.code,
        {row["verdict"] for row in rows if row["verdict"] not in {"accepted", "note"}},
        [row["reason"] for row in rows],
    )


@pytest.fixture(scope="module")
def original(cloche: Path, instance: Instance, other: Instance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a statement that the identity of a job signed, while the other instance was there already."""
    assert other.issuer != instance.issuer
    folder = fill(tmp_path_factory.mktemp("original"))
    ended = sign(cloche, folder, instance.token(), instance.folder / "trust_config.json")
    assert ended.code == 0, ended.err
    assert ended.err == f'signed by identity = "{SUBJECT}", issuer = "{instance.issuer}"\n'
    assert ended.out == "signed/statement.sigstore.json\n"
    assert [path.name for path in (folder / "signed").iterdir()] == ["statement.sigstore.json"]
    return folder


@pytest.fixture
def signed(original: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder, which a test may alter."""
    return Path(shutil.copytree(original, tmp_path, dirs_exist_ok=True))


def test_who_signed_is_accepted_by_identity_issuer_and_trust_root(
    signed: Path, cloche: Path, instance: Instance
) -> None:
    bundle = json.loads((signed / "signed/statement.sigstore.json").read_text())
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    assert entry["kindVersion"] == {"kind": "dsse", "version": "0.0.1"}
    assert entry["inclusionProof"]["checkpoint"]["envelope"]
    code, _, reasons = judge(cloche, signed, policy(signed, instance.folder, instance.issuer))
    assert code == 0, reasons
    assert f"by ci ({SUBJECT}, vouched for by {instance.issuer}), in the log" in reasons


@pytest.mark.parametrize("what", ["identity", "the end of an identity", "issuer"])
def test_another_identity_or_issuer_is_refused(signed: Path, cloche: Path, instance: Instance, what: str) -> None:
    identity = {"identity": SUBJECT.replace("main", "topic"), "the end of an identity": SUBJECT[:-1]}.get(what, SUBJECT)
    issuer = instance.issuer + "/" if what == "issuer" else instance.issuer
    code, verdicts, _ = judge(cloche, signed, policy(signed, instance.folder, issuer, identity))
    assert (code, verdicts) == (20, {"wrong-identity", "missing-signature", "missing-statement"})


def test_the_trust_root_of_another_instance_is_refused(
    signed: Path, cloche: Path, instance: Instance, other: Instance
) -> None:
    code, verdicts, reasons = judge(cloche, signed, policy(signed, other.folder, instance.issuer))
    assert code == 22, reasons
    assert verdicts == {"untrusted-service", "missing-signature", "missing-statement"}


def test_a_trust_root_with_other_bytes_than_the_policy_pins_is_refused(
    signed: Path, cloche: Path, instance: Instance
) -> None:
    rules = policy(signed, instance.folder, instance.issuer)
    (signed / "trusted_root.json").write_bytes((signed / "trusted_root.json").read_bytes() + b" ")
    code, verdicts, _ = judge(cloche, signed, rules)
    assert (code, verdicts) == (11, {"policy"})


BELIEVER = """
import sys
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

path, identity, issuer = sys.argv[1:]
verifier = Verifier(trusted_root=ClientTrustConfig.production(offline=True).trusted_root)
verifier.verify_dsse(Bundle.from_json(open(path).read()), Identity(identity=identity, issuer=issuer))
"""


def test_a_poisoned_cache_makes_no_difference(signed: Path, cloche: Path, instance: Instance, other: Instance) -> None:
    """The library's cache trusts the instance that signed, and the policy another one: refused, whatever the cache says."""
    home = signed / "home"
    for base in (".cache", ".local/share"):
        poisoned = home / base / "sigstore-python/tuf/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
        poisoned.mkdir(parents=True)
        shutil.copy(instance.folder / "trusted_root.json", poisoned)
    bundle = signed / "signed/statement.sigstore.json"
    # The control: the library, which reads that cache, takes it for the public instance.
    words: list[str | Path] = [
        "env",
        "-i",
        f"HOME={home}",
        cloche.resolve().parent / "python",
        "-c",
        BELIEVER,
        bundle,
        SUBJECT,
        instance.issuer,
    ]
    believed = run(*OFFLINE, *words, cwd=signed)
    assert believed.code == 0, believed.err
    read_only = signed / "read-only"
    read_only.mkdir(mode=0o555)
    theirs, ours = policy(signed, other.folder, instance.issuer).rename(signed / "theirs.toml"), signed / "policy.toml"
    (signed / "theirs.json").write_bytes((signed / "trusted_root.json").read_bytes())
    theirs.write_text(theirs.read_text().replace("trusted_root.json", "theirs.json"))
    policy(signed, instance.folder, instance.issuer)
    for place, rules, code in (
        ([f"HOME={home}"], theirs, 22),
        ([f"HOME={home}"], ours, 0),
        ([], ours, 0),
        ([f"HOME={read_only}"], ours, 0),
    ):
        words = ["env", "-i", *place, cloche, "verify", "--policy", rules, "--bundle", bundle, "app.txt"]
        ended = run(*OFFLINE, *words, cwd=signed)
        assert ended.code == code, (place, ended.out)
    assert list(read_only.iterdir()) == []


def flip(text: str) -> str:
    """Return base64 with one bit of its bytes changed."""
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(data).decode()


def payload(bundle: dict[str, Any]) -> None:
    content = bundle["dsseEnvelope"]
    content["payload"] = base64.b64encode(base64.b64decode(content["payload"]).replace(b"PASSED", b"FAILED")).decode()


def payload_type(bundle: dict[str, Any]) -> None:
    bundle["dsseEnvelope"]["payloadType"] += "x"


def signature(bundle: dict[str, Any]) -> None:
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = flip(bundle["dsseEnvelope"]["signatures"][0]["sig"])


def certificate(bundle: dict[str, Any]) -> None:
    """Put another identity into it, which the authority did not."""
    held = bundle["verificationMaterial"]["certificate"]
    held["rawBytes"] = base64.b64encode(
        base64.b64decode(held["rawBytes"]).replace(b"heads/main", b"heads/evil")
    ).decode()


def entry_body(bundle: dict[str, Any]) -> None:
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    entry["canonicalizedBody"] = base64.b64encode(base64.b64decode(entry["canonicalizedBody"]) + b" ").decode()


def root_hash(bundle: dict[str, Any]) -> None:
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    entry["inclusionProof"]["rootHash"] = flip(entry["inclusionProof"]["rootHash"])


def promise(bundle: dict[str, Any]) -> None:
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    entry["inclusionPromise"]["signedEntryTimestamp"] = flip(entry["inclusionPromise"]["signedEntryTimestamp"])


def no_entry(bundle: dict[str, Any]) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = []


def second_stamp(bundle: dict[str, Any]) -> None:
    """Put another time stamp beside the good one, which no authority signed."""
    stamps = bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    data = base64.b64decode(stamps[0]["signedTimestamp"])
    stamps.append({"signedTimestamp": base64.b64encode(data[:-1] + bytes([data[-1] ^ 1])).decode()})


def later(bundle: dict[str, Any]) -> None:
    """No authority stamped it, and the log is said to have had it after the certificate's end."""
    del bundle["verificationMaterial"]["timestampVerificationData"]
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    entry["integratedTime"] = str(int(entry["integratedTime"]) + 3600)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (payload, 15),
        (payload_type, 15),
        (signature, 15),
        (certificate, 22),
        (entry_body, 32),
        (root_hash, 32),
        (promise, 32),
        (no_entry, 16),
        (second_stamp, 16),
        (later, 21),
    ],
)
def test_altered_evidence_is_refused(
    signed: Path, cloche: Path, instance: Instance, change: Callable[[dict[str, Any]], None], code: int
) -> None:
    path = signed / "signed/statement.sigstore.json"
    bundle = json.loads(path.read_text())
    change(bundle)
    path.write_text(json.dumps(bundle))
    found, _, reasons = judge(cloche, signed, policy(signed, instance.folder, instance.issuer))
    assert found == code, reasons


def test_an_altered_artifact_is_refused(signed: Path, cloche: Path, instance: Instance) -> None:
    (signed / "app.txt").write_text("the applicatiom\n")
    assert judge(cloche, signed, policy(signed, instance.folder, instance.issuer))[0] == 23


def test_cosign_accepts_what_an_identity_signed(signed: Path, cosign: Path, instance: Instance) -> None:
    def check(identity: str = SUBJECT, issuer: str = instance.issuer, root: Path = instance.folder) -> Ended:
        who = ["--certificate-identity", identity, "--certificate-oidc-issuer", issuer]
        what: list[str | Path] = [
            "--bundle",
            "signed/statement.sigstore.json",
            "--new-bundle-format",
            "--trusted-root",
            root / "trusted_root.json",
        ]
        return run(
            *OFFLINE, cosign, "verify-blob-attestation", *what, *who, "--type", TEST_RESULT, "app.txt", cwd=signed
        )

    accepted = check()
    assert (accepted.code, accepted.err) == (0, "Verified OK\n")
    # Controls: another identity, issuer and artifact.
    assert check(identity=SUBJECT + "x").code != 0
    assert check(issuer="https://issuer.example").code != 0
    (signed / "app.txt").write_text("another application\n")
    assert check().code != 0


def test_cosign_refuses_the_trust_root_of_another_instance(
    signed: Path, cosign: Path, instance: Instance, other: Instance
) -> None:
    who = ["--certificate-identity", SUBJECT, "--certificate-oidc-issuer", instance.issuer, "--type", TEST_RESULT]
    what = ["--bundle", "signed/statement.sigstore.json", "--new-bundle-format", "--trusted-root"]
    words: list[str | Path] = [
        cosign,
        "verify-blob-attestation",
        *what,
        other.folder / "trusted_root.json",
        *who,
        "app.txt",
    ]
    assert run(*OFFLINE, *words, cwd=signed).code != 0


def refused(ended: Ended, place: Path, code: int) -> str:
    """Return the message of a refusal to sign, after which nothing is there."""
    assert (ended.code, ended.out) == (code, ""), ended.err
    assert not (place / "signed").exists()
    return ended.err.removeprefix("error: ").removesuffix("\n")


def test_a_token_that_the_issuer_did_not_sign(place: Path, cloche: Path, instance: Instance) -> None:
    head, body, sig = instance.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["sub"] = "https://gitlab.example/lab/other//.gitlab-ci.yml@refs/heads/main"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    ended = sign(cloche, place, f"{head}.{forged}.{sig}", instance.folder / "trust_config.json")
    message = refused(ended, place, 3)
    assert message == (
        "sigstore gave no signature, and nothing was written: There was an error processing the identity token: "
        "signature verification failed"
    )


def test_services_that_can_not_be_trusted_or_reached(
    place: Path, cloche: Path, instance: Instance, other: Instance
) -> None:
    """Who signs finds out what whoever verifies would, before anything is written."""
    config = json.loads((instance.folder / "trust_config.json").read_text())
    theirs = json.loads((other.folder / "trust_config.json").read_text())
    path = place / "config.json"
    lies = {
        "certificateAuthorities": "failed to build timestamp certificate chain: ",
        "ctlogs": "SCT verify failed: keyring: invalid signature",
        "tlogs": "invalid log entry: ",
    }
    for part, words in lies.items():
        changed = {**config, "trustedRoot": {**config["trustedRoot"], part: theirs["trustedRoot"][part]}}
        path.write_text(json.dumps(changed))
        message = refused(sign(cloche, place, instance.token(), path), place, 3)
        assert message.startswith(f"sigstore gave no signature, and nothing was written: {words}")
    # The certificate is there, and the log is not.
    signing = {
        **config["signingConfig"],
        "rekorTlogUrls": [{**config["signingConfig"]["rekorTlogUrls"][0], "url": "http://127.0.0.1:9"}],
    }
    path.write_text(json.dumps({**config, "signingConfig": signing}))
    message = refused(sign(cloche, place, instance.token(), path), place, 3)
    assert message.startswith("sigstore gave no signature, and nothing was written: ")
    assert "/api/v1/log/entries" in message


def test_a_person_logs_in_by_browser(place: Path, cloche: Path, instance: Instance) -> None:
    """Without a token, and with a terminal, the browser is opened at the issuer, and its answer is waited for."""
    browser = place / "browser.py"
    browser.write_text("import sys, urllib.request\nurllib.request.urlopen(sys.argv[1], timeout=30).read()\n")
    python = cloche.resolve().parent / "python"
    words = [
        "sign",
        "--trust-config",
        str(instance.folder / "trust_config.json"),
        "--output",
        "signed",
        "statement.json",
    ]
    opened = f"BROWSER={python} {browser} %s"
    master, slave = pty.openpty()
    try:
        done = subprocess.run(
            [*variables(None, place), opened, cloche, *words],
            cwd=place,
            stdin=slave,
            stderr=slave,
            stdout=PIPE,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, os.read(master, 100_000)
    finally:
        os.close(slave)
        os.close(master)
    person = "https://people.example/ada"
    code, _, reasons = judge(cloche, place, policy(place, instance.folder, instance.issuer, person))
    assert code == 0, reasons
