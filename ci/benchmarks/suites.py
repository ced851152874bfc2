"""What tests in batches cost, beside plain pytest, and after edits that all, some or none of them can see."""

from __future__ import annotations

import os
from pathlib import Path

from measure import Bench, Figure


def tests(bench: Bench) -> list[Figure]:
    """Judge the example's tests after edits, beside plain pytest in the same environment."""
    everything = Figure("tests", "judge the example's tests, all batches are run", 1.5, other_what="plain pytest")
    module = Figure("tests-module", "the same, one module that few tests need was edited", None)
    document = Figure("tests-docs", "the same, a document was edited", None)
    example, nix = bench.checkout / "examples/branin", bench.checkout / "ci/nix"
    cache = {"CLOCHE_CACHE": str(bench.work / "cloche-cache")}
    judge: list[str | Path] = [nix, "build", "--no-link", f"{example}#checks.{os.uname().machine}-linux.tests"]
    shell: list[str | Path] = [nix, "develop", f"{example}#ci", "--command"]
    # As examples/branin/cloche.nix and the runner of a derivation have them.
    variables = {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    bench.run(*judge, cwd=bench.work, **cache)
    (example / "docs").mkdir(exist_ok=True)
    edits = [(everything, "src/branin/__init__.py"), (module, "src/branin/plot.py"), (document, "docs/bench.md")]
    for number in range(bench.runs):
        for figure, name in edits:
            with (example / name).open("a") as file:
                # What no earlier run has built: the folder's name is random.
                file.write(f"# {bench.work.name} {number}\n")
            bench.run("git", "add", "-A", cwd=bench.checkout)
            figure.ours.append(bench.spend(*judge, cwd=bench.work, **cache))
        # The shell is built anew for the edited project; that is no part of pytest.
        bench.run(*shell, "true", cwd=example, **cache)
        everything.other.append(
            bench.spend(*shell, "pytest", "-q", "-p", "no:cacheprovider", cwd=example, **cache, **variables)
        )
    return [everything, module, document]
