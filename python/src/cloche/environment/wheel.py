"""Unpack one wheel into a prefix of its own, as published, and compile its byte code.

Runs inside a derivation with the standard library, PyPA's `installer` and archive.py on the path. Every file is written once
and compared with the wheel's RECORD on the way. Nothing of a wheel is changed but three things: scripts get a shebang
that the environment replaces (it decides which Python they run); ELF *executables* get the store's loader, since the
one that they name does not exist there; and what the user excludes is left out. The installed RECORD says so.

Format: the binary distribution format (packaging.python.org, "Binary distribution format"), RECORD by PEP 376 and 627.
"""

import base64
import configparser
import csv
import hashlib
import importlib.util
import io
import marshal
import os
import re
import shutil
import struct
import sys
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InstallerError
from installer.records import Hash, InvalidRecordEntry, RecordEntry, parse_record_file
from installer.sources import WheelFile
from installer.utils import Scheme

from cloche.untrusted.archive import check_zip
from cloche.untrusted.entry_points import check_entry_points, check_script, read_entry_points

# The interpreter that scripts name until an environment takes them over.
PLACEHOLDER = "/cloche/python"
# The format: "sha256 or better; specifically, md5, sha1 and sha224 are not to be used".
_ALGORITHMS = {"sha256", "sha384", "sha512"}
_PT_INTERP = 3
_ELF_HEADER = 64  # bytes, of a 64-bit file


