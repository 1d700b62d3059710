"""Files made to take a reader down: each ends in a sentence, and a good file beside it is read."""

from __future__ import annotations

import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import psutil
import pytest

from rag.documents.ingest import FileFailed, FileRead, Ingestor, Limits, SourceFile

sys.path.insert(0, str(Path(__file__).parents[1] / "documents"))
import nasty

pytestmark = pytest.mark.anyio

MEMORY_BYTES = 300_000_000
CANARY = "canary-3f9c1b"
WORD_BODY = (
    '<?xml version="1.0"?>{}<w:document xmlns:w='
    '"http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
    "<w:t>Some words. {}</w:t></w:r></w:p></w:body></w:document>"
)


@pytest.fixture
def ingestor() -> Iterator[Ingestor]:
    limits = Limits(memory_bytes=MEMORY_BYTES, unpacked_bytes=20_000_000)
    ingestor = Ingestor(limits, 192, 0.25, workers=1, timeout_s=20)
    yield ingestor
    ingestor.close()


async def outcome(ingestor: Ingestor, bomb: Path) -> FileRead | FileFailed:
    """What became of ``bomb``; a good file was read after it, by the same crew."""
    good = nasty.written(bomb.parent / "good.txt", "Some words.")
    ends = {}
    async for event in ingestor.ingest([SourceFile(one, one.name) for one in (bomb, good)]):
        if isinstance(event, FileRead | FileFailed):
            ends[event.source] = event
    assert isinstance(ends[good], FileRead)
    return ends[bomb]


def pdf(path: Path, *objects: bytes) -> Path:
    """Of these objects, numbered from 1; the first is the catalogue."""
    body = b"".join(b"%d 0 obj%s endobj\n" % numbered for numbered in enumerate(objects, 1))
    path.write_bytes(b"%PDF-1.7\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF\n")
    return path


def stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data), more, data)


def one_page(path: Path, contents: bytes, *more: bytes) -> Path:
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>"
    return pdf(path, b"<</Type/Catalog/Pages 2 0 R>>", pages, page, contents, *more)


@cache
def spaces() -> bytes:
    """400 MB of them, packed into 400 kB."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(b" " * 10_000_000) for _ in range(40)) + packer.flush()


def packed_stream(path: Path) -> Path:
    return one_page(path, stream(spaces(), b"/Filter/FlateDecode"))


def packed_twice(path: Path) -> Path:
    return one_page(path, stream(zlib.compress(spaces(), 9), b"/Filter[/FlateDecode/FlateDecode]"))


def pages_of_pages(path: Path) -> Path:
    """Ten nodes, each of which has the next for its child ten times over: 10^10 pages."""
    nodes = [
        b"<</Type/Pages/Count 1/Kids[%s]>>" % (b"%d 0 R " % (number + 1) * 10)
        for number in range(2, 12)
    ]
    return pdf(path, b"<</Type/Catalog/Pages 2 0 R>>", *nodes, b"<</Type/Page>>")


def claimed_pages(path: Path) -> Path:
    return pdf(
        path,
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 2000000000/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R>>",
    )


def nested_arrays(path: Path) -> Path:
    return one_page(path, b"[" * 200_000 + b"]" * 200_000)


def nested_forms(path: Path) -> Path:
    """A drawing that draws itself twice."""
    form = b"/Type/XObject/Subtype/Form/Resources<</XObject<</X 5 0 R>>>>"
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R"
        b"/Resources<</XObject<</X 5 0 R>>>>>>"
    )
    return pdf(
        path,
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        page,
        stream(b"/X Do"),
        stream(b"/X Do /X Do", form),
    )


def reference_loop(path: Path) -> Path:
    return pdf(path, b"<</Type/Catalog/Pages 2 0 R>>", b"3 0 R", b"2 0 R")


def word_bomb(path: Path) -> Path:
    return nasty.word_members(path, {"word/document.xml": b" " * 60_000_000})


def word_of_many(path: Path) -> Path:
    """Small members, many of them."""
    return nasty.word_members(path, {f"word/x{number}.xml": b" " * 60_000 for number in range(900)})


def word_entities(path: Path) -> Path:
    levels = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    kind = f'<!DOCTYPE x [<!ENTITY a0 "boom">{levels}]>'
    document = WORD_BODY.format(kind, "&a9;").encode()
    return nasty.word_members(path, {"word/document.xml": document})


@pytest.mark.parametrize(
    "make",
    [packed_stream, packed_twice, pages_of_pages, nested_arrays, reference_loop, word_bomb,
     word_of_many, word_entities],
)  # fmt: skip
async def test_a_file_is_refused_when_it_was_made_to_take_the_reader_down(
    ingestor: Ingestor, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    suffix = ".docx" if make.__name__.startswith("word") else ".pdf"
    end = await outcome(ingestor, make(tmp_path / f"bomb{suffix}"))
    assert isinstance(end, FileFailed), end
    assert end.reason.endswith(".")
    assert "could not be read. Add it in another format" not in end.reason  # our own defect


@pytest.mark.parametrize("make", [claimed_pages, nested_forms])
async def test_a_file_ends_when_it_says_that_it_never_does(
    ingestor: Ingestor, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    end = await outcome(ingestor, make(tmp_path / "bomb.pdf"))
    assert isinstance(end, FileFailed | FileRead)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these limits are Linux's")
async def test_a_reader_can_neither_fill_the_disk_nor_the_memory_when_it_runs(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    before = {one.pid for one in psutil.Process().children()}
    await outcome(ingestor, nasty.written(tmp_path / "a.txt", "Some words."))
    [worker] = [one for one in psutil.Process().children() if one.pid not in before]
    assert worker.rlimit(psutil.RLIMIT_FSIZE) == (10_000_000,) * 2
    assert worker.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert worker.rlimit(psutil.RLIMIT_DATA) == (MEMORY_BYTES + 300_000_000,) * 2


@pytest.mark.parametrize("address", ["file://{}", "{}"])
async def test_no_other_file_is_read_when_a_word_document_names_one(
    ingestor: Ingestor, tmp_path: Path, address: str
) -> None:
    secret = nasty.written(tmp_path / "secret.txt", CANARY)
    kind = f'<!DOCTYPE x [<!ENTITY leak SYSTEM "{address.format(secret)}">]>'
    document = WORD_BODY.format(kind, "&leak;").encode()
    end = await outcome(
        ingestor, nasty.word_members(tmp_path / "a.docx", {"word/document.xml": document})
    )
    assert CANARY not in str(end)


async def test_nothing_is_unpacked_when_an_archives_names_lead_elsewhere(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.xml"
    members = {"../outside.xml": b"x", str(outside): b"x", "word/../../outside.xml": b"x"}
    path = nasty.word_members(tmp_path / "folder.docx", members)
    assert "../outside.xml" in zipfile.ZipFile(path).namelist()
    assert await outcome(ingestor, path)
    assert sorted(os.listdir(tmp_path)) == ["folder.docx", "good.txt"]
