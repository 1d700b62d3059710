"""Turns of kept chats, from which a chat goes on after the process has ended.

A turn is a JSON object that whoever stores it can read again (rag/page/resuming.py). As in the
archive, each method takes the owner who asks, and may raise PeopleError.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rag.people.archive import check_owner
from rag.people.database import Database
from rag.people.owners import Owner


@dataclass(frozen=True, slots=True)
class StoredTurn:
    id: str
    turn: dict[str, Any] | None  # None: it has begun, and nothing of it is done yet


class Turns:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, owner: Owner, chat_id: str, turn_id: str, turn: dict[str, Any] | None) -> None:
        """``turn`` None: it begins, unless it was done before. One that has begun and is not done
        when the chat is read again was cut off with the process."""
        with self._database.transaction() as run:
            check_owner(run, owner, chat_id)
            run(
                "INSERT INTO turns VALUES (?, ?, ?, ?) ON CONFLICT (chat_id, id) DO UPDATE"
                " SET turn = COALESCE(excluded.turn, turns.turn)",
                *(chat_id, turn_id, time.time(), None if turn is None else json.dumps(turn)),
            )

    def remove(self, owner: Owner, chat_id: str, turn_ids: Iterable[str]) -> None:
        with self._database.transaction() as run:
            check_owner(run, owner, chat_id)
            for turn_id in turn_ids:
                run("DELETE FROM turns WHERE chat_id = ? AND id = ?", chat_id, turn_id)

    def of_chat(self, owner: Owner, chat_id: str) -> tuple[StoredTurn, ...]:
        """In the order in which they began."""
        query = (
            "SELECT t.id, t.turn FROM turns t JOIN chats c ON c.id = t.chat_id"
            " WHERE c.id = ? AND c.owner = ? ORDER BY t.begun_at"
        )
        with self._database.transaction() as run:
            rows = run(query, chat_id, owner)
        return tuple(StoredTurn(one, text and json.loads(text)) for one, text in rows)
