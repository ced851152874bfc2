"""What an SBOM in CycloneDX JSON lists, as far as an audit asks."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from packageurl import PackageURL
from packaging.version import InvalidVersion, Version

from cloche.errors import MISSHAPEN, ClocheError
from cloche.untrusted import shapes, spelling, strict_json
from cloche.untrusted.limits import SBOM

_MOST_NESTED = 16


@dataclass(frozen=True)
class Listed:
    """One component: `ecosystem` and `package` are what advisories call it, None where no ecosystem is known."""

    ref: str
    name: str
    version: str
    purl: str | None
    ecosystem: str | None
    package: str
    # The version that advisories of the ecosystem speak of: Debian's are about source packages.
    audited_version: str
    license: str | None


@dataclass(frozen=True)
class Sbom:
    """The components of an SBOM, sorted by ref, and the serial number that a BOM-Link names it by."""

    serial: str | None
    version: int
    components: tuple[Listed, ...]


def read(data: bytes, *, what: str) -> Sbom:
    """Return what the SBOM lists, the components inside of components too; the subject only where it has a package URL.

    What dependencies name and no component is has an entry of its own, of which nothing is known.

    Raises ClocheError.
    """
    value = strict_json.loads(data, what=what, limit=SBOM)
    spelling.check(value, shapes.CYCLONEDX, what=what)
    if not isinstance(value, dict) or value.get("bomFormat") != "CycloneDX":
        raise ClocheError(f'{what} is no SBOM in CycloneDX JSON (it has no "bomFormat": "CycloneDX")')
    try:
        entries = _entries(value)
        refs = _refs(entries)
        depends = {
            _text(entry, "ref"): frozenset(_texts(entry, "dependsOn")) for entry in value.get("dependencies", ())
        }
        components = [_listed(entry) for entry in entries if not _is_prefix(entry, refs, depends)]
        # What is named and not listed has not been looked at.
        subject = value.get("metadata", {}).get("component", {}).get("bom-ref")
        named = frozenset(depends).union(*depends.values()) - refs.keys() - {subject}
        components += [Listed(ref, ref, "", None, None, ref, "", None) for ref in named]
        serial, version = str(value.get("serialNumber") or "") or None, int(value.get("version", 1))
    except MISSHAPEN as error:
        raise ClocheError(f"{what} is not as CycloneDX says: {type(error).__name__} {error}") from error
    if not components:
        raise ClocheError(f"{what} lists no component, so there is nothing to audit")
    return Sbom(serial, version, tuple(sorted(components, key=lambda one: one.ref)))


def _entries(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all components; the subject where it is a published package, and what is listed inside of it."""
    subject = value.get("metadata", {}).get("component", {})
    return [
        *([subject] if subject.get("purl") else []),
        *_flat(subject.get("components", [])),
        *_flat(value.get("components", [])),
    ]


def _flat(entries: list[dict[str, Any]], depth: int = 0) -> list[dict[str, Any]]:
    if depth > _MOST_NESTED:
        message = f"components nested more than {_MOST_NESTED} levels deep"
        raise ValueError(message)
    return [found for entry in entries for found in (entry, *_flat(entry.get("components", []), depth + 1))]


def _refs(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        ref = _text(entry, "bom-ref", None)
        if ref is not None and found.setdefault(ref, entry) is not entry:
            message = f"two components have the bom-ref {ref!r}"
            raise ValueError(message)
    return found


def _is_prefix(entry: dict[str, Any], refs: dict[str, dict[str, Any]], depends: dict[str, frozenset[str]]) -> bool:
    """Return whether a component is one of Cloche's prefixes, which hold nothing but packages that are listed themselves.

    Only where each that it depends on is listed, and says that it lies in this prefix: any other could hold anything.
    """
    packages = depends.get(entry.get("bom-ref", ""))
    if entry.get("type") != "platform" or not packages or {"purl", "version", "licenses", "components"} & entry.keys():
        return False
    paths = _values(entry, "cloche:store-path")
    return bool(paths) and all(
        package in refs and paths <= _values(refs[package], "cloche:prefix") for package in packages
    )


def _values(entry: dict[str, Any], name: str) -> set[str]:
    return {found.get("value", "") for found in entry.get("properties", []) if found["name"] == name}


def _texts(entry: dict[str, Any], name: str) -> list[str]:
    found = entry.get(name, [])
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        message = f"{name} is {found!r}, where a list of texts is expected"
        raise TypeError(message)
    return found


def _text(entry: dict[str, Any], name: str, *default: str | None) -> Any:  # noqa: ANN401 - text, or as the default
    value = entry.get(name, *default) if default else entry[name]
    if not isinstance(value, str) and value not in default:
        message = f"{name} is {value!r}, where a text is expected"
        raise TypeError(message)
    return value


def _listed(entry: dict[str, Any]) -> Listed:
    name, version = _text(entry, "name"), _text(entry, "version", "")
    text = _text(entry, "purl", None)
    purl = PackageURL.from_string(text) if text else None
    properties = {found["name"]: found.get("value", "") for found in entry.get("properties", [])}
    ecosystem, package, audited = None, name, version
    if purl is None and "cloche:revision" in properties and properties.get("cloche:file", "").endswith(".whl"):
        # The project itself: whether or not it is published, advisories would know it by this name.
        ecosystem, package = "PyPI", normalised(name)
    elif purl is not None and purl.type == "pypi" and not purl.namespace:
        _agree(purl, name, version, normalised)
        ecosystem, package, audited = "PyPI", normalised(purl.name), purl.version or version
    elif purl is not None and purl.type == "deb" and purl.namespace == "debian":
        release = dict(purl.qualifiers).get("distro", "").removeprefix("debian-")
        source, source_version = properties.get("cloche:source"), properties.get("cloche:source-version")
        if release and source and source_version:
            _agree(purl, name, version, str)
            ecosystem, package, audited = f"Debian:{release}", source, source_version
    return Listed(
        ref=str(entry.get("bom-ref") or text or f"{name}@{version}"),
        name=name,
        version=version,
        purl=text or None,
        ecosystem=ecosystem,
        package=package,
        audited_version=audited,
        license=_license(entry.get("licenses", [])),
    )


def _agree(purl: PackageURL, name: str, version: str, normal: Callable[[str], str]) -> None:
    """Raise ValueError where a package URL names another package or version than the component: either could be meant."""
    if normal(purl.name) != normal(name):
        message = f"the component {name} {version} has the package URL {purl}, which names another package"
        raise ValueError(message)
    if version and purl.version and version != purl.version and not _same_version(version, purl.version):
        message = f"the component {name} {version} has the package URL {purl}, which names another version"
        raise ValueError(message)


def _same_version(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return False


def _license(licenses: list[dict[str, Any]]) -> str | None:
    """Return the licences as one expression; several of them all apply."""
    texts = []
    for entry in licenses:
        license_ = entry.get("license", {})
        found = [str(text) for text in (entry.get("expression"), license_.get("id") or license_.get("name")) if text]
        # An entry that says nothing leaves open what applies.
        texts += found or ["NOASSERTION"]
    if len(texts) < 2:  # noqa: PLR2004 - one needs no brackets
        return texts[0] if texts else None
    # A name is free text: with brackets of its own it could make an OR of what is joined here.
    return " AND ".join(f"({text})" if _closed(text) else json.dumps(text) for text in texts)


def _closed(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


def normalised(name: str) -> str:
    """Return a project's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()
