"""Downloads from servers on this machine that lie, trickle, lead elsewhere or never end, over real sockets.

The whole of `fetch`, with pip's session and a store: tests/test_fetch.py.
"""

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from cloche.fetch import session as guarded
from cloche.fetch.download import WrongSizeError, copy_from, download, fetch_one
from cloche.fetch.session import AnswerError, Deadline, guard
from cloche.fetch.sources import FetchError, Source
from cloche.untrusted.limits import INDEX_PAGE

DATA = bytes(range(256)) * 400
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """A server whose answers are functions by path, and the requests that it was sent."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)


def start(state: Server) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append({"path": self.path, **dict(self.headers)})
            self.close_connection = True
            try:
                state.answers[self.path](self)
            except OSError:
                # The client has gone.
                return

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a server on the loopback address."""
    state = Server()
    httpd = start(state)
    yield state
    httpd.shutdown()
    httpd.server_close()


class Index:
    """An index with one address for everything, and a session like pip's."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls
        self.opened = guard(requests.Session())
        self.opened.trust_env = False

    def session(self) -> Any:  # noqa: ANN401 - as in cloche.fetch.index
        """Return the session."""
        return self.opened

    def links(self, _: Source) -> Iterator[str]:
        """Yield the addresses."""
        yield from self.urls

    def refused(self) -> list[str]:
        """Return nothing, since there are no pages."""
        return []

    def configured(self) -> str:
        """Return what is told where no address has the file."""
        return "1 index"


def answer(body: bytes = DATA, status: int = 200, *, length: int | None = -1, **headers: str) -> Answer:
    """Return an answer; a `length` of -1 is the right one, and None is left out."""

    def give(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if length is not None:
            handler.send_header("Content-Length", str(len(body) if length == -1 else length))
        handler.end_headers()
        handler.wfile.write(body)

    return give


def ranged(body: bytes = DATA, **headers: str) -> Answer:
    """Return an answer that has the part which is asked for."""

    def give(handler: BaseHTTPRequestHandler) -> None:
        first = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-")) if "Range" in handler.headers else 0
        said = {"Content_Range": f"bytes {first}-{len(body) - 1}/{len(body)}"} | headers
        answer(body[first:], 206 if first else 200, length=-1, **(said if first else {}))(handler)

    return give


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Answer without an end, and without saying how much."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(1 << 16))


def source(data: bytes = DATA) -> Source:
    return Source("one", "1.0", "one-1.0-py3-none-any.whl", sha256(data).hexdigest(), len(data))


def brought(url: str, folder: Path, part: bytes | None = None) -> str:
    """Download into `folder`, where `part` was left by an earlier call; only the whole file or a part stays."""
    target = folder / "target"
    if part is not None:
        target.with_suffix(".part").write_bytes(part)
    try:
        return download(Index(), url, source(), target)  # type: ignore[arg-type]
    finally:
        left = {path.name: path.stat().st_size for path in folder.iterdir()}
        assert left.keys() <= {"target", "target.part"}
        assert all(size <= len(DATA) for size in left.values())


RIGHT = source().sha256


@pytest.mark.parametrize("part", [None, b"", DATA[:1000], DATA, DATA + b"more", b"other" * 10, b"x" * len(DATA)])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_is_whole_whatever_was_left(server: Server, tmp_path: Path, part: bytes | None, ranges: bool) -> None:  # noqa: FBT001
    server.answers["/file"] = ranged() if ranges else answer()
    assert brought(f"{server.url}/file", tmp_path, part) == RIGHT
    assert (tmp_path / "target").read_bytes() == DATA
    assert not (tmp_path / "target.part").exists()
    if part == DATA:
        assert server.asked == []


@pytest.mark.parametrize("length", [-1, None])
def test_a_file_of_a_size_that_is_not_known(server: Server, tmp_path: Path, length: int | None) -> None:
    """As in a derivation that was written by hand: what the answer says of itself holds."""
    unknown = replace(source(), size=0)
    server.answers["/file"] = answer(length=length)
    assert fetch_one(Index(f"{server.url}/file"), "", unknown, tmp_path).read_bytes() == DATA  # type: ignore[arg-type]
    for path in tmp_path.iterdir():
        path.unlink()
    server.answers["/file"] = answer(DATA[:500], length=len(DATA) if length else None)
    reason = (
        f"the connection ended after 500 of {len(DATA)} bytes" if length else "gave a file of 500 bytes with sha256"
    )
    with pytest.raises(FetchError, match=reason):
        fetch_one(Index(f"{server.url}/file"), "", unknown, tmp_path)  # type: ignore[arg-type]


def test_a_resumed_part_asks_for_the_rest_alone(server: Server, tmp_path: Path) -> None:
    server.answers["/file"] = ranged()
    assert brought(f"{server.url}/file", tmp_path, DATA[:1000]) == RIGHT
    assert [asked["Range"] for asked in server.asked] == ["bytes=1000-"]


@pytest.mark.parametrize(
    ("give", "part", "expected"),
    [
        (answer(status=206, Content_Range=f"bytes 0-{len(DATA) - 1}/{len(DATA)}"), None, "the answer has the status 206, which was not asked for"),
        (answer(status=204, length=None, body=b""), None, "the answer has the status 204, which was not asked for"),
        (ranged(Content_Range="bytes 0-5/6"), DATA[:1000], "the answer is the part 'bytes 0-5/6', and 'bytes 1000-' was asked for"),
        (ranged(Content_Range="pages 1-2/3"), DATA[:1000], "the answer is the part 'pages 1-2/3', and 'bytes 1000-' was asked for"),
        (answer(DATA[:500], length=len(DATA)), None, f"the connection ended after 500 of {len(DATA)} bytes"),
        (answer(DATA[:500], length=None), None, f"the connection ended after 500 of {len(DATA)} bytes"),
        (answer(b"", length=None), None, f"the connection ended after 0 of {len(DATA)} bytes"),
    ],
)  # fmt: skip
def test_answers_to_other_questions(
    server: Server, tmp_path: Path, give: Answer, part: bytes | None, expected: str
) -> None:
    server.answers["/file"] = give
    with pytest.raises(AnswerError) as ended:
        brought(f"{server.url}/file", tmp_path, part)
    assert str(ended.value) == expected
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    ("give", "part", "size"),
    [
        (answer(DATA + b"!"), None, len(DATA) + 1),
        (answer(b"", length=1 << 50), None, 1 << 50),
        (answer(DATA[:10]), None, 10),
        (ranged(Content_Range=f"bytes 1000-{len(DATA)}/{len(DATA) + 1}"), DATA[:1000], len(DATA) + 1),
    ],
)
def test_files_of_another_size(server: Server, tmp_path: Path, give: Answer, part: bytes | None, size: int) -> None:
    server.answers["/file"] = give
    with pytest.raises(WrongSizeError) as ended:
        brought(f"{server.url}/file", tmp_path, part)
    assert str(ended.value).startswith(
        f"one-1.0-py3-none-any.whl: {server.url}/file has a file of {size} bytes, but the lock says {len(DATA)} bytes;\n"
    )
    assert ended.value.code == 1


def test_more_than_the_lock_says_is_not_read(server: Server, tmp_path: Path) -> None:
    server.answers["/file"] = endless
    with pytest.raises(AnswerError, match=rf"/file sends more than the {len(DATA)} bytes that are expected"):
        brought(f"{server.url}/file", tmp_path)


def test_a_name_of_a_compression_changes_no_bytes(server: Server, tmp_path: Path) -> None:
    """Some servers call an sdist, which is compressed, an encoding; decoded, it would be another file."""
    server.answers["/file"] = answer(Content_Encoding="gzip")
    assert brought(f"{server.url}/file", tmp_path) == RIGHT
    bomb = gzip.compress(bytes(1 << 24))
    server.answers["/file"] = answer(bomb, Content_Encoding="gzip")
    with pytest.raises(WrongSizeError):
        brought(f"{server.url}/file", tmp_path)


def test_a_trickle_ends(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte at a time keeps each read of a socket alive; the whole has an end all the same."""
    monkeypatch.setattr(guarded, "PATIENCE", 0)
    monkeypatch.setattr(guarded, "PACE", len(DATA) * 2)

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        for byte in DATA:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(0.02)

    server.answers["/file"] = trickle
    with pytest.raises(AnswerError, match=r"/file has sent \d+ bytes in 0 s, and is not waited for any longer"):
        brought(f"{server.url}/file", tmp_path)
    # What has come is a part like any other.
    server.answers["/file"] = ranged()
    assert brought(f"{server.url}/file", tmp_path) == RIGHT


