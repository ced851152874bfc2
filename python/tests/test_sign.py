"""`cloche sign`: where keys may come from, what is signed, and that nothing is written when anything is wrong."""

import base64
import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from conftest import Outcome
from trust import Release, make_key, provenance, snapshot

CI_VARIABLES = ("ACTIONS_", "GITHUB_", "GITLAB_", "CIRCLE", "BUILDKITE", "GOOGLE_", "SIGSTORE_")


@pytest.fixture
def release(tmp_path: Path, run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> Release:
    for name in list(os.environ):
        if name.startswith(CI_VARIABLES):
            monkeypatch.delenv(name)
    return Release(tmp_path, run)


def refused(release: Release, *words: str | Path, code: int = 2) -> str:
    """Run `cloche sign` with these arguments, which must write nothing, and return its message."""
    place = release.statements()
    before = snapshot(release.folder)
    outcome = release.run("sign", "--output", str(release.bundles), *map(str, words), str(place))
    assert snapshot(release.folder) == before
    assert not release.bundles.exists()
    assert outcome.out == ""
    assert outcome.code == code, outcome.err
    return outcome.err.removeprefix("error: ").removesuffix("\n")


def test_names_of_what_is_written(release: Release) -> None:
    outcome = release.sign()
    names = [
        f"default.{name}.{suffix}.json"
        for name in ("provenance", "sbom", "test-result")
        for suffix in ("dsse", "sigstore")
    ]
    assert outcome.out.splitlines() == [str(release.bundles / name) for name in names]
    assert sorted(path.name for path in release.bundles.iterdir()) == names
    bundle = json.loads((release.bundles / names[1]).read_text())
    assert list(bundle) == ["dsseEnvelope", "mediaType", "verificationMaterial"]
    assert [list(item) for item in bundle["dsseEnvelope"]["signatures"]] == [["sig"]]


def test_statements_behind_a_link_such_as_result(release: Release) -> None:
    link = release.folder / "result"
    link.symlink_to(release.statements())
    assert release.sign(statements=link).code == 0
    assert release.rows()[0] == 0


def test_key_from_a_descriptor_or_a_variable(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(release.statements())
    descriptor = os.open(release.key, os.O_RDONLY)
    assert release.run("sign", "--key-fd", str(descriptor), "--output", str(release.bundles), place).code == 0
    assert release.rows()[0] == 0
    monkeypatch.setenv("RELEASE_KEY", release.key.read_text())
    assert release.run("sign", "--key-env", "RELEASE_KEY", "--output", str(release.bundles), place).code == 0
    assert "RELEASE_KEY" not in os.environ
    assert release.rows()[0] == 0


@pytest.mark.parametrize("curve", [False, True], ids=["Ed25519", "P-256"])
def test_key_with_a_password(release: Release, monkeypatch: pytest.MonkeyPatch, *, curve: bool) -> None:
    release.key = make_key(release.folder / "keys", "release", curve=curve, password=b"open")
    assert (
        refused(release, "--key", release.key)
        == f"the key from {release.key} has a password: give it by --password-fd or --password-env"
    )
    monkeypatch.setenv("PASSWORD", "wrong")
    assert (
        refused(release, "--key", release.key, "--password-env", "PASSWORD")
        == f"the password does not open the key from {release.key}"
    )
    monkeypatch.setenv("PASSWORD", "open")
    assert release.sign("--password-env", "PASSWORD").code == 0
    reading, writing = os.pipe()
    os.write(writing, b"open\n")
    os.close(writing)
    assert release.sign("--password-fd", str(reading)).code == 0
    assert release.rows()[0] == 0


def test_keys_that_are_not_usable(release: Release) -> None:
    path = release.key
    public = path.with_suffix(".pub").read_bytes()
    rsa_key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    large = ec.generate_private_key(ec.SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    cosign = b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nYQ==\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
    for data, words in (
        (b"", "is no private key in PKCS#8 PEM"),
        (b"secret", "is no private key in PKCS#8 PEM"),
        (public, "is a public one; signing needs the private one"),
        (
            cosign,
            "is in cosign's own format; make one with `openssl genpkey`, and give it to cosign by `cosign import-key-pair`",
        ),
    ):
        path.write_bytes(data)
        assert refused(release, "--key", path) == f"the key from {path} {words}"
    for data in (rsa_key, large):
        path.write_bytes(data)
        assert refused(release, "--key", path) == f"the key from {path} is neither Ed25519 nor ECDSA P-256"
    path.unlink()
    assert refused(release, "--key", path, code=3) == f"the key {path} can't be read: No such file or directory"
    assert refused(release, "--key-env", "NOT_SET", code=3) == "the variable that should have the key is not set"
    assert refused(release, "--key-fd", "77", code=3) == "the key can't be read from descriptor 77: Bad file descriptor"


def test_key_that_everybody_can_read(release: Release) -> None:
    release.key.chmod(0o644)
    words = f"everybody on this machine can read the key {release.key}: chmod 600 {release.key}, and make a new one if others work here"
    assert refused(release, "--key", release.key) == words


def test_key_inside_a_flake(release: Release) -> None:
    words = (
        f"the key {{key}} is inside the flake {release.folder}, which `nix run` copies into the store, where "
        "everybody can read it; move it out of that folder, and make a new one if it was ever built from"
    )
    (release.folder / "flake.nix").write_text("{}")
    assert refused(release, "--key", release.key) == words.format(key=release.key)
    descriptor = os.open(release.key, os.O_RDONLY)
    assert refused(release, "--key-fd", str(descriptor)) == words.format(key=f"/proc/self/fd/{descriptor}")
    os.close(descriptor)
    # Neither a link into it nor one out of it helps.
    link = release.folder.parent / f"{release.folder.name}-link.pem"
    link.symlink_to(release.key)
    assert refused(release, "--key", link) == words.format(key=link)
    elsewhere = make_key(release.folder.parent / f"{release.folder.name}-outside", "release")
    inward = release.folder / "keys/link.pem"
    inward.symlink_to(elsewhere)
    assert refused(release, "--key", inward) == words.format(key=inward)
    assert release.sign(key=elsewhere).code == 0


def test_key_in_the_store(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "is in the store, which everybody can read: it is no secret any more; make a new one outside"
    assert refused(release, "--key", "/nix/store/0123-key.pem") == f"the key /nix/store/0123-key.pem {words}"
    monkeypatch.setenv("NIX_STORE_DIR", str(release.folder / "keys"))
    assert refused(release, "--key", release.key) == f"the key {release.key} {words}"


def test_secret_as_an_argument(release: Release) -> None:
    secret = release.key.read_text()
    words = "a secret given as an argument can be read by everybody on this machine, and is no secret any more; make a new one"
    for option in ("--key", "--key-env", "--password-env"):
        message = refused(release, option, secret)
        assert words in " ".join(message.split())
        assert secret.splitlines()[1] not in message
    for option in ("--password", "--key-text", "--token"):
        message = refused(release, option, "hunter2")
        assert f"No such option '{option}'" in message
        assert "hunter2" not in message
    assert "hunter2" not in refused(release, "--key", release.key, "--password-env", "hunter2", code=3)
    outcome = release.run("verify", "--vsa-key", secret, "--vsa", "x", "--policy", "p", "a")
    assert outcome.code == 2
    assert secret.splitlines()[1] not in outcome.err


def test_ways_of_naming_a_key_exclude_each_other(release: Release) -> None:
    assert "name the key once: by a file, a descriptor or a variable" in refused(
        release, "--key", release.key, "--key-fd", "3"
    )
    assert "name the password once: by a descriptor or a variable" in refused(
        release, "--key", release.key, "--password-fd", "3", "--password-env", "A"
    )
    assert "a password was named, and no key" in refused(release, "--password-fd", "3")


def test_provenance_of_a_dirty_tree(release: Release) -> None:
    release.predicates["provenance"] = provenance(revision=None)
    words = (
        f"{release.folder}/statements/default/provenance.json names no revision: it was built from a tree with "
        "uncommitted changes, which nobody else can build again; commit them and build again"
    )
    assert refused(release, "--key", release.key) == words


def test_statements_that_are_none(release: Release) -> None:
    place = release.statements()
    path = place / "default/sbom.json"
    good = json.loads(path.read_text())
    for change, words in (
        (
            {"_type": "x"},
            ": _type is 'x'; Cloche reads https://in-toto.io/Statement/v1 and https://in-toto.io/Statement/v0.1",
        ),
        ({"subject": []}, ": subject is no list with an artifact in it, so the statement is about nothing"),
        (
            {"subject": [{"digest": {"sha512": "a" * 128}}]},
            ": a subject has no sha256, so nobody could verify what it is about",
        ),
        (
            {"subject": [{"digest": {"sha256": "a"}}]},
            ": subject[0]: the sha256 digest is 'a' instead of 64 hexadecimal digits in lower case",
        ),
        ({"predicate": None}, ": predicate is no object"),
    ):
        path.write_text(json.dumps({**good, **change}))
        outcome = release.run("sign", "--key", str(release.key), "--output", str(release.bundles), str(place))
        separator = "" if words.startswith(":") else " "
        assert (outcome.code, outcome.err) == (2, f"error: {path}{separator}{words}\n")
        assert not release.bundles.exists()
    path.write_text(json.dumps(good))
    release.signed()
    outcome = release.run("sign", "--key", str(release.key), "--output", str(release.bundles), str(release.bundles))
    first = release.bundles / "default.provenance.dsse.json"
    reason = "is signed already: it is an envelope or a bundle, and the statement is the payload in it"
    assert (outcome.code, outcome.err) == (2, f"error: {first} {reason}\n")


def test_no_identity_to_be_had(release: Release) -> None:
    message = refused(release, code=3)
    assert message.startswith(
        "there is no key, and no identity to sign with. An identity was looked for in:\n  - GitHub Actions ("
    )
    assert message.endswith("To sign by a key instead: --key FILE, --key-fd N or --key-env NAME")


def test_continuous_integration_without_permission(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    message = refused(release, code=3)
    assert message.startswith(
        "this looks like continuous integration, but gives no identity: GitHub: missing or insufficient OIDC token permissions"
    )


def test_token_that_is_none(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """What continuous integration gives is looked at before anything is asked of the network, and never shown."""
    monkeypatch.setenv("HOME", str(release.folder / "home"))
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", "no-token-at-all")
    message = refused(release, code=3)
    assert message.startswith("this looks like continuous integration, but gives no identity: Malformed token.")
    assert "no-token-at-all" not in message
    claims = {"iss": "https://gitlab.com", "sub": "lab", "aud": "sigstore", "iat": 1, "nbf": 1, "exp": 2}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "HS256"}, claims)
    ]
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", ".".join([*parts, "AA"]))
    message = refused(release, code=3)
    assert (
        message == "sigstore gave no signature, and nothing was written: Identity token is malformed or missing claims"
    )


def test_trust_configurations_that_are_none(release: Release) -> None:
    """Before anything is asked of the network; signing with one that is good: tests/test_keyless.py."""
    import sigstore

    path, kind = release.folder / "config.json", "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
    store = Path(str(sigstore.__file__)).parent / "_store/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
    root, signing = (
        json.loads((store / name).read_text()) for name in ("trusted_root.json", "signing_config.v0.2.json")
    )
    config = {"mediaType": kind, "trustedRoot": root, "signingConfig": signing}
    no_authority = {**config, "signingConfig": {**signing, "caUrls": []}}
    what = f"the trust configuration {path}"
    for text, words in (
        ("{", f"{what} is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", f"{what} is none: its mediaType has to be {kind}"),
        (json.dumps(root), f"{what} is none: its mediaType has to be {kind}"),
        (json.dumps(no_authority), f"{what} is not usable: No valid Fulcio CA found in signing config"),
        (json.dumps({"mediaType": kind}), f"{what} is not usable: 2 validation errors for ClientTrustConfig "),
        # The control: with a good one, what is missing is the identity.
        (json.dumps(config), "there is no key, and no identity to sign with."),
    ):
        path.write_text(text)
        code = 3 if text == json.dumps(config) else 2
        message = refused(release, "--trust-config", path, code=code)
        assert message.startswith(words), message
    path.unlink()
    assert refused(release, "--trust-config", path) == f"{what} can't be read: No such file or directory"
    os.mkfifo(path)
    words = f"{what} can't be read: it is a pipe, and only regular files are read"
    assert refused(release, "--trust-config", path) == words
    message = refused(release, "--trust-config", path, "--key", release.key)
    assert "--trust-config is for signing by an identity, and a key was named" in message


def test_key_and_password_are_in_no_argument_of_a_process(release: Release) -> None:
    """What other users of the machine see of a process has no secret in it, and nothing is left in its environment."""
    program = (
        "import os, sys\nfrom cloche.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    print(open('/proc/self/cmdline').read().replace(chr(0), ' '), sorted(n for n in os.environ if n.startswith('T_')), file=sys.stderr)\n"
    )
    secret = release.key.read_text()
    words = ["sign", "--key-env", "T_KEY", "--output", str(release.bundles), str(release.statements())]
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, "T_KEY": secret},
        check=True,
        capture_output=True,
        text=True,
    )
    assert secret.splitlines()[1] not in done.stderr
    assert done.stderr.rstrip().endswith("[]")


def test_no_signature_is_there_when_one_cannot_be_written(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    real, written = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal written
        written += 1
        if written == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    outcome = release.sign()
    assert outcome.code == 3
    assert outcome.err.endswith(" cannot be written: No space left on device.\nThe former one, if any, is unchanged.\n")
    assert list(release.bundles.iterdir()) == []


def test_nothing_in_a_folder_of_statements_is_left_out_silently(release: Release) -> None:
    place = release.statements()
    (place / "more").symlink_to(place / "default")
    outcome = release.sign(statements=place)
    assert (outcome.code, outcome.err) == (
        2,
        f"error: {place}/more is no statement: a folder of statements holds files and folders\n",
    )
    (place / "more").unlink()
    os.mkfifo(place / "pipe.json")
    assert release.sign(statements=place).code == 2
    outcome = release.sign(statements=place / "pipe.json")
    reason = f"the statement {place}/pipe.json can't be read: it is a pipe, and only regular files are read"
    assert (outcome.code, outcome.err) == (2, f"error: {reason}\n")
    assert not release.bundles.exists()


def test_descriptor_that_is_none(release: Release) -> None:
    outcome = release.run("sign", "--key-fd", "-1", "--output", str(release.bundles), str(release.statements()))
    assert (outcome.code, outcome.err) == (
        3,
        "error: the key can't be read from descriptor -1: negative file descriptor\n",
    )
