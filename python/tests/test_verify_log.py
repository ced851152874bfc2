"""Log entries and time stamps beside a signature by key: each is verified, or it may not be there."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import Outcome
from rekor import Log, dsse_body, encoded
from trust import Release, make_key

YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
NO_ROOT = "a log entry or time stamp comes with it, and the policy has no [trust-root] by which to verify it"
Bundle = dict[str, Any]


class Logged:
    """A release with one statement, whose bundle has a log entry."""

    def __init__(self, release: Release) -> None:
        self.release, self.log = release, Log()
        release.predicates = {"test-result": release.predicates["test-result"]}
        release.signed()
        (release.bundles / "default.test-result.dsse.json").unlink()
        self.path = release.bundles / "default.test-result.sigstore.json"
        self.public = (release.folder / "keys/release.pub").read_bytes()
        (release.folder / "root.json").write_bytes(self.log.trust_root())
        self.enter()

    @property
    def bundle(self) -> Bundle:
        """The bundle as it is."""
        found: Bundle = json.loads(self.path.read_text())
        return found

    def enter(self, time: datetime = YESTERDAY, body: Bundle | None = None) -> None:
        """Give the bundle a log entry."""
        made = body or dsse_body(self.bundle, self.public)
        self.change(lambda material: material.update(tlogEntries=[self.log.entry(made, time)]))

    def change(self, how: Callable[[Bundle], object]) -> None:
        """Change the bundle's material for verification."""
        bundle = self.bundle
        how(bundle["verificationMaterial"])
        self.path.write_text(json.dumps(bundle))

    def policy(self, *, root: bool = True) -> Path:
        """Write a policy that asks for the statement."""
        sha256 = hashlib.sha256((self.release.folder / "root.json").read_bytes()).hexdigest()
        trust = f'[trust-root]\nfile = "root.json"\nsha256 = "{sha256}"\n' if root else ""
        statements = '[statements]\nrequired = ["test-result"]\n'
        return self.release.policy(trust, statements=statements, provenance="", builder="")

    def reason(self, **options: Any) -> tuple[int, str]:  # noqa: ANN401 - as policy takes them
        """Verify; return the exit code, and what is said of the signature."""
        code, rows = self.release.rows(policy=self.policy(**options))
        (row,) = [row for row in rows if row["what"].startswith("signature in ")]
        return code, row["reason"]


@pytest.fixture
def logged(tmp_path: Path, run: Callable[..., Outcome]) -> Logged:
    return Logged(Release(tmp_path, run))


def test_an_entry_is_verified(logged: Logged) -> None:
    assert logged.reason() == (0, f"by the key of release; in a log or stamped at {YESTERDAY}")
    assert logged.reason(root=False) == (16, NO_ROOT)


def test_without_an_entry_none_is_asked_for(logged: Logged) -> None:
    logged.change(lambda material: material.update(tlogEntries=[]))
    for root in (True, False):
        assert logged.reason(root=root) == (0, "by the key of release; no log entry is asked for with a key")


def flipped(text: str) -> str:
    """Return base64 with one bit of its bytes changed."""
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return encoded(bytes(data))


def changes() -> dict[str, Callable[[Bundle], object]]:
    """Return what somebody may do to an entry."""
    return {
        "body": lambda entry: entry.update(canonicalizedBody=flipped(entry["canonicalizedBody"])),
        "promise": lambda entry: entry["inclusionPromise"].update(
            signedEntryTimestamp=flipped(entry["inclusionPromise"]["signedEntryTimestamp"])
        ),
        "root": lambda entry: entry["inclusionProof"].update(rootHash=flipped(entry["inclusionProof"]["rootHash"])),
        "size": lambda entry: entry["inclusionProof"].update(treeSize="2"),
        "checkpoint": lambda entry: entry["inclusionProof"]["checkpoint"].update(envelope="nonsense"),
        "proof": lambda entry: entry.pop("inclusionProof"),
        "time": lambda entry: entry.update(integratedTime="1"),
        "no promise": lambda entry: entry.pop("inclusionPromise"),
        "no time": lambda entry: entry.pop("integratedTime"),
        "index": lambda entry: entry.update(logIndex="8"),
        "log": lambda entry: entry["logId"].update(keyId=flipped(entry["logId"]["keyId"])),
        "kind": lambda entry: entry["kindVersion"].update(kind="hashedrekord"),
        "version": lambda entry: entry["kindVersion"].update(version="0.0.2"),
        "empty": lambda entry: entry.clear(),
    }


