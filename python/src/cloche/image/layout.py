"""A folder by the OCI image layout (OCI image specification 1.1, image-layout.md): blobs by digest, and an index."""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cloche.errors import MISSHAPEN
from cloche.image.descriptor import DIGEST, EMPTY, Descriptor, artifact
from cloche.image.errors import BadIndexError, NotFoundError, TooLargeError, WrongBytesError
from cloche.image.manifest import INDEX_TYPE, MANIFEST_TYPE, digest_of, dumps
from cloche.image.read import Image, Stream
from cloche.store import write
from cloche.untrusted import regular_file, shapes, spelling, strict_json
from cloche.untrusted.limits import MANIFEST, STATEMENT, Limit
from cloche.untrusted.regular_file import OversizedFileError, open_regular

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
NAME = "org.opencontainers.image.ref.name"


class Layout:
    """An OCI layout; what a registry has, in a folder. All bytes read are compared with their digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def manifest(self, digest: str) -> bytes:
        """Return a manifest to the byte."""
        return self._read(digest, MANIFEST)

    def blob(self, digest: str, limit: Limit = STATEMENT) -> bytes:
        """Return a blob that fits into memory: evidence, a configuration."""
        return self._read(digest, limit)

    def stream(self, digest: str) -> Iterator[bytes]:
        """Yield a blob of any size; raises WrongBytesError at its end if it is another one."""
        found = hashlib.sha256()
        with open_regular(self._path(digest)) as file:
            while block := file.read(1 << 20):
                found.update(block)
                yield block
        if f"sha256:{found.hexdigest()}" != digest:
            raise WrongBytesError(str(self.folder), digest, f"sha256:{found.hexdigest()}")

    def resolve(self, tag: str) -> Descriptor:
        """Return the descriptor of the manifest with this tag."""
        for descriptor in self._index():
            if descriptor.annotations.get(NAME) == tag:
                return Descriptor(descriptor.media_type, descriptor.digest, descriptor.size)
        raise NotFoundError(f"the tag {tag}", str(self.folder))

    def referrers(self, digest: str, artifact_type: str | None = None) -> list[Descriptor]:
        """Return what refers to the manifest of this digest, of one type or of any, sorted by digest."""
        found = []
        for descriptor in self._index():
            if descriptor.media_type != MANIFEST_TYPE:
                continue
            data = self.manifest(descriptor.digest)
            subject, entry = referrer(data, MANIFEST_TYPE, f"{descriptor.digest} in {self.folder}")
            if subject == digest and artifact_type in (None, entry.artifact_type):
                found.append(entry)
        return sorted(found, key=lambda descriptor: descriptor.digest)

    def write(self, image: Image, tag: str) -> list[str]:
        """Write an image under a tag; return the names of the layers that were not there."""
        self._start()
        new = []
        # What lies there under the name of a layer may be another one, which no later reader would take.
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            there = [pool.submit(holds, self._path(layer.digest), layer.digest, layer.size) for layer in image.layers]
        for layer, whole in zip(image.layers, there, strict=True):
            if not whole.result():
                write.file(self._path(layer.digest), Stream(layer))
                new.append(layer.name)
        for data in (image.config, image.manifest):
            self._put(data)
        self._name(Descriptor(MANIFEST_TYPE, image.digest, len(image.manifest), annotations={NAME: tag}))
        return new

    def attach(
        self,
        subject: Descriptor,
        artifact_type: str,
        data: bytes,
        media_type: str,
        annotations: Mapping[str, str] | None = None,
    ) -> Descriptor:
        """Add evidence about `subject` and return the descriptor of its manifest."""
        self._start()
        manifest = artifact(subject, artifact_type, data, media_type, annotations or {})
        for blob in (EMPTY, data, manifest):
            self._put(blob)
        descriptor = Descriptor(MANIFEST_TYPE, digest_of(manifest), len(manifest), artifact_type, annotations or {})
        self._name(descriptor)
        return descriptor

    def _path(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise NotFoundError(f"{digest!r}, which is no sha256 digest,", str(self.folder))
        return self.folder / "blobs/sha256" / digest.removeprefix("sha256:")

    def _read(self, digest: str, limit: Limit) -> bytes:
        try:
            data = regular_file.read(self._path(digest), limit)
        except OversizedFileError as error:
            raise TooLargeError(f"{digest} in {self.folder}", limit.bytes) from error
        except OSError as error:
            raise NotFoundError(digest, str(self.folder)) from error
        if digest_of(data) != digest:
            raise WrongBytesError(str(self.folder), digest, digest_of(data))
        return data

    def _start(self) -> None:
        blobs = self.folder / "blobs/sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder, blobs):
            write.remove_stale(folder)
        if not (self.folder / "oci-layout").exists():
            write.file(self.folder / "oci-layout", LAYOUT)

    def _put(self, data: bytes) -> None:
        digest = digest_of(data)
        if not holds(self._path(digest), digest, len(data)):
            write.file(self._path(digest), data)

    def _index(self) -> list[Descriptor]:
        data = self._index_text()
        return [] if data is None else descriptors(data, str(self.folder / "index.json"))

    def _index_text(self) -> bytes | None:
        path = self.folder / "index.json"
        if not path.exists():
            return None
        try:
            return regular_file.read(path, MANIFEST)
        except OversizedFileError as error:
            raise TooLargeError(str(path), MANIFEST.bytes) from error

    def _name(self, descriptor: Descriptor) -> None:
        """Put a descriptor into the index, in place of what had its name; writers wait for each other."""
        with locked(self.folder):
            tag = descriptor.annotations.get(NAME)
            kept = [
                other
                for other in self._index()
                if other != descriptor and (tag is None or other.annotations.get(NAME) != tag)
            ]
            write.file(self.folder / "index.json", index([*kept, descriptor], self._index_text()))


def document(data: bytes, what: str) -> Any:  # noqa: ANN401 - JSON is of any shape
    """Return the value of a manifest or index; raises BadJsonError, also for names that Go's readers take for others."""
    value = strict_json.loads(data, what=what, limit=MANIFEST)
    spelling.check(value, shapes.OCI, what=what)
    return value


