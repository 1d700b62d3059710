"""What people dropped into their chats: each document as it was read, and its file.

Text and passages are in the database, so that a chat goes on without reading files again; a file is
in the owner's own folder, under its document's id (the SHA-256 of its bytes). A file is stored
before its document and deleted after it: what a crash leaves behind is a file that nothing names,
which ``sweep`` takes away. Every method may raise PeopleError.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import NotFound, NotYours, PeopleError
from rag.people.database import Database, Row
from rag.people.owners import Owner
from rag.types import Chunk, Document

FOLDER = "people"  # in the data folder
_ID = re.compile(r"[0-9a-f]{64}")
_ABANDONED_S = 86_400  # a file that nothing names may be about to be named


@dataclass(frozen=True, slots=True)
class Kept:
    """A document of a person's, and the chats' passages of it."""

    document: Document
    chunks: tuple[Chunk, ...]


class Shelf:
    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def put(
        self, owner: Owner, chat_id: str, document: Document, chunks: Sequence[Chunk], file: Path
    ) -> None:
        """Keep a document of the owner's chat, with a copy of its file."""
        with _translated():
            self._copy(owner, document.id, file)
        with self._database.transaction() as run:
            if run("SELECT owner FROM chats WHERE id = ?", chat_id) != [(owner,)]:
                raise NotYours("There is no such chat among yours.")
            run(
                "INSERT INTO documents VALUES (?, ?, ?, ?) ON CONFLICT (owner, id) DO NOTHING",
                *(owner, document.id, json.dumps(asdict(document))),
                json.dumps([asdict(chunk) for chunk in chunks]),
            )
            run(
                "INSERT INTO attached VALUES (?, ?, ?) ON CONFLICT (chat_id, document_id)"
                " DO NOTHING",
                *(chat_id, document.id, time.time()),
            )

    def of_chat(self, owner: Owner, chat_id: str) -> tuple[Kept, ...]:
        """In the order in which they were dropped."""
        with self._database.transaction() as run:
            rows = run(
                "SELECT d.document, d.chunks FROM attached a JOIN chats c ON c.id = a.chat_id"
                " JOIN documents d ON d.id = a.document_id AND d.owner = c.owner"
                " WHERE c.id = ? AND c.owner = ? ORDER BY a.added_at",
                *(chat_id, owner),
            )
        return tuple(map(_kept, rows))

    def ids(self, owner: Owner) -> tuple[str, ...]:
        with self._database.transaction() as run:
            return tuple(one for [one] in run("SELECT id FROM documents WHERE owner = ?", owner))

    def document(self, owner: Owner, document_id: str) -> Document:
        """Raises NotFound, also for another's."""
        query = "SELECT document, '[]' FROM documents WHERE owner = ? AND id = ?"
        with self._database.transaction() as run:
            rows = run(query, owner, document_id)
        if not rows:
            raise NotFound("There is no such document among yours.")
        return _kept(rows[0]).document

    def file(self, owner: Owner, document_id: str) -> Path:
        """Where its file is, or would be. Raises NotFound for what is no id."""
        if not _ID.fullmatch(document_id):
            raise NotFound("There is no such document among yours.")
        return self._folder_of(owner) / document_id

    def forget(self, owner: Owner, document_id: str) -> None:
        """Delete a document from all chats of its owner, and its file."""
        with self._database.transaction() as run:
            run(
                "DELETE FROM attached WHERE document_id = ? AND chat_id IN"
                " (SELECT id FROM chats WHERE owner = ?)",
                *(document_id, owner),
            )
            run("DELETE FROM documents WHERE owner = ? AND id = ?", owner, document_id)
        self.delete_files(owner, [document_id])

    def delete_files(self, owner: Owner, document_ids: Sequence[str]) -> None:
        with _translated():
            for document_id in document_ids:
                self.file(owner, document_id).unlink(missing_ok=True)
            with suppress(OSError):  # not empty
                self._folder_of(owner).rmdir()

    def delete_owner(self, owner: Owner) -> None:
        """All files of an owner, whose documents are deleted already."""
        with _translated():
            if (folder := self._folder_of(owner)).is_dir():
                shutil.rmtree(folder)

    def sweep(self, now: float) -> None:
        """Delete files that nothing names for a day. ``now``: seconds since 1970."""
        with self._database.transaction() as run:
            named = {
                self._folder_of(owner) / one
                for owner, one in run("SELECT owner, id FROM documents")
            }
        with _translated():
            for path in self._folder.glob("*/*"):
                if path not in named and path.stat().st_mtime < now - _ABANDONED_S:
                    path.unlink(missing_ok=True)

    def _copy(self, owner: Owner, document_id: str, file: Path) -> None:
        target = self.file(owner, document_id)
        if target.is_file():
            return
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = target.with_name(f"{document_id}.{os.getpid()}.new")
        try:
            shutil.copyfile(file, new)
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)

    def _folder_of(self, owner: Owner) -> Path:
        """A name may hold what no folder can."""
        return self._folder / hashlib.sha256(owner.encode()).hexdigest()[:32]


def _kept(row: Row) -> Kept:
    document, chunks = json.loads(row[0]), json.loads(row[1])
    return Kept(
        Document(**document | {"pages": tuple(document["pages"])}),
        tuple(Chunk(**chunk) for chunk in chunks),
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise PeopleError(
            f"A dropped file cannot be kept: {exc.strerror}. See that the data folder has room and "
            "can be written to."
        ) from exc
