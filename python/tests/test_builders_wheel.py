"""Unpacking a wheel: what is written, what is changed, and what is refused.

Whole derivations: tests/test_errors.py.
"""

import csv
import hashlib
import importlib.util
import io
import marshal
import stat
import sys
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloche.environment import wheel

SITE = "lib/python3.11/site-packages"
INFO = "pkg-1.0.dist-info"


def row(name: str, data: bytes) -> str:
    digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}"


def make(folder: Path, files: dict[str, bytes], executable: tuple[str, ...] = ()) -> Path:
    """Write pkg-1.0-py3-none-any.whl."""
    files = {
        **files,
        f"{INFO}/METADATA": b"Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n",
        f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [*(row(name, data) for name, data in files.items()), f"{INFO}/RECORD,,"]
    path = folder / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**files, f"{INFO}/RECORD": "\n".join(rows).encode()}.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | (0o755 if name in executable else 0o644)) << 16
            archive.writestr(info, data)
    return path


def attributes(path: Path, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - of any type, as in Nix
    return {
        "outputs": {"out": str(path.parent / "out")},
        "source": str(path),
        "file": path.name,
        "sitePackages": SITE,
        "patchelf": "/absent/patchelf",
        "loader": "/absent/loader",
        "libraries": "/absent/libraries",
        "manylinux": ["libdl.so.2"],
        "exclude": [],
        "bytecode": "library",
        "built": None,
        **more,
    }


@pytest.fixture(autouse=True)
def _top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "top").mkdir()
    monkeypatch.setenv("NIX_BUILD_TOP", str(tmp_path / "top"))


def test_each_scheme_goes_to_its_place(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": b"x = 1\n",
        "pkg-1.0.data/scripts/tool": b"#!python\nprint()\n",
        "pkg-1.0.data/data/share/pkg/table.csv": b"1\n",
        "pkg-1.0.data/headers/pkg.h": b"/**/\n",
        "pkg-1.0.data/platlib/other.py": b"",
        f"{INFO}/entry_points.txt": b"[console_scripts]\nrun = pkg:main\n",
    }
    wheel.main(attributes(make(tmp_path, files)))
    out = tmp_path / "out"
    assert (out / "bin/tool").read_text() == "#!/cloche/python\nprint()\n"
    assert (out / "bin/run").read_text().startswith("#!/cloche/python\n")
    assert (out / "share/pkg/table.csv").read_bytes() == b"1\n"
    assert (out / "include/pkg/pkg.h").exists()
    assert (out / SITE / "other.py").exists()
    # The installed RECORD tells the truth about every file.
    for name, digest, size in csv.reader((out / SITE / INFO / "RECORD").read_text().splitlines()):
        data = (out / SITE / name).read_bytes()
        if digest:
            assert f"{name},{digest},{size}" == row(name, data)


def test_byte_code_is_hash_based_and_the_same_each_time(tmp_path: Path) -> None:
    path = make(
        tmp_path, {"pkg/good.py": b"x = 1\n", "pkg/template.py": b"def {{ name }}():\n", "pkg/warns.py": b"'\\d'\n"}
    )
    wheel.main(attributes(path))
    cache = tmp_path / "out" / SITE / "pkg/__pycache__"
    tag = sys.implementation.cache_tag
    assert sorted(file.name for file in cache.iterdir()) == [f"good.{tag}.pyc", f"warns.{tag}.pyc"]
    code = (cache / f"good.{tag}.pyc").read_bytes()
    assert code[:4] == importlib.util.MAGIC_NUMBER
    assert code[4:8] == b"\x01\0\0\0"
    assert marshal.loads(code[16:]).co_filename == str(tmp_path / "out" / SITE / "pkg/good.py")  # noqa: S302 - our own


@pytest.mark.parametrize(("bytecode", "compiled"), [("library", ["a"]), ("all", ["a", "b"])])
def test_byte_code_of_a_packages_own_tests(bytecode: str, compiled: list[str], tmp_path: Path) -> None:
    path = make(tmp_path, {"pkg/a.py": b"", "pkg/tests/b.py": b""})
    wheel.main(attributes(path, bytecode=bytecode))
    assert sorted(file.name.partition(".")[0] for file in (tmp_path / "out").rglob("*.pyc")) == compiled


