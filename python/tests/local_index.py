"""A package index in a folder, with tiny wheels and sdists that the tests make themselves."""

import base64
import hashlib
import html
import io
import json
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

# The earliest time that a zip file can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)
SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=61"]\nbuild-backend = "setuptools.build_meta"\n'


@dataclass
class LocalIndex:
    """An index below `root`: files in root/files, PEP 503 pages in root/simple."""

    root: Path
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address for pip's index-url."""
        return (self.root / "simple").as_uri()

    def wheel(
        self,
        name: str,
        version: str,
        *requires: str,
        tag: str = "py3-none-any",
        extras: tuple[str, ...] = (),
        fields: tuple[str, ...] = ("License-Expression: MIT",),
    ) -> bytes:
        """Add a wheel, and return its content."""
        plain = name.replace("-", "_")
        folder = f"{plain}-{version}.dist-info"
        metadata = _metadata(name, version, requires, extras, fields)
        members = {
            f"{plain}.py": f"VERSION = {version!r}\n",
            f"{folder}/METADATA": metadata,
            f"{folder}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
        }
        record = [f"{path},sha256={_record_hash(text)},{len(text.encode())}" for path, text in members.items()]
        members[f"{folder}/RECORD"] = "\n".join([*record, f"{folder}/RECORD,,", ""])
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for path, text in members.items():
                archive.writestr(zipfile.ZipInfo(path, EPOCH), text)
        return self.add(name, f"{plain}-{version}-{tag}.whl", buffer.getvalue())

    def sdist(
        self,
        name: str,
        version: str,
        *requires: str,
        pyproject: str | None = SETUPTOOLS,
        others: dict[str, str] | None = None,
    ) -> bytes:
        """Add an sdist whose setup.py must never run, and return its content."""
        plain = name.replace("-", "_")
        top = f"{plain}-{version}"
        fields = ("License-Expression: MIT",)
        members = {
            "PKG-INFO": _metadata(name, version, requires, (), fields),
            "setup.py": 'raise SystemExit("an sdist was executed")\n',
            **({} if pyproject is None else {"pyproject.toml": pyproject}),
            **(others or {}),
        }
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path, text in members.items():
                info = tarfile.TarInfo(f"{top}/{path}")
                info.size = len(text.encode())
                archive.addfile(info, io.BytesIO(text.encode()))
        return self.add(name, f"{plain}-{version}.tar.gz", buffer.getvalue())

    def add(self, name: str, file: str, content: bytes) -> bytes:
        """Add a file, write its page, and return its content."""
        self.files.setdefault(name, {})[file] = content
        (self.root / "files").mkdir(parents=True, exist_ok=True)
        (self.root / "files" / file).write_bytes(content)
        self.write_page(name)
        return content

    def write_page(self, name: str, *, hashes: bool = True) -> None:
        """Write the PEP 503 page of the package `name`."""
        lines = []
        for file, content in self.files[name].items():
            fragment = f"#sha256={sha256(content)}" if hashes else ""
            lines.append(f'<a href="../../files/{html.escape(file)}{fragment}">{html.escape(file)}</a><br>')
        page = self.root / "simple" / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("<!DOCTYPE html><html><body>\n" + "\n".join(lines) + "\n</body></html>\n", encoding="utf-8")

    def json_page(self, name: str, base: str) -> str:
        """Return the PEP 691 page with sizes (PEP 700) and metadata hashes (PEP 658)."""
        files = [
            {
                "filename": file,
                "url": f"{base}/files/{file}",
                "hashes": {"sha256": sha256(content)},
                "size": len(content),
                "core-metadata": {"sha256": sha256(metadata)} if (metadata := metadata_of(file, content)) else False,
            }
            for file, content in self.files[name].items()
        ]
        return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files, "versions": []})


def metadata_of(file: str, content: bytes) -> bytes | None:
    """Return the METADATA of a wheel, or None for an sdist."""
    if not file.endswith(".whl"):
        return None
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return next(archive.read(path) for path in archive.namelist() if path.endswith("/METADATA"))


def sha256(content: bytes) -> str:
    """Return the digest as hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _metadata(
    name: str, version: str, requires: tuple[str, ...], extras: tuple[str, ...], fields: tuple[str, ...]
) -> str:
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *fields]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return "\n".join([*lines, "", "A package for tests.", ""])


def _record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
