"""Every question to git: nothing else starts it, and nothing that a checkout names is run.

A checkout is a stranger's until its user has looked at it. Its own configuration names programs (git-config(1):
core.fsmonitor, hooks, filters, gpg.program, diff drivers, transports), and so does that of a folder which a clone brings
along and which looks like a bare repository. So each call has a configuration and an environment of its own, commits
are looked up once and then named by their hexadecimal digits, contents come as git keeps them, and no command that
would ask a remote, check a signature or convert what it writes is used.
"""

import hashlib
import io
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Self

# The recorder of select-tests takes this file and its errors along to where the rest of Cloche is not.
from ..errors import ClocheError, ExitCode  # noqa: TID252

# Above the checkout's own configuration; GIT_CONFIG_* is not known to the releases before 2.31.
_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "log.showSignature": "false",
    "safe.bareRepository": "explicit",
    # What git keeps beside the commits could tell another history than they do.
    "core.commitGraph": "false",
    # A file of the same size and time is looked at, also where nobody asked for it.
    "core.checkStat": "default",
    "core.trustctime": "true",
    # Said of the file of grafts that is none.
    "advice.graftFileDeprecated": "false",
}
# Instead of what the user's environment has of git: another repository, another index, options, programs, traces.
_ENVIRONMENT = {
    "LC_ALL": "C",
    # An empty list of transports: what a partial clone lacks is not asked of a remote, which is a program's name, too.
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
}
# What stands for switched off in a filter (gitattributes(5)), and in a hook of the configuration (git 2.54).
_DRIVERS = {"filter": {"process": "", "clean": "", "smudge": "", "required": "false"}, "hook": {"enabled": "false"}}
_NAME = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# Seconds until the year 5138, so that whoever computes with them finds a date.
_SECONDS = re.compile(r".*> (-?[0-9]{1,11}) [-+][0-9]+")
EXECUTABLE, LINK, SUBMODULE = "100755", "120000", "160000"


class GitError(ClocheError):
    """Git refuses, or does not know what it was asked for."""

    def __init__(self, what: str, words: str = "") -> None:
        """Keep `what` could not be had, and git's own `words`."""
        self.words = words.strip()
        super().__init__(f"{what}; git says:\n{self.words}" if self.words else what)


class NoGitError(GitError):
    """There is no git, or it can't be started."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, folder: Path, reason: str) -> None:
        """Keep whose history is asked for, and the operating system's `reason`."""
        super().__init__(f"git can't be started ({reason}), and {folder} needs it; install it, or put it on PATH")


class ForeignCheckoutError(GitError):
    """A checkout that git refuses because of its owner."""

    exit_code = ExitCode.ENVIRONMENT_LACKS

    def __init__(self, folder: Path) -> None:
        """Look up whose the `folder` is."""
        top = shlex.quote(str(checkout_around(folder) or folder))
        try:
            owner = folder.owner()
        except (KeyError, OSError):
            owner = "without a name here"
        super().__init__(
            f"{folder} belongs to another user ({owner}), so git refuses it; make it yours with\n  cp -r {top} ~/checkout\n"
            f"or trust its owner with\n  git config --global --add safe.directory {top}"
        )


@dataclass(frozen=True)
class Entry:
    """What a tree or the index has under a path: git's mode, and the object's hexadecimal name."""

    mode: str
    name: str


@dataclass(frozen=True)
class Difference:
    """A path that two commits have differently: git's letter (A, D, M, T) and both entries."""

    path: str
    state: str
    old: Entry
    new: Entry


@dataclass(frozen=True)
class Commit:
    """Who wrote a commit ("NAME <ADDRESS>"), and when it was committed, in seconds since 1970."""

    author: str
    at: int


def checkout_around(folder: Path) -> Path | None:
    """Return the top of the checkout in which a folder lies, None where there is none; git need not be there."""
    here = Path(os.path.realpath(folder))
    return next((place for place in (here, *here.parents) if os.path.lexists(place / ".git")), None)


def make_known(files: Sequence[Path]) -> str | None:
    """Let git know of files of one folder (`git add -N`), since a flake sees no others.

    Returns None when it knows them or no checkout is around them, else a warning.
    """
    folder, names = files[0].parent, [file.name for file in files]
    if checkout_around(folder) is None:
        return None
    repository = Repository(folder)
    try:
        known = repository.fields("files cannot be looked up", "ls-files", "-z", "--", *names)
        if new := [name for name in names if name not in known]:
            repository.ask("they cannot be added", "add", "--intent-to-add", "--", *new)
    except GitError as error:
        return f"git add -N {' '.join(names)} failed, and Nix does not see untracked files: {error.words or error}"
    return None


