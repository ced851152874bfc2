"""`cloche verify`: what is accepted, and each way of being refused, with nothing changed."""

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloche import artifact
from cloche.image.descriptor import Descriptor
from cloche.image.layout import Layout
from conftest import Outcome
from trust import IN_TOTO, PREDICATES, REVISION, Release, git, make_key, outcome_of_tests, provenance, sbom


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
        "signer": '[[signer]]\nname = "release"\nkey-file = "keys/release.pub"\n[[signer]]\nname = "second"\nkey-file = "keys/second.pub"\n',
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
        signer='[[signer]]\nname = "release"\nkey-file = "keys/release.pub"\n[[signer]]\nname = "second"\nkey-file = "keys/second.pub"\n',
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
        '[[signer]]\nname = "release"\nkey-file = "keys/release.pub"\nrevoked = "2026-05-01: the laptop was stolen"\n'
    )
    make_key(release.folder / "keys", "next")
    follower = '[[signer]]\nname = "next"\nkey-file = "keys/next.pub"\n'
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
        policy=release.policy(signer=f'[[signer]]\nname = "release"\nkey-file = "keys/release.pub"\n{validity}\n')
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


# What statements say.


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        (
            {"flake": "git+https://evil.example/demo"},
            27,
            "the source is git+https://evil.example/demo, and the policy accepts git+https://code.example/lab/demo",
        ),
        ({"attribute": "wheel"}, 27, "the attribute is wheel, and the policy accepts default"),
        (
            {"flags": "--impure"},
            24,
            "there is an unknown external parameter 'flags'; known are attribute, flake, revision",
        ),
        (
            {"flake": None},
            27,
            "the external parameter flake is None, so it can't be said what was built; cloche.provenance.source and a commit say it",
        ),
        (
            {"flake": ["a"]},
            27,
            "the external parameter flake is ['a'], so it can't be said what was built; cloche.provenance.source and a commit say it",
        ),
    ],
)
def test_provenance_of_another_origin(release: Release, change: dict[str, Any], code: int, reason: str) -> None:
    release.predicates["provenance"] = provenance(**change)
    release.signed()
    release.refused(code, reason)


def test_provenance_of_another_kind(release: Release) -> None:
    def changed(change: Callable[[Any], None]) -> None:
        release.predicates["provenance"] = provenance()
        change(release.predicates["provenance"])
        release.signed_anyway()

    changed(lambda data: data["buildDefinition"].update(buildType="https://evil.example/v1"))
    release.refused(
        24,
        "the build type is 'https://evil.example/v1', and the policy accepts https://cloche.example/build-types/nix-flake/v1",
    )
    changed(lambda data: data["runDetails"]["builder"].update(id="https://evil.example/builder"))
    local = "https://cloche.example/builders/unattested-local/v1"
    release.refused(26, f"the builder is 'https://evil.example/builder', and the policy accepts {local}")
    changed(lambda data: data["buildDefinition"].update(resolvedDependencies=[]))
    release.refused(27, "resolvedDependencies has 0 entries for the source, where one belongs")
    changed(lambda data: data["buildDefinition"]["resolvedDependencies"][0]["digest"].update(gitCommit="f" * 40))
    release.refused(
        27,
        f"the external parameters name the revision {provenance()['buildDefinition']['externalParameters']['revision']}, and resolvedDependencies names {'f' * 40}",
    )
    for path in (None, "buildDefinition", "runDetails"):
        release.predicates["provenance"] = {} if path is None else {**provenance(), path: []}
        release.signed_anyway()
        assert release.rows()[0] in {24, 26}


def test_level_that_is_not_reached(release: Release) -> None:
    release.signed_anyway()
    section = release.policy().read_text().split("[provenance]")[1].split("[[builder]]")[0]
    policy = release.policy(provenance=f"[provenance]{section}minimum-level = 2\n")
    local = "https://cloche.example/builders/unattested-local/v1"
    release.refused(26, f"the builder {local} reaches SLSA build level 1, and the policy demands 2", policy=policy)


def test_builder_that_this_signer_may_not_speak_for(release: Release) -> None:
    release.signed_anyway()
    make_key(release.folder / "keys", "other")
    signers = '[[signer]]\nname = "release"\nkey-file = "keys/release.pub"\n[[signer]]\nname = "other"\nkey-file = "keys/other.pub"\n'
    local = "https://cloche.example/builders/unattested-local/v1"
    policy = release.policy(signer=signers, builder=f'[[builder]]\nid = "{local}"\nsigners = ["other"]\nlevel = 1\n')
    release.refused(26, f"the policy does not accept the word of release about the builder {local}", policy=policy)


