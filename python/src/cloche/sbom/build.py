"""Write the SBOM of a closure in both formats; runs inside a derivation."""

import gc
import hashlib
import os
import sys
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from cloche.sbom import build_closure, closure, inventory

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
    """Return what read_project wants: file and sha256 of the wheel (None without one), and the revision."""
    if attributes["wheel"] is None:
        return {"file": None, "sha256": None, "revision": attributes["revision"]}
    (wheel,) = Path(attributes["wheel"]).glob("*.whl")
    return {
        "file": wheel.name,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "revision": attributes["revision"],
    }


def main(attributes: dict[str, Any]) -> None:
    """Write sbom.cdx.json and sbom.spdx.json into attributes["outputs"]["out"]."""
    # The collector finds nothing that one short process needs back.
    gc.disable()
    paths = closure.read(attributes["closure"])
    digest = subject_digest(attributes, paths)
    kind = {"image": "container"}.get(attributes["kind"], "application")
    subject = inventory.Component(ref="subject", kind=kind, name=attributes["subject"], version=attributes["version"])
    try:
        evidence = inventory.Evidence(paths, attributes["known"], project_of(attributes), attributes["loader"])
        if attributes["scope"] == "build":
            taken = build_closure.take(subject, digest, evidence, attributes["locked"])
        else:
            taken = inventory.take(subject, digest, evidence)
    except inventory.InventoryError as error:
        sys.exit(str(error))
    serial = serial_number(attributes["kind"], taken.scope, digest)
    out = Path(attributes["outputs"]["out"])
    out.mkdir()
    # Most of the time is spent importing the two libraries, so each is imported by a process of its own.
    other = os.fork()
    if other == 0:
        _in_child(lambda: write_spdx(out, taken, serial, attributes))
    write_cyclonedx(out, taken, serial, attributes)
    _, status = os.waitpid(other, 0)
    if status:
        sys.exit("sbom.spdx.json could not be written; the reason is above")


def write_cyclonedx(out: Path, taken: inventory.Inventory, serial: uuid.UUID, attributes: dict[str, Any]) -> None:
    """Write sbom.cdx.json."""
    from cloche.sbom import cyclonedx  # noqa: PLC0415 - in the process that uses it

    text = cyclonedx.dumps(taken, serial, attributes["clocheVersion"])
    (out / "sbom.cdx.json").write_text(text, encoding="utf-8")


def write_spdx(out: Path, taken: inventory.Inventory, serial: uuid.UUID, attributes: dict[str, Any]) -> None:
    """Write sbom.spdx.json."""
    from cloche.sbom import spdx  # noqa: PLC0415 - in the process that uses it

    created = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC).replace(tzinfo=None)
    namespace = f"{NAMESPACE}/spdx/{attributes['subject']}-{serial}"
    text = spdx.dumps(taken, namespace, created, attributes["clocheVersion"])
    (out / "sbom.spdx.json").write_text(text, encoding="utf-8")


def _in_child(work: Callable[[], None]) -> NoReturn:
    """Do the work and end the process, whatever happens; what was raised goes to standard error."""
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may get past the end of a forked process
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
