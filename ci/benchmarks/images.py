"""How fast a changed line is in a loaded image, beside buildah."""

from __future__ import annotations

import os
from pathlib import Path

from measure import ROOT, Bench, Figure


def image(bench: Bench) -> list[Figure]:
    """Change a line of the example and load its image into a folder, beside buildah copying the same files; then change nothing."""
    saved = Figure("image", "change one line of the example; its image is loaded into an OCI folder", 1.8)
    beside = Figure("image-buildah", "the same", 1.0, other_what="buildah copying the same files into such a folder")
    again = Figure("image-no-op", "build an image that has not changed", 0.15)
    example, folder, tree = bench.checkout / "examples/branin", bench.work / "images", bench.work / "tree"
    changed = example / "src/branin/__init__.py"
    nix, cache = bench.checkout / "ci/nix", {"CLOCHE_CACHE": str(bench.work / "cloche-cache")}
    load: list[str | Path] = [nix, "run", f"{example}#load-image", "--", f"oci:{folder}"]
    bench.run(*load, cwd=bench.work, **cache)
    words: list[str | Path] = [nix, "build", "--no-link", "--print-out-paths", f"{example}#default"]
    application = bench.run(*words, cwd=bench.work, **cache).strip()
    (tree / "nix/store").mkdir(parents=True)
    bench.run("cp", "-a", *bench.run("nix-store", "--query", "--requisites", application).split(), tree / "nix/store")
    bench.run(ROOT / "pkgs/fetch/fetch.sh", "--tools-only", "--role", "oci")
    toolchain = f'(import {bench.checkout}/pkgs/toolchain {{ system = "{os.uname().machine}-linux"; }})'
    tools = bench.run(
        "nix", "build", "--no-link", "--print-out-paths", "--impure", "--expr", f"{toolchain}.roles.oci"
    ).strip()
    (bench.work / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    buildah = [
        f"{tools}/bin/buildah",
        "--root",
        f"{bench.work}/containers",
        "--runroot",
        f"{bench.work}/run",
        "--storage-driver",
        "vfs",
    ]
    copy = f'set -e; c=$("$@" from scratch); "$@" copy -q $c {tree} / >/dev/null; "$@" commit -q --disable-compression --signature-policy {bench.work}/policy.json $c oci:{bench.work}/buildah >/dev/null; "$@" rm $c >/dev/null'
    for number in range(bench.runs):
        with changed.open("a") as file:
            # What no earlier run has built: the folder's name is random.
            file.write(f"# {bench.work.name} {number}\n")
        saved.ours.append(bench.spend(*load, cwd=bench.work, **cache))
        beside.other.append(bench.spend("sh", "-c", copy, "sh", *buildah))
        again.ours.append(bench.spend(nix, "build", "--no-link", f"{example}#image", cwd=bench.work, **cache))
    beside.ours = saved.ours
    return [saved, beside, again]
