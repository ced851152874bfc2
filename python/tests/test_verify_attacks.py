"""`cloche verify`: what attacks on the gate found."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloche.attest import dsse, keys
from cloche.attest.artifact import digest_of
from cloche.attest.key_options import KeySource
from cloche.sign import run as signing
from cloche.untrusted.limits import Limit
from cloche.verify import evidence
from conftest import Outcome
from trust import (
    REVISION,
    SIGNS_ALL,
    Release,
    git,
    layout,
    one_test_result,
    provenance,
)


@pytest.fixture
def release(tmp_path: Path, run: Callable[..., Outcome]) -> Release:
    return Release(tmp_path, run)


@pytest.mark.parametrize("media_type", ["application/x-nix-nar", "application/vnd.oci.image.manifest.v1+json"])
def test_file_with_the_bytes_of_a_nar_or_manifest_is_no_folder_or_image(release: Release, media_type: str) -> None:
    assert release.rows(policy=one_test_result(release))[0] == 0
    policy = one_test_result(release, mediaType=media_type)
    release.refused(23, "the policy requires test-result, and what there is is about other artifacts", policy=policy)
    sha256 = hashlib.sha256(release.artifact.read_bytes()).hexdigest()
    reason = f"it is about demo with the sha256 {sha256} of the type {media_type}"
    release.refused(23, reason, policy=policy, bundles=release.bundles / "one.dsse.json")


def test_subject_without_a_media_type_is_a_file_or_an_image_and_no_folder(release: Release) -> None:
    """The digest of a folder is that of its NAR, which nobody computes for a statement that does not say so."""
    folder = release.folder / "folder"
    folder.mkdir()
    (folder / "program").write_text("hello")
    dumped = digest_of(folder)
    release.artifact = folder
    sha256 = {"digest": {"sha256": dumped.sha256}}
    assert release.rows(policy=one_test_result(release, mediaType="application/x-nix-nar", **sha256))[0] == 0
    for more in ({}, {"mediaType": "application/vnd.oci.image.manifest.v1+json"}, {"mediaType": "application/gzip"}):
        policy = one_test_result(release, **sha256, **more)
        kind = f" of the type {more['mediaType']}" if more else " that says no media type, as a file's"
        reason = f"it is about demo with the sha256 {dumped.sha256}{kind}"
        release.refused(23, reason, policy=policy, bundles=release.bundles / "one.dsse.json")
    # An image is the bytes of its manifest: cosign writes no media type, and another one is refused.
    image = release.folder / "image"
    digest = layout(image)
    sha256 = {"digest": {"sha256": digest.removeprefix("sha256:")}}
    place = f"oci:{image}@{digest}"
    assert release.rows(policy=one_test_result(release, **sha256), artifact=place)[0] == 0
    for media_type in ("application/x-nix-nar", "application/gzip"):
        policy = one_test_result(release, **sha256, mediaType=media_type)
        assert release.rows(policy=policy, artifact=place)[0] == 23


@pytest.mark.parametrize("option", ["--policy", "--bundle", "--sbom", "key-file", "trust root"])
def test_pipes_and_devices_are_refused_and_not_waited_for(release: Release, option: str) -> None:
    release.signed()
    good, pipe = release.policy(), release.folder / "pipe"
    os.mkfifo(pipe)
    for path, kind in ((pipe, "a pipe"), (Path("/dev/zero"), "a device")):
        words = f"{path} can't be read: it is {kind}, and only regular files are read"
        if option == "--policy":
            release.refused(
                11, f"the policy {path}: can't be read: it is {kind}, and only regular files are read", policy=path
            )
        elif option == "--bundle":
            release.refused(14, words, bundles=path)
        elif option == "--sbom":
            release.refused(14, words, "--sbom", path, policy=good)
        elif option == "key-file":
            policy = release.policy(signer=f'{SIGNS_ALL}name = "a"\nkey-file = "{path}"\n')
            release.refused(11, f"the policy {policy}: signer[0].key-file: {words}", policy=policy)
        else:
            policy = release.policy(f'[trust-root]\nfile = "{path}"\nsha256 = "{"0" * 64}"\n')
            release.refused(11, f"the policy {policy}: trust-root.file: {words}", policy=policy)


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


def test_half_of_a_character(release: Release) -> None:
    release.predicates["sbom"]["future"] = "\ud800"
    release.signed_anyway()
    what = release.refused(14, "default.sbom: \\ud800 is half of a character, which readers understand differently")
    assert what == "statement in default.sbom"


def test_sbom_that_has_no_canonical_text(release: Release) -> None:
    reason = "it has a number beyond 2**53, which readers understand differently"
    good = json.dumps(release.predicates["sbom"])
    release.predicates["sbom"]["future"] = 2**60
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


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("subject", "Subject"),
        ("subject", "\u017fubject"),
        ("predicateType", "predicate_type"),
        ("predicateType", "PREDICATETYPE"),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_statement_that_other_readers_take_for_one_about_another_file(
    release: Release, name: str, other: str, *, alone: bool
) -> None:
    """Go's reader, which cosign has, folds the case of names, and of two the last counts."""
    release.signed()
    place = release.statements() / "default/sbom.json"
    statement = json.loads(place.read_text())
    elsewhere = {**statement, "subject": [{"name": "evil", "digest": {"sha256": "0" * 64}}]}
    changed = {**statement, other: elsewhere[name]}
    if alone:
        del changed[name]
    key = keys.load(KeySource(release.key))
    path = release.bundles / "default.sbom.dsse.json"
    path.write_bytes(dsse.text(dsse.envelope(json.dumps(changed).encode(), key)))
    reason = f"default.sbom: the name {other!r} differs from {name!r} only in its spelling, and other readers take one for the other"
    assert release.refused(14, reason) == "statement in default.sbom"
    place.write_text(json.dumps(changed))
    outcome = release.sign(statements=place)
    assert outcome.code == 2
    assert f"the name {other!r} differs from {name!r} only in its spelling" in outcome.err


