"""What an archive from a stranger must not be: problems of its names and of a zip archive, found before it is unpacked.

Standard library only, and little of it, since every wheel's derivation asks; tar archives, which only sdists are, have
a module of their own (archive_tar.py). Nothing is written.

Two readers can understand one archive differently: by the central directory or by the headers before each member,
by the first or by the last member of a name, on file systems that tell `a` from `A` and on those that do not. What is
signed, audited or looked at must be what is installed, so an archive that leaves a choice is refused.

Format: PKWARE's APPNOTE.TXT (6.3.10). The case folding is that of the Unicode Standard, section 3.13 (canonical
caseless matching).
"""

import mmap
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from cloche.untrusted.archive_limits import MIB, RATIO, WHEEL, Limit

# How many problems are told; an archive made to deceive can have as many as members.
TOLD = 20
_RATIO_FROM = 64 * MIB  # bytes; below, a ratio says nothing
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x0001, 0x0008, 0x0800
_NEWEST = 63  # the format's version, times ten
_OTHER_ENCRYPTION = 0x2040  # strong encryption, masked headers
_USUAL = 0x0806 | _DESCRIPTOR  # and how hard it was compressed
_METHODS = {0, 8}  # stored, deflated
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075
_TAKEN = {_ZIP64, _UNICODE_PATH}
# What no ordinary name has, in a text of one name per line: control characters, backslashes, empty parts, "." and "..".
_CHUNK = 1 << 16  # bytes
_ODD = re.compile(r"[\0-\x09\x0b-\x1f\x7f\\]|(?:^|/)\.{0,2}(?:/|$)", re.MULTILINE)


class BrokenError(Exception):
    """An archive whose structure cannot be followed any further."""


class _Member(NamedTuple):
    """One entry of the central directory; sizes and offset in bytes."""

    name: str
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int
    # What the member's own header repeats: from the flags to the length of the name.
    common: bytes


def _folded(name: str) -> str:
    """Return what all spellings of a name have in common: upper or lower case, composed or decomposed."""
    if name.isascii():
        return name.lower()
    import unicodedata  # noqa: PLC0415 - nearly all names are ASCII

    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _ordinary(names: list[tuple[str, bool]], limit: Limit) -> bool:
    """Return whether a few operations on all names at once show that none has a problem: the usual case, and quick."""
    paths = [name.removesuffix("/") if is_folder else name for name, is_folder in names]
    text = "\n".join(paths)
    if not text.isascii() or text.count("\n") != len(paths) - 1 or _ODD.search(text):
        return False
    files = {path for path, (_, is_folder) in zip(paths, names, strict=True) if not is_folder}
    folders = {path for path, (_, is_folder) in zip(paths, names, strict=True) if is_folder}
    level = {path.rpartition("/")[0] for path in paths} - {""}
    for _ in range(limit.depth - 1):
        folders |= level
        level = {path.rpartition("/")[0] for path in level} - {""}
        if not level:
            break
    every = files | folders
    return (
        not level
        and len(files) == sum(not is_folder for _, is_folder in names)
        and len(every) == len(files) + len(folders)
        and len({path.lower() for path in every}) == len(every)
    )


def check_names(names: Iterable[tuple[str, bool]], place: str, limit: Limit) -> list[str]:
    """Return the problems of member names; each comes with whether it is a folder.

    `place` is where the archive will be unpacked, for messages. A name is refused that would be written elsewhere, that
    stands twice, that is a file and a folder, or that differs from another (or a folder from another folder) only by
    upper and lower case or by how a letter is composed.
    """
    names = list(names)
    if _ordinary(names, limit):
        return []
    problems: list[str] = []
    files: dict[str, int] = {}
    # Of every file and folder, by how all its spellings look.
    spellings: dict[str, str] = {}
    folders: set[str] = set()

    def spell(path: str) -> None:
        first = spellings.setdefault(_folded(path), path)
        if first != path:
            problems.append(
                f"{path!r} and {first!r} differ only by upper and lower case or by composed letters, so some file "
                "systems hold only one of them"
            )

    def enter(folder: str) -> None:
        while folder and folder not in folders:
            folders.add(folder)
            spell(folder)
            folder = folder.rpartition("/")[0]

    for name, is_folder in names:
        path = name.removesuffix("/") if is_folder else name
        if fault := _fault(name, path, place, limit):
            problems.append(f"{name[:200]!r}: {fault}")
        elif is_folder:
            enter(path)
        else:
            files[path] = files.get(path, 0) + 1
            if files[path] == 1:
                spell(path)
            enter(path.rpartition("/")[0])
    problems += [f"{name}: the archive has it {count} times" for name, count in files.items() if count > 1]
    problems += [f"{name}: it is a file and a folder" for name in sorted(files.keys() & folders)]
    return problems