@pytest.mark.parametrize(
    ("change", "tests", "reason"),
    [
        (
            {"result": "FAILED", "failedTests": ["t::a"]},
            "",
            "the result is 'FAILED' with 1 failed tests, where PASSED is accepted: t::a",
        ),
        ({"failedTests": ["t::a"]}, "", "the result is 'PASSED' with 1 failed tests, where PASSED is accepted: t::a"),
        ({"result": "WARNED"}, "", "the result is 'WARNED' with 0 failed tests, where PASSED is accepted"),
        ({"result": None}, "", "the result is None with 0 failed tests, where PASSED is accepted"),
        ({"passedTests": []}, "", "no test is among those that passed, so nothing was shown"),
        ({"passedTests": {}}, "", None),
        ({}, '[tests]\nrequired = ["t::needed"]\n', "the required test t::needed is not among those that passed"),
        (
            {"passedTests": ["tests.test_a.TestB::test_c"]},
            '[tests]\nrequired = ["tests/test_a.py::TestB::test_c"]\n',
            "the required test tests/test_a.py::TestB::test_c is not among those that passed; the statement has tests.test_a.TestB::test_c",
        ),
    ],
)
def test_tests_that_did_not_pass(release: Release, change: dict[str, Any], tests: str, reason: str | None) -> None:
    release.predicates["test-result"] = outcome_of_tests(**change)
    release.signed()
    if reason is None:
        assert release.rows()[0] == 14
    else:
        release.refused(28, reason, policy=release.policy(tests))


def test_warned_tests_are_accepted_where_the_policy_says_so(release: Release) -> None:
    release.predicates["test-result"] = outcome_of_tests(result="WARNED")
    release.signed()
    assert release.rows(policy=release.policy("[tests]\nallow-warned = true\n"))[0] == 0


def test_statement_that_is_missing_or_unknown(release: Release) -> None:
    release.predicates["https://evil.example/predicate"] = release.predicates.pop("sbom")
    place = release.statements()
    release.signed(statements=place)
    code, rows = release.rows()
    assert code == 24
    reasons = [row["reason"] for row in rows]
    assert "the policy does not know statements of the type https://evil.example/predicate" in reasons
    assert "the policy requires sbom, and no accepted statement about this artifact is one" in reasons


# The SBOM.


def test_sbom_file(release: Release) -> None:
    release.signed()
    path = release.folder / "sbom.cdx.json"
    path.write_text(json.dumps(sbom(), indent=2, sort_keys=True) + "\n")
    code, rows = release.rows("--sbom", path)
    assert (code, rows[-2]["reason"]) == (0, "is the signed one, with 60 components")

    stripped = sbom()
    del stripped["components"][7]
    path.write_text(json.dumps(stripped, indent=2, sort_keys=True) + "\n")
    release.refused(15, "it is not the signed one: it lacks package-7 1.0", "--sbom", path)

    other = sbom()
    other["components"][7]["hashes"][0]["content"] = "f" * 64
    path.write_text(json.dumps(other, indent=2, sort_keys=True) + "\n")
    reason = "it is not the signed one: it has the same components, and says something else about them"
    release.refused(15, reason, "--sbom", path)

    path.write_text(json.dumps(sbom(), indent=2, sort_keys=True) + " \n")
    release.refused(15, "it says the same as the signed one in other bytes", "--sbom", path)
    path.write_text("")
    assert release.rows("--sbom", path)[0] == 14
    path.unlink()
    release.refused(12, f"{path} can't be read: No such file or directory", "--sbom", path)


def test_sbom_that_is_none(release: Release) -> None:
    for document, reason in (
        ({"components": []}, "it is no CycloneDX document with a list of components"),
        ({"bomFormat": "CycloneDX"}, "it is no CycloneDX document with a list of components"),
        ({"bomFormat": "CycloneDX", "components": [{}]}, "one of its components has no name"),
    ):
        release.predicates["sbom"] = document
        release.signed()
        release.refused(14, reason)


