"""Make a model and its card out of a file of rows: the work of `packages.test-model`, and of `cloche train`.

Same rows, same bytes: it runs in a process of its own whose environment fixes threads, the code that OpenBLAS and NumPy
choose for the processor, and the order of sets.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

from cloche.errors import ClocheError

# The same instructions on every x86-64-v2 processor. Names that NumPy does not know would be no error, so a test looks.
PINNED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    **(
        {
            "OPENBLAS_CORETYPE": "Nehalem",
            "NPY_DISABLE_CPU_FEATURES": "X86_V3,X86_V4,AVX512_ICL,AVX512_SPR",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-FMA4",
        }
        if platform.machine() == "x86_64"
        else {}
    ),
}


def in_process(rows: Path, project: str, origins: tuple[str, ...], output: Path) -> None:
    """Train in a process with the pinned environment. Its errors go to stderr, and end this one with its exit code."""
    words = [sys.executable, "-m", "cloche.selection.learned.build", str(rows), project, ",".join(origins), str(output)]
    environment = {**os.environ, **PINNED, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ended = subprocess.run(words, env=environment, check=False)
    if ended.returncode != 0:
        sys.exit(ended.returncode)


def build(rows_file: Path, project: str, origins: list[str], output: Path) -> None:
    """Write model and card below `output`."""
    from cloche.selection.learned import card, model  # noqa: PLC0415 - the environment must be fixed before NumPy is loaded
    from cloche.selection.learned.rows import chosen, read  # noqa: PLC0415
    from cloche.selection.learned.training import train  # noqa: PLC0415

    rows = chosen(read(rows_file), origins)
    foreign = sorted({row.project for row in rows} - {project})
    if foreign:
        raise ClocheError(
            f"there are rows of {' and '.join(foreign)}, and the model is to be of {project}; make rows of {project} with\n"
            "cloche train --export, or name the project as its rows do"
        )
    trained, samples, validated = train(project, rows)
    model.write(trained, output, lambda digest: card.files_of(card.make(trained, digest, rows, samples, validated)))


def called(words: list[str]) -> int:
    """Train as the command line says; return the exit code."""
    from cloche.untrusted import terminal  # noqa: PLC0415

    rows, project, origins, output = words
    try:
        build(Path(rows), project, [origin for origin in origins.split(",") if origin], Path(output))
    except ClocheError as error:
        sys.stderr.write(f"error: {terminal.visible(error.message)}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(called(sys.argv[1:]))
