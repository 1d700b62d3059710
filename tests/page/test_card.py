from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.page import card
from rag.page.chat import Asked
from rag.page.passages import Page
from rag.page.reach import Place
from rag.page.wording import Wording
from rag.types import (
    Answer,
    Attempt,
    Chunk,
    Citation,
    Confidence,
    Context,
    Dropped,
    Energy,
    Hit,
    Latency,
    Query,
    Retrieved,
    Usage,
    Weighed,
)

ENGLISH = Wording("en")
FAR = Place("cloud", "https://api.example.com")
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


def turn(answer: Answer, **asked: Any) -> dict[str, Any]:
    shown = Asked("How many litres?", answer.text, screen=None, **asked)  # type: ignore[arg-type]
    return card.turn("turn1", shown, answer, find_page, ENGLISH)


def find_page(document_id: str, page: int) -> Page:
    assert (document_id, page) == ("d1", 2)
    return Page(PAGE, "/source/d1", True)


def milliseconds(props: Mapping[str, object]) -> dict[str, int]:
    stages = props["stages"]
    assert isinstance(stages, list)
    return {stage["key"]: stage["ms"] for stage in stages}


def test_the_stages_add_up_when_they_are_shown_rounded() -> None:
    props = turn(ANSWER)
    assert milliseconds(props) == {
        "retrieve": 1, "pack": 1, "first_token": 500, "generate": 1000, "check": 1,
    }  # fmt: skip
    assert props["total_ms"] == 1503


def test_the_rest_is_a_stage_of_its_own_when_the_parts_leave_one() -> None:
    answer = replace(ANSWER, latency=Latency(retrieve_ms=2.0, total_ms=10.0))
    assert milliseconds(turn(answer)) == {"retrieve": 2, "other": 8}


def test_the_total_is_the_sum_when_none_was_measured() -> None:
    answer = replace(ANSWER, latency=Latency(retrieve_ms=2.0))
    props = turn(answer)
    assert (milliseconds(props), props["total_ms"]) == ({"retrieve": 2}, 2)


def test_the_card_is_empty_but_whole_when_nothing_is_known() -> None:
    bare = replace(ANSWER, latency=Latency(), usage={}, context=Context("", (), 0, 0), citations=())
    props = turn(bare)
    assert (props["stages"], props["total_ms"], props["speed"], props["usage"]) == ([], 0, "", [])
    assert props["sources"] == []


@given(st.lists(st.floats(0, 1e5), max_size=8))
def test_rounded_parts_keep_their_sum_when_they_are_any(parts: list[float]) -> None:
    named = {str(place): part for place, part in enumerate(parts)}
    whole = card.whole(named, round(sum(parts)))
    assert sum(whole.values()) == round(sum(parts))
    assert all(abs(whole[name] - part) <= 1 for name, part in named.items())


def test_tokens_and_speed_are_told_when_the_server_counted() -> None:
    props = turn(ANSWER)
    assert props["usage"] == [{"model": "small", "tokens": "700 tokens read, 21 written"}]
    assert props["speed"] == "20.0 tokens/s"  # 20 after the first, in 1000.2 ms


def test_tokens_are_called_an_estimate_when_the_server_did_not_count() -> None:
    answer = replace(ANSWER, usage={"small": Usage(700, 21, True)})
    [used] = turn(answer)["usage"]
    assert used["tokens"] == "about 700 tokens read, 21 written"


@pytest.mark.parametrize(
    ("route", "verdict", "asked", "badge", "tone"),
    [
        ("slm", "accept", {}, "Answered locally", "good"),
        ("slm", "accept", {"places": {"slm": FAR}}, "Small model", "good"),
        ("llm", "accept", {}, "Escalated to small", "good"),
        ("llm", "accept", {"mode": "llm"}, "Large model", "good"),
        ("refined", "accept", {}, "Refined by small", "good"),
        ("slm", "escalate", {}, "Uncertain", "warn"),
        ("llm", "escalate", {}, "Uncertain", "warn"),
        ("slm", "not_in_documents", {}, "Not in your documents", "muted"),
        ("declined", "accept", {}, "Not in your documents", "muted"),
    ],
)
def test_the_badge_tells_route_and_verdict_when_it_is_short(
    route: str, verdict: str, asked: dict[str, Any], badge: str, tone: str
) -> None:
    confidence = Confidence(0.5, verdict, {}, ())  # type: ignore[arg-type]
    answer = replace(ANSWER, route=route, confidence=confidence)  # type: ignore[arg-type]
    assert turn(answer, **asked)["badge"] == {"text": badge, "tone": tone}


def test_confidence_is_told_in_percent_with_what_weighs_most_when_it_was_judged() -> None:
    weighed = (
        Weighed("grounded_numbers", 0.5, False, ("12", "40")),
        Weighed("coverage", 0.9, True),
    )
    judged = Confidence(0.823, "accept", {}, ("A.", "B."), weighed)
    props = turn(replace(ANSWER, confidence=judged))
    assert props["percent"] == "82%"
    assert props["signals"] == [
        {"text": "2 numbers not found in the sources: 12, 40", "speaks_for": False},
        {"text": "The best passage holds what was asked", "speaks_for": True},
    ]


def test_the_nearest_passages_and_the_terms_are_told_when_it_is_declined() -> None:
    context = Context("", (), 0, 0, (Dropped(HIT, "No model has read it."),))
    props = turn(replace(ANSWER, route="declined", context=context, citations=(),
                         query=Query("How deep is the kraken?")))  # fmt: skip
    assert [source["document"] for source in props["sources"]] == ["pump.pdf"]
    assert props["terms"] == ["deep", "kraken"]
    assert props["percent"] == ""
    assert turn(ANSWER)["terms"] == []


