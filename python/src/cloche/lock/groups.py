"""How groups are called in a lock, and the error that tells of a fault in pyproject.toml."""

from pathlib import Path

from cloche.errors import ClocheError

# The project's own dependencies; a dependency group of this name is refused.
DEFAULT_GROUP = "default"
# In front of the name of an extra.
EXTRA_PREFIX = "extra:"


class ProjectError(ClocheError):
    """A fault in pyproject.toml that the person who wrote it can correct."""

    def __init__(self, file: Path, fault: str, remedy: str, line: int = 0) -> None:
        """Keep the `file`, the `fault`, its `line` (0: not known) and the `remedy`."""
        place = f"{file}:{line}" if line else str(file)
        super().__init__(f"{place}: {fault}.\n{remedy}")
