"""Source distributions, read and never executed."""

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from cloche.errors import ClocheError

# No sdist in the wild comes near these; an archive made to exhaust the machine does.
MAX_MEMBERS = 200_000
MAX_FILE_BYTES = 4 << 20
MAX_TOTAL_BYTES = 8 << 30
_NAMES = {"pyproject.toml", "PKG-INFO"}


class BadSdistError(ClocheError):
    """An sdist that cannot be read, or must not be."""

    def __init__(self, file: str, fault: str) -> None:
        """Keep the `file` name and the `fault`."""
        super().__init__(
            f"{file}: the sdist cannot be read: {fault}.\nUse another version, or ask its author for a wheel."
        )


@dataclass(frozen=True, kw_only=True)
class SdistTexts:
    """The small texts of an sdist that say how to build it; None for one that is not there."""

    pyproject: bytes | None = None
    pkg_info: bytes | None = None
    requires: bytes | None = None


def read_sdist(path: Path, name: str) -> SdistTexts:
    """Return the texts of the sdist at `path`, called `name`; raises BadSdistError."""
    texts: dict[str, bytes] = {}
    try:
        total = 0
        for count, (member, stream, size) in enumerate(_members(path, name)):
            total += size
            if count >= MAX_MEMBERS or total > MAX_TOTAL_BYTES:
                raise BadSdistError(name, f"it has more than {MAX_MEMBERS} members or {MAX_TOTAL_BYTES} bytes")
            key = _key(PurePosixPath(member))
            if key is None or key in texts:
                continue
            if size > MAX_FILE_BYTES:
                raise BadSdistError(name, f"{member} is larger than {MAX_FILE_BYTES} bytes")
            with stream() as content:
                texts[key] = content.read(MAX_FILE_BYTES)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise BadSdistError(name, str(error)) from error
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
