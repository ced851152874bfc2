"""Write files and folders of a user: the whole of one or nothing of it, and never through a link.

A file is written to a draft beside it, brought to the disk and renamed. A folder is filled beside the one that is there, and
the two are exchanged. So a reader sees the former one or the new one at any moment, also after `kill -9` or a loss of power.

A link is refused and not followed: where it leads may be somebody else's choice. Pipes, terminals and descriptors that are
open (/dev/stdout) are written to. The mode of what is replaced is kept; what is new has the one that the umask allows.
"""

import ctypes
import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Self

# The recorder of select-tests takes this file and its errors along to where the rest of Cloche is not.
from ..errors import ClocheError, ExitCode  # noqa: TID252

# How drafts are called; and a folder between two renames, where the file system can't exchange two at once.
DRAFT = re.compile(r"\.cloche-new-[0-9a-f]{16}")
_ASIDE = ".cloche-old-"
_OPEN = re.compile(r"/dev/(?:fd/(?P<number>[0-9]+)|(?P<name>stdout|stderr))")
# What a person named wrongly; all else (a full disk, no permission) the environment lacks.
_NAMED = {
    *(errno.EBUSY, errno.EEXIST, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT),
    *(errno.ENOTDIR, errno.ENOTEMPTY),
}
# Of renameat2(2), in fcntl.h.
_EXCHANGE = 2
_AT_FDCWD = -100
_CANNOT_EXCHANGE = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}

# Returns the paths of the files in a folder that may be removed, the first of them last; raises ClocheError for a folder that is
# not to be replaced.
Own = Callable[[Path], Sequence[str]]


class NotWrittenError(ClocheError):
    """A file or folder that could not be written."""

    def __init__(self, path: Path, reason: str, code: int = errno.EINVAL) -> None:
        """Keep the `path`, the `reason`, and the exit code that fits the system's error `code`."""
        super().__init__(f"{path} cannot be written: {reason}.\nThe former one, if any, is unchanged.")
        self.exit_code = ExitCode.BAD_INPUT if code in _NAMED else ExitCode.ENVIRONMENT_LACKS


