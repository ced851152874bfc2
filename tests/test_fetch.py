"""fetch and vendor against indexes, mirrors and archives of all kinds: honest, private, slow, broken and hostile."""

from __future__ import annotations

import base64
import json
import os
import pty
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from conftest import ROOT, Ended, built, nix, run
from machines import OFFLINE, Machine, copy_of, needs_root, temporary

SYSTEM = f"{os.uname().machine}-linux"


@dataclass
class Site:
    """A web server on this machine: what it serves, how it misbehaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    # "user:password", without which nothing is served.
    secret: str = ""
    # How many answers break off after half of the file; how many bytes a second.
    truncated: int = 0
    speed: int = 0
    ranges: list[str] = field(default_factory=list)
    address: str = ""

    def publish(self, name: str, file: str, data: bytes, fragment: str = "") -> None:
        """Add a file to the project's page, in the oldest form that an index may have: HTML with links."""
        self.files[f"/files/{file}"] = data
        page = self.files.get(f"/simple/{name}/", b"<!DOCTYPE html><html><body>\n")
        self.files[f"/simple/{name}/"] = page + f'<a href="../../files/{quote(file)}{fragment}">{file}</a>\n'.encode()

    def parts(self, data: bytes, *, is_page: bool) -> Iterator[tuple[bytes, float]]:
        """Yield what is sent of a page or a file, piece by piece, each with the seconds to wait after it."""
        if not is_page and self.truncated:
            self.truncated -= 1
            data = data[: len(data) // 2]
        step = self.speed // 10 if self.speed and not is_page else len(data) or 1
        for begin in range(0, len(data), step):
            yield data[begin : begin + step], 0.1 if step < len(data) else 0


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    """Return a request handler for the site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            expected = f"Basic {base64.b64encode(site.secret.encode()).decode()}"
            if site.secret and self.headers.get("Authorization") != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="private"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = site.files.get(unquote(self.path))
            if data is None:
                self.send_error(404)
                return
            asked, start = self.headers.get("Range", ""), 0
            if asked:
                site.ranges.append(asked)
                start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206 if asked else 200)
            self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            self.send(data[start:], is_page=self.path.endswith("/"))

        def send(self, data: bytes, *, is_page: bool) -> None:
            try:
                for part, pause in site.parts(data, is_page=is_page):
                    self.wfile.write(part)
                    time.sleep(pause)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def site() -> Iterator[Site]:
    """Return a web server of the test's own."""
    state = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(state))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.address = f"127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Client:
    """A user with an empty store, a lock, and an empty pip configuration; the fetcher is run as fetch.sh runs it."""

    folder: Path
    base: str
    pip: str

    @property
    def lock(self) -> Path:
        """The lock whose files are fetched."""
        return self.folder / "cloche.lock"

    def want(self, *files: tuple[str, str, bytes]) -> None:
        """Write the lock: (project, file, what the file should hold)."""
        packages: dict[str, dict[str, object]] = {
            name: {
                "version": "1.0",
                "file": file,
                "sha256": sha256(data).hexdigest(),
                "size": len(data),
                "dependencies": [],
                "license": None,
            }
            for name, file, data in files
        }
        environment = {"groups": {"default": sorted(packages)}, "packages": packages, "builds": {}}
        self.lock.write_text(json.dumps({"version": 1, "environments": {SYSTEM: {"3.11": environment}}}))

    def command(self, *arguments: str | Path, **more: str) -> list[str]:
        """Return the command line, environment included."""
        environment = {
            "HOME": self.folder,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}/python/src:{self.pip}",
            "CLOCHE_MARKS": self.folder / "marks",
            "NIX_CONFIG": f"{os.environ.get('NIX_CONFIG', '')}\nstore = {self.folder}/store",
            "PIP_CONFIG_FILE": self.folder / "pip.conf",
            "PIP_RETRIES": "0",
            **more,
        }
        own = self.folder / "own.lock"
        own.write_text('{"environments": {}}')
        words: list[str | Path] = ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
        # A toolchain whose compilers are no packages, since an sdist asks for them.
        roles = self.folder / "pins"
        roles.mkdir(exist_ok=True)
        (roles / "cc.json").write_text("[]")
        (roles / "licenses.json").write_text("[]")
        words += [
            f"{self.base}/bin/python3",
            "-m",
            "cloche.fetch",
            "--this-system",
            SYSTEM,
            "--own-lock",
            own,
            "--roles",
            roles,
        ]
        words += ["--lock", self.lock, *arguments]
        return [str(word) for word in words]

    def fetch(self, *arguments: str | Path, **more: str) -> Ended:
        """Run the fetcher to its end."""
        return run(*self.command(*arguments, **more))

    def stored(self) -> list[str]:
        """Return the names of all sources in the store."""
        listed = run("nix", "path-info", "--all", "--store", self.folder / "store")
        return sorted(line.split("-", 1)[1] for line in listed.out.split() if not line.endswith(".drv"))


