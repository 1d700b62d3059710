"""Chats as they are kept: their steps, elements and feedback.

Every method takes the owner who asks. What is another's cannot be told from what is not there when
it is read, and raises NotYours when it would be written. Steps and elements are the chat page's own
JSON objects, of which only ids, texts and times are looked at. Every method may raise PeopleError.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.errors import NotYours
from rag.people.database import Database, Row, Statements
from rag.people.owners import Owner

Json = dict[str, Any]
_NAME_CHARACTERS = 120
_HEADS = "SELECT id, name, created_at, metadata FROM chats WHERE"


@dataclass(frozen=True, slots=True)
class Head:
    """A chat without what was said."""

    id: str
    name: str
    created_at: str  # ISO 8601, UTC
    metadata: Json


@dataclass(frozen=True, slots=True)
class Feedback:
    id: str
    step_id: str
    value: int  # 0 or 1
    comment: str | None


@dataclass(frozen=True, slots=True)
class StoredChat:
    head: Head
    steps: tuple[Json, ...]  # in order of time
    elements: tuple[Json, ...]
    feedback: Mapping[str, Feedback]  # by step


class Archive:
    def __init__(self, database: Database) -> None:
        self._database = database

    # --- chats

    def list(
        self, owner: Owner, count: int, after_id: str = "", search: str = ""
    ) -> tuple[tuple[Head, ...], bool]:
        """The latest first, those after the one of that id; and whether there are more.

        ``search``: only chats with this text in their name or in a message, whatever its case and
        its accents.
        """
        where, values = "owner = ?", [owner]
        if after_id:
            where += " AND (created_at, id) < (SELECT created_at, id FROM chats WHERE id = ?)"
            values.append(after_id)
        if search.strip():
            pattern = _pattern(search)
            where += (
                " AND (folded LIKE ? ESCAPE '!' OR EXISTS (SELECT 1 FROM steps"
                " WHERE steps.chat_id = chats.id AND steps.folded LIKE ? ESCAPE '!'))"
            )
            values += [pattern, pattern]
        query = f"{_HEADS} {where} ORDER BY created_at DESC, id DESC LIMIT ?"
        with self._database.transaction() as run:
            rows = run(query, *values, count + 1)
        return tuple(map(_head, rows[:count])), len(rows) > count

    def chat(self, owner: Owner, chat_id: str) -> StoredChat | None:
        with self._database.transaction() as run:
            heads = run(f"{_HEADS} id = ? AND owner = ?", chat_id, owner)
            if not heads:
                return None
            steps = run("SELECT step FROM steps WHERE chat_id = ? ORDER BY created_at, id", chat_id)
            elements = run("SELECT element FROM elements WHERE chat_id = ?", chat_id)
            feedback = run(
                "SELECT f.id, f.step_id, f.value, f.comment FROM feedback f"
                " JOIN steps s ON s.id = f.step_id WHERE s.chat_id = ?",
                chat_id,
            )
        return StoredChat(
            _head(heads[0]),
            tuple(json.loads(text) for [text] in steps),
            tuple(json.loads(text) for [text] in elements),
            {row[1]: Feedback(*row) for row in feedback},
        )

    def owner(self, chat_id: str) -> Owner | None:
        """None for no chat of that id."""
        with self._database.transaction() as run:
            return _owner(run, chat_id)

    def begin(self, owner: Owner, chat_id: str, created_at: str) -> None:
        """Make a chat that is not there yet."""
        with self._database.transaction() as run:
            _begin(run, owner, chat_id, created_at)

    def rename(self, owner: Owner, chat_id: str, name: str) -> None:
        with self._database.transaction() as run:
            check_owner(run, owner, chat_id)
            _rename(run, chat_id, name)

    def note(self, owner: Owner, chat_id: str, metadata: Json) -> None:
        """What else is known of a chat; nothing happens to one that is not there."""
        with self._database.transaction() as run:
            query = "UPDATE chats SET metadata = ? WHERE id = ? AND owner = ?"
            run(query, json.dumps(metadata), chat_id, owner)

    def delete(self, owner: Owner, chat_id: str) -> tuple[str, ...]:
        """With all that is in it; ids of documents that no other chat of the owner's holds."""
        with self._database.transaction() as run:
            if _owner(run, chat_id) != owner:
                return ()
            held = {one for [one] in run(_ATTACHED, chat_id)}
            run("DELETE FROM chats WHERE id = ?", chat_id)
            kept = {one for [one] in run(_ATTACHED_TO_ANY, owner)}
            loose = sorted(held - kept)
            for document_id in loose:
                run("DELETE FROM documents WHERE owner = ? AND id = ?", owner, document_id)
        return tuple(loose)

    # --- what is said in them

    def put_step(self, owner: Owner, chat_id: str, step: Json) -> None:
        """Add a step, or put it in place of an earlier state of it. What a person says first gives
        the chat its name."""
        text = str(step.get("output") or "") if "message" in str(step.get("type")) else ""
        created_at = str(step.get("createdAt") or "")
        with self._database.transaction() as run:
            _begin(run, owner, chat_id, created_at)
            place = run("SELECT chat_id FROM steps WHERE id = ?", str(step["id"]))
            _check_place(place, chat_id)
            run(
                "INSERT INTO steps VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
                " SET created_at = excluded.created_at, folded = excluded.folded,"
                " step = excluded.step",
                *(step["id"], chat_id, created_at, folded(text), json.dumps(step)),
            )
            is_said = step.get("type") == "user_message"
            if is_said and run("SELECT 1 FROM chats WHERE id = ? AND name = ''", chat_id):
                _rename(run, chat_id, text or str(step.get("command") or ""))

    def remove_step(self, owner: Owner, step_id: str) -> None:
        """With its elements."""
        with self._database.transaction() as run:
            found = run(
                "SELECT s.chat_id FROM steps s JOIN chats c ON c.id = s.chat_id"
                " WHERE s.id = ? AND c.owner = ?",
                *(step_id, owner),
            )
            for [chat_id] in found:
                run("DELETE FROM steps WHERE id = ?", step_id)
                for [element] in run("SELECT element FROM elements WHERE chat_id = ?", chat_id):
                    one = json.loads(element)
                    if one.get("forId") == step_id:
                        run("DELETE FROM elements WHERE id = ?", one["id"])

    def put_element(self, owner: Owner, chat_id: str, element: Json, created_at: str) -> None:
        with self._database.transaction() as run:
            _begin(run, owner, chat_id, created_at)
            place = run("SELECT chat_id FROM elements WHERE id = ?", str(element["id"]))
            _check_place(place, chat_id)
            run(
                "INSERT INTO elements VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE"
                " SET element = excluded.element",
                *(element["id"], chat_id, json.dumps(element)),
            )

    def element(self, owner: Owner, chat_id: str, element_id: str) -> Json | None:
        query = (
            "SELECT e.element FROM elements e JOIN chats c ON c.id = e.chat_id"
            " WHERE e.id = ? AND c.id = ? AND c.owner = ?"
        )
        with self._database.transaction() as run:
            rows = run(query, element_id, chat_id, owner)
        return json.loads(rows[0][0]) if rows else None

    def remove_element(self, owner: Owner, element_id: str) -> None:
        with self._database.transaction() as run:
            run(
                "DELETE FROM elements WHERE id = ? AND chat_id IN"
                " (SELECT id FROM chats WHERE owner = ?)",
                *(element_id, owner),
            )

    def put_feedback(self, owner: Owner, feedback: Feedback) -> None:
        """On a step of the owner's. Raises NotYours for any other."""
        with self._database.transaction() as run:
            found = run(
                "SELECT 1 FROM steps WHERE id = ? AND chat_id IN"
                " (SELECT id FROM chats WHERE owner = ?)",
                *(feedback.step_id, owner),
            )
            if not found:
                raise NotYours("There is no such message among yours.")
            run("DELETE FROM feedback WHERE step_id = ?", feedback.step_id)
            run(
                "INSERT INTO feedback VALUES (?, ?, ?, ?)",
                *(feedback.id, feedback.step_id, feedback.value, feedback.comment),
            )

    def remove_feedback(self, owner: Owner, feedback_id: str) -> None:
        with self._database.transaction() as run:
            run(
                "DELETE FROM feedback WHERE id = ? AND step_id IN (SELECT s.id FROM steps s"
                " JOIN chats c ON c.id = s.chat_id WHERE c.owner = ?)",
                *(feedback_id, owner),
            )

    # --- owners

    def owners(self) -> tuple[Owner, ...]:
        """Of whom anything is kept."""
        query = "SELECT owner FROM chats UNION SELECT owner FROM documents ORDER BY owner"
        with self._database.transaction() as run:
            return tuple(owner for [owner] in run(query))

    def delete_owner(self, owner: Owner) -> None:
        with self._database.transaction() as run:
            run("DELETE FROM chats WHERE owner = ?", owner)
            run("DELETE FROM documents WHERE owner = ?", owner)


