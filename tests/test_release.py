"""From a commit to a verdict, with nothing imitated: real statements, signed, and compared with a policy by `verify`."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Ended, built, nix, run
from flakes import add

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
SOURCE = "git+https://example.org/lab/branin"
POLICY = f"""version = 1
[[signer]]
name = "release"
key-file = "release.pub"
[statements]
required = ["provenance", "test-result"]
[provenance]
build-type = "https://cloche.example/build-types/nix-flake/v1"
source = "{SOURCE}"
attributes = ["wheel", "default"]
[[builder]]
id = "https://cloche.example/builders/unattested-local/v1"
signers = ["release"]
level = 1
"""


def make_key(folder: Path) -> Path:
    key = folder / "release.pem"
    for words in (["genpkey", "-algorithm", "ed25519", "-out", key], ["pkey", "-in", key, "-pubout", "-out", folder / "release.pub"]):
        ended = run("openssl", *words)
        assert ended.code == 0, ended.err
    key.chmod(0o600)
    return key


def sign(place: Path, folder: str) -> Ended:
    key = place / "release.pem"
    return run("cloche", "sign", "--key", key, "--output", place / "signed", f"{folder}/wheel", cwd=place)


def verify(place: Path, artifact: Path) -> Ended:
    return run("cloche", "verify", "--json", "--policy", place / "policy.toml", "--bundle", place / "signed", artifact, cwd=place)


def reasons(ended: Ended) -> str:
    return json.dumps(json.loads(ended.out), indent=1)


def test_a_commit_is_built_signed_and_accepted(consumer: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    make_key(place)
    (place / "policy.toml").write_text(POLICY)
    file = consumer / "cloche.nix"
    text = f'provenance = {{ enable = true; source = "{SOURCE}"; attributes = [ "wheel" ]; }};'
    file.write_text(file.read_text().replace("provenance.enable = true;", text))
    nix("flake", "lock", cwd=consumer)
    add(consumer)

    # Changes that are not committed: no revision, no signature.
    dirty = built(nix("build", "--no-link", "--print-out-paths", ".#provenance", cwd=consumer))
    refused = sign(place, dirty)
    assert refused.code == 2
    assert refused.err == (
        f"error: {dirty}/wheel/provenance.json names no revision: it was built from a tree with uncommitted changes, which "
        "nobody else can build again; commit them and build again\n"
    )
    assert not (place / "signed").exists()

    run(*GIT, "commit", "-qm", "all", cwd=consumer)
    signed = sign(place, built(nix("build", "--no-link", "--print-out-paths", ".#provenance", cwd=consumer)))
    assert signed.code == 0, signed.err
    folder = Path(built(nix("build", "--no-link", "--print-out-paths", ".#wheel", cwd=consumer)))
    (wheel,) = folder.iterdir()
    # The file and the folder that Nix made are subjects of the same statements.
    for artifact in (wheel, folder):
        ended = verify(place, artifact)
        assert ended.code == 0, ended.out + ended.err

    # Controls: one byte more; a policy for another source.
    changed = place / wheel.name
    changed.write_bytes(wheel.read_bytes() + b"\n")
    assert verify(place, changed).code not in {0, 1, 2, 3}
    (place / "policy.toml").write_text(POLICY.replace("example.org/lab", "example.org/other"))
    ended = verify(place, wheel)
    assert ended.code not in {0, 1, 2, 3}
    assert "the policy accepts git+https://example.org/other/branin" in reasons(ended)