def descriptors(data: bytes, what: str) -> list[Descriptor]:
    """Return the descriptors of an index; raises BadJsonError and BadIndexError."""
    value = document(data, what)
    try:
        listed: list[Any] = value["manifests"]
        return [Descriptor.from_json(entry) for entry in listed]
    except MISSHAPEN as error:
        raise BadIndexError(what) from error


def referrer(data: bytes, media_type: str, what: str) -> tuple[str | None, Descriptor]:
    """Return the digest of the manifest that an artifact's manifest refers to, and the descriptor of the artifact.

    Raises BadJsonError and BadIndexError.
    """
    value = document(data, what)
    try:
        subject = value.get("subject")
        digest = None if subject is None else Descriptor.from_json(subject).digest
        # An artifact of which only the configuration tells what it is (image specification, "artifactType").
        kind = value.get("artifactType") or value["config"]["mediaType"]
        listed = {"mediaType": media_type, "digest": digest_of(data), "size": len(data), "artifactType": kind}
        return digest, Descriptor.from_json({**listed, "annotations": value.get("annotations")})
    except MISSHAPEN as error:
        raise BadIndexError(what) from error


def index(listed: Iterable[Descriptor], before: bytes | None = None) -> bytes:
    """Return an image index, with what the index `before` said besides its manifests."""
    manifests = [descriptor.as_json() for descriptor in listed]
    what = "the index before"
    said = {} if before is None else document(before, what)
    if not isinstance(said, dict):
        raise BadIndexError(what)
    return dumps({**said, "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests})


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system takes it back from a process that dies."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def holds(path: Path, digest: str, size: int) -> bool:
    """Return whether there is a file with these bytes."""
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size != size:
                return False
            found = hashlib.sha256()
            while block := file.read(1 << 20):
                found.update(block)
    except OSError:
        return False
    return f"sha256:{found.hexdigest()}" == digest
