"""The library: whole or not at all, and gone when it is gone."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from rag.documents.chunking import chunk
from rag.documents.library import Library
from rag.errors import LibraryError, NotFound
from rag.types import Document

ROOT = Path(__file__).parent.parent.parent


def document(number: int, *pages: str) -> Document:
    return Document(
        id=f"{number:08x}" * 8,
        name=f"file {number}.md",
        media_type="text/markdown",
        pages=pages or (f"# Title\n\nText of {number}.", "", "Page three: ășț 😀."),
        language="en",
        note="Page 2 has no text.",
    )


def put(library: Library, number: int, *pages: str, source: Path | None = None) -> Document:
    added = document(number, *pages)
    assert library.add(added, chunk(added, max_tokens=192, overlap=0.25), source)
    return added


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "library.db"


@pytest.fixture
def library(path: Path):
    library = Library(path)
    yield library
    library.close()


def test_nothing_is_listed_when_the_library_is_new(library: Library) -> None:
    assert library.documents() == ()
    assert list(library.chunks()) == []


def test_a_document_comes_back_as_it_went_in_when_it_is_the_only_one(library: Library) -> None:
    added = put(library, 1, source=Path("docs/one.md"))
    [entry] = library.documents()
    assert entry == library.entry(added.id)
    assert (entry.id, entry.name, entry.media_type) == (added.id, "file 1.md", "text/markdown")
    assert (entry.page_count, entry.chunk_count, entry.language) == (3, 2, "en")
    assert (entry.note, entry.source) == ("Page 2 has no text.", Path("docs/one.md"))
    assert entry.added_at > 1_700_000_000
    assert [library.page_text(added.id, page) for page in (1, 2, 3)] == list(added.pages)
    assert tuple(library.chunks()) == chunk(added, max_tokens=192, overlap=0.25)


def test_documents_are_told_apart_when_there_are_two(library: Library) -> None:
    second, first = put(library, 2), put(library, 1)
    assert [entry.id for entry in library.documents()] == [second.id, first.id]
    assert [each.document_id for each in library.chunks()] == [first.id] * 2 + [second.id] * 2
    assert [each.document_id for each in library.chunks(second.id)] == [second.id] * 2


def test_documents_are_found_by_their_file_when_it_was_read_twice(library: Library) -> None:
    here, elsewhere = Path("docs/one.md"), Path("docs/two.md")
    older, _, newer = (
        put(library, number, source=source)
        for number, source in ((2, here), (3, elsewhere), (1, here))
    )
    put(library, 4)
    assert library.ids_from(here) == (older.id, newer.id)
    assert library.ids_from(Path("docs")) == ()


def test_a_file_is_looked_up_and_not_searched_for_when_there_are_many(
    library: Library, path: Path
) -> None:
    put(library, 1)
    with closing(sqlite3.connect(path)) as database:
        query = "EXPLAIN QUERY PLAN SELECT id FROM documents WHERE source = ?"
        [(*_, plan)] = database.execute(query, ("docs/one.md",))
    assert "documents_by_source" in plan


def test_a_library_of_the_first_version_is_used_when_it_is_opened(path: Path) -> None:
    library = Library(path)
    kept = put(library, 1, source=Path("docs/one.md"))
    library.close()
    with closing(sqlite3.connect(path)) as database:
        database.executescript("DROP INDEX documents_by_source; PRAGMA user_version = 1;")
    library = Library(path)
    assert library.ids_from(Path("docs/one.md")) == (kept.id,)
    library.close()


def test_a_chunk_is_found_when_its_id_is_known(library: Library) -> None:
    put(library, 1)
    wanted = list(library.chunks())[-1]
    assert library.chunk(wanted.id) == wanted


def test_nothing_changes_when_the_same_bytes_are_added_again(library: Library) -> None:
    put(library, 1)
    before = library.documents()
    again = Document(document(1).id, "other name.md", "text/markdown", ("other",), "ro")
    assert library.add(again, (), None) is False
    assert library.documents() == before


def test_a_document_may_hold_no_text_when_it_is_added(library: Library) -> None:
    put(library, 1, "")
    assert library.documents()[0].chunk_count == 0


def test_nothing_is_left_when_a_document_is_removed(library: Library, path: Path) -> None:
    kept, removed = put(library, 1), put(library, 2, "A word like zyzzyva is rare. " * 500)
    [*_, chunk_id] = [each.id for each in library.chunks(removed.id)]
    library.remove(removed.id)
    assert [entry.id for entry in library.documents()] == [kept.id]
    assert {each.document_id for each in library.chunks()} == {kept.id}
    for ask in (
        lambda: library.entry(removed.id),
        lambda: library.page_text(removed.id, 1),
        lambda: library.chunk(chunk_id),
        lambda: library.remove(removed.id),
    ):
        with pytest.raises(NotFound):
            ask()
    for file in path.parent.iterdir():
        assert b"zyzzyva" not in file.read_bytes()


def test_a_document_can_come_back_when_it_was_removed(library: Library) -> None:
    library.remove(put(library, 1).id)
    put(library, 1)
    assert len(library.documents()) == 1


def test_all_is_there_when_the_library_is_opened_again(path: Path) -> None:
    first = Library(path)
    put(first, 1)
    chunks = list(first.chunks())
    first.close()
    second = Library(path)
    assert list(second.chunks()) == chunks
    second.close()


def test_two_processes_share_it_when_both_have_it_open(library: Library, path: Path) -> None:
    other = Library(path)
    put(library, 1)
    put(other, 2)
    assert library.documents() == other.documents()
    assert len(library.documents()) == 2
    other.close()


def test_reading_sees_one_state_when_a_document_is_removed_meanwhile(library: Library) -> None:
    put(library, 1)
    gone = put(library, 2)
    chunks = library.chunks()
    first = next(chunks)
    library.remove(gone.id)
    assert len([first, *chunks]) == 4
    assert len(list(library.chunks())) == 2


def test_nothing_is_added_when_a_chunk_is_refused(library: Library) -> None:
    added = document(1)
    chunks = chunk(added, max_tokens=192, overlap=0.25)
    with pytest.raises(LibraryError):
        library.add(added, [*chunks, chunks[0]], None)
    assert library.documents() == ()
    assert library.add(added, chunks, None)


def test_every_document_is_there_when_threads_add_at_once(library: Library) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: put(library, number), range(40)))
        counts = list(threads.map(lambda _: len(list(library.chunks())), range(8)))
    assert len(library.documents()) == 40
    assert counts == [80] * 8


CRASH = """
import os, sys, threading
from pathlib import Path
from rag.documents.chunking import chunk
from rag.documents.library import Library
from rag.types import Document

