"""Where evidence is found: files and folders that are named, or what is attached to an image.

All of it is held in memory, so it is bounded in its sum too, and what is named twice is read once.
"""

from collections.abc import Sequence
from pathlib import Path

from cloche.attest import envelope
from cloche.attest.artifact import Artifact
from cloche.attest.envelope import Evidence
from cloche.attest.outcome import Refusal, Refused, Report
from cloche.errors import MISSHAPEN
from cloche.image.descriptor import Descriptor
from cloche.image.layout import document
from cloche.untrusted import regular_file
from cloche.untrusted.limits import BUNDLE, EVIDENCE
from cloche.untrusted.regular_file import IrregularFileError, OversizedFileError

# All versions of the bundle: "...bundle.v0.3+json", "...bundle+json;version=0.3".
_BUNDLE = "application/vnd.dev.sigstore.bundle"


class _Sum:
    """How many bytes of evidence were read."""

    def __init__(self) -> None:
        self.size = 0

    def add(self, size: int) -> None:
        """Count bytes; raises Refused (MALFORMED) for more than are read."""
        self.size += size
        if self.size > EVIDENCE.bytes:
            raise Refused(
                Refusal.MALFORMED, f"all evidence together has more than {EVIDENCE.bytes} bytes, and no more are read"
            )


def gather(bundles: Sequence[Path], attached: Sequence[tuple[str, bytes]], report: Report) -> list[Evidence]:
    """Return all documents that could be read; what could not is refused in the report."""
    found: list[tuple[str, bytes]] = list(attached)
    total = _Sum()
    for path in bundles:
        try:
            found += _files(path, total)
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


def _files(path: Path, total: _Sum) -> list[tuple[str, bytes]]:
    try:
        if not path.is_dir():
            return [(path.name, _read(path, total))]
        entries = sorted(path.iterdir())
    except OSError as error:
        raise Refused(Refusal.MISSING, f"{error.filename} can't be read: {error.strerror}") from error
    if not entries:
        raise Refused(Refusal.MISSING_SIGNATURE, "the folder is empty")
    if len(entries) > EVIDENCE.members:
        raise Refused(
            Refusal.MALFORMED, f"the folder has {len(entries)} files, where at most {EVIDENCE.members} are read"
        )
    for entry in entries:
        if entry.suffix != ".json" or not entry.is_file():
            raise Refused(
                Refusal.MALFORMED, f"{entry.name} is no evidence; a folder of evidence holds nothing but *.json files"
            )
    return [(entry.name, _read(entry, total)) for entry in entries]


def _read(path: Path, total: _Sum) -> bytes:
    try:
        data = regular_file.read(path, BUNDLE)
    except OSError as error:
        raise Refused(refusal_of(error), f"{path} can't be read: {error.strerror}") from error
    total.add(len(data))
    return data


def refusal_of(error: OSError) -> Refusal:
    """Return the class of a file that can't be read: what is no regular file, or too large, is not merely missing."""
    strange = isinstance(error, IrregularFileError | OversizedFileError)
    return Refusal.MALFORMED if strange else Refusal.MISSING


def attached(artifact: Artifact) -> list[tuple[str, bytes]]:
    """Return the bundles that a registry or layout holds for an image. Raises ClocheError, Refused.

    What is a bundle is told by the media type of the blob: the type in the index of referrers is wrong in what cosign
    2.5 writes. SBOMs and statements that are attached without a signature are no evidence.
    """
    shelf = artifact.shelf
    if shelf is None:
        return []
    referrers = shelf.referrers(f"sha256:{artifact.sha256}")
    if len(referrers) > EVIDENCE.members:
        raise Refused(
            Refusal.MALFORMED, f"{len(referrers)} artifacts are attached, where at most {EVIDENCE.members} are read"
        )
    found: dict[str, bytes] = {}
    total = _Sum()
    for referrer in referrers:
        what = f"the artifact {referrer.digest}"
        data = shelf.manifest(referrer.digest)
        total.add(len(data))
        for layer in _layers(document(data, what), what):
            if layer.media_type.startswith(_BUNDLE) and layer.digest not in found:
                # What it says is refused before anything is fetched; how much comes is looked at all the same.
                total.add(layer.size)
                blob = shelf.blob(layer.digest, BUNDLE._replace(bytes=min(layer.size, BUNDLE.bytes)))
                if len(blob) != layer.size:
                    raise Refused(
                        Refusal.MALFORMED,
                        f"{what} says that {layer.digest} has {layer.size} bytes, and it has {len(blob)}",
                    )
                found[layer.digest] = blob
    return [(f"attached {digest[7:19]}", data) for digest, data in found.items()]


def _layers(manifest: object, what: str) -> list[Descriptor]:
    layers = manifest.get("layers") if isinstance(manifest, dict) else None
    try:
        return [Descriptor.from_json(item) for item in layers] if isinstance(layers, list) else []
    except MISSHAPEN as error:
        raise Refused(Refusal.MALFORMED, f"{what}: {error}") from error
