"""Layers: a tar that is the same to the byte, whatever the disk under it is like."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.image import layer as layers
from cloche.image import layer_of
from cloche.image.layer import Entry, Layer, blocks, measure


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands for /nix/store, and the working folder from which it is reached by that name."""
    folder = tmp_path / "nix/store"
    folder.mkdir(parents=True)
    monkeypatch.setattr(layers, "STORE", str(folder).lstrip("/"))
    return folder


def fill(store: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = store / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("->"):
            path.symlink_to(text[2:])
        else:
            path.write_text(text)
    return store / next(iter(files)).partition("/")[0]


def unpacked(layer: Layer) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(blocks(layer))), mode="r:") as archive:
        members = archive.getmembers()
    found = {member.name: member for member in members}
    assert len(found) == len(members), "a member is there twice"
    return found


def test_what_the_disk_adds_does_not_matter(store: Path) -> None:
    path = fill(store, {"a-1/bin/run": "#!/bin/sh\n", "a-1/lib/data": "x" * 1000, "a-1/link": "->bin/run"})
    (path / "bin/run").chmod(0o755)
    layer = Layer(name="a", paths=(str(path),))
    before = measure(layer)
    os.utime(path / "lib/data", (7, 7))
    (path / "lib/data").chmod(0o600)
    (path / "bin/run").chmod(0o700)
    path.chmod(0o700)
    (store / "other").touch()
    assert measure(layer) == before
    members = unpacked(layer)
    name = str(path).lstrip("/")
    modes = {member.name.removeprefix(name).lstrip("/"): member.mode for member in members.values()}
    assert modes["bin/run"] == modes[""] == modes["bin"] == modes["lib"] == 0o555
    assert modes["lib/data"] == 0o444
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members.values()} == {(0, 0, "", 1)}
    assert members[f"{name}/link"].linkname == "bin/run"
    # The control: one byte of content is another layer.
    (path / "lib/data").write_text("y" + "x" * 999)
    assert measure(layer) != before


def test_members_are_sorted_by_bytes_with_folders_first(store: Path) -> None:
    path = fill(store, {"a-1/b/c": "", "a-1/b-d": "", "a-1/B": "", "a-1/é": ""})
    names = [name.removeprefix(str(path).lstrip("/")) for name in unpacked(Layer(name="a", paths=(str(path),)))]
    assert names[2:] == ["", "/B", "/b", "/b/c", "/b-d", "/é"]


def test_digest_and_size_are_those_of_the_tar(store: Path) -> None:
    layer = Layer(name="a", paths=(str(fill(store, {"a-1/x": "text"})),))
    data = b"".join(blocks(layer))
    assert measure(layer) == (f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))
    assert len(data) % 512 == 0


def test_a_file_of_many_chunks_comes_in_pieces(store: Path) -> None:
    path = fill(store, {"a-1/large": "x" * (3 * layers.CHUNK + 5)})
    assert max(map(len, blocks(Layer(name="a", paths=(str(path),))))) == layers.CHUNK


def test_what_is_left_out_goes_with_all_below(store: Path) -> None:
    path = fill(store, {"a-1/include/x.h": "", "a-1/lib/python3.11/config-3.11/Makefile": "", "a-1/lib/keep": ""})
    layer = Layer(name="a", paths=(str(path),), exclude={str(path): ["include", "lib/python*/config-*"]})
    below = {name.removeprefix(str(path).lstrip("/")) for name in unpacked(layer)}
    assert {"/lib/keep", "/lib/python3.11"} <= below
    assert not any("include" in name or "config" in name for name in below)


