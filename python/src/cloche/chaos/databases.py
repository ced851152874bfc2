"""Databases: sqlite3, psycopg and SQLAlchemy's pools. Faults of the type database."""

import functools
import inspect
import sqlite3
from types import ModuleType
from typing import Any

from .faults import Fault
from .injection import strike
from .patching import Patches, Wrapper


def _sqlite(name: str, words: str) -> Fault:
    def error() -> sqlite3.OperationalError:
        made = sqlite3.OperationalError(words)
        made.sqlite_errorcode = getattr(sqlite3, name)
        made.sqlite_errorname = name
        return made

    return Fault("database", name, error)


CANNOT_OPEN = _sqlite("SQLITE_CANTOPEN", "unable to open database file")
LOCKED = _sqlite("SQLITE_BUSY", "database is locked")
INPUT_OUTPUT = _sqlite("SQLITE_IOERR", "disk I/O error")
FULL = _sqlite("SQLITE_FULL", "database or disk is full")
EXECUTING = (LOCKED, INPUT_OUTPUT)
COMMITTING = (LOCKED, INPUT_OUTPUT, FULL)
FETCHING = (INPUT_OUTPUT,)


def install(patches: Patches) -> None:
    """Wrap the databases, those that are imported later included."""
    if "database" not in patches.types:
        return
    patches.replace((sqlite3, sqlite3.dbapi2), "connect", _connect)
    patches.when_imported("psycopg", lambda module: _install_psycopg(patches, module))
    patches.when_imported("sqlalchemy.pool.impl", lambda module: _install_pools(patches, module))


def _connect(original: Any) -> Wrapper:
    def connect(*arguments: Any, **keywords: Any) -> Any:
        strike("sqlite3.connect", (CANNOT_OPEN,))
        place = 5
        if len(arguments) > place:
            arguments = (*arguments[:place], connections(arguments[place]), *arguments[place + 1 :])
        else:
            keywords["factory"] = connections(keywords.get("factory") or sqlite3.Connection)
        return original(*arguments, **keywords)

    return connect


@functools.cache
def connections(base: Any) -> Any:  # noqa: C901 - the methods of one class  # noqa: ANN401 - a class of connections
    """Return a class of connections, `base` or one below it, whose operations can fail."""
    if not isinstance(base, type):
        # A function that makes connections; what it makes can't be wrapped from here.
        return base

    class Connection(base):  # type: ignore[misc]
        def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
            return super().cursor(cursors(factory))

        # sqlite3's own do not go through `cursor`, `commit` and `rollback`.
        def execute(self, *arguments: Any) -> Any:
            return self.cursor().execute(*arguments)

        def executemany(self, *arguments: Any) -> Any:
            return self.cursor().executemany(*arguments)

        def executescript(self, *arguments: Any) -> Any:
            return self.cursor().executescript(*arguments)

        def commit(self) -> None:
            # Without a transaction there is nothing that could fail.
            if self.in_transaction:
                strike("sqlite3.Connection.commit", COMMITTING)
            super().commit()

        def __exit__(self, kind: object, value: object, traceback: object) -> None:
            if kind is not None:
                self.rollback()
                return
            try:
                self.commit()
            except BaseException:
                self.rollback()
                raise

    Connection.__name__, Connection.__qualname__, Connection.__module__ = (
        base.__name__,
        base.__qualname__,
        base.__module__,
    )
    return Connection


