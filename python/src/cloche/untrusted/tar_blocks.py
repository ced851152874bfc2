"""The blocks of a tar archive, one by one, so that every byte of it is a part of a member that each reader finds.

Readers of tar forgive, each in its own way: Python ends at a header that it cannot read and GNU tar looks for the next
one; behind a link's header some expect data; behind the two empty blocks of the end some go on; of two long names, some
take the first and some the last; of a compressed file of several parts, some read the first alone. Where they would
differ, an archive is refused. Standard library only; nothing is written.

Format: POSIX.1-2017, `pax`, "ustar Interchange Format" and "pax Header Block"; GNU tar's manual, "Basic Tar Format".
"""

import bz2
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from cloche.untrusted.archive import BrokenError

BLOCK = 512  # bytes
_CHUNK = 1 << 20  # bytes
_MOST_OF_A_HEADER = 1 << 20  # bytes; a header's own data is read at once
_MOST_OF_XZ = 1 << 30  # bytes of memory; its own strongest setting needs 65 MiB
_EMPTY = bytes(BLOCK)
_MAGIC = {b"ustar\x0000": "pax", b"ustar  \0": "gnu", bytes(8): "old"}
_REGULAR, _FOLDER = b"0\0007", b"5"
_LINKS, _DEVICES = b"12", b"346"
_LONG_NAME, _LONG_LINK, _PAX, _PAX_OF_ALL = b"L", b"K", b"x", b"g"
_OCTAL = re.compile(rb"[ \0]*([0-7]*)[ \0]*")
_RECORD = re.compile(rb"([1-9][0-9]{0,7}) ")
# What is said for all members must not say what they are called or where they lead.
_OF_ALL = {"comment", "atime", "ctime", "mtime", "uid", "gid", "uname", "gname"}


class Member(NamedTuple):
    """One member: its name, type and size (bytes) as its headers say."""

    name: str
    kind: bytes
    size: int


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Plain:
    """No compression, with the interface of bz2's decompressor."""

    eof, unused_data = False, b""

    def decompress(self, data: bytes, _: int, /) -> bytes:
        return data