def _fault(name: str, path: str, place: str, limit: Limit) -> str:
    """Return what is wrong with one member's name, seen by itself."""
    parts = path.split("/")
    if name.startswith("/") or "\\" in name or "\0" in name or ".." in parts:
        return f"it would be written outside of the {place}"
    if "" in parts or "." in parts:
        return "not the plain path of a file"
    if not name.isprintable():
        return "the name has a control character"
    if len(parts) > limit.depth:
        return f"it is more than {limit.depth} folders deep"
    return ""


def told(problems: list[str]) -> list[str]:
    """Return the first of many problems, and how many more there are."""
    if len(problems) <= TOLD:
        return problems
    return [*problems[:TOLD], f"... and {len(problems) - TOLD} more"]


def check_sizes(total: int, packed: int, limit: Limit) -> list[str]:
    """Return what speaks against an archive of `packed` bytes that has `total` ones when unpacked."""
    if total > limit.bytes:
        return [f"unpacked it has {total} bytes, where at most {limit.bytes} are accepted"]
    if total > _RATIO_FROM and total > RATIO * packed:
        return [
            f"unpacked it has {total} bytes, more than {RATIO} times its own {packed}; this is made to exhaust a machine"
        ]
    return []


def check_zip(path: str | os.PathLike[str], limit: Limit = WHEEL, place: str = "environment") -> list[str]:
    """Return what speaks against unpacking a zip archive, one line each; an empty list when nothing does.

    `place` is where it would be unpacked, for messages. Raises OSError when the file cannot be read.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < _END.size:
            return [f"it is no zip archive: {size} bytes are too few"]
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return told(_check_zip(data, size, limit, place))
            except BrokenError as error:
                return [str(error)]


def _check_zip(data: mmap.mmap, size: int, limit: Limit, place: str) -> list[str]:
    start, end, count = _directory(data, size)
    if count > limit.members:
        text = f"it has {count} members, where at most {limit.members} are accepted"
        raise BrokenError(text)
    members = list(_central(data, start, end, count))
    problems = check_names(((member.name, member.name.endswith("/")) for member in members), place, limit)
    for member in members:
        if (
            member.method not in _METHODS
            or member.flags & ~_USUAL
            or not stat.S_ISREG(member.mode)
            or not member.method
        ):
            problems += _kind(member)
    problems += check_sizes(sum(member.size for member in members), size, limit)
    return problems + _layout(data, members, start)


def _directory(data: mmap.mmap, size: int) -> tuple[int, int, int]:
    """Return where the central directory begins and ends, and how many entries it has."""
    at = data.rfind(b"PK\5\6", max(0, size - _END.size - _FULL16))
    if at < 0 or at + _END.size > size:
        text = "it is no zip archive: there is no end record"
        raise BrokenError(text)
    _, disk, first, here, count, length, start, comment = _END.unpack_from(data, at)
    if at + _END.size + comment != size:
        text = f"there are {size - at - _END.size - comment} bytes behind the archive's end"
        raise BrokenError(text)
    end = at
    if data[max(0, at - _LOCATOR.size) : at][:4] == b"PK\6\7":
        _, disk64, end, disks = _LOCATOR.unpack_from(data, at - _LOCATOR.size)
        if end + _END64.size > at or data[end : end + 4] != b"PK\6\6":
            text = "its zip64 end record is not where the locator says"
            raise BrokenError(text)
        _, record, _, _, _, _, here64, count64, length64, start64 = _END64.unpack_from(data, end)
        wide = (here64, count64, length64, start64)
        narrow = ((here, _FULL16), (count, _FULL16), (length, _FULL32), (start, _FULL32))
        differ = any(small not in (big, full) for big, (small, full) in zip(wide, narrow, strict=True))
        if differ or end + 12 + record != at - _LOCATOR.size or disk64 or disks > 1:
            text = "its two end records (zip and zip64) do not agree"
            raise BrokenError(text)
        here, count, length, start = wide
    elif _FULL32 in (length, start):
        text = "its zip64 end record is missing"
        raise BrokenError(text)
    if disk or first or here != count:
        text = "it is a part of an archive of several parts"
        raise BrokenError(text)
    if start + length != end:
        text = "its central directory is not where its end record says"
        raise BrokenError(text)
    if data.find(b"PK\5\6", end, size) != at:
        text = "it has two end records, so readers find different archives in it"
        raise BrokenError(text)
    return start, end, count


def _central(data: mmap.mmap, at: int, end: int, count: int) -> Iterator[_Member]:
    """Yield the entries of the central directory."""
    for number in range(count):
        if at + _CENTRAL.size > end or data[at : at + 4] != b"PK\1\2":
            text = f"its central directory ends after {number} of {count} entries"
            raise BrokenError(text)
        fields = _CENTRAL.unpack_from(data, at)
        _, _, needed, flags, method, _, _, crc, packed, size, of_name, of_extra, of_comment, _, _, outer, offset = (
            fields
        )
        if needed & 0xFF > _NEWEST:
            text = f"it needs version {(needed & 0xFF) / 10} of the zip format, where at most {_NEWEST / 10} is read"
            raise BrokenError(text)
        common = data[at + 8 : at + 30]
        at += _CENTRAL.size
        raw = data[at : at + of_name]
        extra = data[at + of_name : at + of_name + of_extra]
        at += of_name + of_extra + of_comment
        if at > end:
            text = f"its central directory ends inside entry {number + 1} of {count}"
            raise BrokenError(text)
        if extra:
            size, packed, offset = _extra(raw, extra, (size, packed, offset))
        yield _Member(_text(raw, flags), raw, flags, method, crc, packed, size, offset, outer >> 16, common)
    if at != end:
        text = f"its central directory has {end - at} bytes behind its last entry"
        raise BrokenError(text)


def _text(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        text = f"{raw!r}: the name is neither ASCII nor marked as UTF-8, so readers understand it differently"
        raise BrokenError(text) from None


def _extra(raw: bytes, extra: bytes, wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Return sizes and offset with those taken from the zip64 field that the header leaves to it."""
    at = 0
    seen: set[int] = set()
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        body = extra[at + 4 : at + 4 + length]
        if len(body) < length:
            text = f"{raw!r}: an extra field ends too early"
            raise BrokenError(text)
        if kind == _UNICODE_PATH and body[5:] != raw:
            text = f"{raw!r}: an extra field gives it another name, {body[5:]!r}"
            raise BrokenError(text)
        if kind in seen:
            text = f"{raw!r}: it has two extra fields of the kind {kind:#06x}, and readers take either"
            raise BrokenError(text)
        if kind in _TAKEN:
            seen.add(kind)
        if kind == _ZIP64:
            wide = iter(struct.unpack(f"<{length // 8}Q", body[: length // 8 * 8]))
            wanted = tuple(next(wide, value) if value == _FULL32 else value for value in wanted)
            if any(value not in wanted for value in wide):
                text = f"{raw!r}: an extra field gives it another size or place than its header"
                raise BrokenError(text)
        at += 4 + length
    return wanted


def _kind(member: _Member) -> list[str]:
    """Return what speaks against one member by itself."""
    problems = []
    kind = stat.S_IFMT(member.mode)
    folder = member.name.endswith("/")
    if kind == stat.S_IFLNK:
        problems.append(f"{member.name!r}: a symbolic link")
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR and not folder):
        problems.append(f"{member.name!r}: its mode {member.mode:o} is not that of a file")
    if member.flags & (_ENCRYPTED | _OTHER_ENCRYPTION):
        problems.append(f"{member.name!r}: it is encrypted")
    elif member.flags & ~_USUAL:
        problems.append(f"{member.name!r}: its flags {member.flags:#06x} ask for what is not read")
    if member.method not in _METHODS:
        problems.append(
            f"{member.name!r}: compression method {member.method}, where only stored (0) and deflated (8) are read"
        )
    elif member.method == 0 and member.packed != member.size:
        problems.append(f"{member.name!r}: stored, but its two sizes are {member.packed} and {member.size}")
    if folder and member.size:
        problems.append(f"{member.name!r}: a folder with {member.size} bytes of its own")
    return problems


def _layout(data: mmap.mmap, members: list[_Member], directory: int) -> list[str]:
    """Compare each member's own header with the central directory, and account for every byte before that."""
    problems = []
    at = 0
    members = sorted(members, key=lambda member: member.offset)
    offsets = [*(member.offset for member in members), directory]
    for number, member in enumerate(members):
        name = member.name
        if member.offset != at:
            where = f"{at - member.offset} bytes of it belong to another member too"
            problems.append(
                f"{name!r}: "
                + (where if member.offset < at else f"{member.offset - at} bytes before it belong to no member")
            )
        if member.offset + _LOCAL.size > directory or data[member.offset : member.offset + 4] != b"PK\3\4":
            return [*problems, f"{name!r}: there is no header where the central directory says"]
        head = data[member.offset : member.offset + _LOCAL.size + len(member.raw)]
        # Nearly all headers are the same word for word, without a field of their own.
        if head[6:28] == member.common and head[28:] == b"\0\0" + member.raw and not member.flags & _DESCRIPTOR:
            at = member.offset + len(head) + member.packed
            continue
        _, _, flags, method, _, _, crc, packed, size, of_name, of_extra = _LOCAL.unpack_from(data, member.offset)
        at = member.offset + _LOCAL.size
        raw = data[at : at + of_name]
        if of_extra:
            size, packed = _extra(raw, data[at + of_name : at + of_name + of_extra], (size, packed))
        at += of_name + of_extra + member.packed
        differ = [
            word
            for word, one, other in (
                ("name", raw, member.raw),
                ("flags", flags, member.flags),
                ("method", method, member.method),
            )
            if one != other
        ]
        later = flags & _DESCRIPTOR
        # With a data descriptor the header may leave these empty.
        differ += [
            word
            for word, one, other in (
                ("checksum", crc, member.crc),
                ("packed size", packed, member.packed),
                ("size", size, member.size),
            )
            if one != other and not (later and one in (0, _FULL32))
        ]
        if differ:
            problems.append(
                f"{name!r}: its own header and the central directory do not agree about {', '.join(differ)}"
            )
        if later:
            length = offsets[number + 1] - at
            problems += _descriptor(data, at, length, member)
            at += max(length, 0)
    if at != directory:
        problems.append(
            f"{directory - at} bytes before the central directory belong to no member"
            if at < directory
            else "its last member reaches into the central directory"
        )
    return problems


def _descriptor(data: mmap.mmap, at: int, length: int, member: _Member) -> list[str]:
    """Return what speaks against the data descriptor of `length` bytes behind a member's data."""
    problems = []
    # Who reads from the beginning to the end looks for it where the compressed data ends.
    if member.method and not _ends(data, at - member.packed, member.packed):
        problems.append(f"{member.name!r}: its compressed data does not end where the central directory says")
    if not _describes(data[at : at + length] if 0 < length <= 24 else b"", member):  # noqa: PLR2004 - the longest
        problems.append(f"{member.name!r}: the data descriptor behind it and the central directory do not agree")
    return problems


def _ends(data: mmap.mmap, at: int, packed: int) -> bool:
    """Return whether deflated data has its end at the end of these bytes, and not before."""
    inflater = zlib.decompressobj(wbits=-15)
    try:
        for start in range(at, at + packed, _CHUNK):
            tail = data[start : min(start + _CHUNK, at + packed)]
            while tail and not inflater.eof:
                inflater.decompress(tail, MIB)
                tail = inflater.unconsumed_tail
            if inflater.eof:
                return not inflater.unused_data and start + _CHUNK >= at + packed
    except zlib.error:
        return False
    return False


def _describes(descriptor: bytes, member: _Member) -> bool:
    """Return whether a data descriptor (with or without its signature, of either width) is that of the member."""
    forms = [
        struct.pack(form, member.crc, member.packed, member.size)
        for form in ("<LQQ", *(("<3L",) if max(member.packed, member.size) <= _FULL32 else ()))
    ]
    return any(descriptor in (form, b"PK\7\x08" + form) for form in forms)