@functools.cache
def cursors(base: Any) -> Any:
    """Return a class of cursors, `base` or one below it, whose operations can fail."""
    if not isinstance(base, type):
        return base

    class Cursor(base):  # type: ignore[misc]
        def execute(self, *arguments: Any) -> Any:
            strike("sqlite3.Cursor.execute", EXECUTING)
            return super().execute(*arguments)

        def executemany(self, *arguments: Any) -> Any:
            strike("sqlite3.Cursor.executemany", EXECUTING)
            return super().executemany(*arguments)

        def executescript(self, *arguments: Any) -> Any:
            strike("sqlite3.Cursor.executescript", EXECUTING)
            return super().executescript(*arguments)

        def _cloche_read(self, name: str) -> None:
            try:
                strike(f"sqlite3.Cursor.{name}", FETCHING)
            except sqlite3.OperationalError:
                # A statement that failed is over, and holds no lock; one that goes on would.
                super().fetchall()
                raise

        def fetchone(self) -> Any:
            self._cloche_read("fetchone")
            return super().fetchone()

        def fetchmany(self, *arguments: Any, **keywords: Any) -> Any:
            self._cloche_read("fetchmany")
            return super().fetchmany(*arguments, **keywords)

        def fetchall(self) -> Any:
            self._cloche_read("fetchall")
            return super().fetchall()

    Cursor.__name__, Cursor.__qualname__, Cursor.__module__ = base.__name__, base.__qualname__, base.__module__
    return Cursor


def _install_psycopg(patches: Patches, module: ModuleType) -> None:  # noqa: C901 - a wrapper for each operation
    refused = Fault("database", "refused", lambda: module.OperationalError("connection failed: Connection refused"))
    lost = Fault("database", "server closed")

    def lose(connection: Any) -> None:
        # As after a real loss, the connection is of no more use.
        connection.pgconn.finish()
        message = "consuming input failed: server closed the connection unexpectedly"
        raise module.OperationalError(message)

    def connecting(original: Any) -> Wrapper:
        return _first(lambda *_: strike("psycopg.connect", (refused,)), original)

    def of_cursor(name: str) -> Any:
        def strike_first(cursor: Any, *_arguments: Any) -> None:
            if strike(f"psycopg.{name}", (lost,)):
                lose(cursor.connection)

        return lambda original: _first(strike_first, original)

    def commit(original: Any) -> Wrapper:
        def strike_first(connection: Any) -> None:
            if strike("psycopg.Connection.commit", (lost,)):
                lose(connection)

        return _first(strike_first, original)

    for kind in (module.Connection, module.AsyncConnection):
        patches.replace(kind, "commit", commit)
        patches.replace(kind, "connect", connecting)
    # The module's `connect` is that of the class, bound before.
    patches.replace(module, "connect", lambda _: lambda *words, **more: module.Connection.connect(*words, **more))  # noqa: PLW0108 - it gets attributes
    for kind in (module.Cursor, module.AsyncCursor):
        for name in ("execute", "executemany", "stream", "copy"):
            patches.replace(kind, name, of_cursor(f"Cursor.{name}"))
    # Other cursors have all rows before the first is fetched.
    for kind in (module.ServerCursor, module.AsyncServerCursor):
        for name in ("execute", "fetchone", "fetchmany", "fetchall"):
            patches.replace(kind, name, of_cursor(f"ServerCursor.{name}"))


def _first(act: Any, original: Any) -> Wrapper:
    """Return a function that acts and then does what the original does; where that is awaited, it acts then."""
    if inspect.iscoroutinefunction(original):

        async def awaited(*arguments: Any, **keywords: Any) -> Any:
            act(*arguments[:1])
            return await original(*arguments, **keywords)

        return awaited

    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        act(*arguments[:1])
        return original(*arguments, **keywords)

    return wrapper


def _install_pools(patches: Patches, module: ModuleType) -> None:
    def get(original: Any) -> Wrapper:
        def wrapper(self: Any) -> Any:
            def error() -> Exception:
                words = (
                    f"QueuePool limit of size {self.size()} overflow {self._max_overflow} reached, "
                    f"connection timed out, timeout {self._timeout:0.2f}"
                )
                return module.exc.TimeoutError(words, code="3o7r")  # type: ignore[no-any-return]

            strike("sqlalchemy.pool.QueuePool.connect", (Fault("database", "pool exhausted", error),))
            return original(self)

        return wrapper

    patches.replace(module.QueuePool, "_do_get", get)
