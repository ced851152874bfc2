"""Which published packages a closure holds: each store path is accounted for by what Nix evaluation knows of it.

`known` is a list of { path, holds, name, packages }, where `holds` says what kind of path it is:

* `wheel`: one published Python package, unpacked or built from its sdist;
* `prefix`: Debian packages in one prefix, such as the base of the toolchain;
* `project`: the project's own wheel, unpacked;
* `made`: nothing published, such as the links and scripts of an environment;
* `other`: one package that the configuration declares.
"""

import email.parser
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from packageurl import PackageURL

from cloche.sbom.closure import StorePath
from cloche.untrusted import walk

PREFIX = "cloche:"
_REQUIREMENT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


class InventoryError(Exception):
    """What keeps a closure from being accounted for; the message names the paths."""


@dataclass(frozen=True)
class Component:
    """One entry of an SBOM.

    `kind` is a component type of CycloneDX; `sha256` is that of the published file; `paths` are the store paths that
    are it, `prefixes` those that hold it among others; `properties` are further facts by name.
    """

    ref: str
    kind: str
    name: str
    version: str | None = None
    purl: str | None = None
    sha256: str | None = None
    file: str | None = None
    license: str | None = None
    paths: frozenset[str] = frozenset()
    prefixes: frozenset[str] = frozenset()
    properties: frozenset[tuple[str, str]] = frozenset()


@dataclass
class Inventory:
    """The subject, with the sha256 that names it, and what it consists of; `edges` lead from a ref to those it needs."""

    subject: Component
    digest: str
    components: dict[str, Component] = field(default_factory=dict)
    edges: dict[str, set[str]] = field(default_factory=dict)
    nar: dict[str, str] = field(default_factory=dict)
    # "runtime" or "build".
    scope: str = "runtime"

    def add(self, component: Component) -> str:
        """Add a component, or the store paths of one that is there already; return its ref."""
        there = self.components.get(component.ref)
        if there is not None:
            component = replace(
                there,
                paths=there.paths | component.paths,
                prefixes=there.prefixes | component.prefixes,
                properties=there.properties | component.properties,
            )
        self.components[component.ref] = component
        self.edges.setdefault(component.ref, set())
        return component.ref


@dataclass(frozen=True)
class Evidence:
    """What the inventory is taken from.

    `closure` is Nix's, `known` what evaluation knows of store paths, `project` describes the project's own wheel (see
    read_project), `loader` is the dynamic loader that patched executables name.
    """

    closure: dict[str, StorePath]
    known: list[dict[str, Any]]
    project: dict[str, Any]
    loader: str


def take(subject: Component, digest: str, evidence: Evidence) -> Inventory:
    """Return what the runtime closure of the subject consists of.

    Raises InventoryError for store paths that nothing is known of.
    """
    closure, loader = evidence.closure, evidence.loader
    table = {entry["path"]: entry for entry in evidence.known if entry["path"] in closure}
    if unknown := sorted(closure.keys() - table.keys()):
        raise InventoryError(_unknown(unknown, closure))
    made = frozenset(path for path, entry in table.items() if entry["holds"] == "made")
    inventory = Inventory(
        subject=replace(subject, paths=made),
        digest=digest,
        nar={path: found.nar_sha256 for path, found in closure.items()},
    )
    top = inventory.edges.setdefault(subject.ref, set())
    dependencies: dict[str, list[str]] = {}
    refs: dict[str, str] = {}
    bases = {path for path, entry in table.items() if entry["holds"] == "prefix"}
    for path, entry in sorted(table.items()):
        if entry["holds"] == "prefix":
            top.add(_add_prefix(inventory, path, entry))
        elif entry["holds"] == "wheel":
            package = entry["packages"][0]
            refs[package["name"]] = inventory.add(
                _unpacked(path, package, loader if closure[path].references & bases else None)
            )
            dependencies[package["name"]] = package["dependencies"]
        elif entry["holds"] == "project":
            component, requires = read_project(path, evidence.project)
            refs[component.name] = inventory.add(component)
            dependencies[component.name] = requires
        elif entry["holds"] == "other":
            top.add(inventory.add(_other(path, entry["packages"][0])))
    for name, wanted in dependencies.items():
        # What an extra or a marker leaves out is not in the closure.
        inventory.edges[refs[name]] |= {refs[other] for other in wanted if other in refs and other != name}
    needed = {ref for name in refs for ref in inventory.edges[refs[name]]}
    top |= set(refs.values()) - needed
    if lost := set(refs.values()) - reachable(inventory):
        # Packages that need each other in a circle, and that nothing else needs.
        top |= lost
    return inventory


def reachable(inventory: Inventory) -> set[str]:
    """Return the refs that the edges lead to from the subject, itself included."""
    found, waiting = set(), [inventory.subject.ref]
    while waiting:
        ref = waiting.pop()
        if ref not in found:
            found.add(ref)
            waiting.extend(inventory.edges.get(ref, ()))
    return found


