"""Lock files of other tools: which of them is obeyed, and who reads it."""

from collections.abc import Callable
from pathlib import Path

from cloche.lock import pylock, requirements, uv
from cloche.lock.pool import Pool
from cloche.lock.project import Project

POETRY_LOCK = "poetry.lock"
# The first one that is present is obeyed.
PRECEDENCE = (uv.LOCK_NAME, POETRY_LOCK, pylock.LOCK_NAME, requirements.LOCK_NAME)


def find_foreign(directory: Path, report: Callable[[str], None]) -> Path | None:
    """Return the lock file in `directory` that is to be obeyed, or None; `report` hears of the others."""
    present = [directory / name for name in PRECEDENCE if (directory / name).is_file()]
    loose = directory / requirements.LOCK_NAME
    if loose in present and not requirements.is_pinned(loose):
        present.remove(loose)
        report(f"{loose.name} has no hashes, so it is not a lock and is not obeyed.")
    if len(present) > 1:
        others = ", ".join(path.name for path in present[1:])
        report(f"{present[0].name} is obeyed; {others} is not (delete one of them).")
    return present[0] if present else None


def read_foreign(path: Path, project: Project) -> Pool:
    """Return what the lock file at `path` offers to `project`."""
    if path.name == uv.LOCK_NAME:
        return uv.read_uv_lock(path, project.uv)
    if path.name == POETRY_LOCK:
        from cloche.lock.poetry import read_poetry_lock  # noqa: PLC0415 - poetry-core is slow to import

        return read_poetry_lock(path)
    if path.name == pylock.LOCK_NAME:
        return pylock.read_pylock(path, overridden=uv.overridden_names(project.uv))
    return requirements.read_requirements(path)
