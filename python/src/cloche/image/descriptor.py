"""Descriptors: how manifests and indexes name what they refer to (OCI image specification 1.1, descriptor.md)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloche.image.errors import BadReferenceError
from cloche.image.manifest import MANIFEST_TYPE, digest_of, dumps

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"
_OWN = frozenset({"mediaType", "digest", "size", "artifactType", "annotations"})


@dataclass(frozen=True)
class Descriptor:
    """What something is, its digest and its size in bytes; for a referrer also what kind of evidence it is."""

    media_type: str
    digest: str
    size: int
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    # What others wrote besides, such as a platform; kept when an index of theirs is written again.
    others: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the descriptor as manifests have it."""
        value: dict[str, Any] = {
            **self.others,
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.artifact_type:
            value["artifactType"] = self.artifact_type
        if self.annotations:
            value["annotations"] = dict(self.annotations)
        return value

    @classmethod
    def from_json(cls, value: Any) -> "Descriptor":  # noqa: ANN401 - from a stranger
        """Return the descriptor; raises ValueError or TypeError for what is none."""
        fault = "a descriptor is not as the OCI image specification has it"
        if not isinstance(value, dict):
            raise TypeError(fault)
        kind, digest, size = value.get("mediaType"), value.get("digest"), value.get("size")
        kind_of_artifact, annotations = value.get("artifactType"), value.get("annotations") or {}
        if not isinstance(kind, str) or not isinstance(digest, str) or not DIGEST.fullmatch(digest):
            raise ValueError(fault)
        if type(size) is not int or size < 0 or not isinstance(kind_of_artifact, str | None):
            raise ValueError(fault)
        others = {name: entry for name, entry in value.items() if name not in _OWN}
        return cls(kind, digest, size, kind_of_artifact, texts(annotations, fault), others)


def texts(value: Any, fault: str) -> dict[str, str]:  # noqa: ANN401 - from a stranger
    """Return a mapping of texts to texts, such as annotations are; raises ValueError for any other value."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in (*value, *value.values())):
        raise ValueError(fault)
    return value


def artifact(
    subject: Descriptor, artifact_type: str, data: bytes, media_type: str, annotations: Mapping[str, str]
) -> bytes:
    """Return the manifest of an artifact that refers to `subject` and has `data` as its one blob."""
    value: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": artifact_type,
        "config": {"mediaType": EMPTY_TYPE, "digest": digest_of(EMPTY), "size": len(EMPTY)},
        "layers": [{"mediaType": media_type, "digest": digest_of(data), "size": len(data)}],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
    }
    if annotations:
        value["annotations"] = dict(annotations)
    return dumps(value)


@dataclass(frozen=True)
class Reference:
    """Where an image is: HOST[:PORT]/NAME, and which one, by tag, by digest, or by both."""

    host: str
    name: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Return the reference that a text writes; raises BadReferenceError. No registry is guessed."""
        rest, at, digest = text.partition("@")
        host, slash, name = rest.partition("/")
        name, colon, tag = name.partition(":")
        if not slash or not re.fullmatch(
            r"(localhost|[A-Za-z0-9.-]+\.[A-Za-z0-9-]+|[A-Za-z0-9.-]+(?=:)|\[[0-9a-f:]+\])(:\d+)?", host
        ):
            raise BadReferenceError(text, "it names no registry (a host with a dot or a port)")
        if not re.fullmatch(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*", name):
            raise BadReferenceError(text, f"{name!r} is no name of a repository")
        if colon and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", tag):
            raise BadReferenceError(text, f"{tag!r} is no tag")
        if at and not DIGEST.fullmatch(digest):
            raise BadReferenceError(text, f"{digest!r} is no sha256 digest")
        return cls(host, name, tag or None, digest or None)

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.host}/{self.name}{tag}{digest}"
