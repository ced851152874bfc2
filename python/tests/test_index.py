"""Indexes over HTTP, from a server on this machine: PEP 691, 700 and 658, credentials, faults."""

import base64
import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cloche.errors import ClocheError
from cloche.lock.index import PipIndex
from cloche.lock.pip_config import PipConfig
from cloche.untrusted.limits import INDEX_PAGE
from conftest import Workplace
from local_index import LocalIndex, metadata_of, sha256

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Server:
    """A server that answers with `pages` (path -> type and body), and keeps what was asked."""

    url: str = ""
    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    password: str = ""

    def serve(self, index: LocalIndex, *, metadata: bool = True) -> None:
        """Answer with all packages of `index`."""
        for name, files in index.files.items():
            self.pages[f"/simple/{name}/"] = (JSON, index.json_page(name, self.url).encode())
            for file, content in files.items():
                self.pages[f"/files/{file}"] = ("application/octet-stream", content)
                text = metadata_of(file, content)
                if metadata and text is not None:
                    self.pages[f"/files/{file}.metadata"] = ("text/plain", text)


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a server on the loopback address."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            expected = "Basic " + base64.b64encode(f"user:{state.password}".encode()).decode()
            if state.password and self.headers.get("Authorization") != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            kind, body = state.pages.get(self.path, ("", b""))
            headers = state.headers.get(self.path, {})
            code = 500 if self.path == "/simple/broken/" else 302 if "Location" in headers else 200 if kind else 404
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def index(server: Server, tmp_path: Path) -> PipIndex:
    """Return an index that asks the server."""
    return PipIndex(PipConfig(index_url=f"{server.url}/simple"), tmp_path / "cache")


def test_sizes_hashes_and_metadata_come_without_the_file(server: Server, index: PipIndex, tmp_path: Path) -> None:
    local = LocalIndex(tmp_path / "index")
    content = local.wheel("alpha", "1.0")
    server.serve(local)
    (file,) = index.files("alpha")
    assert (file.name, file.sha256, file.size) == ("alpha-1.0-py3-none-any.whl", sha256(content), len(content))
    assert index.metadata(file) == metadata_of(file.name, content)
    assert server.asked == ["/simple/alpha/", "/files/alpha-1.0-py3-none-any.whl.metadata"]


def test_a_promised_metadata_that_is_missing_or_wrong(server: Server, index: PipIndex, tmp_path: Path) -> None:
    local = LocalIndex(tmp_path / "index")
    local.wheel("alpha", "1.0")
    server.serve(local, metadata=False)
    (file,) = index.files("alpha")
    assert index.metadata(file) is None
    server.pages["/files/alpha-1.0-py3-none-any.whl.metadata"] = ("text/plain", b"Name: evil\n")
    with pytest.raises(ClocheError, match=r"^alpha-1\.0-py3-none-any\.whl\.metadata is not the file"):
        index.metadata(file)


def test_a_download_is_verified_and_kept(server: Server, index: PipIndex, tmp_path: Path) -> None:
    local = LocalIndex(tmp_path / "index")
    content = local.wheel("alpha", "1.0")
    server.serve(local)
    (file,) = index.files("alpha")
    path = index.download(file, sha256(content))
    assert path == tmp_path / "cache" / "sha256" / sha256(content)
    assert path.read_bytes() == content
    path.write_bytes(b"damaged")
    assert index.download(file, None).read_bytes() == content
    server.pages["/files/alpha-1.0-py3-none-any.whl"] = ("application/octet-stream", b"evil")
    path.unlink()
    with pytest.raises(ClocheError, match=r"^alpha-1\.0-py3-none-any\.whl is not the file that was locked: sha256 "):
        index.download(file, sha256(content))
    assert list(path.parent.iterdir()) == []


def test_no_more_is_read_than_the_index_says(server: Server, index: PipIndex, tmp_path: Path) -> None:
    local = LocalIndex(tmp_path / "index")
    content = local.wheel("alpha", "1.0")
    server.serve(local)
    (file,) = index.files("alpha")
    server.pages["/files/alpha-1.0-py3-none-any.whl"] = ("application/octet-stream", content * 1000)
    with pytest.raises(ClocheError, match=f"sends more than the {len(content)} bytes that are expected"):
        index.download(file, None)
    assert list((tmp_path / "cache/sha256").iterdir()) == []


