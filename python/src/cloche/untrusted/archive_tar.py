"""What an sdist in a tar archive must not be, found before it is unpacked; standard library only.

Debian 12's Python has no extraction filters yet, and those let duplicates and colliding names pass. Nothing is written.
The structure is looked at by untrusted/tar_blocks.py, the members here.
"""

import os
import tarfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from cloche.untrusted import tar_blocks
from cloche.untrusted.archive import BrokenError, check_names, check_sizes, told
from cloche.untrusted.archive_limits import SDIST, Limit


def check_tar(path: str | os.PathLike[str], limit: Limit = SDIST) -> list[str]:
    """Return what speaks against unpacking a tar archive (of any compression), one line each.

    Raises OSError when the file cannot be read, and tarfile.TarError or a decompressor's error when it is no archive.
    """
    known = []
    total, packed = 0, Path(path).stat().st_size
    try:
        for block in tar_blocks.members(Path(path)):
            known.append(block)
            total += block.size
            if len(known) > limit.members:
                return [f"it has more than {limit.members} members, the most that are accepted"]
            if problems := check_sizes(total, packed, limit):
                return problems
    except BrokenError as error:
        return [str(error)]
    # It is unpacked by this reader, which must have understood it in the same way.
    members = []
    with tarfile.open(path, encoding="utf-8") as archive:
        for member, block in zip_longest(archive, known):
            if member is None or block is None or (member.name, member.size) != (block.name.rstrip("/"), block.size):
                name = (block or member).name
                return [f"{name!r}: readers of tar archives differ about this member or the one before it"]
            members.append(member)
    return told(_check_members(members, limit))


def _check_members(members: list[tarfile.TarInfo], limit: Limit) -> list[str]:
    # The archive's own top is no folder in it.
    members = [member for member in members if not (member.isdir() and _plain(member.name) in {"", "."})]
    problems = check_names(((_plain(member.name), member.isdir()) for member in members), "build folder", limit)
    # A later member may not be written through a link, so links stand for themselves.
    links = {_plain(member.name): member for member in members if member.issym()}
    files: set[str] = set()
    for member in members:
        name = _plain(member.name)
        if through := next((link for link in _above(name) if link in links), None):
            problems.append(f"{name!r}: it would be written through the symbolic link {through!r}")
        if member.issym():
            if member.linkname.startswith("/") or not _inside(name, member.linkname, links):
                problems.append(f"{name!r}: a symbolic link to {member.linkname!r}, outside of the build folder")
        elif member.islnk():
            if _plain(member.linkname) not in files:
                problems.append(f"{name!r}: a hard link to {member.linkname!r}, which is no file before it")
        elif member.issparse():
            problems.append(f"{name!r}: a sparse file")
        elif not (member.isfile() or member.isdir()):
            problems.append(f"{name!r}: neither a file nor a folder; an sdist holds no devices")
        if not member.isdir() and not member.issym():
            files.add(name)
    return problems


def _plain(name: str) -> str:
    """Return a member's name without the "./" that `tar` itself puts before it."""
    while name.startswith("./"):
        name = name[2:]
    return name


def _above(name: str) -> Iterator[str]:
    """Yield the folders that a path lies in, from the top."""
    parts = name.split("/")
    for depth in range(1, len(parts)):
        yield "/".join(parts[:depth])


def _inside(name: str, target: str, links: dict[str, tarfile.TarInfo]) -> bool:
    """Return whether a symbolic link leads to a place below the archive's top, through other links too."""
    left = [*reversed(target.split("/"))]
    where = name.split("/")[:-1]
    for _ in range(1000):
        if not left:
            return True
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not where:
                return False
            where.pop()
            continue
        where.append(part)
        link = links.get("/".join(where))
        if link is not None:
            if link.linkname.startswith("/"):
                return False
            where.pop()
            left += reversed(link.linkname.split("/"))
    # It goes round in circles.
    return False
