"""Package indexes, as pip sees them: PEP 503 (HTML), PEP 691 (JSON), folders and pages of links."""

import hashlib
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock as Mutex
from typing import Any, Protocol

from cloche.errors import MISSHAPEN, ClocheError, ExitCode
from cloche.fetch.session import REDIRECTS, AnswerError, Deadline, check_redirect, place
from cloche.lock.names import name_and_version
from cloche.lock.pip_config import PipConfig
from cloche.store import write
from cloche.untrusted import strict_json
from cloche.untrusted.limits import INDEX_PAGE, WHEEL

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
# What says how a body was sent, and not what it is.
_TRANSFER = {"content-encoding", "content-length", "transfer-encoding"}
_NOT_FOUND = {403, 404, 410}


def index_unreachable(where: str, reason: str) -> ClocheError:
    """Return the error of an index that gives no answer, or no usable one."""
    return ClocheError(
        f"The index at {where} cannot be used: {reason}.\n"
        "Check the network, and the index-url, extra-index-url, find-links, cert and proxy that\n"
        "`pip config list` shows.",
        ExitCode.ENVIRONMENT_LACKS,
    )


def hash_mismatch(file: str, expected: str, found: str, where: str) -> ClocheError:
    """Return the error of a file whose content is not what the lock says."""
    return ClocheError(
        f"{file} is not the file that was locked: sha256 {found}\n"
        f"from {where},\n"
        f"but expected {expected}.\n"
        "Somebody replaced it, or the lock was edited. Ask who runs the index; only then lock again."
    )


def not_on_index(name: str, file: str, listed: Iterable[str]) -> ClocheError:
    """Return the error of a locked file that the index does not list any more."""
    names = sorted(listed)
    shown = ", ".join(names[-5:]) or "nothing"
    return ClocheError(
        f"No index lists {file} of {name!r}; among the {len(names)} files listed are: {shown}.\n"
        "Add the index that has it to pip's configuration, or lock again with --upgrade."
    )


@dataclass(frozen=True, kw_only=True)
class IndexFile:
    """One file on an index: `sha256`, `size` and `metadata_sha256` are None where it does not say."""

    name: str
    url: str
    shown_url: str
    sha256: str | None = None
    size: int | None = None
    has_metadata: bool = False
    metadata_sha256: str | None = None


class Index(Protocol):
    """Where files and what is said about them come from."""

    def files(self, name: str) -> tuple[IndexFile, ...]:
        """Return all files of the package `name`; raises ClocheError."""

    def metadata(self, file: IndexFile) -> bytes | None:
        """Return the METADATA beside the file (PEP 658), or None when the index has none."""

    def download(self, file: IndexFile, sha256: str | None) -> Path:
        """Return the path of the file's verified content; raises ClocheError."""


class PipIndex:
    """All indexes and links of pip's configuration, by the library `unearth`."""

    def __init__(self, config: PipConfig, cache: Path) -> None:
        """Use `config`, and keep downloads in the folder `cache` as sha256/<hexadecimal>."""
        from unearth.auth import MultiDomainBasicAuth  # noqa: PLC0415 - heavy
        from unearth.fetchers import PyPIClient  # noqa: PLC0415 - heavy

        indexes = (
            []
            if config.no_index
            else [_slash(config.index_url or default_index()), *map(_slash, config.extra_index_urls)]
        )
        self._indexes = indexes
        self._links = list(config.find_links)
        self._cache = cache
        self._pages: dict[str, tuple[IndexFile, ...]] = {}
        self._link_files: list[IndexFile] | None = None
        self._mutex = Mutex()
        self._session = PyPIClient(
            trusted_hosts=config.trusted_hosts,
            verify=ssl.create_default_context(cafile=config.cert) if config.cert else True,
            cert=config.client_cert,
            timeout=config.timeout,
            follow_redirects=True,
            max_redirects=REDIRECTS,
            event_hooks={"response": [_refuse_redirects]},
            proxy=config.proxy,
        )
        self._session.auth = MultiDomainBasicAuth(prompting=False, index_urls=indexes)

    def files(self, name: str) -> tuple[IndexFile, ...]:
        """See `Index.files`."""
        if name not in self._pages:
            found = [file for index in self._indexes for file in self._page(f"{index}{name}/")]
            found.extend(self._linked(name))
            if not found:
                raise ClocheError(
                    f"No index has the package {name!r}.\n"
                    "Check the spelling; if it lives on an index of your own, add that one to pip's extra-index-url."
                )
            self._pages[name] = tuple(found)
        return self._pages[name]

    def metadata(self, file: IndexFile) -> bytes | None:
        """See `Index.metadata`."""
        if not file.has_metadata:
            return None
        content = self._get(f"{file.url}.metadata")
        if content is None:
            return None
        found = hashlib.sha256(content).hexdigest()
        if file.metadata_sha256 not in {None, found}:
            raise hash_mismatch(f"{file.name}.metadata", str(file.metadata_sha256), found, file.shown_url)
        return content

    def download(self, file: IndexFile, sha256: str | None) -> Path:
        """See `Index.download`."""
        folder = self._cache / "sha256"
        expected = sha256 or file.sha256
        if expected and (kept := folder / expected).is_file() and _sha256(kept) == expected:
            return kept
        folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with write.Draft(folder / "file") as draft:
            for chunk in self._stream(file):
                draft.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            found = digest.hexdigest()
            if expected not in {None, found}:
                raise hash_mismatch(file.name, str(expected), found, file.shown_url)
            if file.size not in {None, size}:
                raise index_unreachable(file.shown_url, f"it sent {size} of {file.size} bytes")
            draft.target = folder / found
            draft.put()
        return folder / found

    def _stream(self, file: IndexFile) -> Iterable[bytes]:
        import httpx2  # noqa: PLC0415 - heavy

        most = WHEEL.bytes if file.size is None else file.size
        try:
            with self._session.stream("GET", file.url, headers={"Accept-Encoding": "identity"}) as response:
                response.raise_for_status()
                # As they are sent: some servers call the file's own compression an encoding.
                yield from _bounded(response.iter_raw(), most, file.url)
        except (httpx2.HTTPError, OSError) as error:
            raise index_unreachable(file.shown_url, _reason(error)) from error

    def _get(self, url: str) -> bytes | None:
        answer = self._answer(url)
        return None if answer is None else bytes(answer.content)

    def _answer(self, url: str) -> Any:  # noqa: ANN401 - unearth's response type is another library's
        import httpx2  # noqa: PLC0415 - heavy
        from unearth.link import Link  # noqa: PLC0415 - heavy

        shown = Link(url).redacted
        try:
            with self._session.stream("GET", url, headers={"Accept": _ACCEPT}) as stream:
                body = b"".join(_bounded(stream.iter_bytes(), INDEX_PAGE.bytes, url))
            headers = [pair for pair in stream.headers.items() if pair[0] not in _TRANSFER]
            answer = httpx2.Response(stream.status_code, headers=headers, content=body, request=stream.request)
        except (httpx2.HTTPError, OSError) as error:
            raise index_unreachable(shown, _reason(error)) from error
        if answer.status_code in _NOT_FOUND:
            return None
        if answer.is_error:
            raise index_unreachable(shown, f"status {answer.status_code}")
        return answer

    def _page(self, url: str) -> list[IndexFile]:
        if url.startswith("file:"):
            url += "index.html"
        answer = self._answer(url)
        if answer is None:
            return []
        return files_of(str(answer.url), answer.content, answer.encoding, answer.headers.get("Content-Type", ""))

    def _linked(self, name: str) -> list[IndexFile]:
        with self._mutex:
            if self._link_files is None:
                self._link_files = [file for link in self._links for file in self._links_at(link)]
        return [file for file in self._link_files if (found := name_and_version(file.name, name)) and found[0] == name]

    def _links_at(self, location: str) -> list[IndexFile]:
        from unearth.link import Link  # noqa: PLC0415 - heavy

        if "://" not in location:
            location = Path(location).absolute().as_uri()
        link = Link(location)
        if not link.is_file:
            return self._page(location)
        if link.file_path.is_dir():
            return [_index_file(Link.from_path(path), path.stat().st_size) for path in sorted(link.file_path.iterdir())]
        return []


