"""Archives made to deceive: each is refused with a reason, and ordinary ones are not.

Whole derivations: tests/test_attacks.py.
"""

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.untrusted import archive, tar_blocks
from cloche.untrusted.archive import check_names, check_zip
from cloche.untrusted.archive_tar import check_tar
from cloche.untrusted.limits import WHEEL, Limit


def zipped(names: list[str], mode: int = stat.S_IFREG | 0o644, data: bytes = b"x", method: int = 0) -> bytes:
    """Return a zip archive with members of these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as target:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = method
            target.writestr(info, b"" if name.endswith("/") else data)
    return buffer.getvalue()


def problems(data: bytes, folder: Path, limit: Limit = WHEEL) -> list[str]:
    path = folder / "x.whl"
    path.write_bytes(data)
    found = check_zip(path, limit)
    assert path.read_bytes() == data
    assert [entry.name for entry in folder.iterdir()] == ["x.whl"]
    return found


def altered(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


# Of the only member of `zipped(["name"])`: its own header is at 0, and its one byte of data before the directory.
LOCAL, CENTRAL = 0, 30 + 4 + 1
ONE = zipped(["name"])
END = len(ONE) - 22


class Unseekable(io.RawIOBase):
    """What a zip archive is streamed into: its writer can't come back to a header, so it uses data descriptors."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:  # noqa: D102 - as in io.RawIOBase
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401, D102 - as in io.RawIOBase
        self.data += bytes(data)
        return len(bytes(data))


def streamed(*, wide: bool = False) -> bytes:
    target = Unseekable()
    with zipfile.ZipFile(target, "w") as file:
        for name in ("a.py", "b.py"):
            with file.open(name, "w", force_zip64=wide) as member:
                member.write(b"x = 1\n" * 100)
    return target.data


def test_ordinary_archives(tmp_path: Path) -> None:
    names = [
        "pkg/",
        "pkg/__init__.py",
        "pkg/data/a.csv",
        "pkg-1.0.dist-info/RECORD",
        ".hidden",
        "a..b",
        "..a",
        "grüße.py",
    ]
    assert problems(zipped(names, data=bytes(1000), method=8), tmp_path) == []
    assert problems(zipped([]), tmp_path) == []
    assert problems(ONE, tmp_path) == []
    assert problems(zipped(["pkg/sub/"]), tmp_path) == []


