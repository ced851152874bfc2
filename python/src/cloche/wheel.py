"""Unpack one wheel into a prefix of its own, as published, and compile its byte code.

Runs inside a derivation with the standard library and PyPA's `installer` on the path. Every file is written once
and compared with the wheel's RECORD on the way. Nothing of a wheel is changed but two things: scripts get a shebang
that the environment replaces (it decides which Python they run), and ELF *executables* get the store's loader, since
the one that they name does not exist there; for both, the installed RECORD states the new hash.

Format: the binary distribution format (packaging.python.org, "Binary distribution format"), RECORD by PEP 376 and 627.
"""

import base64
import gc
import hashlib
import importlib.util
import marshal
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InstallerError
from installer.records import Hash, RecordEntry
from installer.sources import WheelFile

# The interpreter that scripts name until an environment takes them over.
PLACEHOLDER = "/cloche/python"
_PT_INTERP = 3


class StoreDestination(SchemeDictionaryDestination):
    """Writes into the store path and checks each file against the published RECORD."""

    def __init__(self, out: Path, site_packages: str, source: WheelFile, patch: "Patch") -> None:
        site = str(out / site_packages)
        schemes = {
            "purelib": site,
            "platlib": site,
            "scripts": str(out / "bin"),
            "data": str(out),
            "headers": str(out / "include" / source.distribution),
        }
        super().__init__(scheme_dict=schemes, interpreter=PLACEHOLDER, script_kind="posix")
        self.source, self.patch = source, patch
        self.problems: list[str] = []
        self.modules: list[Path] = []
        # RECORD cannot hold its own hash, nor that of its signatures.
        self.unrecorded = {f"{source.dist_info_dir}/RECORD{end}" for end in ("", ".jws", ".p7s")}
        self.published = {
            _inside_scheme(path, source.data_dir): (digest, size) for path, digest, size in _read_record(source)
        }

    def write_to_fs(self, scheme, path, stream, is_executable):  # type: ignore[no-untyped-def]
        """Write one file; return its RECORD entry."""
        entry = super().write_to_fs(scheme, path, stream, is_executable)
        target = Path(self.scheme_dict[scheme], path)
        if scheme in ("purelib", "platlib", "data", "headers"):
            self._compare(path, entry)
        if path.endswith(".py") and scheme in ("purelib", "platlib"):
            self.modules.append(target)
        if (is_executable or scheme == "scripts") and names_interpreter(target):
            entry = self.patch(target, path)
        return entry

    def _compare(self, path: str, entry: RecordEntry) -> None:
        if path in self.unrecorded:
            return
        digest, size = self.published.get(path, (None, None))
        if digest is None:
            self.problems.append(f"{path}: not in RECORD")
        elif not digest:
            self.problems.append(f"{path}: RECORD has no hash of it")
        elif digest.startswith("sha256="):
            if digest != f"sha256={entry.hash_.value}" or (size and int(size) != entry.size):
                self.problems.append(f"{path}: RECORD says {digest}, the file has sha256={entry.hash_.value}")
        elif not Hash.parse(digest).validate(Path(self.scheme_dict["purelib"], path).read_bytes()):
            self.problems.append(f"{path}: the file does not have RECORD's {digest}")


class Patch:
    """Gives an ELF executable the store's loader and libraries; returns its new RECORD entry."""

    def __init__(self, patchelf: str, loader: str, libraries: str) -> None:
        self.command = [patchelf, "--set-interpreter", loader, "--force-rpath", "--set-rpath", libraries]

    def __call__(self, target: Path, path: str) -> RecordEntry:
        subprocess.run([*self.command, str(target)], check=True)
        data = target.read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        print(f"{path}: an executable; its interpreter is now the store's")
        return RecordEntry(path, Hash("sha256", digest), len(data))


def _read_record(source: WheelFile) -> list[tuple[str, str, str]]:
    from installer.records import parse_record_file

    return list(parse_record_file(source.read_dist_info("RECORD").splitlines()))


def _inside_scheme(path: str, data_dir: str) -> str:
    """Return where RECORD's path lies inside its scheme: foo-1.data/data/share/x is share/x."""
    if path.startswith(f"{data_dir}/"):
        return path.split("/", 2)[2]
    return path


def names_interpreter(path: Path) -> bool:
    """Return whether the file is a 64-bit little-endian ELF file with a PT_INTERP segment."""
    with path.open("rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return False
        (offset,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        file.seek(offset)
        table = file.read(size * count)
    kinds = [struct.unpack_from("<I", table, index * size)[0] for index in range(len(table) // size)]
    return _PT_INTERP in kinds


def compile_modules(modules: list[Path]) -> None:
    """Write unchecked hash-based byte code (PEP 552) beside each module that compiles.

    Files of a store never change, so nothing has to be compared at import. A module in a syntax that this
    Python does not know is left alone, as pip leaves it.
    """
    tag = sys.implementation.cache_tag
    for module in modules:
        data = module.read_bytes()
        try:
            code = compile(data, str(module), "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError):
            continue
        folder = module.parent / "__pycache__"
        folder.mkdir(exist_ok=True)
        head = importlib.util.MAGIC_NUMBER + b"\x01\0\0\0" + importlib.util.source_hash(data)
        (folder / f"{module.stem}.{tag}.pyc").write_bytes(head + marshal.dumps(code))


def find_wheel(source: Path, file: str) -> Path:
    """Return the wheel under its own name, which is part of the format; names of store paths begin with a hash."""
    if source.is_dir():
        wheels = sorted(source.glob("*.whl"))
        if len(wheels) != 1:
            sys.exit(f"{file}: its backend made {[wheel.name for wheel in wheels]} where one wheel is expected")
        return wheels[0]
    wheel = Path(os.environ["NIX_BUILD_TOP"], file)
    wheel.symlink_to(source)
    return wheel


def leave_out(out: Path, site_packages: str, patterns: list[str], name: str) -> None:
    """Remove the files that match, which the user wants from another wheel; a pattern without a match is an error."""
    for pattern in patterns:
        found = [path for root in (out / site_packages, out) for path in sorted(root.glob(pattern))]
        if not found:
            sys.exit(f"{name}: overrides.exclude has {pattern!r}, which matches nothing in this wheel")
        for path in found:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def main(attributes: dict) -> None:  # type: ignore[type-arg]
    """Unpack attributes["source"] (published as attributes["file"]) into attributes["outputs"]["out"]."""
    # The collector takes a fifth of the time of compiling, and finds nothing that one short process needs back.
    gc.disable()
    out = Path(attributes["outputs"]["out"])
    wheel = find_wheel(Path(attributes["source"]), attributes["file"])
    patch = Patch(attributes["patchelf"], attributes["loader"], attributes["libraries"])
    try:
        with WheelFile.open(wheel) as source:
            source.validate_record(validate_contents=False)
            destination = StoreDestination(out, attributes["sitePackages"], source, patch)
            install(source, destination, {})
    except (InstallerError, ValueError, FileExistsError) as error:
        sys.exit(f"{wheel.name} is not a wheel that can be installed: {error}")
    if destination.problems:
        sys.exit(
            f"{wheel.name} does not agree with its own RECORD:\n  " + "\n  ".join(destination.problems)
            + "\nThe file is as the lock names it, so it was published like this; choose another version."
        )
    compile_modules(destination.modules)
    leave_out(out, attributes["sitePackages"], attributes["exclude"], wheel.name)