def test_licences(release: Release) -> None:
    release.predicates["sbom"]["components"][3]["licenses"] = [{"license": {"id": "AGPL-3.0-only"}}]
    release.predicates["sbom"]["components"][5]["licenses"] = [{"expression": "MIT AND GPL-2.0-only"}]
    release.predicates["sbom"]["components"][6]["licenses"] = [{"expression": "MIT OR GPL-2.0-only"}]
    release.signed()
    denied = '[licenses]\ndenied = ["AGPL-3.0-only", "GPL-2.0-only"]\n'
    reason = "package-3 1.0 has AGPL-3.0-only, which is denied; package-5 1.0 has GPL-2.0-only, which is denied"
    release.refused(30, reason, policy=release.policy(denied))
    release.predicates["sbom"] = sbom(2)
    del release.predicates["sbom"]["components"][0]["licenses"]
    release.predicates["sbom"]["components"][1]["licenses"] = [{"license": {"name": "Ours"}}]
    release.signed()
    reason = "package-0 1.0 states none; package-1 1.0 has Ours, which is not known"
    release.refused(30, reason, policy=release.policy(denied))
    code, rows = release.rows(policy=release.policy(denied + 'unknown = "report"\n'))
    assert code == 0
    assert f"2 components have no known licence: {reason}" in [
        row["reason"] for row in rows if row["verdict"] == "note"
    ]
    release.predicates["sbom"] = {"bomFormat": "CycloneDX", "components": []}
    release.signed()
    release.refused(
        14,
        "sbom in default.sbom lists no component, so there is nothing to audit",
        policy=release.policy(denied),
    )


def advisory(folder: Path, number: str, *, score: str | None) -> None:
    """Write an advisory about package-1, of a severity or of an unknown one."""
    vectors = {
        "high": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
        "low": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N",
    }
    record = {
        "id": number,
        "modified": datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z"),
        "summary": "a fault",
        "severity": [{"type": "CVSS_V3", "score": vectors[score]}] if score else [],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "package-1"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
            }
        ],
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{number}.json").write_text(json.dumps(record))


def test_vulnerabilities(release: Release) -> None:
    release.signed()
    ceiling = '[vulnerabilities]\nceiling = "low"\n'
    feed = release.folder / "feed"
    advisory(feed, "X-1", score="low")
    code, rows = release.rows("--advisories", feed, policy=release.policy(ceiling))
    assert code == 0
    assert rows[-2]["reason"].startswith("none above low in 60 components, by 1 advisories, the newest of ")
    advisory(feed, "X-2", score="high")
    reason = "package-1 1.0: X-2: severity high, above low"
    release.refused(29, reason, "--advisories", feed, policy=release.policy(ceiling))
    advisory(feed, "X-2", score=None)
    reason = "package-1 1.0: X-2: severity unknown (counted as above any ceiling), above low"
    release.refused(29, reason, "--advisories", feed, policy=release.policy(ceiling))
    ignore = '[[ignore]]\nid = "X-2"\nreason = "not reachable"\nexpires = 2999-01-01\n'
    code, rows = release.rows("--advisories", feed, policy=release.policy(ceiling + ignore))
    assert code == 0
    assert "package-1 1.0: X-2 is ignored until 2999-01-01: not reachable" in [
        row["reason"] for row in rows if row["verdict"] == "note"
    ]
    # Things that are missing: the folder, records in it, a feed for what the SBOM lists.
    reason = "the policy has a ceiling for vulnerabilities, and no --advisories FOLDER was given"
    release.refused(12, reason, policy=release.policy(ceiling))
    release.refused(
        12,
        f"there is no folder {release.folder / 'gone'}",
        "--advisories",
        release.folder / "gone",
        policy=release.policy(ceiling),
    )
    empty = release.folder / "empty"
    empty.mkdir()
    assert release.rows("--advisories", empty, policy=release.policy(ceiling))[0] == 14
    reason = "--advisories was given, and the policy has no [vulnerabilities] to judge by"
    release.refused(11, reason, "--advisories", feed)
    release.predicates["sbom"]["components"][7]["purl"] = "pkg:deb/debian/libc6@2.36"
    release.signed()
    (feed / "X-2.json").unlink()
    release.refused(29, "1 components could not be audited", "--advisories", feed, policy=release.policy(ceiling))
    code, rows = release.rows("--advisories", feed, policy=release.policy(f'{ceiling}not-audited = "report"\n'))
    assert code == 0
    reason = "1 components were not audited: no ecosystem is known for pkg:deb/debian/libc6@2.36"
    assert reason in [row["reason"] for row in rows if row["verdict"] == "note"]


