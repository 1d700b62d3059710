"""Ingestion: every file ends in a document or a sentence, whatever it does to its reader."""

from __future__ import annotations

import asyncio
import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import psutil
import pytest

from rag.documents.chunking import chunk
from rag.documents.ingest import (
    Event,
    FileFailed,
    FileRead,
    Ingestor,
    Limits,
    PageRead,
    SourceFile,
)
from rag.documents.readers import read

sys.path.insert(0, str(Path(__file__).parent))
import nasty

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared" / "data" / "pdfs"
# Half a minute for pypdf, within its own limits.
SLOW = b"0.5 0.5 m 1.5 1.5 l S " * 250_000 + b"BT /F1 9 Tf (Some words.) Tj ET"


@pytest.fixture
def ingestor() -> Iterator[Ingestor]:
    ingestor = Ingestor(Limits(), max_tokens=192, overlap=0.25, workers=2, timeout_s=300)
    yield ingestor
    ingestor.close()


def source(path: Path) -> SourceFile:
    return SourceFile(path, path.name)


async def events(ingestor: Ingestor, *paths: Path) -> list[Event]:
    return [event async for event in ingestor.ingest([source(path) for path in paths])]


async def ends(ingestor: Ingestor, *paths: Path) -> dict[str, str]:
    """By file name: "read", or the class of the error."""
    found = {}
    for event in await events(ingestor, *paths):
        if isinstance(event, FileRead):
            found[event.source.name] = "read"
        elif isinstance(event, FileFailed):
            found[event.source.name] = event.error_class_name
    return found


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children()}


async def test_nothing_happens_when_there_is_no_file(ingestor: Ingestor) -> None:
    assert await events(ingestor) == []