@dataclass(frozen=True)
class Repository:
    """The git checkout in which a folder lies; paths are relative to the folder."""

    folder: Path

    # -- calls

    def ask(self, what: str, *words: str) -> bytes:
        """Return what git prints; raises GitError with `what` could not be had."""
        done = self._ended(*words)
        if done.returncode:
            raise self._refusal(what, done.stderr)
        return done.stdout

    def fields(self, what: str, *words: str) -> list[str]:
        """Return what git prints between NULs, as names of files are read."""
        return [os.fsdecode(field) for field in self.ask(what, *words).split(b"\0") if field]

    def started(self, *words: str, stderr: int) -> subprocess.Popen[bytes]:
        """Start git with pipes to its input and output; raises NoGitError."""
        off = {**_SETTINGS, **self._drivers}
        options = [word for name, value in off.items() for word in ("-c", f"{name}={value}")]
        return self._start([*options, *words], stderr)

    def _ended(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        process = self.started(*words, stderr=subprocess.PIPE)
        out, err = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def _start(self, words: list[str], stderr: int) -> subprocess.Popen[bytes]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        # The configuration can name another folder as the one whose files git looks at (core.worktree).
        top = checkout_around(self.folder)
        tree = {} if top is None else {"GIT_WORK_TREE": str(top)}
        try:
            return subprocess.Popen(
                ["git", "--no-pager", "-C", str(self.folder), *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**own, **_ENVIRONMENT, **tree},
            )
        except OSError as error:
            raise NoGitError(self.folder, error.strerror or str(error)) from error

    @cached_property
    def _drivers(self) -> dict[str, str]:
        """Filters and hooks have names of their own choice, so what the configuration has of them is switched off by name."""
        fixed = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        asked = ["config", "--null", "--name-only", "--get-regexp", r"^(filter|hook)\."]
        process = self._start([*fixed, *asked], subprocess.PIPE)
        out, err = process.communicate()
        # 1 is said where nothing matches.
        if process.returncode not in {0, 1}:
            raise self._refusal("its configuration cannot be read", err)
        found: dict[str, str] = {}
        for key in {os.fsdecode(name).rpartition(".")[0] for name in out.split(b"\0") if name}:
            if "=" in key:
                raise GitError(
                    f"{self.folder}: the configuration names {key!r}; git can't be told not to run it, since its name has a ="
                )
            found |= {f"{key}.{name}": value for name, value in _DRIVERS[key.partition(".")[0]].items()}
        return found

    def _refusal(self, what: str, words: bytes) -> GitError:
        text = words.decode(errors="replace")
        if "dubious ownership" in text or "unsafe repository" in text:
            return ForeignCheckoutError(self.folder)
        return GitError(f"{self.folder}: {what}", text or "(nothing)")

    # -- names

    def commit(self, name: str) -> str:
        """Return the hexadecimal name of a commit; raises GitError for what names none, or looks like an option."""
        words = ("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
        return _hexadecimal(self.ask(f"{name!r} names no commit", *words).decode().strip())

    def has_commit(self, name: str) -> bool:
        """Say whether a name is known to name a commit; it is not where git refuses."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return self._ended(*words).returncode == 0

    def branch(self) -> str | None:
        """Return the branch that is checked out, None between branches."""
        done = self._ended("symbolic-ref", "--quiet", "--short", "HEAD")
        return done.stdout.decode(errors="replace").rstrip("\n") or None

    def setting(self, name: str) -> str:
        """Return a value of the configuration, as user.name; empty where there is none."""
        return self._ended("config", "--null", "--get", name).stdout.decode(errors="replace").rstrip("\0")

    def prefix(self) -> str:
        """Return the folder's path in its checkout, empty for the top; it ends with a slash."""
        return os.fsdecode(self.ask("it lies in no checkout", "rev-parse", "--show-prefix").removesuffix(b"\n"))

    # -- history

    def merge_base(self, one: str, other: str) -> str:
        """Return the last commit that two have in common."""
        words = ("merge-base", _hexadecimal(one), _hexadecimal(other))
        return _hexadecimal(self.ask(f"{one} has no commit in common with {other}", *words).decode().strip())

    def descends(self, commit: str, ancestor: str) -> bool:
        """Say whether a commit is another one or follows it."""
        done = self._ended("merge-base", "--is-ancestor", _hexadecimal(ancestor), _hexadecimal(commit))
        if done.returncode not in {0, 1}:
            raise self._refusal(f"the history of {commit} cannot be read", done.stderr)
        return done.returncode == 0

    def first_parents(self, head: str) -> list[tuple[str, str | None]]:
        """Return the commits back from `head` along first parents, the oldest first, each with its first parent."""
        words = ("rev-list", "--first-parent", "--parents", "--reverse", _hexadecimal(head), "--")
        lines = self.ask(f"the history of {head} cannot be read", *words).decode().splitlines()
        return [(names[0], names[1] if len(names) > 1 else None) for names in map(str.split, lines)]

    # -- files

    def tree(self, commit: str, *, whole: bool = False) -> dict[str, Entry]:
        """Return path -> entry of a commit: of the folder, or of the whole with paths from the top."""
        words = ["ls-tree", "-r", "-z", *(["--full-tree"] if whole else []), _hexadecimal(commit)]
        found = {}
        for field in self.fields(f"the tree of {commit} cannot be read", *words):
            about, _, path = field.partition("\t")
            mode, _, name = about.split(" ")
            found[path] = Entry(mode, name)
        return found

    def index(self) -> dict[str, Entry]:
        """Return path -> entry of the index."""
        found = {}
        for field in self.fields("the index cannot be read", "ls-files", "-z", "--stage"):
            about, _, path = field.partition("\t")
            mode, name, _ = about.split(" ")
            found[path] = Entry(mode, name)
        return found

    def untracked(self) -> list[str]:
        """Return the files that git does not know and is not told to ignore."""
        return self.fields("untracked files cannot be listed", "ls-files", "-z", "--others", "--exclude-standard")

    def edited(self, commit: str) -> dict[str, str]:
        """Return path -> "A", "M" or "D" for tracked files of the working tree that differ from a commit.

        No filter is run and no end of a line converted: a file that is younger than the index is compared as it lies there.
        So one that has a filter (git-lfs, nbstripout) is known to be unedited as long as the index knows it, and else counts
        as edited. A submodule is edited when anything in it is.
        """
        # The porcelain, `git diff`, would read what is younger as a commit converts it.
        words = ("--raw", "-z", "--no-abbrev", "--no-renames", "--relative", "--ignore-submodules=dirty")
        safe = ("--no-ext-diff", "--no-textconv")
        said = self.fields("changes cannot be read", "diff-index", *words, *safe, _hexadecimal(commit), "--")
        found = {}
        for about, path in zip(said[::2], said[1::2], strict=True):
            old_mode, new_mode, old, new, state = about.removeprefix(":").split(" ")
            if state in "AD":
                found[path] = state
            # Git names no object where it had to read a file.
            elif old_mode != new_mode or set(new) != {"0"} or not self._lies(path, old):
                found[path] = "M"
        index = self.index()
        for path, entry in index.items():
            # Git itself would start another git there, with the configuration of that repository.
            inner = Repository(self.folder / path)
            if entry.mode == SUBMODULE and path not in found and os.path.lexists(inner.folder / ".git"):
                head = inner.commit("HEAD")
                if inner.edited(head) or inner.untracked():
                    found[path] = "M"
        for path, sparse in self._unwatched().items():
            there = os.path.lexists(self.folder / path)
            if path in found or index[path].mode == SUBMODULE or (sparse and not there):
                continue
            if not self._lies(path, index[path].name):
                found[path] = "M" if there else "D"
        return found

    def _unwatched(self) -> dict[str, bool]:
        """Return the files that git was told not to look at; the value is whether they need not be there either."""
        lines = self.fields("the index cannot be read", "ls-files", "-z", "-v")
        return {line[2:]: line[0] in "sS" for line in lines if line[0].islower() or line[0] == "S"}

    def _lies(self, path: str, name: str) -> bool:
        """Return whether the file, or the link, that lies in the working tree is the object of that name, unconverted."""
        place = self.folder / path
        try:
            if place.is_symlink():
                data = os.fsencode(place.readlink())
                return _digest(name, len(data), io.BytesIO(data)) == name
            if not place.is_file():
                return False
            with place.open("rb") as file:
                return _digest(name, os.fstat(file.fileno()).st_size, file) == name
        except OSError:
            return False

    def differences(self, commit: str, parent: str | None) -> list[Difference]:
        """Return what differs between a commit and its parent (None: nothing), in git's order."""
        said = self.fields(
            f"the files of {commit} cannot be read", *_between(commit, parent, "--raw", "--no-abbrev", "-z")
        )
        found = []
        for about, path in zip(said[::2], said[1::2], strict=True):
            old_mode, new_mode, old, new, state = about.removeprefix(":").split(" ")
            found.append(Difference(path, state, Entry(old_mode, old), Entry(new_mode, new)))
        return found

    def patch(self, commit: str, parent: str | None) -> bytes:
        """Return the patch from a commit's parent (None: nothing) to it, without context, in the order of the differences."""
        return self.ask(f"the patch of {commit} cannot be read", *_between(commit, parent, "--patch", "--unified=0"))

    def objects(self) -> "Objects":
        """Return a reader of objects, which is closed at the end of a `with`."""
        return Objects(self)


class Objects:
    """The contents of objects as git keeps them, from one process."""

    def __init__(self, repository: Repository) -> None:
        self.folder = repository.folder
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = repository.started("cat-file", "--batch", stderr=self._words.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._words.close()

    def read(self, name: str) -> bytes:
        """Return the content of the object with a hexadecimal name; raises GitError for one that is not there."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None  # noqa: S101 - pipes were asked for
        assert answers is not None  # noqa: S101
        try:
            asked.write(f"{_hexadecimal(name)}\n".encode())
            asked.flush()
        except BrokenPipeError:
            pass
        else:
            head = answers.readline().split()
            if head[-1:] == [b"missing"]:
                raise GitError(
                    f"{self.folder} does not have the object {name}, as it is a partial clone, perhaps; 'git fetch --refetch' brings all"
                )
            if head and len(data := answers.read(int(head[2]) + 1)) == int(head[2]) + 1:
                return data[:-1]
        self._process.wait()
        self._words.seek(0)
        what = f"{self.folder}: the object {name} cannot be read"
        raise GitError(what, self._words.read().decode(errors="replace") or "(nothing)")

    def text(self, entry: Entry) -> str:
        """Return a file's text, empty for what is not there and for a submodule, whose commit is elsewhere."""
        if entry.mode == SUBMODULE or set(entry.name) == {"0"}:
            return ""
        return self.read(entry.name).decode(errors="replace")

    def commit(self, name: str) -> Commit:
        """Return what a commit says of itself; raises GitError where that is not what git writes."""
        head = self.read(name).partition(b"\n\n")[0].split(b"\n")
        lines = {key: value for key, _, value in (line.partition(b" ") for line in reversed(head)) if key}
        author, committer = (
            _text(lines.get(key, b""), lines.get(b"encoding", b"utf-8")) for key in (b"author", b"committer")
        )
        seconds = _SECONDS.fullmatch(committer)
        if seconds is None:
            raise GitError(f"{self.folder}: the commit {name} does not say when it was made ({committer!r})")
        return Commit("".join(author.rpartition(">")[:2]) or author, int(seconds[1]))


def _between(commit: str, parent: str | None, *form: str) -> list[str]:
    trees = ["--root"] if parent is None else [_hexadecimal(parent)]
    safe = ["-r", "--no-renames", "--no-commit-id", "--no-ext-diff", "--no-textconv"]
    return ["diff-tree", *safe, *form, *trees, _hexadecimal(commit), "--"]


def _text(data: bytes, encoding: bytes) -> str:
    try:
        return data.decode(encoding.decode("ascii"), "replace")
    except (LookupError, ValueError):
        return data.decode(errors="replace")


def _digest(like: str, size: int, data: IO[bytes]) -> str:
    """Return the name that a blob has where objects have names such as `like`."""
    found = hashlib.sha1(usedforsecurity=False) if len(like) == 40 else hashlib.sha256()  # noqa: PLR2004 - of SHA-1
    found.update(f"blob {size}\0".encode())
    while block := data.read(1 << 20):
        found.update(block)
    return found.hexdigest()


def _hexadecimal(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise GitError(f"{name!r} is no hexadecimal name of an object")
    return name