def files_of(url: str, content: bytes, encoding: str | None, kind: str) -> list[IndexFile]:
    """Return what a page of an index lists, which was found at `url` as a document of this kind (a media type).

    Raises ClocheError for one that is no such page.
    """
    from unearth.collector import IndexPage, parse_html_page, parse_json_response  # noqa: PLC0415 - heavy
    from unearth.link import Link  # noqa: PLC0415 - heavy

    page = IndexPage(Link(url), content, encoding, kind.lower())
    try:
        if len(content) > INDEX_PAGE.bytes:
            message = f"{len(content)} bytes, where at most {INDEX_PAGE.bytes} are read"
            raise ValueError(message)
        if not page.content_type.startswith("application/vnd.pypi.simple.v1+json"):
            return [_index_file(link) for link in parse_html_page(page)]
        # unearth drops the sizes of PEP 700, and reads what two readers may read differently.
        listed = strict_json.loads(content, what="the page", limit=INDEX_PAGE)["files"]
        sizes = {file["filename"]: size for file in listed if isinstance(size := file.get("size"), int) and size >= 0}
        return [_index_file(link, sizes.get(link.filename)) for link in parse_json_response(page)]
    except (ClocheError, *MISSHAPEN) as error:
        raise index_unreachable(
            page.link.redacted, f"its page is not as PEP 503 or 691 says: {_reason(error)}"
        ) from error


def default_index() -> str:
    """Return pip's own default, taken from the library so that no host stands in this source."""
    from unearth import PackageFinder  # noqa: PLC0415 - heavy

    return str(PackageFinder().sources[0]["url"])


def cache_directory() -> Path:
    """Return the folder for downloads: $XDG_CACHE_HOME/cloche, else ~/.cache/cloche."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "cloche"


def _index_file(link: Any, size: int | None = None) -> IndexFile:  # noqa: ANN401 - unearth.link.Link, imported lazily
    hashes = {name: values[0] for name, values in (link.hash_option or {}).items()}
    metadata = link.dist_info_metadata
    return IndexFile(
        name=link.filename,
        url=link.url_without_fragment,
        shown_url=link.redacted,
        sha256=hashes.get("sha256"),
        size=size,
        has_metadata=bool(metadata),
        metadata_sha256=metadata.get("sha256") if isinstance(metadata, dict) else None,
    )


def _refuse_redirects(response: Any) -> None:  # noqa: ANN401 - unearth's response type is another library's
    if response.has_redirect_location:
        check_redirect(str(response.url), str(response.url.join(response.headers["Location"])))


def _bounded(pieces: Iterable[bytes], most: int, url: str) -> Iterable[bytes]:
    deadline, done = Deadline(most), 0
    for piece in pieces:
        done += len(piece)
        if done > most:
            text = f"{place(url)} sends more than the {most} bytes that are expected"
            raise AnswerError(text)
        yield piece
        deadline.check(url, done)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _slash(url: str) -> str:
    if "://" not in url:
        url = Path(url).absolute().as_uri()
    return url.rstrip("/") + "/"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
