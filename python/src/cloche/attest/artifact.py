"""What is verified, named by the digest that is computed here from its own bytes.

A file is named by its content. A folder (a store directory, or a copy of one) is named by its NAR (cloche.store.nar), so
`nix-store --dump DIR | sha256sum` shows the same digest. An image is named by its manifest, which names all its layers.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Protocol

from cloche.errors import MISSHAPEN, ClocheError, ExitCode
from cloche.image.descriptor import Descriptor, Reference
from cloche.image.errors import BadReferenceError, NotFoundError, WrongBytesError
from cloche.image.layout import Layout, document
from cloche.store import nar
from cloche.store.nar import Nar
from cloche.untrusted import regular_file
from cloche.untrusted.limits import SIGNED, STATEMENT, Limit

NAR_TYPE = "application/x-nix-nar"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_BLOCK = 1 << 20
_SCHEMA = 2
_STORE_NAME = re.compile(r"[0-9a-df-np-sv-z]{32}-(.+)")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class Kind(Enum):
    """What an artifact is, which says what its digest is made of."""

    FILE = "file"
    STORE = "store"
    IMAGE = "image"


@dataclass(frozen=True)
class Artifact:
    """An artifact whose bytes have been read: `sha256` was computed from them, in hexadecimal."""

    kind: Kind
    name: str
    sha256: str
    media_type: str | None
    # The file, or the manifest; None for a folder.
    content: Callable[[], bytes] | None = field(default=None, compare=False, repr=False)
    # What was read, for a report: "12 layers", "3104 bytes".
    extent: str = ""
    # Where an image is, and what is attached to it.
    shelf: "Shelf | None" = field(default=None, compare=False, repr=False)
    # Where a file or folder is, links resolved, and what a folder holds.
    path: Path | None = field(default=None, compare=False)
    nar: Nar | None = field(default=None, compare=False, repr=False)


class Shelf(Protocol):
    """A registry's repository, or a layout in a folder: all bytes read are compared with the digest asked for."""

    def manifest(self, digest: str) -> bytes:
        """Return a manifest to the byte."""

    def blob(self, digest: str, limit: Limit = STATEMENT) -> bytes:
        """Return a blob that fits into memory; raises TooLargeError for more than the limit's bytes."""

    def stream(self, digest: str) -> Iterator[bytes]:
        """Yield a blob of any size."""

    def referrers(self, digest: str, artifact_type: str | None = None) -> list[Descriptor]:
        """Return what refers to a manifest."""


class MissingArtifactError(ClocheError):
    """There is nothing at the place that was named."""

    exit_code = ExitCode.ENVIRONMENT_LACKS


class MutableReferenceError(ClocheError):
    """A name that somebody can point to something else at any time."""


class AlteredArtifactError(ClocheError):
    """Bytes that don't have the digest by which they were asked for."""

    exit_code = ExitCode.CHECK_FAILED


def digest_of(reference: str | Path, *, insecure: bool = False) -> Artifact:
    """Return the artifact that a file, a folder, `oci:FOLDER@sha256:HEX` or `REGISTRY/NAME@sha256:HEX` names.

    All layers of an image in a folder are read and compared with their digests. `insecure` lets a registry be asked
    without TLS. Raises MissingArtifactError, MutableReferenceError, AlteredArtifactError, ClocheError, NarError.
    """
    text = str(reference)
    if text.startswith("oci:"):
        place, _, digest = text.removeprefix("oci:").partition("@")
        sha256, folder = _digest(digest, text), Path(place)
        if not (folder / "oci-layout").is_file():
            message = f"{folder} is no OCI layout: it has no file oci-layout"
            raise MissingArtifactError(message)
        return _image(Layout(folder), folder.name, sha256)
    path = Path(reference)
    named = _names_registry(text)
    # Before what lies here: a file of this name, in a folder that somebody else filled, must not stand for the image.
    if named or not (path.is_symlink() or path.exists()):
        if named or ("/" in text and not text.startswith((".", "/")) and ("@" in text or ":" in text)):
            return _registry(text, insecure=insecure)
    else:
        return _path(path)
    message = (
        f"{text} is neither a file or folder here nor an image (oci:FOLDER@sha256:... or REGISTRY/NAME@sha256:...)"
    )
    raise MissingArtifactError(message)


def _names_registry(text: str) -> bool:
    """Return whether a text is an image's name, with a digest or a tag; ./ before the name of a file says otherwise."""
    try:
        found = Reference.parse(text)
    except BadReferenceError:
        return False
    return bool(found.digest or found.tag)


