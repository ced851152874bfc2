"""What an index may do to a session: lead it elsewhere a few times, and answer with so much, in so long a time.

A session is pip's own (requests, as pip brings it), with the user's proxies, certificates and credentials. Of these,
requests sends none on to another host. Standard library only.
"""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import urljoin, urlsplit

from cloche.untrusted.limits import INDEX_PAGE

CHUNK = 1 << 18  # bytes
REDIRECTS = 10
# Seconds for the least of answers, and bytes a second that a larger one comes with at least. Slower lines than any
# modem's, and fast enough that a trickle ends.
PATIENCE = 120
PACE = 20_000


class AnswerError(OSError):
    """An answer that is not what was asked for; an OSError, as all of requests' errors are."""


def guard(session: Any) -> Any:  # noqa: ANN401 - the type is pip's, or requests'
    """Return the session, which now refuses redirects to less safe places and reads no page without an end."""
    target, send = session.get_redirect_target, session.send

    def redirect_target(response: Any) -> str | None:  # noqa: ANN401
        found: str | None = target(response)
        if found:
            check_redirect(response.url, urljoin(response.url, found))
            _read_whole(response)
        return found

    def bounded(request: Any, **options: Any) -> Any:  # noqa: ANN401
        streamed = options.get("stream")
        response = send(request, **{**options, "stream": True})
        if not streamed:
            _read_whole(response)
        return response

    def refused(response: Any, *_: Any, **__: Any) -> None:  # noqa: ANN401
        # pip reads the body of these before it asks again with credentials.
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            _read_whole(response)

    session.hooks["response"].append(refused)
    session.max_redirects = REDIRECTS
    session.get_redirect_target = redirect_target
    session.send = bounded
    return session


def check_redirect(old: str, new: str) -> None:
    """Raise AnswerError for a redirect from one address to another that is less safe."""
    one, other = urlsplit(old).scheme, urlsplit(new).scheme
    if other not in {"http", "https"} or (one == "https" and other != "https"):
        text = f"{place(old)} leads to {place(new)}, from {one} to {other}, which is not followed"
        raise AnswerError(text)


def pieces(response: Any, size: int) -> Iterator[bytes]:  # noqa: ANN401
    """Yield the bytes of an answer as they are sent, whatever they are called; `size` is how many are expected.

    Raises OSError when the connection breaks, and AnswerError for one byte more, or when the time is over.
    """
    deadline = Deadline(size)
    # One read of the socket each, so that a trickle is noticed; decoding is left out, since a name of a compression is
    # sometimes that of the file itself, and sometimes an explosive.
    stream = getattr(response.raw, "_fp", response.raw)
    done = 0
    try:
        while chunk := stream.read1(CHUNK):
            done += len(chunk)
            if done > size:
                text = f"{place(response.url)} sends more than the {size} bytes that are expected"
                raise AnswerError(text)
            yield chunk
            deadline.check(response.url, done)
    except HTTPException as error:
        raise AnswerError(str(error) or type(error).__name__) from error


class Deadline:
    """When `size` bytes must have come, counted from now."""

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Start the time."""
        self._clock, self._seconds = clock, PATIENCE + size / PACE
        self._end = clock() + self._seconds

    def check(self, url: str, done: int) -> None:
        """Raise AnswerError when the time is over."""
        if self._clock() > self._end:
            text = f"{place(url)} has sent {done} bytes in {round(self._seconds)} s, and is not waited for any longer"
            raise AnswerError(text)


def place(url: str) -> str:
    """Return an address without credentials and without what is asked of it, which can hold others."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else parts.path


def _read_whole(response: Any) -> None:  # noqa: ANN401
    """Read a body into memory, decoded, and leave it where requests' `content` looks."""
    if response._content is not False:  # noqa: SLF001 - where `content` looks
        return
    data, deadline = bytearray(), Deadline(INDEX_PAGE.bytes)
    with response:
        # A piece of what is compressed is at most a thousand times larger.
        for chunk in response.iter_content(1 << 16):
            data += chunk
            deadline.check(response.url, len(data))
            if len(data) > INDEX_PAGE.bytes:
                text = f"{place(response.url)} answers with more than {INDEX_PAGE.bytes} bytes"
                raise AnswerError(text)
    response._content = bytes(data)  # noqa: SLF001
    response._content_consumed = True  # noqa: SLF001
