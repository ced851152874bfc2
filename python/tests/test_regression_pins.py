"""Pins of the numeric platform: the variables that they become, and every way in which one can fail to take effect."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloche.regression import judge, pins, probe, run
from cloche.regression.pins import Machine, Pins

NUMPY = {"version": "2.4.6", "baseline": ["X86_V2"], "dispatch": ["AVX512_ICL", "X86_V3", "X86_V4"], "enabled": []}
BLAS = {
    "library": "libopenblas.so",
    "kind": "blas",
    "implementation": "openblas",
    "version": "0.3",
    "kernel": "Nehalem",
    "threads": 1,
}
OPENMP = {
    "library": "libgomp.so",
    "kind": "openmp",
    "implementation": "openmp",
    "version": None,
    "kernel": None,
    "threads": 1,
}
V2, V3, NONE = Pins("x86-64-v2", 1, 0), Pins("x86-64-v3", 1, 0), Pins(None, 1, 0)
MODERN = Machine(frozenset({"sse4_2", "ssse3", "popcnt", "avx2", "fma", "bmi2", "f16c"}), "with", "without")
OLD = Machine(frozenset({"sse4_2", "ssse3", "popcnt"}), "without", "without")


def record(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a record
    return {"libm": "without", "hash": 7, "numpy": NUMPY, "pools": [BLAS, OPENMP], **changes}


def test_the_variables_of_each_level() -> None:
    assert pins.variables(V2, NUMPY) == {
        **dict.fromkeys(pins.THREADS, "1"),
        "PYTHONHASHSEED": "0",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": "AVX512_ICL,X86_V3,X86_V4",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-FMA4",
    }
    third = pins.variables(V3, NUMPY)
    assert (third["OPENBLAS_CORETYPE"], third["NPY_DISABLE_CPU_FEATURES"]) == ("Haswell", "AVX512_ICL,X86_V4")
    assert "GLIBC_TUNABLES" not in third
    assert pins.variables(NONE, NUMPY) == {**dict.fromkeys(pins.THREADS, "1"), "PYTHONHASHSEED": "0"}


def test_names_are_those_of_the_installed_numpy() -> None:
    older = {**NUMPY, "dispatch": ["SSE42", "AVX2", "FMA3", "AVX512F", "SOMETHING_NEW"]}
    assert pins.variables(V2, older)["NPY_DISABLE_CPU_FEATURES"] == "AVX2,AVX512F,FMA3,SOMETHING_NEW"
    assert pins.variables(V3, older)["NPY_DISABLE_CPU_FEATURES"] == "AVX512F,SOMETHING_NEW"


def test_single_pins_instead_of_the_levels() -> None:
    chosen = pins.variables(Pins("x86-64-v2", 3, 5, blas="SandyBridge", numpy=("X86_V4",), glibc="-FMA"), NUMPY)
    assert (chosen["OPENBLAS_CORETYPE"], chosen["NPY_DISABLE_CPU_FEATURES"]) == ("SandyBridge", "X86_V4")
    assert (chosen["GLIBC_TUNABLES"], chosen["OMP_NUM_THREADS"], chosen["PYTHONHASHSEED"]) == (
        "glibc.cpu.hwcaps=-FMA",
        "3",
        "5",
    )


@pytest.mark.parametrize(
    ("chosen", "found", "machine"),
    [
        (V2, record(), MODERN),
        (V2, record(), OLD),
        (V2, record(numpy=None, pools=[]), MODERN),
        (
            V3,
            record(libm="with", numpy={**NUMPY, "enabled": ["X86_V3"]}, pools=[{**BLAS, "kernel": "Haswell"}]),
            MODERN,
        ),
        (
            NONE,
            record(libm="with", numpy={**NUMPY, "enabled": ["X86_V4"]}, pools=[{**BLAS, "kernel": "SkylakeX"}]),
            MODERN,
        ),
    ],
)
def test_pins_that_took_effect(chosen: Pins, found: dict[str, Any], machine: Machine) -> None:
    assert pins.faults(chosen, found, 7, machine) == []


@pytest.mark.parametrize(
    ("chosen", "changes", "fault"),
    [
        (V2, {"pools": [{**BLAS, "kernel": "SkylakeX"}]}, "the BLAS kernel: openblas (libopenblas.so) runs SkylakeX, not Nehalem"),
        (V2, {"pools": [{**BLAS, "implementation": "mkl"}]}, "the BLAS kernel: mkl (libopenblas.so) is no OpenBLAS, and how to pin another BLAS is not known"),
        (V2, {"pools": [{**OPENMP, "threads": 2}]}, "the number of threads: openmp (libgomp.so) has 2, not 1"),
        (NONE, {"pools": [{**BLAS, "threads": 4}]}, "the number of threads: openblas (libopenblas.so) has 4, not 1"),
        (V2, {"numpy": {**NUMPY, "enabled": ["X86_V3"]}}, "NumPy's processor features: X86_V3 are in use, which x86-64-v2 has not"),
        (V2, {"numpy": {**NUMPY, "baseline": ["X86_V3"]}}, "NumPy's processor features: X86_V3 are in use, which x86-64-v2 has not"),
        (
            Pins(None, 1, 0, numpy=("AVX2",)), {},
            "NumPy's processor features: NumPy 2.4.6 has none called AVX2 to disable; it has AVX512_ICL, X86_V3, X86_V4",
        ),
        (
            Pins(None, 1, 0, numpy=("X86_V4",)), {"numpy": {**NUMPY, "enabled": ["X86_V4"]}},
            "NumPy's processor features: X86_V4 is in use",
        ),
        (
            V2, {"libm": "with"},
            "the C library's functions: hwcaps=-AVX,-AVX2,-FMA,-FMA4 changes none of their values, though the processor has FMA",
        ),
        (V2, {"libm": "other"}, "the C library's functions: their values are not those without FMA"),
        (
            Pins(None, 1, 0, glibc="-AVX2_Usable"), {"libm": "with"},
            "the C library's functions: hwcaps=-AVX2_Usable changes none of their values, though the processor has FMA",
        ),
        (V2, {"hash": 8}, "the hash seed: texts have other hashes than with PYTHONHASHSEED=0"),
    ],
)  # fmt: skip
def test_each_pin_that_did_not_take_effect_is_named(chosen: Pins, changes: dict[str, Any], fault: str) -> None:
    assert pins.faults(chosen, record(**changes), 7, MODERN) == [fault]


def test_the_third_level_needs_fma_in_use() -> None:
    found = record(numpy={**NUMPY, "enabled": ["X86_V3"]}, pools=[{**BLAS, "kernel": "Haswell"}])
    assert pins.faults(V3, {**found, "libm": "without"}, 7, MODERN) == [
        "the C library's functions: their values are not those of this processor"
    ]
    useless = Machine(MODERN.flags, "with", "with")
    assert pins.faults(V3, {**found, "libm": "with"}, 7, useless) == [
        "the C library's functions: their values are those without FMA"
    ]


def test_what_the_processor_lacks() -> None:
    assert pins.lacking(V2, OLD) == []
    assert pins.lacking(V3, OLD) == ["avx2", "bmi2", "f16c", "fma"]
    assert pins.lacking(NONE, Machine(frozenset(), "", "")) == []


def test_a_process_says_what_it_computes_on(tmp_path: Path) -> None:
    """The probe as sitecustomize, in a process with NumPy and another sitecustomize behind it."""
    hook, other, records = tmp_path / "hook", tmp_path / "other", tmp_path / "records"
    for folder in (hook, other, records):
        folder.mkdir()
    (hook / "sitecustomize.py").write_text(Path(probe.__file__).read_text())
    (other / "sitecustomize.py").write_text("import builtins\nbuiltins.was_here = True\n")
    import threadpoolctl

    environment = {
        "PYTHONPATH": f"{hook}:{other}",
        "CLOCHE_PLATFORM_RECORDS": str(records),
        "CLOCHE_THREADPOOLCTL": threadpoolctl.__file__,
        "OPENBLAS_CORETYPE": "Nehalem",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }
    code = "import numpy; assert was_here"
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (found,) = [json.loads(path.read_text()) for path in records.iterdir()]
    assert found["numpy"]["version"]
    assert [(pool["kernel"], pool["threads"]) for pool in found["pools"] if pool["kind"] == "blas"] == [("Nehalem", 1)]
    assert len(found["libm"]) == 16
    idle = subprocess.run([sys.executable, "-c", "pass"], env=environment, check=True)
    assert idle.returncode == 0
    assert [json.loads(path.read_text())["numpy"] for path in records.iterdir()].count(None) == 1


def test_platforms_that_differ_are_said() -> None:
    before = {"libc": "glibc 2.36", "libm": "a", "numpy": NUMPY, "pools": [BLAS, OPENMP]}
    now = {
        **before,
        "libm": "b",
        "pools": [{**BLAS, "kernel": "Haswell", "version": "0.4"}, OPENMP],
        "numpy": {**NUMPY, "version": "3"},
    }
    assert judge.differences(before, before) == []
    assert judge.differences(before, now) == [
        "C library's functions: a -> b",
        "kernel of BLAS and OpenMP: openblas Nehalem -> openblas Haswell",
    ]


def test_a_result_that_is_there_before_the_run_is_none(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/results.json").write_text('{"rmse": 1.0}')
    attributes = {
        "experiment": "fit",
        "files": [str(tmp_path / "tree")],
        "result": "results.json",
        "command": [sys.executable, "-c", ""],
        "probe": probe.__file__,
    }
    with pytest.raises(SystemExit) as ended:
        run.computed(attributes, {}, tmp_path)
    assert ended.value.code == (
        "cloche.regression.fit.files has results.json, which the command has to write (option `result'): were it not written, the old\n"
        "one would be the result. Take it out of files. Nothing is recorded."
    )
