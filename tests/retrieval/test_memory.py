from __future__ import annotations

from rank_bm25 import BM25Okapi
from retrieval.passages import chunk

from rag.retrieval.memory import MemoryIndex, _LuceneOkapi
from rag.types import Chunk, Query

FOX = chunk("red fox", document="fox.md")
HEN = chunk("red hen", document="hen.md")


def found(index: MemoryIndex, question: str = "red") -> list[Chunk]:
    return [hit.chunk for hit in index.search(Query(question), 10)]


def test_an_index_stays_as_it_was_when_chunks_are_added() -> None:
    before = MemoryIndex([FOX])

    after = before.with_chunks([HEN])

    assert (found(before), found(after)) == ([FOX], [FOX, HEN])
    assert (before.chunk_count, after.chunk_count) == (1, 2)


def test_an_index_stays_as_it_was_when_a_document_is_removed() -> None:
    before = MemoryIndex([FOX, HEN])

    after = before.without(FOX.document_id)

    assert (found(before), found(after)) == ([FOX, HEN], [HEN])
    assert found(after, "fox") == []
    assert after.statistics(Query("fox red")) == MemoryIndex([HEN]).statistics(Query("fox red"))


def test_nothing_is_left_when_the_last_document_is_removed() -> None:
    empty = MemoryIndex([FOX]).without(FOX.document_id)

    assert found(empty) == []
    assert empty.chunk_count == 0
    assert found(empty.with_chunks([HEN])) == [HEN]


def test_a_document_is_replaced_when_its_chunks_are_added_again() -> None:
    newer = chunk("red vixen", document="fox.md")

    assert found(MemoryIndex([FOX, HEN]).with_chunks([newer])) == [newer, HEN]


def test_nothing_changes_when_nothing_is_added_or_removed() -> None:
    index = MemoryIndex([FOX])

    assert found(index.with_chunks([])) == [FOX]
    assert index.without("no such document") is index


def test_added_step_by_step_is_the_same_when_compared_with_all_at_once() -> None:
    chunks = [chunk(f"red word{n % 3} and more" * n, document=f"{n}.md") for n in range(1, 9)]
    at_once, by_steps = MemoryIndex(chunks), MemoryIndex()
    for each in chunks:
        by_steps = by_steps.with_chunks([each])

    query = Query("red word1 more")

    assert by_steps.search(query, 10) == at_once.search(query, 10)


def test_rank_bm25_does_the_scoring_when_chunks_are_ranked() -> None:
    assert issubclass(_LuceneOkapi, BM25Okapi)
    assert _LuceneOkapi.get_batch_scores is BM25Okapi.get_batch_scores


def test_documents_open_in_turn_when_their_beginnings_are_asked_for() -> None:
    more = chunk("more on hens", document="hen.md", page=2)
    index = MemoryIndex([FOX, HEN, more])

    assert index.openings(10) == [HEN, FOX, more]
    assert index.openings(2) == [HEN, FOX]
    assert index.openings(10, {FOX.document_id}) == [FOX]
    assert MemoryIndex().openings(10) == []
