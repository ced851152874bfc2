"""sdists as archives: formats, and limits against archives made to exhaust the machine."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from cloche.lock import sdist
from cloche.lock.sdist import BadSdistError, read_sdist


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


def test_links_are_not_followed(tmp_path: Path) -> None:
    path = tar(tmp_path / "a-1.tar.gz", {"a-1/PKG-INFO": b"top"}, links=("a-1/pyproject.toml",))
    assert read_sdist(path, "a-1.tar.gz").pyproject is None


def test_zip_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a-1.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a-1/pyproject.toml", "[build-system]\n")
        archive.writestr("requires.txt", "not this")
    assert read_sdist(path, "a-1.zip").pyproject == b"[build-system]\n"


@pytest.mark.parametrize("limit", ["MAX_MEMBERS", "MAX_TOTAL_BYTES"])
def test_archives_made_to_exhaust_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    path = tar(tmp_path / "a-1.tar.gz", {f"a-1/{number}": b"x" for number in range(3)})
    assert read_sdist(path, "a-1.tar.gz").pyproject is None
    monkeypatch.setattr(sdist, limit, 2)
    with pytest.raises(BadSdistError) as caught:
        read_sdist(path, "a-1.tar.gz")
    assert caught.value.message == (
        f"a-1.tar.gz: the sdist cannot be read: it has more than {sdist.MAX_MEMBERS} members "
        f"or {sdist.MAX_TOTAL_BYTES} bytes.\n"
        "Use another version, or ask its author for a wheel."
    )
