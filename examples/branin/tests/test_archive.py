"""The archive of finished runs, also while the database fails (the check `chaos`)."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from branin.archive import find, keep
from branin.cli import main
from branin.errors import ArchiveError
from branin.request import Request
from branin.search import run

REQUESTS = [
    Request(method, seed, evaluations)
    for method in ("grid", "random")
    for seed in range(4)
    for evaluations in (1, 9)
]
NAMES = [f"{each.method}-{each.seed}-{each.evaluations}" for each in REQUESTS]


@pytest.mark.parametrize("request_", REQUESTS, ids=NAMES)
def test_finds_what_was_kept(request_: Request, tmp_path: Path) -> None:
    """And nothing before it was kept; all transient failures are outlived."""
    path = tmp_path / "runs.sqlite"
    made = run(request_)
    assert find(path, request_) is None
    try:
        keep(path, made)
    except ArchiveError as error:
        assert "database or disk is full" in str(error)
        assert find(path, request_) is None
    else:
        assert find(path, request_) == made


def test_many_runs_are_all_there_or_told(tmp_path: Path) -> None:
    """What was said to be kept is found."""
    path = tmp_path / "runs.sqlite"
    kept = {}
    for request in REQUESTS:
        try:
            keep(path, run(request))
        except ArchiveError:
            continue
        kept[request] = run(request)
    assert {each: found for each in REQUESTS if (found := find(path, each))} == kept


@pytest.mark.chaos_fragile(reason="a full disk is reported and not outlived")
def test_all_runs_are_kept(tmp_path: Path) -> None:
    """Ten times each, so that a full disk is among what they meet."""
    path = tmp_path / "runs.sqlite"
    for request in REQUESTS * 5:
        keep(path, run(request))
    assert all(find(path, request) for request in REQUESTS)


@pytest.mark.chaos_safe
def test_waits_for_another_program(tmp_path: Path) -> None:
    """Which keeps the database to itself for longer than it may, and is named."""
    path = tmp_path / "runs.sqlite"
    keep(path, run(REQUESTS[0]))
    with closing(sqlite3.connect(path)) as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr("branin.archive.BUSY", 0.001)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ArchiveError) as caught:
            keep(path, run(REQUESTS[1]))
    assert str(caught.value) == (
        f"cannot use {str(path)!r} (option --archive): database is locked; the runs that it had "
        "are as they were, try again or choose another file"
    )


def test_refuses_other_files(tmp_path: Path) -> None:
    """A file that is no database is left as it is."""
    path = tmp_path / "runs.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(ArchiveError) as caught:
        find(path, REQUESTS[0])
    assert "file is not a database" in str(caught.value)
    assert path.read_bytes() == b"no database" * 100


def test_refuses_damaged_documents(tmp_path: Path) -> None:
    """A row that another program changed."""
    path = tmp_path / "runs.sqlite"
    keep(path, run(REQUESTS[0]))
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE runs SET document = x'7b7d'")
    with pytest.raises(ArchiveError) as caught:
        find(path, REQUESTS[0])
    assert "the document lacks 'schema'" in str(caught.value)


@pytest.mark.experiment
def test_an_interrupted_comparison_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time nothing is run, and the results are the same bytes."""
    archive, words = str(tmp_path / "runs.sqlite"), ["compare", "--repeats", "1"]
    words += ["--evaluations", "3", "--archive", archive, "--output"]
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert CliRunner().invoke(main, [*words, str(first)]).exit_code == 0
    monkeypatch.setattr("branin.search.run", None)
    assert CliRunner().invoke(main, [*words, str(second)]).exit_code == 0
    assert first.read_bytes() == second.read_bytes()