@pytest.mark.parametrize("wide", [False, True])
def test_ordinary_streamed_archives(wide: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    data = streamed(wide=wide)
    assert problems(data, tmp_path) == []
    descriptor = data.index(b"PK\7\x08")
    without = data.replace(b"PK\7\x08", b"", 1)
    assert problems(altered(data, descriptor + 4, b"\0\0\0\0"), tmp_path) == [
        "'a.py': the data descriptor behind it and the central directory do not agree"
    ]
    # Its signature is optional, but what comes after it has then moved.
    assert "its central directory is not where its end record says" in problems(without, tmp_path)


def test_ordinary_archives_with_the_wide_end_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    data = zipped(["a", "b"])
    assert data.count(b"PK\6\6") == 1
    assert problems(data, tmp_path) == []
    place = data.index(b"PK\6\6")
    # 24 and 32: the number of entries; 48: where the directory begins.
    for at in (24, 32, 48):
        assert problems(altered(data, place + at, b"\1"), tmp_path) != []


SPELLINGS = "differ only by upper and lower case or by composed letters, so some file systems hold only one of them"
OUTSIDE = "it would be written outside of the environment"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["../above.py"], [f"'../above.py': {OUTSIDE}"]),
        (["a/../../above.py"], [f"'a/../../above.py': {OUTSIDE}"]),
        (["a/.."], [f"'a/..': {OUTSIDE}"]),
        (["/etc/passwd"], [f"'/etc/passwd': {OUTSIDE}"]),
        (["//host/share"], [f"'//host/share': {OUTSIDE}"]),
        (["..\\above.py"], [f"'..\\\\above.py': {OUTSIDE}"]),
        (["C:\\x.py"], [f"'C:\\\\x.py': {OUTSIDE}"]),
        (["../"], [f"'../': {OUTSIDE}"]),
        (["a//b"], ["'a//b': not the plain path of a file"]),
        (["./a"], ["'./a': not the plain path of a file"]),
        (["a/./b"], ["'a/./b': not the plain path of a file"]),
        (["a\nb"], ["'a\\nb': the name has a control character"]),
        (["a\x1b[2Jb"], ["'a\\x1b[2Jb': the name has a control character"]),
        (["gnp\u202e.py"], ["'gnp\\u202e.py': the name has a control character"]),
        (["a", "a"], ["a: the archive has it 2 times"]),
        (["a/b", "a/b", "a/b"], ["a/b: the archive has it 3 times"]),
        (["a", "a/b"], ["a: it is a file and a folder"]),
        (["a/", "a"], ["a: it is a file and a folder"]),
        (["a.py", "A.py"], [f"'A.py' and 'a.py' {SPELLINGS}"]),
        (["pkg/a.py", "Pkg/b.py"], [f"'Pkg' and 'pkg' {SPELLINGS}"]),
        (["pkg/", "PKG/"], [f"'PKG' and 'pkg' {SPELLINGS}"]),
        (["stra\N{LATIN SMALL LETTER SHARP S}e.py", "strasse.py"], [f"'strasse.py' and 'stra\N{LATIN SMALL LETTER SHARP S}e.py' {SPELLINGS}"]),
        (["\xe9.py", "e\u0301.py"], [f"'e\u0301.py' and '\xe9.py' {SPELLINGS}"]),
        (["\xe9/a.py", "e\u0301/b.py"], [f"'e\u0301' and '\xe9' {SPELLINGS}"]),
        # The Kelvin sign.
        (["\u212a.py", "k.py"], [f"'k.py' and '\u212a.py' {SPELLINGS}"]),
        (["/".join("a" * 65)], [f"{'/'.join('a' * 65)!r}: it is more than 64 folders deep"]),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_refused(names: list[str], expected: list[str], tmp_path: Path) -> None:
    assert problems(zipped(names), tmp_path) == expected


def test_a_name_with_a_nul_is_read_to_its_end(tmp_path: Path) -> None:
    """Python's own reader cuts it off there, so the name looks like another."""
    data = zipped(["aXpy"]).replace(b"aXpy", b"a\0py")
    assert problems(data, tmp_path) == [f"'a\\x00py': {OUTSIDE}"]


def test_a_name_that_is_neither_ascii_nor_utf_8(tmp_path: Path) -> None:
    data = ONE.replace(b"name", b"n\xe9me")
    text = "b'n\\xe9me': the name is neither ASCII nor marked as UTF-8, so readers understand it differently"
    assert problems(data, tmp_path) == [text]
    # Marked, but not so.
    marked = altered(altered(data, LOCAL + 6, b"\0\x08"), CENTRAL + 8, b"\0\x08")
    assert problems(marked, tmp_path) == [text]


NAMES = st.text(alphabet="aA./\\\n\u0301", min_size=1, max_size=6)


@given(st.lists(st.tuples(NAMES, st.booleans()), max_size=6))
def test_the_quick_look_at_names_agrees_with_the_long_one(names: list[tuple[str, bool]]) -> None:
    limit = Limit(bytes=1, depth=2)
    if archive._ordinary(names, limit):  # noqa: SLF001 - what is shown here is that it is right
        quick = archive._ordinary  # noqa: SLF001
        archive._ordinary = lambda *_: False  # noqa: SLF001
        try:
            assert check_names(names, "environment", limit) == []
        finally:
            archive._ordinary = quick  # noqa: SLF001


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (stat.S_IFLNK | 0o777, ["'name': a symbolic link"]),
        (stat.S_IFCHR | 0o666, ["'name': its mode 20666 is not that of a file"]),
        (stat.S_IFIFO | 0o666, ["'name': its mode 10666 is not that of a file"]),
        (stat.S_IFDIR | 0o755, ["'name': its mode 40755 is not that of a file"]),
        (0, []),
        (0o755, []),
    ],
)
def test_members_that_are_no_files(mode: int, expected: list[str], tmp_path: Path) -> None:
    assert problems(zipped(["name"], mode), tmp_path) == expected


DISAGREE = "'name': its own header and the central directory do not agree about"


