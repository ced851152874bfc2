"""Unpack Debian packages into one prefix whose programs run on the base; wrap compilers where there are any.

The prefix keeps Debian's layout below usr/ (compilers look for their parts by relative paths) and has bin/ with all
programs, those of sbin too. Run by runPython; standard library only.
"""

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

DROPPED = ["usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "usr/share/bug", "etc", "var"]


def has_interpreter(path: Path) -> bool:
    """Return whether a file is a dynamic executable (64-bit little-endian ELF with PT_INTERP)."""
    with path.open("rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return False
        (offset,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        file.seek(offset)
        table = file.read(size * count)
    return any(struct.unpack_from("<I", table, index * size)[0] == 3 for index in range(count))


def main(attributes: dict) -> None:
    out, base, triplet = Path(attributes["outputs"]["out"]), Path(attributes["base"]), attributes["triplet"]
    out.mkdir()
    for deb in attributes["debs"]:
        subprocess.run(["dpkg-deb", "-x", deb, out], check=True)
    for folder in DROPPED:
        shutil.rmtree(out / folder, ignore_errors=True)
    merge_usr(out)
    libraries = out / "usr/lib" / triplet
    libraries.mkdir(parents=True, exist_ok=True)
    programs = [
        path for path in sorted(out.rglob("*"))
        if not path.is_symlink() and path.is_file() and os.access(path, os.X_OK) and has_interpreter(path)
    ]
    subprocess.run(
        ["patchelf", "--set-interpreter", attributes["loader"], "--force-rpath", "--set-rpath", f"{libraries}:{base}/lib", *programs],
        check=True,
    )
    (out / "bin").mkdir(exist_ok=True)
    folders = [folder for folder in (out / "usr/bin", out / "usr/sbin") if folder.is_dir()]
    for program in sorted(program for folder in folders for program in folder.iterdir()):
        for name in {program.name, program.name.removeprefix(f"{triplet}-")}:
            link = out / "bin" / name
            if not link.is_symlink():
                link.symlink_to(os.path.relpath(program, out / "bin"))
    if "wrapped" in attributes:
        wrap_compilers(attributes, out, base)
    for path in sorted(out.rglob("*")):
        if path.is_symlink() and not path.exists():
            path.unlink()


def merge_usr(out: Path) -> None:
    """Move /bin, /sbin and /lib under usr, and leave a link: what an installed Debian looks like."""
    for name in ("bin", "sbin", "lib"):
        if (out / name).is_dir():
            shutil.copytree(out / name, out / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(out / name)
    (out / "lib").symlink_to("usr/lib")


def wrap_compilers(attributes: dict, out: Path, base: Path) -> None:
    """Make compilers that take headers and start files from `out` and link against the base's libraries."""
    triplet, version, loader = attributes["triplet"], attributes["gccVersion"], attributes["loader"]
    for library in sorted((base / "lib").glob("*.so*")):
        link = out / "usr/lib" / triplet / library.name
        if not link.is_symlink() and not link.exists():
            link.symlink_to(library)
    (out / "lib64").mkdir()
    (out / "lib64" / Path(loader).name).symlink_to(loader)
    include = next(base.glob("include/python*"))
    for compiler, names in attributes["wrapped"].items():
        program = out / "usr/bin" / f"{triplet}-{compiler}-{version}"
        for name in names:
            for spelling in (name, f"{triplet}-{name}"):
                path = out / "bin" / spelling
                path.unlink(missing_ok=True)
                path.write_text(
                    f"#!{base}/bin/bash\n"
                    "# Debian's compiler, with this prefix as its root; what it links uses the base's loader and libraries.\n"
                    f"export CPATH={include}:{base}/include${{CPATH:+:$CPATH}}\n"
                    f'exec {program} --sysroot={out} -B{out}/bin -ffile-prefix-map="$NIX_BUILD_TOP"=. -ffile-prefix-map={out}=/cc '
                    # RPATH, not RUNPATH: only that also serves what the base's own libraries need (libstdc++ needs libm).
                    f"-Wl,--dynamic-linker={loader} -Wl,--disable-new-dtags -Wl,-rpath,{base}/lib \"$@\"\n"
                )
                path.chmod(0o755)
    for script in (out / "usr/lib" / triplet).glob("*.so"):
        # Linker scripts name absolute paths, which --sysroot prefixes; the files must be there.
        if not script.is_symlink() and script.stat().st_size < 4096:
            text = script.read_text(errors="ignore")
            for name in re.findall(r"/lib/[^ )]+", text):
                if not (out / name.lstrip("/")).exists():
                    raise SystemExit(f"{script.name} names {name}, which is not in the role")
