"""The Python files of a project's tree; part of the recorder, as cloche.store.git is."""

from pathlib import Path

from ...store.git import NoGitError, Repository, checkout_around  # noqa: TID252 - the recorder has another name, too
from ...untrusted.walk import below  # noqa: TID252
from .source import cached


def python_files(root: Path) -> list[str]:
    """Return the Python files of the tree that git knows or could know; outside of git all below the folder.

    Raises GitError for a checkout that git refuses, OSError for a folder that can't be listed.
    """
    found = None
    if checkout_around(root) is not None:
        try:
            repository = Repository(root)
            found = [*repository.index(), *repository.untracked()]
        except NoGitError:
            pass
    if found is None:
        found = [path.relative_to(root).as_posix() for path in below(root) if not cached(path)]
    return sorted({path for path in found if path.endswith(".py") and (root / path).is_file()})
