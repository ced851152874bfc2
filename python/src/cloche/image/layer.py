"""One layer of an image as a stream: a tar that is the same to the byte wherever the store paths are; standard library.

A layer is never stored. Its description names what is in it (store paths, and small entries that are written out),
and from the description and the store the tar can be made again at any time, block by block.

The format is POSIX.1-2001 (pax), which is ustar wherever a name fits and has one defined extension where it does not;
GNU's format has several. Members are sorted by the bytes of their names, owned by root unless an entry says otherwise,
with the store's modes (0555 and 0444) and the store's date (1 second after the epoch). The end is two empty blocks.
"""

import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

BLOCK = 512
CHUNK = 1 << 20
# The date that the Nix store gives all files.
STORE_TIME = 1
END = bytes(2 * BLOCK)
MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar"
STORE = "nix/store"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A folder, a file with its text, or a link, that is written out and does not come from the store."""

    # Without a slash in front.
    path: str
    # A folder has neither; a link has a target.
    text: str | None = None
    target: str | None = None
    mode: int = 0o755
    uid: int = 0
    gid: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return what `entry` reads."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What a layer holds, and what its tar is: `digest` ("sha256:" and 64 hexadecimal digits) and `size` in bytes."""

    name: str
    paths: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    # Store path -> patterns (fnmatch) of what is left out of it, relative to it; a folder goes with all below.
    exclude: dict[str, list[str]] = field(default_factory=dict)
    digest: str = ""
    size: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "name": self.name,
            "digest": self.digest,
            "size": self.size,
            "paths": list(self.paths),
            "entries": [entry.as_json() for entry in self.entries],
            "exclude": self.exclude,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Layer":
        """Return the layer that `as_json` wrote."""
        return cls(
            name=data["name"],
            digest=data["digest"],
            size=data["size"],
            paths=tuple(data["paths"]),
            entries=tuple(Entry(**entry) for entry in data["entries"]),
            exclude=data["exclude"],
        )


@dataclass(frozen=True)
class Member:
    """One member of the tar; `source` is the file on the disk whose bytes it has."""

    info: tarfile.TarInfo
    text: bytes = b""
    source: str = ""


def members(layer: Layer) -> Iterator[Member]:
    """Yield the members of a layer's tar in their order: each folder before what is in it.

    Raises ValueError for a path that is not directly below /nix/store, an entry that is below /nix, or a file that is neither regular, folder nor
    link, and OSError for what cannot be read.
    """
    for entry in layer.entries:
        parts = entry.path.split("/")
        if not all(parts) or {".", ".."} & {*parts} or parts[0] == "nix":
            message = f"{entry.path!r} is no path of a file in an image beside the store"
            raise ValueError(message)
    yield from map(_entry, sorted(layer.entries, key=lambda entry: os.fsencode(entry.path)))
    if layer.paths:
        yield Member(_info("nix", tarfile.DIRTYPE, 0o755))
        yield Member(_info(STORE, tarfile.DIRTYPE, 0o755))
    for path in sorted(layer.paths, key=os.fsencode):
        folder, _, name = path.lstrip("/").rpartition("/")
        if folder != STORE or not path.startswith("/") or name in {"", ".", ".."}:
            message = f"{path} is no path of the Nix store"
            raise ValueError(message)
        yield from _tree(path, "", tuple(layer.exclude.get(path, ())))


def blocks(layer: Layer) -> Iterator[bytes]:
    """Yield the layer's tar in pieces of at most a MiB (and a header), so that memory is bounded whatever its size."""
    for member in members(layer):
        yield member.info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        if member.source:
            yield from _bytes_of(member.source, member.info.size)
        elif member.text:
            yield member.text
        if remainder := member.info.size % BLOCK:
            yield bytes(BLOCK - remainder)
    yield END


def measure(layer: Layer, write: Callable[[bytes], object] = lambda _block: None) -> tuple[str, int]:
    """Return digest and size of the layer's tar as it comes out of the store now, handing each piece to `write`."""
    digest, size = hashlib.sha256(), 0
    for block in blocks(layer):
        digest.update(block)
        size += len(block)
        write(block)
    return f"sha256:{digest.hexdigest()}", size


def _info(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = kind, mode, STORE_TIME
    return info


def _entry(entry: Entry) -> Member:
    if entry.target is not None:
        info = _info(entry.path, tarfile.SYMTYPE, 0o777)
        info.linkname = entry.target
    elif entry.text is not None:
        info = _info(entry.path, tarfile.REGTYPE, entry.mode)
    else:
        info = _info(entry.path, tarfile.DIRTYPE, entry.mode)
    text = (entry.text or "").encode()
    info.uid, info.gid, info.size = entry.uid, entry.gid, len(text)
    return Member(info, text)


def _tree(root: str, relative: str, exclude: tuple[str, ...]) -> Iterator[Member]:
    """Yield the members of a store path, or of a folder in it."""
    path = f"{root}/{relative}" if relative else root
    found = os.lstat(path)
    name = path.lstrip("/")
    if stat.S_ISLNK(found.st_mode):
        info = _info(name, tarfile.SYMTYPE, 0o777)
        info.linkname = os.readlink(path)  # noqa: PTH115 - not normalised, as pathlib would
        yield Member(info)
    elif stat.S_ISDIR(found.st_mode):
        yield Member(_info(name, tarfile.DIRTYPE, 0o555))
        for entry in sorted(os.listdir(path), key=os.fsencode):  # noqa: PTH208 - names, a hundred thousand of them
            below = f"{relative}/{entry}" if relative else entry
            if not any(fnmatchcase(below, pattern) for pattern in exclude):
                yield from _tree(root, below, exclude)
    elif stat.S_ISREG(found.st_mode):
        info = _info(name, tarfile.REGTYPE, 0o555 if found.st_mode & stat.S_IXUSR else 0o444)
        info.size = found.st_size
        yield Member(info, source=path)
    else:
        message = f"{path} is neither a file nor a folder nor a link"
        raise ValueError(message)


def _bytes_of(path: str, size: int) -> Iterator[bytes]:
    left = size
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - pathlib would copy each name once more
        while left:
            block = file.read(min(left, CHUNK))
            if not block:
                message = f"{path} became shorter while it was read"
                raise OSError(message)
            left -= len(block)
            yield block
