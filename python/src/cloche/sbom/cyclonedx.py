"""An inventory as CycloneDX 1.6 JSON (https://cyclonedx.org/docs/1.6/json/), by the library cyclonedx-python-lib.

The same inventory has the same bytes: no time, no random serial number, everything sorted.
"""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as CdxComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import LicenseAcknowledgement, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from cloche.sbom.inventory import PREFIX, Component, Inventory


def dumps(inventory: Inventory, serial: UUID, version: str) -> str:
    """Return the SBOM of an inventory; `version` is Cloche's own."""
    bom = Bom(serial_number=serial, version=1)
    # The setter's type says otherwise, but None is how the library is told to write no time.
    bom.metadata.timestamp = None  # type: ignore[assignment]
    tool = CdxComponent(type=ComponentType.APPLICATION, name="cloche", version=version, bom_ref="tool:cloche")
    bom.metadata.tools = ToolRepository(components=[tool])
    bom.metadata.properties.add(Property(name=f"{PREFIX}scope", value=inventory.scope))
    components = {ref: _component(component, inventory) for ref, component in inventory.components.items()}
    subject = _component(inventory.subject, inventory)
    subject.properties.add(Property(name=f"{PREFIX}subject-sha256", value=inventory.digest))
    bom.metadata.component = subject
    bom.components.update(components.values())
    everything = components | {inventory.subject.ref: subject}
    for ref, needed in inventory.edges.items():
        bom.dependencies.add(
            Dependency(everything[ref].bom_ref, [Dependency(everything[other].bom_ref) for other in needed])
        )
    data: Any = json.loads(JsonV1Dot6(bom).output_as_string())
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _component(component: Component, inventory: Inventory) -> CdxComponent:
    licenses = []
    if component.license:
        licenses.append(LicenseExpression(component.license, acknowledgement=LicenseAcknowledgement.DECLARED))
    return CdxComponent(
        type=ComponentType(component.kind),
        name=component.name,
        version=component.version,
        bom_ref=component.ref,
        purl=PackageURL.from_string(component.purl) if component.purl else None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=component.sha256)] if component.sha256 else None,
        licenses=licenses,
        properties=_properties(component, inventory),
    )


def _properties(component: Component, inventory: Inventory) -> Iterable[Property]:
    for name, value in component.properties:
        # A property without a value is one that is not known, such as the revision of a dirty tree.
        yield Property(name=name, value=value or None)
    if component.file:
        yield Property(name=f"{PREFIX}file", value=component.file)
    for path in component.paths:
        yield Property(name=f"{PREFIX}store-path", value=path)
        yield Property(name=f"{PREFIX}nar-sha256", value=f"{inventory.nar[path]}  {path}")
    for path in component.prefixes:
        yield Property(name=f"{PREFIX}prefix", value=path)
