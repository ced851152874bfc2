"""Where evidence is found: files and folders that are named, or what is attached to an image."""

from collections.abc import Sequence
from pathlib import Path

from cloche import regular_file, strict_json
from cloche.artifact import Artifact
from cloche.image.descriptor import Descriptor
from cloche.limits import BUNDLE, MANIFEST
from cloche.regular_file import IrregularFileError, OversizedFileError
from cloche.verify import envelope
from cloche.verify.envelope import Evidence
from cloche.verify.outcome import Refusal, Refused, Report

# All versions of the bundle: "...bundle.v0.3+json", "...bundle+json;version=0.3".
_BUNDLE = "application/vnd.dev.sigstore.bundle"
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
        return regular_file.read(path, BUNDLE)
    except OSError as error:
        raise Refused(refusal_of(error), f"{path} can't be read: {error.strerror}") from error


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
    if len(referrers) > _MOST_FILES:
        raise Refused(
            Refusal.MALFORMED, f"{len(referrers)} artifacts are attached, where at most {_MOST_FILES} are read"
        )
    found = []
    for referrer in referrers:
        what = f"the artifact {referrer.digest}"
        manifest = strict_json.loads(shelf.manifest(referrer.digest), what=what, limit=MANIFEST)
        bundles = [layer.digest for layer in _layers(manifest, what) if layer.media_type.startswith(_BUNDLE)]
        found += [(f"attached {digest[7:19]}", shelf.blob(digest)) for digest in bundles]
    return found


def _layers(manifest: object, what: str) -> list[Descriptor]:
    layers = manifest.get("layers") if isinstance(manifest, dict) else None
    try:
        return [Descriptor.from_json(item) for item in layers] if isinstance(layers, list) else []
    except (TypeError, ValueError) as error:
        raise Refused(Refusal.MALFORMED, f"{what}: {error}") from error