def test_the_time_is_that_of_the_size() -> None:
    now = [0.0]
    deadline = Deadline(20_000_000, lambda: now[0])
    now[0] = 1120.0
    deadline.check("http://host/file", 5)
    now[0] = 1121.0
    with pytest.raises(
        AnswerError, match=r"^http://host/file has sent 5 bytes in 1120 s, and is not waited for any longer$"
    ):
        deadline.check("http://user:secret@host/file?token=secret", 5)


def test_credentials_stay_with_their_host(server: Server, tmp_path: Path) -> None:
    other = Server()
    httpd = start(other)
    server.answers["/file"] = answer(b"", 302, Location=f"{other.url}/file")
    other.answers["/file"] = answer()
    assert brought(f"{server.url.replace('//', '//reader:secret@')}/file", tmp_path) == RIGHT
    httpd.shutdown()
    httpd.server_close()
    assert "Authorization" in server.asked[0]
    assert "Authorization" not in other.asked[0]
    # Control: on the same host they are sent.
    (tmp_path / "target").unlink()
    server.answers["/file"] = answer(b"", 302, Location="/there")
    server.answers["/there"] = answer()
    assert brought(f"{server.url.replace('//', '//reader:secret@')}/file", tmp_path) == RIGHT
    assert "Authorization" in server.asked[-1]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("https://safe/a", "http://safe/b", "https://safe/a leads to http://safe/b, from https to http, which is not followed"),
        ("https://safe/a", "file:///etc/passwd", "https://safe/a leads to /etc/passwd, from https to file, which is not followed"),
        ("http://u:p@open/a?token=t", "file:///etc/passwd", "http://open/a leads to /etc/passwd, from http to file, which is not followed"),
        ("https://safe/a", "//other/b", None),
        ("https://safe/a", "/b", None),
        ("http://open/a", "https://safe/b", None),
    ],
)  # fmt: skip
def test_redirects_to_less_safe_places(old: str, new: str, expected: str | None) -> None:
    response = requests.Response()
    response.url, response.status_code, response.headers["Location"] = old, 302, new
    response._content = b""  # noqa: SLF001 - as after reading
    session = guard(requests.Session())
    if expected is None:
        assert session.get_redirect_target(response) == new
    else:
        with pytest.raises(AnswerError) as ended:
            session.get_redirect_target(response)
        assert str(ended.value) == expected


