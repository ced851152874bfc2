"""The worked example of docs/in-toto.md: in-toto-verify, unchanged, over the links and the layout of the example."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from securesystemslib.signer import CryptoSigner

from cloche import layout
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
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "key.pub").write_bytes(public)
    return private


def sign(links: Path, folder: Path) -> Path:
    """Sign with a new key in `folder` and return the folder with links and layout."""
    folder.mkdir(exist_ok=True)
    key = write_key(folder, ed25519.Ed25519PrivateKey.generate())
    signed = folder / "signed"
    ended = run("cloche", "layout", links, "--key", key, "--expires", "2999-01-01", "--output", signed)
    assert ended.code == 0, ended.err
    return signed


def verify(signed: Path, delivery: Path, public: Path | None = None) -> Ended:
    key = public or signed.parent / "key.pub"
    return run(
        "in-toto-verify", "--layout", signed / "root.layout", "--verification-keys", key, "--link-dir", signed, cwd=delivery
    )


def test_what_was_built_tested_and_delivered_is_accepted(links: Path, delivery: Path, tmp_path: Path) -> None:
    signed = sign(links, tmp_path / "a")
    assert sorted(file.name.partition(".")[0] for file in signed.iterdir()) == ["build", "image", "lock", "root", "test"]
    ended = verify(signed, delivery)
    assert (ended.code, ended.err) == (0, "")


def test_an_ecdsa_key(links: Path, delivery: Path, tmp_path: Path) -> None:
    key = write_key(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    ended = run("cloche", "layout", links, "--key", key, "--expires", "2999-01-01", "--output", tmp_path / "signed")
    assert ended.code == 0, ended.err
    assert verify(tmp_path / "signed", delivery).code == 0


def changed(delivery: Path, signed: Path, links: Path) -> None:
    (delivery / "outcomes.json").write_text("{}")


def other_wheel(delivery: Path, signed: Path, links: Path) -> None:
    (wheel,) = delivery.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b" ")


def other_lock(delivery: Path, signed: Path, links: Path) -> None:
    (delivery / "cloche.lock").write_text("{}")


def other_image(delivery: Path, signed: Path, links: Path) -> None:
    (delivery / "manifest.json").write_text("{}")


def one_more(delivery: Path, signed: Path, links: Path) -> None:
    (delivery / "more.whl").touch()


def no_wheel(delivery: Path, signed: Path, links: Path) -> None:
    (wheel,) = delivery.glob("*.whl")
    wheel.unlink()


def no_link(delivery: Path, signed: Path, links: Path) -> None:
    (link,) = signed.glob("test.*.link")
    link.unlink()


def edited_link(delivery: Path, signed: Path, links: Path) -> None:
    (link,) = signed.glob("test.*.link")
    data = bytearray(link.read_bytes())
    data[data.index(b'"payload": "') + 200] ^= 1
    link.write_bytes(data)


def another_signer(delivery: Path, signed: Path, links: Path) -> None:
    """Replace a link by the same one with a signature of somebody else."""
    other = sign(links, signed.parent / "other")
    (link,) = signed.glob("build.*.link")
    (theirs,) = other.glob("build.*.link")
    shutil.copyfile(theirs, link)


def another_wheel_tested(delivery: Path, signed: Path, links: Path) -> None:
    """Sign links in which the tested wheel is not the one that was built."""
    again = signed.parent / "again"
    shutil.copytree(links, again)
    for file in [again, *again.iterdir()]:
        file.chmod(0o755)
    digest = (again / "build.json").read_text().partition('whl":{"sha256":"')[2][:64]
    (again / "test.json").write_text((again / "test.json").read_text().replace(digest, "0" * 64))
    key = serialization.load_pem_private_key((signed.parent / "key.pem").read_bytes(), None)
    end = datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)
    layout.sign(again, signed, CryptoSigner(key), end)


def expired(delivery: Path, signed: Path, links: Path) -> None:
    key = serialization.load_pem_private_key((signed.parent / "key.pem").read_bytes(), None)
    layout.sign(links, signed, CryptoSigner(key), datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))


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
    cases = [
        ([links, "--key", key, "--expires", "2020-01-01"], 2, "error: --expires 2020-01-01 is past: in-toto-verify would refuse the layout\n"),
        ([tmp_path, "--key", key, "--expires", "2999-01-01"], 2, f"error: {tmp_path}/layout.json can't be read: No such file or directory; FOLDER is what 'nix build .#in-toto' makes\n"),
    ]  # fmt: skip
    for arguments, code, message in cases:
        ended = run("cloche", "layout", *arguments, "--output", tmp_path / "out")
        assert (ended.code, ended.err) == (code, message)
    ended = run("cloche", "layout", links, "--expires", "2999-01-01", "--output", tmp_path / "out")
    assert ended.code == 2
    assert "name a key by --key, --key-fd or --key-env" in ended.err
    assert not (tmp_path / "out").exists()