@pytest.fixture
def client() -> Iterator[Client]:
    """Return a client in a folder of its own."""
    expression = f'let t = import {ROOT}/pkgs/toolchain {{ system = "{SYSTEM}"; }}; in "${{t.base}} ${{t.pip}}"'
    base, pip = nix("eval", "--impure", "--raw", "--expr", expression).out.split()
    with temporary("client") as folder:
        (folder / "pip.conf").touch()
        yield Client(folder, base, pip)


SMALL, LARGE = b"small" * 100, bytes(range(256)) * 4000


def test_a_private_index_by_address_and_by_netrc(client: Client, site: Site) -> None:
    site.secret = "reader:s3cret"  # noqa: S105 - of this test
    site.publish("one", "one-1.0-py3-none-any.whl", SMALL)
    client.want(("one", "one-1.0-py3-none-any.whl", SMALL))
    configuration = client.folder / "pip.conf"
    configuration.write_text(f"[global]\nindex-url = http://reader:wrong@{site.address}/simple\n")
    refused = client.fetch()
    assert refused.code == 3
    assert "wrong" not in refused.err
    assert client.stored() == []
    configuration.write_text(f"[global]\nindex-url = http://reader:s3cret@{site.address}/simple\n")
    assert client.fetch().code == 0
    assert client.stored() == ["one-1.0-py3-none-any.whl"]
    site.publish("two", "two-1.0-py3-none-any.whl", LARGE)
    client.want(("two", "two-1.0-py3-none-any.whl", LARGE))
    configuration.write_text(f"[global]\nindex-url = http://{site.address}/simple\n")
    (client.folder / ".netrc").write_text("machine 127.0.0.1 login reader password s3cret\n")
    ended = client.fetch()
    assert ended.code == 0, ended.err
    assert "s3cret" not in ended.err


def test_folders_are_indexes_too(client: Client) -> None:
    index, links = client.folder / "index", client.folder / "links"
    (index / "one").mkdir(parents=True)
    (index / "one/one-1.0-py3-none-any.whl").write_bytes(SMALL)
    (index / "one/index.html").write_text('<a href="one-1.0-py3-none-any.whl">one-1.0-py3-none-any.whl</a>')
    links.mkdir()
    (links / "two-1.0-py3-none-any.whl").write_bytes(LARGE)
    client.want(("one", "one-1.0-py3-none-any.whl", SMALL), ("two", "two-1.0-py3-none-any.whl", LARGE))
    ended = client.fetch(PIP_INDEX_URL=f"file://{index}", PIP_FIND_LINKS=str(links))
    assert ended.code == 0, ended.err
    assert client.stored() == ["one-1.0-py3-none-any.whl", "two-1.0-py3-none-any.whl"]
    assert "cloche: all 2 sources are in the store (2 new)" in ended.err


