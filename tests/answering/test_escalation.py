"""Turns in ``auto``: who answers in the end, and what is told on the way."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing
from datetime import date
from typing import Any

import pytest
from answering.turns import (
    LIBRARY,
    SKY,
    Make,
    answer,
    answered,
    escalated,
    events,
    failed,
    kinds,
    ticking,
)
from scripted_server import Scripted, ScriptedServer

from rag.answering import confidence
from rag.answering.pipeline import AnsweringOptions, Pipeline, always
from rag.measuring.prices import Prices, parse_prices
from rag.models.breaker import Breaker
from rag.models.chat import ChatModel
from rag.models.endpoint import EndpointModel
from rag.types import (
    Confidence,
    Delta,
    Judged,
    Latency,
    Message,
    Reach,
    Retrieved,
    Usage,
    Verdict,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("literal_judgement")]

QUESTION = "Which colour is the sky?"
TODAY = date(2026, 11, 26)
ABSENT = "Who was the emperor of the sky in Byzantium?"
WRONG = Scripted(("The sky is 7777 ", "metres blue."), usage=(60, 8))  # a number of nobody's
RIGHT = Scripted(("The sky is ", "blue by day."), usage=(90, 6))
REFUSAL = Scripted(("The passages do not mention ", "any emperor."), usage=(60, 7))
NOT_FOUND = "I found nothing about this in your documents."
BROKEN = Scripted(("The sky ", "is"), then="disconnect")
BUSY = Scripted(status=401, error={"message": "No."})
NO_LLM = "There is no larger model, so the small one answered. Set RAG_LLM to add one."
STANDS = "So the answer of the small model stands."


@pytest.fixture
async def pipeline(model: Make) -> Pipeline:
    return Pipeline(
        await model("small", best_passages=1),
        await model("large", best_passages=2),
        now_ns=ticking(),
    )


def judged_before(monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> Confidence:
    judged = Confidence(0.1, verdict, {}, ("Little of the question was found.",))
    monkeypatch.setattr(confidence, "before", lambda found: judged)
    return judged


# --- after a draft -----------------------------------------------------------------------


async def test_the_draft_stands_when_it_is_accepted(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(RIGHT)
    found = await events(pipeline, QUESTION, mode="auto")
    assert kinds(found) == ["Retrieved", "Delta", "Judged", "Answered"]
    result = answered(found)
    assert (result.text, result.route, result.model) == (
        "The sky is blue by day [1].",
        "slm",
        "small",
    )
    assert [attempt.tier for attempt in result.attempts] == ["slm"]
    assert result.latency.escalate_ms is None
    assert len(scripted_server.history) == 1


async def test_the_larger_model_answers_when_the_draft_is_doubted(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(WRONG, RIGHT)
    question = "Is the sky over the sea blue?"
    found = await events(pipeline, question, mode="auto")
    assert kinds(found) == [
        *("Retrieved", "Delta", "Judged"),
        *("Escalated", "Retrieved", "Delta", "Judged", "Answered"),
    ]
    going = escalated(found)
    assert going.draft == "The sky is 7777 metres blue."
    assert going.model == "large"
    assert "7777" in " ".join(going.reasons)
    result = answered(found)
    assert (result.text, result.route, result.model) == (
        "The sky is blue by day [1].",
        "llm",
        "large",
    )
    assert len(result.context.hits) == 2
    assert [event.context for event in found if isinstance(event, Retrieved)][-1] == result.context
    draft, final = result.attempts
    assert (draft.tier, draft.model, draft.text) == ("slm", "small", going.draft)
    assert (final.tier, final.model, final.text) == ("llm", "large", "The sky is blue by day.")
    judged = [event.confidence for event in found if isinstance(event, Judged)]
    assert [draft.confidence, final.confidence] == judged
    assert result.confidence == judged[-1]
    assert result.query.text == question
    assert draft.prompt != final.prompt


async def test_both_models_are_counted_when_a_turn_is_escalated(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(WRONG, RIGHT)
    result = await answer(pipeline, QUESTION, mode="auto")
    assert result.usage == {"small": Usage(60, 8, False), "large": Usage(90, 6, False)}
    latency = result.latency
    assert latency == Latency(
        retrieve_ms=1.0, pack_ms=1.0, queue_ms=1.0, first_token_ms=1.0, generate_ms=1.0,
        check_ms=1.0, escalate_ms=5.0, total_ms=11.0,
    )  # fmt: skip


async def test_tokens_are_added_up_when_both_tiers_are_one_name(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), await model())
    scripted_server.script(WRONG, RIGHT)
    result = await answer(pipeline, QUESTION, mode="auto")
    assert list(result.usage.values()) == [Usage(150, 14, False)]


async def test_the_rejected_draft_is_in_no_prompt_when_the_larger_model_is_asked(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(WRONG, RIGHT)
    first = await answer(pipeline, QUESTION, mode="auto")
    history = (Message("user", QUESTION), Message("assistant", first.text))
    await answer(pipeline, "And how is it at night?", history=history, mode="auto")
    assert len(scripted_server.history) == 3
    assert not any("7777" in sent.prompt for sent in scripted_server.history)


async def test_it_stays_uncertain_when_the_larger_model_is_doubted_as_well(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(WRONG, Scripted(("The sky is 8888 metres blue.",)))
    result = await answer(pipeline, QUESTION, mode="auto")
    assert (result.route, result.confidence.verdict) == ("llm", "escalate")
    assert result.unsupported == ("The sky is 8888 metres blue.",)


async def test_it_declines_when_the_larger_model_refuses(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(WRONG, REFUSAL)
    result = await answer(pipeline, QUESTION, mode="auto")
    assert (result.text, result.route, result.model) == (NOT_FOUND, "declined", "")
    assert result.confidence.verdict == "not_in_documents"
    assert [attempt.tier for attempt in result.attempts] == ["slm", "llm"]
    assert result.usage.keys() == {"small", "large"}
    assert result.citations == ()
    assert result.context.hits[0].chunk == SKY


async def test_the_larger_model_is_not_asked_when_the_documents_do_not_hold_it(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(REFUSAL)
    found = await events(pipeline, ABSENT, mode="auto")
    assert kinds(found) == ["Retrieved", "Delta", "Judged", "Answered"]
    result = answered(found)
    assert (result.text, result.route) == (NOT_FOUND, "declined")
    (draft,) = result.attempts
    assert draft.text.startswith("The passages do not mention")
    assert result.usage.keys() == {"small"}
    assert len(scripted_server.history) == 1


@pytest.mark.parametrize("tier", ["slm", "llm"])
async def test_its_own_words_stand_when_a_tier_is_asked_for_alone(
    scripted_server: ScriptedServer, pipeline: Pipeline, tier: Any
) -> None:
    scripted_server.script(REFUSAL)
    result = await answer(pipeline, ABSENT, mode=tier)
    assert (result.text, result.route) == ("The passages do not mention any emperor.", tier)
    assert result.confidence.verdict == "not_in_documents"
    assert result.latency.escalate_ms is None


@pytest.mark.parametrize("tier", ["slm", "llm"])
async def test_it_is_judged_all_the_same_when_a_tier_is_asked_for_alone(
    scripted_server: ScriptedServer, pipeline: Pipeline, tier: Any
) -> None:
    scripted_server.script(WRONG)
    result = await answer(pipeline, QUESTION, mode=tier)
    assert (result.route, result.confidence.verdict) == (tier, "escalate")
    assert result.warnings == ()
    assert len(scripted_server.history) == 1


# --- before a word -----------------------------------------------------------------------


async def test_no_model_is_asked_when_what_was_found_does_not_hold_it(
    scripted_server: ScriptedServer, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = judged_before(monkeypatch, "not_in_documents")
    found = await events(pipeline, QUESTION, mode="auto")
    assert kinds(found) == ["Retrieved", "Judged", "Answered"]
    result = answered(found)
    assert (result.text, result.route, result.confidence) == (NOT_FOUND, "declined", judged)
    assert [hit.chunk for hit in result.context.hits] == [SKY]
    assert (result.context.text, result.context.token_count) == ("", 0)
    assert result.query.text == QUESTION
    assert (result.usage, result.attempts) == ({}, ())
    assert result.latency == Latency(retrieve_ms=1.0, check_ms=1.0, total_ms=2.0)
    assert scripted_server.history == []


async def test_the_larger_model_goes_first_when_a_draft_is_not_worth_it(
    scripted_server: ScriptedServer, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = judged_before(monkeypatch, "escalate")
    scripted_server.script(RIGHT)
    found = await events(pipeline, QUESTION, mode="auto")
    assert kinds(found) == [
        *("Retrieved", "Judged", "Escalated", "Retrieved", "Delta", "Judged", "Answered"),
    ]
    assert (escalated(found).draft, escalated(found).reasons) == ("", judged.reasons)
    result = answered(found)
    assert (result.route, list(result.usage)) == ("llm", ["large"])
    assert (result.latency.first_token_ms, result.latency.escalate_ms) == (None, 5.0)


async def test_the_small_model_drafts_after_all_when_the_larger_one_fails_first(
    scripted_server: ScriptedServer, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_before(monkeypatch, "escalate")
    scripted_server.script(BROKEN, RIGHT)
    found = await events(pipeline, QUESTION, mode="auto")
    result = answered(found)
    assert (result.text, result.route) == ("The sky is blue by day [1].", "slm")
    assert [attempt.tier for attempt in result.attempts] == ["llm", "slm"]
    (warning,) = result.warnings
    assert warning.endswith(STANDS)
    assert len(scripted_server.history) == 2


async def test_the_small_model_drafts_when_there_is_no_larger_one_to_go_first(
    scripted_server: ScriptedServer, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_before(monkeypatch, "escalate")
    scripted_server.script(RIGHT)
    found = await events(Pipeline(await model()), QUESTION, mode="auto")
    assert kinds(found) == ["Retrieved", "Delta", "Judged", "Answered"]
    assert answered(found).warnings == ()


# --- a draft is never lost ---------------------------------------------------------------


async def test_the_draft_stands_when_there_is_no_larger_model(
    scripted_server: ScriptedServer, model: Make
) -> None:
    small = await model()
    for pipeline in (Pipeline(small), Pipeline(small, small)):
        scripted_server.script(WRONG)
        found = await events(pipeline, QUESTION, mode="auto")
        assert kinds(found) == ["Retrieved", "Delta", "Judged", "Answered"]
        result = answered(found)
        assert (result.route, result.confidence.verdict) == ("slm", "escalate")
        assert result.warnings == (NO_LLM,)


@pytest.mark.parametrize(
    "fault", [BROKEN, BUSY, Scripted((), usage=None), Scripted(("  ", "\n"), usage=None)]
)
async def test_the_draft_stands_when_the_larger_model_fails(
    scripted_server: ScriptedServer, pipeline: Pipeline, fault: Scripted
) -> None:
    scripted_server.script(WRONG, fault)
    found = await events(pipeline, "Is the sky over the sea blue?", mode="auto")
    result = answered(found)
    assert (result.text, result.route, result.model) == (
        "The sky is 7777 metres blue.",
        "slm",
        "small",
    )
    assert result.confidence.verdict == "escalate"
    (warning,) = result.warnings
    assert warning.endswith(STANDS)
    assert escalated(found).draft == result.text
    assert [event.context for event in found if isinstance(event, Retrieved)][-1] == result.context
    assert result.attempts[-1].confidence is None
    assert result.latency.escalate_ms is not None


async def test_the_draft_stands_when_nobody_answers_for_the_larger_model(
    scripted_server: ScriptedServer, model: Make
) -> None:
    nobody = EndpointModel("m", "http://127.0.0.1:9/v1", reach="machine")
    pipeline = Pipeline(await model(), nobody)
    scripted_server.script(WRONG)
    result = await answer(pipeline, QUESTION, mode="auto")
    assert result.route == "slm"
    assert "127.0.0.1:9" in result.warnings[0]
    assert len(result.attempts) == 1


@pytest.mark.parametrize("pieces", [(), ("The sky ",)])
async def test_the_draft_stands_when_the_larger_model_stalls(
    scripted_server: ScriptedServer, model: Make, pieces: tuple[str, ...]
) -> None:
    pipeline = Pipeline(
        await model("small"), await model("large"), AnsweringOptions(escalation_timeout_s=0.3)
    )
    scripted_server.script(WRONG, Scripted(pieces, then="stall"))
    result = await answer(pipeline, QUESTION, mode="auto")
    assert (result.text, result.route) == ("The sky is 7777 metres blue.", "slm")
    assert result.warnings == (
        f"large took longer than 0.3 seconds, the limit set by RAG_ESCALATION_TIMEOUT_S. {STANDS}",
    )
    assert scripted_server.history[1].disconnected.wait(10)
    assert result.latency.total_ms == pytest.approx(
        sum(
            ms
            for name in (
                "retrieve",
                "pack",
                "queue",
                "first_token",
                "generate",
                "check",
                "escalate",
            )
            if (ms := getattr(result.latency, f"{name}_ms"))
        )
    )


async def test_the_limit_does_not_cancel_who_listens_when_it_listens_slowly(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(
        await model("small"), await model("large"), AnsweringOptions(escalation_timeout_s=0.2)
    )
    scripted_server.script(WRONG, Scripted(("The sky ", "is blue."), then="stall"))
    found = []
    async with aclosing(pipeline.answer(QUESTION, index=LIBRARY)) as answering:
        async for event in answering:
            found.append(event)
            if isinstance(event, Delta) and len(found) > 5:
                await asyncio.sleep(0.3)
    assert answered(found).route == "slm"


# --- the small model fails ---------------------------------------------------------------


@pytest.mark.parametrize("fault", [BROKEN, BUSY])
async def test_the_larger_model_answers_when_the_small_one_fails(
    scripted_server: ScriptedServer, pipeline: Pipeline, fault: Scripted
) -> None:
    scripted_server.script(fault, RIGHT)
    found = await events(pipeline, QUESTION, mode="auto")
    result = answered(found)
    assert (result.text, result.route) == ("The sky is blue by day [1].", "llm")
    assert kinds(found).count("Judged") == 1
    (reason,) = escalated(found).reasons
    assert result.warnings == (f"{reason} So the larger model answered.",)
    assert result.attempts[0].confidence is None
    assert escalated(found).draft == "".join(fault.deltas if fault is BROKEN else ())


async def test_the_larger_model_answers_when_nobody_answers_for_the_small_one(
    scripted_server: ScriptedServer, model: Make
) -> None:
    nobody = EndpointModel("m", "http://127.0.0.1:9/v1", reach="machine")
    pipeline = Pipeline(nobody, await model("large"))
    scripted_server.script(RIGHT)
    found = await events(pipeline, QUESTION, mode="auto")
    assert kinds(found) == [
        *("Retrieved", "Escalated", "Retrieved", "Delta", "Judged", "Answered"),
    ]
    assert answered(found).route == "llm"


async def test_a_dead_larger_model_is_not_waited_for_when_the_next_question_is_doubtful(
    scripted_server: ScriptedServer, model: Make
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        still = Breaker(lambda: 0.0)
        large = EndpointModel("large", address, reach="machine", breaker=still)
        pipeline = Pipeline(await model("small"), large)
        scripted_server.script(WRONG, WRONG)
        first, second = [await answer(pipeline, QUESTION, mode="auto") for _ in range(2)]
    for result in (first, second):
        assert (result.text, result.route) == ("The sky is 7777 metres blue.", "slm")
        assert result.confidence.verdict == "escalate"
        assert result.warnings[0].endswith(STANDS)
    assert "so it was not" not in first.warnings[0]
    assert "so it was not" in second.warnings[0]


async def test_the_turn_fails_with_what_was_written_when_both_models_fail(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    scripted_server.script(BROKEN, BUSY)
    end = failed(await events(pipeline, QUESTION, mode="auto"))
    assert end.partial == "The sky is"
    assert "broke before the answer was complete" in end.message
    assert "401" in end.message or "key" in end.message
    assert end.latency.escalate_ms is not None


async def test_the_turn_fails_when_the_only_tier_asked_for_fails(
    scripted_server: ScriptedServer, pipeline: Pipeline
) -> None:
    for mode in ("slm", "llm"):
        scripted_server.script(BUSY)
        failed(await events(pipeline, QUESTION, mode=mode))  # type: ignore[arg-type]
    assert len(scripted_server.history) == 2


# --- consent -----------------------------------------------------------------------------


async def test_the_draft_stands_when_the_larger_model_is_elsewhere_and_not_allowed(
    scripted_server: ScriptedServer, model: Make
) -> None:
    asked: list[str] = []

    async def refuse(model: ChatModel) -> bool:
        asked.append(model.name)
        return False

    pipeline = Pipeline(await model("small"), await model("far", reach="cloud"), consent=refuse)
    scripted_server.script(WRONG)
    found = await events(pipeline, QUESTION, mode="auto")
    assert kinds(found) == ["Retrieved", "Delta", "Judged", "Answered"]
    result = answered(found)
    assert (result.route, result.confidence.verdict) == ("slm", "escalate")
    (warning,) = result.warnings
    assert "far is not on this machine" in warning
    assert "RAG_ALLOW_REMOTE" in warning
    assert asked == ["far"]
    assert len(scripted_server.history) == 1
    assert result.cost_usd == 0.0


async def test_nobody_is_asked_for_consent_when_the_draft_is_accepted(
    scripted_server: ScriptedServer, model: Make
) -> None:
    async def refuse(model: ChatModel) -> bool:
        raise AssertionError

    pipeline = Pipeline(await model("small"), await model("far", reach="cloud"), consent=refuse)
    scripted_server.script(RIGHT)
    result = await answer(pipeline, QUESTION, mode="auto")
    assert (result.route, result.warnings) == ("slm", ())


async def test_the_larger_model_answers_when_it_is_elsewhere_and_allowed(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model("small"), await model("far", reach="cloud"), consent=always)
    scripted_server.script(WRONG, RIGHT)
    result = await answer(pipeline, QUESTION, mode="auto")
    assert (result.route, result.cost_usd) == ("llm", None)


@pytest.mark.parametrize(
    ("reach", "pieces", "cost_usd"),
    [
        ("cloud", (), None),
        ("machine", (), 0.0),
        ("cloud", ("The sky ",), pytest.approx(0.0, abs=0.01)),
    ],
)
async def test_the_cost_is_unknown_when_a_priced_model_elsewhere_never_answers(
    scripted_server: ScriptedServer,
    model: Make,
    reach: Reach,
    pieces: tuple[str, ...],
    cost_usd: float | None,
) -> None:
    prices = Prices(parse_prices("far=1/10"), TODAY)
    options = AnsweringOptions(escalation_timeout_s=0.3, prices=prices)
    far = await model("far", reach=reach)
    pipeline = Pipeline(await model("small"), far, options, consent=always)
    scripted_server.script(WRONG, Scripted(pieces, then="stall"))
    result = await answer(pipeline, QUESTION, mode="auto")
    assert (result.route, result.cost_usd) == ("slm", cost_usd)
    assert ("far" in result.usage) == bool(pieces)


async def test_the_cost_is_unknown_when_a_remote_model_is_called_like_a_local_one(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model("twin"), await model("twin", reach="cloud"), consent=always)
    scripted_server.script(WRONG, RIGHT)
    result = await answer(pipeline, QUESTION, mode="auto")
    assert (result.usage, result.cost_usd) == ({"twin": Usage(150, 14, False)}, None)


async def test_nothing_is_sent_when_the_small_model_is_elsewhere_and_not_allowed(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model("far", reach="cloud"), await model("large"))
    found = await events(pipeline, QUESTION, mode="auto")
    assert kinds(found) == ["Failed"]
    assert "far is not on this machine" in failed(found).message
    assert "RAG_ALLOW_REMOTE" in failed(found).message
    assert scripted_server.history == []


async def test_the_small_model_answers_when_the_larger_was_asked_for_and_not_allowed(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model("small"), await model("far", reach="cloud"))
    scripted_server.script(RIGHT)
    result = await answer(pipeline, QUESTION, mode="llm")
    assert result.route == "slm"
    assert "RAG_ALLOW_REMOTE" in result.warnings[0]