@pytest.mark.parametrize(
    ("at", "new", "what"),
    [
        (LOCAL + 30, b"evil", "name"),
        (CENTRAL + 46, b"evil", "name"),
        (LOCAL + 6, b"\2\0", "flags"),
        (LOCAL + 8, b"\x08\0", "method"),
        (LOCAL + 14, b"\1\2\3\4", "checksum"),
        (LOCAL + 18, b"\2\0\0\0", "packed size"),
        (LOCAL + 22, b"\2\0\0\0", "size"),
    ],
)
def test_headers_that_disagree(at: int, new: bytes, what: str, tmp_path: Path) -> None:
    found = problems(altered(ONE, at, new), tmp_path)
    assert [line.rpartition(" about ")[2] for line in found] == [what]
    assert " do not agree about " in found[0]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "it is no zip archive: 0 bytes are too few"),
        (b"x" * 100, "it is no zip archive: there is no end record"),
        (ONE + b"x", "there are 1 bytes behind the archive's end"),
        (ONE + ONE, "its central directory is not where its end record says"),
        (b"#!/bin/sh\n" + ONE, "its central directory is not where its end record says"),
        (altered(ONE, END + 20, b"\x16\0") + ONE[END:], "its central directory is not where its end record says"),
        (altered(ONE, END + 16, b"\0"), "its central directory is not where its end record says"),
        (altered(ONE, END + 16, b"\xff" * 4), "its zip64 end record is missing"),
        (altered(ONE, END + 8, b"\2\0\2\0"), "its central directory ends after 1 of 2 entries"),
        (altered(ONE, END + 8, b"\0\0\0\0"), "its central directory has 50 bytes behind its last entry"),
        (altered(ONE, END + 4, b"\1\0"), "it is a part of an archive of several parts"),
        (altered(ONE, CENTRAL + 28, b"\xff\xff"), "its central directory ends inside entry 1 of 1"),
        (altered(ONE, CENTRAL, b"XXXX"), "its central directory ends after 0 of 1 entries"),
        (altered(ONE, CENTRAL + 42, b"\5"), "'name': 5 bytes before it belong to no member"),
        (altered(ONE, LOCAL, b"XXXX"), "'name': there is no header where the central directory says"),
        (altered(ONE, CENTRAL + 8, b"\1"), "'name': it is encrypted"),
        (altered(ONE, CENTRAL + 8, b"\x20"), "'name': its flags 0x0020 ask for what is not read"),
        (altered(ONE, CENTRAL + 6, b"\x40"), "it needs version 6.4 of the zip format, where at most 6.3 is read"),
        (altered(ONE, CENTRAL + 10, b"\x0e"), "'name': compression method 14, where only stored (0) and deflated (8) are read"),
        (altered(ONE, CENTRAL + 24, b"\2"), "'name': stored, but its two sizes are 1 and 2"),
    ],
)  # fmt: skip
def test_structures_that_are_refused(data: bytes, expected: str, tmp_path: Path) -> None:
    assert expected in problems(data, tmp_path)


def joined(parts: list[bytes], entries: list[tuple[bytes, int]]) -> bytes:
    """Return an archive of these bytes with a directory of (entry without its offset, offset)."""
    body = b"".join(parts)
    directory = b"".join(altered(entry, 42, struct.pack("<L", offset)) for entry, offset in entries)
    return (
        body
        + directory
        + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    )


def test_members_that_overlap_and_bytes_between_them(tmp_path: Path) -> None:
    a, b = zipped(["a"]), zipped(["b"])
    header, entry = a[:32], a[32:-22]
    other, other_entry = b[:32], b[32:-22]
    assert problems(joined([header, other], [(entry, 0), (other_entry, 32)]), tmp_path) == []
    # The order in the directory is free.
    assert problems(joined([header, other], [(other_entry, 32), (entry, 0)]), tmp_path) == []
    assert problems(joined([header, b"hidden", other], [(entry, 0), (other_entry, 38)]), tmp_path) == [
        "'b': 6 bytes before it belong to no member"
    ]
    assert problems(joined([header, other, b"hidden"], [(entry, 0), (other_entry, 32)]), tmp_path) == [
        "6 bytes before the central directory belong to no member"
    ]
    # A member that the directory does not name.
    assert problems(joined([header, other], [(entry, 0)]), tmp_path) == [
        "32 bytes before the central directory belong to no member"
    ]
    twice = problems(joined([header], [(entry, 0), (other_entry, 0)]), tmp_path)
    assert "'b': 32 bytes of it belong to another member too" in twice


