"""Turn the seed (Debian packages as unpacked) into the base: one prefix that stands alone in the store.

Run by the seed's own loader and Python, with standard library only. Reads `seed`, `triplet`, `python`, `manylinux`
(names of libraries) and `out` from the environment. What it changes, and nothing else:

* /bin, /lib, /usr/bin, /usr/lib and their architecture folders become bin/ and lib/ of one prefix;
* documentation, manuals, translations, static libraries and Debian's own configuration are dropped;
* executables get the base's loader as interpreter and a DT_RPATH (not RUNPATH: only that reaches the
  libraries which a wheel's extension modules need);
* the Python interpreter also needs (DT_NEEDED) every library that a wheel may expect of a system: the loader ignores
  its DT_RPATH for a library that has a DT_RUNPATH of its own, but takes what is loaded already;
* the loader loses its built-in search path, its cache and its preload file, and the libraries the folders of the
  host in which they would look for plug-ins (character sets, OpenSSL's providers, Kerberos);
* shell scripts start with the base's shell;
* Python's record of how it was built names the base instead of /usr.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

SEED, OUT = Path(os.environ["seed"]), Path(os.environ["out"])
TRIPLET, PYTHON, MANYLINUX = os.environ["triplet"], os.environ["python"], os.environ["manylinux"].split()
LIBRARIES = f"{SEED}/lib/{TRIPLET}:{SEED}/usr/lib/{TRIPLET}"

# Source folders in the seed and where their contents go; earlier ones win, which happens for no file but links.
LAYOUT = {
    "bin": "bin",
    "usr/bin": "bin",
    f"lib/{TRIPLET}": "lib",
    f"usr/lib/{TRIPLET}": "lib",
    f"usr/lib/python{PYTHON}": f"lib/python{PYTHON}",
    "usr/lib/locale": "lib/locale",
    f"usr/include/python{PYTHON}": f"include/python{PYTHON}",
    f"usr/include/{TRIPLET}/python{PYTHON}": f"include/{TRIPLET}/python{PYTHON}",
    "usr/share/zoneinfo": "share/zoneinfo",
}
# Debian's package manager serves only to unpack packages; of it dpkg-deb stays.
DROPPED_PROGRAMS = re.compile(
    r"dpkg(-(divert|maintscript-helper|query|realpath|split|statoverride|trigger))?|update-alternatives|bashbug"
    r"|gawkbug|ld\.so|.*-config|(pydoc|pdb|pygettext).*|localedef|tzselect|rbash|clear_console"
)
DROPPED_FILES = re.compile(r".*\.(a|la|o)|libpython.*|.*_failed\.so|__pycache__")
DROPPED_FOLDERS = ("awk", "gconv", "audit", "pkgconfig", "right", "posix", "test", "pydoc_data", "perl5", "krb5", "engines-3")


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def has_interpreter(path: Path) -> bool:
    """Return whether a 64-bit little-endian ELF file has a PT_INTERP segment, so is a dynamic executable."""
    data = path.read_bytes()
    (offset,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    return any(struct.unpack_from("<I", data, offset + index * size)[0] == 3 for index in range(count))


def copy(source: Path, target: Path) -> None:
    """Copy a folder of the seed, links as links, leaving out what nothing in a build uses."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(source.iterdir()):
        to = target / entry.name
        if DROPPED_FILES.fullmatch(entry.name) or (target.name == "bin" and DROPPED_PROGRAMS.fullmatch(entry.name)):
            continue
        if entry.is_symlink():
            link(entry, to)
        elif entry.is_dir():
            if entry.name not in DROPPED_FOLDERS and not entry.name.startswith("python"):
                copy(entry, to)
        elif not to.exists():
            shutil.copyfile(entry, to)
            # A library is no program, though Debian marks libc as one (with the host's loader as its interpreter).
            to.chmod(0o755 if os.access(entry, os.X_OK) and ".so" not in entry.name else 0o644)


def link(entry: Path, to: Path) -> None:
    """Copy a link; one that leaves its folder is made to point at the same file's place in the base."""
    target = os.readlink(entry)
    if to.exists() or to.is_symlink() or target.startswith("/etc/"):
        return
    if "/" not in target or not target.startswith(("/", "..")):
        to.symlink_to(target)
        return
    resolved = SEED / target.lstrip("/") if target.startswith("/") else Path(os.path.normpath(entry.parent / target))
    for source, place in LAYOUT.items():
        if resolved.is_relative_to(SEED / source):
            inside = OUT / place / resolved.relative_to(SEED / source)
            if inside != to:
                to.symlink_to(os.path.relpath(inside, to.parent))
            return


