"""Build a wheel or an sdist with a project's own PEP 517 backend, in the sandbox, from exactly the locked requirements.

Runs inside a derivation with the standard library and `pyproject_hooks` on the path. The backend runs in the build
environment's Python; nothing is installed, isolated or resolved here.
"""

import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyproject_hooks import BackendUnavailable, BuildBackendHookCaller

from cloche.untrusted.archive import check_zip
from cloche.untrusted.archive_limits import SDIST
from cloche.untrusted.archive_tar import check_tar

LEGACY = {"requires": ["setuptools>=40.8.0"], "build-backend": "setuptools.build_meta:__legacy__"}
# Which package provides a backend's module, where the name does not say it.
PROVIDERS = {
    "flit_core": "flit-core",
    "mesonpy": "meson-python",
    "pdm": "pdm-backend",
    "poetry": "poetry-core",
    "scikit_build_core": "scikit-build-core",
    "sipbuild": "sip",
    "uv_build": "uv-build",
}


def refuse(file: str, name: str) -> None:
    """End the program because of a member that leads out of the folder."""
    sys.exit(f"{file}: the member {name!r} would be written outside of the build folder; this sdist is not unpacked")


class Unpacker:
    """Writes an sdist's members below a folder, and nothing elsewhere whatever their names and links say."""

    def __init__(self, file: str, folder: Path) -> None:
        self.file, self.top = file, folder.resolve()
        self.links: list[Path] = []

    def inside(self, path: Path) -> bool:
        """Return whether a path, with all links followed, lies below the folder; one that goes round in circles does not."""
        try:
            return path.resolve().is_relative_to(self.top)
        except (RuntimeError, OSError):
            return False

    def place(self, name: str, shown: str = "") -> Path:
        """Return where a member goes; its parent is made. `shown` is the member to name in an error."""
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or "\0" in name:
            refuse(self.file, shown or name)
        target = self.top / os.path.normpath(name)
        # A link among the parents could lead elsewhere.
        if not self.inside(target.parent):
            refuse(self.file, shown or name)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def write(self, name: str, data: bytes, date: float = 0, *, executable: bool) -> None:
        """Write a file, in place of what an earlier member of the same name left.

        Dates are kept, since a build may compare them (a generated file is newer than its source), but none is
        earlier than what a zip archive can hold.
        """
        target = self.place(name)
        target.unlink(missing_ok=True)
        target.write_bytes(data)
        target.chmod(0o755 if executable else 0o644)
        date = max(date, float(os.environ["SOURCE_DATE_EPOCH"]))
        os.utime(target, (date, date))

    def link(self, name: str, to: str) -> None:
        """Make a symbolic link, if it leads to a place inside."""
        target = self.place(name)
        if to.startswith("/") or not self.inside(target.parent / to):
            refuse(self.file, name)
        target.unlink(missing_ok=True)
        target.symlink_to(to)
        self.links.append(target)

    def finish(self) -> None:
        """Look at all links again: a later member may have changed where an earlier one leads."""
        for link in self.links:
            if not self.inside(link):
                refuse(self.file, str(link.relative_to(self.top)))

    def tar(self, archive: Path) -> None:
        """Unpack a tar archive of any compression that Python knows."""
        with tarfile.open(archive) as members:
            for member in members:
                if member.isdir():
                    self.place(member.name).mkdir(exist_ok=True)
                elif member.issym():
                    self.link(member.name, member.linkname)
                elif member.isfile() or member.islnk():
                    if member.islnk():
                        self.place(member.linkname, member.name)
                    stream = members.extractfile(member)
                    self.write(
                        member.name,
                        stream.read() if stream else b"",
                        member.mtime,
                        executable=bool(member.mode & 0o100),
                    )
                else:
                    sys.exit(
                        f"{self.file}: the member {member.name!r} is neither a file nor a folder; an sdist holds no devices"
                    )

    def zip(self, archive: Path) -> None:
        """Unpack a zip archive."""
        with zipfile.ZipFile(archive) as members:
            for member in members.infolist():
                if member.is_dir():
                    self.place(member.filename).mkdir(exist_ok=True)
                else:
                    self.write(
                        member.filename, members.read(member), executable=bool(member.external_attr >> 16 & 0o100)
                    )


