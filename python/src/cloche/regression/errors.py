"""The errors of the comparison of results; each owns its message."""

from cloche.errors import ClocheError


class NothingComparedError(ClocheError):
    """Two files without a value that could be compared, which is no agreement."""

    def __init__(self, baseline: object, current: object, why: str) -> None:
        super().__init__(
            f"nothing was compared: {why}\n"
            f"  baseline: {baseline}\n"
            f"  current:  {current}\n"
            "A comparison without a compared value shows nothing; compare the results of the same experiment, or ignore less."
        )


class IncompatibleFormatsError(ClocheError):
    """Two files of different formats, whose types would differ in every leaf."""

    def __init__(self, baseline: object, current: object) -> None:
        super().__init__(
            f"{baseline} and {current} are of different formats, so their types cannot be compared; write both in one format"
        )
