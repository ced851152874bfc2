"""Wheels and sdists made by tests, sound and otherwise, and Nix expressions that build from them as from a lock."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conftest import ROOT, Ended, nix, run

DATE = (2020, 1, 1, 0, 0, 0)
EXPRESSION = """
import {root}/pkgs/python/set.nix {{
  toolchain = import {root}/pkgs/toolchain {{ system = builtins.currentSystem; }};
  storeName = import {root}/lib/lock/store-name.nix;
  selection = builtins.fromJSON (builtins.readFile ./selection.json);
  overrides = builtins.fromJSON (builtins.readFile ./overrides.json);
}}
"""


def digest(data: bytes) -> str:
    """Return a hash as RECORD has it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@dataclass
class Wheel:
    """A pure wheel, sound unless `record` (rows in place of the true ones, None to leave one out) says otherwise."""

    name: str
    files: Sequence[tuple[str, str | bytes]]
    version: str = "1.0"
    record: dict[str, str | None] = field(default_factory=dict)
    executable: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.name}-{self.version}-py3-none-any.whl"

    def write(self, folder: Path) -> Path:
        """Write the wheel into a folder and return its path."""
        info = f"{self.name}-{self.version}.dist-info"
        members: list[tuple[str, bytes]] = [
            (name, data if isinstance(data, bytes) else data.encode()) for name, data in self.files
        ]
        members += [
            (f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n".encode()),
            (f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        ]
        rows = {name: f"{name},{digest(data)},{len(data)}" for name, data in members}
        rows |= {f"{info}/RECORD": f"{info}/RECORD,,", **{name: row or "" for name, row in self.record.items()}}
        path = folder / self.file
        with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # zipfile warns of the duplicates that are wanted here
            for name, data in [*members, (f"{info}/RECORD", ("\n".join(filter(None, rows.values())) + "\n").encode())]:
                member = zipfile.ZipInfo(name, DATE)
                member.external_attr = (0o100755 if name in self.executable else 0o100644) << 16
                archive.writestr(member, data)
        return path


def sdist(folder: Path, name: str, files: dict[str, str], strange: list[tarfile.TarInfo] | None = None) -> Path:
    """Write NAME-1.0.tar.gz with the files below its top folder, and members as they are; return its path."""
    path = folder / f"{name}-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for inside, text in files.items():
            member = tarfile.TarInfo(f"{name}-1.0/{inside}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
        for member in strange or []:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


@dataclass
class PythonSet:
    """A lock's selection made of files of a test, which are put into the store as `fetch` would."""

    folder: Path
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    builds: dict[str, dict[str, Any]] = field(default_factory=dict)
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, path: Path, name: str, version: str = "1.0", build: str | None = None) -> None:
        """Add a published file to the store and to the selection."""
        self.packages[name] = self.entry(path, version) | ({"build": build} if build else {})

    @staticmethod
    def entry(path: Path, version: str) -> dict[str, Any]:
        """Add a published file to the store and return its entry in a lock."""
        ended = run("nix-store", "--add-fixed", "sha256", path)
        assert ended.code == 0, ended.err
        data = path.read_bytes()
        return {"version": version, "file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}

    def build(self, attribute: str, *more: str) -> Ended:
        """Build one attribute of pkgs/python/set.nix over the selection."""
        (self.folder / "set.nix").write_text(EXPRESSION.format(root=ROOT))
        (self.folder / "selection.json").write_text(json.dumps({"packages": self.packages, "builds": self.builds}))
        (self.folder / "overrides.json").write_text(json.dumps(self.overrides))
        return nix(
            "build",
            "--impure",
            "--no-link",
            "--print-out-paths",
            "-L",
            "-f",
            "set.nix",
            attribute,
            *more,
            cwd=self.folder,
        )

    def environment(self) -> Ended:
        """Build an environment of all packages."""
        (self.folder / "environment.nix").write_text(
            'let set = import ./set.nix; in set.environment { name = "test"; wheels = builtins.attrValues set.packages; }'
        )
        self.build("builders")  # writes the files
        return nix(
            "build", "--impure", "--no-link", "--print-out-paths", "-L", "-f", "environment.nix", cwd=self.folder
        )


def log(ended: Ended) -> str:
    """Return what the builders wrote, without the names that `nix build -L` puts before their lines."""
    lines = [line.partition("> ")[2] for line in ended.err.splitlines() if "> " in line]
    return "\n".join(lines)
