"""Pin the numeric platform of a run, and check by records from inside of it that the pins took effect; standard library only.

The levels are those of the x86-64 psABI. Up to a level every processor that has it computes the same digits: OpenBLAS by
the kernels of one processor type, NumPy without the code for later ones, the C library without FMA where the level has
none, each with one number of threads.
"""

from dataclasses import dataclass
from typing import Any

_V2 = {"SSE", "SSE2", "SSE3", "SSSE3", "SSE41", "POPCNT", "SSE42", "X86_V2"}
_V3 = _V2 | {"AVX", "F16C", "AVX2", "FMA3", "LZCNT", "BMI", "BMI2", "MOVBE", "X86_V3"}


@dataclass(frozen=True)
class Level:
    """What a level means: OpenBLAS's kernel, NumPy's features up to it, the C library's, and what a processor must have."""

    blas: str
    features: frozenset[str]
    glibc: str
    needed: frozenset[str]


LEVELS = {
    "x86-64-v2": Level("Nehalem", frozenset(_V2), "-AVX,-AVX2,-FMA,-FMA4", frozenset({"sse4_2", "ssse3", "popcnt"})),
    "x86-64-v3": Level("Haswell", frozenset(_V3), "", frozenset({"avx2", "fma", "bmi2", "f16c"})),
}
# How the C library is kept from code for processors with FMA.
WITHOUT_FMA = LEVELS["x86-64-v2"].glibc
THREADS = ("BLIS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
PINNED = {*THREADS, "GLIBC_TUNABLES", "NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "PYTHONHASHSEED"}


@dataclass(frozen=True)
class Pins:
    """What an experiment pins; None where its level says it, and the level None where nothing of the processor is."""

    level: str | None
    threads: int
    hash_seed: int
    blas: str | None = None
    numpy: tuple[str, ...] | None = None
    glibc: str | None = None

    def kernel(self) -> str | None:
        """Return the kernel that OpenBLAS must have."""
        return self.blas or (LEVELS[self.level].blas if self.level else None)

    def hwcaps(self) -> str:
        """Return what the C library is told about the processor."""
        return self.glibc if self.glibc is not None else LEVELS[self.level].glibc if self.level else ""


def of_data(data: dict[str, Any]) -> Pins:
    """Return the pins that the options describe."""
    numpy = data["numpy"]
    return Pins(
        level=None if data["level"] == "none" else data["level"],
        threads=data["threads"],
        hash_seed=data["hashSeed"],
        blas=data["blas"],
        numpy=None if numpy is None else tuple(numpy),
        glibc=data["glibc"],
    )


def excessive(features: list[str], level: str) -> list[str]:
    """Return those of NumPy's features that are beyond a level: all that are not known to belong to it."""
    return sorted(name for name in features if name not in LEVELS[level].features)


def variables(pins: Pins, numpy: dict[str, Any] | None) -> dict[str, str]:
    """Return the environment variables that pin; the names of NumPy's features are the installed NumPy's."""
    chosen = {**dict.fromkeys(THREADS, str(pins.threads)), "PYTHONHASHSEED": str(pins.hash_seed)}
    if kernel := pins.kernel():
        chosen["OPENBLAS_CORETYPE"] = kernel
    disabled: list[str] | tuple[str, ...] = pins.numpy or ()
    if pins.numpy is None and pins.level and numpy is not None:
        disabled = excessive(numpy["dispatch"], pins.level)
    if disabled:
        chosen["NPY_DISABLE_CPU_FEATURES"] = ",".join(disabled)
    if caps := pins.hwcaps():
        chosen["GLIBC_TUNABLES"] = f"glibc.cpu.hwcaps={caps}"
    return chosen


@dataclass(frozen=True)
class Machine:
    """What the machine shows without pins: the processor's flags, and the C library's values with FMA and without."""

    flags: frozenset[str]
    libm: str
    libm_without_fma: str


def lacking(pins: Pins, machine: Machine) -> list[str]:
    """Return what the processor lacks for the level."""
    return sorted(LEVELS[pins.level].needed - machine.flags) if pins.level else []


def faults(pins: Pins, found: dict[str, Any], expected_hash: int, machine: Machine) -> list[str]:
    """Return which pins did not take effect in a process, by its record."""
    wrong = [*_libraries(pins, found["pools"]), *_numpy(pins, found["numpy"]), *_libm(pins, found["libm"], machine)]
    if found["hash"] != expected_hash:
        wrong.append(f"the hash seed: texts have other hashes than with PYTHONHASHSEED={pins.hash_seed}")
    return wrong


def _libraries(pins: Pins, pools: list[dict[str, Any]]) -> list[str]:
    wrong = []
    for pool in pools:
        library = f"{pool['implementation']} ({pool['library']})"
        if pool["threads"] != pins.threads:
            wrong.append(f"the number of threads: {library} has {pool['threads']}, not {pins.threads}")
        if pool["kind"] != "blas" or pins.kernel() is None:
            continue
        if pool["implementation"] != "openblas":
            wrong.append(f"the BLAS kernel: {library} is no OpenBLAS, and how to pin another BLAS is not known")
        elif pool["kernel"] != pins.kernel():
            wrong.append(f"the BLAS kernel: {library} runs {pool['kernel']}, not {pins.kernel()}")
    return wrong


def _numpy(pins: Pins, numpy: dict[str, Any] | None) -> list[str]:
    if numpy is None:
        return []
    # What is named one by one has to be off, and known: NumPy ignores other names.
    wrong = []
    for name in pins.numpy or ():
        if name not in numpy["dispatch"]:
            known = ", ".join(numpy["dispatch"])
            wrong.append(
                f"NumPy's processor features: NumPy {numpy['version']} has none called {name} to disable; it has {known}"
            )
        elif name in numpy["enabled"]:
            wrong.append(f"NumPy's processor features: {name} is in use")
    if pins.level is None:
        return wrong
    if left := excessive([*numpy["baseline"], *numpy["enabled"]], pins.level):
        wrong.append(f"NumPy's processor features: {', '.join(left)} are in use, which {pins.level} has not")
    return wrong


def _libm(pins: Pins, libm: str, machine: Machine) -> list[str]:
    can_differ = {"fma", "avx2"} <= machine.flags
    if pins.hwcaps():
        if can_differ and libm == machine.libm:
            return [
                f"the C library's functions: hwcaps={pins.hwcaps()} changes none of their values, though the processor has FMA"
            ]
        if pins.level and not pins.glibc and libm != machine.libm_without_fma:
            return ["the C library's functions: their values are not those without FMA"]
        return []
    if pins.level and libm != machine.libm:
        return ["the C library's functions: their values are not those of this processor"]
    if pins.level and can_differ and libm == machine.libm_without_fma:
        return ["the C library's functions: their values are those without FMA"]
    return []
