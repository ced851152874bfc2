"""What runs in the environment of the suites, or in that of the models."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from selection import campaign
from selection.command import PACKAGES, ROOT, parsed
from selection.projects import unpacked
from selection.report import renew, tables, times
from selection.wall import wall


def documented(told: dict[str, Any]) -> None:
    """Write the figures where it is asked for, and print their tables."""
    # As they are read again: sorted.
    text = json.dumps(told, indent=1, sort_keys=True) + "\n"
    print("\n".join(made for name, made in tables(json.loads(text)).items() if name != "operators"))
    if options.json:
        options.json.write_text(text)
    if options.document:
        renew(json.loads(text), ROOT / "docs/benchmark-selection.md")


options = parsed(sys.argv[1:])
options.work = Path(options.work).resolve()
if PACKAGES.get(options.verb) == "learned":
    from cloche.selection.learned.build import PINNED

    if any(os.environ.get(name) != value for name, value in PINNED.items()):
        # Before NumPy is loaded; itself, with its own words.
        os.execve(sys.executable, [sys.executable, "-m", "selection", *sys.argv[1:]], {**os.environ, **PINNED})  # noqa: S606
if options.verb == "matrix":
    campaign.matrix(options)
elif options.verb == "cosmic-ray":
    campaign.other_tool(options)
elif options.verb == "wall":
    folder = unpacked(options.project, options.work, "wall-plain")
    wall(options, campaign.suite(options.project, folder))
elif options.verb == "keep":
    campaign.keep(options)
elif options.verb == "maps":
    campaign.maps(options)
elif options.verb == "learned":
    from selection import learned

    documented(learned.report(options))
elif options.verb == "histories":
    from selection import histories

    documented({"histories": histories.report(options.folder)})
else:
    documented(campaign.report(options) | {"times": times(campaign.STORED)})
