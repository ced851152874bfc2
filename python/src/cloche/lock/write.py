"""Puts cloche.lock where Nix sees it."""

import os
import subprocess
import tempfile
from pathlib import Path

from cloche.errors import ClocheError


class UnwritableLockError(ClocheError):
    """A lock that cannot be written."""

    def __init__(self, path: Path, reason: str) -> None:
        """Keep the `path` and the operating system's `reason`."""
        super().__init__(f"{path} cannot be written: {reason}.\nThe former lock, if any, is unchanged.")


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader sees the old or the new file, never a part.

    Raises UnwritableLockError.
    """
    part = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as stream:
            part = Path(stream.name)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        part.replace(path)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise UnwritableLockError(path, error.strerror or str(error)) from error


def tell_git(path: Path) -> str | None:
    """Run `git add -N` on `path` where it is in a work tree: a flake does not see untracked files.

    Return a warning, or None when all is well or there is no git.
    """
    inside = _git(path.parent, "rev-parse", "--is-inside-work-tree")
    if inside is None or inside.stdout.strip() != "true":
        return None
    known = _git(path.parent, "ls-files", "--error-unmatch", "--", path.name)
    if known is not None and known.returncode == 0:
        return None
    added = _git(path.parent, "add", "--intent-to-add", "--", path.name)
    if added is None or added.returncode == 0:
        return None
    return f"git add -N {path.name} failed, and Nix does not see untracked files: {added.stderr.strip()}"


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(  # noqa: S603 - fixed arguments, no shell
            ["git", *arguments],  # noqa: S607 - the user's own git
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