@pytest.mark.parametrize("what", changes())
def test_every_part_of_an_entry_matters(logged: Logged, what: str) -> None:
    logged.change(lambda material: changes()[what](material["tlogEntries"][0]))
    assert logged.reason()[0] == 16


@pytest.mark.parametrize("garbage", [[{}], ["x"], "x", 1, {"a": 1}, [None]])
def test_garbage_in_place_of_entries(logged: Logged, garbage: object) -> None:
    logged.change(lambda material: material.update(tlogEntries=garbage))
    assert logged.reason()[0] == 16
    assert logged.reason(root=False) == (16, NO_ROOT)


@pytest.mark.parametrize(
    "garbage",
    [
        {"rfc3161Timestamps": [{"signedTimestamp": encoded(b"nonsense")}]},
        {"rfc3161Timestamps": [{}]},
        {"rfc3161Timestamps": "x"},
        "x",
    ],
)
def test_garbage_in_place_of_time_stamps(logged: Logged, garbage: object) -> None:
    logged.change(lambda material: material.update(timestampVerificationData=garbage))
    assert logged.reason()[0] == 16
    logged.change(lambda material: material.update(tlogEntries=[]))
    assert logged.reason()[0] == 16
    assert logged.reason(root=False) == (16, NO_ROOT)


def test_an_entry_of_another_log(logged: Logged) -> None:
    entry = Log().entry(dsse_body(logged.bundle, logged.public), YESTERDAY)
    logged.change(lambda material: material.update(tlogEntries=[entry]))
    assert logged.reason()[0] == 16


def test_a_second_entry_is_verified_too(logged: Logged) -> None:
    good = logged.bundle["verificationMaterial"]["tlogEntries"][0]
    logged.change(lambda material: material.update(tlogEntries=[good, good]))
    assert logged.reason()[0] == 0
    bad = Log().entry(dsse_body(logged.bundle, logged.public), YESTERDAY)
    logged.change(lambda material: material.update(tlogEntries=[good, bad]))
    assert logged.reason()[0] == 16


def test_an_entry_about_something_else(logged: Logged) -> None:
    """Each of them is proven by the log, and is not about this signature."""
    body = dsse_body(logged.bundle, logged.public)
    other = make_key(logged.release.folder / "keys", "other").with_suffix(".pub").read_bytes()

    def changed(change: Callable[[Bundle], object]) -> tuple[int, str]:
        made = json.loads(json.dumps(body))
        change(made["spec"])
        logged.enter(body=made)
        return logged.reason()

    assert changed(dict)[0] == 0
    code, reason = changed(lambda spec: spec["payloadHash"].update(value="ab" * 32))
    assert (code, reason) == (16, f"its log entry is about bytes with the digest {'ab' * 32}, and not about these")
    assert changed(lambda spec: spec["signatures"][0].update(signature=encoded(b"x"))) == (
        16,
        "its log entry is about another signature",
    )
    assert changed(lambda spec: spec["signatures"][0].update(verifier=encoded(other))) == (
        16,
        "its log entry is about another key",
    )
    assert changed(lambda spec: spec["signatures"].clear())[0] == 16
    logged.enter(body={"apiVersion": "0.0.1", "kind": "alpine", "spec": {}})
    assert logged.reason() == (16, "its log entry is of the kind alpine 0.0.1, which is not read here")


def test_an_entry_of_a_day_to_come(logged: Logged) -> None:
    time = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    logged.enter(time)
    assert logged.reason() == (21, f"it was signed at {time}, which is yet to come")


def test_a_signature_over_bytes_with_an_entry(logged: Logged) -> None:
    """A record of rekor's kind hashedrekord, about the artifact's own bytes."""
    from cloche.attest import keys
    from cloche.attest.key_options import KeySource

    release = logged.release
    data = release.artifact.read_bytes()
    signature = encoded(bytes.fromhex(keys.load(KeySource(release.key)).sign(data).signature))
    body = {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}},
            "signature": {"content": signature, "publicKey": {"content": encoded(logged.public)}},
        },
    }
    material = {"publicKey": {"hint": ""}, "tlogEntries": [logged.log.entry(body, YESTERDAY)]}
    bundle = {
        "mediaType": logged.bundle["mediaType"],
        "verificationMaterial": material,
        "messageSignature": {"signature": signature},
    }
    logged.path.write_text(json.dumps(bundle))
    policy = logged.policy()
    policy.write_text(policy.read_text().replace('required = ["test-result"]', 'required = ["signature"]'))
    assert release.rows(policy=policy)[0] == 0
    release.artifact.write_bytes(b"other")
    assert release.rows(policy=policy)[0] == 15