class Draft:
    """A hidden file beside the one that it is to become, locked by its writer; without `put` nothing is left of it."""

    def __init__(self, target: Path) -> None:
        """Begin a draft; raises NotWrittenError."""
        self.target = target
        with _told(target):
            self.path, self.stream = _draft(target.parent)

    def write(self, data: bytes) -> None:
        """Write more of the file; raises NotWrittenError."""
        with _told(self.target):
            self.stream.write(data)

    def finish(self) -> None:
        """Bring the whole to the disk, with the mode that the target has; raises NotWrittenError."""
        with _told(self.target):
            former = _former(self.target)
            self.stream.flush()
            if former is not None:
                os.fchmod(self.stream.fileno(), stat.S_IMODE(former.st_mode) & 0o777)
            os.fsync(self.stream.fileno())

    def put(self) -> None:
        """Make it the target; raises NotWrittenError."""
        if not self.stream.closed:
            self.finish()
        with _told(self.target):
            self.path.replace(self.target)
            _sync(self.target.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What can't be flushed any more is thrown away.
        with suppress(OSError):
            self.stream.close()
        self.path.unlink(missing_ok=True)


class Part(Draft):
    """A draft with a name, NAME.part, that stays where its writer ends before `put`: a later one goes on with it."""

    def __init__(self, target: Path) -> None:
        """Begin a draft, or go on with the one that is there, when nobody else does; raises NotWrittenError."""
        self.target, self.path = target, target.with_name(f"{target.name}.part")
        with _told(target):
            while True:
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                descriptor = os.open(self.path, flags, 0o666)
                with suppress(OSError):
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Whose turn it was may have put it in its place.
                if self.path.exists() and os.path.samestat(self.path.stat(), os.fstat(descriptor)):
                    break
                os.close(descriptor)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise NotWrittenError(self.path, "it is no regular file")
            self.stream = os.fdopen(descriptor, "r+b", buffering=1 << 20)

    def write(self, data: bytes) -> None:
        """Write more of the file, where a later one finds it; raises NotWrittenError."""
        with _told(self.target):
            self.stream.write(data)
            self.stream.flush()

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return self.stream.seek(0, os.SEEK_END)

    def cut(self, size: int) -> None:
        """Leave out what is behind so many bytes; raises NotWrittenError."""
        with _told(self.target):
            self.stream.truncate(self.stream.seek(size))

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.stream.close()


def file(path: Path, data: bytes | str | Iterable[bytes]) -> None:
    """Write a file, text as UTF-8; raises NotWrittenError."""
    blocks = [data.encode()] if isinstance(data, str) else [data] if isinstance(data, bytes) else data
    if (stream := _stream(path)) is not None:
        with stream:
            stream.writelines(blocks)
        return
    with _told(path):
        _former(path)
        remove_stale(path.parent)
    with Draft(path) as draft:
        for block in blocks:
            draft.write(block)
        draft.put()


def appending(path: Path) -> int:
    """Return a descriptor that appends to a file, a new or a former one; raises NotWrittenError.

    For journals, of which each line is to outlive what comes after it.
    """
    with _told(path):
        _former(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(path, flags, 0o666)


def files(wanted: Mapping[Path, bytes]) -> None:
    """Write files that belong together: all are on the disk before the first is put in its place, in their order.

    Raises NotWrittenError.
    """
    for folder, path in {path.parent: path for path in wanted}.items():
        with _told(path):
            remove_stale(folder)
    with ExitStack() as stack:
        drafts = []
        for path, data in wanted.items():
            drafts.append(stack.enter_context(Draft(path)))
            drafts[-1].write(data)
            drafts[-1].finish()
            # There may be more of them than a process may have open files.
            drafts[-1].stream.close()
        for draft in drafts:
            draft.put()


def folder(path: Path, wanted: Mapping[str, bytes], own: Own) -> None:
    """Put a folder with the `wanted` files (by their paths in it) at `path`; what in the former one is not its own stays.

    Raises ClocheError, and what `own` raises.
    """
    with _told(path):
        path = path.parent.resolve() / path.name if path.name not in {"", ".."} else path.resolve()
        with _turn(path.parent) as alone:
            _replace(path, wanted, own, alone=alone)


def _replace(path: Path, wanted: Mapping[str, bytes], own: Own, *, alone: bool) -> None:
    aside = path.with_name(f"{_ASIDE}{path.name}")
    if aside.is_dir() and not os.path.lexists(path):
        # A call was killed between its two renames.
        aside.rename(path)
    there = _is_replaceable(path)
    names = own(path) if there else []
    kept = sorted({*_below(path)}.difference(names)) if there else []
    _check_places(path, wanted, kept)
    if alone:
        _remove_stale_folders(path, aside, own)
    new = _drafted(path.parent)
    new.mkdir()
    try:
        _fill(new, wanted, path, kept)
        if there:
            _swap(new, path, aside)
        else:
            new.rename(path)
        _sync(path.parent)
    except BaseException:
        # All that is in it is new, or lies in the former one, too.
        shutil.rmtree(new, ignore_errors=True)
        raise
    if there:
        with suppress(OSError):
            _discard(aside, path, names)
        if os.path.lexists(aside):
            raise ClocheError(
                f"{path} is written, but what came into the former one meanwhile is in {aside} now; move it from there"
            )


def remove_stale(folder: Path) -> None:
    """Remove the drafts in a folder whose writers were killed: the system has taken back their locks."""
    for path in folder.iterdir():
        if DRAFT.fullmatch(path.name):
            with suppress(OSError):
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    if stat.S_ISREG(os.fstat(descriptor).st_mode):
                        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        path.unlink()
                finally:
                    os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotWrittenError(path, error.strerror or str(error), error.errno or errno.EIO) from error


def _drafted(folder: Path) -> Path:
    return folder / f".cloche-new-{secrets.token_hex(8)}"


def _draft(folder: Path) -> tuple[Path, IO[bytes]]:
    """Make a locked draft; another one where somebody cleared it away between its making and its locking."""
    while True:
        path = _drafted(folder)
        # As mkstemp does, but with the mode that the umask and the folder's own rules make of 0666.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        # Where the file system knows no locks, no draft is taken for a stale one either.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return path, os.fdopen(descriptor, "wb", buffering=1 << 20)
        os.close(descriptor)


@contextmanager
def _turn(folder: Path) -> Iterator[bool]:
    """Wait until nobody else replaces something in a folder; yields whether that is sure: some file systems know no locks."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        alone = False
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            alone = True
        yield alone
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stream(path: Path) -> IO[bytes] | None:
    """Return a stream to what is no file but takes bytes: a pipe, a terminal, a descriptor that is open; else None."""
    if found := _OPEN.fullmatch(os.fspath(path)):
        number = int(found["number"]) if found["number"] else {"stdout": 1, "stderr": 2}[found["name"]]
        return os.fdopen(os.dup(number), "wb")
    try:
        kind = path.lstat().st_mode
    except OSError:
        return None
    return path.open("wb") if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind) else None


def _former(path: Path) -> os.stat_result | None:
    """Return what is known of the file at a place, None where there is none; raises for what is not to be replaced."""
    found = _unlinked(path)
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise NotWrittenError(path, "it is no regular file")
    return found


def _is_replaceable(path: Path) -> bool:
    """Return whether there is a folder to replace; raises for what is not to be replaced."""
    found = _unlinked(path)
    if found is None:
        return False
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if Path.cwd().is_relative_to(path):
        raise NotWrittenError(path, "it is replaced as a whole, and you stand in it; stand elsewhere")
    return True


def _unlinked(path: Path) -> os.stat_result | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):
        reason = f"it is a link to {path.readlink()}, and nothing is written through links; name that place itself, or remove the link"
        raise NotWrittenError(path, reason)
    return found


def _below(folder: Path) -> list[str]:
    """Return the paths of all files in a folder, and of its empty folders; raises OSError where it can't be read."""
    found = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        below = _below(Path(entry.path)) if entry.is_dir(follow_symlinks=False) else []
        found += [f"{entry.name}/{name}" for name in below] or [entry.name]
    return found


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _check_places(path: Path, wanted: Mapping[str, bytes], kept: Iterable[str]) -> None:
    """Raise NotWrittenError where what stays in a folder is in the way of a new file."""
    folders = {str(parent) for name in wanted for parent in Path(name).parents}
    for name in kept:
        above = {str(parent) for parent in Path(name).parents}
        if name in wanted or above & wanted.keys() or (name in folders and not _is_folder(path / name)):
            raise NotWrittenError(path, f"{name} in it is not of the former one, and in the way; move it elsewhere")


def _fill(new: Path, wanted: Mapping[str, bytes], path: Path, kept: Iterable[str]) -> None:
    """Write the files of a folder to the disk, and give it what stays of the one that it replaces."""
    for name, data in wanted.items():
        target = new / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    for name in kept:
        source, target = path / name, new / name
        folder = target if _is_folder(source) else target.parent
        folder.mkdir(parents=True, exist_ok=True)
        if not _is_folder(source):
            os.link(source, target, follow_symlinks=False)
    for inner, _, _ in os.walk(new, topdown=False):
        _sync(Path(inner))
        if _is_folder(former := path / Path(inner).relative_to(new)):
            shutil.copymode(former, inner)


def _swap(new: Path, path: Path, aside: Path) -> None:
    """Put a folder in the place of another, and that one aside: at once, or by two renames where the file system can't."""
    if os.path.lexists(aside):
        raise NotWrittenError(path, f"{aside} is there, left by a call that was killed; move it elsewhere")
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None:
        # By the name that tells a later call that it is whole.
        new.rename(aside)
        if rename(_AT_FDCWD, os.fsencode(aside), _AT_FDCWD, os.fsencode(path), _EXCHANGE) == 0:
            return
        code = ctypes.get_errno()
        aside.rename(new)
        if code not in _CANNOT_EXCHANGE:
            raise OSError(code, os.strerror(code))
    path.rename(aside)
    try:
        new.rename(path)
    except BaseException:
        aside.rename(path)
        raise


def _remove_stale_folders(path: Path, aside: Path, own: Own) -> None:
    """Remove what killed calls left; of a whole folder only what is its own or lies at `path`, too."""
    for left in path.parent.iterdir():
        if DRAFT.fullmatch(left.name) and _is_folder(left):
            shutil.rmtree(left, ignore_errors=True)
    if _is_folder(aside):
        with suppress(OSError, ClocheError):
            # Where the list of what was its own is gone already, there may be empty folders left.
            _discard(aside, path, [])
            _discard(aside, path, own(aside))


def _discard(folder: Path, path: Path, names: Sequence[str]) -> None:
    """Remove what in a folder is named or lies in the folder `path`, too, then the folders that are empty."""
    # Of what is there: the way to a name may be a link by now.
    below = dict.fromkeys(_below(folder))
    both = [name for name in below if _same(folder / name, path / name)]
    for inner, _, _ in os.walk(folder):
        Path(inner).chmod(0o700)
    for name in dict.fromkeys((*both, *(name for name in reversed(names) if name in below))):
        if not _is_folder(folder / name):
            (folder / name).unlink()
    for inner, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            Path(inner).rmdir()


def _same(one: Path, other: Path) -> bool:
    return os.path.lexists(other) and os.path.samestat(one.lstat(), other.lstat())
