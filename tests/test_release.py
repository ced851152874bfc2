"""From a commit to a verdict, with nothing imitated: real statements, signed, and compared with a policy by `verify`."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from conftest import Ended, built, nix, run
from flakes import add

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
SOURCE = "git+https://example.org/lab/branin"
POLICY = f"""version = 1
[[signer]]
name = "release"
key-file = "release.pub"
statements = ["provenance", "test-result"]
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
    commands: list[list[str | Path]] = [
        ["genpkey", "-algorithm", "ed25519", "-out", key],
        ["pkey", "-in", key, "-pubout", "-out", folder / "release.pub"],
    ]
    for words in commands:
        ended = run("openssl", *words)
        assert ended.code == 0, ended.err
    key.chmod(0o600)
    return key


def configure(consumer: Path, attribute: str) -> None:
    file = consumer / "cloche.nix"
    text = f'provenance = {{ enable = true; source = "{SOURCE}"; attributes = [ "{attribute}" ]; }};'
    file.write_text(file.read_text().replace("provenance.enable = true;", text))
    nix("flake", "lock", cwd=consumer)
    add(consumer)


def sign(place: Path, folder: str) -> Ended:
    return run("cloche", "sign", "--key", place / "release.pem", "--output", place / "signed", folder, cwd=place)


def verify(place: Path, artifact: Path, policy: str = "policy.toml") -> Ended:
    return run(
        "cloche", "verify", "--json", "--policy", place / policy, "--bundle", place / "signed", artifact, cwd=place
    )


def reasons(ended: Ended) -> str:
    return json.dumps(json.loads(ended.out), indent=1)


def test_a_commit_is_built_signed_and_accepted(consumer: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    make_key(place)
    (place / "policy.toml").write_text(POLICY)
    configure(consumer, "wheel")

    # Changes that are not committed: no revision, no signature.
    dirty = built(nix("build", "--no-link", "--print-out-paths", ".#provenance", cwd=consumer))
    refused = sign(place, f"{dirty}/wheel")
    assert refused.code == 2
    assert refused.err == (
        f"error: {dirty}/wheel/provenance.json names no revision: it was built from a tree with uncommitted changes, which "
        "nobody else can build again; commit them and build again\n"
    )
    assert not (place / "signed").exists()

    run(*GIT, "commit", "-qm", "all", cwd=consumer)
    signed = sign(place, built(nix("build", "--no-link", "--print-out-paths", ".#provenance", cwd=consumer)) + "/wheel")
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


def closure(ended: Ended) -> list[tuple[str, str]]:
    return [(row["verdict"], row["reason"]) for row in json.loads(ended.out)["rows"] if row["what"] == "closure"]


def test_a_dependency_of_the_application_is_altered(consumer: Path, tmp_path: Path) -> None:
    """One byte of NumPy in a store of its own, with mode and time as before; the application itself is untouched."""
    place = tmp_path / "place"
    place.mkdir()
    make_key(place)
    policy = POLICY.replace('"test-result"]', '"test-result", "sbom"]')
    (place / "policy.toml").write_text(policy)
    (place / "ignoring.toml").write_text(policy.replace("[provenance]", 'closure = "ignored"\n[provenance]'))
    configure(consumer, "default")
    run(*GIT, "commit", "-qm", "all", cwd=consumer)
    signed = sign(
        place, built(nix("build", "--no-link", "--print-out-paths", ".#provenance", cwd=consumer)) + "/default"
    )
    assert signed.code == 0, signed.err
    application = built(nix("build", "--no-link", "--print-out-paths", ".#default", cwd=consumer))
    copied = nix("copy", "--no-check-sigs", "--to", place / "root", application)
    assert copied.code == 0, copied.err
    artifact = Path(f"{place}/root{application}")

    untouched = verify(place, artifact)
    assert untouched.code == 0, untouched.out + untouched.err
    count = len(list(artifact.parent.glob("*-*")))
    ((verdict, reason),) = closure(untouched)
    assert verdict == "accepted"
    assert reason.startswith(f"{count} paths, ")
    assert reason.endswith(" MB, each as the provenance lists it")

    (numpy,) = artifact.parent.glob("*-numpy-*")
    (file,) = numpy.glob("lib/python*/site-packages/numpy/version.py")
    data, before = file.read_bytes(), file.stat()
    file.chmod(0o644)
    file.write_bytes(data[:-2] + b"#" + data[-1:])
    file.chmod(before.st_mode)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == len(data)
    altered = verify(place, artifact)
    assert altered.code == 15, altered.out
    ((verdict, reason),) = closure(altered)
    assert (verdict, reason.partition(":")[0]) == ("tampered", f"{numpy.name} was altered")
    # Where the application was built it is in order, and a copy of it alone is accepted by no policy that does not say so.
    assert verify(place, Path(application)).code == 0
    alone = place / artifact.name
    shutil.copytree(artifact, alone, symlinks=True)
    refused = verify(place, alone)
    assert refused.code == 12
    assert f"of the {count} paths that the provenance lists, {place} lacks " in closure(refused)[0][1]
    assert verify(place, alone, "ignoring.toml").code == 0
