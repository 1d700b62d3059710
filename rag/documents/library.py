"""The library: documents, pages and passages in one SQLite file, the source of truth for indexes.

Goes in: documents and their chunks, whole or not at all. A crash leaves the old or the new state.
What is removed is overwritten, not just unlinked. Knows no search index. Each method may be called
from any thread, and several processes may use the same file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from threading import RLock
from typing import Any

from rag.errors import LibraryError, NotFound
from rag.types import Chunk, Document

_VERSION = 2
_SCHEMA = f"""
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS documents (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        media_type TEXT NOT NULL,
        language TEXT NOT NULL,
        note TEXT NOT NULL,
        source TEXT,
        added_at REAL NOT NULL,
        page_count INTEGER NOT NULL,
        chunk_count INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS documents_by_source ON documents (source);
    CREATE TABLE IF NOT EXISTS pages (
        document_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE,
        number INTEGER NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (document_id, number)
    );
    -- a passage's text is a slice of its page: kept once, so that the two cannot disagree
    CREATE TABLE IF NOT EXISTS chunks (
        id TEXT PRIMARY KEY,
        document_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE,
        page INTEGER NOT NULL,
        start_char INTEGER NOT NULL,
        end_char INTEGER NOT NULL,
        section TEXT NOT NULL,
        token_count INTEGER NOT NULL,
        language TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS chunks_in_order ON chunks (document_id, page, start_char);
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""
_LOCKED_S = 10.0  # wait for another process that is writing

_ENTRY = (
    "id, name, media_type, page_count, chunk_count, language, note, source, added_at FROM documents"
)
_CHUNK = (
    "c.id, c.document_id, d.name, c.page, c.section, c.start_char, c.end_char, c.token_count,"
    " c.language FROM chunks c JOIN documents d ON d.id = c.document_id"
)


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A document without its text."""

    id: str
    name: str
    media_type: str
    page_count: int
    chunk_count: int
    language: str
    note: str
    source: Path | None  # the file it was read from, as it was given
    added_at: float  # seconds since 1970, UTC


class Library:
    """Opens ``path`` or makes it. Raises LibraryError, here and in every method."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = RLock()
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _connect(path)
            _migrate(self._connection)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def add(self, document: Document, chunks: Sequence[Chunk], source: Path | None) -> bool:
        """False, and nothing changed, where a document of the same bytes is already there."""
        row = (
            document.id,
            document.name,
            document.media_type,
            document.language,
            document.note,
            None if source is None else _storable(source),
            time.time(),
            len(document.pages),
            len(chunks),
        )
        pages = ((document.id, number, text) for number, text in enumerate(document.pages, 1))
        with self._transaction() as database:
            added = database.execute(
                "INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row
            )
            if not added.rowcount:
                return False
            database.executemany("INSERT INTO pages VALUES (?, ?, ?)", pages)
            database.executemany(
                "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(_chunk_row, chunks)
            )
        return True

    def remove(self, document_id: str) -> None:
        """With all that was derived from it. Raises NotFound."""
        with self._transaction() as database:
            removed = database.execute("DELETE FROM documents WHERE id = ?", (document_id,))
            if not removed.rowcount:
                raise _not_found(document_id)
        self._empty_log()

    def documents(self) -> tuple[LibraryEntry, ...]:
        """In the order in which they were added."""
        with self._reading() as database:
            rows = database.execute(f"SELECT {_ENTRY} ORDER BY rowid").fetchall()
        return tuple(_entry(row) for row in rows)

    def ids_from(self, source: Path) -> tuple[str, ...]:
        """Documents that were read from this file, older versions of it included."""
        query = "SELECT id FROM documents WHERE source = ? ORDER BY rowid"
        with self._reading() as database:
            return tuple(row[0] for row in database.execute(query, (_storable(source),)))

    def entry(self, document_id: str) -> LibraryEntry:
        """Raises NotFound."""
        return _entry(self._one(f"SELECT {_ENTRY} WHERE id = ?", document_id))

    def page_text(self, document_id: str, page: int) -> str:
        """Raises NotFound."""
        query = "SELECT text FROM pages WHERE document_id = ? AND number = ?"
        [text] = self._one(query, document_id, page)
        return str(text)

    def chunk(self, chunk_id: str) -> Chunk:
        """Raises NotFound."""
        row = self._one(f"SELECT {_CHUNK} WHERE c.id = ?", chunk_id)
        return _chunk(row, self.page_text(row[1], row[3]))

    def chunks(self, document_id: str | None = None) -> Iterator[Chunk]:
        """All, or those of one document, by document and place; as they were at the first step."""
        with _translated(self._path), closing(_connect(self._path)) as database:
            database.execute("BEGIN")
            where, values = ("", ()) if document_id is None else ("WHERE d.id = ?", (document_id,))
            rows = database.execute(f"SELECT {_CHUNK} {where} ORDER BY 2, 4, 6", values)
            for page, on_page in groupby(rows, key=lambda row: (row[1], row[3])):
                query = "SELECT text FROM pages WHERE document_id = ? AND number = ?"
                [text] = database.execute(query, page).fetchone()
                yield from (_chunk(row, text) for row in on_page)

    def _empty_log(self) -> None:
        """Old pages stay in the log until it is written back; a reader may put that off a while."""
        with _translated(self._path), closing(_connect(self._path, wait_s=0.0)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _one(self, query: str, *values: str | int) -> tuple[Any, ...]:
        with self._reading() as database:
            row: tuple[Any, ...] | None = database.execute(query, values).fetchone()
        if row is None:
            raise _not_found(str(values[0]))
        return row

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _translated(self._path):
            yield self._connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing; waits for other writers first, so that it cannot fail halfway."""
        with self._reading() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise


def _connect(path: Path, wait_s: float = _LOCKED_S) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=wait_s, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version < _VERSION:  # 0 is a new file; 1 lacks only what the schema adds
        connection.executescript(_SCHEMA)
    elif version > _VERSION:
        raise LibraryError(
            "The library was made by a newer version of this program. Update the program, or "
            "choose another data folder."
        )


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """The one place where SQLite's errors, and those of its file, become ours."""
    try:
        yield
    except sqlite3.DatabaseError as exc:
        raise LibraryError(f"The library cannot be used: {exc}. {_advice(exc)}") from exc
    except OSError as exc:
        raise LibraryError(
            f"The library's folder cannot be used: {exc.strerror}. Choose another data folder."
        ) from exc


def _advice(exc: sqlite3.DatabaseError) -> str:
    advice = {
        sqlite3.SQLITE_FULL: "Make room on the disk and try again.",
        sqlite3.SQLITE_BUSY: "Another process is writing to it; try again in a moment.",
        sqlite3.SQLITE_CORRUPT: "Delete its file and add the documents again.",
        sqlite3.SQLITE_NOTADB: "Delete its file and add the documents again.",
    }
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    return advice.get(code, "See that its folder can be written to.")


def _storable(source: Path) -> str:
    """A file's name may hold bytes that are no text; such a file is not opened again."""
    return str(source).encode(errors="replace").decode()


def _not_found(wanted: str) -> NotFound:
    return NotFound(
        f"The library holds nothing under {wanted}. List the documents to see what is there."
    )


def _entry(row: tuple[Any, ...]) -> LibraryEntry:
    document_id, name, media_type, page_count, chunk_count, language, note, source, added_at = row
    return LibraryEntry(
        document_id,
        name,
        media_type,
        page_count,
        chunk_count,
        language,
        note,
        source and Path(source),
        added_at,
    )


def _chunk_row(chunk: Chunk) -> tuple[str | int, ...]:
    place = (chunk.id, chunk.document_id, chunk.page, chunk.start, chunk.end)
    return (*place, chunk.section, chunk.token_count, chunk.language)


def _chunk(row: tuple[Any, ...], page_text: str) -> Chunk:
    chunk_id, document_id, name, page, section, start, end, token_count, language = row
    return Chunk(
        chunk_id,
        document_id,
        name,
        page,
        section,
        page_text[start:end],
        start,
        end,
        token_count,
        language,
    )
