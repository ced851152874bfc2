"""What can go wrong before there is a selection."""

from pathlib import Path

from cloche.errors import ClocheError, ExitCode


class UnknownVersionError(ClocheError):
    """A version that two folders do not have."""

    def __init__(self, name: str) -> None:
        """Keep the `name` that was asked for."""
        super().__init__(f"{name!r} names no version: two folders are called base and head")


class NoMainBranchError(ClocheError):
    """No main branch that a merge base could be taken with."""

    def __init__(self, tried: list[str]) -> None:
        """Keep the names that were `tried`."""
        super().__init__(
            f"no main branch is known (tried {', '.join(tried)}), so nothing says what the change is; name a revision\n"
            "with --base REV"
        )


class BadMapError(ClocheError):
    """A file that is no map, or one of another version."""

    def __init__(self, path: Path, fault: str) -> None:
        """Keep the `path` and the `fault`."""
        super().__init__(f"{path} is no impact map ({fault}); make it anew with: cloche select-tests --record")


class BadResultsError(ClocheError):
    """Results of a former run that cannot be read."""

    def __init__(self, path: Path, fault: str) -> None:
        """Keep the `path` and the `fault`."""
        super().__init__(f"{path} holds no test results ({fault}); --results takes JUnit XML or Cloche's outcomes.json")


class NoPytestError(ClocheError):
    """No pytest to run the project's tests with."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self) -> None:
        """Say where it was looked for."""
        super().__init__(
            "there is no pytest on PATH; run this where the project's tests can run, for example inside 'nix develop'"
        )


class NoLibraryError(ClocheError):
    """A library that only some of the options need."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, name: str) -> None:
        """Keep the module's `name`."""
        super().__init__(
            f"models, budgets and shadow runs need libraries that are not here ({name}): install Cloche's groups learn and\n"
            "telemetry, or take nix run .#select-tests; --run --shadow-runs 0 needs none of them"
        )


class NotRecordedError(ClocheError):
    """A recording run that wrote no map."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, code: int) -> None:
        """Keep pytest's exit `code`."""
        super().__init__(f"pytest ended with {code} and no map was written; its words are above")
