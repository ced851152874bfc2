"""What the tests cost on a second machine, after a first one filled a signed cache with their results."""

from __future__ import annotations

import os
from pathlib import Path

from measure import Bench, Figure, settle


def elsewhere(bench: Bench) -> list[Figure]:
    """Judge the example's tests in a store that has none of it, with a cache that another store filled; no build is allowed."""
    figure = Figure(
        "tests-elsewhere",
        "judge the example's tests in a fresh store, from a signed cache in a folder",
        0.2,
        other_what="plain pytest where its environment is",
    )
    example, nix = bench.checkout / "examples/branin", bench.checkout / "ci/nix"
    cache = {"CLOCHE_CACHE": str(bench.work / "cloche-cache")}
    check = f"{example}#checks.{os.uname().machine}-linux.tests"
    words: list[str | Path] = [nix, "build", "--no-link", "--print-out-paths", check, f"{example}#test-results"]
    results = bench.run(*words, cwd=bench.work, **cache).split()
    key = bench.work / "cache-key"
    key.write_text(bench.run("nix", "key", "generate-secret", "--key-name", "bench-1"))
    key.chmod(0o600)
    public = bench.run("sh", "-c", f"exec nix key convert-secret-to-public <{key}").strip()
    folder = bench.work / "results-cache"
    bench.run("nix", "copy", "--to", f"file://{folder}?secret-key={key}&compression=zstd", *results)
    settings: list[str | Path] = [
        "--substituters",
        f"file://{folder}",
        "--trusted-public-keys",
        public,
        "--option",
        "require-sigs",
        "true",
        "--max-jobs",
        "0",
    ]
    shell: list[str | Path] = [nix, "develop", f"{example}#ci", "--command"]
    bench.run(*shell, "true", cwd=example, **cache)
    variables = {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    for _ in range(bench.runs):
        store = bench.work / "second-machine"
        settle(store)
        figure.ours.append(bench.spend("nix", "build", "--no-link", "--store", store, *settings, check, cwd=example))
        figure.other.append(
            bench.spend(*shell, "pytest", "-q", "-p", "no:cacheprovider", cwd=example, **cache, **variables)
        )
    return [figure]
