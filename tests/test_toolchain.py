"""The debian toolchain: what its runners offer, that the host cannot leak in, and that what it makes stands alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import time
from pathlib import Path

import pytest

from conftest import ROOT, Ended, built, nix, run
from machines import OFFLINE, needs_root

SYSTEM = f"{os.uname().machine}-linux"
TOOLCHAIN = f'(import {ROOT}/pkgs/toolchain {{ system = "{SYSTEM}"; }})'


def build(expression: str, *options: str) -> Ended:
    """Build an expression in which `t` is the toolchain."""
    return nix(
        "build",
        "--no-link",
        "--print-out-paths",
        "--impure",
        "--expr",
        f"let t = {TOOLCHAIN}; in {expression}",
        *options,
    )


def bash(script: str, more: str = "") -> str:
    """Return an expression for a derivation that runs a script; it is made anew at each call, not found in the store."""
    return f"t.runBash {{ name = \"probe\"; moment = \"{time.time_ns()}\"; {more} script = ''{script}''; }}"


@pytest.fixture(scope="module")
def base() -> Path:
    """Return the base's store path."""
    return Path(built(build("t.base")))


@pytest.fixture(scope="module")
def seen_by_python(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Return what a script under runPython finds."""
    script = tmp_path_factory.mktemp("script") / "look.py"
    script.write_text("""
import ctypes, ctypes.util, json, locale, os, subprocess, sysconfig, time, zoneinfo

def main(attributes):
    os.environ["TZ"] = "Asia/Kolkata"
    time.tzset()
    libraries = {name: ctypes.util.find_library(name) for name in ("c", "m", "z", "stdc++", "gfortran", "quadmath", "gomp", "absent")}
    for path in filter(None, libraries.values()):
        ctypes.CDLL(path)
    variables = sysconfig.get_config_vars()
    seen = {
        "system": [os.system("true"), os.system("exit 3")],
        "shell": subprocess.run("echo $((6 * 7))", shell=True, capture_output=True, text=True).stdout,
        "env": subprocess.run(["/usr/bin/env", "printf", "x"], capture_output=True, text=True).stdout,
        "zone": time.strftime("%z"),
        "zoneinfo": str(zoneinfo.ZoneInfo("Asia/Kolkata").utcoffset(__import__("datetime").datetime(2026, 1, 1))),
        "locale": [locale.setlocale(locale.LC_ALL, "C.UTF-8"), locale.nl_langinfo(locale.CODESET)],
        "libraries": libraries,
        "usr": sorted(name for name, value in variables.items() if isinstance(value, str) and "/usr/" in value and "WASM" not in name),
        "include": variables["INCLUDEPY"],
        "header": os.path.exists(variables["INCLUDEPY"] + "/Python.h"),
        "length": len(attributes["large"]),
        "epoch": os.environ["SOURCE_DATE_EPOCH"],
        "host": sorted({"bin", "etc", "lib", "usr"} & set(os.listdir("/"))) + sorted(os.listdir("/usr")),
    }
    with open(attributes["outputs"]["out"], "w") as file:
        json.dump(seen, file)
""")
    large = 'builtins.concatStringsSep "" (builtins.genList (_: "0123456789") 30000)'
    made = build(f't.runPython {{ name = "look"; script = {script}; large = {large}; moment = "{time.time_ns()}"; }}')
    seen: dict[str, object] = json.loads(Path(built(made)).read_text())
    return seen


def test_python_finds_an_ordinary_world(seen_by_python: dict[str, object]) -> None:
    seen = seen_by_python
    assert seen["system"] == [0, 3 << 8]
    assert (seen["shell"], seen["env"]) == ("42\n", "x")
    assert (seen["zone"], seen["zoneinfo"]) == ("+0530", "5:30:00")
    assert seen["locale"] == ["C.UTF-8", "UTF-8"]
    assert seen["epoch"] == "315532800"


def test_an_attribute_may_be_longer_than_an_argument(seen_by_python: dict[str, object]) -> None:
    assert seen_by_python["length"] == 300_000


def test_libraries_and_configuration_are_the_stores(seen_by_python: dict[str, object], base: Path) -> None:
    libraries = seen_by_python["libraries"]
    assert isinstance(libraries, dict)
    assert libraries.pop("absent") is None
    assert {str(Path(path).parent) for path in libraries.values()} == {f"{base}/lib"}
    assert seen_by_python["usr"] == []
    assert str(seen_by_python["include"]).startswith(f"{base}/include/python")
    assert seen_by_python["header"] is True


def test_the_sandbox_shows_nothing_of_the_host(seen_by_python: dict[str, object]) -> None:
    # Of the root folder only what Nix and the runner put there: names and hosts in /etc, /bin/sh, /usr/bin/env.
    assert seen_by_python["host"] == ["bin", "etc", "usr", "bin"]
    look = bash("ls /usr/lib > $out")
    ended = build(look)
    assert ended.code != 0
    assert "cannot access '/usr/lib'" in ended.err
    # The control: without a sandbox the same build would have seen it.
    if os.geteuid() == 0:
        assert built(build(look, "--option", "sandbox", "false"))


def test_bash_finds_an_ordinary_world() -> None:
    script = """
      /bin/sh -c 'echo sh'; /usr/bin/env echo env; TZ=Asia/Kolkata date +%z; locale charmap
      printf 'a\\303\\251' | wc -m; awk 'BEGIN { print 1.5 }'; echo $HOME $TMPDIR; echo text | gzip | zcat; ldd $(command -v sort) | grep -c host || true
    """
    lines = Path(built(build(bash(f"{{ {script} }} > $out")))).read_text().splitlines()
    assert lines == ["sh", "env", "+0530", "UTF-8", "2", "1.5", "/build /build", "text", "0"]


def test_two_hundred_scripts_that_end_in_cp_succeed() -> None:
    one = bash("echo x > x; cp x $out").replace('name = "probe"', 'name = "probe-${toString number}"')
    ended = build(
        f"builtins.genList (number: {one}) 200".join(
            ['t.runBash { name = "all"; all = ', '; script = "echo > $out"; }']
        ),
        "-j",
        "4",
    )
    assert ended.code == 0, ended.err[-2000:]


def programs_of(folder: Path) -> list[Path]:
    """Return all dynamic executables below a folder."""
    found = []
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file() or not os.access(path, os.X_OK):
            continue
        data = path.read_bytes()
        if data[:6] != b"\x7fELF\x02\x01":
            continue
        (offset,) = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        if any(struct.unpack_from("<I", data, offset + index * size)[0] == 3 for index in range(count)):
            found.append(path)
    return found


def test_every_program_names_the_stores_loader(base: Path) -> None:
    programs = programs_of(base)
    assert len(programs) > 100
    shown = run(base / "bin/patchelf", "--print-interpreter", programs[0]).out.strip()
    loader = shown.encode()
    assert loader.startswith(bytes(base))
    assert [path.name for path in programs if loader not in path.read_bytes()] == []
    # The control: the host's own would not pass.
    assert all(loader not in path.read_bytes() for path in programs_of(Path("/usr/bin"))[:1])


def test_nothing_of_the_base_leads_to_the_seed_or_the_host(base: Path) -> None:
    seed = built(build("t.seed"))[len("/nix/store/") :][:32].encode()
    triplet = f"/usr/lib/{os.uname().machine}-linux-gnu".encode()
    files = [path for path in base.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path.name for path in files if seed in path.read_bytes()] == []
    assert [path.name for path in files if ".so" in path.name and triplet in path.read_bytes()] == []
    first_lines = {
        path.read_bytes()[:80].split(b"\n")[0] for path in (base / "bin").iterdir() if path.read_bytes()[:2] == b"#!"
    }
    assert {line for line in first_lines if bytes(base) not in line} == set()


def test_the_base_is_the_same_when_it_is_built_again(base: Path) -> None:
    ended = build("t.base", "--rebuild")
    assert ended.code == 0, ended.err
    # The control: a derivation that differs each time is noticed.
    changing = bash("date +%N > $out; head -c 20 /dev/urandom >> $out")
    built(build(changing))
    assert "may not be deterministic" in build(changing, "--rebuild").err
    assert base.exists()


@needs_root
def test_a_poisoned_host_is_not_seen(base: Path, tmp_path: Path) -> None:
    env = built(nix("build", "--no-link", "--print-out-paths", f"{ROOT}/examples/branin#env"))
    # The host's libraries become text files, at the very places that the host's ld.so.cache names; one is a real
    # library which the store lacks.
    poison = tmp_path / "poison"
    poison.mkdir()
    for name in (
        "libc.so.6",
        "libm.so.6",
        "libz.so.1",
        "libstdc++.so.6",
        "libgcc_s.so.1",
        "libgfortran.so.5",
        "libcrypto.so.3",
    ):
        (poison / name).write_text("poison\n")
    (poison / "libonly-here.so.1").write_bytes((base / "lib/libz.so.1").read_bytes())
    etc = tmp_path / "etc"
    etc.mkdir()
    shutil.copy("/etc/ld.so.cache", etc)
    script = tmp_path / "script.py"
    script.write_text(f"""
import ctypes, os, subprocess
import numpy, scipy.linalg, sklearn, zlib, ssl, sqlite3
print(numpy.dot([1.0, 2.0], [3.0, 4.0]), zlib.crc32(b"x"))
try:
    ctypes.CDLL("libonly-here.so.1")
except OSError as error:
    print("lacking:", error)
mapped = {{line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}}
print("host:", sorted(path for path in mapped if not path.startswith("/nix/store/")))
try:
    print("control:", subprocess.run(["/bin/true"], capture_output=True).returncode != 0)
except OSError:  # the host's loader is gone too
    print("control:", True)
done = subprocess.run(["{env}/bin/python", "-c", "import ctypes; ctypes.CDLL('libonly-here.so.1'); print('loadable')"],
    env={{"LD_LIBRARY_PATH": "/usr/lib/{os.uname().machine}-linux-gnu"}}, capture_output=True, text=True)
print(done.stdout, done.stderr)
""")
    triplet = f"{os.uname().machine}-linux-gnu"
    words = f"""
      mount --bind {etc} /etc
      [ /lib/{triplet} -ef /usr/lib/{triplet} ] || mount --bind {poison} /lib/{triplet}
      mount --bind {poison} /usr/lib/{triplet}
      echo /usr/lib/{triplet}/libz.so.1 >/etc/ld.so.preload
      exec {env}/bin/python {script}
    """
    ended = run("unshare", "--mount", "/bin/bash", "-c", words)
    lines = ended.out.splitlines()
    assert lines[:1] == ["11.0 2363233923"], ended.err
    assert lines[1].startswith("lacking: libonly-here.so.1: cannot open shared object file")
    assert lines[2:5] == ["host: []", "control: True", "loadable"], ended.out
    assert "ld.so.preload" not in ended.err


PROGRAMS = """
  cat > a.c <<'END'
#include <math.h>
#include <stdio.h>
int main(void) {
  int sum = 0;
#pragma omp parallel for reduction(+ : sum)
  for (int i = 0; i < 100; i++) sum += i;
  printf("%d %.3f\\n", sum, cbrt(27.0));
}
END
  gcc -O2 -fopenmp a.c -o a -lm
  cat > b.cc <<'END'
#include <iostream>
#include <stdexcept>
int main() { try { throw std::runtime_error("thrown"); } catch (std::exception& e) { std::cout << e.what() << std::endl; } }
END
  g++ -std=c++20 b.cc -o b
  printf 'program p\\nreal(16) :: x\\nx = sqrt(2.0_16)\\nprint "(F8.5)", x\\nend program\\n' > c.f90
  gfortran c.f90 -o c
  cat > d.c <<'END'
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "d", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_d(void) { return PyModule_Create(&module); }
END
  cc -shared -fPIC d.c -o d.so
  gcc -static a.c -o e -lm
  printf 'all:\\n\\techo made\\n' > Makefile
  make -s > made
  mkdir $out
  cp a b c d.so e made $out
"""


@pytest.mark.usefixtures("compilers")
def test_compiled_programs_run_on_the_base_alone() -> None:
    compiled = built(build(bash(PROGRAMS, "path = [ t.roles.cc ];")))
    references = nix("path-info", "--json", compiled)
    (information,) = json.loads(references.out).values()
    assert [path for path in information["references"] if "cloche-cc" in path] == []
    ran = build(
        bash(
            f"p=${{builtins.storePath {compiled}}}; {{ $p/a; $p/b; $p/c; cat $p/made; cd $p; python3 -c 'import sys; sys.path[:0] = [\".\"]; import d; print(d.__name__)'; }} > $out"
        )
    )
    assert Path(built(ran)).read_text().split() == ["4950", "3.000", "thrown", "1.41421", "made", "d"]


def test_a_role_is_not_asked_for_unless_it_is_used() -> None:
    plain = nix(
        "derivation", "show", "--recursive", "--impure", "--expr", f"let t = {TOOLCHAIN}; in {bash('echo > $out')}"
    )
    using = nix(
        "derivation",
        "show",
        "--recursive",
        "--impure",
        "--expr",
        f"let t = {TOOLCHAIN}; in {bash('echo > $out', 'path = [ t.roles.cc ];')}",
    )
    assert "gcc-12" not in plain.out
    assert plain.out.startswith("{")
    assert "gcc-12" in using.out


def test_the_other_architecture_evaluates() -> None:
    for system in ("x86_64-linux", "aarch64-linux"):
        ended = nix("eval", "--raw", f"{ROOT}#packages.{system}.default.drvPath")
        assert ended.code == 0, ended.err
        assert ended.out.endswith(".drv")
    pins = [
        json.loads((ROOT / f"pkgs/toolchain/debian/pins/{system}/seed.json").read_text())
        for system in ("x86_64-linux", "aarch64-linux")
    ]
    assert [pin["version"] for pin in pins[0] if pin["name"] == "libc6"] == [
        pin["version"] for pin in pins[1] if pin["name"] == "libc6"
    ]


def test_an_unpinned_architecture_is_named() -> None:
    ended = nix(
        "eval", "--impure", "--expr", f'(import {ROOT}/pkgs/toolchain {{ system = "riscv64-linux"; }}).base.outPath'
    )
    assert "pinned for aarch64-linux and x86_64-linux, not for riscv64-linux" in ended.err


def test_the_version_of_python_is_data() -> None:
    for path in (ROOT / "pkgs/toolchain").rglob("*"):
        if path.suffix in {".nix", ".py", ".sh"}:
            code = [line for line in path.read_text().splitlines() if not line.lstrip().startswith(("#", '"', "*"))]
            assert [line for line in code if re.search(r"\b3\.?11\b", line)] == [], path.name


def test_evaluation_imports_nothing_that_is_built() -> None:
    for verb in (["flake", "show", "--all-systems"], ["flake", "check", "--no-build"]):
        ended = run(*OFFLINE, "nix", *verb, ROOT, "--option", "allow-import-from-derivation", "false")
        assert ended.code == 0, ended.err


def test_a_shell_is_offered_offline_without_a_search_for_nixpkgs() -> None:
    assert not {"nixpkgs"} & set(json.loads((ROOT / "flake.lock").read_text())["nodes"]["root"]["inputs"])
    ended = run(*OFFLINE, ROOT / "ci/nix", "develop", ROOT, "--command", "true")
    assert ended.code == 0, ended.err
    told = [
        line
        for line in ended.err.splitlines()
        if "warning" in line and "Internet access" not in line and "Git tree" not in line
    ]
    assert [line for line in told if "known to git" not in line] == []


def test_a_missing_seed_says_what_to_do(tmp_path: Path) -> None:
    pins = tmp_path / "pins"
    pins.mkdir()
    (pins / "seed.hash").write_text("sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
    ended = nix(
        "build",
        "--no-link",
        "--impure",
        "--expr",
        f'import {ROOT}/pkgs/toolchain/debian/seed.nix {{ system = "{SYSTEM}"; pins = {pins}; }}',
    )
    assert ended.code == 1
    assert "the-toolchain's-seed-is-not-in-the-store--run--ci/nix--or--nix-run-.#fetch--first" in ended.err
