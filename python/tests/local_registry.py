"""A registry that can lie, for tests: a real one never gives other bytes, or a next page on another host.

Blobs, manifests, tags and uploads of the distribution specification 1.1, in memory; the referrers API and a token server on
demand. What real registries do is tested with docker-registry in tests/test_images.py.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LocalRegistry(ThreadingHTTPServer):
    """The server; tests read and change what it holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.requests: list[str] = []
        # What talks to it and is to be closed in the end.
        self.clients: list[Any] = []
        self.referrers_api = False
        # A token that is wanted, and the credentials for which it is given.
        self.token = ""
        self.basic = ""
        # Path -> (status, headers, body): an answer given instead.
        self.instead: dict[str, tuple[int, dict[str, str], bytes]] = {}
        # Paths whose answers never end, each with how much of them was taken.
        self.endless: dict[str, int] = {}
        self.before_put: Callable[[str], None] = lambda _name: None
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """Say nothing when a client goes away: what it says itself is what a test looks at."""

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"


def digest(data: bytes) -> str:
    """Return a digest."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: LocalRegistry
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refused(self) -> bool:
        """Ask for credentials where they are missing."""
        server, given = self.server, self.headers.get("Authorization", "")
        if server.token and given != f"Bearer {server.token}":
            realm = f'Bearer realm="http://{server.host}/token",service="local",scope="repository:demo:pull,push"'
            self.answer(401, Www_Authenticate=realm)
            return True
        if server.basic and not server.token and given != f"Basic {server.basic}":
            self.answer(401, Www_Authenticate='Basic realm="local"')
            return True
        return False

    def do(self) -> None:
        """Answer any request."""
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        server.requests.append(f"{self.command} {path}")
        if path in server.endless:
            self.never_end(path)
        elif path in server.instead:
            status, headers, data = server.instead[path]
            self.answer(status, data, **headers)
        elif path == "/token":
            good = not server.basic or self.headers.get("Authorization") == f"Basic {server.basic}"
            self.answer(200 if good else 401, json.dumps({"token": server.token}).encode() if good else b"")
        elif not self.refused():
            self.serve(path, query, body)

    def never_end(self, path: str) -> None:
        """Answer without an end, until the client goes away or has taken far more than anybody should."""
        status, headers, _ = self.server.instead.get(path, (200, {}, b""))
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        block = bytes(1 << 20)
        while self.server.endless[path] < 1 << 28:
            self.wfile.write(block)
            self.server.endless[path] += len(block)

    do_GET = do_HEAD = do_PUT = do_POST = do  # noqa: N815 - http.server's names

    def serve(self, path: str, query: str, body: bytes) -> None:
        """Answer one that is allowed."""
        server = self.server
        kind, name = re.fullmatch(r"/v2/demo/(\w+)/(.*)", path).groups()  # type: ignore[union-attr]
        if self.command == "POST":
            self.answer(202, Location="/v2/demo/blobs/uploads/1?state=x")
        elif self.command == "PUT" and kind == "blobs":
            wanted = query.partition("digest=")[2].replace("%3A", ":")
            good = digest(body) == wanted
            if good:
                server.blobs[wanted] = body
            self.answer(201 if good else 400, b"" if good else b"DIGEST_INVALID")
        elif self.command == "PUT":
            server.before_put(name)
            media_type = self.headers["Content-Type"]
            server.manifests[digest(body)] = server.manifests[name] = (media_type, body)
            subject = json.loads(body).get("subject")
            more = {"OCI-Subject": subject["digest"]} if subject and server.referrers_api else {}
            self.answer(201, **more)
        elif kind == "blobs":
            found = server.blobs.get(name)
            self.answer(404) if found is None else self.answer(200, found)
        elif kind == "manifests":
            entry = server.manifests.get(name)
            self.answer(404) if entry is None else self.answer(200, entry[1], Content_Type=entry[0])
        elif kind == "tags":
            tags = sorted(tag for tag in server.manifests if ":" not in tag)
            self.answer(200, json.dumps({"name": "demo", "tags": tags}).encode())
        elif kind == "referrers" and server.referrers_api:
            self.answer(200, json.dumps({"manifests": self.referrers(name)}).encode())
        else:
            self.answer(404, b"404 page not found")

    def referrers(self, subject: str) -> list[dict[str, Any]]:
        """Return the descriptors of what refers to a digest."""
        found = []
        for name, (media_type, body) in self.server.manifests.items():
            value = json.loads(body)
            if name.startswith("sha256:") and value.get("subject", {}).get("digest") == subject:
                found.append(
                    {"mediaType": media_type, "digest": name, "size": len(body), "artifactType": value["artifactType"]}
                )
        return found
