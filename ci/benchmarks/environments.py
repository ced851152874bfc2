"""How fast an environment is evaluated, built, substituted and started, beside uv and pip."""

from __future__ import annotations

from pathlib import Path

from measure import Bench, Figure, settle

# What no way of building can save: each file read, hashed and written once, each module compiled, in one process per
# core and without a derivation.
FLOOR = """
import gc, hashlib, marshal, multiprocessing, os, sys, warnings, zipfile

def unpack(wheel):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            data, target = archive.read(name), os.path.join(sys.argv[1], name)
            hashlib.sha256(data).digest()
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if name.endswith('/'):
                continue
            with open(target, 'wb') as file:
                file.write(data)
            if name.endswith('.py') and 'tests' not in name.split('/'):
                try:
                    code = marshal.dumps(compile(data, target, 'exec', dont_inherit=True))
                except SyntaxError:
                    continue
                with open(target + 'c', 'wb') as file:
                    file.write(code)

gc.disable()
warnings.simplefilter('ignore')
with multiprocessing.Pool(len(os.sched_getaffinity(0))) as pool:
    pool.map(unpack, sorted(sys.argv[2:], key=os.path.getsize, reverse=True), chunksize=1)
"""


def evaluation(bench: Bench) -> list[Figure]:
    """Evaluate a project's `env.drvPath` with no evaluation cache: where no .drv exists yet, and where all do."""
    command = ["nix", "eval", "--raw", "--option", "eval-cache", "false", f"{bench.flake}#env.drvPath"]
    fresh = Figure("evaluation-fresh", "evaluate env.drvPath in a fresh store, in memory", 0.10)
    again = Figure("evaluation", "evaluate env.drvPath, .drv files exist, in memory", 0.06)
    disk = Figure("evaluation-disk", "evaluate env.drvPath in a fresh store, on the disk", None)
    bench.run(*command)
    for folder, figures in ((bench.memory, [fresh, again]), (bench.work, [disk])):
        template = bench.store("evaluation", [bench.facts["cloche"]], below=folder)
        for _ in range(bench.runs):
            store = bench.fresh(template)
            if folder == bench.work:
                settle()
            for figure in figures:
                figure.ours.append(bench.spend(*command, "--store", store))
    return [fresh, again, disk]


def no_op(bench: Bench) -> list[Figure]:
    """Build what is built, through ci/nix."""
    figure = Figure("no-op", "ci/nix build of what is built", 0.15)
    command: list[str | Path] = [bench.checkout / "ci/nix", "build", "--no-link"]
    # The marks that ci/nix leaves are this checkout's, so they are kept in the temporary folder.
    variables = {"CLOCHE_CACHE": str(bench.work / "cloche-cache")}
    bench.run(*command, cwd=bench.checkout, **variables)
    figure.ours = [bench.spend(*command, cwd=bench.checkout, **variables) for _ in range(bench.runs)]
    return [figure]


def build(bench: Bench) -> list[Figure]:
    """Build the environment from sources in the store, evaluation included, beside uv with a warm cache."""
    figure = Figure(
        "build",
        "build the environment (no byte code of packages' own tests), sources in the store",
        0.8,
        other_what="uv pip sync --compile-bytecode",
    )
    floor = Figure(
        "build-floor",
        "the same files unpacked, hashed and compiled without derivations",
        None,
        other_what="uv pip sync --compile-bytecode",
    )
    template = bench.store("sources", [*bench.sources, *bench.facts["inputs"], bench.facts["cloche"]])
    bench.uv_sync()  # fills its cache
    for _ in range(bench.runs):
        store = bench.fresh(template)
        settle(bench.work / "venv")
        figure.ours.append(bench.spend("nix", "build", "--no-link", "--store", store, f"{bench.flake}#dependencies"))
        settle(store)
        figure.other.append(bench.uv_sync())
        settle(bench.work / "floor")
        floor.ours.append(bench.spend(bench.facts["python"], "-I", "-c", FLOOR, bench.work / "floor", *bench.files))
    floor.other = figure.other
    return [figure, floor]


def substitution(bench: Bench) -> list[Figure]:
    """Bring the environment from a binary cache in a folder (zstd), beside pip from a folder of wheels."""
    figure = Figure("substitution", "substitute the environment, file:// cache, zstd", 0.1, other_what="pip install")
    cache = f"file://{bench.work}/binary-cache"
    bench.run("nix", "copy", "--to", f"{cache}?compression=zstd&parallel-compression=true", bench.environment_path)
    template = bench.store("base", [bench.facts["base"]])
    for _ in range(bench.runs):
        store = bench.fresh(template)
        settle(bench.work / "venv")
        figure.ours.append(
            bench.spend("nix", "copy", "--no-check-sigs", "--from", cache, "--to", store, bench.environment_path)
        )
        settle(store)
        python = bench.virtual_environment()
        install: list[str | Path] = [python, "-m", "pip", "install", "--no-index", "--no-deps", *bench.files]
        figure.other.append(bench.spend(*install, PYTHONPATH=bench.facts["pip"]))
    return [figure]


def imports(bench: Bench) -> list[Figure]:
    """Start Python and import the numerical packages, beside a virtual environment made by uv."""
    figure = Figure("import", "import numpy, scipy, sklearn", 1.05, other_what="uv virtual environment")
    bench.uv_sync()
    words = ["-c", "import numpy, scipy, sklearn"]
    pythons = [Path(bench.environment_path, "bin/python"), bench.work / "venv/bin/python"]
    for python in pythons:
        bench.run(python, *words)
    for _ in range(bench.runs):
        figure.ours.append(bench.spend(pythons[0], *words))
        figure.other.append(bench.spend(pythons[1], *words))
    return [figure]