def _path(path: Path) -> Artifact:
    # A link such as `result` stands for what it names.
    try:
        real = path.resolve()
    except RuntimeError as error:
        message = f"{path} is a link that leads to itself"
        raise MissingArtifactError(message) from error
    if not real.exists():
        message = f"{path} is a link to {real}, where nothing is"
        raise MissingArtifactError(message)
    name = _name(real)
    if real.is_dir():
        found = nar.read(real)
        return Artifact(Kind.STORE, name, found.sha256, NAR_TYPE, extent="folder, as NAR", path=real, nar=found)
    if not real.is_file():
        raise ClocheError(f"{path} is neither a file nor a folder")
    sha256, size = _file_sha256(real)
    return Artifact(
        Kind.FILE, name, sha256, None, partial(regular_file.read, real, SIGNED), f"file of {size} bytes", path=real
    )


def _name(path: Path) -> str:
    match = _STORE_NAME.fullmatch(path.name)
    return match[1] if match else path.name


def file_sha256(path: Path) -> str:
    """Return the digest of a file's content, in hexadecimal."""
    return _file_sha256(path)[0]


def _file_sha256(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with regular_file.open_regular(path) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def _digest(text: str | None, reference: str) -> str:
    if not text:
        message = (
            f"{reference} names no digest: a tag can be moved to another image at any time; add @sha256:..., which "
            "`cat result/digest` shows for packages.image"
        )
        raise MutableReferenceError(message)
    match = _DIGEST.fullmatch(text)
    if match is None:
        message = f"{reference}: {text!r} is no digest; it is sha256: and 64 hexadecimal digits in lower case"
        raise MutableReferenceError(message)
    return match[1]


def _registry(text: str, *, insecure: bool) -> Artifact:
    sha256 = _digest(text.partition("@")[2] or None, text)
    from cloche.image.registry import Registry  # noqa: PLC0415 - it takes 0.3 s to import

    try:
        reference = Reference.parse(text)
    except BadReferenceError as error:
        raise ClocheError(error.message) from error
    return _image(Registry(reference, insecure=insecure), reference.name.rpartition("/")[2], sha256)


def _image(shelf: Shelf, name: str, sha256: str) -> Artifact:
    """Return the image with this manifest, after all that the manifest names has been read and compared."""
    try:
        manifest = shelf.manifest(f"sha256:{sha256}")
        if hashlib.sha256(manifest).hexdigest() != sha256:
            message = f"the manifest sha256:{sha256} was altered"
            raise AlteredArtifactError(message)
        layers = _layers(manifest, f"the manifest sha256:{sha256}")
        # A manifest may name one blob many times.
        for digest, size in dict.fromkeys(layers):
            _compare_size(shelf, digest, size)
    except NotFoundError as error:
        raise MissingArtifactError(error.message) from error
    except FileNotFoundError as error:
        message = f"{error.filename} is missing, which the manifest names"
        raise MissingArtifactError(message) from error
    except WrongBytesError as error:
        raise AlteredArtifactError(error.message) from error
    extent = f"image of {len(layers) - 1} layers, each compared with its digest"
    return Artifact(Kind.IMAGE, name, sha256, MANIFEST_TYPE, lambda: manifest, extent, shelf)


def _compare_size(shelf: Shelf, digest: str, size: int) -> None:
    found = 0
    for block in shelf.stream(digest):
        found += len(block)
        if found > size:
            break
    if found != size:
        message = (
            f"the blob {digest} has {'more' if found > size else 'less'} than the {size} bytes that the manifest says"
        )
        raise AlteredArtifactError(message)


def _layers(manifest: bytes, what: str) -> list[tuple[str, int]]:
    """Return digest and size of the configuration and of all layers."""
    data = document(manifest, what)
    if not isinstance(data, dict) or data.get("mediaType", MANIFEST_TYPE) != MANIFEST_TYPE:
        raise ClocheError(f"{what} is no OCI image manifest")
    layers = data.get("layers")
    # CVE-2021-41190: what has both could be read as an image by one program, and as a list of images by another.
    if data.get("schemaVersion") != _SCHEMA or not isinstance(layers, list) or "manifests" in data:
        raise ClocheError(f"{what} is no OCI image manifest")
    try:
        found = [Descriptor.from_json(item) for item in (data.get("config"), *layers)]
    except MISSHAPEN as error:
        raise ClocheError(f"{what} is no OCI image manifest: {error}") from error
    return [(item.digest, item.size) for item in found]
