"""Say on which numeric platform a Python process computes, from inside it; standard library only.

As `sitecustomize` of a run's processes it writes what it sees when each of them ends: the BLAS and OpenMP libraries that
were loaded with their kernels and threads (threadpoolctl), NumPy's table of processor features, and a digest of values
of the C library's functions, whose last digits differ between its variants for processors. As a program it prints the
same of an otherwise idle process.
"""

import atexit
import hashlib
import importlib.machinery
import importlib.util
import json
import math
import os
import struct
import sys
import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

# The folder for the records, and the file of threadpoolctl, which must not be on the run's own path.
RECORDS = "CLOCHE_PLATFORM_RECORDS"
THREADPOOLCTL = "CLOCHE_THREADPOOLCTL"
ARGUMENTS = 500
FUNCTIONS = (math.exp, math.log, math.sin, math.cos, math.tan, math.atan, math.sinh, math.expm1, math.log1p)


def libm() -> str:
    """Return a digest of values of the C library's elementary functions."""
    digest = hashlib.sha256()
    for number in range(1, ARGUMENTS):
        # Irregular, so that roundings of all kinds occur.
        argument = math.fmod(number * 0.6180339887498949, 7.0) + number / 997
        values = [function(argument) for function in FUNCTIONS]
        digest.update(struct.pack(f"<{len(values) + 1}d", *values, math.pow(argument, 1.7)))
    return digest.hexdigest()[:16]


def numpy_features() -> dict[str, Any] | None:
    """Return NumPy's own table of processor features, None where NumPy is not loaded."""
    module = sys.modules.get("numpy._core._multiarray_umath") or sys.modules.get("numpy.core._multiarray_umath")
    if module is None:
        return None
    found = module.__cpu_features__
    return {
        "version": sys.modules["numpy"].__version__,
        "baseline": sorted(module.__cpu_baseline__),
        "dispatch": sorted(module.__cpu_dispatch__),
        "enabled": sorted(name for name in module.__cpu_dispatch__ if found.get(name)),
    }


def pools() -> list[dict[str, Any]]:
    """Return the loaded BLAS and OpenMP libraries, as threadpoolctl sees them, without the places of their files."""
    place = os.environ.get(THREADPOOLCTL)
    if not place:
        return []
    specification = importlib.util.spec_from_file_location("cloche_threadpoolctl", place)
    if specification is None or specification.loader is None:
        return []
    module = importlib.util.module_from_spec(specification)
    # Its data classes look themselves up.
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return sorted(
        (
            {
                "library": Path(pool["filepath"]).name,
                "kind": pool["user_api"],
                "implementation": pool["internal_api"],
                "version": pool["version"],
                "kernel": pool.get("architecture"),
                "threads": pool["num_threads"],
            }
            for pool in module.threadpool_info()
        ),
        key=lambda pool: str(pool["library"]),
    )


def record() -> dict[str, Any]:
    """Return what this process computes on."""
    return {
        "python": sys.version.split()[0],
        "libc": os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None,
        "libm": libm(),
        "hash": hash("cloche"),
        "numpy": numpy_features(),
        "pools": pools(),
    }


def write() -> None:
    """Write the record of this process into the folder that the run has named."""
    folder = os.environ.get(RECORDS)
    if folder:
        data = json.dumps(record())
        Path(folder, f"{uuid.uuid4().hex}.json").write_text(data, encoding="utf-8")


def next_sitecustomize() -> ModuleType | None:
    """Load the environment's own sitecustomize, before which this one stands."""
    here = str(Path(__file__).parent)
    specification = importlib.machinery.PathFinder.find_spec(
        "sitecustomize", [path for path in sys.path if path != here]
    )
    if specification is None or specification.loader is None:
        return None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


if __name__ == "sitecustomize":
    # Registered first, so that it runs last.
    atexit.register(write)
    next_sitecustomize()
elif __name__ == "__main__":
    if importlib.util.find_spec("numpy"):
        importlib.import_module("numpy")
    sys.stdout.write(json.dumps(record()))
