"""Write the SBOM of a closure in both formats; runs inside a derivation."""

import hashlib
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloche.sbom import closure, cyclonedx, inventory, spdx

# What the serial numbers of Cloche's SBOMs are derived in.
NAMESPACE = "https://cloche.example/sbom/v1"


def subject_digest(attributes: dict[str, Any], paths: dict[str, closure.StorePath]) -> str:
    """Return the sha256 that names the subject: an image's manifest, or the NAR of the one root."""
    if attributes["image"]:
        text = (Path(attributes["image"]) / "digest").read_text().strip()
        return text.removeprefix("sha256:")
    (root,) = attributes["roots"]
    return paths[root].nar_sha256


def serial_number(kind: str, scope: str, digest: str) -> uuid.UUID:
    """Return the serial number of the SBOM of a subject: a name-based UUID (RFC 9562, version 5)."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{NAMESPACE}/{scope}/{kind}/sha256/{digest}")


def project_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return what read_project wants: file and sha256 of the wheel, and the revision."""
    (wheel,) = Path(attributes["wheel"]).glob("*.whl")
    return {
        "file": wheel.name,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "revision": attributes["revision"],
    }


def main(attributes: dict[str, Any]) -> None:
    """Write sbom.cdx.json and sbom.spdx.json into attributes["outputs"]["out"]."""
    paths = closure.read(attributes["closure"])
    digest = subject_digest(attributes, paths)
    kind = {"image": "container"}.get(attributes["kind"], "application")
    subject = inventory.Component(ref="subject", kind=kind, name=attributes["subject"], version=attributes["version"])
    try:
        evidence = inventory.Evidence(paths, attributes["known"], project_of(attributes), attributes["loader"])
        taken = inventory.take(subject, digest, evidence)
    except inventory.InventoryError as error:
        sys.exit(str(error))
    serial = serial_number(attributes["kind"], taken.scope, digest)
    created = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC).replace(tzinfo=None)
    own = attributes["clocheVersion"]
    out = Path(attributes["outputs"]["out"])
    out.mkdir()
    (out / "sbom.cdx.json").write_text(cyclonedx.dumps(taken, serial, own), encoding="utf-8")
    namespace = f"{NAMESPACE}/spdx/{attributes['subject']}-{serial}"
    (out / "sbom.spdx.json").write_text(spdx.dumps(taken, namespace, created, own), encoding="utf-8")
