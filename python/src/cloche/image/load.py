"""`cloche load-image`: an image into podman, docker, skopeo's targets, a registry, or a folder."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cloche.errors import ClocheError, ExitCode
from cloche.image.descriptor import Descriptor, Reference
from cloche.image.errors import bad_target, not_attachable
from cloche.image.layout import Layout
from cloche.image.manifest import MANIFEST_TYPE
from cloche.image.read import Image
from cloche.untrusted import regular_file
from cloche.untrusted.limits import STATEMENT

# skopeo's transports that keep an image as it is.
# Seconds for a program that brings an image somewhere; 10 GiB over a slow line need fewer.
_PATIENCE = 21_600
KEPT = {"dir", "docker", "oci", "oci-archive"}
# The end of a file's name, the artifact's type, and that of its blob.
EVIDENCE = {
    ".sigstore.json": "application/vnd.dev.sigstore.bundle.v0.3+json",
    ".cdx.json": "application/vnd.cyclonedx+json",
    ".spdx.json": "application/spdx+json",
    ".dsse.json": "application/vnd.dsse.envelope.v1+json",
    ".json": "application/vnd.in-toto+json",
}


class Shelf(Protocol):
    """Where evidence can be attached."""

    def attach(self, subject: Descriptor, artifact_type: str, data: bytes, media_type: str) -> Descriptor:
        """Add evidence about a manifest."""


@dataclass(frozen=True)
class Loaded:
    """What was done: where the image is now, and the names of the layers that were sent."""

    where: str
    sent: list[str]
    shelf: Shelf | None = None


def load(image: Image, target: str, *, insecure: bool = False) -> Loaded:
    """Bring an image to a target, which is told only the layers that it lacks."""
    kind, _, rest = target.partition(":")
    if kind == "oci" and rest:
        return into_folder(image, rest)
    if target.startswith("docker://"):
        return into_registry(image, target, insecure=insecure)
    if kind == "skopeo" and ":" in rest:
        return by_skopeo(image, rest)
    if target in {"podman", "docker"}:
        return by_pulling(image, target)
    raise bad_target(target, "nothing of this name is known")


def into_folder(image: Image, rest: str) -> Loaded:
    """Write an image into an OCI layout."""
    folder, _, tag = rest.partition(":")
    tag = tag or image.tag
    layout = Layout(Path(folder))
    return Loaded(f"oci:{folder}:{tag}", layout.write(image, tag), layout)


def into_registry(image: Image, target: str, *, insecure: bool) -> Loaded:
    """Push an image to a registry."""
    from cloche.image.registry import Registry  # noqa: PLC0415 - HTTP takes long to import, and a folder needs none

    reference = Reference.parse(target.removeprefix("docker://"))
    if reference.digest:
        raise bad_target(target, "an image is pushed to a tag, and its digest follows from what it is")
    registry = Registry(reference, insecure=insecure)
    tag = reference.tag or image.tag
    sent = registry.push(image, tag)
    return Loaded(f"docker://{reference.host}/{reference.name}:{tag}@{image.digest}", sent, registry)


def by_skopeo(image: Image, destination: str) -> Loaded:
    """Let skopeo copy an image to any of its transports."""
    from cloche.image.serve import offered  # noqa: PLC0415 - an HTTP server, which a folder needs not

    with offered(image) as server, tempfile.TemporaryDirectory() as folder:
        # What comes from here is trusted, whatever the user's policy for other sources is, or where there is none.
        policy = Path(folder, "policy.json")
        host = server.reference.partition("/")[0]
        rules = {
            "default": [{"type": "reject"}],
            "transports": {"docker": {host: [{"type": "insecureAcceptAnything"}]}},
        }
        policy.write_text(json.dumps(rules), encoding="utf-8")
        words = ["copy", "--quiet", "--src-tls-verify=false", "--dest-oci-accept-uncompressed-layers"]
        # Elsewhere skopeo must write another manifest; here it would compress layers, and another image would be there.
        words += ["--preserve-digests"] if destination.partition(":")[0] in KEPT else []
        words += [f"docker://{server.reference}", destination]
        run(["skopeo", "--policy", str(policy), *words], f"skopeo:{destination}", lambda: server.failures)
    return Loaded(destination, server.sent_layers)


def by_pulling(image: Image, program: str) -> Loaded:
    """Let podman or docker pull an image, and give it its own name there."""
    from cloche.image.serve import offered  # noqa: PLC0415 - as above

    name = f"{image.name}:{image.tag}"
    with offered(image) as server:
        insecure = ["--tls-verify=false"] if program == "podman" else []
        for words in (
            ["pull", "--quiet", *insecure, server.reference],
            ["tag", server.reference, name],
            # podman's untag without a second name would take them all.
            ["rmi", server.reference] if program == "docker" else ["untag", server.reference, server.reference],
        ):
            run([program, *words], program, lambda: server.failures)
    return Loaded(f"{program}: {name}", server.sent_layers)


def run(command: list[str], target: str, failures: Callable[[], Sequence[Exception]]) -> None:
    """Run a program of the target; raises what went wrong on our side before what the program made of it."""
    if shutil.which(command[0]) is None:
        raise ClocheError(
            f"{command[0]} is not on PATH, and the target {target} needs it; install it, or load into a folder with"
            " oci:FOLDER, which needs nothing",
            ExitCode.ENVIRONMENT_LACKS,
        )
    try:
        code = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=_PATIENCE).returncode
    except subprocess.TimeoutExpired:
        code = None
    for failure in failures():
        raise failure
    if code != 0:
        end = f"ended with {code}" if code else f"was not done after {_PATIENCE} s"
        raise ClocheError(f"'{' '.join(command)}' {end}; its words are above", ExitCode.CHECK_FAILED)


def read_evidence(target: str, files: tuple[Path, ...]) -> list[tuple[str, bytes]]:
    """Return type and bytes of evidence; raises an error for what cannot be attached, before anything is brought anywhere."""
    found = [(evidence_type(file), regular_file.read(file, STATEMENT)) for file in files]
    if files and not target.startswith(("oci:", "docker://")):
        raise not_attachable(target)
    return found


def attach(image: Image, loaded: Loaded, evidence: Sequence[tuple[str, bytes]]) -> list[Descriptor]:
    """Attach evidence to an image where it was brought to; returns the artifacts."""
    subject = Descriptor(MANIFEST_TYPE, image.digest, len(image.manifest))
    made = []
    for kind, data in evidence:
        if loaded.shelf is None:
            raise not_attachable(loaded.where)
        made.append(loaded.shelf.attach(subject, kind, data, kind))
    return made


def evidence_type(path: Path) -> str:
    """Return the media type of evidence by its file's name."""
    for ending, kind in EVIDENCE.items():
        if path.name.endswith(ending):
            return kind
    raise ClocheError(f"{path}: what is attached is told by its file name, which ends in {', '.join(EVIDENCE)}")