# Things that are missing, empty, of the wrong type, or too many.


def test_evidence_that_is_no_evidence(release: Release) -> None:
    release.signed()
    path = release.bundles / "default.sbom.sigstore.json"
    bundle = json.loads(path.read_text())
    envelope = bundle["dsseEnvelope"]
    name = path.name
    urlsafe = "-_-_" + envelope["payload"]
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
        json.dumps({**bundle, "dsseEnvelope": {**envelope, "payload": urlsafe}}): None,
        json.dumps(
            {**bundle, "dsseEnvelope": {**envelope, "payloadType": "\ud800"}}
        ): f"{name}: bundle.dsseEnvelope.payloadType is no ASCII text",
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


# Images.


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


def test_image_in_a_layout(release: Release) -> None:
    folder = release.folder / "image"
    digest = layout(folder)
    reference = f"oci:{folder}@{digest}"
    release.signed(statements=release.statements(subject=reference))  # type: ignore[arg-type]
    code, rows = release.rows(artifact=reference)
    assert code == 0
    assert "image of 10 layers, each compared with its digest" in rows[0]["reason"]

    layer = folder / "blobs/sha256" / hashlib.sha256(b"layer 4").hexdigest()
    layer.write_bytes(b"layer 5")
    words = f"{folder} gave other bytes for sha256:{{}}: they have sha256:{{}}. They were changed; nothing was used"
    reason = words.format(layer.name, hashlib.sha256(b"layer 5").hexdigest())
    release.refused(15, reason, artifact=reference)
    layer.unlink()
    release.refused(12, f"{layer} is missing, which the manifest names", artifact=reference)


def test_image_whose_manifest_names_another_layer(release: Release) -> None:
    folder = release.folder / "image"
    digest = layout(folder)
    release.signed(statements=release.statements(subject=f"oci:{folder}@{digest}"))  # type: ignore[arg-type]
    manifest = folder / "blobs/sha256" / digest.removeprefix("sha256:")
    data = json.loads(manifest.read_text())
    data["layers"][4] = data["layers"][5]
    manifest.write_text(json.dumps(data))
    true = hashlib.sha256(manifest.read_bytes()).hexdigest()
    reason = f"{folder} gave other bytes for {digest}: they have sha256:{true}. They were changed; nothing was used"
    release.refused(15, reason, artifact=f"oci:{folder}@{digest}")
    # Under its true digest it is another image, about which nobody said anything.
    manifest.rename(manifest.with_name(true))
    assert release.rows(artifact=f"oci:{folder}@sha256:{true}")[0] == 23


@pytest.mark.parametrize(
    "reference",
    [
        "registry.example/demo:1.0",
        "localhost:5000/demo:latest",
        "oci:image",
        "oci:image@latest",
        "oci:",
        "oci:image@sha256:abc",
    ],
)
def test_mutable_reference(release: Release, reference: str) -> None:
    release.signed()
    assert release.rows(artifact=reference)[0] == 13


def test_evidence_that_is_attached_to_an_image(release: Release) -> None:
    folder = release.folder / "image"
    digest = layout(folder)
    reference = f"oci:{folder}@{digest}"
    release.signed(statements=release.statements(subject=reference))  # type: ignore[arg-type]
    shelf = Layout(folder)
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    manifest = folder / "blobs/sha256" / digest.removeprefix("sha256:")
    subject = Descriptor("application/vnd.oci.image.manifest.v1+json", digest, manifest.stat().st_size)
    for path in sorted(release.bundles.glob("*.sigstore.json")):
        shelf.attach(subject, kind, path.read_bytes(), kind)
    words = ("verify", "--json", "--policy", str(release.policy()), reference)
    outcome = release.run(*words)
    assert outcome.code == 0, outcome.out
    assert outcome.out.count('"what": "signature in attached ') == 3
    # Evidence is what was signed, and not what was attached: a foreign bundle beside it is refused.
    shelf.attach(subject, kind, b'{"mediaType": "x"}', kind)
    assert release.run(*words).code == 14


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
    kind = "https://slsa.dev/verification_summary/v1"
    policy = release.policy(statements=f'[statements]\nrequired = ["{kind}"]\n', provenance="", builder="")
    release.refused(17, "summary.json is not signed, so anybody could have written it", bundles=path, policy=policy)
    assert release.verify("--vsa", path, "--vsa-key", release.key).code == 0
    policy = release.policy(statements=f'[statements]\nrequired = ["{kind}"]\n', provenance="", builder="")
    assert release.rows(bundles=path, policy=policy)[0] == 0