def test_of_several_files_the_one_with_the_hash_is_taken(client: Client, site: Site) -> None:
    other = {"/simple/one/": b"", "/files/one-1.0-py3-none-any.whl": SMALL}
    site.publish("one", "one-1.0-py3-none-any.whl", b"published by somebody else")
    second = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(second))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    second.files |= other
    second.publish("one", "one-1.0-py3-none-any.whl", SMALL)
    client.want(("one", "one-1.0-py3-none-any.whl", SMALL))
    first, extra = f"http://{site.address}/simple", f"http://127.0.0.1:{server.server_port}/simple"
    ended = client.fetch(PIP_INDEX_URL=first, PIP_EXTRA_INDEX_URL=extra)
    server.shutdown()
    server.server_close()
    assert ended.code == 0, ended.err


def test_a_truncated_answer_is_continued(client: Client, site: Site) -> None:
    site.publish("one", "one-1.0-py3-none-any.whl", LARGE)
    site.truncated = 2
    client.want(("one", "one-1.0-py3-none-any.whl", LARGE))
    ended = client.fetch(PIP_INDEX_URL=f"http://{site.address}/simple")
    assert ended.code == 0, ended.err
    assert site.ranges == [f"bytes={len(LARGE) // 2}-", f"bytes={len(LARGE) * 3 // 4}-"]


def test_an_index_that_always_breaks_off_adds_nothing(client: Client, site: Site) -> None:
    site.publish("one", "one-1.0-py3-none-any.whl", LARGE)
    site.truncated = 1000
    client.want(("one", "one-1.0-py3-none-any.whl", LARGE))
    ended = client.fetch(PIP_INDEX_URL=f"http://{site.address}/simple")
    assert ended.code == 3
    assert "one-1.0-py3-none-any.whl: could not be downloaded from the index:" in ended.err
    assert f"the connection ended after {len(LARGE) // 2} of {len(LARGE)} bytes" in ended.err
    assert client.stored() == []


def test_wrong_bytes_never_enter_the_store(client: Client, site: Site) -> None:
    wrong = SMALL[:-1] + b"!"
    site.publish("one", "one-1.0-py3-none-any.whl", wrong)
    site.publish("two", "two-1.0-py3-none-any.whl", LARGE)
    client.want(("one", "one-1.0-py3-none-any.whl", SMALL), ("two", "two-1.0-py3-none-any.whl", LARGE))
    ended = client.fetch(PIP_INDEX_URL=f"http://{site.address}/simple")
    assert ended.code == 1
    assert (
        f"cloche: one-1.0-py3-none-any.whl: the index gave a file of 500 bytes with sha256 {sha256(wrong).hexdigest()},\n"
        f"but the lock says {sha256(SMALL).hexdigest()}; it was not added." in ended.err
    )
    # What was right is kept.
    assert client.stored() == ["two-1.0-py3-none-any.whl"]
    assert not list((client.folder / "marks").rglob("done"))


def test_a_killed_download_is_continued(client: Client, site: Site) -> None:
    site.publish("one", "one-1.0-py3-none-any.whl", LARGE * 8)
    site.speed = 2_000_000
    client.want(("one", "one-1.0-py3-none-any.whl", LARGE * 8))
    part = client.folder / f"marks/downloads/{sha256(LARGE * 8).hexdigest()}.part"
    command = client.command(PIP_INDEX_URL=f"http://{site.address}/simple")
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (part.exists() and part.stat().st_size):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    had = part.stat().st_size
    assert 0 < had < len(LARGE) * 8
    assert client.stored() == []
    site.speed = 0
    ended = client.fetch(PIP_INDEX_URL=f"http://{site.address}/simple")
    assert ended.code == 0, ended.err
    assert site.ranges == [f"bytes={had}-"]
    assert client.stored() == ["one-1.0-py3-none-any.whl"]


