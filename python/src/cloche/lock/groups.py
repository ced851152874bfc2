"""How groups are called in a lock, and the error that tells of a fault in pyproject.toml."""

from pathlib import Path

from cloche.errors import ClocheError

# The project's own dependencies; a dependency group of this name is refused.
DEFAULT_GROUP = "default"
# In front of the name of an extra.
EXTRA_PREFIX = "extra:"


def bad_project(file: Path, fault: str, remedy: str, line: int = 0) -> ClocheError:
    """Return the error of a pyproject.toml that the person who wrote it can correct."""
    place = f"{file}:{line}" if line else str(file)
    return ClocheError(f"{place}: {fault}.\n{remedy}")
