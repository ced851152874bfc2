"""The errors of the learned layer; each owns its message."""

from pathlib import Path

from cloche.errors import ClocheError, ExitCode


class BadRowsError(ClocheError):
    """Rows that cannot be read."""

    def __init__(self, where: str, fault: str) -> None:
        super().__init__(f"{where}: this is no row of a change and its tests ({fault})")


class MixedRowsError(ClocheError):
    """Rows of several origins where nobody said that they may be mixed."""

    def __init__(self, found: list[str]) -> None:
        super().__init__(
            f"there are rows that are {' and '.join(found)}; mixing them is a decision: name those that are wanted\n"
            "(--origin, several times for a mixture)"
        )


class ForeignRowsError(ClocheError):
    """Rows of another project, of which a model would know nothing of this one's tests."""

    def __init__(self, found: list[str], project: str) -> None:
        super().__init__(
            f"there are rows of {' and '.join(found)}, and the model is to be of {project}; make rows of {project} with\n"
            "cloche train --export, or name the project as its rows do"
        )


class TooFewRowsError(ClocheError):
    """Rows that no model can be made of."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, rows: int, failing: int, groups: int, needed: int) -> None:
        super().__init__(
            f"{rows} changes, {failing} of them with failures that were selected for, in {groups} places of the code: too few\n"
            f"to fit and to validate a model, which takes failures in at least {needed} places. Run select-tests with --shadow\n"
            "more often, or make changes with --from-mutants"
        )


class BadModelError(ClocheError):
    """A model that is not used, because it is not what its name says, or nothing that this program would have made."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{path} is refused as a model: {fault}")


class ReducedStoreError(ClocheError):
    """A store without the names of tests and files."""

    def __init__(self, store: str) -> None:
        super().__init__(
            f"{store} keeps no names of files and tests (--reduce paths), and changes cannot be kept without them; name another\n"
            "store with --store"
        )


class NoMapError(ClocheError):
    """No map to tell which tests a mutant can reach."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"there is no map {path}, which says what each test runs; make it with: cloche select-tests --record"
        )
