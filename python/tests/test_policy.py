"""The policy: whatever is not understood completely is refused, with exit code 11 and nothing changed."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Outcome
from trust import BUILD_TYPE, LOCAL, PREDICATES, SIGNS_ALL, SOURCE, Release, make_key

SIGNER = f'{SIGNS_ALL}name = "release"\nkey-file = "keys/release.pub"\n'
IDENTITY = f'{SIGNS_ALL}name = "ci"\nidentity = "https://ci.example/w@main"\nissuer = "https://issuer.example"\n'
SBOM_ONLY = {"statements": '[statements]\nrequired = ["sbom"]\n', "provenance": "", "builder": ""}


@pytest.fixture
def release(tmp_path: Path, run: Callable[..., Outcome]) -> Release:
    return Release(tmp_path, run).signed()


def refused(release: Release, reason: str, extra: str = "", **sections: str) -> None:
    policy = release.policy(extra, **sections)
    assert release.refused(11, f"the policy {policy}: {reason}", policy=policy) == "policy"


def test_typo_in_a_key(release: Release) -> None:
    refused(
        release,
        "there is no key signatures.treshold; did you mean threshold?",
        signatures="[signatures]\ntreshold = 2\n",
    )
    refused(release, "there is no key signer[0].revokd; did you mean revoked?", signer=SIGNER + 'revokd = "yes"\n')
    refused(release, "there is no key licences; did you mean licenses?", "[licences]\ndenied = []\n")
    reason = "there is no key x; known are builder, ignore, licenses, provenance, signatures, signer, statements, tests, trust-root, version, vsa, vulnerabilities"
    refused(release, reason, "[x]\n")


def test_more_than_is_read(release: Release) -> None:
    denied = ", ".join(['"MIT"'] * 10_001)
    refused(release, "more than 10000 members, which are the most that are read", f"[licenses]\ndenied = [{denied}]\n")
    deep = "[" * 20 + "]" * 20
    refused(release, "nested more than 16 levels deep", f"[licenses]\ndenied = {deep}\n")


def test_typo_in_a_statement(release: Release) -> None:
    section = '[statements]\nrequired = ["provenance", "test-results", "sbom"]\n'
    refused(
        release,
        "statements.required: there is no statement 'test-results'; did you mean test-result?",
        statements=section,
    )
    section = '[statements]\nrequired = ["sbom"]\nalso-allowed = ["https://slsa.dev/provenance/v1"]\n'
    refused(
        release,
        "statements.also-allowed: https://slsa.dev/provenance/v1 has a name here: write provenance",
        **{**SBOM_ONLY, "statements": section},
    )


def test_provenance_is_required_or_not_there(release: Release) -> None:
    section = '[statements]\nrequired = ["sbom"]\nalso-allowed = ["provenance"]\n'
    reason = "statements.also-allowed: provenance is judged by rules of its own; name it in statements.required"
    refused(release, reason, statements=section)


@pytest.mark.parametrize(
    ("uri", "name"),
    [("https://slsa.dev/verification_summary/v0.2", "vsa"), ("https://slsa.dev/provenance/v0.2", "provenance")],
)
def test_a_statement_of_another_version_does_not_stand_for_the_one_that_is_judged(
    release: Release, uri: str, name: str
) -> None:
    section = f'[statements]\nrequired = ["{uri}"]\n'
    reason = f"statements.required: {uri} is of a version that is not judged; write {name} for the one that is"
    refused(release, reason, statements=section)


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"statements": ""}, "statements.required is missing: say which statements there must be"),
        ({"statements": "[statements]\n"}, "statements.required is missing"),
        ({"statements": "[statements]\nrequired = []\n"}, "statements.required is empty, so nothing would be shown"),
        ({"statements": '[statements]\nrequired = "sbom"\n'}, "statements.required is 'sbom', where a list of texts belongs"),
        ({"statements": '[statements]\nrequired = ["sbom", "sbom"]\n'}, "statements.required names something twice: ['sbom', 'sbom']"),
        ({"signer": ""}, "there is no [[signer]], so nothing could be accepted"),
        ({"signer": "signer = 1\n"}, "signer is 1, where a list of tables ([[signer]]) belongs"),
        ({"signer": '[signer]\nname = "a"\n'}, "signer is {'name': 'a'}, where a list of tables ([[signer]]) belongs"),
        ({"signer": '[[signer]]\nkey-file = "keys/release.pub"\n'}, "signer[0].name is missing"),
        ({"signer": '[[signer]]\nname = "a"\n'}, "signer[0] (a) has to have one of key, key-file, and identity with issuer"),
        ({"signer": f'{SIGNER}identity = "a"\nissuer = "b"\n'}, "signer[0] (release) has to have one of key, key-file, and identity with issuer"),
        ({"signer": '[[signer]]\nname = "a"\nidentity = "a"\n'}, "signer[0] (a): identity and issuer belong together, since an identity means nothing without who vouches for it"),
        ({"signer": '[[signer]]\nname = "release"\nkey-file = "keys/release.pub"\n'}, "signer[0].statements is missing"),
        ({"signer": SIGNER.replace('"sbom"', '"sbon"')}, "signer[0].statements: there is no statement 'sbon'; did you mean sbom?"),
        ({"signer": SIGNER.replace('"sbom"', f'"{PREDICATES["sbom"]}"')}, "signer[0].statements: https://cyclonedx.org/bom has a name here: write sbom"),
        ({"signer": SIGNER.replace(', "sbom"', "")}, "statements.required names sbom, and of the signers that are not revoked none may sign it, where 1 must (signer.statements)"),
        ({"signer": SIGNER + SIGNER.replace('"release"', '"b"').replace('"sbom", ', ""), "signatures": "[signatures]\nthreshold = 2\n"}, "statements.required names sbom, and of the signers that are not revoked 1 may sign it, where 2 must (signer.statements)"),
        ({"signer": SIGNER + SIGNER.replace('"release"', '"b"').replace('"provenance", ', ""), "builder": f'[[builder]]\nid = "{LOCAL}"\nsigners = ["b"]\nlevel = 1\n'}, f"the builder {LOCAL} names the signer 'b', who may not sign provenance (signer.statements)"),
        ({"signer": SIGNER + SIGNER}, "two signers have one name"),
        ({"signer": SIGNER + "not-before = 2026-01-01\n"}, "signer[0].not-before is datetime.date(2026, 1, 1), where a date with time and offset, such as 2026-01-31T00:00:00Z, belongs"),
        ({"signer": SIGNER + "not-before = 2026-01-01T00:00:00\n"}, "signer[0].not-before has no offset from UTC: write Z at its end"),
        ({"signer": SIGNER + "not-before = 2026-01-02T00:00:00Z\nnot-after = 2026-01-01T00:00:00Z\n"}, "signer[0] (release): not-after is not later than not-before"),
        ({"signer": SIGNER + "revoked = true\n"}, "signer[0].revoked is True, where a text belongs"),
        ({"signer": SIGNER + 'revoked = ""\n'}, "signer[0].revoked is empty"),
        ({"signer": SIGNER + 'revoked = "lost"\n'}, "signatures.threshold is 1, and there are 0 signers that are not revoked"),
        ({"signatures": "[signatures]\nthreshold = 2\n"}, "signatures.threshold is 2, and there are 1 signers that are not revoked"),
        ({"signatures": "[signatures]\nthreshold = 0\n"}, "signatures.threshold is 0, where 1 to 100 belongs"),
        ({"signatures": "[signatures]\nthreshold = true\n"}, "signatures.threshold is True, where a number belongs"),
        ({"signatures": '[signatures]\nlog-entry = "yes"\n'}, "signatures.log-entry is 'yes', where true or false belongs"),
        ({"signatures": "[signatures]\nlog-entry = true\n"}, "signatures.log-entry is required, and the signer release is a key, whose signatures are accepted without one"),
        ({"signer": IDENTITY, "builder": ""}, "the signer ci is an identity, and [trust-root] is missing"),
        ({"builder": ""}, "provenance is among the statements, and there is no [[builder]]"),
        ({"provenance": ""}, "provenance is among the statements, and [provenance] does not say which to accept"),
        ({"builder": f'[[builder]]\nid = "{LOCAL}"\nsigners = ["release"]\nlevel = 2\n'}, "builder[0].level is 2, but a local build never exceeds level 1: nobody vouches for its machine"),
        ({"builder": f'[[builder]]\nid = "{LOCAL}"\nsigners = ["release"]\n'}, "builder[0].level is missing"),
        ({"builder": f'[[builder]]\nid = "{LOCAL}"\nsigners = ["nobody"]\nlevel = 1\n'}, f"the builder {LOCAL} names the signer 'nobody', and there is none"),
        ({"provenance": f'[provenance]\nbuild-type = "{BUILD_TYPE}"\nsource = "{SOURCE}"\n'}, "provenance.attributes is missing"),
        ({"provenance": f'[provenance]\nbuild-type = "{BUILD_TYPE}"\nsource = "{SOURCE}"\nattributes = ["default"]\nminimum-revision = "abc"\n'}, "provenance: 'abc' is no full revision (40 or 64 hexadecimal digits)"),
        ({"statements": '[statements]\nrequired = ["sbom"]\n'}, "[provenance] asks something of the statement provenance, which statements.required does not name"),
        ({**SBOM_ONLY, "tests": '[tests]\nrequired = ["t"]\n'}, "[tests] asks something of the statement test-result, which statements.required does not name"),
        ({"vulnerabilities": '[vulnerabilities]\nhighest = "low"\n'}, "vulnerabilities has the unknown key 'highest'; the keys are ceiling, maximum-age, not-audited, unknown-severity"),
        ({"vulnerabilities": '[vulnerabilities]\nceiling = "mild"\n'}, 'vulnerabilities.ceiling is "mild"; it is one of none, low, medium, high, critical'),
        ({"licenses": '[licenses]\ndenied = ["AGPL"]\n'}, "licenses.denied has 'AGPL', which matches no licence of SPDX's list"),
        ({"ignore": '[[ignore]]\nid = "a"\nreason = "b"\nexpires = 2999-01-01\n'}, "[[ignore]] is about vulnerabilities, and there is no [vulnerabilities]"),
        ({**SBOM_ONLY, "statements": '[statements]\nrequired = ["test-result"]\n', "licenses": "[licenses]\n"}, "[licenses] asks something of the statement sbom, which statements.required does not name"),
    ],
    ids=range(45),
)  # fmt: skip
def test_contradictions_and_wrong_types(release: Release, sections: dict[str, str], reason: str) -> None:
    refused(release, reason, **sections)


def test_policy_that_can_not_be_read(release: Release) -> None:
    path = release.folder / "policy.toml"
    cases = {
        b"": "version is missing: write version = 1",
        b"version = 2": "version is 2, where 1 to 1 belongs",
        b"version = 1\nversion = 1": None,
        b"\xff": "byte 0xff is not UTF-8 in line 1, column 1",
        b"x = " + b"[" * 100_000: None,
    }
    for data, reason in cases.items():
        path.write_bytes(data)
        if reason is None:
            assert release.rows(policy=path)[0] == 11
        else:
            release.refused(11, f"the policy {path}: {reason}", policy=path)
    path.unlink()
    release.refused(11, f"the policy {path}: can't be read: No such file or directory", policy=path)


def test_keys_that_can_not_be_used(release: Release) -> None:
    keys = release.folder / "keys"

    def key(text: bytes) -> str:
        (keys / "release.pub").write_bytes(text)
        code, rows = release.rows()
        assert code == 11
        return str(rows[0]["reason"])

    assert key(b"").startswith("the key of the signer release is not usable: Unable to load PEM file.")
    private = "it is a private key, which belongs nowhere near a policy; replace it, since it is no secret any more"
    assert key((keys / "release.pem").read_bytes()) == f"the key of the signer release is not usable: {private}"
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    for other in (
        rsa.generate_private_key(65537, 2048).public_key(),
        ec.generate_private_key(ec.SECP384R1()).public_key(),
    ):
        text = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        assert key(text) == "the key of the signer release is not usable: it is neither Ed25519 nor ECDSA P-256"


def test_one_key_under_two_names(release: Release) -> None:
    pem = (release.folder / "keys/release.pub").read_text()
    twice = SIGNER + f'{SIGNS_ALL}name = "again"\nkey = """\n{pem}"""\n'
    reason = "the signers release and again have the same key, so a threshold would count it twice"
    release.refused(11, reason, policy=release.policy(signer=twice, signatures="[signatures]\nthreshold = 2\n"))


def test_one_identity_under_two_names(release: Release) -> None:
    twice = IDENTITY + IDENTITY.replace('"ci"', '"again"')
    refused(
        release,
        "two signers have one identity and issuer, so a threshold would count it twice",
        **{**SBOM_ONLY, "signer": twice},
    )


def test_trust_root_with_other_bytes_than_are_pinned(release: Release) -> None:
    (release.folder / "root.json").write_text("{}")
    found, pinned = hashlib.sha256(b"{}").hexdigest(), "0" * 64
    section = f'[trust-root]\nfile = "root.json"\nsha256 = "{pinned}"\n'
    refused(
        release,
        f"the trust root root.json has the sha256 {found}, where the policy pins {pinned}",
        section,
        **{**SBOM_ONLY, "signer": IDENTITY},
    )
    section = f'[trust-root]\nfile = "root.json"\nsha256 = "{found}"\n'
    code, rows = release.rows(policy=release.policy(section, **{**SBOM_ONLY, "signer": IDENTITY}))
    assert code == 11
    assert rows[0]["reason"].startswith(f"the trust root sha256:{found} is not usable: ")


def test_key_rotation_and_revocation_drill(release: Release) -> None:
    """The steps of docs/sign.md: prepare the next key, sign with it, and revoke the old one."""
    following = make_key(release.folder / "keys", "next")
    old = f'{SIGNS_ALL}name = "release"\nkey-file = "keys/release.pub"\n'
    new = f'{SIGNS_ALL}name = "next"\nkey-file = "keys/next.pub"\n'
    builder = f'[[builder]]\nid = "{LOCAL}"\nsigners = ["release", "next"]\nlevel = 1\n'
    # 1. The policy knows both, before the next key signs anything.
    both = {"signer": old + new, "builder": builder}
    assert release.rows(policy=release.policy(**both))[0] == 0
    # 2. Old releases are signed again, into a folder of their own; each key alone is enough.
    resigned = release.folder / "resigned"
    release.signed(key=following, output=resigned, statements=release.folder / "statements")
    assert release.rows(policy=release.policy(**both), bundles=resigned)[0] == 0
    # 3. The old key is revoked: its signatures are refused, wherever they are found, and the new ones hold.
    revoked = {**both, "signer": f'{old}revoked = "2026-05-01: replaced"\n{new}'}
    code, rows = release.rows(policy=release.policy(**revoked))
    assert code == 19
    assert "by release, which is revoked: 2026-05-01: replaced" in [row["reason"] for row in rows]
    assert release.rows(policy=release.policy(**revoked), bundles=resigned)[0] == 0
    release.refused(
        19,
        "by release, which is revoked: 2026-05-01: replaced",
        "--bundle",
        release.bundles,
        policy=release.policy(**revoked),
        bundles=resigned,
    )


def test_date_that_no_calendar_has_in_utc(release: Release) -> None:
    signer = SIGNER + "not-after = 9999-12-31T23:59:59-14:00\n"
    refused(
        release,
        "signer[0].not-after is 9999-12-31 23:59:59-14:00, which is out of range in UTC",
        **{**SBOM_ONLY, "signer": signer},
    )
