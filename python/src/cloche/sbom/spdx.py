"""An inventory as SPDX 2.3 JSON (https://spdx.github.io/spdx-spec/v2.3/), by the library spdx-tools.

Validation is the check's affair: here only what the library needs to write is imported.
"""

import hashlib
import json
import re
from datetime import datetime

from boolean.boolean import Expression
from license_expression import ExpressionError
from spdx_tools.common.spdx_licensing import spdx_licensing
from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    Package,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)

from cloche.sbom.inventory import PREFIX, Component, Inventory

_PURPOSES = {
    "application": PackagePurpose.APPLICATION,
    "container": PackagePurpose.CONTAINER,
    "file": PackagePurpose.FILE,
    "library": PackagePurpose.LIBRARY,
    "platform": PackagePurpose.OPERATING_SYSTEM,
}


def dumps(inventory: Inventory, namespace: str, created: datetime, version: str) -> str:
    """Return the SBOM of an inventory; `namespace` names the document, `version` is Cloche's own."""
    document = Document(
        CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id="SPDXRef-DOCUMENT",
            name=inventory.subject.name,
            document_namespace=namespace,
            creators=[Actor(ActorType.TOOL, f"cloche-{version}")],
            created=created,
        )
    )
    document.packages = [
        _package(component, inventory)
        for component in sorted(
            [inventory.subject, *inventory.components.values()], key=lambda component: component.ref
        )
    ]
    document.relationships = [
        Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, identifier(inventory.subject.ref)),
        *(
            Relationship(identifier(ref), RelationshipType.DEPENDS_ON, identifier(other))
            for ref in sorted(inventory.edges)
            for other in sorted(inventory.edges[ref])
        ),
    ]
    data = DocumentConverter().convert(document)
    for package in data["packages"]:
        for reference in package.get("externalRefs", []):
            # The library writes its own name of the category; by the schema of SPDX 2.3 that is none.
            reference["referenceCategory"] = reference["referenceCategory"].replace("_", "-")
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def identifier(ref: str) -> str:
    """Return a ref as an SPDX identifier: letters, digits, dots and hyphens, with a digest where that loses something."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", ref)
    return f"SPDXRef-{plain}" if plain == ref else f"SPDXRef-{plain}-{hashlib.sha256(ref.encode()).hexdigest()[:8]}"


def _package(component: Component, inventory: Inventory) -> Package:
    properties = sorted(component.properties)
    values = dict(properties)
    source = values.get(f"{PREFIX}source")
    notes = [f"{name}={value}" for name, value in properties]
    notes += [f"{PREFIX}store-path={path}" for path in sorted(component.paths)]
    notes += [f"{PREFIX}nar-sha256={inventory.nar[path]}  {path}" for path in sorted(component.paths)]
    notes += [f"{PREFIX}prefix={path}" for path in sorted(component.prefixes)]
    if component is inventory.subject:
        notes.append(f"{PREFIX}subject-sha256={inventory.digest}")
    licence, licence_comment = _license(component.license)
    return Package(
        spdx_id=identifier(component.ref),
        name=component.name,
        version=component.version,
        file_name=component.file,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, component.sha256)] if component.sha256 else [],
        license_concluded=SpdxNoAssertion(),
        license_declared=licence,
        license_comment=licence_comment,
        copyright_text=SpdxNoAssertion(),
        source_info=f"source package {source} {values.get(f'{PREFIX}source-version', '')}".rstrip() if source else None,
        comment="\n".join(notes) or None,
        primary_package_purpose=_PURPOSES[component.kind],
        external_references=[ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", component.purl)]
        if component.purl
        else [],
    )


def _license(expression: str | None) -> tuple[Expression | SpdxNoAssertion, str | None]:
    """Return the declared licence, and a comment where the text is no expression of SPDX's list."""
    if expression is None:
        return SpdxNoAssertion(), None
    try:
        return spdx_licensing.parse(expression, validate=True, strict=True), None
    except ExpressionError:
        return SpdxNoAssertion(), f"declared as: {expression}"
