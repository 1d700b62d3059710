from __future__ import annotations

from dataclasses import replace

import pytest
from answering.drafts import found
from answering.passages import chunk

from rag.answering.signals import retrieval
from rag.retrieval.index import Statistics

SIGNALS = (
    retrieval.coverage,
    retrieval.coverage_together,
    retrieval.score_ratio,
    retrieval.margin,
    retrieval.spread,
)


def test_all_is_covered_when_the_best_passage_holds_every_word() -> None:
    assert retrieval.coverage(found("Is the sky blue by day?")) == 1.0


def test_passages_cover_together_when_each_holds_a_part() -> None:
    asked = found("blue sky, deep sea")
    assert retrieval.coverage(asked) < retrieval.coverage_together(asked) == 1.0


def test_an_unknown_word_lowers_coverage_and_ratio_when_the_documents_lack_it() -> None:
    known, unknown = found("Is the sky blue?"), found("Is the sky a zeppelin?")
    assert retrieval.coverage(unknown) < retrieval.coverage(known)
    assert retrieval.score_ratio(unknown) < retrieval.score_ratio(known)


def test_the_first_leads_by_everything_when_no_other_passage_matches_as_well() -> None:
    asked = found("sky", chunk("sky sky sky"), chunk("sky of a very long and different passage"))
    first, second = (hit.score for hit in asked.hits)
    assert retrieval.margin(asked) == pytest.approx((first - second) / first)
    assert retrieval.spread(asked) == pytest.approx(1 - (first + second) / 2 / first)


def test_dispersion_is_unknown_when_there_is_one_hit() -> None:
    asked = found("blue")
    assert len(asked.hits) == 1
    assert (retrieval.margin(asked), retrieval.spread(asked)) == (None, None)


def test_nothing_is_found_when_no_word_is_known() -> None:
    asked = found("zeppelin")
    values = [signal(asked) for signal in SIGNALS]
    assert values == [0.0, 0.0, 0.0, None, None]


def test_words_count_alike_when_rarity_is_left_out() -> None:
    assert retrieval.words_held(found("blue zeppelin sky day")) == 0.75


@pytest.mark.parametrize(
    ("chunks", "expected"), [(1, 0.0), (10, 1 / 3), (1_000, 1.0), (5_000, 1.0)]
)
def test_a_collection_is_large_when_it_has_a_thousand_passages(
    chunks: int, expected: float
) -> None:
    asked = found("sky")
    many = Statistics(chunks, asked.statistics.term_count, asked.statistics.document_frequency)
    assert retrieval.collection_size(replace(asked, statistics=many)) == pytest.approx(expected)
