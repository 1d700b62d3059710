from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rag.documents.ingest import Event, FileFailed, FileRead, PageRead
from rag.page.chat import Chat
from rag.page.reading import Dropped, Reading
from rag.page.wording import Wording
from rag.types import Chunk, Document

A, B = Path("a"), Path("b")


def read(path: Path, document_id: str, note: str = "") -> FileRead:
    document = Document(document_id, "one.md", "text/markdown", ("Text.",), "en", note)
    chunk = Chunk(f"{document_id}-1", document_id, "one.md", 1, "", "Text.", 0, 5, 2, "en")
    return FileRead(document, (chunk,), path)


async def stream(*events: Event) -> AsyncIterator[Event]:
    for event in events:
        yield event


def batch(*paths: Path) -> Reading:
    dropped = [Dropped(path, f"{path.name}.md", f"/file/{path.name}") for path in paths]
    return Reading(dropped, Chat(Wording("en")))


async def last_frame(
    reading: Reading, *events: Event, library: tuple[str, ...] = ()
) -> tuple[str, str]:
    frames = [frame async for frame in reading.frames(stream(*events), library)]
    return frames[-1]


def test_files_wait_when_none_was_begun() -> None:
    reading = batch(A, B)
    assert reading.title() == "Reading 2 files"
    assert reading.lines() == "- **a\\.md** · waiting\n- **b\\.md** · waiting"


@pytest.mark.anyio
async def test_pages_are_counted_when_a_file_is_being_read() -> None:
    reading = batch(A, B)
    title, lines = await last_frame(reading, PageRead("a.md", 3, 12, A))
    assert title == "Reading 2 files"
    assert lines == "- **a\\.md** · page 3 of 12\n- **b\\.md** · waiting"


@pytest.mark.anyio
async def test_the_chat_holds_a_file_when_it_was_read() -> None:
    reading = batch(A)
    title, lines = await last_frame(reading, read(A, "x", "Page 2 is a picture."))
    assert title == "Read 1 file"
    assert lines == "- **a\\.md** · 1 page, 1 passage · Page 2 is a picture\\."
    assert reading.chat.uploads["x"].url == "/file/a"
    assert reading.ready() == "**a\\.md** can now be asked about."


@pytest.mark.anyio
async def test_a_file_is_taken_once_when_its_bytes_are_known() -> None:
    reading = batch(A, B)
    _, lines = await last_frame(reading, read(A, "x"), read(B, "x"))
    assert lines.endswith("**b\\.md** · already in this chat")
    reading = batch(A)
    _, lines = await last_frame(reading, read(A, "x"), library=("x",))
    assert lines == "- **a\\.md** · already in the library"
    assert reading.chat.uploads == {}
    assert reading.searched == ["a.md"]


@pytest.mark.anyio
async def test_the_others_go_on_when_one_file_fails() -> None:
    reading = batch(A, B)
    failed = FileFailed("a.md", A, "EmptyDocument", "It is empty. Check it.")
    title, lines = await last_frame(reading, failed, read(B, "x"))
    assert title == "Read 1 of 2 files"
    assert lines == "- **a\\.md** · could not be read\n- **b\\.md** · 1 page, 1 passage"
    assert reading.failures == ["**a\\.md**: It is empty\\. Check it\\."]


@pytest.mark.anyio
async def test_there_is_a_last_frame_when_nothing_was_dropped() -> None:
    assert await last_frame(batch()) == ("Read 0 files", "")
