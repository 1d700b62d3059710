from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import tantivy
from retrieval.passages import chunk

from rag.errors import DocumentError, IndexLocked, SearchError
from rag.retrieval import disk, fields
from rag.retrieval.disk import DiskIndex
from rag.retrieval.index import Index
from rag.types import Chunk, Query

FOX = chunk("red fox", document="fox.md")
HEN = chunk("red hen", document="hen.md")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "index"


@pytest.fixture
def index(path: Path) -> DiskIndex:
    return DiskIndex(path)


def found(index: Index, question: str = "red") -> list[Chunk]:
    return [hit.chunk for hit in index.search(Query(question), 10)]


def test_chunks_are_found_again_when_the_folder_is_reopened(path: Path, index: DiskIndex) -> None:
    index.add([FOX])
    index.add([HEN])
    index.close()

    again = DiskIndex(path)

    assert found(again) == [FOX, HEN]
    assert again.chunk_count == 2


def test_few_bytes_are_unpacked_when_a_chunk_is_read(path: Path, index: DiskIndex) -> None:
    index.add([FOX])

    assert json.loads((path / "meta.json").read_text())["index_settings"] == {
        "docstore_compression": "lz4",
        "docstore_blocksize": 4096,
    }


def test_nothing_of_a_document_is_found_when_it_was_removed(path: Path, index: DiskIndex) -> None:
    index.add([FOX, chunk("red fox again", document="fox.md", page=2), HEN])

    index.remove(FOX.document_id)

    for one in (index, DiskIndex(path)):
        assert found(one) == [HEN]
        assert found(one, "fox") == []
        assert list(one.search(Query("red"), 5, {FOX.document_id})) == []
        assert one.chunk_count == 1


def test_nothing_happens_when_an_unknown_document_is_removed(index: DiskIndex) -> None:
    index.add([FOX])

    index.remove("no such document")

    assert found(index) == [FOX]


def test_a_document_is_replaced_when_its_chunks_are_added_again(index: DiskIndex) -> None:
    newer = chunk("red vixen", document="fox.md")
    index.add([FOX, HEN])

    index.add([newer])

    assert found(index) == [newer, HEN]


def test_nothing_changes_when_nothing_is_added(index: DiskIndex) -> None:
    index.add([FOX])

    index.add([])

    assert found(index) == [FOX]


def test_a_view_stays_when_the_index_changes(index: DiskIndex) -> None:
    index.add([FOX])
    view = index.view()

    index.add([HEN])
    index.remove(FOX.document_id)
    index.rebuild([HEN, chunk("green hen", document="hen.md", page=2)])

    assert found(view) == [FOX]
    assert view.chunk_count == 1
    assert view.statistics(Query("red hen")).document_frequency == {"red": 1, "hen": 0}
    assert found(index, "hen") == [chunk("green hen", document="hen.md", page=2), HEN][::-1]


def test_a_change_shows_when_another_process_made_it(path: Path, index: DiskIndex) -> None:
    other = DiskIndex(path)
    assert found(index) == []

    other.add([FOX])
    assert found(index) == [FOX]

    other.remove(FOX.document_id)
    assert found(index) == []
    assert index.chunk_count == 0


def test_only_the_new_chunks_are_held_when_it_is_rebuilt(index: DiskIndex) -> None:
    index.add([FOX])

    index.rebuild(iter([HEN]))

    assert found(index) == [HEN]


def test_the_old_chunks_stay_when_rebuilding_fails(path: Path, index: DiskIndex) -> None:
    index.add([FOX])

    def broken() -> Iterator[Chunk]:
        yield HEN
        raise DocumentError("The library cannot be read.")

    with pytest.raises(DocumentError, match="library"):
        index.rebuild(broken())

    assert found(index) == found(DiskIndex(path)) == [FOX]
    index.add([HEN])  # and the lock is free again
    assert found(index) == [FOX, HEN]


