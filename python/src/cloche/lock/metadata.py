"""What a package's own file says: METADATA of a wheel, PKG-INFO of an sdist."""

import re
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier
from packaging.utils import canonicalize_name
from packaging.version import Version

from cloche.errors import ClocheError
from cloche.lock.index import Index, IndexFile, hash_mismatch, not_on_index
from cloche.lock.legacy import read_requirement, read_specifiers
from cloche.lock.licenses import license_of
from cloche.lock.names import name_and_version
from cloche.lock.pool import Candidate, File
from cloche.lock.sdist import SdistTexts, read_sdist
from cloche.store import write
from cloche.untrusted.archive import check_zip
from cloche.untrusted.limits import METADATA

_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
# The lines of which headers consist, as the library email reads them; what follows another line is the description.
_HEADER = re.compile(r"[!-9;-~]*:|[ \t]")
_REQUIRES = re.compile(r"requires-(dist|python)\s*:", re.IGNORECASE)
_SECTION = re.compile(r"\[(?P<extra>[^:\]]*)(?::(?P<marker>[^\]]*))?\]")


def bad_wheel(file: str, fault: str) -> ClocheError:
    """Return the error of a wheel without readable METADATA."""
    return ClocheError(f"{file}: the wheel cannot be read: {fault}.\nUse another version of the package.")


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """The part of a package's metadata that a lock needs, and what of its requirements cannot be read (`fault`)."""

    requires: tuple[Requirement, ...] = ()
    requires_python: str | None = None
    license: str | None = None
    fault: str | None = None


class MetadataReader:
    """Reads metadata of files on an index, and keeps it in `cache` as metadata/<sha256 of the file>."""

    def __init__(self, index: Index, cache: Path) -> None:
        """Use `index` and the folder `cache`."""
        self._index = index
        self._cache = cache

    def read(self, candidate: Candidate, file: File) -> tuple[File, Metadata]:
        """Return the file with sha256 and size filled in, and its metadata.

        Raises ClocheError.
        """
        if file.sha256 and file.size is not None and (kept := self._kept(file.sha256)).is_file():
            return file, parse_metadata(kept.read_bytes())
        listed = self.locate(candidate, file)
        known = replace(file, sha256=file.sha256 or listed.sha256, size=listed.size if file.size is None else file.size)
        content = self._content(known, listed)
        if known.sha256 is None or known.size is None:
            path = self._index.download(listed, known.sha256)
            known = replace(known, sha256=path.name, size=path.stat().st_size)
        return known, parse_metadata(content)

    def sdist(self, candidate: Candidate, file: File) -> SdistTexts:
        """Return the texts of an sdist, whose content is verified."""
        listed = self.locate(candidate, file)
        return read_sdist(self._index.download(listed, file.sha256), file.name)

    def complete(self, candidate: Candidate) -> Candidate:
        """Return the candidate with its files, found on the index by `hashes`, when it has none."""
        if candidate.files or not candidate.hashes:
            return candidate
        version = Version(candidate.version)
        of_version = [
            file
            for file in self._index.files(candidate.name)
            if (found := name_and_version(file.name, candidate.name)) and found[1] == version
        ]
        files = {
            File(file.name, digest, file.size)
            for file in of_version
            if (digest := file.sha256 or self._index.download(file, None).name) in candidate.hashes
        }
        if not files:
            expected = f"one of {len(candidate.hashes)} hashes"
            for file in of_version:
                raise hash_mismatch(file.name, expected, str(file.sha256), file.shown_url)
            raise not_on_index(candidate.name, str(candidate), [])
        return replace(candidate, files=tuple(sorted(files, key=lambda file: file.name)))

    def locate(self, candidate: Candidate, file: File) -> IndexFile:
        """Return the index's entry for a file; one whose hash is stated and right is preferred."""
        files = self._index.files(candidate.name)
        same = [listed for listed in files if listed.name == file.name]
        if not same:
            raise not_on_index(candidate.name, file.name, {listed.name for listed in files})
        if file.sha256 is None:
            return same[0]
        for listed in same:
            if listed.sha256 == file.sha256:
                return listed
        for listed in same:
            if listed.sha256 is None:
                return listed
        raise hash_mismatch(file.name, file.sha256, str(same[0].sha256), same[0].shown_url)

    def _kept(self, sha256: str) -> Path:
        return self._cache / "metadata" / sha256

    def _content(self, file: File, listed: IndexFile) -> bytes:
        if file.sha256 and self._kept(file.sha256).is_file():
            return self._kept(file.sha256).read_bytes()
        sha256 = file.sha256
        content = self._index.metadata(listed) if file.is_wheel else None
        if content is None:
            path = self._index.download(listed, sha256)
            content = _wheel_metadata(path, file.name) if file.is_wheel else _sdist_metadata(path, file.name)
            sha256 = path.name
        if sha256:
            self._kept(sha256).parent.mkdir(parents=True, exist_ok=True)
            write.file(self._kept(sha256), content)
        return content


