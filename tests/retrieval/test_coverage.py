from __future__ import annotations

import pytest
from retrieval.passages import chunk

from rag.retrieval.coverage import coverage, score_ratio
from rag.retrieval.memory import MemoryIndex
from rag.types import Query

INDEX = MemoryIndex(
    [
        chunk("red fox", document="a.md"),
        chunk("red hen", document="b.md"),
        chunk("The E-4021 error of gpt-oss", document="c.md"),
        chunk("Profesorii se înscriu.", document="d.md", language="ro"),
    ]
)


def covered(question: str, count: int) -> float:
    query = Query(question)
    return coverage(question, INDEX.search(query, count), INDEX.statistics(query))


def test_all_is_covered_when_a_passage_holds_every_word() -> None:
    assert covered("Which fox is red?", 1) == 1.0


def test_rare_words_weigh_more_when_one_is_missing() -> None:
    # idf: red (2 of 4) ln 2 = 0.693; fox (1 of 4) 1.204; purple (0 of 4) ln 10 = 2.303
    assert covered("red fox purple", 1) == pytest.approx((0.693 + 1.204) / 4.2, abs=1e-3)
    assert covered("red purple", 4) == pytest.approx(0.693 / 2.996, abs=1e-3)


def test_passages_cover_together_when_each_holds_a_part() -> None:
    assert covered("fox hen", 1) == pytest.approx(0.5)
    assert covered("fox hen", 2) == 1.0


@pytest.mark.parametrize("question", ["error E-4021", "E4021", "gpt oss", "gpt-oss"])
def test_an_identifier_is_covered_when_it_is_written_either_way(question: str) -> None:
    assert covered(question, 1) == 1.0


def test_a_word_is_covered_when_another_language_stems_it() -> None:
    assert covered("profesor", 1) == 1.0


@pytest.mark.parametrize("question", ["", "???", "purple", "who is it"])
def test_nothing_is_covered_when_there_are_no_hits_or_words(question: str) -> None:
    assert covered(question, 3) == 0.0


def test_nothing_is_covered_when_the_collection_is_empty() -> None:
    query, empty = Query("fox"), MemoryIndex()

    assert coverage("fox", empty.search(query, 3), empty.statistics(query)) == 0.0


def ratio(question: str) -> float:
    query = Query(question)
    return score_ratio(query, INDEX.search(query, 1)[0], INDEX.statistics(query))


def test_the_ratio_falls_when_words_are_missing() -> None:
    assert 1 > ratio("red fox") > ratio("red fox purple") > ratio("red purple green") > 0


def test_the_ratio_is_that_of_saturation_when_one_word_is_asked() -> None:
    # a.md holds fox once in 3 terms, where 5 are average: 1 / (1 + 1.2 × (0.25 + 0.75 × 3 / 5))
    assert ratio("fox") == pytest.approx(0.5435, abs=1e-4)


def test_the_ratio_is_in_bounds_when_stems_of_two_languages_match() -> None:
    mixed = MemoryIndex([chunk("river rivers", language=at, document=at) for at in ("en", "ro")])
    query = Query("rivers")

    for hit in mixed.search(query, 2):
        assert 0 < score_ratio(query, hit, mixed.statistics(query)) <= 1