def test_summary_that_can_not_be_written(release: Release) -> None:
    release.signed()
    path = release.folder / "nowhere/summary.json"
    release.refused(12, f"{path} can't be written: No such file or directory", "--vsa", path)


def test_no_summary_of_what_was_refused(release: Release) -> None:
    release.signed()
    release.artifact.write_bytes(b"altered")
    path = release.folder / "summary.json"
    assert release.verify("--vsa", path).code == 23
    assert not path.exists()


# What an attack on the gate found.


def one_test_result(release: Release, **subject: Any) -> Path:  # noqa: ANN401 - JSON is of any shape
    """Sign one statement about a subject that names the artifact's digest, and return the policy that asks for it."""
    digest = {"sha256": hashlib.sha256(release.artifact.read_bytes()).hexdigest()}
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


@pytest.mark.parametrize("media_type", ["application/x-nix-nar", "application/vnd.oci.image.manifest.v1+json"])
def test_file_with_the_bytes_of_a_nar_or_manifest_is_no_folder_or_image(release: Release, media_type: str) -> None:
    assert release.rows(policy=one_test_result(release))[0] == 0
    policy = one_test_result(release, mediaType=media_type)
    release.refused(23, "the policy requires test-result, and what there is is about other artifacts", policy=policy)
    sha256 = hashlib.sha256(release.artifact.read_bytes()).hexdigest()
    reason = f"it is about demo with the sha256 {sha256} of the type {media_type}"
    release.refused(23, reason, policy=policy, bundles=release.bundles / "one.dsse.json")