def test_a_left_over_of_another_file_does_no_harm(client: Client, site: Site) -> None:
    site.publish("one", "one-1.0-py3-none-any.whl", LARGE)
    client.want(("one", "one-1.0-py3-none-any.whl", LARGE))
    downloads = client.folder / "marks/downloads"
    downloads.mkdir(parents=True)
    (downloads / f"{sha256(LARGE).hexdigest()}.part").write_bytes(b"garbage")
    ended = client.fetch(PIP_INDEX_URL=f"http://{site.address}/simple")
    assert ended.code == 0, ended.err


def test_an_sdist_is_a_file_like_any_other(client: Client, site: Site) -> None:
    source = client.folder / "evil-1.0"
    source.mkdir()
    (source / "setup.py").write_text(f"open({str(client.folder / 'executed')!r}, 'w').close()\n")
    run("tar", "-czf", "evil-1.0.tar.gz", "evil-1.0", cwd=client.folder)
    data = (client.folder / "evil-1.0.tar.gz").read_bytes()
    site.publish("evil", "evil-1.0.tar.gz", data, f"#sha256={sha256(data).hexdigest()}")
    client.want(("evil", "evil-1.0.tar.gz", data))
    ended = client.fetch(PIP_INDEX_URL=f"http://{site.address}/simple")
    assert ended.code == 0, ended.err
    assert client.stored() == ["evil-1.0.tar.gz"]
    assert not (client.folder / "executed").exists()


def archive_of(folder: Path, *contents: bytes) -> Path:
    """Make an archive as vendor does."""
    (folder / "sha256").mkdir(parents=True)
    for data in contents:
        (folder / "sha256" / sha256(data).hexdigest()).write_bytes(data)
    return folder


def test_an_archive_is_a_folder(client: Client) -> None:
    archive = archive_of(client.folder / "archive", SMALL)
    client.want(("one", "one-1.0-py3-none-any.whl", SMALL), ("two", "two-1.0-py3-none-any.whl", LARGE))
    ended = client.fetch(CLOCHE_SOURCES=str(archive))
    assert ended.code == 3
    assert (
        f"two-1.0-py3-none-any.whl ({sha256(LARGE).hexdigest()}) is not in the archive {archive}; make it again"
        in ended.err
    )
    (archive / "sha256" / sha256(LARGE).hexdigest()).write_bytes(LARGE[:-1])
    ended = client.fetch(CLOCHE_SOURCES=str(archive))
    assert ended.code == 1
    assert client.stored() == ["one-1.0-py3-none-any.whl"]
    (archive / "sha256" / sha256(LARGE).hexdigest()).write_bytes(LARGE)
    assert client.fetch(CLOCHE_SOURCES=str(archive)).code == 0
    assert client.fetch(CLOCHE_SOURCES=str(client.folder)).code == 2


def test_an_archive_is_an_address(client: Client, site: Site) -> None:
    site.files[f"/lab/sha256/{sha256(SMALL).hexdigest()}"] = SMALL
    client.want(("one", "one-1.0-py3-none-any.whl", SMALL))
    ended = client.fetch(CLOCHE_SOURCES=f"http://{site.address}/lab/")
    assert ended.code == 0, ended.err
    client.want(("two", "two-1.0-py3-none-any.whl", LARGE))
    ended = client.fetch(CLOCHE_SOURCES=f"http://{site.address}/lab/")
    assert (ended.code, "404" in ended.err) == (3, True)


