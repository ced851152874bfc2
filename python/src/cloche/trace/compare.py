"""Hold the record of a suite's batches against the record of the whole suite in the whole tree; standard library only.

A test that is not in both, another outcome or another reason to skip means that narrowing changed something, as does a
file that the build of the wheel without its modules makes differently.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from cloche.untrusted import walk

# Of these the message is the reason; that of a failure may hold more than the test says.
REASONED = ("skipped", "xfailed")


def outcomes(folder: Path) -> dict[str, list[str]]:
    """Return what is compared of each test, by its id; as often as it was run."""
    found: dict[str, list[str]] = {}
    for entry in json.loads((folder / "outcomes.json").read_text())["tests"]:
        outcome = entry["outcome"]
        reason = re.sub(r"/nix/store/[a-z0-9]{32}-", "/nix/store/...-", entry["message"])
        found.setdefault(entry["test"], []).append(f"{outcome} ({reason})" if outcome in REASONED else outcome)
    return {test: sorted(each) for test, each in found.items()}


def differences(whole: dict[str, list[str]], narrowed: dict[str, list[str]]) -> list[str]:
    """Return a line for each test that is not the same in both."""
    lines = []
    for test in sorted({*whole, *narrowed}):
        one, other = whole.get(test), narrowed.get(test)
        if one != other:
            first = "not there" if one is None else ", ".join(one)
            second = "not there" if other is None else ", ".join(other)
            lines.append(f"{test}: {first} in the whole tree, {second} in its batch")
    return lines


def built_differently(wheel: Path, frame: Path, modules: dict[str, str], site_packages: str) -> list[str]:
    """Return the files that the wheel and the one built without its modules have both, and not the same."""
    site = wheel / site_packages
    own = tuple(f"{site_packages}/{place}" for place in modules.values())
    lines = []
    for path in walk.below(wheel):
        name = path.relative_to(wheel).as_posix()
        # RECORD lists what there is; byte code holds the path of its module.
        if path.is_dir() or path.name == "RECORD" or "__pycache__" in path.parts:
            continue
        other = frame / name
        if not other.exists():
            # A module that batches are given by themselves.
            if name.startswith(own) and path.is_relative_to(site):
                continue
            lines.append(f"{name}: not there in the wheel that is built without modules")
        elif other.read_bytes() != path.read_bytes():
            lines.append(f"{name}: another one in the wheel that is built without modules")
    return lines


def main(attributes: dict[str, Any]) -> None:
    """Compare attributes["whole"] with attributes["narrowed"]; fail with all differences."""
    whole, narrowed = (outcomes(Path(attributes[each])) for each in ("whole", "narrowed"))
    lines = differences(whole, narrowed)
    if attributes["frame"] is not None:
        lines += built_differently(
            Path(attributes["wheel"]), Path(attributes["frame"]), attributes["modules"], attributes["sitePackages"]
        )
    if lines:
        sys.exit(
            f"{len(lines)} differences between the whole tree and the batches of cloche-tests.json:\n  "
            + "\n  ".join(lines)
            + '\nWhat a test needs and the trace could not see goes into its "declared" in cloche-tests.json; "*" is everything.'
        )
    Path(attributes["outputs"]["out"]).write_text(f"{len(whole)} tests are the same in the whole tree and in batches\n")