_ATTACHED = "SELECT document_id FROM attached WHERE chat_id = ?"
_ATTACHED_TO_ANY = (
    "SELECT a.document_id FROM attached a JOIN chats c ON c.id = a.chat_id WHERE c.owner = ?"
)


def folded(text: str) -> str:
    """As it is searched for.

    >>> folded("Câți LITRI?")
    'cati litri?'
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in decomposed if not unicodedata.combining(one))


def _pattern(search: str) -> str:
    escaped = folded(search.strip()).replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def _head(row: Row) -> Head:
    chat_id, name, created_at, metadata = row
    return Head(chat_id, name, created_at, json.loads(metadata))


def _owner(run: Statements, chat_id: str) -> Owner | None:
    rows = run("SELECT owner FROM chats WHERE id = ?", chat_id)
    return rows[0][0] if rows else None


def _rename(run: Statements, chat_id: str, name: str) -> None:
    name = " ".join(name.split())[:_NAME_CHARACTERS]
    run("UPDATE chats SET name = ?, folded = ? WHERE id = ?", name, folded(name), chat_id)


def check_owner(run: Statements, owner: Owner, chat_id: str) -> None:
    if _owner(run, chat_id) != owner:
        raise NotYours("There is no such chat among yours.")


def _begin(run: Statements, owner: Owner, chat_id: str, created_at: str) -> None:
    run(
        "INSERT INTO chats VALUES (?, ?, '', '', ?, '{}') ON CONFLICT (id) DO NOTHING",
        *(chat_id, owner, created_at),
    )
    check_owner(run, owner, chat_id)


def _check_place(rows: Sequence[Row], chat_id: str) -> None:
    """An id is chosen by the page: it must not be one of another chat."""
    if rows and rows[0][0] != chat_id:
        raise NotYours("There is no such message in this chat.")