library = Library(Path(sys.argv[1]))
threading.Timer(float(sys.argv[2]), os._exit, (9,)).start()
for number in range(100_000):
    pages = tuple(f"Page {page} of document {number}." for page in range(50))
    document = Document(f"{number:08x}" * 8, "name", "text/plain", pages, "en")
    library.add(document, chunk(document, max_tokens=192, overlap=0.25), None)
    if number % 3 == 0:
        library.remove(document.id)
"""


@pytest.mark.parametrize("after_s", [0.5, 0.63, 0.81])
def test_no_document_is_half_there_when_the_process_dies(path: Path, after_s: float) -> None:
    died = subprocess.run(
        [sys.executable, "-c", CRASH, str(path), str(after_s)], cwd=ROOT, check=False, timeout=60
    )
    assert died.returncode == 9
    library = Library(path)
    for entry in library.documents():
        assert [library.page_text(entry.id, page) for page in (1, 50)]
        assert len(list(library.chunks(entry.id))) == entry.chunk_count == 50
    database = sqlite3.connect(path)
    [orphans] = database.execute(
        "SELECT count(*) FROM pages WHERE document_id NOT IN (SELECT id FROM documents)"
    ).fetchone()
    database.close()
    library.close()
    assert orphans == 0


def test_the_advice_is_to_delete_it_when_the_file_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    path.write_bytes(b"not a database at all, " * 100)
    with pytest.raises(LibraryError, match="Delete its file"):
        Library(path)


def test_the_advice_is_to_update_when_a_newer_program_made_it(path: Path) -> None:
    Library(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(LibraryError, match="newer version"):
        Library(path)


def test_the_folder_is_named_as_the_trouble_when_it_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LibraryError, match="folder cannot be used"):
        Library(tmp_path / "file" / "library.db")


def test_a_sentence_comes_out_when_the_library_is_closed(path: Path) -> None:
    library = Library(path)
    library.close()
    with pytest.raises(LibraryError):
        library.documents()


def test_closing_is_calm_when_it_happens_twice(path: Path) -> None:
    library = Library(path)
    library.close()
    library.close()