def test_an_end_record_inside_another_ones_comment(tmp_path: Path) -> None:
    inner = zipped(["inner"])
    comment = inner
    outer = altered(ONE, END + 20, struct.pack("<H", len(comment))) + comment
    assert problems(outer, tmp_path) != []
    # One that only looks like it.
    short = altered(ONE, END + 20, b"\6\0") + b"xPK\5\6x"
    assert "it is no zip archive: there is no end record" in problems(short, tmp_path)
    words = altered(ONE, END + 20, b"\5\0") + b"words"
    assert problems(words, tmp_path) == []


def test_another_name_in_an_extra_field(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    info = zipfile.ZipInfo("good.py")
    info.extra = struct.pack("<2HBL", 0x7075, 5 + len(b"evil.py"), 1, 0) + b"evil.py"
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr(info, b"")
    assert problems(buffer.getvalue(), tmp_path) == ["b'good.py': an extra field gives it another name, b'evil.py'"]


def test_two_extra_fields_of_a_kind(tmp_path: Path) -> None:
    def archive_with(extra: bytes) -> bytes:
        info = zipfile.ZipInfo("name")
        info.extra = extra
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as target:
            target.writestr(info, b"x")
        return buffer.getvalue()

    same, other = struct.pack("<2HQ", 1, 8, 1), struct.pack("<2HQ", 1, 8, 7)
    assert problems(archive_with(same), tmp_path) == []
    assert problems(archive_with(other), tmp_path) == [
        "b'name': an extra field gives it another size or place than its header"
    ]
    assert problems(archive_with(same + same), tmp_path) == [
        "b'name': it has two extra fields of the kind 0x0001, and readers take either"
    ]


def test_compressed_data_that_ends_before_its_descriptor(tmp_path: Path) -> None:
    """A reader of the stream would look for the next member where the compressed data ends, and find another."""
    target = Unseekable()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file, file.open("a.py", "w") as member:
        member.write(b"x = 1\n" * 100)
    data = target.data
    assert problems(data, tmp_path) == []
    descriptor, central = data.index(b"PK\7\x08"), data.index(b"PK\1\2")
    crc, packed, size = struct.unpack_from("<3L", data, descriptor + 4)
    hidden = struct.pack("<4s3L", b"PK\7\x08", crc, packed, size) + b"hidden"
    longer = packed + len(hidden)
    forged = data[:descriptor] + hidden + struct.pack("<4s3L", b"PK\7\x08", crc, longer, size)
    start = len(forged)
    forged += altered(data[central:-22], 20, struct.pack("<L", longer)) + altered(
        data[-22:], 16, struct.pack("<L", start)
    )
    assert zipfile.ZipFile(io.BytesIO(forged)).read("a.py") == b"x = 1\n" * 100
    assert problems(forged, tmp_path) == ["'a.py': its compressed data does not end where the central directory says"]


def test_limits_of_a_wheel(tmp_path: Path) -> None:
    three = zipped(["a", "b", "c"], data=bytes(10))
    assert problems(three, tmp_path, Limit(bytes=30, members=3)) == []
    assert problems(three, tmp_path, Limit(bytes=29, members=3)) == [
        "unpacked it has 30 bytes, where at most 29 are accepted"
    ]
    assert problems(three, tmp_path, Limit(bytes=30, members=2)) == ["it has 3 members, where at most 2 are accepted"]


def test_an_archive_that_explodes(tmp_path: Path) -> None:
    bomb = zipped(["zeros"], data=bytes(65 << 20), method=8)
    (text,) = problems(bomb, tmp_path)
    assert text == (
        f"unpacked it has 68157440 bytes, more than 200 times its own {len(bomb)}; this is made to exhaust a machine"
    )
    assert problems(zipped(["zeros"], data=bytes(1 << 20), method=8), tmp_path) == []


def test_only_the_first_of_many_problems_are_told(tmp_path: Path) -> None:
    found = problems(zipped([f"../{number}" for number in range(100)]), tmp_path)
    assert len(found) == 21
    assert found[-1] == "... and 80 more"


@given(st.binary(max_size=200), st.integers(0, len(ONE)), st.integers(0, 20))
def test_no_bytes_make_it_fail_otherwise(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, cut: int
) -> None:
    path = tmp_path_factory.mktemp("noise") / "x.whl"
    path.write_bytes(ONE[:at] + noise + ONE[at + cut :])
    found = check_zip(path)
    assert all(found)


@given(st.lists(st.tuples(st.integers(0, len(ONE) * 2 - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_what_is_accepted_is_read_alike_by_python(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int]]
) -> None:
    """An accepted archive has, for Python's own reader, the same members as for a reader of the headers in turn."""
    data = bytearray(zipped(["name", "other"]))
    for at, value in edits:
        data[at % len(data)] = value
    path = tmp_path_factory.mktemp("edits") / "x.whl"
    path.write_bytes(data)
    if check_zip(path):
        return
    with zipfile.ZipFile(path) as members:
        names = members.namelist()
    at, streamed_names = 0, []
    while data[at : at + 4] == b"PK\3\4":
        packed, _, of_name, of_extra = struct.unpack_from("<2L2H", data, at + 18)
        streamed_names.append(bytes(data[at + 30 : at + 30 + of_name]).decode())
        at += 30 + of_name + of_extra + packed
    assert sorted(names) == sorted(streamed_names)


# --- tar ------------------------------------------------------------------------------------------------------------


Members = list[tarfile.TarInfo | tuple[str, bytes]]


def tar(folder: Path, members: Members, mode: str = "w:gz") -> Path:
    path = folder / "x-1.tar.gz"
    with tarfile.open(path, mode) as target:  # type: ignore[call-overload]
        for member in members:
            if isinstance(member, tuple):
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                target.addfile(info, io.BytesIO(member[1]))
            else:
                target.addfile(member)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


FOLDER = special("x-1", tarfile.DIRTYPE)
FILE = ("x-1/a.py", b"x = 1\n")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_ordinary_sdists(mode: str, tmp_path: Path) -> None:
    members: Members = [
        FOLDER,
        FILE,
        ("x-1/" + "long/" * 40 + "name.py", b""),
        special("x-1/link", tarfile.SYMTYPE, "a.py"),
        special("x-1/sub/link", tarfile.SYMTYPE, "../a.py"),
        special("x-1/self", tarfile.SYMTYPE, "."),
        special("x-1/hard", tarfile.LNKTYPE, "x-1/a.py"),
    ]
    assert check_tar(tar(tmp_path, members, mode)) == []
    dotted: Members = [special(".", tarfile.DIRTYPE), special("./x-1", tarfile.DIRTYPE), ("./x-1/a.py", b"")]
    assert check_tar(tar(tmp_path, dotted, mode)) == []


BUILD = "it would be written outside of the build folder"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([("../evil", b"")], [f"'../evil': {BUILD}"]),
        ([("x-1/../../evil", b"")], [f"'x-1/../../evil': {BUILD}"]),
        ([("/tmp/evil", b"")], [f"'/tmp/evil': {BUILD}"]),  # noqa: S108 - never written
        ([special("../evil", tarfile.DIRTYPE)], [f"'../evil': {BUILD}"]),
        ([FILE, FILE], ["x-1/a.py: the archive has it 2 times"]),
        ([FILE, ("./x-1/a.py", b"")], ["x-1/a.py: the archive has it 2 times"]),
        ([FILE, ("x-1/A.py", b"")], [f"'x-1/A.py' and 'x-1/a.py' {SPELLINGS}"]),
        ([("x-1/\xe9", b""), ("x-1/e\u0301", b"")], [f"'x-1/e\u0301' and 'x-1/\xe9' {SPELLINGS}"]),
        ([special("x-1/l", tarfile.SYMTYPE, "/etc/passwd")], ["'x-1/l': a symbolic link to '/etc/passwd', outside of the build folder"]),
        ([special("x-1/l", tarfile.SYMTYPE, "../../x")], ["'x-1/l': a symbolic link to '../../x', outside of the build folder"]),
        ([special("x-1/l", tarfile.SYMTYPE, "l")], ["'x-1/l': a symbolic link to 'l', outside of the build folder"]),
        (
            [special("x-1/d", tarfile.SYMTYPE, ".."), special("x-1/l", tarfile.SYMTYPE, "d/../x")],
            ["'x-1/l': a symbolic link to 'd/../x', outside of the build folder"],
        ),
        (
            [special("x-1/d", tarfile.SYMTYPE, "sub"), ("x-1/d/a.py", b"")],
            ["x-1/d: it is a file and a folder", "'x-1/d/a.py': it would be written through the symbolic link 'x-1/d'"],
        ),
        ([special("x-1/h", tarfile.LNKTYPE, "../../etc/passwd")], ["'x-1/h': a hard link to '../../etc/passwd', which is no file before it"]),
        ([special("x-1/h", tarfile.LNKTYPE, "x-1/a.py"), FILE], ["'x-1/h': a hard link to 'x-1/a.py', which is no file before it"]),
        ([special("x-1/null", tarfile.CHRTYPE)], ["'x-1/null': neither a file nor a folder; an sdist holds no devices"]),
        ([special("x-1/pipe", tarfile.FIFOTYPE)], ["'x-1/pipe': neither a file nor a folder; an sdist holds no devices"]),
    ],
)  # fmt: skip
def test_sdists_that_are_refused(members: Members, expected: list[str], tmp_path: Path) -> None:
    path = tar(tmp_path, members)
    assert check_tar(path) == expected
    assert list(tmp_path.iterdir()) == [path]


def test_limits_of_an_sdist(tmp_path: Path) -> None:
    path = tar(tmp_path, [("x-1/a", bytes(10)), ("x-1/b", bytes(10))])
    assert check_tar(path, Limit(bytes=20, members=2)) == []
    assert check_tar(path, Limit(bytes=19, members=2)) == ["unpacked it has 20 bytes, where at most 19 are accepted"]
    assert check_tar(path, Limit(bytes=20, members=1)) == ["it has more than 1 members, the most that are accepted"]
    bomb = tar(tmp_path, [("x-1/zeros", bytes(65 << 20))])
    assert "this is made to exhaust a machine" in check_tar(bomb)[0]


def test_a_header_that_would_fill_the_memory(tmp_path: Path) -> None:
    """What a name or an extended header says of its own length is read at once, before any member is seen."""
    header = special("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    header.size = 2 << 20
    path = tmp_path / "x-1.tar"
    path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert check_tar(path) == ["a header of 2097152 bytes, where at most 1048576 are accepted"]


# --- what readers of tar understand differently ----------------------------------------------------------------------

END_OF_TAR = bytes(1024)


def record(key: str, value: str) -> bytes:
    """Return one record of a pax header."""
    body = f" {key}={value}\n".encode()
    length = len(body) + len(str(len(body)))
    return f"{length if len(str(length)) == len(str(len(body))) else length + 1}".encode() + body


def raw(
    name: str,
    data: bytes = b"",
    kind: bytes = b"0",
    *,
    style: Literal[0, 1, 2] = tarfile.USTAR_FORMAT,
    linkname: str = "",
) -> bytes:
    """Return one member: header, data and padding."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(data), linkname
    return info.tobuf(style) + data + bytes(-len(data) % 512)


def patched(header: bytes, at: int, new: bytes) -> bytes:
    """Return a header with other bytes in one place, and the right checksum."""
    header = header[:at] + new + header[at + len(new) :]
    total = sum(header[:148]) + 8 * 32 + sum(header[156:512])
    return header[:148] + b"%06o\0 " % total + header[156:]


def extended(*records: bytes, kind: bytes = b"x") -> bytes:
    return raw("pax", b"".join(records), kind)


A, B = raw("x-1/a", b"a"), raw("x-1/b", b"b")
HIDDEN = raw("x-1/hidden", b"h")


def tar_problems(data: bytes, folder: Path) -> list[str]:
    path = folder / "x-1.tar.gz"
    path.write_bytes(data)
    found = check_tar(path)
    assert list(folder.iterdir()) == [path]
    return found


@pytest.mark.parametrize(
    "data",
    [
        A + B,
        A + B + bytes(8192),
        extended(record("comment", "4f1c0ffee"), kind=b"g") + A,
        extended(record("path", "x-1/" + "grüße" * 40), record("mtime", "1700000000.5")) + raw("x-1/short", b"data"),
        extended(record("size", "1")) + patched(raw("x-1/a"), 124, b"00000000000\0") + b"a" + bytes(511),
        raw("././@LongLink", b"x-1/" + b"l" * 200 + b"\0", b"L", style=tarfile.GNU_FORMAT) + A,
        raw("././@LongLink", b"a" * 200 + b"\0", b"K", style=tarfile.GNU_FORMAT)
        + raw("././@LongLink", b"x-1/" + b"l" * 200 + b"\0", b"L", style=tarfile.GNU_FORMAT)
        + raw("x-1/a", b"", b"2", linkname="b"),
        # GNU's way to write numbers that are too large for octal digits, here a small one.
        patched(A, 124, b"\x80" + bytes(10) + b"\1"),
        patched(raw("x-1/old/", b"", b"\0"), 257, bytes(8)),
        patched(raw("x-1/a", b"1"), 136, b"\xff" * 12),
    ],
)
def test_ordinary_headers(data: bytes, tmp_path: Path) -> None:
    assert tar_problems(data + END_OF_TAR, tmp_path) == []
    assert tar_problems(gzip.compress(data + END_OF_TAR), tmp_path) == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # A bad header in the middle: Python ends here, GNU tar goes on with the next one.
        (A + b"\1" * 512 + HIDDEN + END_OF_TAR, "the header at byte 1024 is broken"),
        (A + patched(B, 108, b"no uid!\0") + END_OF_TAR, "the header at byte 1024 is none of a known kind"),
        (A + patched(B, 257, b"USTAR\x0000") + END_OF_TAR, "the header at byte 1024 is none of a known kind"),
        (A + patched(B, 124, b"0o000000001\0") + END_OF_TAR, "the header at byte 1024 is none of a known kind"),
        (A + patched(B, 124, b"-0000000001\0") + END_OF_TAR, "the header at byte 1024 is none of a known kind"),
        # Data behind the header of what has none.
        (A + raw("x-1/l", HIDDEN, b"1", linkname="x-1/a") + END_OF_TAR, "'x-1/l': a link, and 1024 bytes behind its header"),
        (A + raw("x-1/l", HIDDEN, b"2", linkname="a") + END_OF_TAR, "'x-1/l': a link, and 1024 bytes behind its header"),
        (A + raw("x-1/d", HIDDEN, b"5") + END_OF_TAR, "'x-1/d/': a folder, and 1024 bytes behind its header"),
        (A + raw("x-1/d/", HIDDEN, b"\0") + END_OF_TAR, "'x-1/d/': a folder, and 1024 bytes behind its header"),
        (A + raw("x-1/p", HIDDEN, b"6") + END_OF_TAR, "'x-1/p': a device, and 1024 bytes behind its header"),
        (A + raw("x-1/z", HIDDEN, b"Z") + END_OF_TAR, "'x-1/z': no file, and 1024 bytes behind its header"),
        # Behind the end, and before there is one.
        (A + END_OF_TAR + HIDDEN + END_OF_TAR, "there is more behind its end at byte 1024, which only some readers read"),
        (A + bytes(512) + HIDDEN + END_OF_TAR, "only one empty block ends it, at byte 1024"),
        (A + bytes(512), "only one empty block ends it, at byte 1024"),
        (A, "it ends at byte 1024, without the two empty blocks that end a tar archive"),
        (A + B[:100], "it ends at byte 1124, without the two empty blocks that end a tar archive"),
        (A + B[:512], "'x-1/b': the archive ends inside of it"),
        # Two names for one member, and names that only some readers see.
        (
            raw("l", b"x-1/one\0", b"L") + raw("l", b"x-1/two\0", b"L") + A + END_OF_TAR,
            "the header at byte 1024 says again what one before it says",
        ),
        (
            extended(record("path", "x-1/one")) + raw("l", b"x-1/two\0", b"L") + A + END_OF_TAR,
            "the header at byte 1024 says again what one before it says",
        ),
        (
            raw("l", b"x-1/two\0", b"L") + extended(record("path", "x-1/one")) + A + END_OF_TAR,
            "the header at byte 1024 says again what one before it says",
        ),
        (
            extended(record("path", "x-1/one")) + extended(record("path", "x-1/two")) + A + END_OF_TAR,
            "the header at byte 1024 says again what one before it says",
        ),
        (raw("l", b"x-1/one\0../two", b"L") + A + END_OF_TAR, "the long name at byte 0 is not one name"),
        (raw("l", b"x-1/one", b"L") + A + END_OF_TAR, "the long name at byte 0 is not one name"),
        (A + extended(record("path", "x-1/b")) + END_OF_TAR, "the header before byte 2048 belongs to no member"),
        (
            extended(record("path", "x-1/other"), kind=b"g") + A + END_OF_TAR,
            "the header at byte 0 says the 'path' of all members",
        ),
        (extended(record("path", "x-1/a"), record("path", "x-1/b")) + A + END_OF_TAR, "the header at byte 0 has a record that cannot be read"),
        (extended(b"99 path=x-1/b\n") + A + END_OF_TAR, "the header at byte 0 has a record that cannot be read"),
        (extended(record("path", "x-1/b\0c")) + A + END_OF_TAR, "the header at byte 0 has a record that cannot be read"),
        (extended(record("path", "x-1/b"), b"\0\0\0") + A + END_OF_TAR, "the header at byte 0 has a record that cannot be read"),
        (extended(record("path", "x-1/b/")) + A + END_OF_TAR, "'x-1/b/': a file with the name of a folder"),
        (extended(record("size", "0x1")) + A + END_OF_TAR, "'x-1/a': its size is '0x1'"),
        (
            extended(record("GNU.sparse.major", "1")) + A + END_OF_TAR,
            "'x-1/a': its header has GNU.sparse.major, which only some readers know",
        ),
        (
            extended(record("hdrcharset", "BINARY"), record("path", "x-1/b")) + A + END_OF_TAR,
            "'x-1/b': its header has hdrcharset, which only some readers know",
        ),
        (
            patched(patched(A, 257, b"ustar  \0"), 345, b"hidden") + END_OF_TAR,
            "the header at byte 0 has what some readers take for a part of its name",
        ),
        (
            patched(A, 0, b"x-1/\xff") + END_OF_TAR,
            "the header at byte 0 has b'x-1/\\xff', which is not UTF-8, so readers understand it differently",
        ),
        # Some readers of compressed files read the first part of several alone.
        (gzip.compress(A) + gzip.compress(HIDDEN + END_OF_TAR), "there is more behind the end of what is compressed, which only some readers read"),
        (gzip.compress(A + END_OF_TAR) + b"garbage", "there is more behind the end of what is compressed, which only some readers read"),
        (bz2.compress(A) + bz2.compress(HIDDEN + END_OF_TAR), "there is more behind the end of what is compressed, which only some readers read"),
        (lzma.compress(A + END_OF_TAR) + bytes(4), "there is more behind the end of what is compressed, which only some readers read"),
        (gzip.compress(A + END_OF_TAR)[:-9], "what is compressed ends too early"),
    ],
    # The date in what is compressed would be in the tests' names.
    ids=lambda value: value if isinstance(value, str) else "tar",
)  # fmt: skip
def test_where_readers_of_tar_would_differ(data: bytes, expected: str, tmp_path: Path) -> None:
    assert tar_problems(data, tmp_path) == [expected]


def test_what_python_reads_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two readers here are compared, whatever they may differ in."""
    data = A + B + END_OF_TAR
    assert tar_problems(data, tmp_path) == []
    blocks = tar_blocks.members
    monkeypatch.setattr(tar_blocks, "members", lambda path: list(blocks(path))[:1])
    assert tar_problems(data, tmp_path) == [
        "'x-1/b': readers of tar archives differ about this member or the one before it"
    ]


@given(st.binary(max_size=40), st.integers(0, 3 * 512))
def test_no_bytes_of_a_tar_make_it_fail_otherwise(
    tmp_path_factory: pytest.TempPathFactory, new: bytes, at: int
) -> None:
    path = tmp_path_factory.mktemp("tar") / "x-1.tar"
    path.write_bytes(altered(A + B + END_OF_TAR, at, new))
    check_tar(path)
