"""sigstore-conformance's `bundle-verify` assets, each through `cloche verify`.

conformance.py says where they come from.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import conformance
from cloche.attest.outcome import Refusal
from conftest import Outcome
from trust import SIGNS_ALL

GIVEN = conformance.folder()
pytestmark = pytest.mark.skipif(GIVEN is None, reason=conformance.ABSENT)
FOLDER = GIVEN or Path("nowhere")
IDENTITY = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ISSUER = "https://token.actions.githubusercontent.com"

# Valid bundles that are refused all the same, because the library does not read them.
REJECTED = {
    "intoto-with-custom-trust-root": (
        Refusal.UNKNOWN,
        "its log entry is of the kind intoto 0.0.2, which is not read here",
    ),
    "trust-root-tsa-validity-end-inclusive": (Refusal.UNVERIFIED, "not enough sources of verified time"),
}

# Valid bundles with provenance of another system: its build type.
FOREIGN = {
    "happy-path-intoto-in-dsse-v3": "the build type is 'https://actions.github.io/buildtypes/workflow/v1'",
    "rekor2-dsse-happy-path": "the build type is 'https://github.com/sigstore-conformance/rekor2-dsse-hashedrekord-regen'",
}

# What each README says is wrong, as a class of refusal.
CLASSES = {
    "bundle-empty-certificate-chain_fail": Refusal.MALFORMED,
    "bundle-from-wrong-instance_fail": Refusal.UNTRUSTED_SERVICE,
    "bundle-invalid-base64-signature_fail": Refusal.MALFORMED,
    "bundle-malformed-json_fail": Refusal.MALFORMED,
    "bundle-negative-log-index_fail": Refusal.MALFORMED,
    "bundle-unknown-version_fail": Refusal.MALFORMED,
    "bundle-with-root-cert_fail": Refusal.MALFORMED,
    "checkpoint-bad-keyhint_fail": Refusal.UNVERIFIED,
    "checkpoint-wrong-roothash_fail": Refusal.UNVERIFIED,
    "dsse-invalid-sig_fail": Refusal.TAMPERED,
    "dsse-mismatch-envelope_fail": Refusal.LOG_ENTRY,
    "dsse-mismatch-sig_fail": Refusal.LOG_ENTRY,
    "inclusion-proof-corrupted-hash_fail": Refusal.UNVERIFIED,
    "incorrect-public-key_fail": Refusal.LOG_ENTRY,
    "integrated-time-in-future_fail": Refusal.EXPIRED,
    "intoto-expired-certificate_fail": Refusal.EXPIRED,
    "intoto-log-entry-mismatch_fail": Refusal.LOG_ENTRY,
    "intoto-missing-inclusion-proof_fail": Refusal.LOG_ENTRY,
    "intoto-set-outside-signing-cert-validity_fail": Refusal.EXPIRED,
    "intoto-tsa-timestamp-outside-cert-validity_fail": Refusal.EXPIRED,
    "invalid-checkpoint-signature_fail": Refusal.UNVERIFIED,
    "invalid-ct-key_fail": Refusal.UNVERIFIED,
    "invalid-inclusion-proof_fail": Refusal.LOG_ENTRY,
    "managed-key-no-key_fail": Refusal.WRONG_IDENTITY,
    "managed-key-wrong-key_fail": Refusal.POLICY,
    "message-digest-mismatch_fail": Refusal.WRONG_SUBJECT,
    "rekor2-checkpoint-missing-log-signature_fail": Refusal.UNVERIFIED,
    "rekor2-checkpoint-missing-origin_fail": Refusal.UNVERIFIED,
    "rekor2-checkpoint-missing-root-hash_fail": Refusal.UNVERIFIED,
    "rekor2-checkpoint-missing-size_fail": Refusal.UNVERIFIED,
    "rekor2-checkpoint-no-matching-signature_fail": Refusal.UNVERIFIED,
    "rekor2-dsse-invalid-sig_fail": Refusal.TAMPERED,
    "rekor2-dsse-mismatch-envelope_fail": Refusal.LOG_ENTRY,
    "rekor2-dsse-mismatch-sig_fail": Refusal.LOG_ENTRY,
    "rekor2-no-inclusion-proof_fail": Refusal.LOG_ENTRY,
    "rekor2-no-timestamp_fail": Refusal.EXPIRED,
    "rekor2-timestamp-outside-trust-root-tsa-validity_fail": Refusal.EXPIRED,
    "rekor2-timestamp-outside-tsa-cert-validity_fail": Refusal.EXPIRED,
    "rekor2-timestamp-payload-mismatch_fail": Refusal.TAMPERED,
    "rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail": Refusal.MALFORMED,
    "rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail": Refusal.UNVERIFIED,
    "rekor2-timestamp-with-incorrect-time_fail": Refusal.EXPIRED,
    "set-invalid-signature_fail": Refusal.UNVERIFIED,
    "signature-mismatch_fail": Refusal.TAMPERED,
    "trust-root-tlog-missing-validity-start_fail": Refusal.POLICY,
    "wrong-hashedrekord-artifact_fail": Refusal.LOG_ENTRY,
    "wrong-hashedrekord-cert-and-sig_fail": Refusal.LOG_ENTRY,
    "wrong-hashedrekord-entry_fail": Refusal.LOG_ENTRY,
    "wrong-material_fail": Refusal.WRONG_SUBJECT,
}


def production_root() -> Path:
    """Return the trust root of the public instance, as the sigstore package carries it."""
    import sigstore

    stores = Path(str(sigstore.__file__)).parent / "_store"
    return stores / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev" / "trusted_root.json"


def given(case: Path, name: str, default: str) -> str:
    path = case / name
    return path.read_text().strip() if path.exists() else default


def judge(case: Path, folder: Path, run: Callable[..., Outcome]) -> tuple[Outcome, dict]:  # type: ignore[type-arg]
    """Run `cloche verify` on a case."""
    key, root = case / "key.pub", case / "trusted_root.json"
    data = (root if root.exists() else production_root()).read_bytes()
    (folder / "root.json").write_bytes(data)
    trust = f'[trust-root]\nfile = "root.json"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\n'
    if key.exists():
        (folder / "key.pub").write_bytes(key.read_bytes())
        signer = f'{SIGNS_ALL}name = "it"\nkey-file = "key.pub"\n{trust}'
    else:
        identity, issuer = given(case, "identity", IDENTITY), given(case, "issuer", ISSUER)
        signer = (
            f'{SIGNS_ALL}name = "it"\nidentity = "{identity}"\nissuer = "{issuer}"\n{trust}'
            "[signatures]\nlog-entry = true\n"
        )
    try:
        dsse = "dsseEnvelope" in json.loads((case / "bundle.sigstore.json").read_text())
    except ValueError:
        dsse = False
    provenance = (
        '[provenance]\nbuild-type = "https://cloche.example/build-types/nix-flake/v1"\nsource = "x"\nattributes = ["default"]\n'
        '[[builder]]\nid = "x"\nsigners = ["it"]\nlevel = 1\n'
    )
    (folder / "policy.toml").write_text(
        f"version = 1\n{signer}[statements]\n"
        + (f'required = ["provenance"]\n{provenance}' if dsse else 'required = ["signature"]\n')
    )
    artifact = case / "artifact" if (case / "artifact").exists() else FOLDER / "a.txt"
    outcome = run(
        "verify",
        "--json",
        "--policy",
        str(folder / "policy.toml"),
        "--bundle",
        str(case / "bundle.sigstore.json"),
        str(artifact),
    )
    return outcome, json.loads(outcome.out)


def cases() -> list[Path]:
    return sorted(path for path in FOLDER.iterdir() if path.is_dir()) if GIVEN else []


def test_there_are_cases() -> None:
    assert len(cases()) >= 70
    assert {path.name for path in cases() if path.name.endswith("_fail")} == set(CLASSES)


@pytest.mark.parametrize("case", cases(), ids=lambda path: path.name)
def test_case(case: Path, tmp_path: Path, run: Callable[..., Outcome]) -> None:
    outcome, report = judge(case, tmp_path, run)
    worst = [row for row in report["rows"] if row["verdict"] not in {"accepted", "note"}]
    if case.name.endswith("_fail"):
        wanted = CLASSES[case.name].name.lower().replace("_", "-")
        assert outcome.code != 0
        assert wanted in {row["verdict"] for row in worst}, worst
        assert not any("nsupported" in row["reason"] or "only supported" in row["reason"] for row in worst), worst
        # What says that too few signed follows from it; nothing else is claimed.
        assert {row["verdict"] for row in worst} <= {wanted, "missing-signature", "missing-statement"}, worst
    elif case.name in REJECTED:
        refusal, words = REJECTED[case.name]
        assert (refusal.name.lower().replace("_", "-"), True) in [
            (row["verdict"], words in row["reason"]) for row in worst
        ]
    elif case.name in FOREIGN:
        # Who signed is accepted; what they say is of a kind that no policy for Cloche's own builds accepts.
        assert [row["verdict"] for row in report["rows"][:2]] == ["accepted", "accepted"]
        assert [(row["verdict"], row["reason"].split(",")[0]) for row in worst] == [("unknown", FOREIGN[case.name])]
    else:
        assert outcome.code == 0, worst


def test_poisoned_cache_control(tmp_path: Path, run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the cache says makes the library accept a bundle of another instance, and makes no difference to us."""
    from sigstore.hashes import Hashed
    from sigstore.models import Bundle, ClientTrustConfig
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity
    from sigstore_models.common.v1 import HashAlgorithm

    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    production = production_root()
    staging = production.parent.parent / "https%3A%2F%2Ftuf-repo-cdn.sigstage.dev" / production.name
    poisoned = tmp_path / ".cache/sigstore-python/tuf" / production.parent.name
    poisoned.mkdir(parents=True)
    (poisoned / production.name).write_bytes(staging.read_bytes())
    case = FOLDER / "bundle-from-wrong-instance_fail"
    digest = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=hashlib.sha256((FOLDER / "a.txt").read_bytes()).digest())
    believer = Verifier(trusted_root=ClientTrustConfig.production(offline=True).trusted_root)
    believer.verify_artifact(
        digest,
        Bundle.from_json((case / "bundle.sigstore.json").read_bytes()),
        Identity(identity=IDENTITY, issuer=ISSUER),
    )
    outcome, report = judge(case, tmp_path, run)
    assert outcome.code == 22
    assert "untrusted-service" in {row["verdict"] for row in report["rows"]}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ((IDENTITY, IDENTITY.replace("/main", "/mian")), Refusal.WRONG_IDENTITY),
        ((IDENTITY, IDENTITY.removesuffix("n")), Refusal.WRONG_IDENTITY),
        ((ISSUER, "https://issuer.example"), Refusal.WRONG_IDENTITY),
        ((f'issuer = "{ISSUER}"', f'issuer = "{ISSUER}"\nnot-after = 2020-01-01T00:00:00Z'), Refusal.EXPIRED),
        (("log-entry = true", "log-entry = true\nthreshold = 1"), None),
    ],
)
def test_identity_and_issuer_are_compared_exactly(
    change: tuple[str, str], refusal: Refusal | None, tmp_path: Path, run: Callable[..., Outcome]
) -> None:
    case = FOLDER / "happy-path-v0.3"
    assert judge(case, tmp_path, run)[0].code == 0
    policy = tmp_path / "policy.toml"
    text = policy.read_text()
    assert change[0] in text
    policy.write_text(text.replace(*change))
    words = ["--policy", str(policy), "--bundle", str(case / "bundle.sigstore.json"), str(FOLDER / "a.txt")]
    outcome = run("verify", "--json", *words)
    verdicts = {row["verdict"] for row in json.loads(outcome.out)["rows"]}
    if refusal is None:
        assert outcome.code == 0
    else:
        assert outcome.code == refusal
        assert refusal.name.lower().replace("_", "-") in verdicts
