"""Check the statements of `packages.provenance`; runs inside `checks.provenance`.

Each must be canonical JSON that fits its schemas, and resolvedDependencies must name each fixed output of the whole .drv
closure once, and nothing else. What the closure has is found here in another way than the statements were made: every
.drv file that is named in another one, wherever it stands, is searched for the form that a fixed output has.
"""

import copy
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from cloche.attest import schema, statement
from cloche.store import canonical_json
from cloche.untrusted import walk

# The only output of a fixed-output derivation, at the very beginning of its .drv file.
_FIXED = re.compile(r'Derive\(\[\("out","[^"]*/[a-z0-9]{32}-([^"]+)","([^"]+)","([0-9a-f]+)"\)\]')

_DRV = re.compile(r'(?<=")/[^"]*/[a-z0-9]{32}-[^"/]+\.drv(?=")')

Json = dict[str, Any]


def closure_of(root: str) -> list[str]:
    """Return the .drv files that a .drv file names, and that those name, itself included."""
    found, waiting = set(), [root]
    while waiting:
        if (file := waiting.pop()) not in found:
            found.add(file)
            waiting += _DRV.findall(Path(file).read_text(errors="surrogateescape"))
    return sorted(found)


def fixed_outputs(files: list[str]) -> Counter[tuple[str, str, str]]:
    """Return (name, algorithm and mode, digest) of each fixed output that the .drv files declare, counted once each."""
    found = set()
    for file in files:
        if match := _FIXED.match(Path(file).read_text(errors="surrogateescape")):
            # A text is hashed as a file is.
            found.add((match[1], match[2].removeprefix("text:"), match[3]))
    return Counter(found)


def listed(predicate: Json) -> Counter[tuple[str, str, str]]:
    """Return (name, algorithm and mode, digest) of each fixed output that the provenance lists."""
    found: Counter[tuple[str, str, str]] = Counter()
    for entry in predicate["buildDefinition"]["resolvedDependencies"]:
        if entry["annotations"]["kind"] == "fixed-output":
            mode = "r:" if entry.get("mediaType") == statement.NAR else ""
            found.update((entry["name"], mode + algorithm, digest) for algorithm, digest in entry["digest"].items())
    return found


def differences(predicate: Json, expected: Counter[tuple[str, str, str]]) -> list[str]:
    """Return what keeps resolvedDependencies from being in bijection with the fixed outputs."""
    found = listed(predicate)
    return [
        *(f"resolvedDependencies lacks {name} ({how}:{digest})" for name, how, digest in sorted(expected - found)),
        *(
            f"resolvedDependencies has {name} ({how}:{digest}) once too often"
            for name, how, digest in sorted(found - expected)
        ),
    ]


def planted(predicate: Json) -> dict[str, Json]:
    """Return changed copies of a good predicate, by what was done to them; each must be caught."""
    changed = {
        what: copy.deepcopy(predicate) for what in ("one taken out", "one added", "one twice", "a digest changed")
    }
    lists = {what: value["buildDefinition"]["resolvedDependencies"] for what, value in changed.items()}
    last = predicate["buildDefinition"]["resolvedDependencies"][-1]
    lists["one taken out"].pop()
    lists["one added"].append({**last, "name": "more", "uri": "pkg:pypi/more@1"})
    lists["one twice"].append(last)
    algorithm, digest = next(iter(last["digest"].items()))
    lists["a digest changed"][-1]["digest"] = {algorithm: digest[:-1] + ("1" if digest[-1] == "0" else "0")}
    return changed


def problems(data: bytes, expected: Counter[tuple[str, str, str]]) -> list[str]:
    """Return what is wrong with the bytes of a statement."""
    value = json.loads(data)
    found = schema.problems(value)
    if canonical_json.dumps(value) != data:
        found.append("it is no canonical JSON (RFC 8785)")
    if not found and value["predicateType"] == statement.PROVENANCE:
        predicate = value["predicate"]
        found += differences(predicate, expected)
        found += [
            f"{what} is not noticed" for what, bad in planted(predicate).items() if not differences(bad, expected)
        ]
    return found


def main(attributes: Json) -> None:
    """Check all statements; write how many there are into attributes["outputs"]["out"], or fail with each problem."""
    folder = Path(attributes["statements"])
    files = [path for path in walk.below(folder) if path.suffix == ".json"]
    bad, count = [], 0
    for attribute, derivation in sorted(attributes["derivations"].items()):
        closure = closure_of(derivation)
        expected = fixed_outputs(closure)
        for file in [file for file in files if file.parent.name == attribute]:
            bad += [f"{attribute}/{file.name}: {problem}" for problem in problems(file.read_bytes(), expected)]
            count += 1
        print(f"{attribute}: {len(expected)} fixed outputs in {len(closure)} derivations")
        if not (folder / attribute / "provenance.json").is_file():
            bad.append(f"{attribute}: there is no provenance.json")
    if bad:
        sys.exit("\n".join(bad))
    Path(attributes["outputs"]["out"]).write_text(f"{count} statements are as they should be\n")