def test_predicate_whose_names_are_spelled_otherwise(release: Release) -> None:
    release.predicates["provenance"]["buildDefinition"]["BuildType"] = "https://evil.example/"
    release.signed_anyway()
    reason = "default.provenance: predicate: the name 'BuildType' differs from 'buildType' only in its spelling, and other readers take one for the other"
    release.refused(14, reason)


@pytest.mark.parametrize(
    "name", ["Payload", "payload_type", "\u017fignatures", "MediaType", "dsse_envelope", "DSSEEnvelope"]
)
def test_envelope_whose_names_are_spelled_otherwise(release: Release, name: str) -> None:
    release.signed()
    for path in (release.bundles / "default.sbom.dsse.json", release.bundles / "default.sbom.sigstore.json"):
        good = path.read_bytes()
        path.write_text(json.dumps({**json.loads(good), name: "x"}))
        assert any(
            row["verdict"] == "malformed" and f"{path.name}: the name {name!r} differs from" in row["reason"]
            for row in release.rows()[1]
        )
        path.write_bytes(good)
    assert release.rows()[0] == 0


def test_names_that_are_data_may_differ_by_case(release: Release) -> None:
    release.predicates["provenance"]["buildDefinition"]["internalParameters"] = {"README": 1, "readme": 2}
    release.signed()
    assert release.rows()[0] == 0


def test_document_that_is_an_envelope_and_a_bundle(release: Release) -> None:
    release.signed()
    envelope = json.loads((release.bundles / "default.sbom.dsse.json").read_text())
    path = release.bundles / "default.sbom.sigstore.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **envelope}))
    reason = (
        "default.sbom.sigstore.json: an envelope (payload, payloadType, signatures) and a bundle (dsseEnvelope, mediaType, "
        "verificationMaterial) at once"
    )
    release.refused(14, reason)


def test_all_evidence_together_is_bounded(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    release.signed()
    sizes = [path.stat().st_size for path in sorted(release.bundles.iterdir())]
    monkeypatch.setattr(evidence, "EVIDENCE", Limit(bytes=sum(sizes), members=len(sizes)))
    assert release.rows()[0] == 0
    monkeypatch.setattr(evidence, "EVIDENCE", Limit(bytes=sum(sizes) - 1, members=len(sizes)))
    reason = f"all evidence together has more than {sum(sizes) - 1} bytes, and no more are read"
    release.refused(14, reason)
    # Also where each file is named by itself.
    more = [word for path in sorted(release.bundles.iterdir())[1:] for word in ("--bundle", path)]
    release.refused(14, reason, *more, bundles=min(release.bundles.iterdir()))


def test_all_statements_to_sign_together_are_bounded(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [path.stat().st_size for path in (release.statements() / "default").iterdir()]
    monkeypatch.setattr(signing, "EVIDENCE", Limit(bytes=sum(sizes)))
    assert release.sign().code == 0
    monkeypatch.setattr(signing, "EVIDENCE", Limit(bytes=sum(sizes) - 1))
    outcome = release.sign()
    assert outcome.code == 2
    reason = f"all statements together have more than {sum(sizes) - 1} bytes, and no more are read; sign them in parts"
    assert reason in outcome.err.replace("\n", " ")
    monkeypatch.setattr(signing, "EVIDENCE", Limit(bytes=sum(sizes), members=2))
    outcome = release.sign()
    assert outcome.code == 2
    assert "3 statements, where at most 2 are signed at once; sign them in parts" in outcome.err
