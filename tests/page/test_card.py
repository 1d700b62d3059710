from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.page import card
from rag.page.card import Page
from rag.page.wording import Wording
from rag.types import (
    Answer,
    Chunk,
    Citation,
    Confidence,
    Context,
    Dropped,
    Hit,
    Latency,
    Query,
    Retrieved,
    Usage,
)

ENGLISH = Wording("en")
PAGE = "Maintenance\n\nThe pump holds 40 litres. It is green.\n\nThe end."
CHUNK = Chunk("c1", "d1", "pump.pdf", 2, "Maintenance", PAGE[13:51], 13, 51, 10)
HIT = Hit(CHUNK, 5.318, 1, ("pump", "hold"))
OTHER = Hit(replace(CHUNK, id="c2", document_name="notes.md"), 2.659, 2, ("pump",))
CONTEXT = Context("…", (HIT,), 12, 1024, (Dropped(OTHER, "It did not fit."),))
CITATION = Citation(1, "c1", "pump.pdf", 2, "The pump holds 40 litres.", 13, 38, True)
LATENCY = Latency(1.4, 0.4, None, 500.3, 1000.2, 0.9, None, 1503.2)
ANSWER = Answer(
    "It holds 40 litres [1].",
    "slm",
    "small",
    (CITATION,),
    Confidence(0.8, "accept", {}, ("The number is in the passage.",)),
    CONTEXT,
    LATENCY,
    {"small": Usage(700, 21, False)},
    None,
    "trace1",
    ("The reply was cut.",),
)


def find_page(document_id: str, page: int) -> Page:
    assert (document_id, page) == ("d1", 2)
    return Page(PAGE, "/source/d1", True)


def milliseconds(props: Mapping[str, object]) -> dict[str, int]:
    stages = props["stages"]
    assert isinstance(stages, list)
    return {stage["key"]: stage["ms"] for stage in stages}


def test_the_stages_add_up_when_they_are_shown_rounded() -> None:
    props = card.turn(ANSWER, find_page, ENGLISH)
    assert milliseconds(props) == {
        "retrieve": 1, "pack": 1, "first_token": 500, "generate": 1000, "check": 1,
    }  # fmt: skip
    assert props["total_ms"] == 1503


def test_the_rest_is_a_stage_of_its_own_when_the_parts_leave_one() -> None:
    answer = replace(ANSWER, latency=Latency(retrieve_ms=2.0, total_ms=10.0))
    assert milliseconds(card.turn(answer, find_page, ENGLISH)) == {"retrieve": 2, "other": 8}


def test_the_total_is_the_sum_when_none_was_measured() -> None:
    answer = replace(ANSWER, latency=Latency(retrieve_ms=2.0))
    props = card.turn(answer, find_page, ENGLISH)
    assert (milliseconds(props), props["total_ms"]) == ({"retrieve": 2}, 2)


def test_the_card_is_empty_but_whole_when_nothing_is_known() -> None:
    bare = replace(ANSWER, latency=Latency(), usage={}, context=Context("", (), 0, 0), citations=())
    props = card.turn(bare, find_page, ENGLISH)
    assert (props["stages"], props["total_ms"], props["speed"], props["tokens"]) == ([], 0, "", "")
    assert props["sources"] == []


@given(st.lists(st.floats(0, 1e5), max_size=8))
def test_rounded_parts_keep_their_sum_when_they_are_any(parts: list[float]) -> None:
    named = {str(place): part for place, part in enumerate(parts)}
    whole = card.whole(named, round(sum(parts)))
    assert sum(whole.values()) == round(sum(parts))
    assert all(abs(whole[name] - part) <= 1 for name, part in named.items())


def test_tokens_and_speed_are_told_when_the_server_counted() -> None:
    props = card.turn(ANSWER, find_page, ENGLISH)
    assert props["tokens"] == "700 tokens read, 21 written"
    assert props["speed"] == "20.0 tokens/s"  # 20 after the first, in 1000.2 ms


def test_tokens_are_called_an_estimate_when_the_server_did_not_count() -> None:
    answer = replace(ANSWER, usage={"small": Usage(700, 21, True)})
    assert card.turn(answer, find_page, ENGLISH)["tokens"] == "about 700 tokens read, 21 written"


@pytest.mark.parametrize(
    ("route", "verdict", "badge", "tone"),
    [
        ("slm", "accept", "Small model", "good"),
        ("llm", "accept", "Large model", "good"),
        ("slm", "escalate", "Uncertain", "warn"),
        ("slm", "not_in_documents", "Not in your documents", "muted"),
        ("declined", "accept", "Not in your documents", "muted"),
    ],
)
def test_the_badge_tells_route_and_verdict_when_it_is_short(
    route: str, verdict: str, badge: str, tone: str
) -> None:
    confidence = Confidence(0.5, verdict, {}, ())  # type: ignore[arg-type]
    answer = replace(ANSWER, route=route, confidence=confidence)  # type: ignore[arg-type]
    shown = card.turn(answer, find_page, ENGLISH)["badge"]
    assert shown == {"text": badge, "tone": tone}