def test_left_out_files_leave_no_trace(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": b"",
        "pkg/old.py": b"x = 1\n",
        "pkg/sub/a.py": b"",
        "pkg-1.0.data/scripts/tool": b"#!python\n",
    }
    wheel.main(attributes(make(tmp_path, files), exclude=["pkg/old.py", "pkg/sub", "bin/tool"]))
    out = tmp_path / "out"
    assert sorted(str(path.relative_to(out / SITE)) for path in out.rglob("*.py")) == ["pkg/__init__.py"]
    assert not list(out.rglob("old.*.pyc"))
    record = (out / SITE / INFO / "RECORD").read_text()
    assert [name for name in ("old", "sub", "tool") if name in record] == []


def test_executables_get_the_stores_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patchelf = tmp_path / "patchelf"
    # What patchelf itself makes of them is in tests/test_published_wheels.py.
    patchelf.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "if sys.argv[1] == '--print-soname': print('libtool.so' if 'libtool' in sys.argv[-1] else '')\n"
        "else: open(sys.argv[-1], 'ab').write(sys.argv[1].encode())\n"
    )
    patchelf.chmod(0o755)
    monkeypatch.setenv("PATH", "/absent")
    program, library = elf(3), elf(1)
    files = {"pkg/bin/tool": program, "pkg/lib.so": library, "pkg/libtool.so": program}
    path = make(tmp_path, files, executable=tuple(files))
    wheel.main(attributes(path, patchelf=str(patchelf)))
    site = tmp_path / "out" / SITE
    patched = program + b"--add-needed--set-interpreter"
    assert (site / "pkg/bin/tool").read_bytes() == patched
    assert (site / "pkg/lib.so").read_bytes() == library
    # A library that can be started, too (libc.so.6 and Qt's are such), is a library.
    assert (site / "pkg/libtool.so").read_bytes() == program
    record = (site / INFO / "RECORD").read_text().splitlines()
    assert {row("pkg/bin/tool", patched), row("pkg/lib.so", library), row("pkg/libtool.so", program)} <= set(record)


def elf(kind: int) -> bytes:
    """Return the head of a 64-bit ELF file with one program header of this kind."""
    head = bytearray(64)
    head[:6] = b"\x7fELF\x02\x01"
    head[32:40] = (64).to_bytes(8, "little")
    head[54:58] = (56).to_bytes(2, "little") + (1).to_bytes(2, "little")
    return bytes(head) + kind.to_bytes(4, "little") + bytes(52)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (elf(3), True),
        (elf(1), False),
        (b"", False),
        (b"#!/bin/sh\n", False),
        (elf(3)[:63], False),
        (elf(3)[:64], False),
        (b"\x7fELF\x01\x01" + elf(3)[6:], False),
        (elf(3)[:54] + bytes(4) + elf(3)[58:], False),
    ],
)
def test_names_interpreter(data: bytes, expected: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    (tmp_path / "file").write_bytes(data)
    assert wheel.names_interpreter(tmp_path / "file") is expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.0", "1.0", True),
        ("1.0", "1", True),
        ("1.0.0+abc", "1+abc", True),
        ("1.0-rc1", "1.0.rc1", True),
        ("v1.0", "1.0", True),
        ("1.10", "1.1", False),
        ("0.0.0", "1.0", False),
        ("1.0+a", "1.0", False),
    ],
)
def test_same_version(one: str, other: str, same: bool) -> None:  # noqa: FBT001 - a parameter
    assert wheel.same_version(one, other) is same


