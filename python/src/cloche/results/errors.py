"""What is wrong with a file of results, or with a path in it."""

from cloche.errors import ClocheError


class BadResultError(ClocheError):
    """A file of results that cannot be read; the message names the file, the fault and its place."""

    def __init__(self, source: object, fault: str) -> None:
        super().__init__(f"{source}: {fault}")


class BadRuleError(ClocheError):
    """A rule or waiver that is none, or that cannot be applied to what it matches."""

    def __init__(self, where: str, fault: str) -> None:
        super().__init__(f"{where}: {fault}")