def test_vendor_and_back(client: Client, site: Site) -> None:
    site.publish("one", "one-1.0-py3-none-any.whl", SMALL)
    site.publish("two", "two-1.0-py3-none-any.whl", LARGE)
    client.want(("one", "one-1.0-py3-none-any.whl", SMALL))
    assert client.fetch(PIP_INDEX_URL=f"http://{site.address}/simple").code == 0
    client.want(("one", "one-1.0-py3-none-any.whl", SMALL), ("two", "two-1.0-py3-none-any.whl", LARGE))
    made = client.folder / "made"
    ended = client.fetch("--vendor", made, PIP_INDEX_URL=f"http://{site.address}/simple")
    assert ended.code == 0, ended.err
    assert {path.name for path in (made / "sha256").iterdir()} == {sha256(SMALL).hexdigest(), sha256(LARGE).hexdigest()}
    # What was damaged on its way is made anew.
    (made / "sha256" / sha256(SMALL).hexdigest()).write_bytes(b"damaged")
    assert client.fetch("--vendor", made).err.endswith("holds 2 sources (1 new)\n")
    with temporary("client") as folder:
        (folder / "pip.conf").touch()
        other = Client(folder, client.base, client.pip)
        other.lock.write_bytes(client.lock.read_bytes())
        assert run(*OFFLINE, *other.command(CLOCHE_SOURCES=str(made))).code == 0
        assert other.stored() == [*client.stored()[:1], "two-1.0-py3-none-any.whl"]


def test_a_progress_bar_is_for_terminals(client: Client, site: Site) -> None:
    site.publish("one", "one-1.0-py3-none-any.whl", LARGE)
    client.want(("one", "one-1.0-py3-none-any.whl", LARGE))
    parent, child = pty.openpty()
    process = subprocess.Popen(
        client.command(PIP_INDEX_URL=f"http://{site.address}/simple", TERM="xterm"), stderr=child, stdout=child
    )
    os.close(child)
    shown = b""
    while select.select([parent], [], [], 60)[0]:
        try:
            shown += os.read(parent, 4096)
        except OSError:
            break
    os.close(parent)
    assert process.wait() == 0
    assert "━".encode() in shown
    assert b"100%" in shown
    run("rm", "-rf", client.folder / "marks")
    site.publish("two", "two-1.0-py3-none-any.whl", SMALL)
    client.want(("two", "two-1.0-py3-none-any.whl", SMALL))
    assert "━" not in client.fetch(PIP_INDEX_URL=f"http://{site.address}/simple").err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"version": 1,\n "environments": {,\n', "line 2, column 19: "),
        ("[]", "not a lock of this Cloche"),
        (
            '{"environments": {"SYSTEM": {"3.11": {"packages": {"a": {}}, "builds": {}}}}}',
            "not a lock of this Cloche (KeyError('version'))",
        ),
    ],
)
def test_a_malformed_lock_is_told_by_its_place(client: Client, text: str, told: str) -> None:
    client.lock.write_text(text.replace("SYSTEM", SYSTEM))
    ended = client.fetch()
    assert ended.code == 2
    assert ended.err.startswith(f"cloche: {client.lock}")
    assert told in ended.err
    assert ended.err.rstrip().endswith("with 'nix run .#lock'")


@pytest.mark.parametrize("file", ["../one.whl", "/etc/passwd", ".hidden", "", "one\n.whl"])
def test_a_file_name_cannot_leave_its_folder(client: Client, file: str) -> None:
    client.want(("one", file, SMALL))
    ended = client.fetch()
    assert ended.code == 2
    assert f"{file!r} is not a plain file name and could lead out of the environment" in ended.err


def test_an_unknown_role_is_named(client: Client) -> None:
    client.lock.write_text('{"environments": {}, "roles": ["cc", "fortran"]}')
    ended = client.fetch()
    assert (ended.code, ended.err) == (2, f"cloche: {client.lock}: the toolchain has no role 'fortran'; it has cc\n")


def test_a_missing_lock_is_named(client: Client) -> None:
    ended = client.fetch()
    assert (ended.code, ended.err) == (2, f"cloche: {client.lock}: cannot be read: No such file or directory\n")


def test_a_thousand_sources_are_one_call(client: Client) -> None:
    files = [
        (f"p{number}", f"a-rather-long-name-of-a-distribution-{number:04}-1.0-py3-none-any.whl", b"%d" % number)
        for number in range(1500)
    ]
    client.want(*files)
    archive = archive_of(client.folder / "archive", *(data for _, _, data in files[:-7]))
    ended = client.fetch(CLOCHE_SOURCES=str(archive))
    assert ended.code == 3
    assert len([line for line in ended.err.splitlines() if "is not in the archive" in line]) == 5
    assert ended.err.rstrip().endswith("... and 2 more of 1500")
    assert len(client.stored()) == 1493