def test_one_wheel_is_expected_of_a_build(tmp_path: Path) -> None:
    (tmp_path / "built").mkdir()
    with pytest.raises(SystemExit, match=r"pkg.whl: its backend made \[\] where one wheel is expected"):
        wheel.find_wheel(tmp_path / "built", "pkg.whl")


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ({"name": "other", "version": ""}, "it was built from other, but is a wheel of pkg"),
        (
            {"name": "pkg", "version": "2"},
            "it was built from pkg 2, but says that it is 1.0\n  (a version that comes from git",
        ),
    ],
)
def test_built_wheel_must_be_what_was_asked_for(expected: dict[str, str], text: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        wheel.main(attributes(make(tmp_path, {}), built=expected))
    assert text in str(ended.value)
    assert "It was built from source just now; look into its build backend." in str(ended.value)


def test_built_wheel_of_any_version_where_none_is_stated(tmp_path: Path) -> None:
    wheel.main(attributes(make(tmp_path, {}), built={"name": "pkg", "version": ""}))
    assert (tmp_path / "out" / SITE / INFO / "METADATA").exists()


def test_wheel_without_a_record(tmp_path: Path) -> None:
    path = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\n")
    with pytest.raises(SystemExit, match="RECORD: it is not in the archive, so nothing says what"):
        wheel.main(attributes(path))


def test_other_hash_algorithms_are_checked_too(tmp_path: Path) -> None:
    data = b"x = 1\n"
    digest = urlsafe_b64encode(hashlib.sha512(data).digest()).rstrip(b"=").decode()
    for name, content in (("good", data), ("bad", b"x = 2\n")):
        folder = tmp_path / name
        folder.mkdir()
        path = make(folder, {"pkg.py": content})
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
        members[f"{INFO}/RECORD"] = members[f"{INFO}/RECORD"].replace(
            row("pkg.py", content).encode(), f"pkg.py,sha512={digest},6".encode()
        )
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for member, text in members.items():
                archive.writestr(member, text)
        path.write_bytes(buffer.getvalue())
        (tmp_path / "top" / path.name).unlink(missing_ok=True)
        if name == "good":
            wheel.main(attributes(path))
        else:
            with pytest.raises(SystemExit, match=r"pkg\.py: the file does not have RECORD's sha512="):
                wheel.main(attributes(path))


def recorded(folder: Path, files: dict[str, bytes], record: Callable[[str], str]) -> Path:
    """Write a wheel whose RECORD was changed."""
    path = make(folder, files)
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    members[f"{INFO}/RECORD"] = record(members[f"{INFO}/RECORD"].decode()).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            archive.writestr(zipfile.ZipInfo(member), data)
    return path


def refused(path: Path) -> str:
    with pytest.raises(SystemExit) as ended:
        wheel.main(attributes(path))
    assert not (path.parent / "out").exists()
    return str(ended.value).partition("wheel:\n  ")[2].rpartition("\n")[0]


PLAIN = {"pkg.py": b"x = 1\n"}
MD5 = urlsafe_b64encode(hashlib.md5(PLAIN["pkg.py"]).digest()).rstrip(b"=").decode()  # noqa: S324 - it is refused


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda text: text + "\n" + row("pkg.py", b"x = 2\n"), "pkg.py: RECORD has it 2 times"),
        (lambda text: row("pkg.py", PLAIN["pkg.py"]) + "\n" + text, "pkg.py: RECORD has it 2 times"),
        (
            lambda text: text.replace(row("pkg.py", PLAIN["pkg.py"]), f"pkg.py,md5={MD5},6"),
            "pkg.py: RECORD's hash of it is md5; sha256 is the weakest that is accepted",
        ),
        (
            lambda text: text.replace(row("pkg.py", PLAIN["pkg.py"]), "pkg.py,sha1=AAAA,6"),
            "pkg.py: RECORD's hash of it is sha1; sha256 is the weakest that is accepted",
        ),
        (lambda text: text.replace(row("pkg.py", PLAIN["pkg.py"]), "pkg.py,,"), "pkg.py: RECORD has no hash of it"),
    ],
)
def test_records_that_are_refused(change: Callable[[str], str], expected: str, tmp_path: Path) -> None:
    assert refused(recorded(tmp_path, PLAIN, change)) == expected


