"""Read changes from git: each commit against its first parent, as files, hunks and functions."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cloche.errors import ClocheError, ExitCode
from cloche.impact.source import complexity
from cloche.telemetry.errors import BadSourceError
from cloche.telemetry.reports import SECOND

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
KINDS = {"A": "added", "D": "deleted"}


class NoGitError(ClocheError):
    """There is no git to ask."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self) -> None:
        super().__init__("git is not on PATH; install it to read changes")


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
    """Yield the commits from HEAD (or `branch`) back along first parents, the oldest first."""
    head = branch or "HEAD"
    listed = _git(repository, "log", "--first-parent", "--reverse", "--format=%H%x00%P%x00%an <%ae>%x00%ct", head, "--")
    name = branch or _git(repository, "rev-parse", "--abbrev-ref", "HEAD").strip()
    with Blobs(repository) as blobs:
        for line in listed.splitlines():
            commit, parents, author, seconds = line.split("\0")
            parent = parents.split()[0] if parents else None
            files = _files(repository, blobs, commit, parent)
            yield ReportedChange(commit, parent, author, int(seconds) * SECOND, None if name == "HEAD" else name, files)


def _git(repository: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", repository, *words], check=False, capture_output=True)
    except FileNotFoundError as error:
        raise NoGitError from error
    if done.returncode:
        raise BadSourceError(repository, done.stderr.decode(errors="replace").strip().splitlines()[-1])
    return done.stdout.decode(errors="replace")


class Blobs:
    """The contents of files, from one process of git."""

    def __init__(self, repository: Path) -> None:
        words = ["git", "-C", str(repository), "cat-file", "--batch"]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def text(self, name: str) -> str:
        """Return an object's text, empty for one that git does not have (a submodule's commit)."""
        asked, answers = self.process.stdin, self.process.stdout
        if asked is None or answers is None or set(name) == {"0"}:
            return ""
        asked.write(f"{name}\n".encode())
        asked.flush()
        head = answers.readline().split()
        if head[-1] == b"missing":
            return ""
        return answers.read(int(head[2]) + 1)[:-1].decode(errors="replace")


def _files(repository: Path, blobs: Blobs, commit: str, parent: str | None) -> list[FileChange]:
    trees = [parent, commit] if parent else ["--root", commit]
    common = ["-r", "--no-renames", "--no-commit-id", "--no-ext-diff", "--no-textconv"]
    counts = _git(repository, "diff-tree", *common, "--numstat", "-z", *trees).split("\0")
    raw = _git(repository, "diff-tree", *common, "--raw", "--no-abbrev", "-z", *trees).split("\0")
    # A line of a patch's content never begins so; the patches come in the order of the other two lists.
    patches = re.split(
        r"^diff --git ", _git(repository, "diff-tree", *common, "-p", "-U0", *trees), flags=re.MULTILINE
    )[1:]
    files = []
    for count, fields, path, patch in zip(counts, raw[::2], raw[1::2], patches, strict=False):
        added, deleted, _ = count.split("\t", 2)
        _, _, old, new, kind = fields.split()
        known = added != "-"
        change = FileChange(
            path, KINDS.get(kind, "edited"), int(added) if known else None, int(deleted) if known else None
        )
        change.hunks = [
            Hunk(*(int(number) if number is not None else 1 for number in found.groups()))
            for found in (HUNK.match(line) for line in patch.splitlines())
            if found
        ]
        if path.endswith(".py") and known:
            touch(change, blobs.text(old), blobs.text(new))
        files.append(change)
    return files


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
