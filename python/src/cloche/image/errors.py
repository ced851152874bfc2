"""What can go wrong while an image is loaded, pushed or read."""

from pathlib import Path

from cloche.errors import ClocheError, ExitCode


def bad_image(folder: Path, fault: str) -> ClocheError:
    """Return the error of a folder that is not an image as `packages.image` makes it."""
    return ClocheError(f"{folder} is no image made by Cloche: {fault}; make it with 'nix build .#image'")


def bad_target(target: str, fault: str) -> ClocheError:
    """Return the error of a target of load-image that is none."""
    return ClocheError(
        f"{target!r} is no target: {fault}. Targets are podman, docker, oci:FOLDER[:TAG],"
        " docker://HOST/NAME[:TAG] and skopeo:TRANSPORT:REST"
    )


def not_attachable(target: str) -> ClocheError:
    """Return the error of a target that keeps no referrers."""
    return ClocheError(f"{target}: evidence can be attached in a registry (docker://...) or a folder (oci:...) only")


class BadReferenceError(ClocheError):
    """A reference to an image that cannot be used."""

    def __init__(self, text: str, fault: str) -> None:
        super().__init__(
            f"{text!r} is no reference to an image in a registry: {fault}; write HOST/NAME:TAG or HOST/NAME@sha256:..."
        )


class RegistryError(ClocheError):
    """A registry that answers otherwise than the distribution specification says, or with an error of its own."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, what: str, answer: str, status: int = 0) -> None:
        super().__init__(f"{what}: the registry answered {answer}")
        self.status = status


def unreachable_registry(host: str, reason: str) -> ClocheError:
    """Return the error of a registry that does not answer at all."""
    hint = "; it answers without TLS: if that is meant so, --insecure (verify: --insecure-registry)"
    hint = hint if "WRONG_VERSION_NUMBER" in reason else ""
    return ClocheError(f"the registry {host} cannot be reached: {reason}{hint}", ExitCode.ENVIRONMENT_LACKS)


class NotFoundError(ClocheError):
    """Something that the registry or the folder does not have."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} is not in {where}")


class WrongBytesError(ClocheError):
    """Bytes that do not have the digest by which they were asked for: somebody changed them."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, where: str, digest: str, found: str) -> None:
        super().__init__(
            f"{where} gave other bytes for {digest}: they have {found}. They were changed; nothing was used"
        )


class TooLargeError(ClocheError):
    """More bytes than what was asked for may have."""

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"{what} has more than {most} bytes, which is the most that is read")


def lost_referrer(tag: str, digest: str, rounds: int) -> ClocheError:
    """Return the error of an index of referrers that others keep writing without our entry."""
    return ClocheError(
        f"the index {tag} was overwritten {rounds} times by another writer that does not keep our entry {digest};"
        " the artifact is in the registry, but nothing leads to it. Run the command again when the other is done",
        ExitCode.CHECK_FAILED,
    )


class BadIndexError(ClocheError):
    """Something that should list manifests and does not."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is no index of manifests as the OCI image specification has it")