@pytest.mark.parametrize("good", [True, False])
def test_a_record_in_hexadecimal_is_compared_all_the_same(good: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    """As gmsh's is, and pip and uv install it; what the file must be is said as well as in base64."""
    data = PLAIN["pkg.py"]
    digest = hashlib.sha256(data if good else b"x = 2\n").hexdigest()
    path = recorded(tmp_path, PLAIN, lambda text: text.replace(row("pkg.py", data), f"pkg.py,sha256={digest},6"))
    if good:
        wheel.main(attributes(path))
        assert row("pkg.py", data) in (tmp_path / "out" / SITE / INFO / "RECORD").read_text()
    else:
        with pytest.raises(SystemExit, match=f"pkg.py: RECORD says sha256={digest}, the file has sha256="):
            wheel.main(attributes(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[console_scripts]\n../../evil = pkg:main\n", "the entry point '../../evil' of 'console_scripts': it leads out of bin/"),
        ("[gui_scripts]\n.. = pkg:main\n", "the entry point '..' of 'gui_scripts': it leads out of bin/"),
        ("[console_scripts]\na\\b = pkg:main\n", "the entry point 'a\\\\b' of 'console_scripts': it leads out of bin/"),
        ("[console_scripts]\n-rf = pkg:main\n", "the entry point '-rf' of 'console_scripts': it would be taken for an option"),
        ("[console_scripts]\npython3.11 = pkg:main\n", "the entry point 'python3.11' of 'console_scripts': it is the interpreter's"),
        ("[console_scripts]\na\x1b[2Jb = pkg:main\n", "the entry point 'a\\x1b[2Jb' of 'console_scripts': it has a control character"),
        ("[console_scripts]\ngnp\u202e = pkg:main\n", "the entry point 'gnp\\u202e' of 'console_scripts': it has a control character"),
        (
            "[plugins]\na\x07 = pkg:main\n",
            "the entry point 'a\\x07' of 'plugins': it, its group or what it leads to has a control character, or is no text",
        ),
        (
            "[plugins]\na = pkg\n  b = pkg:main\n",
            "the entry point 'a' of 'plugins': it, its group or what it leads to has a control character, or is no text",
        ),
        (
            "[console_scripts]\nrun = pkg:main(); import os\n",
            "the entry point 'run' of 'console_scripts': 'pkg:main(); import os' is not MODULE:FUNCTION",
        ),
        ("[console_scripts]\nrun = pkg\n", "the entry point 'run' of 'console_scripts': 'pkg' is not MODULE:FUNCTION"),
        (
            "[console_scripts]\nrun = pkg:a\nrun = pkg:b\n",
            "entry_points.txt: While reading from '<string>' [line 3]: option 'run' in section 'console_scripts' already exists",
        ),
    ],
)  # fmt: skip
def test_entry_points_that_are_refused(text: str, expected: str, tmp_path: Path) -> None:
    assert refused(make(tmp_path, {**PLAIN, f"{INFO}/entry_points.txt": text.encode()})) == expected


@pytest.mark.parametrize(
    ("name", "fault"), [("-rf", "it would be taken for an option"), ("python", "it is the interpreter's")]
)
def test_scripts_that_are_refused(name: str, fault: str, tmp_path: Path) -> None:
    data = {**PLAIN, f"pkg-1.0.data/scripts/{name}": b"#!python\n"}
    assert refused(make(tmp_path, data)) == f"the script {name!r}: {fault}"


def test_ordinary_entry_points(tmp_path: Path) -> None:
    text = "[console_scripts]\nf2py = pkg:main\npkg-1.0_x = pkg.a.b : C.main [extra1,extra2]\n[a.b]\nname with blanks = pkg\n50% = x\n"
    data = {**PLAIN, f"{INFO}/entry_points.txt": text.encode(), "pkg-1.0.data/scripts/pythonic": b"#!python\n"}
    wheel.main(attributes(make(tmp_path, data)))
    assert sorted(path.name for path in (tmp_path / "out/bin").iterdir()) == ["f2py", "pkg-1.0_x", "pythonic"]
