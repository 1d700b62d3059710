"""Both kinds of copy follow a real library, whoever changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.documents.library import Library
from rag.indexing import DiskCopy, LibraryCopy, MemoryCopy, fitting
from rag.types import Chunk, Document, Query

Make = Callable[[], LibraryCopy]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path / "library.sqlite")
    yield library
    library.close()


@pytest.fixture(params=["memory", "disk"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    return MemoryCopy if request.param == "memory" else lambda: DiskCopy(tmp_path / "index")


def put(library: Library, name: str, text: str, document_id: str = "") -> None:
    document_id = document_id or name
    document = Document(document_id, name, "text/plain", (text,), "en")
    chunk = Chunk(f"{document_id}:0", document_id, name, 1, "", text, 0, len(text), 3, "en")
    assert library.add(document, [chunk], None)


def found(copy: LibraryCopy, text: str) -> list[str]:
    return [hit.chunk.document_name for hit in copy.view().search(Query(text), 5)]


def test_nothing_is_found_when_the_library_is_empty(library: Library, make: Make) -> None:
    copy = make()
    copy.catch_up(library)
    assert found(copy, "oil") == []


def test_the_document_is_found_when_it_is_the_only_one(library: Library, make: Make) -> None:
    put(library, "pump.txt", "change the oil")
    copy = make()
    copy.catch_up(library)
    assert found(copy, "oil") == ["pump.txt"]


def test_changes_show_when_two_documents_come_and_one_goes(library: Library, make: Make) -> None:
    copy = make()
    put(library, "pump.txt", "change the oil")
    copy.catch_up(library)
    put(library, "lamp.txt", "fill in lamp oil")
    copy.catch_up(library)
    assert sorted(found(copy, "oil")) == ["lamp.txt", "pump.txt"]
    library.remove("pump.txt")
    copy.catch_up(library)
    assert found(copy, "oil") == ["lamp.txt"]


def test_changes_show_when_another_process_made_them(
    library: Library, make: Make, tmp_path: Path
) -> None:
    copy = make()
    copy.catch_up(library)
    other = Library(tmp_path / "library.sqlite")
    put(other, "pump.txt", "change the oil")
    other.close()
    copy.catch_up(library)
    assert found(copy, "oil") == ["pump.txt"]


def test_the_new_name_shows_when_the_same_bytes_come_back(library: Library, make: Make) -> None:
    copy = make()
    put(library, "old.txt", "change the oil", "same")
    copy.catch_up(library)
    library.remove("same")
    put(library, "new.txt", "change the oil", "same")
    copy.catch_up(library)
    assert found(copy, "oil") == ["new.txt"]


def test_a_view_stays_as_it_was_when_the_library_changes(library: Library, make: Make) -> None:
    copy = make()
    put(library, "pump.txt", "change the oil")
    copy.catch_up(library)
    view = copy.view()
    library.remove("pump.txt")
    copy.catch_up(library)
    assert [hit.chunk.id for hit in view.search(Query("oil"), 5)] == ["pump.txt:0"]


def test_nothing_is_moved_when_the_disk_copy_was_in_step(library: Library, tmp_path: Path) -> None:
    put(library, "pump.txt", "change the oil")
    DiskCopy(tmp_path / "index").catch_up(library)
    before = (tmp_path / "index" / "tantivy" / "meta.json").stat().st_mtime_ns
    again = DiskCopy(tmp_path / "index")
    again.catch_up(library)
    assert (tmp_path / "index" / "tantivy" / "meta.json").stat().st_mtime_ns == before
    assert found(again, "oil") == ["pump.txt"]


@pytest.mark.parametrize("damage", ["meta.json", "documents.json"])
def test_the_disk_copy_is_made_anew_when_it_is_damaged(
    library: Library, tmp_path: Path, damage: str
) -> None:
    put(library, "pump.txt", "change the oil")
    folder = tmp_path / "index"
    DiskCopy(folder).catch_up(library)
    next(folder.rglob(damage)).write_text("{", encoding="utf-8")
    copy = DiskCopy(folder)
    copy.catch_up(library)
    assert found(copy, "oil") == ["pump.txt"]


def test_the_disk_copy_is_made_anew_when_it_lost_chunks(library: Library, tmp_path: Path) -> None:
    put(library, "pump.txt", "change the oil")
    folder = tmp_path / "index"
    copy = DiskCopy(folder)
    copy.catch_up(library)
    copy._index.remove("pump.txt")
    copy.catch_up(library)
    assert found(copy, "oil") == ["pump.txt"]


def test_the_index_is_made_anew_when_its_files_were_damaged(
    library: Library, tmp_path: Path
) -> None:
    folder = tmp_path / "index"
    put(library, "pump.txt", "change the oil")
    DiskCopy(folder).catch_up(library)
    put(library, "lamp.txt", "fill in lamp oil")
    copy = DiskCopy(folder)
    (folder / "tantivy" / "meta.json").write_text("{")  # of what is open already
    copy.catch_up(library)
    assert sorted(found(copy, "oil")) == ["lamp.txt", "pump.txt"]
    assert sorted(found(DiskCopy(folder), "oil")) == ["lamp.txt", "pump.txt"]


@pytest.mark.parametrize(
    ("engine", "is_large", "expected"),
    [
        ("", False, MemoryCopy),
        ("auto", True, DiskCopy),
        ("memory", True, MemoryCopy),
        ("tantivy", False, DiskCopy),
    ],
)
def test_the_engine_is_the_one_that_is_set_when_a_copy_is_chosen(
    tmp_path: Path, engine: str, is_large: bool, expected: type[LibraryCopy]
) -> None:
    copy = fitting(MemoryCopy(), engine, tmp_path / "index", is_large=is_large)

    assert isinstance(copy, expected)
    assert fitting(copy, engine, tmp_path / "index", is_large=is_large) is copy
