"""What an SBOM in CycloneDX JSON lists, as far as an audit asks."""

import json
import re
from dataclasses import dataclass
from typing import Any

from packageurl import PackageURL

from cloche import strict_json
from cloche.errors import ClocheError
from cloche.limits import SBOM

_MOST_NESTED = 16


class BadSbomError(ClocheError):
    """A file that is no SBOM in CycloneDX JSON."""


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
    """Return what the SBOM lists, the components inside of components too; the subject itself is not one of them.

    Raises BadSbomError or BadJsonError.
    """
    value = strict_json.loads(data, what=what, limit=SBOM)
    if not isinstance(value, dict) or value.get("bomFormat") != "CycloneDX":
        message = f'{what} is no SBOM in CycloneDX JSON (it has no "bomFormat": "CycloneDX")'
        raise BadSbomError(message)
    try:
        containers = {entry["ref"] for entry in value.get("dependencies", []) if entry.get("dependsOn")}
        components = [
            _listed(entry)
            for entry in _flat(value.get("components", []))
            # Cloche's prefixes hold nothing but the packages that they depend on, which are listed themselves.
            if not (
                entry.get("type") == "platform"
                and not entry.get("purl")
                and not entry.get("licenses")
                and entry.get("bom-ref") in containers
            )
        ]
        serial, version = str(value.get("serialNumber") or "") or None, int(value.get("version", 1))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        message = f"{what} is not as CycloneDX says: {type(error).__name__} {error}"
        raise BadSbomError(message) from error
    if not components:
        message = f"{what} lists no component, so there is nothing to audit"
        raise BadSbomError(message)
    return Sbom(serial, version, tuple(sorted(components, key=lambda one: one.ref)))


def _flat(entries: list[dict[str, Any]], depth: int = 0) -> list[dict[str, Any]]:
    if depth > _MOST_NESTED:
        message = f"components nested more than {_MOST_NESTED} levels deep"
        raise ValueError(message)
    return [found for entry in entries for found in (entry, *_flat(entry.get("components", []), depth + 1))]


def _listed(entry: dict[str, Any]) -> Listed:
    name, version = str(entry["name"]), str(entry.get("version", ""))
    purl = PackageURL.from_string(entry["purl"]) if entry.get("purl") else None
    properties = {found["name"]: found.get("value", "") for found in entry.get("properties", [])}
    ecosystem, package, audited = None, name, version
    if purl is None and "cloche:revision" in properties and properties.get("cloche:file", "").endswith(".whl"):
        # The project itself: whether or not it is published, advisories would know it by this name.
        ecosystem, package = "PyPI", normalised(name)
    elif purl is not None and purl.type == "pypi":
        ecosystem, package, audited = "PyPI", normalised(purl.name), purl.version or version
    elif purl is not None and purl.type == "deb" and purl.namespace == "debian":
        release = dict(purl.qualifiers).get("distro", "").removeprefix("debian-")
        source, source_version = properties.get("cloche:source"), properties.get("cloche:source-version")
        if release and source and source_version:
            ecosystem, package, audited = f"Debian:{release}", source, source_version
    return Listed(
        ref=str(entry.get("bom-ref") or entry.get("purl") or f"{name}@{version}"),
        name=name,
        version=version,
        purl=entry.get("purl"),
        ecosystem=ecosystem,
        package=package,
        audited_version=audited,
        license=_license(entry.get("licenses", [])),
    )


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
