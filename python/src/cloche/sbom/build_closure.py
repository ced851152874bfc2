"""What a closure was built from: every fixed output and every source in the closure of its derivations.

What the derivations between them made is no source, and is not listed. Names are looked up by sha256 in what the locks
and the toolchain's pins say; a fixed output that none of them knows is listed under the name of its store path.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cloche.sbom.closure import StorePath
from cloche.sbom.inventory import PREFIX, Component, Evidence, Inventory, debian, python
from cloche.store import derivation


@dataclass(frozen=True)
class Sources:
    """The build closure, sorted out: fixed outputs with their hash, and sources; both by store path."""

    fixed: dict[str, derivation.FixedOutput]
    sources: frozenset[str]


def sort_out(closure: dict[str, StorePath]) -> Sources:
    """Return what the closure of derivations starts from; the .drv files are read from the store."""
    found = {path: derivation.of_file(Path(path)) for path in closure if path.endswith(".drv")}
    outputs = {output: read for read in found.values() for output in read.paths}
    return Sources(
        fixed={path: read.fixed for path, read in sorted(outputs.items()) if read.fixed},
        sources=frozenset(path for path in closure if path not in outputs and path not in found),
    )


def take(subject: Component, digest: str, evidence: Evidence, locked: list[dict[str, Any]]) -> Inventory:
    """Return what the subject was built from; `locked` tells of published files by their sha256."""
    closure = evidence.closure
    inventory = Inventory(
        subject=subject, digest=digest, nar={path: found.nar_sha256 for path, found in closure.items()}, scope="build"
    )
    inventory.edges[subject.ref] = set()
    table = {entry["path"]: entry for entry in evidence.known}
    published = {entry["sha256"]: entry for entry in locked}
    sorted_out = sort_out(closure)
    for path, fixed in sorted_out.fixed.items():
        entry = table.get(path)
        if entry is not None and entry["holds"] == "prefix":
            inventory.add(Component(f"prefix:{entry['name']}", "platform", entry["name"], paths=frozenset([path])))
            for package in entry["packages"]:
                inventory.add(debian(package, frozenset([path])))
        else:
            inventory.add(_fixed(path, fixed, published))
    for path in sorted(sorted_out.sources):
        of_project = table.get(path, {}).get("holds") == "source"
        properties = {(f"{PREFIX}source-of", subject.name), (f"{PREFIX}revision", evidence.project["revision"] or "")}
        component = Component(f"source:{path}", "file", _name(path), paths=frozenset([path]))
        inventory.add(replace(component, properties=frozenset(properties if of_project else ())))
    inventory.edges[subject.ref] = set(inventory.components)
    return inventory


def _fixed(path: str, fixed: derivation.FixedOutput, published: dict[str, dict[str, Any]]) -> Component:
    # A hash that is no sha256 of a file is that of a NAR, stated with the store path.
    sha256 = fixed.digest.get("sha256") if fixed.mode == "flat" else None
    entry = published.get(sha256 or "")
    if entry is None:
        return Component(f"fixed-output:{path}", "file", _name(path), sha256=sha256, paths=frozenset([path]))
    if entry["file"].endswith(".deb"):
        return replace(debian(entry), paths=frozenset([path]))
    return python(entry, frozenset([path]))


def _name(path: str) -> str:
    """Return a store path's name without its hash."""
    return Path(path).name.partition("-")[2]
