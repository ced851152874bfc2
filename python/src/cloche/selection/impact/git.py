"""What git says about a project: its main branch, what changed since a revision, and how files were there."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cloche.errors import ClocheError
from cloche.selection.impact.source import cached
from cloche.store.git import SUBMODULE, Repository

MAIN = ["origin/HEAD", "origin/main", "origin/master", "main", "master"]


@dataclass(frozen=True)
class Checkout:
    """A project's folder in a git checkout; paths are relative to the folder, revisions hexadecimal once looked up."""

    folder: Path

    @cached_property
    def _git(self) -> Repository:
        return Repository(self.folder)

    def revision(self, name: str) -> str:
        """Return the commit that a name stands for; raises GitError for an unknown one."""
        return self._git.commit(name)

    def merge_base(self, head: str) -> str:
        """Return the commit where `head` left the main branch."""
        own = self._git.commit(head)
        for name in MAIN:
            if self._git.has_commit(name):
                return self._git.merge_base(own, self._git.commit(name))
        raise ClocheError(
            f"no main branch is known (tried {', '.join(MAIN)}), so nothing says what the change is; name a revision\n"
            "with --base REV"
        )

    def changed(self, base: str, head: str | None) -> dict[str, str]:
        """Return path -> "A" (added), "M" (modified) or "D" (deleted), from base to head or to the working tree.

        What Python and pytest keep in caches is no new file, whether or not git was told to ignore it.
        """
        if head is None:
            found = self._git.edited(base)
            return found | {path: "A" for path in self._git.untracked() if not cached(path)}
        old, new = self._git.tree(base), self._git.tree(head)
        states = {path: "A" if path not in old else "D" if path not in new else "M" for path in sorted({*old, *new})}
        return {path: state for path, state in states.items() if old.get(path) != new.get(path)}

    def paths(self, revision: str | None) -> list[str]:
        """Return the files of a revision, or of the working tree (those that git could know)."""
        if revision is not None:
            return sorted(self._git.tree(revision))
        found = {*self._git.index(), *self._git.untracked()}
        return sorted(path for path in found if not cached(path) and (self.folder / path).is_file())

    def read(self, revision: str | None, paths: list[str]) -> dict[str, bytes]:
        """Return the content of files as git has them in a revision, or of the working tree; those that exist."""
        if revision is None:
            return {path: file.read_bytes() for path in paths if (file := self.folder / path).is_file()}
        tree = self._git.tree(revision)
        with self._git.objects() as objects:
            known = {path: tree[path] for path in paths if path in tree and tree[path].mode != SUBMODULE}
            return {path: objects.read(entry.name) for path, entry in known.items()}
