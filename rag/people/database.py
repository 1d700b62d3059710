"""Where what people keep is stored: one SQLite file, or a PostgreSQL database that several
machines share. Statements and values in, rows out; each transaction whole or not at all.

Statements are written once, in what both understand, with ``?`` for a value. Each method may be
called from any thread; one transaction runs at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

from rag.errors import PeopleError

if TYPE_CHECKING:
    import psycopg

Value = str | int | float | bytes | None
Row = tuple[Any, ...]

_VERSION = 1
_TABLES = (
    """CREATE TABLE IF NOT EXISTS chats (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        name TEXT NOT NULL,
        folded TEXT NOT NULL,
        created_at TEXT NOT NULL,
        metadata TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS chats_of_owner ON chats (owner, created_at)",
    """CREATE TABLE IF NOT EXISTS steps (
        id TEXT PRIMARY KEY,
        chat_id TEXT NOT NULL REFERENCES chats ON DELETE CASCADE,
        created_at TEXT NOT NULL,
        folded TEXT NOT NULL,
        step TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS steps_of_chat ON steps (chat_id, created_at)",
    """CREATE TABLE IF NOT EXISTS elements (
        id TEXT PRIMARY KEY,
        chat_id TEXT NOT NULL REFERENCES chats ON DELETE CASCADE,
        element TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS elements_of_chat ON elements (chat_id)",
    """CREATE TABLE IF NOT EXISTS feedback (
        id TEXT PRIMARY KEY,
        step_id TEXT NOT NULL UNIQUE REFERENCES steps ON DELETE CASCADE,
        value INTEGER NOT NULL,
        comment TEXT
    )""",
    """CREATE TABLE IF NOT EXISTS turns (
        chat_id TEXT NOT NULL REFERENCES chats ON DELETE CASCADE,
        id TEXT NOT NULL,
        begun_at DOUBLE PRECISION NOT NULL,
        turn TEXT,
        PRIMARY KEY (chat_id, id)
    )""",
    """CREATE TABLE IF NOT EXISTS documents (
        owner TEXT NOT NULL,
        id TEXT NOT NULL,
        document TEXT NOT NULL,
        chunks TEXT NOT NULL,
        PRIMARY KEY (owner, id)
    )""",
    """CREATE TABLE IF NOT EXISTS attached (
        chat_id TEXT NOT NULL REFERENCES chats ON DELETE CASCADE,
        document_id TEXT NOT NULL,
        added_at DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (chat_id, document_id)
    )""",
    "CREATE INDEX IF NOT EXISTS attached_documents ON attached (document_id)",
)
_LOCKED_S = 10.0  # wait for another process that is writing
_CONNECT_S = 5


class Statements(Protocol):
    """A transaction under way."""

    def __call__(self, statement: str, *values: Value) -> list[Row]:
        """Rows, for a statement that gives any."""
        ...


class Database(Protocol):
    """Every method raises PeopleError."""

    @contextmanager
    def transaction(self) -> Iterator[Statements]: ...

    def close(self) -> None: ...


class Sqlite(Database):
    """The file at ``path``; made, with its folder, at first use. What is deleted is overwritten."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        with self._lock, _translated_sqlite():
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield lambda statement, *values: connection.execute(statement, values).fetchall()
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(0o600)
            connection = sqlite3.connect(
                self._path, timeout=_LOCKED_S, isolation_level=None, check_same_thread=False
            )
            try:
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


def _prepare(connection: sqlite3.Connection) -> None:
    for pragma in (
        "journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}")
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise _newer()
    if version < _VERSION:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")


@contextmanager
def _translated_sqlite() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        full = getattr(exc, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
        advice = "Make room on the disk." if full else "See that the data folder can be written to."
        raise PeopleError(f"What people keep cannot be stored or read: {exc}. {advice}") from exc
    except OSError as exc:
        raise PeopleError(
            f"What people keep cannot be stored or read: {exc.strerror}. See that the data folder "
            "can be written to."
        ) from exc


class Postgres(Database):
    """The database at ``url``; a connection that was lost is made anew."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = RLock()
        self._connection: psycopg.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        with self._lock, _translated_postgres():
            connection = self._begun()

            def execute(statement: str, *values: Value) -> list[Row]:
                query = statement.replace("%", "%%").replace("?", "%s")
                cursor = connection.execute(query.encode(), [_storable(one) for one in values])
                return cursor.fetchall() if cursor.description else []

            try:
                yield execute
                connection.commit()
            except BaseException:
                self._undo(connection)
                raise

    def close(self) -> None:
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    def _undo(self, connection: psycopg.Connection) -> None:
        import psycopg  # noqa: PLC0415

        with suppress(psycopg.Error):  # the connection may be what failed
            connection.rollback()

    def _begun(self) -> psycopg.Connection:
        """A connection whose transaction has begun, and which is therefore alive."""
        import psycopg  # noqa: PLC0415

        if self._connection and not self._connection.closed:
            with suppress(psycopg.OperationalError):
                self._connection.execute("SELECT 1")
                return self._connection
            self._connection.close()
        self._connection = psycopg.connect(self._url, connect_timeout=_CONNECT_S)
        self._make_tables(self._connection)
        return self._connection

    def _make_tables(self, connection: psycopg.Connection) -> None:
        connection.execute("SELECT pg_advisory_xact_lock(72746100)")  # one process at a time
        connection.execute("CREATE TABLE IF NOT EXISTS rag_version (version INTEGER NOT NULL)")
        row = connection.execute("SELECT version FROM rag_version").fetchone()
        if row and row[0] > _VERSION:
            raise _newer()
        if row is None:
            for statement in _TABLES:
                connection.execute(statement.encode())
            connection.execute("INSERT INTO rag_version VALUES (%s)", [_VERSION])
        connection.commit()


def _storable(value: Value) -> Value:
    """PostgreSQL's text holds no zero character."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


@contextmanager
def _translated_postgres() -> Iterator[None]:
    """Its own words may name the server, and are not passed on."""
    import psycopg  # noqa: PLC0415

    try:
        yield
    except psycopg.OperationalError as exc:
        raise PeopleError(
            "The database of RAG_DATABASE_URL does not answer, or has no room. See to it, or to "
            "the address."
        ) from exc
    except psycopg.Error as exc:
        raise PeopleError(
            "The database of RAG_DATABASE_URL refuses what is to be stored or read. Give its user "
            "the right to make and change tables in a database of its own."
        ) from exc


def _newer() -> PeopleError:
    return PeopleError(
        "What people keep was stored by a newer version of this program. Update the program."
    )


def database_of(url: str, data_dir: Path) -> Database:
    """PostgreSQL where ``url`` names one, else a file in the data folder."""
    return Postgres(url) if url else Sqlite(data_dir / "people.sqlite")
