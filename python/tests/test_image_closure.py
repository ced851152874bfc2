"""The closure of an image: what must not be in it is told with the way that leads to it."""

import pytest

from cloche.image.closure import Closure, development_file, permitted, refusal, unwanted

APP, ENV, WHEEL, CC, BASE = (f"/nix/store/{name}" for name in ("1-app", "2-env", "3-wheel", "4-cc", "5-base"))
GRAPH = [
    {"path": APP, "references": [APP, ENV]},
    {"path": ENV, "references": [WHEEL, BASE]},
    {"path": WHEEL, "references": [CC]},
    {"path": CC, "references": [BASE]},
    {"path": BASE, "references": []},
]
CLOSURE = Closure.from_graph([APP], GRAPH)


def test_the_shortest_way_is_told() -> None:
    assert CLOSURE.chain(BASE) == [APP, ENV, BASE]
    assert CLOSURE.chain(CC) == [APP, ENV, WHEEL, CC]
    assert CLOSURE.chain(APP) == [APP]
    assert CLOSURE.chain("/nix/store/absent") == []


def test_what_is_for_development_is_told_word_for_word() -> None:
    found = unwanted(CLOSURE, {CC: "the toolchain's role `cc'", "/nix/store/absent": "another"}, {})
    assert refusal(found, "default") == (
        "the image default would hold what is only for development:\n"
        "  /nix/store/4-cc: the toolchain's role `cc'. It is there because\n"
        "    /nix/store/1-app\n"
        "    refers to /nix/store/2-env\n"
        "    refers to /nix/store/3-wheel\n"
        "    refers to /nix/store/4-cc\n"
        "Take the reference out of what holds it; if the image does need it, name it in\n"
        "cloche.images.default.allowed."
    )


def test_a_compiler_is_told_whatever_its_path_is_called() -> None:
    found = unwanted(CLOSURE, {}, {WHEEL: "bin/gcc-12", "/nix/store/absent": "bin/ld"})
    assert [(each.path, each.why) for each in found] == [
        (WHEEL, "it holds bin/gcc-12 (as `allowed' would name it: 3-wheel)")
    ]


def test_nothing_is_told_twice_and_nothing_where_all_is_well() -> None:
    assert len(unwanted(CLOSURE, {CC: "cc"}, {CC: "bin/gcc"})) == 1
    assert unwanted(CLOSURE, {}, {}) == []


@pytest.mark.parametrize(
    "name",
    [
        "bin/gcc",
        "usr/bin/x86_64-linux-gnu-gcc-12",
        "bin/c++",
        "usr/bin/ld.bfd",
        "bin/as",
        "usr/lib/gcc/x/12/cc1plus",
        "include/zlib.h",
        # Wherever it lies, and whatever it compiles.
        "opt/tools/gcc-13/x86_64-conda-linux-gnu-gcc-13.2.0",
        "share/private/arm-none-eabi-ld",
        "lib/python3.11/site-packages/nvidia/cuda_nvcc/bin/ptxas",
        "rust/1.80/rustc",
        "lib/go/pkg/go",
    ],
)
def test_development_files(name: str) -> None:
    assert development_file(files("bin/python", name, "lib/libc.so.6")) == name


def test_what_cannot_be_executed_is_no_compiler() -> None:
    """Completions of a shell, icons and test data have such names too."""
    assert development_file([("share/bash-completion/completions/gcc", False), ("doc/go", False)]) == ""
    # Headers need not be executed.
    assert development_file([("include/zlib.h", False)]) == "include/zlib.h"


def files(*names: str) -> list[tuple[str, bool]]:
    """Return these as files that may be programs."""
    return [(name, True) for name in names]


def test_what_an_image_may_hold_is_named_by_role_package_or_path() -> None:
    path = "/nix/store/" + "0" * 32 + "-ziglang-0.13.0"
    development = {CC: {"name": "cc", "why": "the toolchain's role `cc'"}}
    assert permitted([path, WHEEL], development, []) == set()
    assert permitted([path, WHEEL], development, ["cc"]) == {CC}
    assert permitted([path, WHEEL], development, ["ziglang-0.13.0"]) == {path}
    assert permitted([path, WHEEL], development, ["ziglang"]) == set()


@pytest.mark.parametrize(
    "names",
    [
        ["bin/aspell", "bin/gccgo-doc", "bin/lets-go", "bin/bash", "share/include.h", "lib/ld-linux-x86-64.so.2"],
        # Published wheels bring headers.
        ["lib/python3.11/site-packages/numpy/_core/include/numpy/arrayobject.h", "include/python3.11/greenlet.h"],
        [],
    ],
)
def test_no_development_files(names: list[str]) -> None:
    assert development_file(files(*names)) == ""


def test_a_compiler_in_a_wheel_is_told() -> None:
    assert development_file(files("lib/python3.11/site-packages/x.py", "bin/clang")) == "bin/clang"
