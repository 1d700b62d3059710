"""All that belongs to a person: packed for them to take along, or deleted, wherever it is kept."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rag.errors import PeopleError
from rag.measuring.ledger import Ledger
from rag.people.archive import Archive, Head, StoredChat
from rag.people.owners import Owner
from rag.people.shelf import Shelf

_PAGE = 100  # chats read at once
_UNFIT = re.compile(r"[^\w .()-]+")  # for a file's name
_SPEAKERS = {"user_message": "**You**", "assistant_message": "**Answer**"}


def pack(owner: Owner, archive: Archive, shelf: Shelf, ledger: Ledger, path: Path) -> None:
    """Into a zip file: each chat as Markdown and as JSON, documents as they were dropped, and the
    rows of the ledger as JSON Lines. Raises PeopleError and LedgerError."""
    rows = [asdict(entry) for entry in ledger.entries() if entry.owner == owner]
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for number, head in enumerate(_heads(owner, archive), 1):
                if chat := archive.chat(owner, head.id):
                    name = f"chats/{number:04} {_fit(head.name or 'chat')}"
                    packed.writestr(f"{name}.md", as_markdown(chat))
                    packed.writestr(f"{name}.json", _as_json(chat))
            for document_id in shelf.ids(owner):
                _pack_document(packed, owner, shelf, document_id)
            packed.writestr("ledger.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    except OSError as exc:
        raise PeopleError(
            f"The file cannot be written: {exc.strerror}. Make room on the disk, or name another "
            "folder."
        ) from exc


def remove(owner: Owner, archive: Archive, shelf: Shelf, ledger: Ledger) -> None:
    """Chats, documents and files; rows of the ledger stay, and are nobody's. Raises PeopleError
    and LedgerError."""
    archive.delete_owner(owner)
    shelf.delete_owner(owner)
    ledger.unlink(owner)


def _pack_document(packed: zipfile.ZipFile, owner: Owner, shelf: Shelf, document_id: str) -> None:
    name = f"documents/{document_id[:8]} {_fit(shelf.document(owner, document_id).name)}"
    file = shelf.file(owner, document_id)
    if file.is_file():
        packed.write(file, name)
    else:  # on another machine
        text = "\f".join(shelf.document(owner, document_id).pages)
        packed.writestr(f"{name}.txt", text)


def as_markdown(chat: StoredChat) -> str:
    said = [
        f"{_SPEAKERS[step['type']]} ({step.get('createdAt')})\n\n{step.get('output') or ''}\n"
        for step in chat.steps
        if step.get("type") in _SPEAKERS
    ]
    return "\n".join([f"# {chat.head.name or chat.head.id}\n", *said])


def _as_json(chat: StoredChat) -> str:
    feedback = [asdict(one) for one in chat.feedback.values()]
    whole = {
        **asdict(chat.head), "steps": chat.steps, "elements": chat.elements, "feedback": feedback,
    }  # fmt: skip
    return json.dumps(whole, ensure_ascii=False, indent=1)


def _heads(owner: Owner, archive: Archive) -> Iterator[Head]:
    after, has_more = "", True
    while has_more:
        heads, has_more = archive.list(owner, _PAGE, after)
        yield from heads
        after = heads[-1].id if heads else ""


def _fit(name: str) -> str:
    return _UNFIT.sub("_", name).strip(" .")[:60] or "_"
