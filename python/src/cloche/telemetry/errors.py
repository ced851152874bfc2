"""The errors of the telemetry; each owns its message."""

from cloche.errors import ClocheError, ExitCode
from cloche.outcomes.junit import IncompleteError
from cloche.telemetry.address import Address


class BadSourceError(ClocheError):
    """A file to import that is not what it should be; the message names the file, the fault and its place."""

    def __init__(self, source: object, fault: str) -> None:
        super().__init__(f"{source}: {fault}")


class ConflictingRunError(ClocheError):
    """A run that is stored already, with other executions."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, key: str, source: str, stored: int, reported: int) -> None:
        super().__init__(
            f"{source}: the run {key} is stored already, with other executions ({stored} there, {reported} here); nothing of it was\n"
            f"changed. If this report is the right one, run `cloche telemetry forget --run {key}`, then import it again"
        )


class LostRowsError(ClocheError):
    """The store holds another number of executions than were reported."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, runs: list[tuple[str, int, int]]) -> None:
        lines = [f"  {key}: {reported} reported, {stored} stored" for key, reported, stored in runs]
        super().__init__("\n".join(["the store does not hold what was reported:", *lines]))


class TooFewCasesError(ClocheError):
    """A report that holds less than it says; `fault` says what."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, source: object, fault: IncompleteError) -> None:
        super().__init__(f"{source}: {fault}; nothing was imported")


class NothingHeldError(ClocheError):
    """A source without a single execution."""

    def __init__(self, source: object) -> None:
        super().__init__(
            f"{source}: it holds no execution of a test, so nothing was imported; was the run that wrote it cut short, or did it\n"
            "select no test?"
        )


class NewerSchemaError(ClocheError):
    """A store that a newer Cloche has migrated."""

    def __init__(self, store: Address, found: str, known: str) -> None:
        super().__init__(
            f"{store}: its schema is {found}, and this Cloche knows those up to {known}; nothing was read or written. Use a\n"
            "Cloche that is at least as new as the one that wrote it"
        )


class OlderSchemaError(ClocheError):
    """A store that has to be migrated first."""

    def __init__(self, store: Address, found: str, known: str) -> None:
        super().__init__(
            f"{store}: its schema is {found}, and this Cloche writes {known}; run `cloche telemetry migrate`"
        )


class ForeignStoreError(ClocheError):
    """A file or database that is no store of telemetry."""

    def __init__(self, store: Address, why: str) -> None:
        super().__init__(f"{store} is no store of telemetry: {why}")


class NoStoreError(ClocheError):
    """A store that is not there."""

    def __init__(self, store: Address) -> None:
        super().__init__(f"{store}: there is no store; `cloche telemetry import` makes one")


class UnreachableStoreError(ClocheError):
    """A database that does not answer, or not in time."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, store: Address, words: str) -> None:
        super().__init__(f"{store} cannot be used: {words}")


class MixedOriginsError(ClocheError):
    """Rows of several origins where nobody said that they may be mixed."""

    def __init__(self, found: list[str]) -> None:
        super().__init__(
            f"the store holds executions that are {' and '.join(found)}; mixing them is a decision: name those that are wanted\n"
            "(--origin, several times for a mixture)"
        )


class NoProjectError(ClocheError):
    """Nobody said which project the runs belong to."""

    def __init__(self) -> None:
        super().__init__(
            "no project: give --project NAME, or stand in a folder whose pyproject.toml has [project] name"
        )


class UnknownCommitError(ClocheError):
    """A commit that the store knows nothing of."""

    def __init__(self, commit: str, project: str) -> None:
        super().__init__(
            f"the store has no change {commit!r} of the project {project!r}; run `cloche telemetry import REPOSITORY`, which reads git"
        )


class NothingChosenError(ClocheError):
    """A request to forget that says not what."""

    def __init__(self) -> None:
        super().__init__("nothing chosen: say what to forget (--run, --project, --before, --people)")
