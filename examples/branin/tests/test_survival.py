"""What must hold also while the system fails: these are the tests for the check `chaos`."""

from pathlib import Path

import pytest

from branin.errors import UnreadableError, WriteFailedError
from branin.files import write_atomically
from branin.request import Request
from branin.results import comparison_document, read_comparison, render
from branin.search import run

SIZES = [1, 100, 10_000, 1_000_000]


@pytest.mark.parametrize("size", SIZES)
def test_a_reader_finds_the_old_content_or_the_new(size: int, tmp_path: Path) -> None:
    """Whatever fails while it is written."""
    path = tmp_path / "results.json"
    path.write_bytes(b"old" * size)
    for number in range(10):
        before = path.read_bytes()
        after = bytes([number]) * size
        try:
            write_atomically(path, after)
        except WriteFailedError as error:
            assert "nothing was changed there" in str(error)
            assert path.read_bytes() == before
        else:
            assert path.read_bytes() == after
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize("evaluations", [1, 5, 20])
def test_what_is_read_is_what_was_written(evaluations: int, tmp_path: Path) -> None:
    """Or nothing is read, and the error says so."""
    runs = tuple(run(Request("random", seed, evaluations)) for seed in range(3))
    path = tmp_path / "comparison.json"
    path.write_bytes(render(comparison_document(runs)))
    for _ in range(10):
        try:
            assert read_comparison(path) == runs
        except UnreadableError as error:
            assert str(path) in str(error)


@pytest.mark.chaos_fragile(reason="a full disk is reported and not outlived")
def test_every_write_succeeds(tmp_path: Path) -> None:
    """It can't where there is no space: 40 writes, so that a full disk is among what they meet."""
    for number in range(40):
        path = tmp_path / f"{number}.json"
        write_atomically(path, b"content")
        assert path.read_bytes() == b"content"
