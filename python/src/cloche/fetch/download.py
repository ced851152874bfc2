"""Bringing one file from an index or an archive, whole and with the lock's hash, or not at all."""

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import closing
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

from cloche.fetch.index import Index
from cloche.fetch.session import AnswerError, pieces, place
from cloche.fetch.sources import FetchError, Source
from cloche.store import write
from cloche.untrusted import terminal
from cloche.untrusted.limits import WHEEL
from cloche.untrusted.regular_file import open_regular

CHUNK = 1 << 20  # bytes
TRIES = 3
_RANGE = re.compile(r"bytes (?P<first>[0-9]+)-(?P<last>[0-9]+)/(?P<size>[0-9]+|\*)")


class WrongSizeError(FetchError):
    """A file that has another size than the lock says, and so is another one."""

    def __init__(self, source: Source, size: str, where: str) -> None:
        """Keep the `size` that it has, in words, and `where` it is."""
        wanted = f"the lock says {source.size} bytes" if source.size else f"at most {WHEEL.bytes} bytes are accepted"
        super().__init__(
            f"{source.file}: {where} has a file of {size}, but {wanted};\n"
            "it was not brought. If the file was published again under the same name, which should not happen, look into it\n"
            "before you run 'nix run .#lock -- --upgrade'.",
            1,
        )


def download(index: Index, url: str, source: Source, target: Path) -> str:
    """Bring one file to `target`, going on where an earlier try stopped; return its sha256.

    Never more bytes are read than the lock says. Raise WrongSizeError for a file of another size, and OSError (as all of
    requests' errors are) when the connection ends before the file does, or for an answer to another question.
    """
    before = target.exists()
    with write.Part(target) as part:
        if not before and target.exists() and (digest := file_digest(target)) == source.sha256:
            # Another call brought it, while this one waited for its turn.
            part.path.unlink()
            return digest
        if source.size and part.size > source.size:
            part.cut(0)
        resumed = part.size == source.size > 0 or _bring(index, url, source, part)
        digest = _digest(part)
        if resumed and digest != source.sha256:
            # What an earlier try left may be of another file; the whole one is judged.
            part.cut(0)
            _bring(index, url, source, part)
            digest = _digest(part)
        part.put()
    return digest


def _digest(part: write.Part) -> str:
    part.finish()
    return file_digest(part.path)


def _bring(index: Index, url: str, source: Source, part: write.Part) -> bool:
    """Write the rest of a file; return whether what was there before was of use."""
    have = part.size
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with closing(index.session().get(url, headers=headers, stream=True)) as response:
        if have and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            # The file is shorter than the part: it is another one.
            part.cut(0)
            return _bring(index, url, source, part)
        response.raise_for_status()
        resumed: bool = response.status_code == HTTPStatus.PARTIAL_CONTENT
        if response.status_code not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT} or (resumed and not have):
            text = f"the answer has the status {response.status_code}, which was not asked for"
            raise AnswerError(text)
        start = have if resumed else 0
        expected = _expected(response, source, start, resumed=resumed)
        part.cut(start)
        for chunk in pieces(response, (expected or WHEEL.bytes) - start):
            part.write(chunk)
    size = part.size
    if size < expected:
        text = f"the connection ended after {size} of {expected} bytes"
        raise AnswerError(text)
    return resumed


def _expected(response: Any, source: Source, start: int, *, resumed: bool) -> int:  # noqa: ANN401 - pip's type
    """Compare what an answer says of its size, and of its place in the file, with what is wanted.

    Return the size of the whole file, 0 where neither the lock nor the answer says it.
    """
    # Some servers leave it out, against RFC 9110; the hash then tells a wrong part.
    if told := resumed and response.headers.get("Content-Range"):
        part = _RANGE.fullmatch(told)
        if part is None or int(part["first"]) != start:
            text = f"the answer is the part {told!r}, and 'bytes {start}-' was asked for"
            raise AnswerError(text)
        if source.size and part["size"] not in {"*", str(source.size)}:
            raise WrongSizeError(source, f"{part['size']} bytes", place(response.url))
    # pip's answers from a file system have a number; what is sent in pieces has none.
    length = str(response.headers.get("Content-Length", ""))
    stated = start + int(length) if re.fullmatch("[0-9]+", length) else 0
    if stated and (stated != (source.size or stated) or stated > WHEEL.bytes):
        raise WrongSizeError(source, f"{stated} bytes", place(response.url))
    return source.size or stated


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes in hexadecimal."""
    digest = sha256()
    with open_regular(path) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def copy_from(archive: str, source: Source, target: Path) -> Path:
    """Copy one file out of a folder that `vendor` made."""
    stored = Path(archive, "sha256", source.sha256)
    if not stored.exists():
        raise FetchError(
            f"{source.file} ({source.sha256}) is not in the archive {archive}; make it again with 'nix run .#vendor'"
        )
    try:
        with open_regular(stored) as file, target.open("wb") as copy:
            if (size := os.fstat(file.fileno()).st_size) > (source.size or WHEEL.bytes):
                raise WrongSizeError(source, f"{size} bytes", str(stored))
            shutil.copyfileobj(file, copy, CHUNK)
    except OSError as error:
        raise FetchError(f"{stored}: {error.strerror}") from None
    digest = file_digest(target)
    if digest != source.sha256:
        raise _wrong(source, target, digest, str(stored))
    return target


def fetch_one(index: Index, archive: str, source: Source, folder: Path) -> Path:
    """Bring one file from the archive or the index into `folder`; raise FetchError when it is not what the lock says."""
    target = folder / source.sha256
    if target.exists() and file_digest(target) == source.sha256:
        return target  # by a call that was interrupted
    if archive and "://" not in archive:
        return copy_from(archive, source, target)
    if archive:
        return _first_right(index, [f"{archive.rstrip('/')}/sha256/{source.sha256}"], source, target, "the archive")
    return _first_right(index, index.links(source), source, target, "the index")


def _first_right(index: Index, urls: Iterable[str], source: Source, target: Path, origin: str) -> Path:
    """Bring the file from the first of the addresses that has the right one, or raise FetchError."""
    tried: list[str] = []
    wrong: FetchError | None = None
    for url in urls:
        for _ in range(TRIES):
            try:
                digest = download(index, url, source, target)
            except WrongSizeError as error:
                # Another index may have the right one.
                wrong = error
                break
            except OSError as error:
                tried.append(f"{type(error).__name__}: {terminal.without_passwords(str(error))}")
                continue
            if digest == source.sha256:
                return target
            wrong = _wrong(source, target, digest, origin)
            break
    if wrong:
        raise wrong
    if tried := [*tried, *map(terminal.without_passwords, index.refused())]:
        raise FetchError(f"{source.file}: could not be downloaded from {origin}:\n  " + "\n  ".join(tried))
    raise FetchError(
        f"{source.file}: none of the {index.configured()} answers with a file of this name (and hash) for {source.name};\n"
        "check `pip config list`, or set CLOCHE_SOURCES to an archive made by 'nix run .#vendor'"
    )


def _wrong(source: Source, file: Path, digest: str, origin: str) -> FetchError:
    """Remove a file that is not what the lock says, and return the error that tells of it."""
    size = file.stat().st_size
    file.unlink()
    return FetchError(
        f"{source.file}: {origin} gave a file of {size} bytes with sha256 {digest},\nbut the lock says "
        f"{source.sha256}; it was not added. If the file was published again under the same name, which should\n"
        "not happen, look into it before you run 'nix run .#lock -- --upgrade'.",
        1,
    )
