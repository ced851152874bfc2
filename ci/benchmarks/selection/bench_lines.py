"""A pytest plugin beside `-p cloche.selection.impact.plugin`: it also writes which tests ran which lines, to $CLOCHE_LINES.

Only a baseline of the benchmark needs them; the map itself knows functions.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cloche.selection.impact import plugin
from cloche.selection.impact.recording import Seen, make


def made(root: Path, files: Iterable[str], seen: Seen, packages: dict[str, list[str]]) -> dict[str, Any]:
    """Write the lines, and return the map."""
    rows: dict[str, dict[int, list[str]]] = {}
    for file, lines in seen.lines.items():
        rows[file] = {}
        for line, contexts in lines.items():
            tests = {test for context in contexts for test in seen.users.get(context, {context})}
            rows[file][line] = sorted(tests & seen.outcomes.keys())
    Path(os.environ["CLOCHE_LINES"]).write_text(json.dumps(rows, sort_keys=True) + "\n")
    return make(root, files, seen, packages)


# In the place of what it imports.
plugin.make = made  # type: ignore[attr-defined]
