"""Wheels whose libraries and programs find what a system has to offer: published ones, and compiled ones of every shape.

The loader ignores the interpreter's DT_RPATH for what a library with a DT_RUNPATH needs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT, built, nix, run
from flakes import FLAKE, SYSTEM, cloche, copy
from packages import PythonSet, Wheel

TOOLCHAIN = f'(import {ROOT}/pkgs/toolchain {{ system = "{SYSTEM}"; }})'
# As a compiler of another Linux makes them: the loader that everybody has, and DT_RUNPATH.
PROGRAMS = r"""
mkdir $out && cd $out
compile() { $cc/usr/bin/$compiler --sysroot=$cc -B$cc/bin -Wl,--enable-new-dtags "$@"; }
cat > inner.cc <<END
#include <string>
#include <dlfcn.h>
extern "C" int inner() { return std::string(dlsym(RTLD_DEFAULT, "main") ? "yes!" : "no").size(); }
END
compile -shared -fPIC -Wl,-soname,libinner.so.1 -Wl,--no-as-needed -o libinner.so.1 inner.cc -ldl -lpthread -lrt
echo 'extern "C" int inner(); int outer() { return inner() + 38; }' > outer.cc
compile -shared -fPIC -Wl,-soname,libouter.so.1 -Wl,-rpath,'$ORIGIN' -o libouter.so.1 outer.cc libinner.so.1
printf '#include <cstdio>\nint outer(); int main() { std::printf("%%d\\n", outer()); return 0; }\n' > tool.cc
compile -rdynamic -Wl,-rpath,'$ORIGIN/../lib' -Wl,-rpath-link,. -o tool tool.cc libouter.so.1
printf '#include <cstdlib>\nint main(int, char **words) { return std::system(words[1]) != 0; }\n' > starter.cc
compile -o starter starter.cc
compile -static -o static starter.cc
printf 'extern "C" const char loader[] __attribute__((section(".interp"))) = "/lib64/ld-linux-x86-64.so.2"; int both() { return 1; }\n' > both.cc
compile -shared -fPIC -Wl,-soname,libboth.so.1 -o libboth.so.1 both.cc
echo 'int gone() { return 1; }' > gone.cc
compile -shared -fPIC -Wl,-soname,libgone.so.1 -o libgone.so.1 gone.cc
printf 'int gone(); int main() { return gone(); }\n' > broken.cc
compile -o broken broken.cc libgone.so.1
rm *.cc libgone.so.1
"""
PLACES = {
    "pkg/bin/tool": "tool",
    "pkg/bin/starter": "starter",
    "pkg/bin/static": "static",
    "pkg/bin/broken": "broken",
    "pkg/lib/libinner.so.1": "libinner.so.1",
    "pkg/lib/libouter.so.1": "libouter.so.1",
    "pkg/lib/libboth.so.1": "libboth.so.1",
}


@pytest.fixture(scope="module")
def programs(compilers: None) -> dict[str, bytes]:  # noqa: ARG001 - a fixture may not use one by a mark
    """Return the files of a wheel by their names in it."""
    expression = f"""let t = {TOOLCHAIN}; in t.runBash {{
      name = "programs"; cc = t.roles.cc; compiler = "{SYSTEM.removesuffix("-linux")}-linux-gnu-g++-12"; script = ''{PROGRAMS.replace("${", "''${")}'';
    }}"""
    made = built(nix("build", "--no-link", "--print-out-paths", "-L", "--impure", "--expr", expression))
    return {place: stored(f"{made}/{name}") for place, name in PLACES.items()}


def stored(path: str) -> bytes:
    """Return a file of the store, wherever that lies on the disk."""
    return subprocess.run(["nix", "store", "cat", path], capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def site(programs: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return where the package lies in the store, as unpacked."""
    folder = tmp_path_factory.mktemp("programs")
    # Most archivers keep the bit of libraries, too.
    wheel = Wheel("pkg", [("pkg/__init__.py", ""), *programs.items()], executable=tuple(programs))
    packages = PythonSet(folder)
    packages.add(wheel.write(folder), "pkg")
    return f"{built(packages.build('packages.pkg'))}/lib/python3.11/site-packages/pkg"


