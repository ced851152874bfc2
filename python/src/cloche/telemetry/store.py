"""Open a store: a file of SQLite or a PostgreSQL URL, with the tables that this Cloche knows."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError

from cloche.telemetry.errors import (
    ForeignStoreError,
    NewerSchemaError,
    NoStoreError,
    OlderSchemaError,
    UnreachableStoreError,
)

# How long a writer waits for another's transaction, in milliseconds.
BUSY = 60_000
# An arbitrary number by which writers that make the tables at once wait for each other in PostgreSQL.
LOCK = 7_202_241_122


def engine_of(store: str) -> Engine:
    """Return an engine for a path or a URL. Raises ForeignStoreError for a kind of database that is not supported."""
    url = _url_of(store)
    if url.get_backend_name() == "postgresql":
        return create_engine(url)
    engine = create_engine(url, connect_args={"timeout": BUSY / 1000})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def shown(store: str) -> str:
    """Return how a store is called in messages: a URL without its password."""
    return make_url(store).render_as_string(hide_password=True) if "://" in store else store


def _url_of(store: str) -> URL:
    if "://" not in store:
        return URL.create("sqlite", database=store)
    try:
        url = make_url(store)
    except ArgumentError as error:
        raise ForeignStoreError(store.partition(":")[0] + "://...", "its URL cannot be read") from error
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"postgresql+psycopg", "sqlite"}:
        why = f"{url.drivername!r} is none of sqlite and postgresql"
        raise ForeignStoreError(shown(store), why)
    return url


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's record of its pool
    # Transactions begin when we say so, not at the first write: the driver's own way upgrades a read lock, and fails.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-262144",
        "wal_autocheckpoint=10000",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # Readers see a snapshot and never wait; a writer takes its turn before it has read anything.
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "cloche.telemetry:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def revisions() -> list[str]:
    """Return the known revisions of the schema, the oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    return [script.revision for script in scripts.walk_revisions()][::-1]


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _check(connection: Connection, store: str, *, old: bool) -> str | None:
    """Return the schema's revision, None for an empty database; raise for one that this Cloche can't use."""
    known, found = revisions(), _revision(connection)
    if found is None:
        if others := inspect(connection).get_table_names():
            raise ForeignStoreError(shown(store), f"it has other tables ({', '.join(sorted(others)[:3])})")
        return None
    if found not in known:
        raise NewerSchemaError(shown(store), found, known[-1])
    if found != known[-1] and not old:
        raise OlderSchemaError(shown(store), found, known[-1])
    return found


@contextmanager
def _told(store: str) -> Iterator[None]:
    """Turn a database's refusal into words for a person."""
    try:
        yield
    except DatabaseError as error:
        if "file is not a database" in str(error.orig):
            raise ForeignStoreError(shown(store), "the file is no database of SQLite") from error
        raise UnreachableStoreError(shown(store), str(error.orig).strip().splitlines()[0]) from error
    except (DBAPIError, NoSuchModuleError) as error:
        raise UnreachableStoreError(shown(store), str(error).splitlines()[0]) from error


@contextmanager
def opened(store: str, *, create: bool = False) -> Iterator[Engine]:
    """Yield an engine for a store with the present schema; `create` makes one that is not there.

    Raises NoStoreError, ForeignStoreError, OlderSchemaError, NewerSchemaError and UnreachableStoreError.
    """
    if "://" not in store:
        if not create and not Path(store).exists():
            raise NoStoreError(store)
        _make_folder(Path(store).parent)
    engine = engine_of(store)
    try:
        with _told(store):
            with reading(engine) as connection:
                found = _check(connection, store, old=False)
            if found is None:
                if not create:
                    raise NoStoreError(shown(store))
                migrate_engine(engine, store)
        yield engine
    finally:
        engine.dispose()


def _make_folder(folder: Path) -> None:
    """Make the folder of a store; the one of ours is not for git."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.name == ".cloche" and not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text("*\n")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that sees one state of the store and hinders no writer."""
    with engine.connect().execution_options(reading=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        yield connection


def migrate(store: str) -> tuple[str | None, str]:
    """Bring a store to the present schema in one transaction; return its revisions before and after."""
    if "://" not in store and not Path(store).exists():
        raise NoStoreError(store)
    engine = engine_of(store)
    try:
        with _told(store):
            return migrate_engine(engine, store)
    finally:
        engine.dispose()


def migrate_engine(engine: Engine, store: str, *, to: str = "head") -> tuple[str | None, str]:
    """Bring the tables to a revision; writers that try at once wait, and find nothing left to do."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        before = _check(connection, store, old=True)
        command.upgrade(_config(connection), to)
        return before, str(_revision(connection))
