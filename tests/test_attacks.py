"""Attacks by what is downloaded: archives and locks. Each is refused, and nothing comes into the store.

The cases of the archive check itself are in python/tests/test_archive.py, those of locks in test_hostile_locks.py.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, Ended, nix, run
from flakes import copy
from packages import PythonSet, Wheel, log, sdist

SPELLINGS = "differ only by upper and lower case or by composed letters, so some file systems hold only one of them"


def central(data: bytes, name: bytes) -> int:
    """Return where the central directory's entry of a member begins."""
    return data.rindex(b"PK\1\2", 0, data.rindex(name))


def as_link(data: bytes) -> bytes:
    """Make evil.py a symbolic link: its content is the target."""
    at = central(data, b"evil.py") + 38
    return data[:at] + struct.pack("<L", 0o120777 << 16) + data[at + 4 :]


def renamed(data: bytes) -> bytes:
    """Give evil.py another name in the header before it, which a reader of streams believes."""
    at = data.index(b"evil.py")
    return data[:at] + b"good.py" + data[at + 7 :]


def resized(data: bytes) -> bytes:
    """Let the header before evil.py say that the member is shorter."""
    at = data.index(b"evil.py") - 30 + 18
    return data[:at] + struct.pack("<2L", 1, 1) + data[at + 8 :]


def hidden(data: bytes) -> bytes:
    """Take evil.py out of the central directory, so that only a reader of streams finds it."""
    start = central(data, b"evil.py")
    length = 46 + len(b"evil.py")
    end = data.rindex(b"PK\5\6")
    signature, disk, first, here, count, size, offset, comment = struct.unpack("<4s4H2LH", data[end:])
    last = struct.pack("<4s4H2LH", signature, disk, first, here - 1, count - 1, size - length, offset, comment)
    return data[:start] + data[start + length : end] + last


WHEELS: dict[str, tuple[list[tuple[str, str]], Callable[[bytes], bytes], str]] = {
    "a symbolic link": ([("evil.py", "/etc/passwd")], as_link, "'evil.py': a symbolic link"),
    "two names in one": (
        [("evil.py", "x = 1\n"), ("Evil.py", "x = 2\n")],
        bytes,
        f"'Evil.py' and 'evil.py' {SPELLINGS}",
    ),
    "two folders in one": (
        [("evil/a.py", "x = 1\n"), ("EVIL/b.py", "x = 2\n")],
        bytes,
        f"'EVIL' and 'evil' {SPELLINGS}",
    ),
    "two compositions of one name": (
        [("\xe9vil.py", "x = 1\n"), ("e\u0301vil.py", "x = 2\n")],
        bytes,
        f"'e\u0301vil.py' and '\xe9vil.py' {SPELLINGS}",
    ),
    "a folder that is a file": ([("evil", "x"), ("evil/a.py", "")], bytes, "evil: it is a file and a folder"),
    "another name before the member": (
        [("evil.py", "x = 1\n")],
        renamed,
        "'evil.py': its own header and the central directory do not agree about name",
    ),
    "another size before the member": (
        [("evil.py", "x = 1\n")],
        resized,
        "'evil.py': its own header and the central directory do not agree about packed size, size",
    ),
    "a member that the directory lacks": ([("evil.py", "x = 1\n")], hidden, "bytes before it belong to no member"),
    "a program before the archive": (
        [("evil.py", "x = 1\n")],
        lambda data: b"#!/bin/sh\nrm -rf ~\n" + data,
        "its central directory is not where its end record says",
    ),
    "an archive behind the archive": (
        [("evil.py", "x = 1\n")],
        lambda data: data + data,
        "its central directory is not where its end record says",
    ),
    "a backslash": ([("..\\evil.py", "")], bytes, "'..\\\\evil.py': it would be written outside of the environment"),
    "a name that turns a terminal around": (
        [("\u202eyp.live", "")],
        bytes,
        "'\\u202eyp.live': the name has a control character",
    ),
}


def nothing_was_made(ended: Ended) -> None:
    """Assert that the builder failed, and that its output is no path of the store and nothing at its place."""
    assert (ended.code, ended.out) == (1, ""), ended.err
    (drv,) = set(re.findall(r"builder for '(/nix/store/[^']+\.drv)' failed", ended.err))
    (data,) = json.loads(nix("derivation", "show", drv).out).values()
    for output in data["outputs"].values():
        assert nix("path-info", output["path"]).code != 0
        assert not Path(output["path"]).exists()


