"""The ledger: one row a turn in an SQLite file, for figures over days; entries in, entries out.

Several processes may append at once. A file of the version before is brought up to date when it is
opened. Knows no figures: those are in savings.py.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from rag.errors import LedgerError
from rag.measuring.entries import Entry, Part, entry_of, failed_entry
from rag.types import Answer, Energy, Failed, Latency, Mode, Reach, Usage

LEDGER = "ledger.sqlite"  # in the data folder

_APPLICATION = 0x45524C47  # SQLite's application_id: the file is a ledger and nothing else
_VERSION = 4
_SCHEMA = f"""
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS turns (
        at REAL NOT NULL,
        trace_id TEXT NOT NULL,
        mode TEXT NOT NULL,
        route TEXT NOT NULL,
        slm TEXT NOT NULL,
        llm TEXT NOT NULL,
        verdict TEXT,
        confidence REAL,
        draft_verdict TEXT,
        draft_confidence REAL,
        calibration TEXT NOT NULL,
        signals TEXT NOT NULL,
        latency TEXT NOT NULL,
        usage TEXT NOT NULL,
        cost_usd REAL,
        parts TEXT NOT NULL DEFAULT '{{}}',
        is_kept INTEGER NOT NULL DEFAULT 0,
        owner TEXT NOT NULL DEFAULT '',
        chat TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX IF NOT EXISTS turns_in_order ON turns (at);
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""
_SINCE = {  # statements that bring a file of that version to the next
    2: """
        ALTER TABLE turns ADD COLUMN parts TEXT NOT NULL DEFAULT '{}';
        ALTER TABLE turns ADD COLUMN is_kept INTEGER NOT NULL DEFAULT 0;
        PRAGMA user_version = 3
    """,
    3: """
        ALTER TABLE turns ADD COLUMN owner TEXT NOT NULL DEFAULT '';
        ALTER TABLE turns ADD COLUMN chat TEXT NOT NULL DEFAULT '';
        PRAGMA user_version = 4
    """,
}
# Columns by name: SQLite then sees that another process has just added some.
_COLUMNS = tuple(column.name for column in fields(Entry))
_INSERT = f"""
    INSERT INTO turns ({", ".join(_COLUMNS)}) VALUES ({", ".join(f":{one}" for one in _COLUMNS)})
"""  # noqa: S608
_JSON = ("signals", "latency", "usage", "parts")  # columns that hold it
_LOCKED_S = 3.0  # wait for another process that is writing

_log = logging.getLogger(__name__)


def record(path: Path, end: Answer | Failed, mode: Mode, owner: str = "", chat: str = "") -> None:
    """Append a turn of an owner's chat (rag/people/owners.py). Never raises for a ledger that
    cannot be written: the log tells."""
    at = time.time()
    entry = failed_entry(end, mode, at) if isinstance(end, Failed) else entry_of(end, mode, at)
    try:
        Ledger(path).append(replace(entry, owner=owner, chat=chat))
    except LedgerError as exc:
        _log.warning("This turn is not in the ledger. %s", exc)


def record_kept(path: Path, trace_id: str) -> None:
    """Note that a turn's draft was taken back. Never raises, like ``record``."""
    try:
        Ledger(path).keep(trace_id)
    except LedgerError as exc:
        _log.warning("It is not in the ledger that the local answer was kept. %s", exc)


def unlink(path: Path, owner: str, chat: str | None = None) -> None:
    """Take out of the owner's rows, of one chat or of all, whose turns they were. Never raises."""
    try:
        Ledger(path).unlink(owner, chat)
    except LedgerError as exc:
        _log.warning("The ledger still tells whose turns they were. %s", exc)


class Ledger:
    """The file at ``path``, open only while a method runs. Every method raises LedgerError."""

    def __init__(self, path: Path, wait_s: float = _LOCKED_S) -> None:
        self._path = path
        self._wait_s = wait_s

    def append(self, entry: Entry) -> None:
        """Makes the file, and its folder, when there is none."""
        with self._opened(make=True) as database:
            database.execute(_INSERT, _row(entry))

    def keep(self, trace_id: str) -> None:
        """A turn that was never noted is passed over."""
        if not self._path.exists():
            return
        with self._opened(make=False) as database:
            database.execute("UPDATE turns SET is_kept = 1 WHERE trace_id = ?", [trace_id])

    def unlink(self, owner: str, chat: str | None = None) -> None:
        """The figures stay; owner, chat and the turn's id go. ``chat`` None: of all chats."""
        if not self._path.exists():
            return
        query = "UPDATE turns SET owner = '', chat = '', trace_id = '' WHERE owner = ?"
        with self._opened(make=False) as database:
            if chat is None:
                database.execute(query, [owner])
            else:
                database.execute(f"{query} AND chat = ?", [owner, chat])

    def entries(self) -> tuple[Entry, ...]:
        """In the order of time."""
        if not self._path.exists():
            return ()
        with self._opened(make=False) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute("SELECT * FROM turns ORDER BY at, rowid").fetchall()
            return tuple(map(_entry, rows))

    def wipe(self) -> None:
        """Overwrite and delete every row; a file that is no ledger we can use is removed."""
        if not self._path.exists():
            return
        try:
            with self._opened(make=False) as database:
                database.execute("DELETE FROM turns")
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except LedgerError as exc:
            if _is_busy(exc.__cause__):
                raise
            self._remove()

    def _remove(self) -> None:
        with _translated():
            for end in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + end).unlink(missing_ok=True)

    @contextmanager
    def _opened(self, *, make: bool) -> Iterator[sqlite3.Connection]:
        with _translated():
            if make:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(_connect(self._path, self._wait_s)) as database:
                yield database


