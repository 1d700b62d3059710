"""Why a passage has its score: shares that add up, in every engine, and as worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval.passages import chunk

from rag.retrieval.disk import DiskIndex
from rag.retrieval.explaining import (
    all_explained,
    explained,
    holds_phrase,
    missing,
    total,
    weighed,
)
from rag.retrieval.index import Index, Scoped, Statistics
from rag.retrieval.joint import JointIndex
from rag.retrieval.memory import MemoryIndex
from rag.types import Chunk, Missing, Query

FOX = chunk("red fox", document="n.md")
HENS = chunk("red red hen", document="n.md", page=2)
SKY = chunk("blue", document="n.md", page=3)
LONG = chunk("the red barn and " + "the yard of the farm " * 30, document="barn.md")
ROMANIAN = chunk("Vulpea roșie fuge de găini.", document="ro.md", language="ro")
ALL = [FOX, HENS, SKY, LONG, ROMANIAN]


@pytest.fixture(params=["memory", "disk", "joint", "scoped"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Index:
    def on_disk(chunks: Sequence[Chunk]) -> Index:
        made = DiskIndex(tmp_path / "index")
        made.rebuild(chunks)
        return made

    match request.param:
        case "memory":
            return MemoryIndex(ALL)
        case "disk":
            return on_disk(ALL)
        case "joint":
            return JointIndex((MemoryIndex(ALL[:2]), on_disk(ALL[2:])))
    return Scoped(MemoryIndex(ALL), frozenset({LONG.document_id, FOX.document_id}))


@pytest.mark.parametrize(
    "query",
    [
        Query("red"),
        Query("the red fox, the hens and the barn"),
        Query("hens", background="a red barn"),
        Query("vulpea red"),
    ],
)
def test_the_shares_add_up_to_the_score_when_any_engine_has_searched(
    index: Index, query: Query
) -> None:
    hits = index.search(query, 10)
    told = all_explained(index, query, hits)

    assert len(hits) > 1
    for hit in hits:
        explanation = told[hit.chunk.id]
        assert total(explanation) == pytest.approx(hit.score, abs=1e-4)
        assert {each.term for each in explanation.terms} == set(hit.matched_terms)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab ", min_size=1, max_size=60), min_size=1, max_size=8))
def test_the_shares_add_up_to_the_score_when_the_passages_are_anything(texts: list[str]) -> None:
    index = MemoryIndex(chunk(text, page=number) for number, text in enumerate(texts, 1))
    query = Query("a b aa ab", background="bb ba")
    hits = index.search(query, 10)
    told = all_explained(index, query, hits)

    assert [total(told[hit.chunk.id]) for hit in hits] == pytest.approx([hit.score for hit in hits])


def test_every_figure_is_that_worked_out_by_hand_when_three_passages_are_searched() -> None:
    index = MemoryIndex([FOX, HENS, SKY])
    found = all_explained(index, Query("red hen"), index.search(Query("red hen"), 1))
    (told,) = found.values()

    # With its title "n": 4 terms of 3 on average, 1 - 0.75 + 0.75 × 4 / 3 = 1.25.
    assert (told.length, told.average_length, told.length_factor) == (4, 3.0, 1.25)
    # hen: ln(1 + 2.5 / 1.5) × 1 × 2.2 / (1 + 1.2 × 1.25); red: ln(1 + 1.5 / 2.5) × 2 × 2.2 / 3.5
    hen, red = told.terms
    assert (hen.term, hen.frequency, hen.weight) == ("hen", 1, 1.0)
    assert (hen.idf, hen.share) == pytest.approx((0.98083, 0.86313), abs=1e-5)
    assert (red.term, red.frequency, red.weight) == ("red", 2, 1.0)
    assert (red.idf, red.share) == pytest.approx((0.47000, 0.59086), abs=1e-5)
    assert total(told) == pytest.approx(1.45399, abs=1e-5)


def test_a_term_of_earlier_turns_weighs_a_quarter_when_it_is_explained() -> None:
    weighing = weighed(Query("hen", background="fox"), {"en"}, Statistics(3, 9, {"hen": 1}))

    assert weighing.weights == {"hen": 1.0, "fox": 0.25}
    assert weighing.idfs["hen"] == pytest.approx(math.log(1 + 2.5 / 1.5))
    assert weighing.average_length == 3.0


def test_nothing_is_shared_when_no_term_is_held() -> None:
    weighing = weighed(Query("hen"), {"en"}, Statistics(0, 0, {}))
    told = explained(SKY, weighing)

    assert told.terms == ()
    assert total(told) == 0
    assert explained(chunk("", document=".md"), weighing).terms == ()


def test_a_missing_word_comes_with_the_nearest_when_one_is_spelt_like_it() -> None:
    barn = chunk("The Registry keeps the beacons of Orvane.")

    assert missing("Which register holds the beacon of Orvanne?", barn) == (
        Missing("register", "Registry"),
        Missing("holds", ""),
        Missing("Orvanne", "Orvane"),
    )
    assert missing("the beacon", barn) == ()


def test_a_phrase_is_held_when_case_accents_and_lines_differ() -> None:
    assert holds_phrase("rosie FUGE", ROMANIAN)
    assert holds_phrase("red\n fox", FOX)
    assert not holds_phrase("fox red", FOX)
    assert not holds_phrase("ed fox", FOX)
    assert not holds_phrase("…", FOX)
