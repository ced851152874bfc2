"""Open a store: a file of SQLite or a PostgreSQL URL, with the tables that this Cloche knows."""

import os
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

from cloche.errors import ClocheError, ExitCode
from cloche.store import write
from cloche.telemetry.address import Address
from cloche.untrusted.regular_file import open_regular

# How long a writer waits for another's transaction, in milliseconds.
BUSY = 60_000
# An arbitrary number by which writers that make the tables at once wait for each other in PostgreSQL.
LOCK = 7_202_241_122
# Bytes of a file of SQLite that say what it is (https://sqlite.org/fileformat2.html).
_HEADER = 100


def foreign_store(store: Address, why: str) -> ClocheError:
    """Return the error of a file or database that is no store of telemetry."""
    return ClocheError(f"{store} is no store of telemetry: {why}")


class NoStoreError(ClocheError):
    """A store that is not there."""

    def __init__(self, store: Address) -> None:
        super().__init__(f"{store}: there is no store; `cloche telemetry import` makes one")


def unreachable_store(store: Address, words: str) -> ClocheError:
    """Return the error of a database that does not answer, or not in time."""
    return ClocheError(f"{store} cannot be used: {words}", ExitCode.ENVIRONMENT_LACKS)


def engine_of(store: Address | str) -> Engine:
    """Return an engine for a path or a URL. Raises ClocheError for a kind of database that is not supported."""
    url = _url_of(Address(store))
    if url.get_backend_name() == "postgresql":
        return create_engine(url)
    engine = create_engine(url, connect_args={"timeout": BUSY / 1000})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _url_of(store: Address) -> URL:
    if store.meant_otherwise:
        why = "it is neither a file nor a URL; write postgresql://USER@HOST/DATABASE, with the password in PGPASSWORD or ~/.pgpass"
        raise foreign_store(store, why)
    if not store.url:
        return URL.create("sqlite", database=store.reveal())
    try:
        url = make_url(store.reveal())
    except (ArgumentError, ValueError) as error:
        raise foreign_store(store, "its URL cannot be read") from error
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"postgresql+psycopg", "sqlite"}:
        raise foreign_store(store, f"{url.drivername!r} is none of sqlite and postgresql")
    if url.drivername == "sqlite" and (not url.database or url.database.startswith("file:")):
        raise foreign_store(store, "it names no file; write sqlite:///FILE")
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


def _check(connection: Connection, store: Address, *, old: bool) -> str | None:
    """Return the schema's revision, None for an empty database; raise for one that this Cloche can't use."""
    known, found = revisions(), _revision(connection)
    if found is None:
        looked = inspect(connection)
        # In a database of PostgreSQL there are views of its extensions, such as pg_stat_statements.
        views = looked.get_view_names() if connection.dialect.name == "sqlite" else []
        if others := [*looked.get_table_names(), *views]:
            raise foreign_store(store, f"it has other tables ({', '.join(sorted(others)[:3])})")
        return None
    if found not in known:
        raise ClocheError(
            f"{store}: its schema is {found}, and this Cloche knows those up to {known[-1]}; nothing was read or written. Use a\n"
            "Cloche that is at least as new as the one that wrote it"
        )
    if found != known[-1] and not old:
        raise ClocheError(
            f"{store}: its schema is {found}, and this Cloche writes {known[-1]}; run `cloche telemetry migrate`"
        )
    return found


def _look(file: Path, store: Address, *, old: bool) -> str | None:
    """Return what `_check` returns of a file of SQLite, without changing a byte in it or beside it.

    `_prepare` writes into whatever it opens.
    """
    try:
        with open_regular(file) as stream:
            header = stream.read(_HEADER)
    except OSError as error:
        raise unreachable_store(store, str(error.strerror)) from error
    if header and not header.startswith(b"SQLite format 3\0"):
        raise foreign_store(store, "the file is no database of SQLite")
    uri = f"{file.resolve().as_uri()}?mode=ro"
    beside = [file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm")]
    # What is opened in this mode makes these files, and a reader can't take them away again; where one is missing nobody else has
    # it open, so that it does not change meanwhile. (https://sqlite.org/wal.html, "Read-Only Databases"; fileformat2, 1.3.3)
    if header[18:20] == b"\2\2" and not all(each.exists() for each in beside):
        uri += "&immutable=1"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(uri, uri=True, timeout=BUSY / 1000))
    try:
        with engine.connect() as connection:
            return _check(connection, store, old=old)
    finally:
        engine.dispose()


@contextmanager
def _told(store: Address) -> Iterator[None]:
    """Turn a database's refusal into words for a person."""
    try:
        yield
    except DatabaseError as error:
        if "file is not a database" in str(error.orig):
            raise foreign_store(store, "the file is no database of SQLite") from error
        raise unreachable_store(store, _words(store, error.orig)) from error
    except (DBAPIError, NoSuchModuleError) as error:
        raise unreachable_store(store, _words(store, error)) from error


def _words(store: Address, error: BaseException | None) -> str:
    return store.without_secrets(next(iter(str(error).strip().splitlines()), "no reason is given"))


@contextmanager
def opened(store: Address | str, *, create: bool = False) -> Iterator[Engine]:
    """Yield an engine for a store with the present schema; `create` makes one that is not there.

    Raises ClocheError, NoStoreError where there is none.
    """
    store = Address(store)
    engine = engine_of(store)
    try:
        with _told(store):
            _look_first(engine, store, old=False, create=create)
            with reading(engine) as connection:
                found = _check(connection, store, old=False)
            if found is None:
                if not create:
                    raise NoStoreError(store)
                migrate_engine(engine, store)
        yield engine
    finally:
        engine.dispose()


def _look_first(engine: Engine, store: Address, *, old: bool, create: bool) -> None:
    """Refuse a file that is not there or no store, as one without tables is; with `create` it is no fault, and its folder is made."""
    if engine.dialect.name != "sqlite":
        return
    file = Path(str(engine.url.database))
    if file.exists():
        if _look(file, store, old=old) is None and not create:
            raise NoStoreError(store)
    elif create:
        _make_folder(file.parent)
    else:
        raise NoStoreError(store)


def _make_folder(folder: Path) -> None:
    """Make the folder of a store; the one of ours is not for git."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.name == ".cloche" and not os.path.lexists(folder / ".gitignore"):
        write.file(folder / ".gitignore", "*\n")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that sees one state of the store and hinders no writer."""
    with engine.connect().execution_options(reading=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        yield connection


def migrate(store: Address | str) -> tuple[str | None, str]:
    """Bring a store to the present schema in one transaction; return its revisions before and after."""
    store = Address(store)
    engine = engine_of(store)
    try:
        with _told(store):
            _look_first(engine, store, old=True, create=False)
            return migrate_engine(engine, store)
    finally:
        engine.dispose()


def migrate_engine(engine: Engine, store: Address | str, *, to: str = "head") -> tuple[str | None, str]:
    """Bring the tables to a revision; writers that try at once wait, and find nothing left to do."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        before = _check(connection, Address(store), old=True)
        command.upgrade(_config(connection), to)
        return before, str(_revision(connection))
