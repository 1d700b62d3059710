"""The ledger: one row a turn in an SQLite file, for figures over days; answers in, entries out.

It holds route, models, judgement, times, tokens and cost, and neither a question, an answer nor a
document, nor the name of one. Several processes may append at once. Knows no figures: those are in
savings.py.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rag.errors import LedgerError
from rag.types import Answer, Failed, Latency, Mode, Route, Tier, Usage, Verdict

LEDGER = "ledger.sqlite"  # in the data folder

_APPLICATION = 0x45524C47  # SQLite's application_id: the file is a ledger and nothing else
_VERSION = 2
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
        cost_usd REAL
    );
    CREATE INDEX IF NOT EXISTS turns_in_order ON turns (at);
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""
_INSERT = """
    INSERT INTO turns VALUES (
        :at, :trace_id, :mode, :route, :slm, :llm, :verdict, :confidence, :draft_verdict,
        :draft_confidence, :calibration, :signals, :latency, :usage, :cost_usd
    )
"""
_LOCKED_S = 3.0  # wait for another process that is writing

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A turn without its words."""

    at: float  # seconds since 1970, UTC
    trace_id: str
    mode: Mode
    route: Route | Literal["failed"]  # failed: it ended, or was stopped, without an answer
    slm: str  # the models that were asked; "" for one that was not
    llm: str
    verdict: Verdict | None  # on the final answer; None: there is none
    confidence: float | None
    draft_verdict: Verdict | None  # on the small model's draft; None: there was none, or unjudged
    draft_confidence: float | None
    calibration: str
    signals: Mapping[str, float | None]
    latency: Latency
    usage: Mapping[str, Usage]  # by model
    cost_usd: float | None


def failed_entry(failed: Failed, mode: Mode, at: float) -> Entry:
    """All that is known of a turn without an answer; what it cost is not."""
    return Entry(
        at=at,
        trace_id=failed.trace_id,
        mode=mode,
        route="failed",
        slm="",
        llm="",
        verdict=None,
        confidence=None,
        draft_verdict=None,
        draft_confidence=None,
        calibration="",
        signals={},
        latency=failed.latency,
        usage={},
        cost_usd=None,
    )


def entry_of(answer: Answer, mode: Mode, at: float) -> Entry:
    judged, models = answer.confidence, _models(answer)
    draft = next((one.confidence for one in answer.attempts if one.tier == "slm"), None)
    return Entry(
        at=at,
        trace_id=answer.trace_id,
        mode=mode,
        route=answer.route,
        slm=models.get("slm", ""),
        llm=models.get("llm", ""),
        verdict=judged.verdict,
        confidence=judged.value,
        draft_verdict=draft.verdict if draft else None,
        draft_confidence=draft.value if draft else None,
        calibration=judged.calibration,
        signals={name: signal.value for name, signal in judged.signals.items()},
        latency=answer.latency,
        usage=dict(answer.usage),
        cost_usd=answer.cost_usd,
    )


def _models(answer: Answer) -> Mapping[Tier, str]:
    return {attempt.tier: attempt.model for attempt in answer.attempts}


def record(path: Path, end: Answer | Failed, mode: Mode) -> None:
    """Append a turn. Never raises for a ledger that cannot be written: the log tells."""
    at = time.time()
    entry = failed_entry(end, mode, at) if isinstance(end, Failed) else entry_of(end, mode, at)
    try:
        Ledger(path).append(entry)
    except LedgerError as exc:
        _log.warning("This turn is not in the ledger. %s", exc)


class Ledger:
    """The file at ``path``, open only while a method runs. Every method raises LedgerError."""

    def __init__(self, path: Path, wait_s: float = _LOCKED_S) -> None:
        self._path = path
        self._wait_s = wait_s

    def append(self, entry: Entry) -> None:
        """Makes the file, and its folder, when there is none."""
        with self._opened(make=True) as database:
            database.execute(_INSERT, _row(entry))

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
    except BaseException:
        database.close()
        raise
    return database


def _is_empty(database: sqlite3.Connection) -> bool:
    [objects] = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not objects


def _check(database: sqlite3.Connection) -> None:
    [application] = database.execute("PRAGMA application_id").fetchone()
    [version] = database.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise LedgerError(
            f"The file {LEDGER} in the data folder is not a ledger. Move it elsewhere, or delete "
            "it with `python -m rag ledger --wipe`."
        )
    if version != _VERSION:
        raise LedgerError(
            "The ledger was made by another version of this program. Use that version, or begin "
            "anew with `python -m rag ledger --wipe`."
        )


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
        parsed = {name: json.loads(columns.pop(name)) for name in ("signals", "latency", "usage")}
        return Entry(
            **columns,
            signals=dict(parsed["signals"]),
            latency=Latency(**parsed["latency"]),
            usage={model: Usage(**used) for model, used in parsed["usage"].items()},
        )
    except (ValueError, TypeError, AttributeError) as exc:
        raise LedgerError(
            "The ledger holds a row that makes no sense. Begin anew with "
            "`python -m rag ledger --wipe`."
        ) from exc


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
