"""Read changes from git: each commit against its first parent, as files, hunks and functions."""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cloche.store.git import GitError, Objects, Repository
from cloche.telemetry.complexity import complexity
from cloche.telemetry.reports import SECOND

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
KINDS = {"A": "added", "D": "deleted"}


@dataclass(frozen=True)
class Hunk:
    """Lines before and after, as `git diff -U0` counts them."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int


@dataclass
class FileChange:
    """One file of a change; lines are None for a binary one. Functions by qualified name, with their kind."""

    path: str
    kind: str
    added: int | None
    deleted: int | None
    hunks: list[Hunk] = field(default_factory=list)
    functions: dict[str, str] = field(default_factory=dict)
    complexity_delta: int | None = 0


@dataclass
class ReportedChange:
    """One commit; `at` is when it was committed, in microseconds."""

    commit: str
    parent: str | None
    author: str
    at: int
    branch: str | None
    files: list[FileChange]


def read_changes(repository: Path, branch: str | None) -> Iterator[ReportedChange]:
    """Yield the commits from HEAD (or `branch`) back along first parents, the oldest first; raises GitError."""
    git = Repository(repository)
    head = git.commit(branch or "HEAD")
    name = branch or git.branch()
    with git.objects() as objects:
        for commit, parent in git.first_parents(head):
            about = objects.commit(commit)
            files = _files(git, objects, commit, parent)
            yield ReportedChange(commit, parent, about.author, about.at * SECOND, name, files)


def _files(git: Repository, objects: Objects, commit: str, parent: str | None) -> list[FileChange]:
    differences = git.differences(commit, parent)
    patches = _patches(git.patch(commit, parent))
    # A file that becomes a link, or the other way round, has a patch that removes it, and another one that adds it.
    if len(patches) != sum(2 if each.state == "T" else 1 for each in differences):
        what = f"{git.folder}: the patch of {commit} does not fit its list of files"
        raise GitError(what)
    following = iter(patches)
    files = []
    for each in differences:
        change = FileChange(each.path, KINDS.get(each.state, "edited"), 0, 0)
        for hunks in itertools.islice(following, 2 if each.state == "T" else 1):
            if hunks is None or change.added is None or change.deleted is None:
                change.added = change.deleted = None
            else:
                change.hunks += hunks
                change.added += sum(hunk.new_lines for hunk in hunks)
                change.deleted += sum(hunk.old_lines for hunk in hunks)
        if each.path.endswith(".py") and change.added is not None:
            touch(change, *(objects.text(entry) for entry in (each.old, each.new)))
        files.append(change)
    return files


def _patches(patch: bytes) -> list[list[Hunk] | None]:
    """Return the hunks of each file of a patch without context, None for a binary file.

    Lines of content are counted, not looked at: they may be like anything, and hold what Python takes for ends of lines.
    """
    found: list[list[Hunk] | None] = []
    left = 0
    for line in patch.split(b"\n"):
        if line.startswith(b"\\"):
            continue
        if left:
            left -= 1
        elif line.startswith(b"diff --git "):
            found.append([])
        elif line.startswith(b"Binary files "):
            found[-1] = None
        elif (header := _HUNK.match(line)) and (hunks := found[-1]) is not None:
            hunk = Hunk(*(int(number) if number is not None else 1 for number in header.groups()))
            hunks.append(hunk)
            left = hunk.old_lines + hunk.new_lines
    return found


def touch(change: FileChange, old: str, new: str) -> None:
    """Fill in the functions that the hunks touch, and by how much the file's complexity changed.

    Where one of the two texts is no Python, no functions are known, nor the complexity.
    """
    try:
        before, after = ast.parse(old), ast.parse(new)
    except (SyntaxError, ValueError):
        change.complexity_delta = None
        return
    change.complexity_delta = complexity(after) - complexity(before)
    gone, there = dict(_functions(before)), dict(_functions(after))
    for hunk in change.hunks:
        for name, (first, last) in gone.items():
            if hunk.old_lines and first < hunk.old_start + hunk.old_lines and hunk.old_start <= last:
                change.functions[name] = "edited" if name in there else "deleted"
        for name, (first, last) in there.items():
            if hunk.new_lines and first < hunk.new_start + hunk.new_lines and hunk.new_start <= last:
                change.functions[name] = "edited" if name in gone else "added"


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield qualified names with their first and last line, decorators included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{node.name}"
            if not isinstance(node, ast.ClassDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                yield name, (first, node.end_lineno or node.lineno)
            yield from _functions(node, f"{name}.")
        else:
            yield from _functions(node, prefix)
