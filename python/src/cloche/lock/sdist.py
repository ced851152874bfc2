"""Source distributions, read and never executed."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from cloche.errors import ClocheError
from cloche.untrusted.archive import check_zip
from cloche.untrusted.archive_tar import check_tar
from cloche.untrusted.limits import SDIST, SDIST_TEXT

_NAMES = {"pyproject.toml", "PKG-INFO"}


def bad_sdist(file: str, fault: str) -> ClocheError:
    """Return the error of an sdist that cannot be read, or must not be."""
    return ClocheError(
        f"{file}: the sdist cannot be read: {fault}.\nUse another version, or ask its author for a wheel."
    )


@dataclass(frozen=True, kw_only=True)
class SdistTexts:
    """The small texts of an sdist that say how to build it; None for one that is not there."""

    pyproject: bytes | None = None
    pkg_info: bytes | None = None
    requires: bytes | None = None


def read_sdist(path: Path, name: str) -> SdistTexts:
    """Return the texts of the sdist at `path`, called `name`; raises ClocheError."""
    texts: dict[str, bytes] = {}
    try:
        # What a build would refuse is not locked.
        problems = check_zip(path, SDIST, "build folder") if name.endswith(".zip") else check_tar(path)
        if problems:
            raise bad_sdist(name, "\n  ".join(["it is not sound", *problems]))
        for member, stream, size in _members(path, name):
            key = _key(PurePosixPath(member))
            if key is None or key in texts:
                continue
            if size > SDIST_TEXT.bytes:
                raise bad_sdist(name, f"{member} is larger than {SDIST_TEXT.bytes} bytes")
            with stream() as content:
                texts[key] = content.read(SDIST_TEXT.bytes)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise bad_sdist(name, str(error)) from error
    return SdistTexts(
        pyproject=texts.get("pyproject.toml"),
        pkg_info=texts.get("PKG-INFO"),
        requires=texts.get("requires.txt"),
    )


class _Opener:
    """Opens one member, later and at most once."""

    def __init__(self, archive: tarfile.TarFile | zipfile.ZipFile, member: tarfile.TarInfo | str) -> None:
        self._archive = archive
        self._member = member

    def __call__(self) -> IO[bytes]:
        if isinstance(self._archive, zipfile.ZipFile):
            return self._archive.open(str(self._member))
        stream = self._archive.extractfile(self._member)
        if stream is None:
            message = "not a regular file"
            raise tarfile.TarError(message)
        return stream


def _members(path: Path, name: str) -> Iterator[tuple[str, _Opener, int]]:
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                yield info.filename, _Opener(archive, info.filename), info.file_size
        return
    with tarfile.open(path, mode="r:*") as tar:
        for entry in tar:
            if entry.isfile():
                yield entry.name, _Opener(tar, entry), entry.size


def _key(member: PurePosixPath) -> str | None:
    """Return which text a member is: `NAME-VERSION/...` is the layout of every sdist."""
    parts = [part for part in member.parts if part != "."]
    if len(parts) == 2 and parts[1] in _NAMES:  # noqa: PLR2004 - the folder and the file
        return parts[1]
    # setuptools' egg-info is at the top or in src/.
    if len(parts) in {3, 4} and parts[-1] == "requires.txt" and parts[-2].endswith(".egg-info"):
        return parts[-1]
    return None