def test_the_room_is_freed_when_much_was_written_before_it_failed(
    path: Path, index: DiskIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_HEAP_BYTES", 15_000_000)  # the least that tantivy takes
    index.add([FOX])
    files = {file.name for file in path.iterdir()}
    most: set[str] = set()

    def broken() -> Iterator[Chunk]:
        for number in range(3_000):
            yield chunk(" ".join(f"{number}x{at}" for at in range(100)), document=str(number))
        most.update(file.name for file in path.iterdir())
        raise DocumentError("The library cannot be read.")

    with pytest.raises(DocumentError):
        index.rebuild(broken())

    assert most > files
    assert {file.name for file in path.iterdir()} == files
    assert found(index) == [FOX]


def test_writing_is_refused_when_another_process_writes(path: Path, index: DiskIndex) -> None:
    index.add([FOX])
    other = tantivy.Index.open(str(path)).writer(15_000_000, 1)

    with pytest.raises(IndexLocked, match="Another process"):
        index.add([HEN])
    assert found(index) == [FOX]

    other.wait_merging_threads()
    index.add([HEN])
    assert found(index) == [FOX, HEN]


@pytest.mark.parametrize("harm", ["garbage", "empty", "half"])
@pytest.mark.parametrize("part", ["meta.json", "*.term", "*.store", "*.idx", "*.fast"])
def test_it_says_so_when_a_file_is_damaged(
    path: Path, index: DiskIndex, part: str, harm: str
) -> None:
    index.add([FOX])
    index.close()
    (file,) = path.glob(part)
    content = file.read_bytes()
    damaged = {
        "garbage": b"\xff" * len(content),
        "empty": b"",
        "half": content[: len(content) // 2],
    }
    file.write_bytes(damaged[harm])

    with pytest.raises(SearchError, match="will be rebuilt"):
        DiskIndex(path)

    fresh = DiskIndex.fresh(path)
    fresh.rebuild([HEN])
    assert found(fresh) == [HEN]


def test_it_says_so_when_a_damaged_file_makes_tantivy_panic(path: Path, index: DiskIndex) -> None:
    index.add([chunk(f"word{n} red", document=f"{n}.md") for n in range(50)])
    index.close()
    (file,) = path.glob("*.fast")
    content = bytearray(file.read_bytes())
    content[: len(content) // 2] = b"\xff" * (len(content) // 2)
    file.write_bytes(bytes(content))

    with pytest.raises(SearchError, match="will be rebuilt"):
        found(DiskIndex(path), "word1 word2")


def test_it_says_so_when_a_part_disappears_while_it_is_open(path: Path, index: DiskIndex) -> None:
    index.add([FOX])
    (path / "meta.json").unlink()

    with pytest.raises(SearchError, match="will be rebuilt"):
        found(index)


def test_it_says_so_when_the_terms_are_of_another_version(
    path: Path, index: DiskIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add([FOX])
    index.close()
    monkeypatch.setattr(fields, "TERMS", "terms_0")
    fields.schema.cache_clear()

    try:
        with pytest.raises(SearchError, match="another version"):
            DiskIndex(path)
    finally:
        fields.schema.cache_clear()


def test_it_says_so_when_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SearchError):
        DiskIndex(tmp_path / "file" / "index")


def test_it_is_empty_when_made_fresh(path: Path, index: DiskIndex) -> None:
    index.add([FOX])
    index.close()

    assert DiskIndex.fresh(path).chunk_count == 0
    assert DiskIndex.fresh(path.parent / "never seen").chunk_count == 0


def test_documents_are_whole_when_searched_while_others_are_added(index: DiskIndex) -> None:
    done = Event()

    def search() -> list[int]:
        sizes: list[int] = []
        while not done.is_set():
            hits = index.search(Query("common"), 1_000)
            sizes += Counter(hit.chunk.document_id for hit in hits).values()
        return sizes

    def add(numbers: range) -> None:
        for number in numbers:
            texts = [f"common word{number} page {page}" for page in range(3)]
            index.add([chunk(text, document=f"{number}.md") for text in texts])

    with ThreadPoolExecutor(5) as pool:
        searches = [pool.submit(search) for _ in range(3)]
        writers = [pool.submit(add, range(at, 24, 2)) for at in range(2)]
        for writer in writers:
            writer.result()
        done.set()
        seen = {size for each in searches for size in each.result()}

    assert seen == {3}
    assert index.chunk_count == 72
