from __future__ import annotations

import pytest
from retrieval.passages import chunk

from rag.retrieval.index import Scoped
from rag.retrieval.joint import JointIndex
from rag.retrieval.memory import MemoryIndex
from rag.types import Query

LIBRARY = [
    chunk(f"The contract number {n} ends in the year {2000 + n}.", document=f"library {n}.md")
    for n in range(60)
]
UPLOADS = [
    chunk("The contract with Ana Pop ends in June.", document="upload.md"),
    chunk("Weather was fine.", document="upload.md", page=2),
]


def test_ranks_are_those_of_one_collection_when_two_are_joined() -> None:
    joint = JointIndex((MemoryIndex(LIBRARY), MemoryIndex(UPLOADS)))
    whole = MemoryIndex(LIBRARY + UPLOADS)

    for question in ("When does the contract of Ana Pop end?", "contract 7", "weather in 2003"):
        one, other = whole.search(Query(question), 8), joint.search(Query(question), 8)
        assert [hit.chunk for hit in other] == [hit.chunk for hit in one]
        assert [hit.score for hit in other] == pytest.approx([hit.score for hit in one])


def test_a_common_word_does_not_win_when_it_is_rare_in_the_small_collection() -> None:
    # In the uploads alone "contract" is rare and would outweigh what the library knows of 7.
    joint = JointIndex((MemoryIndex(LIBRARY), MemoryIndex(UPLOADS)))

    assert joint.search(Query("contract 7"), 1)[0].chunk == LIBRARY[7]


def test_a_chunk_is_found_once_when_both_collections_hold_it() -> None:
    joint = JointIndex((MemoryIndex(UPLOADS), MemoryIndex(UPLOADS)))

    assert [hit.chunk for hit in joint.search(Query("Ana Pop"), 5)] == [UPLOADS[0]]


def test_languages_stem_together_when_collections_differ() -> None:
    romanian = chunk("Profesorii se înscriu.", document="ro.md", language="ro")
    joint = JointIndex((MemoryIndex(UPLOADS), MemoryIndex([romanian])))

    assert joint.languages == {"en", "ro"}
    assert [hit.chunk for hit in joint.search(Query("profesor"), 5)] == [romanian]


def test_a_scope_reaches_both_when_they_are_joined() -> None:
    joint = JointIndex((MemoryIndex(LIBRARY), MemoryIndex(UPLOADS)))
    scoped = Scoped(joint, frozenset({"id of upload.md"}))

    assert [hit.chunk for hit in scoped.search(Query("contract"), 5)] == [UPLOADS[0]]


def test_nothing_is_found_when_no_collection_is_joined() -> None:
    assert list(JointIndex(()).search(Query("contract"), 5)) == []
    assert JointIndex(()).statistics(Query("contract")).chunk_count == 0


def test_the_last_collection_opens_when_it_holds_anything() -> None:
    library, upload = chunk("old", document="old.md"), chunk("new", document="new.md")
    both = JointIndex((MemoryIndex([library]), MemoryIndex([upload])))

    assert both.openings(5) == [upload]
    assert JointIndex((MemoryIndex([library]), MemoryIndex())).openings(5) == [library]
    assert Scoped(both, frozenset({library.document_id})).openings(5) == [library]
    assert JointIndex(()).openings(5) == ()
