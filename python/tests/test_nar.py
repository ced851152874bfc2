"""The NAR of a tree: the same digest as a plain serialisation gives, and the store paths that stand in it."""

import hashlib
import os
from pathlib import Path

import pytest

from cloche.store import nar

NAME = "0123456789abcdfghijklmnpqrsvwxyz-numpy-2.0"
# More than two blocks, and no multiple of one.
LARGE = 600_001


def plain(path: Path) -> bytes:
    """Return a NAR as the definition says it, word by word."""

    def word(text: bytes) -> bytes:
        return len(text).to_bytes(8, "little") + text + bytes(-len(text) % 8)

    def node(path: Path) -> bytes:
        if path.is_symlink():
            middle = [b"symlink", b"target", os.fsencode(path.readlink())]
        elif path.is_file():
            executable = [b"executable", b""] if path.stat().st_mode & 0o100 else []
            middle = [b"regular", *executable, b"contents", path.read_bytes()]
        else:
            entries = b"".join(
                b"".join(map(word, (b"entry", b"(", b"name", os.fsencode(each.name), b"node")))
                + node(each)
                + word(b")")
                for each in sorted(path.iterdir(), key=lambda each: os.fsencode(each.name))
            )
            return word(b"(") + word(b"type") + word(b"directory") + entries + word(b")")
        return b"".join(map(word, (b"(", b"type", *middle, b")")))

    return word(b"nix-archive-1") + node(path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder with one of each kind of entry, and names and sizes at the edges."""
    folder = tmp_path / "tree"
    (folder / "bin/empty").mkdir(parents=True)
    for size in (0, 1, 7, 8, 9, (1 << 18) - 1, 1 << 18, LARGE):
        (folder / f"of-{size}").write_bytes(bytes(number % 251 for number in range(size)))
    (folder / "bin/run").write_text("#!/bin/sh\n")
    (folder / "bin/run").chmod(0o755)
    (folder / "bin/\xe4").write_text("named in UTF-8")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_text("named in no encoding")
    (folder / "Bin").symlink_to("bin")
    (folder / "broken").symlink_to("/nowhere/at/all")
    return folder


def test_digest_and_size_are_those_of_the_definition(tree: Path) -> None:
    for path in (tree, tree / "of-9", tree / "bin/run", tree / "broken", tree / "bin/empty"):
        expected, found = plain(path), nar.read(path)
        assert (found.sha256, found.size) == (hashlib.sha256(expected).hexdigest(), len(expected))


@pytest.mark.parametrize("offset", [0, 1, 20, 40, 55, 100])
def test_store_paths_are_found_wherever_blocks_end(tmp_path: Path, offset: int) -> None:
    """A name that a block cuts off is found whole with the next one."""
    path = tmp_path / "file"
    for before in ((1 << 18) - offset - 100, (1 << 18) - offset):
        path.write_bytes(b"x" * before + f"/nix/store/{NAME}/lib".encode() + b"x" * 999)
        assert max(nar.read(path).named, key=len) == NAME


def test_links_name_store_paths(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "absolute").symlink_to(f"/nix/store/{NAME}/lib")
    assert nar.read(folder).named == {NAME}
    (folder / "absolute").unlink()
    (folder / "neighbour").symlink_to(f"../{NAME}/lib")
    assert nar.read(folder).named == {NAME}
    (folder / "neighbour").unlink()
    # Nix writes no e, o, t or u, so this is how a removed reference looks.
    (folder / "removed").symlink_to(f"/nix/store/{'e' * 32}-numpy")
    (folder / "short").write_text("/nix/store/0123-numpy and /nix/store")
    assert nar.read(folder).named == set()


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(nar.NarError) as caught:
        nar.read(tmp_path)
    assert caught.value.message == (
        f"{tmp_path}/pipe is a device, socket or pipe, which has no place in a store directory"
    )
