"""What git says about a project: its main branch, what changed since a revision, and how files were there."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cloche.impact.errors import GitError, NoMainBranchError
from cloche.impact.source import cached

MAIN = ["origin/HEAD", "origin/main", "origin/master", "main", "master"]


@dataclass(frozen=True)
class Repository:
    """A project's folder in a git checkout; paths are relative to the folder."""

    folder: Path

    def _ended(self, *words: str, text: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", str(self.folder), *words]
        return subprocess.run(command, input=text, capture_output=True, check=False)

    def _git(self, what: str, *words: str) -> bytes:
        ended = self._ended(*words)
        if ended.returncode != 0:
            raise GitError(what, os.fsdecode(ended.stderr))
        return ended.stdout

    def revision(self, name: str) -> str:
        """Return the commit that a name stands for; raises GitError for an unknown one."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        ended = self._ended(*words)
        if ended.returncode != 0:
            what = f"{name!r} names no commit in {self.folder}"
            raise GitError(what, os.fsdecode(ended.stderr) or "(nothing)")
        return os.fsdecode(ended.stdout).strip()

    def merge_base(self, head: str) -> str:
        """Return the commit where `head` left the main branch."""
        for name in MAIN:
            if self._ended("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").returncode == 0:
                found = self._git(f"{head} has no commit in common with {name}", "merge-base", head, name)
                return os.fsdecode(found).strip()
        raise NoMainBranchError(MAIN)

    def changed(self, base: str, head: str | None) -> dict[str, str]:
        """Return path -> "A" (added), "M" (modified) or "D" (deleted), from base to head or to the working tree.

        What Python and pytest keep in caches is no new file, whether or not git was told to ignore it.
        """
        words = ["diff", "--name-status", "-z", "--no-renames", "--relative", "--ignore-submodules=none", base]
        said = self._git("git diff failed", *words, *([head] if head else []), "--")
        fields = os.fsdecode(said).split("\0")
        found = {path: status[0] for status, path in zip(fields[::2], fields[1::2], strict=False)}
        if head is None:
            words = ["ls-files", "-z", "--others", "--exclude-standard"]
            for path in os.fsdecode(self._git("git ls-files failed", *words)).split("\0"):
                if path and not cached(path):
                    found[path] = "A"
        return {path: status if status in "AD" else "M" for path, status in found.items()}

    def paths(self, revision: str | None) -> list[str]:
        """Return the files of a revision, or of the working tree (those that git could know)."""
        if revision is None:
            words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        else:
            words = ["ls-tree", "-r", "-z", "--name-only", revision]
        found = os.fsdecode(self._git(f"git {words[0]} failed", *words)).split("\0")
        if revision is None:
            found = [path for path in found if not cached(path) and (self.folder / path).is_file()]
        return sorted({path for path in found if path})

    def read(self, revision: str | None, paths: list[str]) -> dict[str, bytes]:
        """Return the content of files as they are in a revision, or in the working tree; those that exist."""
        if revision is None:
            return {path: file.read_bytes() for path in paths if (file := self.folder / path).is_file()}
        names = b"".join(os.fsencode(f"{revision}:./{path}\n") for path in paths if "\n" not in path)
        done = self._ended("cat-file", "--batch", text=names)
        if done.returncode != 0:
            what = f"files of {revision} cannot be read"
            raise GitError(what, os.fsdecode(done.stderr))
        found: dict[str, bytes] = {}
        at = 0
        for path in (path for path in paths if "\n" not in path):
            end = done.stdout.index(b"\n", at)
            words = done.stdout[at:end].rsplit(b" ", 2)
            at = end + 1
            if words[-1].isdigit():
                size = int(words[-1])
                if words[-2] == b"blob":
                    found[path] = done.stdout[at : at + size]
                at += size + 1
        return found
