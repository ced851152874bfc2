"""A registry of one image on the loopback device, so that podman, docker and skopeo take only what they lack.

These programs load a whole tar from their standard input, whatever they have already; from a registry they ask for
each blob by its digest and skip those that they know. So the image is offered as a registry would offer it, for as
long as one command runs, and a layer is made from the store when it is asked for.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cloche.errors import ClocheError
from cloche.image.manifest import CONFIG_TYPE, MANIFEST_TYPE, digest_of
from cloche.image.read import Image, Stream


class Offer(ThreadingHTTPServer):
    """The server; `sent` lists the names of the layers that were asked for, `failures` what went wrong on the way."""

    daemon_threads = True

    def __init__(self, image: Image) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.image = image
        self.sent: list[str] = []
        self.failures: list[ClocheError] = []

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own types
        """Say nothing of a client that went away: it tells why."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def sent_layers(self) -> list[str]:
        """The names of the layers that were asked for, in the image's order."""
        return [layer.name for layer in self.image.layers if layer.name in self.sent]

    @property
    def reference(self) -> str:
        """What a client on this machine calls the image."""
        return f"127.0.0.1:{self.server_port}/{self.image.name}:{self.image.tag}"


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of the distribution specification's manifests and blobs."""

    server: Offer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        """Say nothing: the client speaks to the user."""

    def _answer(self, *, body: bool) -> None:
        image = self.server.image
        path = self.path.partition("?")[0]
        kind, _, name = path.removeprefix(f"/v2/{image.name}/").partition("/")
        if path in {"/v2/", "/v2"}:
            self._whole("application/json", b"{}", body=body)
        elif kind == "manifests" and name in {image.tag, image.digest}:
            self._whole(MANIFEST_TYPE, image.manifest, body=body)
        elif kind == "blobs" and name == digest_of(image.config):
            self._whole(CONFIG_TYPE, image.config, body=body)
        elif kind == "blobs" and (found := [layer for layer in image.layers if layer.digest == name]):
            self._start("application/octet-stream", found[0].size, found[0].digest)
            if body:
                self._stream(Stream(found[0]))
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _start(self, media_type: str, size: int, digest: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(size))
        self.send_header("Docker-Content-Digest", digest)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.end_headers()

    def _whole(self, media_type: str, data: bytes, *, body: bool) -> None:
        self._start(media_type, len(data), digest_of(data))
        if body:
            self.wfile.write(data)

    def _stream(self, stream: Stream) -> None:
        self.server.sent.append(stream.layer.name)
        # What was not sent whole must not be taken for whole, nor the connection for another answer.
        self.close_connection = True
        try:
            for block in stream:
                self.wfile.write(block)
        except ClocheError as error:
            self.server.failures.append(error)
        except ConnectionError:
            # The client went away; it says why.
            return


@contextmanager
def offered(image: Image) -> Iterator[Offer]:
    """Serve an image until the block ends."""
    with Offer(image) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
