"""Atomic writing, with a real limit on the size of files as the fault."""

import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branin.errors import MissingFolderError, OutputIsFolderError, WriteFailedError
from branin.files import check_destination, write_atomically

# Python ignores the signal, so that the write itself fails with EFBIG, after a part was written.
WRITE_WITH_A_LIMIT = """
import resource, sys
from pathlib import Path
from branin.errors import WriteFailedError
from branin.files import write_atomically

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomically(Path(sys.argv[1]), bytes(10000))
except WriteFailedError as error:
    print(error)
"""


@pytest.mark.chaos_fragile(reason="on a full disk nothing is replaced")
@given(st.binary(), st.binary())
def test_replaces_the_whole_file(
    tmp_path_factory: pytest.TempPathFactory, first: bytes, second: bytes
) -> None:
    """The content is the last one written, and nothing else is left in the folder."""
    path = tmp_path_factory.mktemp("files") / "results.json"
    for content in (first, second):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert [entry.name for entry in path.parent.iterdir()] == ["results.json"]


def test_old_file_survives_a_failed_write(
    python: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    """A write that fails half-way changes nothing and leaves nothing."""
    path = tmp_path / "results.json"
    path.write_text("old")
    result = python("-c", WRITE_WITH_A_LIMIT, str(path))
    assert result.stdout == (
        f"cannot write {str(path)!r}: File too large; nothing was changed there, "
        "make room or choose another file\n"
    )
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.chaos_fragile(reason="on a full disk there is no new file")
def test_reader_never_sees_a_part(tmp_path: Path) -> None:
    """A reader that opened the old file keeps it: the new one is another file."""
    path = tmp_path / "results.json"
    write_atomically(path, b"old content")
    with path.open("rb") as reader:
        write_atomically(path, b"new")
        assert reader.read() == b"old content"


@pytest.mark.chaos_fragile(reason="on a full disk there is no new file")
def test_new_files_have_the_usual_permissions(tmp_path: Path) -> None:
    """Those of the user's mask, not the private ones of a temporary file."""
    path = tmp_path / "results.json"
    previous = os.umask(0o022)
    try:
        write_atomically(path, b"")
    finally:
        os.umask(previous)
    assert path.stat().st_mode & 0o777 == 0o644


def test_failure_names_the_file(tmp_path: Path) -> None:
    """A folder that vanished after the check."""
    path = tmp_path / "gone" / "results.json"
    with pytest.raises(WriteFailedError) as caught:
        write_atomically(path, b"")
    assert str(caught.value) == (
        f"cannot write {str(path)!r}: No such file or directory; nothing was changed there, "
        "make room or choose another file"
    )


def test_destination_needs_its_folder(tmp_path: Path) -> None:
    """The folder that is missing is named."""
    path = tmp_path / "gone" / "results.json"
    with pytest.raises(MissingFolderError) as caught:
        check_destination(path, "--output")
    assert str(caught.value) == (
        f"cannot write {str(path)!r} (option --output): the folder {str(path.parent)!r} "
        "does not exist; create it or choose another file"
    )


def test_destination_is_no_folder(tmp_path: Path) -> None:
    """A folder cannot be overwritten by a file."""
    with pytest.raises(OutputIsFolderError) as caught:
        check_destination(tmp_path, "--plot")
    assert str(caught.value) == (
        f"cannot write {str(tmp_path)!r} (option --plot): it is a folder; "
        "add the name of a file inside it"
    )


def test_good_destinations_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New and old files, with and without a folder; the check itself writes nothing."""
    monkeypatch.chdir(tmp_path)
    check_destination(Path("results.json"), "--output")
    assert not list(tmp_path.iterdir())
    Path("results.json").touch()
    check_destination(tmp_path / "results.json", "--output")