def test_names_agree_with_evaluation(client: Client, site: Site) -> None:
    file = "odd~name!1.0+x@-py3-none-any.whl"
    site.publish("odd", file, SMALL)
    client.want(("odd", file, SMALL))
    ended = client.fetch(PIP_INDEX_URL=f"http://{site.address}/simple")
    assert ended.code == 0, ended.err
    expected = nix(
        "eval", "--impure", "--raw", "--expr", f"import {ROOT}/lib/lock/store-name.nix {json.dumps(file)}"
    ).out
    assert client.stored() == [expected]


def test_the_garbage_collector_leaves_the_sources(client: Client, site: Site) -> None:
    site.publish("one", "one-1.0-py3-none-any.whl", SMALL)
    site.publish("two", "two-1.0-py3-none-any.whl", LARGE)
    collect = [
        "env",
        f"NIX_CONFIG={os.environ.get('NIX_CONFIG', '')}\nstore = {client.folder}/store",
        "nix",
        "store",
        "gc",
    ]
    for name, data in (("one", SMALL), ("two", LARGE)):
        client.want((name, f"{name}-1.0-py3-none-any.whl", data))
        assert client.fetch(PIP_INDEX_URL=f"http://{site.address}/simple").code == 0
        assert run(*collect).code == 0
        # A lock's new sources take the place of its old ones, which is the control.
        assert client.stored() == [f"{name}-1.0-py3-none-any.whl"]


SOURCE = """
  let t = import {root}/pkgs/toolchain {{ system = "{system}"; }}; in
  import {root}/pkgs/python/source.nix {{ toolchain = t; storeName = import {root}/lib/lock/store-name.nix; }} "one"
    {{ version = "1.0"; file = "{file}"; sha256 = "{digest}"; }}
"""


def test_the_derivation_is_the_fallback(site: Site) -> None:
    data = f"made at {time.time_ns()}".encode()
    file = "one-1.0-py3-none-any.whl"
    site.publish("one", file, data)
    expression = SOURCE.format(root=ROOT, system=SYSTEM, file=file, digest=sha256(data).hexdigest())
    words = ("build", "--no-link", "--print-out-paths", "--impure", "--expr", expression)
    told = "is not in the store; bring all sources of the lock with\n"
    refused = nix(*words, env={"PIP_INDEX_URL": ""})
    assert refused.code == 1
    assert all(
        line in refused.err
        for line in (
            f"{file} {told.split(chr(10), maxsplit=1)[0]}",
            "nix run .#fetch",
            "(or ci/nix, which does so by itself)",
        )
    )
    wrong = nix(
        *words, env={"PIP_INDEX_URL": f"http://{site.address}/nothing", "PIP_EXTRA_INDEX_URL": "", "PIP_RETRIES": "0"}
    )
    assert wrong.code == 1
    assert "nix run .#fetch" in wrong.err
    path = built(nix(*words, env={"PIP_INDEX_URL": f"http://{site.address}/simple", "PIP_EXTRA_INDEX_URL": ""}))
    assert nix("store", "cat", path).out.encode() == data


