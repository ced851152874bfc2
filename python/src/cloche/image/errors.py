"""What can go wrong while an image is loaded, pushed or read; each class owns its message."""

from pathlib import Path

from cloche.errors import ClocheError, ExitCode


class BadImageError(ClocheError):
    """A folder that is not an image as `packages.image` makes it."""

    def __init__(self, folder: Path, fault: str) -> None:
        super().__init__(f"{folder} is no image made by Cloche: {fault}; make it with 'nix build .#image'")


class ChangedLayerError(ClocheError):
    """A layer that the store no longer makes as it was measured."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(
            f"the layer {name} should have the digest {expected}, but what is in the store gives {found}; nothing was"
            " published under a name. Find out what changed with 'nix store verify --all'"
        )


class BadTargetError(ClocheError):
    """A target of load-image that is none."""

    def __init__(self, target: str, fault: str) -> None:
        super().__init__(
            f"{target!r} is no target: {fault}. Targets are podman, docker, oci:FOLDER[:TAG],"
            " docker://HOST/NAME[:TAG] and skopeo:TRANSPORT:REST"
        )


class UnknownImageError(ClocheError):
    """A name that no image of the configuration has."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"there is no image {name!r} in cloche.images; it has {', '.join(known)}: name one by --image")


class UnknownEvidenceError(ClocheError):
    """A file to attach whose name does not say what it is."""

    def __init__(self, path: Path, endings: list[str]) -> None:
        super().__init__(f"{path}: what is attached is told by its file name, which ends in {', '.join(endings)}")


class NotAttachableError(ClocheError):
    """A target that keeps no referrers."""

    def __init__(self, target: str) -> None:
        super().__init__(f"{target}: evidence can be attached in a registry (docker://...) or a folder (oci:...) only")


class MissingProgramError(ClocheError):
    """A program that a target needs."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, program: str, target: str) -> None:
        super().__init__(
            f"{program} is not on PATH, and the target {target} needs it; install it, or load into a folder with"
            " oci:FOLDER, which needs nothing"
        )


class ProgramFailedError(ClocheError):
    """A program of the target that refused the image."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, command: list[str], end: str) -> None:
        super().__init__(f"'{' '.join(command)}' {end}; its words are above")


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


class UnreachableRegistryError(ClocheError):
    """A registry that does not answer at all."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, host: str, reason: str) -> None:
        hint = "; it answers without TLS: if that is meant so, --insecure (verify: --insecure-registry)"
        hint = hint if "WRONG_VERSION_NUMBER" in reason else ""
        super().__init__(f"the registry {host} cannot be reached: {reason}{hint}")


class DeniedError(ClocheError):
    """A registry that wants credentials, or other ones."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, what: str, host: str) -> None:
        super().__init__(
            f"{what}: the registry {host} does not let us. Log in with 'podman login {host}', 'skopeo login {host}' or"
            f" 'docker login {host}'; REGISTRY_AUTH_FILE and DOCKER_CONFIG are heeded"
        )


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


class LostReferrerError(ClocheError):
    """An index of referrers that others keep writing without our entry."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, tag: str, digest: str, rounds: int) -> None:
        super().__init__(
            f"the index {tag} was overwritten {rounds} times by another writer that does not keep our entry {digest};"
            " the artifact is in the registry, but nothing leads to it. Run the command again when the other is done"
        )


class BadIndexError(ClocheError):
    """Something that should list manifests and does not."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is no index of manifests as the OCI image specification has it")
