from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from rag.errors import NotFound, NotYours, PeopleError
from rag.people.archive import Archive
from rag.people.database import Database
from rag.people.shelf import Kept, Shelf
from rag.types import Chunk, Document

BYTES = b"The pump holds 40 litres."
ID = hashlib.sha256(BYTES).hexdigest()
DOCUMENT = Document(ID, "pump.txt", "text/plain", (BYTES.decode(),), "en", "a note")
CHUNKS = (Chunk("x", ID, "pump.txt", 1, "", BYTES.decode(), 0, 25, 7, "en"),)


@pytest.fixture
def shelf(database: Database, tmp_path: Path) -> Shelf:
    archive = Archive(database)
    for owner, chat in (("ann", "c1"), ("ann", "c2"), ("bo", "b1")):
        archive.begin(owner, chat, "")
    return Shelf(database, tmp_path / "people")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dropped"
    path.write_bytes(BYTES)
    return path


def test_a_document_comes_back_when_its_chat_does(shelf: Shelf, file: Path) -> None:
    for _ in range(2):  # dropped twice
        shelf.put("ann", "c1", DOCUMENT, CHUNKS, file)
    file.unlink()
    assert shelf.of_chat("ann", "c1") == (Kept(DOCUMENT, CHUNKS),)
    assert shelf.of_chat("ann", "c2") == ()
    assert shelf.file("ann", ID).read_bytes() == BYTES
    assert shelf.document("ann", ID).name == "pump.txt"


def test_another_finds_nothing_when_a_document_is_somebodys(shelf: Shelf, file: Path) -> None:
    shelf.put("ann", "c1", DOCUMENT, CHUNKS, file)
    assert shelf.of_chat("bo", "c1") == ()
    assert shelf.ids("bo") == ()
    assert not shelf.file("bo", ID).exists()
    with pytest.raises(NotFound):
        shelf.document("bo", ID)
    with pytest.raises(NotYours):
        shelf.put("bo", "c1", DOCUMENT, CHUNKS, file)
    shelf.forget("bo", ID)
    assert shelf.file("ann", ID).exists()


def test_each_has_their_own_when_two_drop_the_same_file(shelf: Shelf, file: Path) -> None:
    shelf.put("ann", "c1", DOCUMENT, CHUNKS, file)
    shelf.put("bo", "b1", DOCUMENT, CHUNKS, file)
    shelf.forget("ann", ID)
    assert shelf.of_chat("ann", "c1") == ()
    assert shelf.of_chat("bo", "b1") == (Kept(DOCUMENT, CHUNKS),)
    assert not shelf.file("ann", ID).parent.exists()
    assert shelf.file("bo", ID).exists()


def test_a_document_stays_when_another_chat_holds_it(
    shelf: Shelf, file: Path, database: Database
) -> None:
    archive = Archive(database)
    for chat in ("c1", "c2"):
        shelf.put("ann", chat, DOCUMENT, CHUNKS, file)
    assert archive.delete("ann", "c1") == ()
    assert shelf.ids("ann") == (ID,)
    assert archive.delete("ann", "c2") == (ID,)
    assert shelf.ids("ann") == ()
    shelf.delete_files("ann", [ID])
    assert not shelf.file("ann", ID).exists()


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "x" * 64, ID.upper(), f"{ID}/"])
def test_no_file_is_named_when_the_id_is_none(shelf: Shelf, name: str) -> None:
    with pytest.raises(NotFound):
        shelf.file("ann", name)


def test_a_folder_has_a_harmless_name_when_its_owner_has_not(shelf: Shelf) -> None:
    assert shelf.file("../bo", ID).parent.parent == shelf.file("ann", ID).parent.parent


def test_what_nothing_names_goes_when_it_is_a_day_old(shelf: Shelf, file: Path) -> None:
    shelf.put("ann", "c1", DOCUMENT, CHUNKS, file)
    kept = shelf.file("ann", ID)
    fresh, left = kept.with_name("0" * 64), kept.with_name("1" * 64 + ".7.new")
    for path in (fresh, left):
        path.write_bytes(b"")
    old = time.time() - 100_000
    for path in (left, kept):
        os.utime(path, (old, old))
    shelf.sweep(time.time())
    assert [path.exists() for path in (kept, fresh, left)] == [True, True, False]


def test_it_is_told_when_there_is_no_room(shelf: Shelf, tmp_path: Path, file: Path) -> None:
    (tmp_path / "people").write_text("in the way")
    with pytest.raises(PeopleError, match="cannot be kept"):
        shelf.put("ann", "c1", DOCUMENT, CHUNKS, file)
    assert shelf.ids("ann") == ()