class BadWheelError(Exception):
    """A wheel that must not be installed; `problems` says why in one line each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Patch:
    """Gives ELF executables the store's loader and libraries, behind those that they find by themselves.

    What manylinux promises is loaded at the start, as the base's interpreter does it (build-base.py says why).
    """

    def __init__(self, patchelf: str, loader: str, libraries: str, manylinux: list[str]) -> None:
        self.patchelf = patchelf
        needed = [word for library in manylinux for word in ("--add-needed", library)]
        # Two calls: patchelf 0.14 writes a wrong search path where one call adds to both lists.
        self.changes = [needed, ["--set-interpreter", loader, "--force-rpath", "--add-rpath", libraries]]

    def __call__(self, target: Path, path: str, published: RecordEntry) -> RecordEntry:
        """Patch the file and return its new RECORD entry; the published one for a library that can also be started."""
        import subprocess  # noqa: PLC0415 - few wheels have an executable

        name = [self.patchelf, "--print-soname", str(target)]
        if subprocess.run(name, check=True, capture_output=True).stdout.strip():
            return published
        for change in self.changes:
            subprocess.run([self.patchelf, *change, str(target)], check=True)
        data = target.read_bytes()
        print(f"{path}: an executable; its interpreter is now the store's")
        return RecordEntry(path, Hash("sha256", _digest(data)), len(data))


class StoreDestination(SchemeDictionaryDestination):
    """Writes into the store path and checks each file against the published RECORD."""

    def __init__(self, out: Path, site_packages: str, source: WheelFile, patch: Patch) -> None:
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
        self.published = {path: (digest, size) for path, digest, size in _read_record(source)}

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,
        is_executable: bool,  # noqa: FBT001 - installer's signature
    ) -> RecordEntry:
        """Write one file of the wheel; a script is compared before its shebang is changed."""
        if scheme == "scripts":
            data = stream.read()
            self._compare(scheme, os.fspath(path), _digest(data), len(data))
            stream = io.BytesIO(data)
        return super().write_file(scheme, path, stream, is_executable)

    def write_to_fs(self, scheme: Scheme, path: str, stream: BinaryIO, is_executable: bool) -> RecordEntry:  # noqa: FBT001
        """Write one file, made or published; return its RECORD entry."""
        entry = super().write_to_fs(scheme, path, stream, is_executable)
        target = Path(self.scheme_dict[scheme], path)
        if scheme != "scripts" and entry.hash_ is not None:
            self._compare(scheme, path, entry.hash_.value, entry.size)
        if path.endswith(".py") and scheme in {"purelib", "platlib"}:
            self.modules.append(target)
        if (is_executable or scheme == "scripts") and names_interpreter(target):
            entry = self.patch(target, path, entry)
        return entry

    def _compare(self, scheme: str, path: str, digest: str, size: int | None) -> None:
        # A file of the scheme that the wheel is unpacked into stands in RECORD as it is, others by their scheme.
        inside = f"{self.source.data_dir}/{scheme}/{path}"
        shown = inside if inside in self.published else path
        if shown in self.unrecorded or shown not in self.published:
            return
        recorded, length = self.published[shown]
        algorithm, _, value = recorded.partition("=")
        if algorithm == "sha256" and value.rstrip("=") != digest and value != _hexadecimal(digest):
            self.problems.append(f"{shown}: RECORD says {recorded}, the file has sha256={digest}")
        elif length and int(length) != size:
            self.problems.append(f"{shown}: RECORD says {length} bytes, the file has {size}")
        elif algorithm != "sha256" and not Hash.parse(recorded).validate(
            Path(self.scheme_dict[scheme], path).read_bytes()
        ):
            self.problems.append(f"{shown}: the file does not have RECORD's {recorded}")


def _hexadecimal(digest: str) -> str:
    """Return a digest as some write it into RECORD (gmsh), where the format has URL-safe base64; it says the same."""
    return base64.urlsafe_b64decode(digest + "=").hex()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _read_record(source: WheelFile) -> list[tuple[str, str, str]]:
    try:
        return list(parse_record_file(source.read_dist_info("RECORD").splitlines()))
    except (InvalidRecordEntry, UnicodeDecodeError, csv.Error) as error:
        text = f"RECORD is not as the specification has it: {error}"
        raise BadWheelError(text) from error


def check_record(source: WheelFile, names: list[str]) -> None:
    """Raise BadWheelError when RECORD and the archive do not name the same files, each with its hash."""
    record = f"{source.dist_info_dir}/RECORD"
    files = {name for name in names if not name.endswith("/")}
    if record not in files:
        text = f"{record}: it is not in the archive, so nothing says what the wheel's files must be"
        raise BadWheelError(text)
    free = {record, f"{record}.jws", f"{record}.p7s"}
    rows = _read_record(source)
    published = {path: digest for path, digest, _ in rows}
    problems = [f"{name}: not in RECORD" for name in sorted(files - published.keys() - free)]
    problems += [f"{name}: in RECORD, but not in the archive" for name in sorted(published.keys() - files - free)]
    problems += [
        f"{path}: RECORD has it {count} times" for path, count in Counter(row[0] for row in rows).items() if count > 1
    ]
    for name, digest in sorted(published.items()):
        algorithm = digest.partition("=")[0]
        if not digest and name not in free:
            problems.append(f"{name}: RECORD has no hash of it")
        elif digest and algorithm not in _ALGORITHMS:
            problems.append(f"{name}: RECORD's hash of it is {algorithm}; sha256 is the weakest that is accepted")
    if problems:
        raise BadWheelError(*problems)


def check_scripts(source: WheelFile, names: list[str]) -> None:
    """Raise BadWheelError for what must not become a file in bin/, or the code in one."""
    problems = []
    if f"{source.dist_info_dir}/entry_points.txt" in names:
        try:
            problems += check_entry_points(read_entry_points(source.read_dist_info("entry_points.txt")))
        except configparser.Error as error:
            problems.append(f"entry_points.txt: {' '.join(str(error).split())}")
    folder = f"{source.data_dir}/scripts/"
    scripts = {name.removeprefix(folder).split("/")[0] for name in names if name.startswith(folder) and name != folder}
    problems += [f"the script {name!r}: {fault}" for name in sorted(scripts) if (fault := check_script(name))]
    if problems:
        raise BadWheelError(*problems)


def names_interpreter(path: Path) -> bool:
    """Return whether the file is a 64-bit little-endian ELF file with a PT_INTERP segment."""
    with path.open("rb") as file:
        head = file.read(_ELF_HEADER)
        if len(head) < _ELF_HEADER or head[:6] != b"\x7fELF\x02\x01":
            return False
        (offset,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        file.seek(offset)
        table = file.read(size * count)
    if size < struct.calcsize("<I"):
        return False
    kinds = [struct.unpack_from("<I", table, index * size)[0] for index in range(len(table) // size)]
    return _PT_INTERP in kinds


def of_tests(module: Path) -> bool:
    """Return whether a module belongs to a package's own test suite: half of the byte code of SciPy or scikit-learn.

    pytest rewrites and compiles test modules itself, so that theirs would never be read.
    """
    return "tests" in module.parts


def compile_modules(modules: list[Path]) -> None:
    """Write unchecked hash-based byte code (PEP 552) beside each module that compiles.

    Files of a store never change, so nothing has to be compared at import. A module in a syntax that this
    Python does not know is left alone, as pip leaves it.
    """
    tag = sys.implementation.cache_tag
    # What the authors of a wheel are warned of is nothing that its user can mend.
    warnings.simplefilter("ignore")
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


def same_version(one: str, other: str) -> bool:
    """Return whether two versions differ at most in how they are written (PEP 440: case, separators, zeros at the end)."""

    def plain(version: str) -> str:
        return re.sub(r"(\.0)+(?=$|\+)", "", re.sub(r"[-_]", ".", version.lower()).removeprefix("v"))

    return plain(one) == plain(other)


def check_built(wheel: str, source: WheelFile, expected: dict[str, str]) -> None:
    """Raise BadWheelError when a backend made another project or version than the one that was asked for."""
    name, version = expected["name"], expected["version"]
    if re.sub(r"[-_.]+", "-", source.distribution).lower() != name:
        text = f"{wheel}: it was built from {name}, but is a wheel of {source.distribution}"
        raise BadWheelError(text)
    if version and not same_version(source.version, version):
        text = f"{wheel}: it was built from {name} {version}, but says that it is {source.version}"
        note = "(a version that comes from git must be stated: for the project itself by the option cloche.version)"
        raise BadWheelError(text, note)


def leave_out(out: Path, site_packages: str, patterns: list[str], wheel: str) -> set[Path]:
    """Remove the files that match, which the user wants from another wheel, and return them.

    A pattern without a match ends the program: it is a typing error, or no longer needed.
    """
    removed: set[Path] = set()
    for pattern in patterns:
        found = {path for root in (out / site_packages, out) for path in root.glob(pattern)}
        if not found - removed:
            sys.exit(f"{wheel}: overrides.exclude has {pattern!r}, which matches nothing in this wheel")
        for path in found:
            removed |= {path, *path.rglob("*")} if path.is_dir() else {path}
    for path in sorted(removed):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return removed


def forget(record: Path, site: Path, removed: set[Path]) -> None:
    """Take the removed files out of an installed RECORD."""
    rows = list(csv.reader(record.read_text(encoding="utf-8").splitlines()))
    kept = [row for row in rows if Path(os.path.normpath(site / row[0])) not in removed]
    with record.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(kept)


def unpack(wheel: Path, out: Path, attributes: dict[str, Any]) -> StoreDestination:
    """Write the wheel's files into `out`; raise BadWheelError, or what `installer` raises for a file that is no wheel."""
    patch = Patch(attributes["patchelf"], attributes["loader"], attributes["libraries"], attributes["manylinux"])
    if problems := check_zip(wheel):
        raise BadWheelError(*problems)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        source = WheelFile(archive)
        if attributes["built"]:
            check_built(wheel.name, source, attributes["built"])
        check_record(source, names)
        check_scripts(source, names)
        destination = StoreDestination(out, attributes["sitePackages"], source, patch)
        install(source, destination, {})
    return destination


