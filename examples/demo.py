"""`nix run .#demo`: build examples/branin as an outside consumer would, run it, and show what came out.

Standard library only; needs nix on PATH. Arguments: the example's folder, and the program that fetches sources.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OUTPUTS = {
    "default": "the application: its entry points",
    "env": "the Python environment it runs in",
    "wheel": "the wheel, as for an index",
    "sdist": "the source distribution",
    "test-results": "what each test did (outcomes.json, junit.xml)",
}


def nix(*arguments: str) -> str:
    """Run nix, showing its progress and errors; return what it prints."""
    done = subprocess.run(["nix", *arguments], check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def main() -> None:
    """Build, run, and print the table."""
    example, fetch = Path(sys.argv[1]), sys.argv[2]
    flake = f"path:{example}" if "/nix/store" in str(example) else str(example)
    print(f"demo: {flake}, a flake of its own that imports Cloche\n", flush=True)
    start = time.monotonic()
    subprocess.run(["sh", fetch, "--lock", str(example / "cloche.lock")], check=True)
    print(f"sources in the store after {time.monotonic() - start:.1f} s\n", flush=True)

    rows = []
    for output, meaning in OUTPUTS.items():
        start = time.monotonic()
        path = nix("build", "--no-link", "--print-out-paths", f"{flake}#{output}").split()[0]
        seconds = time.monotonic() - start
        rows.append((output, meaning, path, seconds))
    sizes = json.loads(nix("path-info", "--json", "-S", *(path for _, _, path, _ in rows)))
    print(f"{'output':14}{'seconds':>8}{'own MB':>9}{'with all it needs':>19}  what it is")
    for output, meaning, path, seconds in rows:
        own, closure = sizes[path]["narSize"] / 1e6, sizes[path]["closureSize"] / 1e6
        print(f"{output:14}{seconds:8.1f}{own:9.2f}{closure:16.1f} MB  {meaning}")
        print(f"{'':14}{path}")
    outcomes = json.loads(nix("store", "cat", f"{rows[-1][2]}/outcomes.json"))
    print(f"\ntests: {outcomes['counts']}")

    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results.json")
        command = ["run", "--method", "bayes", "--seed", "1", "--evaluations", "20", "--output", str(results)]
        print(f"\n$ nix run {flake}#default -- {' '.join(command[:-1])} results.json")
        print(nix("run", f"{flake}#default", "--", *command).strip())
        print(f"results.json: {results.stat().st_size} bytes")
    shown = os.path.relpath(example) if not str(example).startswith("/nix/store") else flake
    print(
        "\nWhat can be done next:\n"
        f"  cd {shown}\n"
        "  nix develop                          a shell with the project editable\n"
        "  nix flake check                      tests, lint, types\n"
        "  nix run .#default -- compare --help  all methods, with a plot\n"
        "  nix run .#lock                       after editing pyproject.toml\n"
        "(with ci/nix in place of nix where Nix is not installed; docs/tutorial.md starts a project of your own)"
    )


if __name__ == "__main__":
    main()
