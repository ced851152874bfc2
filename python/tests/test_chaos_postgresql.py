"""Faults of the type database against a real PostgreSQL server, where CLOCHE_POSTGRESQL names one (checks.postgresql does)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

POSTGRESQL = os.environ.get("CLOCHE_POSTGRESQL", "")
SUITE = """
import asyncio, os
import psycopg, pytest, sqlalchemy
from cloche.resilience import retry

ADDRESS = os.environ["CLOCHE_POSTGRESQL"]
again = retry(attempts=200, wait=0.0, longest_wait=0.0, jitter=0.0)

def direct():
    with psycopg.connect(ADDRESS) as connection:
        connection.execute("CREATE TEMPORARY TABLE t (x integer)")
        connection.cursor().executemany("INSERT INTO t VALUES (%s)", [(1,), (2,)])
        assert connection.execute("SELECT sum(x) FROM t").fetchone() == (3,)

def of_a_class_below():
    class Connection(psycopg.Connection):
        pass
    with Connection.connect(ADDRESS) as connection:
        assert type(connection) is Connection

def server_side():
    with psycopg.connect(ADDRESS) as connection, connection.cursor("rows") as cursor:
        cursor.execute("SELECT generate_series(1, 9)")
        assert len(cursor.fetchmany(4)) + len(cursor.fetchall()) == 9

def copied():
    with psycopg.connect(ADDRESS) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY (SELECT generate_series(1, 9)) TO STDOUT") as rows:
            assert len(list(rows.rows())) == 9

async def waiting():
    async with await psycopg.AsyncConnection.connect(ADDRESS) as connection:
        cursor = await connection.execute("SELECT 7")
        assert await cursor.fetchone() == (7,)

def awaited():
    asyncio.run(waiting())

def pooled():
    engine = sqlalchemy.create_engine(ADDRESS.replace("postgresql:", "postgresql+psycopg:"), pool_pre_ping=True)
    try:
        with engine.begin() as connection:
            assert connection.execute(sqlalchemy.text("SELECT 1")).scalar() == 1
    finally:
        engine.dispose()

CASES = [direct, of_a_class_below, server_side, copied, awaited, pooled]

@pytest.mark.parametrize("operation", CASES)
def test_fragile(operation):
    for _ in range(10):
        operation()

@pytest.mark.parametrize("operation", CASES)
def test_resilient(operation):
    for _ in range(10):
        again(operation)()
    assert operation

def test_unharmed_afterwards():
    with psycopg.connect(ADDRESS) as connection:
        assert connection.execute("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'").fetchone() == (0,)

test_unharmed_afterwards = pytest.mark.chaos_safe(test_unharmed_afterwards)
"""


def test_controls(tmp_path: Path) -> None:
    """The fragile fail, the resilient survive, and no connection is left behind."""
    if not POSTGRESQL:
        pytest.skip("CLOCHE_POSTGRESQL names no PostgreSQL server; checks.postgresql starts one")
    (tmp_path / "test_it.py").write_text(SUITE)
    words = ["-p", "cloche.chaos.plugin", "-p", "no:cacheprovider", "-q"]
    options = ["--chaos", "--chaos-types=database", "--chaos-rate=0.2", "--chaos-seed=1", "--chaos-report=chaos.json"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *options], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    tests = json.loads((tmp_path / "chaos.json").read_text())["tests"]
    outcomes = {each["test"].removeprefix("test_it.py::"): each for each in tests}
    assert len(outcomes) == 13
    for name, entry in outcomes.items():
        function = name.partition("[")[0]
        expected = {"test_fragile": "failed", "test_resilient": "survived", "test_unharmed_afterwards": "safe"}
        assert entry["outcome"] == expected[function], (name, entry)
    operations = {fault["operation"] for entry in tests for fault in entry["fired"]}
    cursors = {"Cursor.execute", "Cursor.executemany", "Cursor.copy", "ServerCursor.execute", "ServerCursor.fetchall"}
    assert {*(f"psycopg.{name}" for name in cursors), "psycopg.connect", "psycopg.Connection.commit"} <= operations
    assert "sqlalchemy.pool.QueuePool.connect" in operations
    # The suite's line, or a library's, and none of Python's own or of the plugin.
    places = {fault["at"].partition(":")[0] for entry in tests for fault in entry["fired"]}
    assert {place for place in places if not place.startswith("sqlalchemy/")} == {"test_it.py"}
