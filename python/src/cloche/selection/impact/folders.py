"""Two versions of a project as files in memory: for derivations, which have folders and no git, and for mutants."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cloche.errors import ClocheError
from cloche.selection.impact.source import cached
from cloche.untrusted import walk

BASE, HEAD = "base", "head"


@dataclass(frozen=True)
class Folders:
    """The versions "base" and "head" of a project: relative path -> content."""

    base: Mapping[str, bytes]
    head: Mapping[str, bytes]

    def _files(self, revision: str | None) -> Mapping[str, bytes]:
        if revision not in {BASE, HEAD, None}:
            raise ClocheError(f"{str(revision)!r} names no version: two folders are called base and head")
        return self.base if revision == BASE else self.head

    def revision(self, name: str) -> str:
        """Return the name of a version."""
        self._files(name)
        return name

    def merge_base(self, head: str) -> str:
        """Return the version that is compared with."""
        self._files(head)
        return BASE

    def changed(self, base: str, head: str | None) -> dict[str, str]:
        """Return path -> "A" (added), "M" (modified) or "D" (deleted)."""
        before, after = self._files(base), self._files(head)
        return {
            path: "A" if path not in before else "D" if path not in after else "M"
            for path in sorted({*before, *after})
            if before.get(path) != after.get(path)
        }

    def paths(self, revision: str | None) -> list[str]:
        """Return all files of a version."""
        return sorted(self._files(revision))

    def read(self, revision: str | None, paths: list[str]) -> dict[str, bytes]:
        """Return the content of those files that a version has."""
        files = self._files(revision)
        return {path: files[path] for path in paths if path in files}


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by their relative paths; links and caches are no part of it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in walk.below(folder)
        if path.is_file() and not path.is_symlink() and not cached(path.relative_to(folder))
    }