def test_programs_of_a_wheel_find_their_own_libraries_and_those_of_the_base(site: str) -> None:
    script = f"""
      for program in tool starter static; do echo $program; done
      {site}/bin/tool
      {site}/bin/starter {site}/bin/tool
      {site}/bin/static {site}/bin/tool
      if {site}/bin/broken 2> broken; then exit 1; fi
      cat broken
    """
    expression = f"let t = {TOOLCHAIN}; in t.runBash {{ name = \"run\"; site = builtins.storePath {site.split('/lib/', maxsplit=1)[0]}; script = ''({script}) > $out''; }}"
    lines = (
        stored(built(nix("build", "--no-link", "--print-out-paths", "-L", "--impure", "--expr", expression)))
        .decode()
        .splitlines()
    )
    assert lines[:6] == ["tool", "starter", "static", "42", "42", "42"]
    # What the environment lacks is an error, as everywhere; the host's /usr/lib is not looked at.
    assert re.fullmatch(
        r".*/broken: error while loading shared libraries: libgone\.so\.1: cannot open shared object file: No such file or directory",
        lines[6],
    )


def test_only_dynamic_executables_are_changed(site: str, programs: dict[str, bytes]) -> None:
    changed = {place for place, data in programs.items() if stored(f"{site}/{place.removeprefix('pkg/')}") != data}
    assert changed == {"pkg/bin/tool", "pkg/bin/starter", "pkg/bin/broken"}


def adopt(name: str, folder: Path) -> Path:
    """Return the project tests/runpath/NAME as a flake, its sources fetched; skip where no index has one of them."""
    place = copy(ROOT / "tests/runpath" / name, folder / name, {"flake.nix": FLAKE})
    if os.environ.get("CLOCHE_UPDATE"):
        ended = cloche("run", ".#lock", cwd=place)
        assert ended.code == 0, ended.err
        (ROOT / "tests/runpath" / name / "cloche.lock").write_bytes((place / "cloche.lock").read_bytes())
    fetched = cloche("run", ".#fetch", cwd=place)
    if name == "torch" and "torch-2.13.0+cpu" in fetched.err and fetched.code == 3:
        pytest.skip(f"no index of this machine has torch's wheel without CUDA: {fetched.err.strip().splitlines()[-1]}")
    assert fetched.code == 0, fetched.err
    return place


def use(place: Path, program: str) -> None:
    """Run the project's tests in the sandbox, and a program in its shell."""
    check = cloche("build", "--no-link", "-L", f".#checks.{SYSTEM}.tests", cwd=place)
    assert check.code == 0, check.err
    results = built(cloche("build", "--no-link", "--print-out-paths", ".#test-results^out", cwd=place))
    assert json.loads(stored(f"{results}/outcomes.json"))["counts"] == {"passed": 2}
    shell = cloche("develop", "--command", "python", "-c", program, cwd=place)
    assert (shell.code, shell.out) == (0, "6\n"), shell.err


def test_arrow_and_onnxruntime_compute_in_the_sandbox_and_in_a_shell(tmp_path: Path) -> None:
    program = "import onnxruntime, pyarrow.compute as pc, pyarrow as pa; print(pc.sum(pa.array([1, 2, 3])).as_py())"
    use(adopt("arrow", tmp_path), program)


@pytest.mark.slow
def test_torch_computes_in_the_sandbox_and_in_a_shell(tmp_path: Path) -> None:
    use(adopt("torch", tmp_path), "import torch; print(int(torch.arange(4).sum()))")


def test_the_base_has_what_manylinux_promises() -> None:
    base = built(nix("build", "--no-link", "--print-out-paths", "--impure", "--expr", f"{TOOLCHAIN}.base"))
    names = nix("eval", "--impure", "--json", "--expr", f"{TOOLCHAIN}.manylinux").out
    program = f"import ctypes; [ctypes.CDLL(name) for name in {names.strip()}]; print(6)"
    ended = run("nix", "shell", base, "--command", "python3", "-I", "-c", program)
    assert (ended.code, ended.out) == (0, "6\n"), ended.err