def patch_executables(loader: Path) -> None:
    programs = [path for path in sorted((OUT / "bin").iterdir()) if not path.is_symlink() and is_elf(path) and has_interpreter(path)]
    patchelf = [SEED / "lib" / TRIPLET / loader.name, "--library-path", LIBRARIES, SEED / "usr/bin/patchelf"]
    subprocess.run([*patchelf, "--set-interpreter", loader, "--force-rpath", "--set-rpath", OUT / "lib", *programs], check=True)
    interpreter = OUT / f"bin/python{PYTHON}"
    there = subprocess.run([*patchelf, "--print-needed", interpreter], check=True, capture_output=True, text=True).stdout.split()
    needed = [word for library in MANYLINUX if library not in there for word in ("--add-needed", library)]
    subprocess.run([*patchelf, *needed, interpreter], check=True)


def neutralise_loader(loader: Path) -> None:
    """Replace every place where the loader looks by itself with one of the same length that cannot exist.

    Source of the strings: glibc's elf/dl-load.c (system_dirs) and elf/rtld.c; each must be found, or a new glibc
    has changed and the base would silently fall back to the host.
    """
    data = loader.read_bytes()
    search_path = f"/lib/{TRIPLET}/\0/usr/lib/{TRIPLET}/\0/lib/\0/usr/lib/\0".encode()
    for old in (search_path, b"/etc/ld.so.cache\0", b"/etc/ld.so.preload\0"):
        if old not in data:
            sys.exit(f"the loader {loader.name} does not contain {old!r}; its search path cannot be neutralised")
        data = data.replace(old, re.sub(rb"[a-z]", b"\xff", old))
    loader.write_bytes(data)


def neutralise_libraries() -> None:
    """Replace the host's library folder inside all libraries, as in the loader: plug-ins are opened by full path."""
    host = f"/usr/lib/{TRIPLET}".encode()
    for library in sorted((OUT / "lib").rglob("*.so*")):
        if not library.is_symlink() and is_elf(library) and host in (data := library.read_bytes()):
            library.write_bytes(data.replace(host, re.sub(rb"[a-z]", b"\xff", host)))


def relocate_scripts() -> None:
    """Start shell scripts with the base's shell, and make ldd ask the base's loader."""
    loader = next((OUT / "lib").glob("ld-linux*"))
    for script in sorted((OUT / "bin").iterdir()):
        if script.is_symlink() or is_elf(script):
            continue
        text = re.sub(r"\A#! ?/bin/(ba)?sh\b", rf"#!{OUT}/bin/\1sh", script.read_text())
        script.write_text(re.sub(r"(?m)^RTLDLIST=.*$", f"RTLDLIST={loader}", text))


def relocate_python() -> None:
    """Make sysconfig, zoneinfo and ctypes.util name the base."""
    library = OUT / f"lib/python{PYTHON}"
    for record in [*library.glob("_sysconfigdata_*.py"), *library.glob("config-*/Makefile")]:
        text = record.read_text()
        text = re.sub(rf"(?<![\w./-])/usr/lib/{TRIPLET}(?=/python|\b)", f"{OUT}/lib", text)
        record.write_text(re.sub(r"(?:(?<![\w./-])|(?<=-[IL]))/usr(?=/|'| )", str(OUT), text))
    finder = library / "ctypes/util.py"
    finder.write_text(
        finder.read_text().replace(
            'if __name__ == "__main__":',
            f'''def find_library(name):  # Cloche: the host's compiler, ldconfig and cache are no sources
    found = sorted(
        entry for entry in os.listdir({str(OUT / "lib")!r})
        if entry == f"lib{{name}}.so" or entry.startswith(f"lib{{name}}.so.")
    )
    return os.path.join({str(OUT / "lib")!r}, found[0]) if found else None


if __name__ == "__main__":''',
            1,
        )
    )
    names = {"python3": f"python{PYTHON}", "python": f"python{PYTHON}", "sh": "bash", "awk": "gawk"}
    for name, target in names.items():
        path = OUT / "bin" / name
        path.unlink(missing_ok=True)
        path.symlink_to(target)


def main() -> None:
    for source, place in LAYOUT.items():
        if (SEED / source).is_dir():
            copy(SEED / source, OUT / place)
    loader = next((OUT / "lib").glob("ld-linux*"))
    loader.chmod(0o755)
    neutralise_loader(loader)
    neutralise_libraries()
    patch_executables(loader)
    relocate_scripts()
    relocate_python()
    dangling = [str(path) for path in OUT.rglob("*") if path.is_symlink() and not path.exists()]
    for path in dangling:
        Path(path).unlink()
    compile_library()


def compile_library() -> None:
    """Byte-compile the standard library with the new interpreter, checked by hash so that dates do not matter.

    One process that writes nothing by itself (-B) and compiles all files (-f): what an import leaves behind bears
    dates, and what one compiles can depend on what it compiled before.
    """
    environment = {"PYTHONHOME": str(OUT), "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "315532800"}
    command = [OUT / "bin/python3", "-I", "-S", "-B", "-m", "compileall", "-f", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", OUT, "-p", "/base", OUT / f"lib/python{PYTHON}"], check=True, env=environment)


if __name__ == "__main__":
    main()
