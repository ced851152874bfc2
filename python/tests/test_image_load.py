"""Loading: into a folder, a registry and the programs; what a target has is not sent, and what is wrong changes nothing."""

import json
import os
import shutil
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from cloche.image import layer as layers
from cloche.image import manifest as manifests
from cloche.image.descriptor import Descriptor
from cloche.image.errors import NotFoundError, TooLargeError, WrongBytesError
from cloche.image.layer import Layer, measure
from cloche.image.layout import Layout, locked
from cloche.image.manifest import MANIFEST_TYPE, digest_of
from cloche.image.read import Image, read
from cloche.image.serve import offered
from cloche.store import write
from cloche.untrusted.limits import MANIFEST
from conftest import Outcome
from local_registry import LocalRegistry

SBOM = "application/vnd.cyclonedx+json"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "nix/store"
    monkeypatch.setattr(layers, "STORE", str(folder).lstrip("/"))
    for name in ("base", "app"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text(name * 1000)
    return folder


def make(store: Path, folder: Path) -> Path:
    """Write an image of two layers and return its folder."""
    made = []
    for name in ("base", "app"):
        plain = Layer(name=name, paths=(f"{store}/{name}",))
        digest, size = measure(plain)
        made.append(Layer(name=name, paths=plain.paths, digest=digest, size=size))
    settings = manifests.Settings(
        architecture="amd64",
        created=1,
        user="1:1",
        entrypoint=["/x"],
        command=[],
        environment={},
        working_directory="/",
    )
    config = manifests.config(settings, made)
    manifest = manifests.manifest(config, made, {})
    folder.mkdir()
    (folder / "config.json").write_bytes(config)
    (folder / "manifest.json").write_bytes(manifest)
    (folder / "digest").write_text(digest_of(manifest) + "\n")
    described = {"version": 1, "name": "demo", "tag": "1.0", "layers": [layer.as_json() for layer in made]}
    (folder / "layers.json").write_text(json.dumps(described))
    return folder


@pytest.fixture
def folder(store: Path, tmp_path: Path) -> Path:
    return make(store, tmp_path / "image")


@pytest.fixture
def image(folder: Path) -> Image:
    return read(folder)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalRegistry]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with LocalRegistry() as started:
        yield started
        started.shutdown()


Run = Callable[..., Outcome]


