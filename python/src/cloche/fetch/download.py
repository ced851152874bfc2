"""Bringing one file from an index or an archive, whole and with the lock's hash, or not at all."""

import re
import shutil
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from cloche.fetch.index import Index
from cloche.fetch.sources import FetchError, Source
from cloche.regular_file import open_regular

CHUNK = 1 << 20  # bytes
TRIES = 3


def download(index: Index, url: str, source: Source, target: Path) -> str:
    """Bring one file to `target`, going on where an earlier try stopped; return its sha256.

    Raise OSError (as all of requests' errors are) when the connection ends before the file does.
    """
    partial = target.with_suffix(".part")
    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    response = index.session().get(url, headers=headers, stream=True)
    if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        # The part is as long as the file, or longer.
        partial.unlink()
        return download(index, url, source, target)
    response.raise_for_status()
    resumed = response.status_code == HTTPStatus.PARTIAL_CONTENT
    expected = int(response.headers.get("Content-Length", 0)) + (have if resumed else 0)
    with partial.open("ab" if resumed else "wb") as file:
        for chunk in response.iter_content(CHUNK):
            file.write(chunk)
    size = partial.stat().st_size
    # A server that does not say how long its answer is leaves only the lock's word.
    if size < (expected or source.size):
        raise OSError(f"the connection ended after {size} of {expected or source.size} bytes")
    digest = file_digest(partial)
    if resumed and digest != source.sha256:
        # What an earlier try left may be of another file; the whole one is judged.
        partial.unlink()
        return download(index, url, source, target)
    partial.replace(target)
    return digest


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
    shutil.copyfile(stored, target)
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
    tried: list[str] = []
    wrong: FetchError | None = None
    origin = "the archive" if archive else "the index"
    for url in [f"{archive.rstrip('/')}/sha256/{source.sha256}"] if archive else index.links(source):
        for _ in range(TRIES):
            try:
                digest = download(index, url, source, target)
            except OSError as error:
                tried.append(f"{type(error).__name__}: {_without_secrets(str(error))}")
                continue
            if digest == source.sha256:
                return target
            # Another index may have the right one.
            wrong = _wrong(source, target, digest, origin)
            break
    if wrong:
        raise wrong
    if tried:
        raise FetchError(f"{source.file}: could not be downloaded from {origin}:\n  " + "\n  ".join(tried))
    raise FetchError(
        f"{source.file}: none of the {index.configured()} answers with a file of this name (and hash) for {source.name};\n"
        "check `pip config list`, or set CLOCHE_SOURCES to an archive made by 'nix run .#vendor'"
    )


def _without_secrets(text: str) -> str:
    return re.sub(r"(https?://)[^/\s'\"]*@", r"\1", text)


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
