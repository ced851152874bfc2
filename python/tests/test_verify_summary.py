"""A verification summary of somebody else, each field of which is compared with what the policy expects."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import Outcome
from trust import Release

VSA = "https://slsa.dev/verification_summary/v1"
VERIFIER = "https://verifier.example/v1"
RESOURCE = "git+https://code.example/lab/demo"
SHA256 = "ab" * 32
SIGNER = '[[signer]]\nname = "release"\nkey-file = "keys/release.pub"\nstatements = ["vsa"]\n'


def summary(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON is of any shape
    """Return the predicate of a summary that is accepted."""
    return {
        "verifier": {"id": VERIFIER},
        "timeVerified": "2026-01-01T00:00:00Z",
        "resourceUri": RESOURCE,
        "policy": {"uri": "policy.toml", "digest": {"sha256": SHA256}},
        "inputAttestations": [{"uri": "provenance", "digest": {"sha256": SHA256}}],
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_2", "SLSA_SOURCE_LEVEL_1"],
        "dependencyLevels": {"SLSA_BUILD_LEVEL_2": 3, "SLSA_BUILD_LEVEL_1": "0"},
        "slsaVersion": "1.1",
        **changes,
    }


@pytest.fixture
def release(tmp_path: Path, run: Callable[..., Outcome]) -> Release:
    """Return a release whose only statement is a summary."""
    made = Release(tmp_path, run)
    made.predicates = {VSA: summary()}
    return made


def policy(release: Release, **changes: str) -> Path:
    """Write a policy that asks for a summary."""
    table = {
        "verifier": f'"{VERIFIER}"',
        "resource": f'"{RESOURCE}"',
        "minimum-level": "2",
        "minimum-dependency-level": "2",
        "policy-sha256": f'"{SHA256}"',
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    text = "[vsa]\n" + "".join(f"{name} = {value}\n" for name, value in table.items())
    sections = {"signer": SIGNER, "statements": '[statements]\nrequired = ["vsa"]\n', "provenance": text, "builder": ""}
    return release.policy(**sections)


def test_a_summary_that_says_what_is_expected(release: Release) -> None:
    code, rows = release.signed().rows(policy=policy(release))
    assert code == 0, rows
    reasons = [row["reason"] for row in rows if row["what"].startswith("vsa in ")]
    assert reasons == [f"{VERIFIER} verified {RESOURCE} at SLSA build level 2, on 2026-01-01"]


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"verificationResult": "FAILED"}, 28, "the verification ended with 'FAILED', where 'PASSED' is accepted"),
        ({"verificationResult": None}, 28, "the verification ended with None, where 'PASSED' is accepted"),
        ({"verificationResult": "passed"}, 28, "the verification ended with 'passed', where 'PASSED' is accepted"),
        ({"verifier": {"id": "https://evil.example"}}, 20, f"the verifier is 'https://evil.example', and the policy accepts {VERIFIER}"),
        ({"verifier": VERIFIER}, 20, f"the verifier is None, and the policy accepts {VERIFIER}"),
        ({"resourceUri": "pkg:pypi/other"}, 23, f"the resource is 'pkg:pypi/other', and the policy accepts {RESOURCE}"),
        ({"policy": {"digest": {"sha256": "cd" * 32}}}, 11, f"it was verified by a policy with the sha256 {'cd' * 32}, and {SHA256} is accepted"),
        ({"policy": {"uri": "x"}}, 11, f"it was verified by a policy with the sha256 None, and {SHA256} is accepted"),
        ({"policy": None}, 14, "policy is no object with the digest of one"),
        ({"verifiedLevels": ["SLSA_BUILD_LEVEL_1"]}, 26, "SLSA build level 1 was verified, and the policy demands 2"),
        ({"verifiedLevels": []}, 26, "SLSA build level 0 was verified, and the policy demands 2"),
        ({"verifiedLevels": ["SLSA_BUILD_LEVEL_1", "SLSA_BUILD_LEVEL_3"]}, 14, "verifiedLevels has SLSA_BUILD_LEVEL_1, SLSA_BUILD_LEVEL_3, where one known build level belongs"),
        ({"verifiedLevels": ["SLSA_BUILD_LEVEL_9"]}, 14, "verifiedLevels has SLSA_BUILD_LEVEL_9, where one known build level belongs"),
        ({"verifiedLevels": "SLSA_BUILD_LEVEL_3"}, 14, "verifiedLevels is no list of levels"),
        ({"dependencyLevels": {"SLSA_BUILD_LEVEL_1": 1}}, 26, "1 dependencies have SLSA_BUILD_LEVEL_1, and the policy demands 2 of all"),
        ({"dependencyLevels": {"SLSA_BUILD_LEVEL_UNEVALUATED": "4"}}, 26, "4 dependencies have SLSA_BUILD_LEVEL_UNEVALUATED, and the policy demands 2 of all"),
        ({"dependencyLevels": None}, 26, "it has no dependencyLevels, and the policy demands 2 of all"),
        ({"dependencyLevels": {"SLSA_BUILD_LEVEL_3": "many"}}, 14, "dependencyLevels is no object with a number for each level"),
        ({"inputAttestations": [{"uri": "x"}]}, 14, "inputAttestations is no list of attestations with their digests"),
        ({"slsaVersion": "2.0"}, 24, "the levels are those of SLSA '2.0'; known are 1.0, 1.1, 1.2"),
        ({"timeVerified": "yesterday"}, 14, "timeVerified is 'yesterday', which is no time with an offset from UTC"),
        ({"timeVerified": "2026-01-01T00:00:00"}, 14, "timeVerified is '2026-01-01T00:00:00', which is no time with an offset from UTC"),
        ({"timeVerified": "2999-01-01T00:00:00Z"}, 21, "timeVerified is 2999-01-01T00:00:00Z, which is yet to come"),
    ],
)  # fmt: skip
def test_a_summary_that_says_otherwise(release: Release, changes: dict[str, Any], code: int, reason: str) -> None:
    release.predicates = {VSA: summary(**changes)}
    release.signed().refused(code, reason, policy=policy(release))


def test_what_a_policy_does_not_ask_for_may_be_left_out(release: Release) -> None:
    small = {
        name: summary()[name] for name in ("verifier", "resourceUri", "policy", "verificationResult", "verifiedLevels")
    }
    release.predicates = {VSA: small}
    text = f'[vsa]\nverifier = "{VERIFIER}"\nresource = "{RESOURCE}"\n'
    sections = {"signer": SIGNER, "statements": '[statements]\nrequired = ["vsa"]\n', "provenance": text, "builder": ""}
    assert release.signed().rows(policy=release.policy(**sections))[0] == 0


def test_a_summary_has_an_age(release: Release) -> None:
    when = (datetime.now(UTC) - timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    release.predicates = {VSA: summary(timeVerified=when)}
    release.signed()
    assert release.rows(policy=policy(release, maximum_age="10"))[0] == 0
    reason = f"it was verified on {when}; at most 8 days ago is accepted (vsa.maximum-age)"
    release.refused(21, reason, policy=policy(release, maximum_age="8"))
    release.predicates = {VSA: summary(timeVerified=None)}
    release.signed()
    reason = "timeVerified is None, which is no time with an offset from UTC"
    release.refused(14, reason, policy=policy(release, maximum_age="10"))


@pytest.mark.parametrize(
    ("section", "text", "reason"),
    [
        ("provenance", "", "vsa is among the statements, and [vsa] does not say which to accept"),
        ("provenance", f'[vsa]\nverifier = "{VERIFIER}"\n', "vsa.resource is missing"),
        ("provenance", f'[vsa]\nverifier = "{VERIFIER}"\nresource = "a"\npolicy-sha256 = "ab"\n', "vsa.policy-sha256 is 'ab', where 64 hexadecimal digits belong"),
        ("statements", '[statements]\nrequired = ["signature"]\nalso-allowed = ["vsa"]\n', "statements.also-allowed: vsa is judged by rules of its own; name it in statements.required"),
    ],
)  # fmt: skip
def test_a_policy_says_which_summaries_it_accepts(release: Release, section: str, text: str, reason: str) -> None:
    sections = {
        "signer": SIGNER,
        "statements": '[statements]\nrequired = ["vsa"]\n',
        "provenance": f'[vsa]\nverifier = "{VERIFIER}"\nresource = "a"\n',
        "builder": "",
    }
    path = release.policy(**{**sections, section: text})
    release.signed().refused(11, f"the policy {path}: {reason}", policy=path)
