"""Where evidence is found: files and folders that are named, or what is attached to an image."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from cloche.artifact import Artifact
from cloche.limits import BUNDLE
from cloche.verify import envelope
from cloche.verify.envelope import Evidence
from cloche.verify.outcome import Refusal, Refused, Report

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_MOST_FILES = 1000


def gather(bundles: Sequence[Path], attached: Sequence[tuple[str, bytes]], report: Report) -> list[Evidence]:
    """Return all documents that could be read; what could not is refused in the report."""
    found: list[tuple[str, bytes]] = list(attached)
    for path in bundles:
        try:
            found += _files(path)
        except Refused as refused:
            report.refuse(f"evidence {path}", refused.refusal, refused.reason)
    documents = []
    for name, data in found:
        try:
            documents.append(envelope.read(data, name))
        except Refused as refused:
            report.refuse(f"evidence {name}", refused.refusal, refused.reason)
    if not found and not bundles:
        reason = "no evidence was given (--bundle FILE or FOLDER) and none is attached to the artifact"
        report.refuse("evidence", Refusal.MISSING_SIGNATURE, reason)
    return documents


def _files(path: Path) -> list[tuple[str, bytes]]:
    if not path.is_dir():
        return [(path.name, _read(path))]
    entries = sorted(path.iterdir())
    if not entries:
        raise Refused(Refusal.MISSING_SIGNATURE, "the folder is empty")
    if len(entries) > _MOST_FILES:
        raise Refused(Refusal.MALFORMED, f"the folder has {len(entries)} files, where at most {_MOST_FILES} are read")
    for entry in entries:
        if entry.suffix != ".json" or not entry.is_file():
            raise Refused(
                Refusal.MALFORMED, f"{entry.name} is no evidence; a folder of evidence holds nothing but *.json files"
            )
    return [(entry.name, _read(entry)) for entry in entries]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(BUNDLE.bytes + 1)
    except OSError as error:
        raise Refused(Refusal.MISSING, f"{path} can't be read: {error.strerror}") from error
    if len(data) > BUNDLE.bytes:
        raise Refused(Refusal.MALFORMED, f"{path} has more than {BUNDLE.bytes} bytes")
    return data


def attached(reference: str, artifact: Artifact, *, insecure: bool) -> list[tuple[str, bytes]]:
    """Return the bundles that a registry holds for an image."""
    # The client is loaded for images in registries only.
    registry = importlib.import_module("cloche.image.registry")
    client = registry.Registry(registry.Reference.parse(reference), insecure=insecure)
    found = []
    for descriptor in client.referrers(f"sha256:{artifact.sha256}", BUNDLE_TYPE):
        found += [(f"{descriptor.digest[:19]}", data) for data in client.attached(descriptor)]
    return found
