"""sdists as archives: formats, and limits against archives made to exhaust the machine."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from cloche.errors import ClocheError
from cloche.lock.sdist import read_sdist
from cloche.untrusted.limits import SDIST_TEXT


def tar(path: Path, members: dict[str, bytes], *, links: tuple[str, ...] = ()) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name in links:
            info = tarfile.TarInfo(name)
            info.type = tarfile.SYMTYPE
            info.linkname = "/etc/passwd"
            archive.addfile(info)
    return path


def test_only_the_texts_at_the_top_count(tmp_path: Path) -> None:
    members = {
        "a-1/PKG-INFO": b"top",
        "a-1/tests/pyproject.toml": b"not this",
        "a-1/src/a.egg-info/requires.txt": b"beta",
        "a-1/a/b/c/d.egg-info/requires.txt": b"not this",
    }
    texts = read_sdist(tar(tmp_path / "a-1.tar.gz", members), "a-1.tar.gz")
    assert (texts.pkg_info, texts.pyproject, texts.requires) == (b"top", None, b"beta")


def test_an_sdist_that_would_not_be_unpacked_is_not_read(tmp_path: Path) -> None:
    path = tar(tmp_path / "a-1.tar.gz", {"a-1/PKG-INFO": b"top", "../evil": b""}, links=("a-1/pyproject.toml",))
    with pytest.raises(ClocheError) as caught:
        read_sdist(path, "a-1.tar.gz")
    assert caught.value.message == (
        "a-1.tar.gz: the sdist cannot be read: it is not sound\n"
        "  '../evil': it would be written outside of the build folder\n"
        "  'a-1/pyproject.toml': a symbolic link to '/etc/passwd', outside of the build folder.\n"
        "Use another version, or ask its author for a wheel."
    )


def test_zip_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a-1.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a-1/pyproject.toml", "[build-system]\n")
        archive.writestr("requires.txt", "not this")
    assert read_sdist(path, "a-1.zip").pyproject == b"[build-system]\n"


def test_a_text_made_to_exhaust_the_machine(tmp_path: Path) -> None:
    path = tar(tmp_path / "a-1.tar.gz", {"a-1/PKG-INFO": b"x" * (SDIST_TEXT.bytes + 1)})
    with pytest.raises(ClocheError) as caught:
        read_sdist(path, "a-1.tar.gz")
    assert caught.value.message == (
        "a-1.tar.gz: the sdist cannot be read: a-1/PKG-INFO is larger than 4194304 bytes.\n"
        "Use another version, or ask its author for a wheel."
    )
