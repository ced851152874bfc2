"""What can go wrong before there is a record."""

from pathlib import Path

from cloche.errors import ClocheError, ExitCode


class BadTraceError(ClocheError):
    """A trace that this Cloche did not write."""

    def __init__(self, fault: str) -> None:
        """Keep the `fault`."""
        super().__init__(
            f"trace.json is no trace of tests ({fault}); the flake's Cloche must be of the same version as this one"
        )


class NotAProjectError(ClocheError):
    """A folder that is no project."""

    def __init__(self, folder: Path) -> None:
        """Keep the `folder`."""
        super().__init__(f"{folder} has no pyproject.toml; run this in the project's folder, or name it with --project")


class DifferentError(ClocheError):
    """Batches whose tests do not do what they do in the whole tree."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, record: Path, words: str) -> None:
        """Keep the written `record` and Nix's `words`."""
        super().__init__(
            f"{record} is written, but the tests are not the same in batches as in the whole tree:\n{words}"
        )