def _add_prefix(inventory: Inventory, path: str, entry: dict[str, Any]) -> str:
    prefix = inventory.add(
        Component(ref=f"prefix:{entry['name']}", kind="platform", name=entry["name"], paths=frozenset([path]))
    )
    for package in entry["packages"]:
        inventory.edges[prefix].add(inventory.add(debian(package, frozenset([path]))))
    return prefix


def debian(package: dict[str, Any], prefixes: frozenset[str] = frozenset()) -> Component:
    """Return a Debian package as a component, from its pin."""
    file = package["file"]
    architecture = file.removesuffix(".deb").rpartition("_")[2]
    purl = PackageURL(
        "deb", "debian", package["name"], package["version"], {"arch": architecture, "distro": package["distribution"]}
    )
    properties = {(f"{PREFIX}source", package["source"])}
    if package.get("sourceVersion"):
        properties.add((f"{PREFIX}source-version", package["sourceVersion"]))
    return Component(
        ref=purl.to_string(),
        kind="library",
        name=package["name"],
        version=package["version"],
        purl=purl.to_string(),
        sha256=package["sha256"],
        file=file,
        prefixes=prefixes,
        properties=frozenset(properties),
    )


def python(package: dict[str, Any], paths: frozenset[str] = frozenset()) -> Component:
    """Return a Python package as a component, from its entry in the lock."""
    purl = PackageURL("pypi", None, package["name"], package["version"]).to_string()
    return Component(
        ref=purl,
        kind="library",
        name=package["name"],
        version=package["version"],
        purl=purl,
        sha256=package["sha256"],
        file=package["file"],
        license=package.get("license"),
        paths=paths,
    )


def _unpacked(path: str, package: dict[str, Any], loader: str | None) -> Component:
    """Return an unpacked wheel as a component; `loader` is given where the wheel refers to the base at all."""
    component = python(package, frozenset([path]))
    properties = {(f"{PREFIX}left-out", pattern) for pattern in package.get("leftOut", [])}
    if not package["file"].endswith(".whl"):
        # What was compiled here refers to the base as a matter of course; nothing published was changed.
        properties.add((f"{PREFIX}built-from", "sdist"))
    elif loader:
        properties |= {(f"{PREFIX}patched-executable", file) for file in patched_executables(Path(path), loader)}
    return replace(component, properties=frozenset(properties))


def _other(path: str, package: dict[str, Any]) -> Component:
    return Component(
        ref=package["purl"] or f"other:{package['name']}@{package['version']}",
        kind="library",
        name=package["name"],
        version=package["version"],
        purl=package["purl"],
        sha256=package["sha256"],
        license=package["license"],
        paths=frozenset([path]),
    )


def patched_executables(path: Path, loader: str) -> list[str]:
    """Return the executables of an unpacked wheel whose interpreter was set to the store's loader, as paths in it.

    No published file can name a loader in the store, so an ELF executable that does was patched.
    """
    found = []
    for file in walk.below(path):
        if file.is_symlink() or not file.is_file() or not file.stat().st_mode & 0o111:
            continue
        data = file.read_bytes()
        if data[:4] == b"\x7fELF" and loader.encode() + b"\0" in data:
            found.append(str(file.relative_to(path)))
    return found


def read_project(path: str, project: dict[str, Any]) -> tuple[Component, list[str]]:
    """Return the project's own component, from its unpacked wheel's METADATA, and the names that it requires.

    `project` has `revision` (None where the tree is dirty), and `file` and `sha256` of the wheel. Raises InventoryError
    where METADATA is not found.
    """
    found = sorted(Path(path).glob("lib/python*/site-packages/*.dist-info/METADATA"))
    if len(found) != 1:
        message = f"{path}: it should hold the project's wheel, but has {len(found)} METADATA files"
        raise InventoryError(message)
    metadata = email.parser.BytesHeaderParser().parsebytes(found[0].read_bytes())
    name = normalised(str(metadata["Name"]))
    requires = [match[0] for text in metadata.get_all("Requires-Dist", []) if (match := _REQUIREMENT.match(text))]
    component = Component(
        ref=f"project:{name}",
        kind="library",
        name=name,
        version=str(metadata["Version"]),
        sha256=project["sha256"],
        file=project["file"],
        license=str(metadata["License-Expression"]) if metadata["License-Expression"] else None,
        paths=frozenset([path]),
        properties=frozenset({(f"{PREFIX}revision", project["revision"] or "")}),
    )
    return component, [normalised(required) for required in requires]


def normalised(name: str) -> str:
    """Return a project's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _unknown(paths: list[str], closure: dict[str, StorePath]) -> str:
    lines = []
    for path in paths:
        users = sorted(user for user, found in closure.items() if path in found.references)
        lines.append(f"  {path}" + (f"\n    needed by {', '.join(users)}" if users else ""))
    return (
        "the closure has store paths of which no published package is known, so the SBOM would not be complete:\n"
        + "\n".join(lines)
        + "\nTake them out of what the project is made of, or say what they are by the option cloche.sbom.components."
    )
