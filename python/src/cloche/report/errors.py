"""The errors of the report; each owns its message."""

from cloche.errors import ClocheError


class BadArtifactError(ClocheError):
    """A file that the report is made of and that cannot be used; the message names the file, the fault and a cure."""

    def __init__(self, source: object, fault: str, cure: str = "") -> None:
        super().__init__(f"{source}: {fault}" + (f"; {cure}" if cure else ""))


class NothingToReportError(ClocheError):
    """No artifact was named, so there is nothing to say."""

    def __init__(self) -> None:
        super().__init__("there is nothing to report: name at least one artifact, such as --tests (docs/report.md)")


class ForeignFolderError(ClocheError):
    """A folder that the report would replace and that holds something else."""

    def __init__(self, folder: object, why: str) -> None:
        super().__init__(
            f"{folder} is there and is no report of Cloche ({why}), so nothing in it is touched; name another folder: --output"
        )