def main(attributes: dict[str, Any]) -> None:
    """Unpack attributes["source"] (published as attributes["file"]) into attributes["outputs"]["out"]."""
    out = Path(attributes["outputs"]["out"])
    wheel = find_wheel(Path(attributes["source"]), attributes["file"])
    try:
        destination = unpack(wheel, out, attributes)
        problems = tuple(destination.problems)
    except BadWheelError as error:
        problems = error.problems
    except (InstallerError, ValueError, KeyError, FileExistsError, zipfile.BadZipFile) as error:
        sys.exit(f"{wheel.name} is not a wheel that can be installed: {error}")
    if problems:
        built = (
            "It was built from source just now; look into its build backend."
            if attributes["built"]
            else ("The file is as the lock names it, so it was published like this; choose another version.")
        )
        sys.exit(f"{wheel.name} is not a sound wheel:\n  " + "\n  ".join(problems) + f"\n{built}")
    site = out / attributes["sitePackages"]
    removed = leave_out(out, attributes["sitePackages"], attributes["exclude"], wheel.name)
    if removed:
        forget(site / destination.source.dist_info_dir / "RECORD", site, removed)
    modules = [module for module in destination.modules if module not in removed]
    compile_modules([module for module in modules if attributes["bytecode"] == "all" or not of_tests(module)])
