"""Build a wheel or an sdist with a project's own PEP 517 backend, in the sandbox, from exactly the locked requirements.

Runs inside a derivation with the standard library and `pyproject_hooks` on the path. The backend runs in the build
environment's Python; nothing is installed, isolated or resolved here.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from pyproject_hooks import BackendUnavailable, BuildBackendHookCaller, HookMissing

LEGACY = {"requires": ["setuptools>=40.8.0"], "build-backend": "setuptools.build_meta:__legacy__"}


def unpack_sdist(archive: Path, file: str, folder: Path) -> Path:
    """Unpack an sdist and return the one folder that it must consist of; refuse members that would leave it."""
    folder.mkdir()
    if file.endswith(".zip"):
        with zipfile.ZipFile(archive) as members:
            for name in members.namelist():
                _check_member(file, name)
            members.extractall(folder)
    else:
        with tarfile.open(archive) as members:
            for member in members:
                _check_member(file, member.name)
                if member.issym() or member.islnk():
                    base = os.path.dirname(member.name) if member.issym() else ""
                    _check_member(file, os.path.join(base, member.linkname))
                elif not (member.isfile() or member.isdir()):
                    sys.exit(f"{file}: the member {member.name!r} is neither a file nor a folder; an sdist holds no devices")
                member.uid = member.gid = os.getuid()
                member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            members.extractall(folder)
    roots = sorted(folder.iterdir())
    if len(roots) != 1 or not roots[0].is_dir():
        sys.exit(f"{file}: an sdist has one folder at its top, this one has {[root.name for root in roots]}")
    return roots[0]


def _check_member(file: str, name: str) -> None:
    path = os.path.normpath(name)
    if name.startswith("/") or path == ".." or path.startswith("../") or "\0" in name:
        sys.exit(f"{file}: the member {name!r} would be written outside of the build folder; nothing was unpacked")


def build_system(source: Path) -> dict[str, Any]:
    """Return the table [build-system] of a source tree, or what PEP 517 puts in its place."""
    path = source / "pyproject.toml"
    if not path.exists():
        return LEGACY
    return {**LEGACY, **tomllib.loads(path.read_text(encoding="utf-8")).get("build-system", {})}


def run_backend(source: Path, python: str, what: str, out: Path, project: str, settings: dict[str, Any]) -> Path:
    """Call build_wheel or build_sdist and return the file that the backend made."""
    system = build_system(source)
    backend = system["build-backend"]

    def runner(command: list[str], cwd: str | None = None, extra_environ: dict[str, str] | None = None) -> None:
        subprocess.run(command, cwd=cwd, env={**os.environ, **(extra_environ or {})}, check=True)

    caller = BuildBackendHookCaller(
        str(source), backend, system.get("backend-path"), runner=runner, python_executable=python
    )
    hook = {"wheel": caller.build_wheel, "sdist": caller.build_sdist}[what]
    try:
        return out / hook(str(out), settings or None)
    except (BackendUnavailable, HookMissing):
        module = backend.split(":")[0].split(".")[0]
        sys.exit(
            f"{project}: its build backend {backend!r} is not in the locked build environment, which has been made from\n"
            f"its [build-system] requires = {system.get('requires')}.\n"
            "Add what provides it to your pyproject.toml and run 'nix run .#lock':\n"
            f"  [tool.cloche.build-requires]\n  {project.split('==')[0]} = [\"{module}\"]"
        )
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"{project}: the build backend {backend!r} failed (its words are above, exit code {error.returncode}).\n"
            "If it misses a module, add it under [tool.cloche.build-requires] in your pyproject.toml, as in\n"
            f"  [tool.cloche.build-requires]\n  {project.split('==')[0]} = [\"cython\"]\n"
            "and run 'nix run .#lock'; if it misses a program or library, see docs/sdists.md."
        )


def main(attributes: dict) -> None:  # type: ignore[type-arg]
    """Build attributes["what"] from attributes["source"] (a tree, or an sdist called attributes["file"])."""
    top = Path(os.environ["NIX_BUILD_TOP"])
    out = Path(attributes["outputs"]["out"])
    source = Path(attributes["source"])
    if source.is_dir():
        tree = top / "source"
        shutil.copytree(source, tree, symlinks=True)
        for path in [tree, *tree.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o200)
    else:
        tree = unpack_sdist(source, attributes["file"], top / "sdist")
    binaries = [f"{prefix}/bin" for prefix in attributes["programs"]]
    os.environ["PATH"] = ":".join([f"{attributes['environment']}/bin", *binaries, os.environ["PATH"]])
    os.environ.update(attributes["variables"])
    os.chdir(tree)
    out.mkdir()
    made = run_backend(
        tree, f"{attributes['environment']}/bin/python", attributes["what"], out, attributes["project"], attributes["settings"]
    )
    print(f"{made.name}: {made.stat().st_size} bytes")