async def test_its_page_and_its_chunks_come_when_there_is_one_file(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    path = nasty.written(
        tmp_path / "a.md", "# Warranty\n\nIt lasts two years.\n\n# Delivery\n\nFree."
    )
    document = read(path, "a.md", Limits())
    chunks = chunk(document, max_tokens=192, overlap=0.25)
    assert await events(ingestor, path) == [
        PageRead("a.md", 1, 1, path),
        FileRead(document, chunks, path),
    ]
    assert [each.section for each in chunks] == ["Warranty", "Delivery"]


async def test_the_good_ones_are_read_when_one_is_bad(ingestor: Ingestor, tmp_path: Path) -> None:
    good = nasty.pdf(tmp_path / "good.pdf")
    empty = nasty.written(tmp_path / "empty.txt", "")
    locked = nasty.pdf_locked(tmp_path / "locked.pdf", user="secret")
    gone = tmp_path / "gone.md"
    also = nasty.written(tmp_path / "also.txt", "words")
    assert await ends(ingestor, good, empty, locked, gone, also) == {
        "good.pdf": "read",
        "empty.txt": "EmptyDocument",
        "locked.pdf": "EncryptedDocument",
        "gone.md": "BrokenDocument",
        "also.txt": "read",
    }


async def test_what_a_process_reads_is_what_the_reader_reads_when_a_file_is_of_any_kind(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    def lesson(presentation) -> None:
        for number in range(12):
            slide = presentation.slides.add_slide(presentation.slide_layouts[5])
            slide.shapes.title.text = f"Lesson {number}"

    def prices(book) -> None:
        book.active.append(["Tea", 1.5])
        book.create_sheet("Rates").sheet_state = "hidden"

    def offer(mail) -> None:
        mail.add_attachment(b"x", maintype="image", subtype="png", filename="tea.png")

    paths = [
        nasty.slides(tmp_path / "lesson.pptx", lesson),
        nasty.workbook(tmp_path / "prices.xlsx", prices),
        nasty.ebook(tmp_path / "book.epub", {"a.html": "<h1>A</h1>", "b.html": "<h1>B</h1>"}),
        nasty.mail(tmp_path / "offer.eml", offer),
        nasty.written(tmp_path / "shop.py", "def price():\n    return 1.5\n"),
    ]
    found = {
        event.source.name: (event.document, event.chunks)
        for event in await events(ingestor, *paths)
        if isinstance(event, FileRead)
    }
    documents = [read(path, path.name, Limits()) for path in paths]
    assert found == {
        document.name: (document, chunk(document, max_tokens=192, overlap=0.25))
        for document in documents
    }
    assert [len(document.pages) for document in documents] == [12, 1, 2, 1, 1]
    assert [document.note for document in documents] == [
        "",
        "Hidden sheet not read: Rates.",
        "",
        "Attachment not read: tea.png. Save it and add it.",
        "",
    ]


async def test_the_reason_is_a_sentence_when_a_file_fails(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    path = nasty.written(tmp_path / "a.pdf", nasty.PNG)
    [failed] = await events(ingestor, path)
    assert failed == FileFailed(
        name="a.pdf",
        source=path,
        error_class_name="UnsupportedFile",
        reason="The file is a PNG picture, which is not read here. Text in pictures is not read; "
        "run text recognition (OCR) on it and add the result.",
    )


async def test_a_locked_file_is_read_when_its_password_comes_along(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    path = nasty.pdf_locked(tmp_path / "locked.pdf", user="secret")
    file = replace(source(path), password="secret")
    *_, last = [event async for event in ingestor.ingest([file])]
    assert isinstance(last, FileRead)
    assert last.document.pages == (nasty.SENTENCE,)


async def test_the_document_is_the_same_when_workers_share_a_long_pdf(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    pages = [f"CHAPTER {number}\nThe text of page {number}, long enough." for number in range(130)]
    pages[40:90] = [f"Nothing but text on page {number}." for number in range(40, 90)]
    path = nasty.pdf(tmp_path / "long.pdf", pages)
    *progress, last = await events(ingestor, path)
    document = read(path, "long.pdf", Limits())
    assert last == FileRead(document, chunk(document, max_tokens=192, overlap=0.25), path)
    assert progress == [PageRead("long.pdf", number, 130, path) for number in range(1, 131)]
    assert {each.section for each in last.chunks if each.page == 80} == {"CHAPTER 39"}


async def test_a_file_is_given_up_when_it_takes_too_long(tmp_path: Path) -> None:
    slow = nasty.pdf_with_stream(tmp_path / "slow.pdf", SLOW)
    good = nasty.written(tmp_path / "good.txt", "words")
    ingestor = Ingestor(Limits(), 192, 0.25, workers=1, timeout_s=4)
    try:
        found = {event.name: event for event in await events(ingestor, slow) if event}
        assert await ends(ingestor, good) == {"good.txt": "read"}
    finally:
        ingestor.close()
    assert found["slow.pdf"].error_class_name == "DocumentTooLarge"
    assert found["slow.pdf"].reason.startswith("Reading the file took longer than 4 seconds.")


async def test_a_file_is_given_up_when_it_eats_the_memory(tmp_path: Path) -> None:
    greedy = nasty.pdf_with_stream(tmp_path / "greedy.pdf", SLOW)
    good = nasty.written(tmp_path / "good.txt", "words")
    limits = Limits(memory_bytes=130_000_000)
    ingestor = Ingestor(limits, 192, 0.25, workers=1, timeout_s=300)
    try:
        failed, *_ = await events(ingestor, greedy, good)
        assert await ends(ingestor, good) == {"good.txt": "read"}
    finally:
        ingestor.close()
    assert isinstance(failed, FileFailed)
    assert failed.error_class_name == "DocumentTooLarge"
    assert failed.reason.startswith("Reading the file takes more than 130 MB of memory.")


async def test_the_others_are_read_when_a_worker_crashes(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    slow = nasty.pdf_with_stream(tmp_path / "slow.pdf", SLOW)
    good = nasty.written(tmp_path / "good.txt", "words")
    before = children()
    found = {}
    async for event in ingestor.ingest([source(slow), source(good)]):
        if isinstance(event, FileRead | FileFailed):
            found[event.source.name] = event
            for pid in children() - before:
                psutil.Process(pid).kill()
    assert isinstance(found["good.txt"], FileRead)
    assert found["slow.pdf"].error_class_name == "BrokenDocument"
    assert "its reader crashed" in found["slow.pdf"].reason
    assert await ends(ingestor, good, good) == {"good.txt": "read"}


async def test_reading_stops_when_nobody_listens_any_more(tmp_path: Path) -> None:
    slow = nasty.pdf_with_stream(tmp_path / "slow.pdf", SLOW)
    good = nasty.written(tmp_path / "good.txt", "words")
    before = children()
    ingestor = Ingestor(Limits(), 192, 0.25, workers=1, timeout_s=300)
    try:
        listening = asyncio.ensure_future(anext(ingestor.ingest([source(slow)])))
        # Another process sends us no event to wait for.
        while not (begun := [pid for pid in children() - before if is_busy(pid)]):  # noqa: ASYNC110
            await anyio.sleep(0.05)
        listening.cancel()
        assert await ends(ingestor, good) == {"good.txt": "read"}
        assert not set(begun) & children()
    finally:
        ingestor.close()


def is_busy(pid: int) -> bool:
    """Past its start, and so in the middle of the page."""
    return psutil.Process(pid).cpu_times().user > 1


async def test_each_gets_its_own_when_two_ingest_at_once(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    found: dict[str, dict[str, str]] = {}

    async def ingest(name: str) -> None:
        paths = [nasty.written(tmp_path / f"{name}{number}.txt", name) for number in range(8)]
        found[name] = await ends(ingestor, *paths)

    async with anyio.create_task_group() as group:
        group.start_soon(ingest, "one")
        group.start_soon(ingest, "two")
    assert found == {
        name: {f"{name}{number}.txt": "read" for number in range(8)} for name in ("one", "two")
    }


async def test_no_process_is_left_when_it_is_closed(tmp_path: Path) -> None:
    before = children()
    ingestor = Ingestor(Limits(), 192, 0.25, workers=2, timeout_s=300)
    paths = [nasty.written(tmp_path / f"{number}.txt", "words") for number in range(4)]
    assert len(await ends(ingestor, *paths)) == 4
    assert children() - before
    ingestor.close()
    assert children() - before == set()


async def test_workers_give_back_their_memory_when_there_is_nothing_to_read(
    ingestor: Ingestor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.documents.ingest._IDLE_S", 0.0)
    before = children()
    good = nasty.written(tmp_path / "good.txt", "words")
    assert await ends(ingestor, good) == {"good.txt": "read"}
    while children() - before:  # noqa: ASYNC110 (another process sends us no event)
        await anyio.sleep(0.01)
    assert await ends(ingestor, good) == {"good.txt": "read"}


async def test_workers_are_ready_when_a_file_is_expected(ingestor: Ingestor) -> None:
    before = children()
    await ingestor.expect()
    assert len(children() - before) == 2


async def test_workers_rest_again_when_the_expected_file_does_not_come(
    ingestor: Ingestor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.documents.ingest._IDLE_S", 0.0)
    before = children()
    await ingestor.expect()
    while children() - before:  # noqa: ASYNC110 (another process sends us no event)
        await anyio.sleep(0.01)


DYING = """
import asyncio, os, sys
from pathlib import Path
import psutil
from rag.documents.ingest import Ingestor, Limits, SourceFile

async def main():
    ingestor = Ingestor(Limits(), 192, 0.25, 1, 300)
    events = ingestor.ingest([SourceFile(Path(sys.argv[1]), "slow.pdf")])
    asyncio.ensure_future(anext(events))
    while not (children := psutil.Process().children()):
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    print(children[0].pid, flush=True)
    os._exit(9)

asyncio.run(main())
"""


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    slow = nasty.pdf_with_stream(tmp_path / "slow.pdf", SLOW)
    died = subprocess.run(
        [sys.executable, "-c", DYING, str(slow)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert died.returncode == 9
    try:
        psutil.Process(int(died.stdout)).wait(timeout=15)
    except psutil.NoSuchProcess:
        return


async def test_every_real_pdf_ends_when_all_are_read_together(ingestor: Ingestor) -> None:
    if not SHARED.exists():
        pytest.skip("the real PDFs in ../shared/data are not here")
    with (SHARED / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    files = [
        SourceFile(SHARED / "files" / row["file"], row["file"], row["password"]) for row in rows
    ]
    ended: Counter[str] = Counter()
    async for event in ingestor.ingest(files):
        match event:
            case FileRead(document=document):
                ended[document.name] += 1
            case FileFailed(name=name):
                ended[name] += 1
    assert ended == Counter(row["file"] for row in rows)
