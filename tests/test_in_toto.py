"""The worked example of docs/in-toto.md: in-toto-verify, unchanged, over the links and the layout of the example."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from securesystemslib.signer import CryptoSigner

from cloche.sign import layout
from conftest import ROOT, Ended, built, nix, run

EXAMPLE = ROOT / "examples/branin"


def output(name: str) -> Path:
    return Path(built(nix("build", "--no-link", "--print-out-paths", f"{EXAMPLE}#{name}^out")))


@pytest.fixture(scope="module")
def links() -> Path:
    return output("in-toto")


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """Return a folder with what is handed over: wheel, lock, the tests' outcomes, the image's manifest."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    (wheel,) = output("wheel").iterdir()
    outcomes, manifest = output("test-results") / "outcomes.json", output("image") / "manifest.json"
    for file in (wheel, EXAMPLE / "cloche.lock", outcomes, manifest):
        shutil.copyfile(file, folder / file.name)
    return folder


def write_key(folder: Path, key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> Path:
    """Write a private key and, beside it, the public one; return the private one's path."""
    private = folder / "key.pem"
    none = serialization.NoEncryption()
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pub").write_bytes(public)
    return private


def sign(links: Path, folder: Path) -> Path:
    """Sign with a new key in `folder` and return the folder with links and layout."""
    folder.mkdir(exist_ok=True)
    key = write_key(folder, ed25519.Ed25519PrivateKey.generate())
    signed = folder / "signed"
    ended = run("cloche", "sign", links, "--key", key, "--expires", "2999-01-01", "--output", signed)
    assert ended.code == 0, ended.err
    return signed


def write(files: dict[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


def verify(signed: Path, delivery: Path, public: Path | None = None) -> Ended:
    key = public or signed.parent / "key.pub"
    return run(
        "in-toto-verify",
        "--layout",
        signed / "root.layout",
        "--verification-keys",
        key,
        "--link-dir",
        signed,
        cwd=delivery,
    )


def test_what_was_built_tested_and_delivered_is_accepted(links: Path, delivery: Path, tmp_path: Path) -> None:
    signed = sign(links, tmp_path / "a")
    assert sorted(file.name.partition(".")[0] for file in signed.iterdir()) == [
        "build",
        "image",
        "lock",
        "root",
        "test",
    ]
    ended = verify(signed, delivery)
    assert (ended.code, ended.err) == (0, "")


def test_an_ecdsa_key(links: Path, delivery: Path, tmp_path: Path) -> None:
    key = write_key(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    ended = run("cloche", "sign", links, "--key", key, "--expires", "2999-01-01", "--output", tmp_path / "signed")
    assert ended.code == 0, ended.err
    assert verify(tmp_path / "signed", delivery).code == 0


def changed(delivery: Path, _signed: Path, _links: Path) -> None:
    (delivery / "outcomes.json").write_text("{}")


def other_wheel(delivery: Path, _signed: Path, _links: Path) -> None:
    (wheel,) = delivery.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b" ")


def other_lock(delivery: Path, _signed: Path, _links: Path) -> None:
    (delivery / "cloche.lock").write_text("{}")


def other_image(delivery: Path, _signed: Path, _links: Path) -> None:
    (delivery / "manifest.json").write_text("{}")


def one_more(delivery: Path, _signed: Path, _links: Path) -> None:
    (delivery / "more.whl").touch()


def no_wheel(delivery: Path, _signed: Path, _links: Path) -> None:
    (wheel,) = delivery.glob("*.whl")
    wheel.unlink()


def no_link(_delivery: Path, signed: Path, _links: Path) -> None:
    (link,) = signed.glob("test.*.link")
    link.unlink()


def edited_link(_delivery: Path, signed: Path, _links: Path) -> None:
    (link,) = signed.glob("test.*.link")
    data = bytearray(link.read_bytes())
    data[data.index(b'"payload":"') + 200] ^= 1
    link.write_bytes(data)


def another_signer(_delivery: Path, signed: Path, links: Path) -> None:
    """Replace a link by the same one with a signature of somebody else."""
    other = sign(links, signed.parent / "other")
    (link,) = signed.glob("build.*.link")
    (theirs,) = other.glob("build.*.link")
    shutil.copyfile(theirs, link)


def another_wheel_tested(_delivery: Path, signed: Path, links: Path) -> None:
    """Sign links in which the tested wheel is not the one that was built."""
    again = signed.parent / "again"
    shutil.copytree(links, again)
    for file in [again, *again.iterdir()]:
        file.chmod(0o755)
    digest = (again / "build.json").read_text().partition('whl":{"sha256":"')[2][:64]
    (again / "test.json").write_text((again / "test.json").read_text().replace(digest, "0" * 64))
    key = serialization.load_pem_private_key((signed.parent / "key.pem").read_bytes(), None)
    end = datetime(2999, 1, 1, tzinfo=UTC)
    write(layout.signed(again, CryptoSigner(key), end), signed)


def expired(_delivery: Path, signed: Path, links: Path) -> None:
    key = serialization.load_pem_private_key((signed.parent / "key.pem").read_bytes(), None)
    write(layout.signed(links, CryptoSigner(key), datetime(2020, 1, 1, tzinfo=UTC)), signed)


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (changed, "'DISALLOW outcomes.json' matched the following artifacts: ['outcomes.json']"),
        (other_wheel, "'DISALLOW branin-1.0.0-py3-none-any.whl' matched the following artifacts"),
        (other_lock, "'DISALLOW cloche.lock' matched the following artifacts: ['cloche.lock']"),
        (other_image, "'DISALLOW manifest.json' matched the following artifacts: ['manifest.json']"),
        (one_more, "'DISALLOW *' matched the following artifacts: ['more.whl']"),
        (no_wheel, "'REQUIRE branin-1.0.0-py3-none-any.whl'"),
        (no_link, "Step 'test' requires '1' link metadata file(s), found '0'."),
        (edited_link, "Step 'test' requires at least '1' links validly signed"),
        (another_signer, "Step 'build' requires at least '1' links validly signed"),
        (another_wheel_tested, "'DISALLOW branin-1.0.0-py3-none-any.whl' matched the following artifacts"),
        (expired, "Layout expired"),
    ],
)
def test_what_is_refused(
    attack: Callable[[Path, Path, Path], None], reason: str, links: Path, delivery: Path, tmp_path: Path
) -> None:
    signed = sign(links, tmp_path / "a")
    attack(delivery, signed, links)
    ended = verify(signed, delivery)
    assert ended.code == 1
    assert reason in ended.err


def test_another_layout_key_is_refused(links: Path, delivery: Path, tmp_path: Path) -> None:
    signed = sign(links, tmp_path / "a")
    other = sign(links, tmp_path / "b")
    assert verify(signed, delivery, other.parent / "key.pub").code == 1


def test_what_cannot_be_signed(links: Path, tmp_path: Path) -> None:
    key = write_key(tmp_path, ed25519.Ed25519PrivateKey.generate())
    other = tmp_path / "other"
    other.mkdir()
    (other / "layout.json").write_text('{"_type": "link"}')
    statement = tmp_path / "statement.json"
    statement.write_text("{}")
    end, what = ["--expires", "2999-01-01"], "a folder with a layout.json is what 'nix build .#in-toto' makes"
    cases: list[tuple[list[str | Path], str]] = [
        ([links, "--key", key], f"{links} has a layout, and a layout has to end: add --expires YYYY-MM-DD"),
        ([links, "--key", key, "--expires", "2020-01-01"], "--expires 2020-01-01 is past: in-toto-verify would refuse the layout"),
        ([links, *end], f"{links} has a layout, which in-toto-verify checks by a key: name one by --key, --key-fd or --key-env"),
        ([links, statement, "--key", key, *end], f"{links} has a layout and its links; sign it alone, into a folder of its own, since `verify` takes no links"),
        ([other, "--key", key, *end], f"{other}/layout.json is no layout of in-toto; {what}"),
        ([statement, "--key", key, *end], "--expires is for a layout (a folder with a layout.json), and there is none; a statement does not end, but a policy's signer does"),
    ]  # fmt: skip
    for arguments, message in cases:
        ended = run("cloche", "sign", *arguments, "--output", tmp_path / "out")
        assert (ended.code, ended.err) == (2, f"error: {message}\n")
        assert not (tmp_path / "out").exists()


def test_a_link_that_is_missing(links: Path, tmp_path: Path) -> None:
    """All are read before the first is written."""
    key = write_key(tmp_path, ed25519.Ed25519PrivateKey.generate())
    some = tmp_path / "some"
    shutil.copytree(links, some)
    some.chmod(0o755)
    (some / "test.json").unlink()
    ended = run("cloche", "sign", some, "--key", key, "--expires", "2999-01-01", "--output", tmp_path / "out")
    reason = f"{some}/test.json can't be read: No such file or directory; a folder with a layout.json is what 'nix build .#in-toto' makes"
    assert (ended.code, ended.err) == (2, f"error: {reason}\n")
    assert not (tmp_path / "out").exists()


def test_a_key_inside_a_flake_signs_no_layout(links: Path, tmp_path: Path) -> None:
    """One place takes keys, and refuses the same for layouts as for statements."""
    key = write_key(tmp_path, ed25519.Ed25519PrivateKey.generate())
    (tmp_path / "flake.nix").write_text("{}")
    ended = run("cloche", "sign", links, "--key", key, "--expires", "2999-01-01", "--output", tmp_path / "out")
    assert ended.code == 2
    assert f"the key {key} is inside the flake {tmp_path}" in ended.err
    assert not (tmp_path / "out").exists()