def parse_metadata(content: bytes) -> Metadata:
    """Return what METADATA or PKG-INFO says, in the spellings of old packages too (legacy.py)."""
    raw, unparsed = parse_email(content)
    requires: list[Requirement] = []
    requires_python = raw.get("requires_python")
    faults = [
        f"its METADATA has {name} in a form that cannot be read: {values[0]!r}"
        for name, values in unparsed.items()
        if name in {"requires-dist", "requires-python"}
    ]
    faults += _behind_headers(content)
    for text in raw.get("requires_dist", ()):
        try:
            requires.append(read_requirement(text))
        except InvalidRequirement as error:
            faults.append(_fault(content, "Requires-Dist", text, error))
    try:
        requires_python = str(read_specifiers(requires_python)) if requires_python else None
    except InvalidSpecifier as error:
        faults.append(_fault(content, "Requires-Python", str(requires_python), error))
        requires_python = None
    return Metadata(
        requires=tuple(requires),
        requires_python=requires_python,
        # One that is there twice is as unknown as one in another encoding.
        license=None if unparsed.keys() & {"license", "license-expression", "classifier"} else license_of(raw),
        fault=next(iter(faults), None),
    )


def _behind_headers(content: bytes) -> list[str]:
    """Return what is wrong with requirements that no reader sees, as something before them ends the headers."""
    lines = re.split(r"\r\n|\r|\n", content.decode("utf-8", "replace"))
    end = next((at for at, line in enumerate(lines) if not _HEADER.match(line)), len(lines))
    return [
        f'line {at} of its METADATA, "{line}", stands behind its headers, which end at line {end + 1}'
        for at, line in enumerate(lines[end:], end + 1)
        if _REQUIRES.match(line)
    ]


def _fault(content: bytes, name: str, text: str, error: Exception) -> str:
    lines = content.decode("utf-8", "replace").splitlines()
    first = (text.splitlines() or [""])[0]
    line = next((at for at, line in enumerate(lines, 1) if line.lower().startswith(name.lower()) and first in line), 0)
    return f'line {line} of its METADATA, "{name}: {text}", cannot be read: {str(error).splitlines()[0]}'


def _wheel_metadata(path: Path, name: str) -> bytes:
    # What would not be unpacked is not locked.
    if problems := check_zip(path):
        raise bad_wheel(name, "\n  ".join(["it is not sound", *problems]))
    try:
        with zipfile.ZipFile(path) as archive:
            found = [info for info in archive.infolist() if _METADATA.fullmatch(info.filename)]
            if len(found) != 1:
                raise bad_wheel(name, f"there {f'are {len(found)}' if found else 'is no'} METADATA in it")
            if found[0].file_size > METADATA.bytes:
                raise bad_wheel(name, f"METADATA is larger than {METADATA.bytes} bytes")
            return archive.read(found[0])
    except zipfile.BadZipFile as error:
        raise bad_wheel(name, str(error)) from error


def _sdist_metadata(path: Path, name: str) -> bytes:
    """Return PKG-INFO, with the requirements of older setuptools' requires.txt when it has none."""
    texts = read_sdist(path, name)
    info = texts.pkg_info or b"Metadata-Version: 1.0\n"
    if b"\nRequires-Dist:" in info or texts.requires is None:
        return info
    head, gap, body = info.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = [f"Requires-Dist: {line}" for line in _egg_requires(texts.requires.decode(errors="replace"))]
    return b"\n".join([head.rstrip(b"\n"), *(line.encode() for line in lines)]) + (gap or b"\n\n") + body


def _egg_requires(text: str) -> list[str]:
    """Return setuptools' requires.txt as PEP 508 requirements: sections are extras and markers."""
    found = []
    condition = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if section := _SECTION.fullmatch(line):
            extra = f"extra == '{canonicalize_name(section['extra'])}'" if section["extra"] else ""
            condition = " and ".join(
                part for part in (extra, f"({section['marker']})" if section["marker"] else "") if part
            )
        else:
            found.append(f"{line} ; {condition}" if condition else line)
    return found