def test_redirects_have_an_end(server: Server, tmp_path: Path) -> None:
    server.answers["/file"] = answer(b"", 302, Location="/file")
    with pytest.raises(requests.TooManyRedirects, match="Exceeded 10 redirects"):
        brought(f"{server.url}/file", tmp_path)
    assert len(server.asked) == 11


def test_a_redirect_to_a_file_is_not_followed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "secret").write_bytes(DATA)
    server.answers["/file"] = answer(b"", 302, Location=(tmp_path / "secret").as_uri())
    with pytest.raises(AnswerError, match="from http to file, which is not followed"):
        brought(f"{server.url}/file", tmp_path / "x")


@pytest.mark.parametrize("status", [200, 302, 401])
def test_pages_and_redirects_have_an_end(server: Server, status: int) -> None:
    bomb = gzip.compress(bytes(INDEX_PAGE.bytes + 1))
    server.answers["/page"] = answer(bomb, status, Content_Encoding="gzip", Location="/page")
    session = guard(requests.Session())
    with pytest.raises(AnswerError, match=f"/page answers with more than {INDEX_PAGE.bytes} bytes"):
        session.get(f"{server.url}/page")
    server.answers["/page"] = answer(gzip.compress(b"small"), Content_Encoding="gzip")
    assert session.get(f"{server.url}/page").text == "small"


def test_of_several_addresses_the_right_one_is_taken(server: Server, tmp_path: Path) -> None:
    server.answers |= {
        "/large": endless,
        "/wrong": answer(b"x" * len(DATA)),
        "/size": answer(DATA * 2),
        "/right": answer(),
    }
    urls = [f"{server.url}/{name}" for name in ("size", "wrong", "large", "right")]
    assert fetch_one(Index(*urls), "", source(), tmp_path).read_bytes() == DATA  # type: ignore[arg-type]
    (tmp_path / RIGHT).unlink()
    with pytest.raises(
        FetchError, match=f"/size has a file of {len(DATA) * 2} bytes, but the lock says {len(DATA)}"
    ) as ended:
        fetch_one(Index(urls[0]), "", source(), tmp_path)  # type: ignore[arg-type]
    assert ended.value.code == 1
    with pytest.raises(
        FetchError, match=r"could not be downloaded from the index:\n  AnswerError: .*/large sends more than"
    ):
        fetch_one(Index(urls[2]), "", source(), tmp_path)  # type: ignore[arg-type]


def test_an_archive_in_a_folder_has_files_of_the_right_size_only(tmp_path: Path) -> None:
    stored = tmp_path / "sha256" / RIGHT
    stored.parent.mkdir()
    stored.write_bytes(DATA)
    assert copy_from(str(tmp_path), source(), tmp_path / "target").read_bytes() == DATA
    stored.write_bytes(DATA + b"!")
    with pytest.raises(WrongSizeError, match=f"{RIGHT} has a file of {len(DATA) + 1} bytes, but the lock says"):
        copy_from(str(tmp_path), source(), tmp_path / "target")
    stored.unlink()
    os.mkfifo(stored)
    with pytest.raises(FetchError, match="it is a pipe, and only regular files are read"):
        copy_from(str(tmp_path), source(), tmp_path / "target")


def test_a_kill_in_the_middle_leaves_nothing_that_is_believed(server: Server, tmp_path: Path) -> None:
    gate = threading.Event()

    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        handler.wfile.write(DATA[: len(DATA) // 2])
        handler.wfile.flush()
        gate.wait()

    server.answers["/file"] = half
    script = (
        "import sys; from pathlib import Path; from test_download import Index, source, fetch_one\n"
        "fetch_one(Index(sys.argv[1]), '', source(), Path(sys.argv[2]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-c", script, f"{server.url}/file", str(tmp_path)]
    with subprocess.Popen(command, env=environment) as process:
        part = tmp_path / f"{RIGHT}.part"
        while process.poll() is None and not (part.exists() and part.stat().st_size):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    gate.set()
    assert [path.name for path in tmp_path.iterdir()] == [part.name]
    server.answers["/file"] = ranged()
    assert fetch_one(Index(f"{server.url}/file"), "", source(), tmp_path).read_bytes() == DATA  # type: ignore[arg-type]
    assert server.asked[-1]["Range"].startswith("bytes=")