def _connect(path: Path, wait_s: float) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA secure_delete = ON")
        if _is_empty(database):
            database.executescript(_SCHEMA)  # once more than once does no harm
            database.execute("PRAGMA journal_mode = WAL")
        _check(database)
        _bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return database


def _is_empty(database: sqlite3.Connection) -> bool:
    [objects] = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not objects


def _check(database: sqlite3.Connection) -> None:
    [application] = database.execute("PRAGMA application_id").fetchone()
    if application != _APPLICATION:
        raise LedgerError(
            f"The file {LEDGER} in the data folder is not a ledger. Move it elsewhere, or delete "
            "it with `python -m rag ledger --wipe`."
        )
    if _version(database) not in {*_SINCE, _VERSION}:
        raise LedgerError(
            "The ledger was made by another version of this program. Use that version, or begin "
            "anew with `python -m rag ledger --wipe`."
        )


def _bring_up_to_date(database: sqlite3.Connection) -> None:
    if _version(database) == _VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    while _version(database) != _VERSION:  # another process may have been quicker
        for statement in _SINCE[_version(database)].split(";"):  # a script would commit in between
            database.execute(statement)
    database.execute("COMMIT")


def _version(database: sqlite3.Connection) -> int:
    [version] = database.execute("PRAGMA user_version").fetchone()
    return int(version)


# --- rows ------------------------------------------------------------------------------------


def _row(entry: Entry) -> dict[str, Any]:
    row = asdict(entry)
    return {
        name: json.dumps(column) if isinstance(column, Mapping) else column
        for name, column in row.items()
    }


def _entry(row: sqlite3.Row) -> Entry:
    columns = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a Row iterates over values
    try:
        parsed = {name: json.loads(columns.pop(name)) for name in _JSON}
        return Entry(
            **columns | {"is_kept": bool(columns["is_kept"])},
            signals=dict(parsed["signals"]),
            latency=Latency(**parsed["latency"]),
            usage={model: Usage(**used) for model, used in parsed["usage"].items()},
            parts={tier: _part(**part) for tier, part in parsed["parts"].items()},
        )
    except (ValueError, TypeError, AttributeError) as exc:
        raise LedgerError(
            "The ledger holds a row that makes no sense. Begin anew with "
            "`python -m rag ledger --wipe`."
        ) from exc


def _part(reach: Reach, is_cold: bool, energy: dict[str, Any] | None) -> Part:
    return Part(reach, is_cold, Energy(**energy) if energy else None)


@contextmanager
def _translated() -> Iterator[None]:
    """The one place where SQLite's errors, and those of its file, become ours."""
    try:
        yield
    except sqlite3.Error as exc:
        raise LedgerError(f"The ledger cannot be used: {exc}. {_advice(exc)}") from exc
    except OSError as exc:
        raise LedgerError(
            f"The ledger's folder cannot be used: {exc.strerror}. Choose another data folder, or "
            "set RAG_LEDGER=false."
        ) from exc
    except UnicodeError as exc:  # a server may call its model anything
        raise LedgerError("A model's name is no text.") from exc


def _advice(exc: sqlite3.Error) -> str:
    if _is_busy(exc):
        return "Another process is writing to it; try again in a moment."
    if _code(exc) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return "Begin anew with `python -m rag ledger --wipe`."
    if _code(exc) == sqlite3.SQLITE_FULL:
        return "Make room on the disk."
    return "See that it and the data folder can be written to, or set RAG_LEDGER=false."


def _is_busy(exc: BaseException | None) -> bool:
    return _code(exc) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _code(exc: BaseException | None) -> int:
    return int(getattr(exc, "sqlite_errorcode", 0)) & 0xFF
