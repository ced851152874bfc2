"""`cloche verify`: what is accepted, and each way of being refused, with nothing changed."""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloche.attest import artifact, envelope
from conftest import Outcome
from trust import SIGNS_ALL, Release, git, make_key, provenance


@pytest.fixture
def release(tmp_path: Path, run: Callable[..., Outcome]) -> Release:
    return Release(tmp_path, run)


def alter(path: Path, change: Callable[[Any], None]) -> None:
    """Change an envelope or bundle in place."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def only(release: Release, *names: str) -> Path:
    """Return a folder with the named signatures."""
    folder = release.folder / "chosen"
    folder.mkdir(exist_ok=True)
    for name in names:
        shutil.copy(release.bundles / name, folder / name)
    return folder


def words(outcome: Outcome) -> str:
    """Return what was printed, without the breaks of lines in the table."""
    return " ".join(outcome.out.split())


# What is accepted.


def test_file_is_accepted_with_reason_in_every_row(release: Release) -> None:
    release.signed()
    outcome = release.verify()
    assert outcome.code == 0, outcome.out + outcome.err
    assert words(outcome).endswith(f"accepted: {release.artifact}")
    assert "the policy has no minimum revision, so replay of an older release is not excluded" in words(outcome)
    code, rows = release.rows()
    assert code == 0
    assert all(row["reason"] for row in rows)
    # For people, what holds for one reason stands in one line.
    assert len([row for row in rows if row["what"].startswith("signature in ")]) == 6
    assert outcome.out.count("signature in ") == 1
    assert "signature in default.provenance.dsse.json and 5 more" in words(outcome)


@pytest.mark.parametrize("curve", [False, True], ids=["Ed25519", "P-256"])
def test_folder_is_accepted_by_its_nar(release: Release, *, curve: bool) -> None:
    tree = release.folder / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin/demo").write_text("#!/bin/sh\n")
    (tree / "bin/demo").chmod(0o755)
    (tree / "lib").symlink_to("bin")
    release.key = make_key(release.folder / "keys", "release", curve=curve)
    release.signed(statements=release.statements(subject=tree))
    assert release.rows(artifact=tree)[0] == 0
    (tree / "bin/demo").chmod(0o644)
    assert release.rows(artifact=tree)[0] == 23


def test_bare_envelopes_or_bundles_alone_are_enough(release: Release) -> None:
    release.signed()
    for suffix in ("dsse", "sigstore"):
        folder = only(release, *(path.name for path in release.bundles.glob(f"*.{suffix}.json")))
        assert release.rows(bundles=folder)[0] == 0
        shutil.rmtree(folder)


def test_unknown_fields_of_a_statement_are_ignored(release: Release) -> None:
    place = release.statements()
    for path in (place / "default").iterdir():
        alter(path, lambda data: data.update(future={"a": 1}))
    release.signed(statements=place)
    assert release.rows()[0] == 0


def test_two_distinct_keys_reach_a_threshold_of_two(release: Release) -> None:
    second = make_key(release.folder / "keys", "second", curve=True)
    both = {
        "signer": f'{SIGNS_ALL}name = "release"\nkey-file = "keys/release.pub"\n{SIGNS_ALL}name = "second"\nkey-file = "keys/second.pub"\n',
        "signatures": "[signatures]\nthreshold = 2\n",
    }
    release.signed()
    policy = release.policy(**both)
    # A bundle and an envelope by one key are one signer; so is one bundle that stands there twice.
    shutil.copy(release.bundles / "default.sbom.sigstore.json", release.bundles / "replayed.sigstore.json")
    reason = "2 distinct signers are required, and of those accepted release signed"
    release.refused(17, reason, policy=policy)
    release.signed(key=second, output=release.folder / "second", statements=release.folder / "statements")
    assert release.rows("--bundle", release.folder / "second", policy=policy)[0] == 0


# Signatures.


def test_tampered_bytes(release: Release) -> None:
    release.signed()
    path = release.bundles / "default.provenance.sigstore.json"
    good = path.read_bytes()

    def payload(data: Any) -> None:  # noqa: ANN401 - JSON is of any shape
        found = base64.b64decode(data["dsseEnvelope"]["payload"]).replace(b"attribute", b"Attribute")
        data["dsseEnvelope"]["payload"] = base64.b64encode(found).decode()

    def kind(data: Any) -> None:  # noqa: ANN401 - JSON is of any shape
        data["dsseEnvelope"]["payloadType"] = "application/vnd.in-toto+jsoN"

    def signature(data: Any) -> None:  # noqa: ANN401 - JSON is of any shape
        found = bytearray(base64.b64decode(data["dsseEnvelope"]["signatures"][0]["sig"]))
        found[5] ^= 1
        data["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(bytes(found)).decode()

    for change in (payload, kind, signature):
        path.write_bytes(good)
        alter(path, change)
        reason = "it names the key of release, which did not sign these bytes: they were altered"
        assert release.refused(15, reason) == "signature in default.provenance.sigstore.json"
        assert release.refused(15, reason, bundles=path) == "signature in default.provenance.sigstore.json"


def test_every_single_byte_of_a_bundle_matters_or_changes_nothing_that_is_read(release: Release) -> None:
    release.predicates = {"sbom": {"bomFormat": "CycloneDX", "components": []}}
    release.signed()
    path = release.bundles / "default.sbom.sigstore.json"
    policy = release.policy(statements='[statements]\nrequired = ["sbom"]\n', provenance="", builder="")
    good = path.read_bytes()
    assert release.rows(bundles=path, policy=policy)[0] == 0
    accepted = []
    for place in range(0, len(good), 3):
        path.write_bytes(good[:place] + bytes([good[place] ^ 2]) + good[place + 1 :])
        if release.rows(bundles=path, policy=policy)[0] == 0:
            accepted.append(place)
    # Hints prove nothing: one that was changed is no reason to refuse.
    text = good.decode()
    harmless = [
        range(text.index('"publicKey"') - 1, text.index('"tlogEntries"')),
        range(text.index('"tlogEntries"'), len(text)),
    ]
    assert all(any(place in part for part in harmless) for place in accepted), [
        good[place - 20 : place + 5] for place in accepted
    ]


def test_unsigned_evidence(release: Release) -> None:
    release.signed()
    place = release.statements()
    reason = "provenance.json is not signed, so anybody could have written it"
    release.refused(17, reason, "--bundle", place / "default/provenance.json")
    path = release.bundles / "default.sbom.dsse.json"
    alter(path, lambda data: data.update(signatures=[]))
    release.refused(17, "the envelope has no signature")


def test_evidence_of_a_foreign_key(release: Release) -> None:
    foreign = make_key(release.folder / "keys", "foreign")
    release.signed(key=foreign)
    code, rows = release.rows()
    assert code == 20
    assert {row["verdict"] for row in rows} >= {"wrong-identity", "missing-signature", "missing-statement"}
    assert any(row["reason"].startswith("none of the accepted keys made it; it names the key ") for row in rows)


def test_an_extra_signature_beside_an_accepted_one(release: Release) -> None:
    foreign = make_key(release.folder / "keys", "foreign")
    release.signed()
    release.signed(key=foreign, output=release.folder / "foreign", statements=release.folder / "statements")
    extra = json.loads((release.folder / "foreign/default.sbom.dsse.json").read_text())["signatures"]
    alter(release.bundles / "default.sbom.dsse.json", lambda data: data["signatures"].extend(extra))
    code, rows = release.rows()
    assert code == 18
    assert [row["what"] for row in rows if row["verdict"] == "extra-signature"] == [
        "signature in default.sbom.dsse.json"
    ]


def test_two_envelopes_of_which_one_is_valid(release: Release) -> None:
    second = make_key(release.folder / "keys", "second")
    policy = release.policy(
        signer=f'{SIGNS_ALL}name = "release"\nkey-file = "keys/release.pub"\n{SIGNS_ALL}name = "second"\nkey-file = "keys/second.pub"\n',
        signatures="[signatures]\nthreshold = 2\n",
    )
    release.signed().signed(key=second, output=release.folder / "second", statements=release.folder / "statements")

    def spoil(data: Any) -> None:  # noqa: ANN401 - JSON is of any shape
        data["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()

    alter(release.folder / "second/default.sbom.dsse.json", spoil)
    (release.folder / "second/default.sbom.sigstore.json").unlink()
    code, rows = release.rows("--bundle", release.folder / "second", policy=policy)
    assert code == 15
    assert {row["verdict"] for row in rows} >= {"tampered", "missing-signature", "missing-statement"}


def test_revoked_key(release: Release) -> None:
    release.signed()
    signer = (
        f'{SIGNS_ALL}name = "release"\nkey-file = "keys/release.pub"\nrevoked = "2026-05-01: the laptop was stolen"\n'
    )
    make_key(release.folder / "keys", "next")
    follower = f'{SIGNS_ALL}name = "next"\nkey-file = "keys/next.pub"\n'
    policy = release.policy(signer=signer + follower)
    code, rows = release.rows(policy=policy)
    assert code == 19
    assert any(row["reason"] == "by release, which is revoked: 2026-05-01: the laptop was stolen" for row in rows)
    assert {row["verdict"] for row in rows} >= {"revoked", "missing-signature", "missing-statement"}
    assert not any(row["what"].startswith("provenance") for row in rows)


@pytest.mark.parametrize(
    ("validity", "reason"),
    [
        ("not-after = 2020-01-01T00:00:00Z", "by release, which was valid until 2020-01-01T00:00:00+00:00"),
        ("not-before = 2999-01-01T00:00:00+01:00", "by release, which is valid from 2998-12-31T23:00:00+00:00 on"),
    ],
)
def test_signer_outside_of_its_validity(release: Release, validity: str, reason: str) -> None:
    release.signed()
    code, rows = release.rows(
        policy=release.policy(signer=f'{SIGNS_ALL}name = "release"\nkey-file = "keys/release.pub"\n{validity}\n')
    )
    assert code == 21
    assert reason in [row["reason"] for row in rows if row["verdict"] == "expired"]


# Subjects, and replay.


def test_artifact_with_one_changed_byte(release: Release) -> None:
    release.signed()
    release.artifact.write_bytes(b"the Application")
    code, rows = release.rows()
    assert code == 23
    assert [row["verdict"] for row in rows if row["what"].startswith("subject")] == ["note"] * 3
    assert "the policy requires provenance, and what there is is about other artifacts" in [
        row["reason"] for row in rows
    ]


def test_statement_for_another_subject_is_refused_when_it_is_named(release: Release) -> None:
    other = release.folder / "other-2.0.tar.gz"
    other.write_bytes(b"another application")
    release.signed()
    release.signed(statements=release.statements(subject=other, folder="others"), output=release.folder / "foreign")
    sha256 = hashlib.sha256(b"another application").hexdigest()
    bundle = release.folder / "foreign/default.provenance.sigstore.json"
    reason = f"it is about other-2.0.tar.gz with the sha256 {sha256}"
    release.refused(23, reason, "--bundle", bundle)
    # In a folder it counts for nothing, beside what there is about this artifact.
    folder = release.folder / "mixed"
    shutil.copytree(release.bundles, folder)
    shutil.copy(bundle, folder / "another.sigstore.json")
    assert release.rows(bundles=folder)[0] == 0


def test_replayed_bundle_and_replayed_release(release: Release) -> None:
    repository = release.folder / "checkout"
    repository.mkdir()
    git(repository, "init", "-q")
    revisions = []
    for number in range(2):
        (repository / "a").write_text(str(number))
        git(repository, "add", "a")
        git(repository, "commit", "-qm", str(number))
        revisions.append(git(repository, "rev-parse", "HEAD"))
    old, new = revisions
    release.predicates["provenance"] = provenance(revision=old)
    release.signed()
    # The old bundles do not fit a new artifact.
    newer = release.folder / "demo-2.0.tar.gz"
    newer.write_bytes(b"the next application")
    assert release.rows(artifact=newer)[0] == 23
    # Artifact and bundles of the old release together fit, unless the policy has a minimum.
    section = release.policy().read_text().split("[provenance]")[1].split("[[builder]]")[0]
    policy = release.policy(provenance=f'[provenance]{section}minimum-revision = "{new}"\n')
    reason = f"the revision {old} does not follow {new}, the oldest that the policy allows"
    release.refused(27, reason, "--source-repository", repository, policy=policy)
    reason = "the policy has a minimum, and no --source-repository FOLDER was given in which history could be looked up"
    release.refused(12, reason, policy=policy)
    policy = release.policy(provenance=f'[provenance]{section}minimum-revision = "{old}"\n')
    code, rows = release.rows("--source-repository", repository, policy=policy)
    assert code == 0
    assert not any("replay" in row["what"] for row in rows)
    policy = release.policy(provenance=f"[provenance]{section}minimum-date = 2999-01-01T00:00:00Z\n")
    assert release.rows("--source-repository", repository, policy=policy)[0] == 27
    policy = release.policy(provenance=f'[provenance]{section}revisions = ["{new}"]\n')
    release.refused(27, f"the revision {old} is not among those that the policy lists", policy=policy)
    # History that a checkout only pretends.
    git(repository, "replace", new, old)
    policy = release.policy(provenance=f'[provenance]{section}minimum-revision = "{new}"\n')
    assert release.rows("--source-repository", repository, policy=policy)[0] == 27


# Things that are missing, empty, of the wrong type, or too many.


def test_evidence_that_is_no_evidence(release: Release) -> None:
    release.signed()
    path = release.bundles / "default.sbom.sigstore.json"
    bundle = json.loads(path.read_text())
    envelope = bundle["dsseEnvelope"]
    name = path.name
    mixed = "-+-_" + envelope["payload"]
    cases: dict[str, Any] = {
        "": f"{name} is empty",
        "[]": f"{name}: neither an envelope nor a bundle, since it is no object",
        "{}": f"{name}: neither an envelope (payload, payloadType, signatures) nor a bundle (mediaType, verificationMaterial)",
        '{"payload": "", "payload": ""}': f"{name}: the name 'payload' stands twice in one object, which readers understand differently",
        '{"payload": NaN}': f"{name}: NaN is no JSON number",
        json.dumps({**bundle, "mediaType": "x"}): None,
        json.dumps(
            {**bundle, "messageSignature": {}}
        ): f"{name}: the bundle has to have one of dsseEnvelope and messageSignature, and has ['dsseEnvelope', 'messageSignature']",
        json.dumps(
            {**bundle, "verificationMaterial": {}}
        ): f"{name}: bundle.verificationMaterial has to have one of publicKey, certificate and x509CertificateChain, and has []",
        json.dumps(
            {**bundle, "dsseEnvelope": {**envelope, "signatures": {}}}
        ): f"{name}: bundle.dsseEnvelope.signatures is no list",
        json.dumps(
            {**bundle, "dsseEnvelope": {**envelope, "signatures": [1]}}
        ): f"{name}: bundle.dsseEnvelope.signatures[0] is no object",
        json.dumps(
            {**bundle, "dsseEnvelope": {**envelope, "payload": 1}}
        ): f"{name}: bundle.dsseEnvelope.payload is no text",
        json.dumps(
            {**bundle, "dsseEnvelope": {**envelope, "payload": "YR=="}}
        ): f"{name}: bundle.dsseEnvelope.payload is no canonical base64: another text would have the same bytes",
        json.dumps(
            {**bundle, "dsseEnvelope": {**envelope, "payload": mixed}}
        ): f"{name}: bundle.dsseEnvelope.payload is no base64: it mixes the standard alphabet (+ and /) and the one for URLs (- and _)",
        json.dumps(
            {**bundle, "dsseEnvelope": {**envelope, "payloadType": "\u00e4"}}
        ): f"{name}: bundle.dsseEnvelope.payloadType is no ASCII text",
        json.dumps(
            {"future": "\ud800"}
        ): f"{name}: \\ud800 is half of a character, which readers understand differently",
        "[" * 100: f"{name}: nested more than 32 levels deep",
    }
    for text, reason in cases.items():
        path.write_text(text)
        if reason is None:
            assert release.rows()[0] == 14
        else:
            release.refused(14, reason)
    path.write_bytes(b"\xff{}")
    release.refused(14, f"{name}: byte 0 is no UTF-8")


def for_urls(text: str) -> str:
    """Return a base64 text in the alphabet for URLs."""
    return base64.urlsafe_b64encode(base64.b64decode(text, validate=True)).decode()


@pytest.mark.parametrize("place", ["default.sbom.dsse.json", "default.sbom.sigstore.json"])
def test_both_alphabets_of_base64(release: Release, place: str) -> None:
    """DSSE (protocol.md): either standard or URL-safe encoding is allowed; here each text in one of them, padded."""
    path = release.bundles / place
    # The alphabets differ in two letters, which these characters, and most signatures, have.
    release.predicates["sbom"]["components"][0]["author"] = "?>" * 9
    for number in range(50):
        release.predicates["sbom"]["version"] = number + 1
        release.signed()
        data = json.loads(path.read_text())
        envelope = data.get("dsseEnvelope", data)
        (signature,) = envelope["signatures"]
        if sum(map(signature["sig"].count, "+/")) > 1:
            break
    good = for_urls(signature["sig"])
    assert sum(map(good.count, "-_")) > 1
    assert {"+", "/"} & set(envelope["payload"])
    envelope["payload"] = for_urls(envelope["payload"])
    where = f"{place}: {'bundle.dsseEnvelope' if 'dsseEnvelope' in data else 'envelope'}.signatures[0].sig is no"
    for text, reason in (
        (good, None),
        (good.rstrip("="), f"{where} base64: Incorrect padding"),
        (f"{good[:-3]}{chr(ord(good[-3]) + 1)}==", f"{where} canonical base64: another text would have the same bytes"),
        (f"+{good[1:]}", f"{where} base64: it mixes the standard alphabet (+ and /) and the one for URLs (- and _)"),
    ):
        signature["sig"] = text
        path.write_text(json.dumps(data))
        if reason is None:
            assert release.rows()[0] == 0
        else:
            release.refused(14, reason)


def test_a_library_that_knows_one_alphabet_is_given_that_one(release: Release) -> None:
    release.signed()
    bundle = json.loads((release.bundles / "default.sbom.sigstore.json").read_text())
    bundle["verificationMaterial"] = {"certificate": {"rawBytes": ""}}
    standard = json.dumps(bundle).encode()
    assert envelope.read(standard, "bundle").raw == standard
    content = bundle["dsseEnvelope"]
    content["signatures"][0]["sig"] = for_urls(base64.b64encode(b"\xfb\xff" * 32).decode())
    found = json.loads(envelope.read(json.dumps(bundle).encode(), "bundle").raw)
    assert found["dsseEnvelope"]["signatures"][0]["sig"] == base64.b64encode(b"\xfb\xff" * 32).decode()
    assert found["dsseEnvelope"]["payload"] == content["payload"]
    message = {"signature": "-_-_"}
    bundle = {name: bundle[name] for name in ("mediaType", "verificationMaterial")} | {"messageSignature": message}
    assert (
        json.loads(envelope.read(json.dumps(bundle).encode(), "bundle").raw)["messageSignature"]["signature"] == "+/+/"
    )


def test_folders_of_evidence(release: Release) -> None:
    release.signed()
    (release.bundles / "notes.txt").write_text("")
    release.refused(14, "notes.txt is no evidence; a folder of evidence holds nothing but *.json files")
    empty = release.folder / "empty"
    empty.mkdir()
    release.refused(17, "the folder is empty", bundles=empty)
    gone = release.folder / "gone.json"
    release.refused(12, f"{gone} can't be read: No such file or directory", bundles=gone)
    (release.bundles / "notes.txt").unlink()
    outcome = release.run("verify", "--policy", str(release.policy()), str(release.artifact))
    assert outcome.code == 17
    assert "no evidence was given (--bundle FILE or FOLDER) and none is attached to the artifact" in words(outcome)


def test_artifact_that_is_missing(release: Release) -> None:
    release.signed()
    gone = release.folder / "gone"
    reason = f"{gone} is neither a file or folder here nor an image (oci:FOLDER@sha256:... or REGISTRY/NAME@sha256:...)"
    release.refused(12, reason, artifact=gone)
    (release.folder / "link").symlink_to("nowhere")
    assert release.rows(artifact=release.folder / "link")[0] == 12


def test_an_error_that_nobody_foresaw_is_a_refusal(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    release.signed()

    def fail(*_: object, **__: object) -> None:
        message = "a fault"
        raise RuntimeError(message)

    monkeypatch.setattr(artifact, "_file_sha256", fail)
    release.refused(10, "RuntimeError: a fault")


def test_control_characters_of_strangers_are_not_printed(release: Release) -> None:
    release.predicates["provenance"] = provenance(flake="\x1b[2Jgit+https://evil.example")
    release.signed()
    outcome = release.verify()
    assert outcome.code == 27
    assert "\x1b" not in outcome.out


# The summary.


def test_summary_is_signed_or_marked(release: Release) -> None:
    release.signed()
    path = release.folder / "summary.json"
    assert release.verify("--vsa", path).code == 0
    unsigned = json.loads(path.read_text())
    assert list(unsigned) == ["UNSIGNED", "statement"]
    predicate = unsigned["statement"]["predicate"]
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("PASSED", ["SLSA_BUILD_LEVEL_1"])
    assert len(predicate["inputAttestations"]) == 3
    # We never accept it ourselves, even where the policy would take such a statement.
    signer = '[[signer]]\nname = "release"\nkey-file = "keys/release.pub"\nstatements = ["vsa"]\n'
    sections = {
        "signer": signer,
        "statements": '[statements]\nrequired = ["vsa"]\n',
        "provenance": f'[vsa]\nverifier = "{predicate["verifier"]["id"]}"\nresource = "{predicate["resourceUri"]}"\nminimum-level = 1\n',
        "builder": "",
    }
    policy = release.policy(**sections)
    release.refused(17, "summary.json is not signed, so anybody could have written it", bundles=path, policy=policy)
    assert release.verify("--vsa", path, "--vsa-key", release.key).code == 0
    assert release.rows(bundles=path, policy=release.policy(**sections))[0] == 0


def test_summary_that_can_not_be_written(release: Release) -> None:
    release.signed()
    path = release.folder / "nowhere/summary.json"
    words = f"{path} cannot be written: No such file or directory.\nThe former one, if any, is unchanged."
    release.refused(12, words, "--vsa", path)


def test_no_summary_of_what_was_refused(release: Release) -> None:
    release.signed()
    release.artifact.write_bytes(b"altered")
    path = release.folder / "summary.json"
    assert release.verify("--vsa", path).code == 23
    assert not path.exists()
