"""`cloche verify`: what statements and SBOMs have to say, and who may say it."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloche.attest import artifact, dsse, keys
from cloche.attest.key_options import KeySource
from cloche.untrusted.limits import Limit
from conftest import Outcome
from trust import (
    SIGNS_ALL,
    Release,
    make_key,
    outcome_of_tests,
    provenance,
    sbom,
)


@pytest.fixture
def release(tmp_path: Path, run: Callable[..., Outcome]) -> Release:
    return Release(tmp_path, run)


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
    signers = f'{SIGNS_ALL}name = "release"\nkey-file = "keys/release.pub"\n{SIGNS_ALL}name = "other"\nkey-file = "keys/other.pub"\n'
    local = "https://cloche.example/builders/unattested-local/v1"
    policy = release.policy(signer=signers, builder=f'[[builder]]\nid = "{local}"\nsigners = ["other"]\nlevel = 1\n')
    release.refused(26, f"the policy does not accept the word of release about the builder {local}", policy=policy)


def test_signer_of_another_kind_of_statement(release: Release) -> None:
    """Who may sign test results signs everything: their word about the tests counts, and about nothing else."""
    tester = make_key(release.folder / "keys", "tester")
    release.signed()
    alone = release.folder / "alone"
    release.signed(key=tester, output=alone)
    key = '[[signer]]\nname = "{0}"\nkey-file = "keys/{0}.pub"\nstatements = {1}\n'
    signers = key.format("release", '["provenance", "sbom"]') + key.format("tester", '["test-result"]')
    policy = release.policy(signer=signers)
    wanted = {"provenance": release.bundles, "sbom": release.bundles, "test-result": alone}
    each = [wanted[name] / f"default.{name}.sigstore.json" for name in ("sbom", "test-result")]
    # The control: each signs what it may.
    more = [word for path in each for word in ("--bundle", path)]
    assert release.rows(*more, policy=policy, bundles=release.bundles / "default.provenance.sigstore.json")[0] == 0
    # Nothing else changes but who signed the provenance.
    reason = "the policy does not let tester sign provenance, but test-result"
    theirs = alone / "default.provenance.sigstore.json"
    what = release.refused(20, reason, *more, policy=policy, bundles=theirs)
    assert what == "provenance in default.provenance"
    # A second signature by somebody who may not add one is refused as well.
    both = release.bundles / "default.provenance.sigstore.json"
    release.refused(20, reason, "--bundle", theirs, *more, policy=policy, bundles=both)
    # A policy that lets both sign it takes both.
    may = key.format("release", '["provenance", "sbom"]') + key.format("tester", '["test-result", "provenance"]')
    assert release.rows("--bundle", theirs, *more, policy=release.policy(signer=may), bundles=both)[0] == 0


def test_signature_over_the_artifact_by_who_may_sign_statements_only(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = keys.load(KeySource(release.key)).sign(release.artifact.read_bytes())
    bundle = {
        "mediaType": dsse.BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": ""}, "tlogEntries": []},
        "messageSignature": {"signature": base64.b64encode(bytes.fromhex(signature.signature)).decode()},
    }
    path = release.folder / "signature.json"
    path.write_text(json.dumps(bundle))
    key = '[[signer]]\nname = "release"\nkey-file = "keys/release.pub"\nstatements = {}\n'
    make_key(release.folder / "keys", "other")
    other = f'{SIGNS_ALL}name = "other"\nkey-file = "keys/other.pub"\n'
    sections = {"statements": '[statements]\nrequired = ["signature"]\n', "provenance": "", "builder": ""}
    accepted = release.policy(signer=key.format('["signature"]') + other, **sections)
    assert release.rows(policy=accepted, bundles=path)[0] == 0
    refused = release.policy(signer=key.format('["test-result"]') + other, **sections)
    reason = "the policy does not let release sign signature, but test-result"
    release.refused(20, reason, policy=refused, bundles=path)
    # The file is held in memory for this, so it has a limit.
    monkeypatch.setattr(artifact, "SIGNED", Limit(bytes=14))
    accepted = release.policy(signer=key.format('["signature"]') + other, **sections)
    reason = f"a signature over the bytes of {release.artifact.name}, but it has more than 14 bytes, and no more are read; sign a statement instead"
    release.refused(17, reason, policy=accepted, bundles=path)


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