@pytest.mark.parametrize(
    ("route", "has_larger", "draft", "can"),
    [
        ("slm", True, None, {"larger": True, "keep": False, "compare": True}),
        ("slm", False, None, {"larger": False, "keep": False, "compare": False}),
        ("declined", True, None, {"larger": True, "keep": False, "compare": True}),
        ("llm", True, ANSWER, {"larger": False, "keep": True, "compare": True}),
        ("refined", True, ANSWER, {"larger": False, "keep": True, "compare": True}),
    ],
)
def test_a_person_can_choose_the_other_model_when_there_is_one(
    route: str, has_larger: bool, draft: Answer | None, can: dict[str, bool]
) -> None:
    answer = replace(ANSWER, route=route)  # type: ignore[arg-type]
    assert turn(answer, has_larger=has_larger, draft=draft)["can"] == {"why": True, **can}


def test_where_each_model_ran_is_told_when_it_was_asked() -> None:
    attempts = (
        Attempt("slm", "small", (), "", "stop"),
        Attempt("llm", "far", (), "", "stop", reach="cloud"),
    )
    props = turn(replace(ANSWER, attempts=attempts), places={"llm": FAR})
    assert [(one["reach"], one["text"]) for one in props["ran"]] == [
        ("machine", "small ran on this machine"),
        ("cloud", "Sent to far, in the cloud (api.example.com)"),
    ]


@pytest.mark.parametrize(
    ("cost_usd", "estimated", "told"),
    [(0.0, False, ""), (None, False, "not known"), (0.00123, False, "$0.0012"),
     (0.00123, True, "$0.0012 (estimated)")],
)  # fmt: skip
def test_the_cost_is_told_when_there_is_one(
    cost_usd: float | None, estimated: bool, told: str
) -> None:
    usage = {"small": Usage(700, 21, estimated)}
    assert turn(replace(ANSWER, cost_usd=cost_usd, usage=usage))["cost"] == told


def test_the_energy_is_told_with_where_it_is_known_from() -> None:
    assert turn(ANSWER)["energy"] == ""
    measured = replace(ANSWER, energy=Energy(0.0213, "measured", is_whole=False))
    assert turn(measured)["energy"] == "≈ 0.021 Wh, measured, processors alone"
    set_by_hand = replace(ANSWER, energy=Energy(0.2, "configured"))
    assert turn(set_by_hand)["energy"] == "≈ 0.2 Wh, by the watts you set"


def test_a_first_use_is_told_apart_when_the_model_had_to_be_loaded() -> None:
    attempts = (Attempt("slm", "small", (), "", "stop", is_cold=True),)
    [note] = turn(replace(ANSWER, attempts=attempts))["notes"]
    assert note.startswith("First use: small was loaded")


def test_warnings_are_romanian_when_the_page_is() -> None:
    asked = Asked("Câți?", "", screen=None)  # type: ignore[arg-type]
    answer = replace(ANSWER, warnings=("phi wrote nothing.",))
    props = card.turn("turn1", asked, answer, find_page, Wording("ro"))
    assert props["warnings"] == ["phi nu a scris nimic."]


def test_the_usage_of_each_model_is_told_when_two_were_asked() -> None:
    usage = {"small": Usage(700, 21, False), "large": Usage(900, 30, True)}
    assert turn(replace(ANSWER, usage=usage))["usage"] == [
        {"model": "small", "tokens": "700 tokens read, 21 written"},
        {"model": "large", "tokens": "about 900 tokens read, 30 written"},
    ]


def test_no_speed_is_told_when_the_time_was_another_models() -> None:
    latency = replace(LATENCY, escalate_ms=2000.0, total_ms=3503.2)
    answer = replace(ANSWER, route="llm", latency=latency)
    assert turn(answer)["speed"] == ""
    assert milliseconds(turn(answer))["escalate"] == 2000


def test_the_reason_stands_beside_the_model_when_it_is_waited_for() -> None:
    props = card.escalation("large", "It repeats itself", True, ENGLISH)
    assert (props["text"], props["can_keep"]) == ("large is asked: It repeats itself", True)
    assert card.escalation("large", "", False, ENGLISH)["text"] == "large is asked"


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


def test_no_passage_is_called_read_when_no_model_was_asked() -> None:
    nearest = Context("", (HIT,), 0, 0, (Dropped(OTHER, "No model has read it."),))
    props = card.retrieval(Retrieved(Query("pump"), nearest), ENGLISH)
    assert [(row["number"], row["reason"]) for row in props["rows"]] == [
        (None, "not read by a model"), (None, "not read by a model"),
    ]  # fmt: skip
    assert props["budget"] == ""
    assert card.retrieval_title(nearest, ENGLISH) == "Found 2 passages, none read by a model"


@pytest.mark.parametrize(("value", "percent"), [(0.996, "99%"), (1.0, "99%"), (0.0, "0%")])
def test_no_answer_is_called_certain_when_its_confidence_is_shown(
    value: float, percent: str
) -> None:
    answer = replace(ANSWER, confidence=Confidence(value, "accept", {}, ()))
    assert turn(answer)["percent"] == percent


def test_a_search_says_so_when_nothing_was_found() -> None:
    nothing = Context("", (), 0, 1024)
    assert card.retrieval(Retrieved(Query("x"), nothing), ENGLISH)["rows"] == []
    assert card.retrieval_title(nothing, ENGLISH) == "Nothing found"


@pytest.mark.parametrize("score", [0.0, -1.5])
def test_a_bar_has_no_length_when_no_score_is_positive(score: float) -> None:
    context = Context("…", (replace(HIT, score=score),), 1, 2)
    [row] = card.retrieval(Retrieved(Query("x"), context), ENGLISH)["rows"]
    assert row["share"] == 0.0
