"""Which of two answers a person liked better: one row a choice in an SQLite file, and no text.

Choosing again between the same two replaces the earlier choice. Where RAG_LEDGER is false nothing
of turns is kept: a front end then offers no choice. ``compare --preferences`` reports them.

People, too, like what they see first: vary who is ``first``, as ``preferred_first`` is reported.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag.errors import LedgerError
from rag.measuring.statistics import Estimate, share
from rag.types import Mode

PREFERENCES = "preferences.sqlite"  # in the data folder, beside the ledger

Preferred = Literal["first", "second", "neither"]

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS preferences (
        at REAL NOT NULL,
        first_trace_id TEXT NOT NULL, first_model TEXT NOT NULL, first_mode TEXT NOT NULL,
        second_trace_id TEXT NOT NULL, second_model TEXT NOT NULL, second_mode TEXT NOT NULL,
        preferred TEXT NOT NULL CHECK (preferred IN ('first', 'second', 'neither')),
        PRIMARY KEY (first_trace_id, second_trace_id)
    )
"""
_INSERT = "INSERT OR REPLACE INTO preferences VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_LOCKED_S = 3.0  # wait for another process that is writing


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two answers."""

    trace_id: str  # of its ``Answer``
    model: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class Preference:
    at: float  # seconds since 1970, UTC
    first: Side  # what stood to the left, or above
    second: Side
    preferred: Preferred

    @property
    def winner(self) -> Side | None:
        """None when neither was better."""
        return {"first": self.first, "second": self.second, "neither": None}[self.preferred]


class Preferences:
    """The file at ``path``, open only while a method runs. Every method raises LedgerError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, preference: Preference) -> None:
        """Makes the file, and its folder, when there is none."""
        one, two = preference.first, preference.second
        sides = (one.trace_id, one.model, one.mode, two.trace_id, two.model, two.mode)
        with self._opened() as database:
            database.execute(_INSERT, (preference.at, *sides, preference.preferred))

    def all(self) -> tuple[Preference, ...]:
        """In the order of time."""
        if not self._path.exists():
            return ()
        with self._opened() as database:
            rows = database.execute("SELECT * FROM preferences ORDER BY at, rowid").fetchall()
        return tuple(Preference(row[0], Side(*row[1:4]), Side(*row[4:7]), row[7]) for row in rows)

    def wipe(self) -> None:
        with _translated():
            self._path.unlink(missing_ok=True)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with _translated():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_LOCKED_S)) as database, database:
                database.execute(_SCHEMA)
                yield database


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as exc:
        raise LedgerError(
            f"The file {PREFERENCES} in the data folder cannot be used: {exc}. Try again in a "
            "moment; if that does not help, delete it."
        ) from exc


# --- figures ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wins:
    """How often a model was liked better than another, among choices between the two."""

    model: str
    other: str
    wins: int
    losses: int
    neither: int
    share: Estimate | None  # of wins among wins and losses; None: neither ever won


def wins(preferences: Sequence[Preference]) -> tuple[Wins, ...]:
    """For each two models, in the order of their names; a model beside itself is left out.

    >>> at = (Side("a1", "small", "slm"), Side("b1", "large", "llm"))
    >>> [(one.model, one.wins, one.losses) for one in wins([Preference(0.0, *at, "second")])]
    [('large', 1, 0)]
    """
    pairs = sorted({_pair(one) for one in preferences if one.first.model != one.second.model})
    return tuple(_wins(pair, [one for one in preferences if _pair(one) == pair]) for pair in pairs)


def preferred_first(preferences: Sequence[Preference]) -> Estimate | None:
    """Share of choices that fell on what stood first: far from a half, the place has decided."""
    decided = [one.preferred for one in preferences if one.preferred != "neither"]
    return share([one == "first" for one in decided])


def _pair(preference: Preference) -> tuple[str, str]:
    first, second = sorted((preference.first.model, preference.second.model))
    return first, second


def _wins(pair: tuple[str, str], chosen: Sequence[Preference]) -> Wins:
    won = [one.winner.model == pair[0] for one in chosen if one.winner]
    return Wins(
        *pair,
        wins=sum(won),
        losses=len(won) - sum(won),
        neither=len(chosen) - len(won),
        share=share(won),
    )