class _Gzip:
    """Gzip with the interface of bz2's decompressor."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


class Blocks:
    """The decompressed bytes of a file, read once from the beginning to the end; its compression is told by its head."""

    def __init__(self, file: BinaryIO) -> None:
        """Read `file` from where it is."""
        head = file.read(6)
        file.seek(-len(head), 1)
        self._file = file
        self._left = b""
        self.at = 0
        self._decompressor: _Decompressor = _Plain()
        if head[:2] == b"\x1f\x8b":
            self._decompressor = _Gzip()
        elif head[:3] == b"BZh":
            self._decompressor = bz2.BZ2Decompressor()
        elif head == b"\xfd7zXZ\0" or head[:3] == b"\x5d\0\0":
            self._decompressor = lzma.LZMADecompressor(memlimit=_MOST_OF_XZ)

    def read(self, length: int) -> bytes:
        """Return the next bytes, fewer only at the end; raises BrokenError for what follows the compressed stream."""
        while len(self._left) < length and (more := self._more()):
            self._left += more
        found, self._left = self._left[:length], self._left[length:]
        self.at += len(found)
        return found

    def skip(self, length: int) -> bool:
        """Pass over bytes; return whether there were so many."""
        while length and (found := self.read(min(length, _CHUNK))):
            length -= len(found)
        return not length

    def _more(self) -> bytes:
        while not self._decompressor.eof:
            data = self._file.read(_CHUNK >> 4)
            found = self._decompressor.decompress(data, _CHUNK)
            if found:
                return found
            if not data:
                break
        if self._decompressor.eof and (self._decompressor.unused_data or self._file.read(1)):
            text = "there is more behind the end of what is compressed, which only some readers read"
            raise BrokenError(text)
        if not isinstance(self._decompressor, _Plain) and not self._decompressor.eof:
            text = "what is compressed ends too early"
            raise BrokenError(text)
        return b""


def members(path: Path) -> Iterator[Member]:
    """Yield the members of a tar archive, each before its data is read.

    Raises BrokenError where readers would differ, tarfile.ReadError for what is too short, OSError, and zlib.error or
    lzma.LZMAError.
    """
    with path.open("rb") as file:
        yield from _Walk(Blocks(file)).members()


class _Walk:
    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        # What the headers before a member say of it, by kind of header.
        self.names: dict[bytes, str] = {}
        self.records: dict[str, str] = {}
        self.kinds: set[bytes] = set()

    def members(self) -> Iterator[Member]:
        while True:
            at = self.blocks.at
            block = self.blocks.read(BLOCK)
            if block == _EMPTY:
                return self._end(at)
            if len(block) < BLOCK and not at:
                text = "truncated header" if block else "empty file"
                raise tarfile.ReadError(text)
            if len(block) < BLOCK:
                text = f"it ends at byte {at + len(block)}, without the two empty blocks that end a tar archive"
                raise BrokenError(text)
            kind, size, style = _header(block, at)
            if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_OF_ALL):
                self._extended(kind, size, at)
                continue
            member = self._member(block, kind, size, style, at)
            yield member
            if not self.blocks.skip(-member.size % BLOCK + member.size):
                text = f"{member.name!r}: the archive ends inside of it"
                raise BrokenError(text)
            self.names, self.records, self.kinds = {}, {}, set()

    def _end(self, at: int) -> None:
        if self.kinds:
            text = f"the header before byte {at} belongs to no member"
            raise BrokenError(text)
        if self.blocks.read(BLOCK) != _EMPTY:
            text = f"only one empty block ends it, at byte {at}"
            raise BrokenError(text)
        while rest := self.blocks.read(_CHUNK):
            if rest.strip(b"\0"):
                text = f"there is more behind its end at byte {at}, which only some readers read"
                raise BrokenError(text)

    def _extended(self, kind: bytes, size: int, at: int) -> None:
        if size > _MOST_OF_A_HEADER:
            text = f"a header of {size} bytes, where at most {_MOST_OF_A_HEADER} are accepted"
            raise BrokenError(text)
        data = self.blocks.read(-size % BLOCK + size)
        if len(data) < size:
            text = f"it ends inside the header at byte {at}"
            raise BrokenError(text)
        data = data[:size]
        # Of several for one member, readers take different ones.
        if kind in self.kinds or (kind == _PAX and self.names) or (kind in b"LK" and self.records):
            text = f"the header at byte {at} says again what one before it says"
            raise BrokenError(text)
        if kind in (_LONG_NAME, _LONG_LINK):
            name, end, rest = data.partition(b"\0")
            if not end or rest.strip(b"\0"):
                text = f"the long name at byte {at} is not one name"
                raise BrokenError(text)
            self.names[kind] = _text(name, at)
        else:
            records = _records(data, at)
            if kind == _PAX_OF_ALL and (odd := records.keys() - _OF_ALL):
                text = f"the header at byte {at} says the {min(odd)!r} of all members"
                raise BrokenError(text)
            if kind == _PAX:
                self.records = records
        if kind != _PAX_OF_ALL:
            self.kinds.add(kind)

    def _member(self, block: bytes, kind: bytes, size: int, style: str, at: int) -> Member:
        name = _text(block[:100].partition(b"\0")[0], at)
        prefix = block[345:500].partition(b"\0")[0]
        if prefix and style != "pax":
            text = f"the header at byte {at} has what some readers take for a part of its name"
            raise BrokenError(text)
        name = f"{_text(prefix, at)}/{name}" if prefix else name
        name = self.names.get(_LONG_NAME, self.records.get("path", name))
        if odd := next((key for key in self.records if key.startswith("GNU.sparse") or key == "hdrcharset"), None):
            text = f"{name!r}: its header has {odd}, which only some readers know"
            raise BrokenError(text)
        if "size" in self.records:
            if not re.fullmatch(r"[0-9]{1,18}", self.records["size"]):
                text = f"{name!r}: its size is {self.records['size']!r}"
                raise BrokenError(text)
            size = int(self.records["size"])
        # Old archives have folders so.
        if kind in _REGULAR and name.endswith("/"):
            if kind != b"\0" or self.kinds:
                text = f"{name!r}: a file with the name of a folder"
                raise BrokenError(text)
            kind = _FOLDER
        if kind not in _REGULAR and size:
            what = "a link" if kind in _LINKS else "a device" if kind in _DEVICES else "no file"
            text = f"{name!r}: {what if kind != _FOLDER else 'a folder'}, and {size} bytes behind its header"
            raise BrokenError(text)
        return Member(name, kind, size)


def _header(block: bytes, at: int) -> tuple[bytes, int, str]:
    """Return type, size and style of a header."""
    stated = _number(block[148:156])
    # As bytes with a sign, some old programs counted; nearly all headers are ASCII, where there is no difference.
    if stated is None or stated != sum(block[:148]) + 8 * ord(" ") + sum(block[156:]):
        text = f"the header at byte {at} is broken"
        raise BrokenError(text)
    style = _MAGIC.get(block[257:265])
    size = _number(block[124:136])
    if style is None or size is None or any(_number(block[start:end]) is None for start, end in _NUMBERS):
        text = f"the header at byte {at} is none of a known kind"
        raise BrokenError(text)
    return block[156:157], size, style


# Of mode, owner, group and date; one that cannot be read ends the archive for some readers.
_NUMBERS = ((100, 108), (108, 116), (116, 124), (136, 148))


def _number(data: bytes) -> int | None:
    """Return a number in octal digits, or GNU's way for large ones; None for another form."""
    if data[0] == 0x80:  # noqa: PLR2004 - base 256
        return int.from_bytes(data[1:], "big")
    if data[0] == 0xFF:  # noqa: PLR2004 - base 256, negative: a date before 1970
        return 0
    match = _OCTAL.fullmatch(data)
    return int(match[1] or b"0", 8) if match else None


def _records(data: bytes, at: int) -> dict[str, str]:
    """Return the records of an extended header, "LENGTH KEY=VALUE" and a line feed each."""
    found: dict[str, str] = {}
    place = 0
    while place < len(data):
        match = _RECORD.match(data, place)
        end = place + int(match[1]) if match else 0
        key, equals, value = data[match.end() : end - 1].partition(b"=") if match else (b"", b"", b"")
        if (
            not equals
            or not key
            or end > len(data)
            or data[end - 1 : end] != b"\n"
            or b"\0" in value
            or key.decode("ascii", "replace") in found
        ):
            text = f"the header at byte {at} has a record that cannot be read"
            raise BrokenError(text)
        found[_text(key, at)] = _text(value, at)
        place = end
    return found


def _text(data: bytes, at: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        text = f"the header at byte {at} has {data!r}, which is not UTF-8, so readers understand it differently"
        raise BrokenError(text) from None