@pytest.mark.parametrize("case", WHEELS)
def test_a_wheel_made_to_deceive(case: str, tmp_path: Path) -> None:
    members, alter, problem = WHEELS[case]
    wheel = Wheel("evil", members)
    path = wheel.write(tmp_path)
    path.write_bytes(alter(path.read_bytes()))
    files = PythonSet(tmp_path)
    files.add(path, "evil")
    ended = files.build("packages.evil")
    assert f"{path.name} is not a sound wheel:\n" in log(ended)
    assert problem in log(ended)
    nothing_was_made(ended)


def test_control_the_same_wheel_unaltered_is_unpacked(tmp_path: Path) -> None:
    wheel = Wheel("evil", [("evil.py", "x = 1\n"), ("evils/a.py", ""), ("\xe9vil.py", "")])
    files = PythonSet(tmp_path)
    files.add(wheel.write(tmp_path), "evil")
    assert files.build("packages.evil").code == 0


def test_a_bomb(tmp_path: Path) -> None:
    """An archive of 100 KB that would become 100 MB."""
    import zipfile

    path = Wheel("evil", []).write(tmp_path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("evil.bin", bytes(100 << 20))
    files = PythonSet(tmp_path)
    files.add(path, "evil")
    ended = files.build("packages.evil")
    assert "more than 200 times its own" in log(ended)
    assert "this is made to exhaust a machine" in log(ended)
    nothing_was_made(ended)


def test_a_swapped_digest_brings_no_other_package(growth: Path, tmp_path: Path) -> None:
    """The digests of two files are exchanged, both of which the index has."""
    lock = json.loads((growth / "cloche.lock").read_text())
    (environment,) = (pythons["3.11"] for pythons in lock["environments"].values())
    one, other = environment["packages"]["pytest"], environment["packages"]["pluggy"]
    one["sha256"], other["sha256"] = other["sha256"], one["sha256"]
    folder = copy(growth, tmp_path / "project", {"cloche.lock": json.dumps(lock)})
    ended = run(ROOT / "ci/nix", "run", ".#fetch", cwd=folder)
    assert ended.code in {1, 3}
    assert f"{one['file']}: " in ended.err
    assert f"{other['file']}: " in ended.err
    assert "check `pip config list`" in ended.err or f"but the lock says {one['sha256']}; it was not added" in ended.err
    # Nor can a build use what has the digest under its own name.
    built = nix("build", "--no-link", ".#test-results", cwd=folder)
    assert built.code == 1
    assert any(
        f"{entry['file']} is not in the store; bring all sources of the lock with" in built.err
        for entry in (one, other)
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "cloche.lock"),
        (
            '{"version": 1}',
            "cloche.lock: this is not a whole lock (it has no environments, made-from, sdists); make it again with",
        ),
        ("[]", 'cloche.lock: this is not a Cloche lock (it has no "version"); make it again with'),
    ],
)
def test_evaluation_survives_a_lock_that_is_none(text: str, words: str, growth: Path, tmp_path: Path) -> None:
    folder = copy(growth, tmp_path / "project", {"cloche.lock": text})
    ended = nix("eval", ".#wheel.drvPath", cwd=folder)
    assert ended.code == 1, ended.err[-1000:]
    assert words in ended.err


def test_an_sdist_made_to_deceive_leaves_nothing(tmp_path: Path) -> None:
    """Its cases are in test_errors.py; here it is that nothing of it is in the store."""
    import tarfile

    evil = tarfile.TarInfo("../evil")
    files = PythonSet(tmp_path)
    files.add(
        sdist(tmp_path, "evil", {"pyproject.toml": "", "EVIL.py": "", "evil.py": ""}, [evil]), "evil", build="evil==1.0"
    )
    files.builds["evil==1.0"] = {"packages": {}}
    ended = files.build("packages.evil")
    assert "evil-1.0.tar.gz is not a sound sdist, and nothing of it is unpacked:" in log(ended)
    assert f"'evil-1.0/evil.py' and 'evil-1.0/EVIL.py' {SPELLINGS}" in log(ended)
    assert "'../evil': it would be written outside of the build folder" in log(ended)
    nothing_was_made(ended)