def test_the_quote_is_marked_in_its_page_when_a_passage_is_cited() -> None:
    [source] = card.turn(ANSWER, find_page, ENGLISH)["sources"]
    assert source == {
        "number": 1,
        "document": "pump.pdf",
        "page": 2,
        "section": "Maintenance",
        "before": "Maintenance\n\n",
        "spans": [
            {"text": "The pump holds 40 litres.", "marked": True},
            {"text": " It is green.", "marked": False},
        ],
        "after": "\n\nThe end.",
        "cited": True,
        "supported": True,
        "url": "/source/d1",
        "is_pdf": True,
    }


def test_the_whole_passage_is_marked_when_it_is_not_cited() -> None:
    [source] = card.passages(CONTEXT, (), find_page)
    assert source["spans"] == [{"text": CHUNK.text, "marked": True}]
    assert (source["cited"], source["supported"]) == (False, True)


def test_a_passage_stands_alone_when_its_page_is_gone() -> None:
    [source] = card.passages(CONTEXT, (CITATION,), lambda _id, _page: Page("", "", False))
    assert (source["before"], source["after"], source["url"]) == ("", "", "")
    assert "".join(span["text"] for span in source["spans"]) == CHUNK.text


def test_a_long_page_is_cut_around_the_passage_when_it_is_shown() -> None:
    page = "x" * 1000 + CHUNK.text + "y" * 1000
    hit = replace(HIT, chunk=replace(CHUNK, start=1000, end=1000 + len(CHUNK.text)))
    context = replace(CONTEXT, hits=(hit,))
    [source] = card.passages(context, (), lambda _id, _page: Page(page, "", False))
    assert source["before"] == "…" + "x" * card.AROUND_CHARACTERS
    assert source["after"] == "y" * card.AROUND_CHARACTERS + "…"


def test_metadata_holds_the_numbers_when_it_is_written_as_json() -> None:
    metadata = json.loads(json.dumps(card.metadata(ANSWER)))
    assert metadata["latency_ms"] == {
        "retrieve": 1.4, "pack": 0.4, "queue": None, "first_token": 500.3, "generate": 1000.2,
        "check": 0.9, "escalate": None, "total": 1503.2,
    }  # fmt: skip
    assert metadata["context"] == {
        "token_count": 12, "budget_tokens": 1024, "hits": 1, "dropped": 1,
    }  # fmt: skip
    assert (metadata["model"], metadata["route"]) == ("small", "slm")
    assert metadata["tokens_per_second"] == 20.0
    assert "text" not in metadata


def test_every_hit_has_its_fate_when_a_search_is_shown() -> None:
    props = card.retrieval(Retrieved(Query("pump", "coolant"), CONTEXT), ENGLISH)
    assert props["rows"] == [
        {
            "number": 1, "reason": "", "document": "pump.pdf", "page": 2, "section": "Maintenance",
            "score": 5.32, "share": 1.0, "terms": ["pump", "hold"],
        },
        {
            "number": None, "reason": "It did not fit.", "document": "notes.md", "page": 2,
            "section": "Maintenance", "score": 2.66, "share": 0.5, "terms": ["pump"],
        },
    ]  # fmt: skip
    assert props["budget"] == "12 of 1024 tokens"
    assert props["background"] == "coolant"
    assert card.retrieval_title(CONTEXT, ENGLISH) == "Found 2 passages, 1 read by the model"


def test_a_search_says_so_when_nothing_was_found() -> None:
    nothing = Context("", (), 0, 1024)
    assert card.retrieval(Retrieved(Query("x"), nothing), ENGLISH)["rows"] == []
    assert card.retrieval_title(nothing, ENGLISH) == "Nothing found"


@pytest.mark.parametrize("score", [0.0, -1.5])
def test_a_bar_has_no_length_when_no_score_is_positive(score: float) -> None:
    context = Context("", (replace(HIT, score=score),), 1, 2)
    [row] = card.retrieval(Retrieved(Query("x"), context), ENGLISH)["rows"]
    assert row["share"] == 0.0


@pytest.mark.parametrize(
    ("text", "flowing"),
    [
        ("", ""),
        ("one line", "one line"),
        ("Data\nA line as long\nas it is.\n", "Data\nA line as long as it is.\n"),
        ("A line as long\n\nAnother paragraph", "A line as long\n\nAnother paragraph"),
    ],
)  # fmt: skip
def test_a_pdfs_lines_flow_when_they_were_only_wrapped(text: str, flowing: str) -> None:
    assert card.unwrapped(text) == flowing
    assert len(card.unwrapped(text)) == len(text)
