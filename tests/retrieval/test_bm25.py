from __future__ import annotations

import doctest
import math

import pytest
from retrieval.passages import chunk

from rag.retrieval import analysis, bm25
from rag.retrieval.bm25 import idf, kept_length, length_norm, ranked, saturation, score
from rag.retrieval.index import Statistics


def test_idf_is_positive_when_every_chunk_holds_the_term() -> None:
    assert idf(chunk_count=1, document_frequency=1) == pytest.approx(0.2876820724)  # ln(4/3)
    assert idf(chunk_count=2, document_frequency=2) == pytest.approx(0.1823215568)  # ln(6/5)


def test_idf_is_highest_when_no_chunk_holds_the_term() -> None:
    assert idf(chunk_count=3, document_frequency=0) == pytest.approx(2.0794415417)  # ln 8
    assert idf(chunk_count=0, document_frequency=0) == pytest.approx(0.6931471806)  # ln 2


def test_idf_is_finite_when_removed_chunks_still_count() -> None:
    assert idf(chunk_count=1, document_frequency=5) == pytest.approx(math.log(1 + 0.5 / 5.5))


def test_saturation_stays_below_its_limit_when_a_term_repeats() -> None:
    norm = length_norm(12, average_length=9)

    assert norm == pytest.approx(1.5)  # 1.2 × (0.25 + 0.75 × 12 / 9)
    assert saturation(2, norm) == pytest.approx(1.2571428571)  # 2 × 2.2 / 3.5
    assert saturation(1_000_000, norm) < 2.2


def test_score_is_the_weighted_sum_when_a_chunk_holds_several_terms() -> None:
    found = score({"red": 0.5, "fox": 2.0, "hen": 9.0}, {"red": 1, "fox": 2}, 9, 9)

    assert found == pytest.approx(0.5 * 2.2 / 2.2 + 2.0 * 4.4 / 3.2)


def test_score_is_nothing_when_no_term_is_held() -> None:
    assert score({"red": 0.5}, {}, 9, 9) == 0


@pytest.mark.parametrize(
    ("length", "kept"),
    [(0, 0), (39, 39), (40, 40), (41, 40), (42, 42), (59, 56), (130, 128), (190, 184)],
)
def test_a_length_is_rounded_down_when_it_needs_more_than_a_byte(length: int, kept: int) -> None:
    assert kept_length(length) == kept


def test_names_and_places_decide_when_scores_are_level() -> None:
    late = chunk("late", document="a.md", page=2, start=5)
    early = chunk("early", document="a.md", page=2)
    other = chunk("other", document="b.md")
    best = chunk("best", document="z.md")
    scored = [(1.0, each, ()) for each in (other, late, early)] + [(1.00002, best, ())]

    hits = ranked(scored, 10)

    assert [hit.chunk for hit in hits] == [early, late, other, best]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert ranked(scored, 1) == hits[:1]
    assert ranked([], 3) == ()


def test_statistics_add_up_when_collections_are_joined() -> None:
    one, two = Statistics(2, 10, {"red": 1}), Statistics(3, 20, {"red": 2, "fox": 3})

    assert one + two == Statistics(5, 30, {"red": 3, "fox": 3})
    assert (one + two).average_length == 6
    assert Statistics(0, 0, {}).average_length == 1


@pytest.mark.parametrize("module", [analysis, bm25])
def test_examples_hold_when_they_are_run(module: object) -> None:
    results = doctest.testmod(module)  # type: ignore[arg-type]

    assert results.attempted > 0
    assert results.failed == 0