def test_into_a_folder(run: Run, folder: Path, image: Image, tmp_path: Path) -> None:
    target = tmp_path / "layout"
    first = run("load-image", "--path", str(folder), f"oci:{target}")
    assert (first.code, first.out, first.err) == (
        0,
        f"{image.digest}\n",
        f"oci:{target}:1.0: 2 layers, sent base, app\n",
    )
    assert json.loads((target / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    layout = Layout(target)
    assert layout.manifest(layout.resolve("1.0").digest) == image.manifest
    for layer in image.layers:
        assert b"".join(layout.stream(layer.digest)) == b"".join(layers.blocks(layer))
    again = run("load-image", "--path", str(folder), f"oci:{target}:other")
    assert again.err == f"oci:{target}:other: 2 layers, everything was there\n"
    assert layout.resolve("other") == layout.resolve("1.0")


def test_only_what_changed_is_written(store: Path, tmp_path: Path, image: Image) -> None:
    layout = Layout(tmp_path / "layout")
    layout.write(image, "1.0")
    (store / "app/file").write_text("new")
    changed = read(make(store, tmp_path / "second"))
    assert layout.write(changed, "1.0") == ["app"]
    assert layout.resolve("1.0").digest == changed.digest
    # What had the name before is no longer listed, and what is cut off is written again.
    assert len(json.loads((tmp_path / "layout/index.json").read_text())["manifests"]) == 1
    blob = tmp_path / "layout/blobs/sha256" / changed.layers[1].digest.removeprefix("sha256:")
    blob.write_bytes(blob.read_bytes()[:-1])
    assert layout.write(changed, "1.0") == ["app"]
    assert [path.name for path in (tmp_path / "layout/blobs/sha256").iterdir() if path.name.startswith(".")] == []


def swapped(folder: Path) -> Path:
    """Make an image lie coherently: another digest of one layer, in the manifest and everywhere."""
    before = json.loads((folder / "manifest.json").read_bytes())["layers"][1]["digest"]
    other = digest_of(b"another layer")
    for name in ("config.json", "layers.json", "manifest.json"):
        (folder / name).write_text((folder / name).read_text().replace(before, other))
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["config"]["digest"] = digest_of((folder / "config.json").read_bytes())
    (folder / "manifest.json").write_bytes(manifests.dumps(manifest))
    (folder / "digest").write_text(digest_of((folder / "manifest.json").read_bytes()))
    return folder


def test_a_swapped_layer_is_refused_and_nothing_is_named(
    run: Run, folder: Path, image: Image, tmp_path: Path, server: LocalRegistry
) -> None:
    swapped(folder)
    message = (
        f"error: the layer app should have the digest {digest_of(b'another layer')}, but what is in the store gives"
        f" {image.layers[1].digest}; nothing was published under a name. Find out what changed with"
        " 'nix store verify --all'\n"
    )
    layout = tmp_path / "layout"
    ended = run("load-image", "--path", str(folder), f"oci:{layout}")
    assert (ended.code, ended.out, ended.err) == (1, "", message)
    assert not (layout / "index.json").exists()
    assert [path.name for path in (layout / "blobs/sha256").iterdir()] == [
        image.layers[0].digest.removeprefix("sha256:")
    ]
    ended = run("load-image", "--path", str(folder), "--insecure", f"docker://{server.host}/demo:1")
    assert (ended.code, ended.out, ended.err) == (1, "", message)
    assert server.manifests == {}
    assert list(server.blobs) == [image.layers[0].digest]


def test_an_image_that_contradicts_itself(run: Run, folder: Path, store: Path, tmp_path: Path) -> None:
    other = make_other(store, tmp_path)
    cases = {
        "digest": "its digest says ",
        "config.json": "manifest.json names another configuration than config.json",
        "layers.json": "manifest.json, config.json and layers.json name different layers",
    }
    for name, fault in cases.items():
        copy = tmp_path / f"copy-{name}"
        shutil.copytree(folder, copy)
        shutil.copyfile(other / name, copy / name)
        ended = run("load-image", "--path", str(copy), f"oci:{tmp_path}/never")
        assert ended.code == 2
        assert ended.err.startswith(f"error: {copy} is no image made by Cloche: {fault}")
        assert ended.err.endswith("; make it with 'nix build .#image'\n")
    assert not (tmp_path / "never").exists()


def make_other(store: Path, tmp_path: Path) -> Path:
    (store / "app/file").write_text("other")
    other = make(store, tmp_path / "other")
    (store / "app/file").write_text("app" * 1000)
    return other


def test_no_image_at_all(run: Run, tmp_path: Path) -> None:
    ended = run("load-image", "--path", str(tmp_path), "oci:x")
    assert ended.code == 2
    assert f"error: {tmp_path} is no image made by Cloche: [Errno 2]" in ended.err


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("dir:x", "'dir:x' is no target: nothing of this name is known"),
        ("oci:", "'oci:' is no target: nothing of this name is known"),
        ("skopeo:x", "'skopeo:x' is no target: nothing of this name is known"),
    ],
)
def test_what_is_no_target(run: Run, folder: Path, target: str, message: str) -> None:
    ended = run("load-image", "--path", str(folder), target)
    listed = ". Targets are podman, docker, oci:FOLDER[:TAG], docker://HOST/NAME[:TAG] and skopeo:TRANSPORT:REST"
    assert (ended.code, ended.err) == (2, f"error: {message}{listed}\n")


def test_a_digest_as_target(run: Run, folder: Path) -> None:
    ended = run("load-image", "--path", str(folder), "docker://h.example/demo@sha256:" + "0" * 64)
    assert (ended.code, "an image is pushed to a tag, and its digest follows from what it is" in ended.err) == (2, True)