def test_the_script_names_what_is_wrong_with_its_arguments(tmp_path: Path) -> None:
    fetch = ROOT / "pkgs/fetch/fetch.sh"
    ended = run("sh", fetch, "--role", "fortran")
    assert (ended.code, ended.err) == (
        2,
        "cloche: there is no role 'fortran'; the roles are: browser cc chaos git oci postgresql reproduce valgrind\n",
    )
    ended = run("sh", ROOT / "pkgs/fetch/vendor.sh")
    assert (ended.code, ended.err.splitlines()[-1]) == (2, "cloche: usage: nix run .#vendor -- DIR [--lock FILE ...]")
    ended = run("sh", fetch, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    if ended.code != 0:
        assert (ended.code, "nix is not on PATH" in ended.err) == (3, True)


def test_the_seeds_hash_is_that_of_its_packages(archive: Path, tmp_path: Path) -> None:
    pins = ROOT / f"pkgs/toolchain/debian/pins/{SYSTEM}"
    seed = ROOT / "pkgs/toolchain/debian/seed.sh"
    environment = {"CLOCHE_SOURCES": str(archive), "CLOCHE_MARKS": str(tmp_path)}
    ended = run("sh", seed, pins / "seed.json", env=environment)
    assert ended.out == (pins / "seed.hash").read_text(), ended.err
    # A damaged package, and a tree that is not the pinned one, are refused.
    changed = tmp_path / "seed.json"
    changed.write_text("\n".join((pins / "seed.json").read_text().splitlines()[:3]).rstrip(",") + "\n]\n")
    ended = run("sh", seed, changed, (pins / "seed.hash").read_text().strip(), env=environment)
    assert ended.code == 1
    assert "is expected; nothing was added" in ended.err
    damaged = archive_of(tmp_path / "damaged")
    first = json.loads(changed.read_text())[0]
    (damaged / "sha256" / first["sha256"]).write_bytes(b"damaged")
    for pin in json.loads(changed.read_text())[1:]:
        (damaged / "sha256" / pin["sha256"]).symlink_to(archive / "sha256" / pin["sha256"])
    ended = run("sh", seed, changed, "sha256-", env=environment | {"CLOCHE_SOURCES": str(damaged)})
    assert ended.code == 1
    assert f"but the pin says {first['sha256']}; nothing was added" in ended.err


@pytest.mark.slow
@needs_root
def test_from_an_archive_to_an_environment_without_any_network(machine: Machine) -> None:
    with temporary("airgap") as folder:
        other = copy_of(machine, folder)
        ended = other.nix("build", "--no-link", "--print-out-paths", ".#env", cwd=ROOT / "examples/branin")
        assert ended.code == 0, ended.err
        env = ended.out.strip()
        command = ["python", "-c", "import numpy, scipy, sklearn; print(numpy.arange(3).sum())"]
        ended = other.nix("shell", env, "--command", *command, cwd=ROOT / "examples/branin")
        assert (ended.code, ended.out) == (0, "3\n"), ended.err


@pytest.mark.skipif(not os.access("/usr/lib/apt/apt-helper", os.X_OK), reason="needs apt, which this machine lacks")
def test_a_debian_package_is_there_only_when_it_is_whole(client: Client, site: Site) -> None:
    """By the host's own apt: a left-over of an ended call, a package that never ends, and one that was replaced."""
    script = (
        "import sys; from pathlib import Path\n"
        "from cloche.fetch.debian import _bring\n"
        "from cloche.fetch.sources import Source\n"
        "print(_bring(sys.argv[1], [Source('a', '1', 'a.deb', sys.argv[2], int(sys.argv[3]), 'pool/a.deb')], Path(sys.argv[4])))\n"
    )
    digest, folder = sha256(LARGE).hexdigest(), client.folder / "debs"
    folder.mkdir()
    words = [
        "env",
        f"PYTHONPATH={ROOT}/python/src",
        f"{client.base}/bin/python3",
        "-c",
        script,
        f"http://{site.address}",
        digest,
    ]

    def bring() -> list[str]:
        ended = run(*words, str(len(LARGE)), str(folder))
        assert ended.code == 0, ended.err
        return [path.name for path in folder.iterdir()]

    (folder / "apt").mkdir()
    (folder / "apt" / digest).write_bytes(LARGE[:1000])
    for wrong in (LARGE * 8, LARGE[:-1], LARGE[:-1] + b"!"):
        site.files["/pool/a.deb"] = wrong
        assert bring() == []
    site.files["/pool/a.deb"] = LARGE
    assert bring() == [digest]
    assert (folder / digest).read_bytes() == LARGE