def test_file_here_does_not_stand_for_an_image_in_a_registry(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = one_test_result(release)
    monkeypatch.chdir(release.folder)
    for name, code in (("127.0.0.1:9/lab/demo@sha256:" + "0" * 64, 12), ("registry.example/lab/demo:1.0", 13)):
        file = release.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(release.artifact, file)
        assert release.rows("--insecure-registry", policy=policy, artifact=name)[0] == code
        assert release.rows(policy=policy, artifact=f"./{name}")[0] == 0


def test_link_to_itself(release: Release) -> None:
    release.signed()
    link = release.folder / "loop"
    link.symlink_to(link)
    release.refused(12, f"{link} is a link that leads to itself", artifact=link)


def test_revision_that_would_choose_another_flake(release: Release) -> None:
    revision = REVISION + "&dir=other"
    release.predicates["provenance"] = provenance(revision=revision)
    release.signed()
    release.refused(27, f"{revision!r} is no revision")


def test_passed_with_warnings_is_no_pass(release: Release) -> None:
    release.predicates["test-result"]["warnedTests"] = ["tests/test_demo.py::test_three"]
    release.signed()
    release.refused(28, "the result is 'PASSED', and there are warnedTests all the same")
    assert release.rows(policy=release.policy("[tests]\nallow-warned = true\n"))[0] == 0


@pytest.mark.parametrize("value", [2**60, "\ud800"])
def test_sbom_that_has_no_canonical_text(release: Release, value: object) -> None:
    reason = "it has a number beyond 2**53 or half of a character, which readers understand differently"
    good = json.dumps(release.predicates["sbom"])
    release.predicates["sbom"]["future"] = value
    release.signed()
    licences = release.policy('[licenses]\ndenied = ["AGPL-3.0-only"]\n')
    file = release.folder / "sbom.json"
    file.write_text(json.dumps(release.predicates["sbom"]))
    assert release.refused(14, reason, "--sbom", file, policy=licences) == "sbom in default.sbom"
    release.predicates["sbom"] = json.loads(good)
    release.signed()
    assert release.refused(14, reason, "--sbom", file) == "SBOM file"


def test_number_that_is_read_as_infinity(release: Release) -> None:
    release.signed()
    path = release.bundles / "default.sbom.dsse.json"
    path.write_text(path.read_text().replace('{"payload"', '{"future": 1e999, "payload"'))
    release.refused(14, "default.sbom.dsse.json: the number 1e999 is too large")


def manifest(**changes: Any) -> bytes:  # noqa: ANN401 - JSON is of any shape
    """Return the manifest of an image with one empty layer."""
    layer = {"mediaType": "a/b", "digest": f"sha256:{hashlib.sha256(b'{}').hexdigest()}", "size": 2}
    return json.dumps({"schemaVersion": 2, "config": layer, "layers": [layer], **changes}).encode()


@pytest.mark.parametrize("changes", [{"manifests": []}, {"config": None}, {"layers": [5]}])
def test_manifest_that_is_none_or_two_things(release: Release, changes: dict[str, Any]) -> None:
    release.signed()
    for data, code in ((manifest(), 23), (manifest(**changes), 14)):
        blobs = release.folder / "layout/blobs/sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        (blobs.parents[1] / "oci-layout").write_text("{}")
        sha256 = hashlib.sha256(data).hexdigest()
        (blobs / sha256).write_bytes(data)
        (blobs / hashlib.sha256(b"{}").hexdigest()).write_bytes(b"{}")
        assert release.rows(artifact=f"oci:{release.folder}/layout@sha256:{sha256}")[0] == code


def test_summary_of_a_file_whose_name_is_no_utf8(release: Release) -> None:
    policy = one_test_result(release)
    file = release.folder / os.fsdecode(b"demo\xff")
    shutil.copy(release.artifact, file)
    path = release.folder / "summary.json"
    assert release.verify("--vsa", path, policy=policy, artifact=file).code == 0
    assert json.loads(path.read_text())["statement"]["subject"][0]["name"] == "demo?"


def test_summary_takes_the_place_of_an_older_one_at_once(release: Release) -> None:
    policy, path = one_test_result(release), release.folder / "summary.json"
    older = release.folder / "older"
    path.write_text("older")
    older.hardlink_to(path)
    assert (
        release.run(
            "verify",
            "--policy",
            str(policy),
            "--bundle",
            str(release.bundles),
            "--vsa",
            str(path),
            str(release.artifact),
        ).code
        == 0
    )
    assert older.read_text() == "older"
    assert path.stat().st_mode & 0o777 == 0o644


def test_checkout_whose_configuration_names_programs(release: Release) -> None:
    repository = release.folder / "checkout"
    repository.mkdir()
    git(repository, "init", "-q")
    git(repository, "commit", "-q", "--allow-empty", "-m", "one")
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    (repository / "commit").write_text(
        f"tree {tree}\nauthor a <a@b> 1750000000 +0000\ncommitter a <a@b> 1750000000 +0000\n"
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\ntwo\n"
    )
    revision = git(repository, "hash-object", "-t", "commit", "-w", "commit")
    program = release.folder / "program"
    program.write_text(f"#!/bin/sh\ntouch {release.folder}/started\n")
    program.chmod(0o755)
    git(repository, "config", "log.showSignature", "true")
    git(repository, "config", "gpg.program", str(program))
    # Control: this is how git itself takes it.
    git(repository, "show", "-s", revision)
    (release.folder / "started").unlink()
    release.predicates["provenance"] = provenance(revision=revision)
    release.signed()
    path = release.policy()
    path.write_text(path.read_text().replace("[provenance]\n", "[provenance]\nminimum-date = 2025-01-01T00:00:00Z\n"))
    assert release.rows("--source-repository", repository, policy=path)[0] == 0
    assert not (release.folder / "started").exists()
    release.refused(
        12, f"there is no folder {release.folder}/absent", "--source-repository", release.folder / "absent", policy=path
    )


def test_source_to_build_again_that_is_no_source(release: Release) -> None:
    release.signed()
    source = release.folder / "source"
    source.mkdir()
    os.mkfifo(source / "pipe")
    reason = f"{source}/pipe is a device, socket or pipe, which has no place in a store directory"
    release.refused(14, reason, "--rebuild", "--source", source)
    release.predicates["provenance"]["buildDefinition"]["resolvedDependencies"][0]["digest"]["sha256"] = "sha256-A"
    release.signed_anyway()
    reason = "the provenance has no digest of the source tree, so another one could be built"
    (source / "pipe").unlink()
    release.refused(27, reason, "--rebuild", "--source", source)
