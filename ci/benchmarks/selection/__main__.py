"""What runs in the environment of the suites."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from selection import campaign
from selection.command import ROOT, parsed
from selection.report import renew, tables, times
from selection.wall import wall

options = parsed(sys.argv[1:])
options.work = Path(options.work).resolve()
if options.verb == "matrix":
    campaign.matrix(options)
elif options.verb == "cosmic-ray":
    campaign.other_tool(options)
elif options.verb == "wall":
    folder = campaign.unpacked(options.project, options.work, "wall-plain")
    wall(options, campaign.suite(options.project, folder))
elif options.verb == "keep":
    campaign.keep(options)
else:
    told = campaign.report(options) | {"times": times(campaign.STORED)}
    # As they are read again: sorted.
    text = json.dumps(told, indent=1, sort_keys=True) + "\n"
    print("\n".join(made for name, made in tables(json.loads(text)).items() if name != "operators"))
    if options.json:
        options.json.write_text(text)
    if options.document:
        renew(json.loads(text), ROOT / "docs/benchmark-selection.md")
