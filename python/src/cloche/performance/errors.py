"""What can be wrong with figures that a person gives."""

from pathlib import Path

from cloche.errors import ClocheError


class BadFiguresError(ClocheError):
    """A file without figures that can be compared."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path}: {what}; a run is a file of pytest-benchmark (--benchmark-json), or any JSON with a list of samples, "
            "which --samples names"
        )


class NothingInCommonError(ClocheError):
    """Two sides that have measured different things."""

    def __init__(self) -> None:
        super().__init__("the two sides have no benchmark in common, so nothing was compared")
