"""What can go wrong before there is a kill matrix."""

from pathlib import Path

from cloche.errors import ClocheError, ExitCode


class BadMatrixError(ClocheError):
    """A file that is no kill matrix, or one of something else."""

    def __init__(self, path: Path, fault: str) -> None:
        """Keep the `path` and the `fault`."""
        super().__init__(
            f"{path} is no kill matrix that can be used here: {fault}; give another file, or remove this one"
        )


class BaseRunError(ClocheError):
    """A suite that does not come to its end without a fault, so that no fault can be judged by it."""

    exit_code = ExitCode.CHECK_FAILED

    def __init__(self, folder: Path, what: str, words: str) -> None:
        """Keep the project's `folder`, `what` happened, and pytest's last `words`."""
        super().__init__(
            f"the tests of {folder} {what} although nothing was changed in it; pytest's last words:\n{words}"
        )


class NoSitesError(ClocheError):
    """A project in which no fault can be put."""

    def __init__(self, folder: Path, files: int) -> None:
        """Keep the project's `folder` and how many `files` were looked at."""
        super().__init__(
            f"no fault can be put into {folder}: {files} modules of packages that are not tests were found below it; is it the\n"
            "folder of the project, and are its packages (folders with __init__.py) in git?"
        )


class BadSampleError(ClocheError):
    """A file that is no sample of faults of another tool."""

    def __init__(self, path: Path, fault: str) -> None:
        """Keep the `path` and the `fault`."""
        super().__init__(f"{path} is no sample of faults that can be used here: {fault}; make it anew")
