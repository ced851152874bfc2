"""The NAR of a file, folder or link, which is Nix's serialisation, and the paths of the store that are named in it.

Dolstra, The Purely Functional Software Deployment Model, figure 5.2: `nix-store --dump PATH | sha256sum` shows the same
digest. Store paths are looked for in that same stream, as Nix looks for references, but by their whole beginning: a stranger
has no list of hashes to look for.
"""

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Final

from cloche.errors import ClocheError, ExitCode
from cloche.untrusted import links

# Contents are read, hashed and searched in blocks of this size, small files together: less work for Python per byte.
_BLOCK: Final = 1 << 18
_STORE: Final = b"/nix/"
_HASH: Final = rb"[0-9a-df-np-sv-z]{32}"
# With what the kernel passes over: more slashes than one, and the folder itself.
_PATH: Final = re.compile(rb"/nix/(?:\.?/){0,64}store/(?:\.?/){0,64}(" + _HASH + rb"-[0-9A-Za-z+._?=-]{1,211})")
# So much of a block is searched again with the next one, since a store path may stand on both.
_KEPT: Final = 512
# Never waits for the other end of a pipe, nor follows a link that has just taken a file's place.
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class NarError(ClocheError):
    """A file of a kind that no store directory can hold."""


class ChangedError(NarError):
    """A file that changed while it was read."""

    exit_code = ExitCode.CHECK_FAILED


@dataclass(frozen=True)
class Nar:
    """What was read: sha256 in hexadecimal, size in bytes, names of the store paths (HASH-NAME) that stand in it.

    `elsewhere` are links, as "LINK -> TARGET", that lead neither into what was read nor plainly to a path of the store.
    """

    sha256: str
    size: int
    named: frozenset[str]
    elsewhere: frozenset[str] = frozenset()


def read(path: Path) -> Nar:
    """Return the NAR of a file, folder or link. Raises NarError, OSError."""
    root = os.fsencode(path)
    stream = _Stream(root)
    stream.write(_word(b"nix-archive-1"))
    _node(root, stream)
    return stream.end()


def _word(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text + bytes(-len(text) % 8)


_SYMLINK = b"".join(map(_word, (b"(", b"type", b"symlink", b"target")))
_REGULAR = b"".join(map(_word, (b"(", b"type", b"regular", b"contents")))
_EXECUTABLE = b"".join(map(_word, (b"(", b"type", b"regular", b"executable", b"", b"contents")))
_DIRECTORY = b"".join(map(_word, (b"(", b"type", b"directory")))
_ENTRY = b"".join(map(_word, (b"entry", b"(", b"name")))
_NODE = _word(b"node")
_CLOSE = _word(b")")


class _Stream:
    """Bytes on their way into the digest, gathered to blocks."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._digest = hashlib.sha256()
        self._size = 0
        # First the end of the block before, then the bytes that are not hashed yet.
        self._block = bytearray(_KEPT + _BLOCK)
        self._view = memoryview(self._block)
        self._filled = _KEPT
        self._named: set[bytes] = set()
        self._elsewhere: set[bytes] = set()

    def write(self, data: bytes) -> None:
        """Add a few bytes, at most a block."""
        end = self._filled + len(data)
        if end > len(self._block):
            self._flush()
            end = self._filled + len(data)
        self._view[self._filled : end] = data
        self._filled = end

    def fill(self, descriptor: int, size: int) -> bool:
        """Add so many bytes of a file; return whether it had them."""
        left = size
        while left:
            if self._filled == len(self._block):
                self._flush()
            count = os.readv(descriptor, [self._view[self._filled : self._filled + left]])
            if not count:
                return False
            self._filled += count
            left -= count
        return True

    def link(self, path: bytes, target: bytes) -> None:
        """Add the target of a link."""
        self.write(_word(target))
        if name := links.named(self._root, path, target):
            self._named.add(name)
        if links.leaves(self._root, path, target):
            self._elsewhere.add((path.removeprefix(self._root).lstrip(b"/") or b".") + b" -> " + target)

    def end(self) -> Nar:
        """Return what went through."""
        self._flush()
        named, elsewhere = (frozenset(map(os.fsdecode, found)) for found in (self._named, self._elsewhere))
        return Nar(self._digest.hexdigest(), self._size, named, elsewhere)

    def _flush(self) -> None:
        block, filled = self._block, self._filled
        self._digest.update(self._view[_KEPT:filled])
        self._size += filled - _KEPT
        found = block.find(_STORE, 0, filled)
        while found >= 0:
            if match := _PATH.match(block, found, filled):
                self._named.add(match[1])
            found = block.find(_STORE, found + 1, filled)
        block[:_KEPT] = block[filled - _KEPT : filled]
        self._filled = _KEPT


def _node(path: bytes, stream: _Stream) -> None:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        _link(path, b"", stream)
    elif stat.S_ISDIR(status.st_mode):
        _folder(path, b"", stream)
    else:
        _file(path, b"", stream)


# What stands before and behind an entry of a folder goes with the entry: fewer writes.


def _link(path: bytes, before: bytes, stream: _Stream, behind: bytes = b"") -> None:
    stream.write(before + _SYMLINK)
    stream.link(path, os.readlink(path))  # noqa: PTH115 - names of files are bytes here
    stream.write(_CLOSE + behind)


def _folder(path: bytes, before: bytes, stream: _Stream, behind: bytes = b"") -> None:
    stream.write(before + _DIRECTORY)
    with os.scandir(path) as found:
        entries = sorted(found, key=attrgetter("name"))
    for entry in entries:
        add = _link if entry.is_symlink() else _folder if entry.is_dir(follow_symlinks=False) else _file
        add(entry.path, _ENTRY + _word(entry.name) + _NODE, stream, _CLOSE)
    stream.write(_CLOSE + behind)


def _file(path: bytes, before: bytes, stream: _Stream, behind: bytes = b"") -> None:
    descriptor = os.open(path, _FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _foreign(path)
        size = status.st_size
        kind = _EXECUTABLE if status.st_mode & stat.S_IXUSR else _REGULAR
        stream.write(before + kind + size.to_bytes(8, "little"))
        if not stream.fill(descriptor, size):
            message = f"{os.fsdecode(path)} changed while it was read"
            raise ChangedError(message)
        stream.write(bytes(-size % 8) + _CLOSE + behind)
    finally:
        os.close(descriptor)


def _foreign(path: bytes) -> NarError:
    return NarError(f"{os.fsdecode(path)} is a device, socket or pipe, which has no place in a store directory")