def test_a_page_has_an_end(server: Server, index: PipIndex) -> None:
    bomb = gzip.compress(bytes(INDEX_PAGE.bytes + 1))
    server.pages["/simple/alpha/"] = (JSON, bomb)
    server.headers["/simple/alpha/"] = {"Content-Encoding": "gzip"}
    with pytest.raises(ClocheError, match=f"sends more than the {INDEX_PAGE.bytes} bytes that are expected"):
        index.files("alpha")
    # Control: what is compressed and small is read.
    server.pages["/simple/alpha/"] = (
        JSON,
        gzip.compress(b'{"meta": {"api-version": "1.0"}, "name": "alpha", "files": []}'),
    )
    with pytest.raises(ClocheError, match=r"^No index has the package 'alpha'"):
        index.files("alpha")


def test_a_compression_that_is_the_file_s_own_is_left_alone(server: Server, index: PipIndex, tmp_path: Path) -> None:
    local = LocalIndex(tmp_path / "index")
    content = local.sdist("alpha", "1.0")
    server.serve(local)
    server.headers["/files/alpha-1.0.tar.gz"] = {"Content-Encoding": "gzip"}
    (file,) = index.files("alpha")
    assert index.download(file, sha256(content)).read_bytes() == content


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("file:///etc/passwd", "leads to /etc/passwd, from http to file, which is not followed"),
        ("/simple/alpha/", "Exceeded maximum allowed redirects"),
    ],
)
def test_redirects_of_an_index(server: Server, index: PipIndex, where: str, reason: str) -> None:
    server.pages["/simple/alpha/"] = (JSON, b"")
    server.headers["/simple/alpha/"] = {"Location": where}
    with pytest.raises(ClocheError, match=reason):
        index.files("alpha")
    assert len(server.asked) <= 11


def test_credentials_of_the_url_are_used_and_never_shown(server: Server, tmp_path: Path) -> None:
    local = LocalIndex(tmp_path / "index")
    local.wheel("alpha", "1.0")
    server.serve(local)
    server.password = "secret"  # noqa: S105 - a test's own
    with_password = server.url.replace("//", "//user:secret@")
    index = PipIndex(PipConfig(index_url=f"{with_password}/simple"), tmp_path / "cache")
    (file,) = index.files("alpha")
    assert index.download(file, None).is_file()
    wrong = PipIndex(PipConfig(index_url=f"{server.url.replace('//', '//user:wrong@')}/simple"), tmp_path / "cache")
    with pytest.raises(ClocheError) as caught:
        wrong.files("alpha")
    assert "wrong" not in caught.value.message
    assert "status 401" in caught.value.message


def test_faults(server: Server, index: PipIndex) -> None:
    with pytest.raises(ClocheError, match=r"^No index has the package 'alpha'"):
        index.files("alpha")
    with pytest.raises(ClocheError) as caught:
        index.files("broken")
    assert caught.value.message.startswith(f"The index at {server.url}/simple/broken/ cannot be used: status 500.\n")


def test_find_links_may_be_a_page(server: Server, tmp_path: Path) -> None:
    local = LocalIndex(tmp_path / "index")
    content = local.wheel("alpha", "1.0")
    server.serve(local)
    page = f'<a href="files/alpha-1.0-py3-none-any.whl#sha256={sha256(content)}">alpha</a><a>no address</a>'
    server.pages["/wheels.html"] = ("text/html", page.encode())
    config = PipConfig(no_index=True, find_links=(f"{server.url}/wheels.html", str(tmp_path / "nowhere")))
    (file,) = PipIndex(config, tmp_path / "cache").files("alpha")
    assert (file.url, file.sha256) == (f"{server.url}/files/alpha-1.0-py3-none-any.whl", sha256(content))


def test_the_whole_command_over_http(workplace: Workplace, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    content = workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    server.serve(workplace.index)
    server.password = "secret"  # noqa: S105 - a test's own
    monkeypatch.setenv("PIP_INDEX_URL", server.url.replace("//", "//user:secret@") + "/simple")
    package = workplace.environment()["packages"]["alpha"]
    assert (package["sha256"], package["size"]) == (sha256(content), len(content))
    assert "secret" not in (workplace.directory / "cloche.lock").read_text()


def test_a_version_on_two_indexes_has_the_files_of_the_main_one(
    workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partial mirror as an extra index must not hide the wheels of the main index."""
    partial = LocalIndex(tmp_path / "partial")
    for index, tags in ((workplace.index, ("x86_64", "aarch64")), (partial, ("x86_64",))):
        for tag in tags:
            index.wheel("alpha", "1.0", tag=f"cp311-cp311-manylinux_2_28_{tag}")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", partial.url)
    workplace.project('dependencies = ["alpha"]')
    packages = workplace.environment("--system", "aarch64-linux", system="aarch64-linux")["packages"]
    assert packages["alpha"]["file"] == "alpha-1.0-cp311-cp311-manylinux_2_28_aarch64.whl"
