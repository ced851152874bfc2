"""An image as `packages.image` made it: the files that say what it is."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cloche.errors import MISSHAPEN, ClocheError, ExitCode
from cloche.image.errors import bad_image
from cloche.image.layer import END, Layer, blocks
from cloche.image.manifest import CONFIG_TYPE, MANIFEST_TYPE, digest_of
from cloche.untrusted import regular_file, strict_json
from cloche.untrusted.limits import MANIFEST

VERSION = 1


@dataclass(frozen=True)
class Image:
    """Manifest and configuration to the byte, and how each layer is made."""

    folder: Path
    name: str
    tag: str
    manifest: bytes
    config: bytes
    layers: tuple[Layer, ...]

    @property
    def digest(self) -> str:
        """The digest of the manifest, which is the image's."""
        return digest_of(self.manifest)


def read(folder: Path) -> Image:
    """Return the image in a folder; raises ClocheError where its files are missing or contradict each other."""
    try:
        manifest, config = (regular_file.read(folder / name, MANIFEST) for name in ("manifest.json", "config.json"))
        described = strict_json.load(folder / "layers.json", limit=MANIFEST)
        digest = regular_file.read(folder / "digest", MANIFEST).decode().strip()
        document = strict_json.loads(manifest, what="manifest.json", limit=MANIFEST)
        if described["version"] != VERSION:
            raise bad_image(folder, f"layers.json has version {described['version']}, this Cloche reads {VERSION}")
        layers = tuple(Layer.from_json(layer) for layer in described["layers"])
        image = Image(folder, described["name"], described["tag"], manifest, config, layers)
        named = [(layer["digest"], layer["size"]) for layer in document["layers"]]
        configured = strict_json.loads(config, what="config.json", limit=MANIFEST)["rootfs"]["diff_ids"]
        config_digest = (document["config"]["mediaType"], document["config"]["digest"])
        kind = document["mediaType"]
    except (OSError, strict_json.BadJsonError, *MISSHAPEN) as error:
        raise bad_image(folder, str(error)) from error
    made = [(layer.digest, layer.size) for layer in layers]
    if digest != image.digest:
        raise bad_image(folder, f"its digest says {digest}, but manifest.json has {image.digest}")
    if kind != MANIFEST_TYPE or config_digest != (CONFIG_TYPE, digest_of(config)):
        raise bad_image(folder, "manifest.json names another configuration than config.json")
    if named != made or configured != [layer.digest for layer in layers]:
        raise bad_image(folder, "manifest.json, config.json and layers.json name different layers")
    return image


class Stream:
    """A layer as an HTTP body or the contents of a file: its length is known before, and it can be read again.

    The last block is held back until the digest of all is known, so that a layer which the store no longer makes is
    never whole anywhere. Raises ClocheError then.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        # By this name requests asks for a length.
        self.len = layer.size

    def __iter__(self) -> Iterator[bytes]:
        """Yield the layer's bytes."""
        digest, size = hashlib.sha256(), 0
        for block in blocks(self.layer):
            digest.update(block)
            size += len(block)
            if block is not END:
                yield block
        found = f"sha256:{digest.hexdigest()}"
        if found != self.layer.digest or size != self.layer.size:
            raise ClocheError(
                f"the layer {self.layer.name} should have the digest {self.layer.digest}, but what is in the store "
                f"gives {found}; nothing was published under a name. Find out what changed with 'nix store verify "
                "--all'",
                ExitCode.CHECK_FAILED,
            )
        yield END
