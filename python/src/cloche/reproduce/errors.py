"""What can go wrong before there is a verdict; a build that differs is no error."""

from cloche.errors import ClocheError, ExitCode


class NixError(ClocheError):
    """A call of Nix that ended with an error which is not about the builds in question."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, what: str, words: str) -> None:
        """Keep `what` was asked of Nix, and its own `words`."""
        super().__init__(f"{what}; Nix says:\n{words.strip()}")


class UnknownAttributeError(ClocheError):
    """An attribute that the flake does not have."""

    def __init__(self, flake: str, attribute: str, words: str) -> None:
        """Keep the `flake`, the `attribute`, and Nix's `words`."""
        super().__init__(f"{flake} has no output {attribute!r} that can be built; Nix says:\n{words.strip()}")


class UnknownVariationError(ClocheError):
    """A name that no variation has."""

    def __init__(self, name: str, known: list[str]) -> None:
        """Keep the `name`, and those that are `known`."""
        super().__init__(f"there is no variation {name!r}; there are {', '.join(known)}")


class ImpossibleVariationError(ClocheError):
    """A variation that was asked for and is not possible here."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, name: str, reason: str) -> None:
        """Keep the variation's `name` and the `reason`."""
        super().__init__(f"the variation {name!r} is not possible here: {reason}")


class NothingToCompareError(ClocheError):
    """Outputs that are all measurements."""

    def __init__(self, attributes: list[str]) -> None:
        """Keep the names of the outputs."""
        super().__init__(
            f"nothing to compare: {', '.join(attributes)} is a measurement, which is no function of its inputs and differs from\n"
            "build to build. Name an output that is built."
        )


class NoEffectError(ClocheError):
    """A variation under which its planted package came out the same, so that it shows nothing."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, names: list[str]) -> None:
        """Keep the `names` of the variations."""
        super().__init__(
            f"without effect here: {', '.join(names)}. A package that leaks exactly that was built again and came out the\n"
            "same, so nothing would be shown about other packages."
        )


class NoSourcesError(ClocheError):
    """What the variations need could not be fetched."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, code: int) -> None:
        """Keep the exit `code` of fetch."""
        super().__init__(
            f"diffoscope, libfaketime and the compilers could not be fetched (exit code {code}, the words are above).\n"
            "Where there is no network: CLOCHE_SOURCES=ARCHIVE, made by `nix run .#vendor -- DIR --role cc --role reproduce`."
        )
