"""Make the map of `cloche select-tests` out of what recorded tests ran; standard library only.

The recording's coverage.json has the contexts of each line (cloche.selection.impact.contexts), the project's folder the sources
that it is about.
"""

import json
from pathlib import Path
from typing import Any

from cloche.selection.impact.recording import Seen, make, text
from cloche.suite import installed_packages
from cloche.untrusted import walk


def seen_in(data: dict[str, Any]) -> Seen:
    """Return what a recording has noted."""
    return Seen(
        lines={
            file: {int(line): set(contexts) for line, contexts in lines.items()}
            for file, lines in data["lines"].items()
        },
        files={name: set(each) for name, each in data["files"].items()},
        reads={
            (file, name): set(contexts) for file, names in data["reads"].items() for name, contexts in names.items()
        },
        evaluated={name: set(each) for name, each in data["evaluated"].items()},
        unwatched=set(data["unwatched"]),
        programs=set(data["programs"]),
        unmeasured={why: set(each) for why, each in data["unmeasured"].items()},
        outcomes=data["outcomes"],
        users={name: set(each) for name, each in data["users"].items()},
        before=set(data["before"]),
    )


def main(attributes: dict[str, Any]) -> None:
    """Write the map of attributes["results"] and attributes["source"] to attributes["outputs"]["out"]."""
    source = Path(attributes["source"])
    data = json.loads(Path(attributes["results"], "coverage.json").read_text(encoding="utf-8"))
    files = [path.relative_to(source).as_posix() for path in walk.below(source) if path.suffix == ".py"]
    table = installed_packages.offered([Path(attributes["environment"])], attributes["sitePackages"])
    packages = {
        name: sorted({each.partition("/")[0] for each in offers.get("modules", [])}) for name, offers in table.items()
    }
    made = text(make(source, files, seen_in(data), packages))
    Path(attributes["outputs"]["out"]).write_text(made, encoding="utf-8")
