from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from page.test_telling import ANSWER, Shown

from rag.answering.pipeline import Pipeline
from rag.measuring.preferences import Preference
from rag.models.endpoint import EndpointModel
from rag.page import comparison
from rag.page.chat import Asked, Chat
from rag.page.wording import Wording

HERE, THERE = "http://127.0.0.1:8080/v1", "http://127.0.0.1:9090/v1"
CLOUD = "https://api.example.com/v1"


def sides(chat: Chat, large: str = THERE, *, is_small_first: bool = True) -> list[comparison.Side]:
    pipeline = Pipeline(EndpointModel("small", HERE, ""), EndpointModel("large", large, ""))
    return comparison.sides(pipeline, "turn", chat, lambda: is_small_first)


def answered(chat: Chat, shown: list[comparison.Side]) -> None:
    for side in shown:
        answer = replace(ANSWER, model=side.model, trace_id=f"trace-{side.tier}")
        chat.beside[side.id] = Asked("How many?", "40", Shown(), side.tier, answer)


@pytest.fixture
def chat() -> Chat:
    return Chat(Wording("en"))


def test_no_model_stands_in_for_the_other_when_two_are_compared(chat: Chat) -> None:
    small, large = sides(chat)
    assert (small.tier, small.pipeline.slm.name) == ("slm", "small")
    assert large.pipeline.llm
    assert {large.pipeline.slm.name, large.pipeline.llm.name} == {"large"}


def test_the_small_model_is_asked_first_when_it_stands_second(chat: Chat) -> None:
    shown = sides(chat, is_small_first=False)
    assert [side.model for side in shown] == ["large", "small"]
    assert [side.model for side in comparison.in_turn(shown)] == ["small", "large"]
    heads = [comparison.head(side, shown, chat.words) for side in shown]
    assert [(head["place"], head["label"]) for head in heads] == [
        ("first", "Large model"),
        ("second", "Small model"),
    ]
    assert heads[0]["waits"] == "Waits for small, so that neither slows the other down"
    assert heads[1]["waits"] == ""


@pytest.mark.parametrize(("address", "is_at_once"), [(THERE, False), (CLOUD, True)])
def test_models_are_asked_together_when_they_share_no_machine(
    chat: Chat, address: str, is_at_once: bool
) -> None:
    shown = sides(chat, address)
    assert comparison.at_once(shown) is is_at_once
    assert bool(comparison.head(shown[1], shown, chat.words)["waits"]) is not is_at_once


def test_the_history_is_left_alone_when_answers_are_compared(chat: Chat) -> None:
    aside = comparison.aside(chat)
    aside.turns["turn slm 0"] = Asked("How many?", "40", Shown(), "slm", ANSWER)
    assert chat.history() == ()
    assert list(chat.beside) == ["turn slm 0"]


def test_a_comparison_goes_when_its_question_is_asked_anew(chat: Chat) -> None:
    chat.turns = {one: Asked("How many?", "40", Shown()) for one in ("other", "turn")}
    answered(chat, sides(chat))
    chat.rewind("turn")
    assert chat.beside == {}


def test_nothing_is_asked_when_one_side_has_no_answer(chat: Chat) -> None:
    shown = sides(chat)
    answered(chat, shown[:1])
    assert comparison.asked_to_choose(shown, chat) is None
    answered(chat, shown)
    props = comparison.asked_to_choose(shown, chat)
    assert props
    assert [one["text"] for one in props["choices"]] == [
        "Small model",
        "Large model",
        "About the same",
    ]


def test_a_choice_names_who_stood_first_when_it_is_kept(chat: Chat) -> None:
    shown = sides(chat, is_small_first=False)
    answered(chat, shown)
    chosen = {"first": shown[0].id, "second": shown[1].id, "preferred": "second"}
    kept = comparison.preference(chosen, chat, 1.0)
    assert kept
    assert (kept.first.trace_id, kept.first.mode) == ("trace-llm", "llm")
    assert kept.winner
    assert kept.winner.model == "small"
    assert comparison.tally([kept], kept, chat.words) == (
        "Noted. So far: large 0, small 1, about the same 0."
    )


@pytest.mark.parametrize("wrong", [{"first": "gone"}, {"preferred": "both"}, {"second": None}])
def test_nothing_is_kept_when_a_choice_makes_no_sense(chat: Chat, wrong: dict[str, Any]) -> None:
    shown = sides(chat)
    answered(chat, shown)
    chosen = {"first": shown[0].id, "second": shown[1].id, "preferred": "first"} | wrong
    kept: Preference | None = comparison.preference(chosen, chat, 1.0)
    assert kept is None
