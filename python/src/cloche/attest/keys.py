"""Private keys: read from a file, a descriptor or a variable; never from an argument, never from the store.

`nix run` and `nix build` copy a flake's tree into the store, which everybody can read. So a key inside such a tree is
refused, and so is one below the store.
"""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from securesystemslib.signer import CryptoSigner

from cloche.attest.key_options import KeySource
from cloche.errors import ClocheError, ExitCode
from cloche.untrusted.regular_file import open_regular

_MOST_BYTES = 64 * 1024


def load(source: KeySource) -> CryptoSigner:
    """Return the signer of a private key: Ed25519 or ECDSA P-256, PKCS#8 PEM, with or without a password.

    Raises ClocheError.
    """
    data, where = _read(source)
    password = _password(source)
    try:
        key = load_pem_private_key(data, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ClocheError(_unreadable(data, where, password)) from error
    if not isinstance(key, Ed25519PrivateKey) and not (
        isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
    ):
        raise ClocheError(f"the key from {where} is neither Ed25519 nor ECDSA P-256")
    return CryptoSigner(key)


def public_der(signer: CryptoSigner) -> bytes:
    """Return the public key of a signer as SubjectPublicKeyInfo."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - not for verifying

    if signer.public_key.keytype == "ed25519":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above

        raw = bytes.fromhex(signer.public_key.keyval["public"])
        return Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = load_pem_public_key(signer.public_key.keyval["public"].encode())
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _unreadable(data: bytes, where: str, password: bytes | None) -> str:
    if b"ENCRYPTED SIGSTORE PRIVATE KEY" in data or b"ENCRYPTED COSIGN PRIVATE KEY" in data:
        return f"the key from {where} is in cosign's own format; make one with `openssl genpkey`, and give it to cosign by `cosign import-key-pair`"
    if b"PUBLIC KEY" in data:
        return f"the key from {where} is a public one; signing needs the private one"
    if b"ENCRYPTED" in data:
        if password is None:
            return f"the key from {where} has a password: give it by --password-fd or --password-env"
        return f"the password does not open the key from {where}"
    if password is not None:
        return f"the key from {where} has no password, or is no PKCS#8 PEM"
    return f"the key from {where} is no private key in PKCS#8 PEM"


def _read(source: KeySource) -> tuple[bytes, str]:
    if source.file is not None:
        refuse_place(source.file)
        return _file(source.file), str(source.file)
    if source.fd is not None:
        # A descriptor may be an open file, which is where it is all the same.
        opened = Path(f"/proc/self/fd/{source.fd}")
        if opened.is_file():
            refuse_place(opened)
        return _descriptor(source.fd, "key"), f"descriptor {source.fd}"
    assert source.variable is not None  # noqa: S101 - one of the three is there
    return _variable(source.variable, "key"), f"the variable {source.variable}"


def _file(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                raise ClocheError(
                    f"everybody on this machine can read the key {path}: chmod 600 {path}, and make a new one if others work here"
                )
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise ClocheError(f"the key {path} can't be read: {error.strerror}", ExitCode.ENVIRONMENT_LACKS) from error


def refuse_place(path: Path) -> None:
    """Refuse a key below the store, or inside a tree that Nix would copy there. Raises ClocheError."""
    real = path.resolve()
    for place in (path.absolute(), real):
        store = Path(os.environ.get("NIX_STORE_DIR", "/nix/store"))
        if "/nix/store/" in f"{place}/" or place.is_relative_to(store):
            raise ClocheError(
                f"the key {path} is in the store, which everybody can read: it is no secret any more; make a new one outside"
            )
        for folder in place.parents:
            if (folder / "flake.nix").is_file():
                raise ClocheError(
                    f"the key {path} is inside the flake {folder}, which `nix run` copies into the store, where "
                    "everybody can read it; move it out of that folder, and make a new one if it was ever built from"
                )


def _descriptor(number: int, what: str) -> bytes:
    try:
        with os.fdopen(number, "rb", closefd=True) as file:
            return file.read(_MOST_BYTES)
    except (OSError, ValueError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ClocheError(
            f"the {what} can't be read from descriptor {number}: {reason}", ExitCode.ENVIRONMENT_LACKS
        ) from error


def _variable(name: str, what: str) -> bytes:
    # Taken out, so that no program that is started later inherits it.
    value = os.environ.pop(name, None)
    if not value:
        # Not by its name, which could be a password that was given in place of one.
        raise ClocheError(
            f"the variable that should have the {what} is {'empty' if value == '' else 'not set'}",
            ExitCode.ENVIRONMENT_LACKS,
        )
    return value.encode()


def _password(source: KeySource) -> bytes | None:
    if source.password_fd is not None:
        # A line is what echo and here-strings write.
        return _descriptor(source.password_fd, "password").removesuffix(b"\n")
    if source.password_variable is not None:
        return _variable(source.password_variable, "password")
    return None
