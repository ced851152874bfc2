"""HTTP that reads no more of any answer than a manifest may have, whoever asks: our own requests, redirects, and oras.

requests reads the whole body of an answer that is not streamed, and that of every redirect; a server that never ends one
would exhaust this machine.
"""

from typing import Any

import requests

from cloche.image.errors import TooLargeError
from cloche.untrusted.limits import MANIFEST

# Seconds to connect, and between two pieces of an answer.
PATIENCE = (10, 120)


def read_bounded(response: requests.Response, what: str) -> bytes:
    """Read the body of a streamed answer, return it, and leave it where `content` looks; raises TooLargeError."""
    data = b""
    with response:
        for block in response.iter_content(1 << 16):
            data += block
            if len(data) > MANIFEST.bytes:
                raise TooLargeError(what, MANIFEST.bytes)
    response._content = data  # noqa: SLF001 - where `content` looks
    return data


class BoundedSession(requests.Session):
    """A session of which every body that is read at once is bounded, and which waits for nothing for ever."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401 - requests' own
        """Send a request; raises TooLargeError for a body that is read and has too much."""
        streamed = bool(options.get("stream"))
        response = super().send(request, **{**options, "stream": True, "timeout": options.get("timeout") or PATIENCE})
        if not streamed:
            read_bounded(response, f"the answer of {_place(response)}")
        return response

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where an answer leads to; the body of a redirect, which requests is about to read, is bounded too."""
        target = super().get_redirect_target(resp)
        if target:
            read_bounded(resp, f"the redirect of {_place(resp)}")
        return target


def _place(response: requests.Response) -> str:
    return response.url.partition("?")[0]
