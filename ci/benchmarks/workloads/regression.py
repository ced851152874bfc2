"""Compare two files of a million numbers of which one in a thousand differs, and print seconds, CPU seconds and MB, as JSON.

Usage: regression.py json|npz|csv NUMBERS, in an environment with Cloche and its group regression.
"""

import json
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path


def main() -> None:
    """Write the files, compare them, print what that took."""
    # Not at the top: what is measured includes loading the libraries.
    import subprocess

    import numpy as np

    form, numbers = sys.argv[1], int(sys.argv[2])
    before = np.random.default_rng(0).normal(size=numbers)
    after = before.copy()
    after[::1000] += 1e-3
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, values in (("a", before), ("b", after)):
            path = Path(folder, f"{name}.{form}")
            if form == "json":
                path.write_text(json.dumps({"values": values.tolist()}))
            elif form == "npz":
                np.savez(path, values=values)
            else:
                rows = values.reshape(-1, 10).tolist()
                path.write_text("\n".join([",".join("abcdefghij"), *(",".join(map(repr, row)) for row in rows)]) + "\n")
            files.append(path)
        del before, after
        # In a process of its own, whose memory is not that of writing.
        code = f"import sys; sys.argv = {['compare', *map(str, files)]!r}; import runpy; runpy.run_path({__file__!r}, run_name='compare')"
        done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
        sys.stdout.write(done.stdout)


def compare() -> None:
    """Read and compare."""
    start, cpu = time.perf_counter(), time.process_time()
    from cloche.regression import compare, rules
    from cloche.results import readers

    found = compare.compare(
        readers.read(Path(sys.argv[1])), readers.read(Path(sys.argv[2])), rules.Rules(), date(2026, 1, 1)
    )
    if not found.counts.changed:
        sys.exit("the planted differences were not found")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "wall": time.perf_counter() - start,
                "cpu": time.process_time() - cpu,
                "megabytes": memory,
                "compared": found.counts.compared,
                "changed": found.counts.changed,
            }
        )
    )


if __name__ == "__main__":
    main()
elif __name__ == "compare":
    compare()