def unpack_sdist(archive: Path, file: str, folder: Path) -> Path:
    """Unpack an sdist and return the one folder that it must consist of.

    It is looked at as a whole before anything is written; the Unpacker then believes nothing of that.
    """
    unpacker = Unpacker(file, folder)
    try:
        problems = check_zip(archive, SDIST, "build folder") if file.endswith(".zip") else check_tar(archive)
        if problems:
            sys.exit(f"{file} is not a sound sdist, and nothing of it is unpacked:\n  " + "\n  ".join(problems))
        folder.mkdir()
        (unpacker.zip if file.endswith(".zip") else unpacker.tar)(archive)
        unpacker.finish()
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, KeyError, OSError) as error:
        sys.exit(f"{file} is not an sdist that can be unpacked: {error}")
    roots = sorted(folder.iterdir())
    if len(roots) != 1 or roots[0].is_symlink() or not roots[0].is_dir():
        sys.exit(f"{file}: an sdist has one folder at its top, this one has {[root.name for root in roots]}")
    return roots[0]


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder of the store to where it can be written, with the date that archives can hold (zip begins in 1980)."""
    date = int(os.environ["SOURCE_DATE_EPOCH"])
    shutil.copytree(source, target, symlinks=True)
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)
            os.utime(path, (date, date))


def build_system(source: Path) -> dict[str, Any]:
    """Return the table [build-system] of a source tree, or what PEP 517 puts in its place."""
    path = source / "pyproject.toml"
    if not path.exists():
        return LEGACY
    return {**LEGACY, **tomllib.loads(path.read_text(encoding="utf-8")).get("build-system", {})}


def advice(project: str, package: str) -> str:
    """Return what to write into which table; the project's own key has no version, that of an sdist has one."""
    name, _, version = project.partition("==")
    if not version:
        return (
            f"Add it to your pyproject.toml and run 'nix run .#lock':\n  [build-system]\n  requires = [\"{package}\"]"
        )
    return (
        "Add it to your pyproject.toml and run 'nix run .#lock':\n"
        f'  [tool.cloche.build-requires]\n  {name} = ["{package}"]'
    )


@dataclass(frozen=True)
class Build:
    """One call of a backend."""

    source: Path
    environment: Path
    out: Path
    # The key of the lock's builds.
    project: str
    settings: dict[str, Any] = field(default_factory=dict)

    def run(self, what: str) -> Path:
        """Call build_wheel or build_sdist and return the file that the backend made; end the program if it does not."""
        system = build_system(self.source)
        backend = system["build-backend"]
        caller = BuildBackendHookCaller(
            str(self.source),
            backend,
            system.get("backend-path"),
            runner=run_hook,
            python_executable=str(self.environment / "bin/python"),
        )
        try:
            if what == "wheel":
                return self.out / str(caller.build_wheel(str(self.out), self.settings or None))
            return self.out / str(caller.build_sdist(str(self.out), self.settings or None))
        except BackendUnavailable as error:
            last = (error.traceback.strip().splitlines() or [""])[-1]
            missing = re.search(r"No module named '([^'.]+)", last)
            module = missing[1] if missing else re.split(r"[.:]", backend)[0]
            sys.exit(
                f"{self.project}: its build backend {backend!r} cannot be imported ({last}).\n"
                f"The locked build environment has been made from [build-system] requires = {system.get('requires')}.\n"
                + advice(self.project, PROVIDERS.get(module, module.replace("_", "-")))
            )
        except subprocess.CalledProcessError as error:
            sys.exit(
                f"{self.project}: the build backend {backend!r} failed (its words are above, exit code {error.returncode}).\n"
                + self.hint(caller)
            )

    def hint(self, caller: BuildBackendHookCaller) -> str:
        """Return what the user can do after a failure: what the backend asks for and the lock lacks, or where to look."""
        try:
            asked = caller.get_requires_for_build_wheel(self.settings or None)
        except (subprocess.CalledProcessError, BackendUnavailable):
            asked = []
        there = {
            normal(path.name.split("-")[0]) for path in self.environment.glob("lib/python*/site-packages/*.dist-info")
        }
        missing = [text for text in asked if normal(re.split(r"[^A-Za-z0-9._-]", text.strip())[0]) not in there]
        if missing:
            return f"It asks for {', '.join(missing)}, which the locked build environment lacks. " + advice(
                self.project, '", "'.join(missing)
            )
        own = (
            ""
            if "==" in self.project
            else "If it misses a file of the project: the option cloche.exclude leaves some out.\n"
        )
        return own + (
            "If it misses a module: " + advice(self.project, "cython") + "\n"
            "If it misses a compiler, program or library, see docs/sdists.md."
        )


def normal(name: str) -> str:
    """Return a project's name as an index writes it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def run_hook(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
    """Run a hook of the backend in this process's environment."""
    sys.stdout.flush()
    subprocess.run(cmd, cwd=cwd, env={**os.environ, **(extra_environ or {})}, check=True)


def main(attributes: dict[str, Any]) -> None:
    """Build attributes["what"] from attributes["source"] (a tree, or an sdist called attributes["file"])."""
    top = Path(os.environ["NIX_BUILD_TOP"])
    out = Path(attributes["outputs"]["out"])
    source = Path(attributes["source"])
    if source.is_dir():
        tree = top / "source"
        copy_tree(source, tree)
    else:
        tree = unpack_sdist(source, attributes["file"], top / "sdist")
    environment = Path(attributes["environment"])
    binaries = [f"{prefix}/bin" for prefix in [environment, *attributes["programs"]]]
    os.environ["PATH"] = ":".join([*binaries, os.environ["PATH"]])
    os.environ.update(attributes["variables"])
    os.chdir(tree)
    out.mkdir()
    build = Build(tree, environment, out, attributes["project"], attributes["settings"])
    made = build.run(attributes["what"])
    print(f"{made.name}: {made.stat().st_size} bytes")