def test_entries_have_their_own_modes_and_owners() -> None:
    entries = (
        Entry(path="etc"),
        Entry(path="etc/passwd", text="root\n", mode=0o644),
        Entry(path="home/app", uid=1000, gid=1001),
        Entry(path="bin/sh", target="/nix/store/a/bin/bash"),
        Entry(path="tmp", mode=0o1777),
    )
    members = unpacked(Layer(name="files", entries=entries))
    assert list(members) == ["bin/sh", "etc", "etc/passwd", "home/app", "tmp"]
    assert members["tmp"].mode == 0o1777
    assert (members["home/app"].uid, members["home/app"].gid) == (1000, 1001)
    assert (members["etc/passwd"].size, members["etc/passwd"].mode) == (5, 0o644)
    assert members["bin/sh"].linkname == "/nix/store/a/bin/bash"


def test_a_description_says_all(store: Path) -> None:
    path = str(fill(store, {"a-1/x": "1"}))
    layer = Layer(
        name="a", paths=(path,), entries=(Entry(path="x", text=""), Entry(path="y", target="x")), exclude={path: []}
    )
    again = Layer.from_json(json.loads(json.dumps(layer.as_json())))
    assert again == layer
    assert measure(again) == measure(layer)


@pytest.mark.parametrize(
    "path", ["/etc", "nix/store/a", "/nix/store", "/nix/store/..", "/nix/store/a/b", "/nix/store/"]
)
def test_only_store_paths_are_taken(path: str) -> None:
    with pytest.raises(ValueError, match="is no path of the Nix store"):
        measure(Layer(name="a", paths=(path,)))


@pytest.mark.parametrize("path", ["/etc", "", "a//b", "../etc", "home/../etc", ".", "nix", "nix/store/a", "home/"])
def test_entries_are_beside_the_store(path: str) -> None:
    with pytest.raises(ValueError, match="is no path of a file in an image beside the store"):
        measure(Layer(name="files", entries=(Entry(path=path),)))


def test_neither_file_nor_folder_nor_link(store: Path) -> None:
    (store / "a-1").mkdir()
    os.mkfifo(store / "a-1/pipe")
    with pytest.raises(ValueError, match="pipe is neither a file nor a folder nor a link"):
        measure(Layer(name="a", paths=(str(store / "a-1"),)))


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=120).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) < 250
)


@given(names=st.lists(NAMES, min_size=1, max_size=8, unique=True), data=st.binary(max_size=2000))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_name_and_any_bytes_come_back(store: Path, names: list[str], data: bytes) -> None:
    path = store / f"p{hashlib.sha256(repr((names, data)).encode()).hexdigest()[:16]}" / ("d" * 100)
    path.mkdir(parents=True, exist_ok=True)
    for name in names:
        (path / name).write_bytes(data)
    layer = Layer(name="a", paths=(str(path.parent),))
    stream = io.BytesIO(b"".join(blocks(layer)))
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        found = {Path(member.name).name: archive.extractfile(member) for member in archive if member.isreg()}
        assert {name: file.read() for name, file in found.items() if file} == dict.fromkeys(names, data)


def test_a_layer_is_measured_with_its_closure_and_without_what_others_have(store: Path, tmp_path: Path) -> None:
    one, two, three = (str(fill(store, {f"{name}-1/bin/{name}": name})) for name in ("one", "gcc", "three"))
    out = tmp_path / "out"
    layer_of.main(
        {
            "outputs": {"out": str(out)},
            "layer": "contents",
            "paths": [one],
            "closure": [{"path": two}, {"path": three}],
            "without": [three],
            "exclude": {},
        }
    )
    written = json.loads(out.read_text())
    layer = Layer.from_json(written["layer"])
    assert layer.paths == tuple(sorted([one, two]))
    assert (layer.digest, layer.size) == measure(layer)


def test_a_file_that_shrinks_is_no_layer(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fill(store, {"a-1/x": "long"})
    stream = blocks(Layer(name="a", paths=(str(path),)))
    monkeypatch.setattr(layers, "CHUNK", 1)

    def all_of_it() -> None:
        for block in stream:
            if block.startswith(str(path / "x").lstrip("/").encode()):
                (path / "x").write_text("")

    with pytest.raises(OSError, match="became shorter while it was read"):
        all_of_it()
