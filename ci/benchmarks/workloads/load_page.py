"""Load a page in headless Chromium, and print for each time how long it took: until all of it was there, and of the processor.

Run with the Python of `test-environment`. Arguments: page, times.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests"))
from browser import Browser, role

page, times = Path(sys.argv[1]), int(sys.argv[2])
with tempfile.TemporaryDirectory() as work:
    opened = Browser(role(), Path(work))
    try:
        opened.command("Performance.enable", timeDomain="threadTicks")
        found = []
        # Once more, for the files of the browser itself.
        for _ in range(times + 1):
            opened.open(page)
            wall = opened.run("return performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000
            metrics = {each["name"]: each["value"] for each in opened.command("Performance.getMetrics")["metrics"]}
            found.append({"wall": wall, "cpu": metrics["TaskDuration"]})
    finally:
        opened.close()
print(json.dumps(found[1:]))
