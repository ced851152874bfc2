"""An image's configuration and manifest, by the OCI image specification 1.1; standard library only."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cloche.image.layer import MEDIA_TYPE, Layer

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
# What the specification calls the systems that Nix names otherwise (Go's GOARCH).
ARCHITECTURES = {"x86_64-linux": "amd64", "aarch64-linux": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a container of the image is started with, and what is told about the image."""

    architecture: str
    # Seconds since the epoch.
    created: int
    user: str
    entrypoint: list[str]
    command: list[str]
    environment: dict[str, str]
    working_directory: str
    ports: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


def dumps(value: Any) -> bytes:  # noqa: ANN401 - JSON is of any shape
    """Return JSON that is the same for the same value: names sorted, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(data: bytes) -> str:
    """Return the digest by which a registry knows these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def config(settings: Settings, layers: list[Layer]) -> bytes:
    """Return the image configuration."""
    created = datetime.fromtimestamp(settings.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    started: dict[str, Any] = {
        "User": settings.user,
        "Env": [f"{name}={value}" for name, value in sorted(settings.environment.items())],
        "Entrypoint": settings.entrypoint,
        "Cmd": settings.command,
        "WorkingDir": settings.working_directory,
        "ExposedPorts": {port: {} for port in settings.ports},
        "Volumes": {volume: {} for volume in settings.volumes},
        "Labels": settings.labels,
    }
    return dumps(
        {
            "architecture": settings.architecture,
            "os": "linux",
            "created": created,
            "config": {name: value for name, value in started.items() if value},
            # Layers are not compressed, so that what identifies the content is what is sent.
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "history": [{"created": created, "created_by": f"cloche: {layer.name}"} for layer in layers],
        }
    )


def manifest(configuration: bytes, layers: list[Layer], annotations: dict[str, str]) -> bytes:
    """Return the image manifest."""
    value: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "digest": digest_of(configuration), "size": len(configuration)},
        "layers": [{"mediaType": MEDIA_TYPE, "digest": layer.digest, "size": layer.size} for layer in layers],
    }
    if annotations:
        value["annotations"] = annotations
    return dumps(value)
