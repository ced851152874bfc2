"""Finished runs in an SQLite file: a comparison that was interrupted goes on where it stopped.

A database that is busy for a moment, or a disk that fails for a moment, is tried again.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import stamina

from branin.errors import ArchiveError, InvalidResultsError
from branin.request import Request
from branin.results import Run, comparison_document, parse_comparison, render

# As long as other programs may keep the file to themselves, in seconds.
BUSY = 5.0
# A full disk is not among them. The lower byte is the primary code (https://sqlite.org/rescode.html).
TRANSIENT = frozenset(
    [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_LOCKED]
)
TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    method TEXT NOT NULL,
    seed INTEGER NOT NULL,
    evaluations INTEGER NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (method, seed, evaluations)
)
"""
FIND = "SELECT document FROM runs WHERE method = ? AND seed = ? AND evaluations = ?"


def is_transient(error: Exception) -> bool:
    """Return whether another attempt may succeed."""
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 255 in TRANSIENT


_again = stamina.retry(
    on=is_transient, attempts=10, wait_initial=0.01, wait_max=0.2, wait_jitter=0.01, timeout=None
)


def find(path: Path, request: Request) -> Run | None:
    """Return the run that was asked for, None if the archive does not have it yet.

    Raises ArchiveError, also for a document that is no run.
    """
    try:
        content = _read(path, request)
        return None if content is None else parse_comparison(content, path)[0]
    except (sqlite3.Error, InvalidResultsError) as error:
        raise ArchiveError(path, str(error)) from error


def keep(path: Path, run: Run) -> None:
    """Put a run into the archive, or leave it as it was and raise ArchiveError."""
    try:
        _write(path, run)
    except sqlite3.Error as error:
        raise ArchiveError(path, str(error)) from error


@_again
def _read(path: Path, request: Request) -> bytes | None:
    with closing(sqlite3.connect(path, timeout=BUSY)) as connection:
        connection.execute(TABLE)
        key = (request.method, request.seed, request.evaluations)
        row: tuple[bytes] | None = connection.execute(FIND, key).fetchone()
    return None if row is None else row[0]


@_again
def _write(path: Path, run: Run) -> None:
    row = (run.method, run.seed, len(run.evaluations), render(comparison_document([run])))
    with (
        closing(sqlite3.connect(path, timeout=BUSY, isolation_level=None)) as connection,
        connection,
    ):
        # Python 3.11 does not see under a Turkish locale that INSERT is to begin a transaction.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(TABLE)
        # The same request gives the same run: what is there already is as good.
        connection.execute("INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?)", row)