def test_which_image(run: Run, folder: Path, tmp_path: Path) -> None:
    two = ["--known", f"cli={folder}", "--known", f"worker={folder}"]
    ended = run("load-image", *two, f"oci:{tmp_path}/x")
    assert (ended.code, ended.err) == (
        2,
        "error: there is no image 'default' in cloche.images; it has cli, worker: name one by --image\n",
    )
    assert run("load-image", *two, "--image", "worker", f"oci:{tmp_path}/x").code == 0
    assert run("load-image", *two[:2], f"oci:{tmp_path}/x").code == 0


def test_a_program_that_is_missing(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for target, program in (("podman", "podman"), ("docker", "docker"), ("skopeo:oci:x:y", "skopeo")):
        ended = run("load-image", "--path", str(folder), target)
        assert (ended.code, ended.err) == (
            3,
            (
                f"error: {program} is not on PATH, and the target {target} needs it; install it, or load into a folder with"
                " oci:FOLDER, which needs nothing\n"
            ),
        )


def test_a_program_that_fails(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\nexit 125\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ended = run("load-image", "--path", str(folder), "podman")
    assert ended.code == 1
    assert ended.err.startswith("error: 'podman pull --quiet --tls-verify=false 127.0.0.1:")
    assert ended.err.endswith("/demo:1.0' ended with 125; its words are above\n")


def fetched(server: object, path: str, method: str = "GET") -> bytes:
    address = f"http://127.0.0.1:{server.server_port}{path}"  # type: ignore[attr-defined]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(address, method=method), timeout=10) as response:
        data: bytes = response.read()
    return data


def test_the_registry_of_one_image(image: Image) -> None:
    with offered(image) as server:
        assert fetched(server, "/v2/") == b"{}"
        assert (
            fetched(server, "/v2/demo/manifests/1.0")
            == fetched(server, f"/v2/demo/manifests/{image.digest}")
            == image.manifest
        )
        assert fetched(server, f"/v2/demo/blobs/{digest_of(image.config)}") == image.config
        assert fetched(server, f"/v2/demo/blobs/{image.layers[0].digest}", "HEAD") == b""
        assert server.sent_layers == []
        assert digest_of(fetched(server, f"/v2/demo/blobs/{image.layers[1].digest}")) == image.layers[1].digest
        assert server.sent_layers == ["app"]
        for absent in (
            "/v2/demo/manifests/2",
            "/v2/other/manifests/1.0",
            "/v2/demo/blobs/sha256:0",
            "/",
            "/v2/demo/../../etc/passwd",
        ):
            with pytest.raises(urllib.error.HTTPError) as error:
                fetched(server, absent)
            assert error.value.code == 404
            error.value.close()


def test_a_layer_that_the_store_no_longer_makes_is_never_sent_whole(image: Image, store: Path) -> None:
    (store / "app/file").write_text("APP" * 1000)
    with offered(image) as server:
        with pytest.raises(Exception, match="IncompleteRead"):
            fetched(server, f"/v2/demo/blobs/{image.layers[1].digest}")
        (failure,) = server.failures
        assert failure.message.startswith(
            f"the layer {image.layers[1].name} should have the digest {image.layers[1].digest}, but"
        )
        assert failure.exit_code == 1


def test_to_a_registry_only_what_it_lacks_is_sent(
    run: Run, folder: Path, server: LocalRegistry, store: Path, tmp_path: Path
) -> None:
    target = f"docker://{server.host}/demo:1"
    ended = run("load-image", "--path", str(folder), "--insecure", target)
    assert ended.err == f"{target}@{read(folder).digest}: 2 layers, sent base, app\n"
    (store / "app/file").write_text("new")
    server.requests.clear()
    ended = run("load-image", "--path", str(make(store, tmp_path / "second")), "--insecure", target)
    assert ended.err.endswith(": 2 layers, sent app\n")
    # The changed layer and the configuration.
    assert sum(request.startswith("PUT /v2/demo/blobs/") for request in server.requests) == 2
    assert sum(request.startswith("HEAD") for request in server.requests) == 3


def test_evidence_in_a_folder(run: Run, folder: Path, image: Image, tmp_path: Path) -> None:
    sbom, bundle = tmp_path / "x.cdx.json", tmp_path / "default.provenance.sigstore.json"
    sbom.write_text("{}")
    bundle.write_text("[]")
    target = tmp_path / "layout"
    ended = run("load-image", "--path", str(folder), "--attach", str(sbom), "--attach", str(bundle), f"oci:{target}")
    assert ended.code == 0
    layout = Layout(target)
    assert {each.artifact_type for each in layout.referrers(image.digest)} == {
        SBOM,
        "application/vnd.dev.sigstore.bundle.v0.3+json",
    }
    (found,) = layout.referrers(image.digest, SBOM)
    assert layout.blob(json.loads(layout.manifest(found.digest))["layers"][0]["digest"]) == b"{}"
    assert layout.referrers("sha256:" + "0" * 64) == []
    # Again is the same.
    index = (target / "index.json").read_bytes()
    assert run("load-image", "--path", str(folder), "--attach", str(sbom), f"oci:{target}").code == 0
    assert len(json.loads(index)["manifests"]) == len(layout._index()) == 3  # noqa: SLF001 - what the file says


def test_evidence_that_cannot_be_attached(run: Run, folder: Path, tmp_path: Path) -> None:
    odd = tmp_path / "notes.txt"
    odd.write_text("")
    ended = run("load-image", "--path", str(folder), "--attach", str(odd), f"oci:{tmp_path}/x")
    assert (ended.code, ended.err) == (
        2,
        (
            f"error: {odd}: what is attached is told by its file name, which ends in .sigstore.json, .cdx.json, .spdx.json,"
            " .dsse.json, .json\n"
        ),
    )
    assert not (tmp_path / "x").exists()
    sbom = tmp_path / "x.cdx.json"
    sbom.write_text("{}")
    ended = run("load-image", "--path", str(folder), "--attach", str(sbom), "podman")
    assert (ended.code, ended.err) == (
        2, "error: podman: evidence can be attached in a registry (docker://...) or a folder (oci:...) only\n"
    )  # fmt: skip


def test_a_folder_that_somebody_changed(image: Image, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    layout.write(image, "1.0")
    blobs = tmp_path / "layout/blobs/sha256"
    path = blobs / image.digest.removeprefix("sha256:")
    path.write_bytes(image.manifest.replace(b"amd64", b"arm64") + b" ")
    with pytest.raises(WrongBytesError):
        layout.manifest(image.digest)
    layer = blobs / image.layers[1].digest.removeprefix("sha256:")
    data = layer.read_bytes()
    layer.write_bytes(data.replace(b"app", b"APP"))
    with pytest.raises(WrongBytesError):
        list(layout.stream(image.layers[1].digest))
    path.write_bytes(b" " * (MANIFEST.bytes + 1))
    with pytest.raises(TooLargeError):
        layout.manifest(image.digest)
    for digest in ("sha256:../../../etc/passwd", "md5:0", "sha256:" + "0" * 64):
        with pytest.raises(NotFoundError):
            layout.blob(digest)
    with pytest.raises(NotFoundError, match="the tag 2 is not in"):
        layout.resolve("2")


def test_writers_of_one_folder_wait_for_each_other(image: Image, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    layout.write(image, "1.0")
    subject = Descriptor(MANIFEST_TYPE, image.digest, len(image.manifest))
    threads = [Thread(target=layout.attach, args=(subject, SBOM, str(number).encode(), SBOM)) for number in range(12)]
    with locked(tmp_path / "layout"):
        for thread in threads:
            thread.start()
        threads[0].join(0.1)
        assert layout.referrers(image.digest) == []
    for thread in threads:
        thread.join()
    assert len(layout.referrers(image.digest)) == 12


def test_what_others_wrote_into_an_index_stays(run: Run, folder: Path, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    layout.mkdir()
    theirs = {
        "mediaType": MANIFEST_TYPE,
        "digest": digest_of(b"another"),
        "size": 7,
        "platform": {"os": "linux", "architecture": "arm64"},
        "urls": ["https://example.org/another"],
    }
    before = {"schemaVersion": 2, "annotations": {"a": "b"}, "manifests": [theirs]}
    (layout / "index.json").write_text(json.dumps(before))
    assert run("load-image", "--path", str(folder), f"oci:{layout}").code == 0
    index = json.loads((layout / "index.json").read_text())
    assert index["manifests"][0] == theirs
    assert index["annotations"] == {"a": "b"}


def test_pipes_in_a_folder_are_not_waited_for(image: Image, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    layout.write(image, "1.0")
    blob = tmp_path / "layout/blobs/sha256" / image.digest.removeprefix("sha256:")
    blob.unlink()
    os.mkfifo(blob)
    with pytest.raises(NotFoundError):
        layout.manifest(image.digest)
    with pytest.raises(OSError, match=r"it is a (pipe|device), and only regular files are read"):
        list(layout.stream(image.digest))
    (tmp_path / "layout/index.json").unlink()
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        make(tmp_path / "layout/index.json")
        with pytest.raises(OSError, match=r"it is a (pipe|device), and only regular files are read"):
            layout.resolve("1.0")
        (tmp_path / "layout/index.json").unlink()


def test_folder_that_cannot_be_made(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    outcome = run("load-image", "--path", str(folder), f"oci:{tmp_path}/file")
    assert (outcome.code, outcome.err) == (3, f"error: {tmp_path}/file/blobs/sha256: Not a directory\n")


def test_wrong_bytes_of_the_right_size_are_written_again(image: Image, tmp_path: Path) -> None:
    """What another program spoiled, or a machine that lost power: the load says what it sent, and the image is whole."""
    layout = Layout(tmp_path / "layout")
    layout.write(image, "1.0")
    blobs = tmp_path / "layout/blobs/sha256"
    for digest in (image.layers[1].digest, digest_of(image.config), image.digest):
        blob = blobs / digest.removeprefix("sha256:")
        good = blob.read_bytes()
        blob.write_bytes(bytes([good[0] ^ 1]) + good[1:])
        assert layout.write(image, "1.0") == (["app"] if digest == image.layers[1].digest else [])
        assert blob.read_bytes() == good
    # The control: what is in order is not written again.
    before = {path.name: path.stat().st_ino for path in blobs.iterdir()}
    assert layout.write(image, "1.0") == []
    assert {path.name: path.stat().st_ino for path in blobs.iterdir()} == before


KILLED = """
import os, sys
from pathlib import Path
from cloche.store import write

def blocks():
    yield b"half"
    os.kill(os.getpid(), 9)

write.file(Path(sys.argv[1]), blocks())
"""


def test_what_a_killed_load_left_is_removed_and_nothing_else(image: Image, tmp_path: Path) -> None:
    layout, folder = Layout(tmp_path / "layout"), tmp_path / "layout/blobs/sha256"
    layout.write(image, "1.0")
    for place in (folder, tmp_path / "layout"):
        ended = subprocess.run([sys.executable, "-c", KILLED, place / "blob"], check=False)
        assert ended.returncode == -9
    (folder / ".cloche-newer").write_text("of somebody else")
    (folder / ".cloche-new-0123456789abcdef").symlink_to("/dev/zero")

    def drafts() -> set[str]:
        return {path.name for path in (tmp_path / "layout").rglob(".cloche-new-*")}

    assert len(drafts()) == 3
    seen = []

    def blocks() -> Iterator[bytes]:
        yield b"half"
        # Meanwhile another load begins.
        before = drafts()
        layout.write(image, "1.0")
        seen.append((len(before), len(drafts())))
        yield b"whole"

    write.file(folder / "blob", blocks())
    assert seen == [(3, 2)]
    assert (folder / "blob").read_bytes() == b"halfwhole"
    assert drafts() == {".cloche-new-0123456789abcdef"}
    assert (folder / ".cloche-newer").exists()


def test_writers_and_cleaners_at_once(tmp_path: Path) -> None:
    """A cleaner that sees a draft before it is locked takes it away; its writer then makes another one."""
    done = False

    def clean() -> None:
        while not done:
            write.remove_stale(tmp_path)

    threads = [Thread(target=clean) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(300):
        write.file(tmp_path / str(number), [b"%d" % number])
    done = True
    for thread in threads:
        thread.join()
    assert {int(path.name): int(path.read_text()) for path in tmp_path.iterdir()} == {n: n for n in range(300)}
