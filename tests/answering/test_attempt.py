"""One model's go: how it is stopped early, and what is kept of it."""

from __future__ import annotations

import asyncio
import threading

import pytest
from answering.turns import LIBRARY, Make, answer, answered, escalated, events, failed, phases
from scripted_server import Scripted, ScriptedServer

from rag.answering import confidence
from rag.answering.evidence import Reading
from rag.answering.pipeline import AnsweringOptions, Pipeline, always
from rag.types import Answered, Working

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("literal_judgement")]

QUESTION = "Is the sky blue by day?"
RIGHT = Scripted(("The sky is ", "blue by day."), usage=(60, 6))
ENDLESS = Scripted(("I cannot ", "answer this.", " So"), [-0.1] * 3, then="stall")


async def test_its_slot_is_freed_when_a_draft_is_bound_to_fail(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model("small"), await model("large"))
    scripted_server.script(ENDLESS, RIGHT)
    result = await answer(pipeline, QUESTION, mode="auto")
    draft, final = result.attempts
    assert (draft.text, draft.finish_reason) == ("I cannot answer this.", "stopped")
    assert draft.confidence is not None
    assert draft.confidence.verdict == "escalate"
    assert (result.route, final.finish_reason) == ("llm", "stop")
    assert scripted_server.history[0].disconnected.wait(10)
    assert result.usage["small"].estimated
    assert result.usage["small"].completion_tokens == 5
    assert result.warnings == ()


async def test_doom_is_looked_for_at_sentence_ends_and_now_and_then_when_a_draft_streams(
    scripted_server: ScriptedServer, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def is_doomed(text: str) -> bool:
        seen.append(text)
        return False

    monkeypatch.setattr(confidence, "is_doomed", is_doomed)
    pipeline = Pipeline(await model("small"), await model("large"))
    scripted_server.script(Scripted(["The sky.", *[" blue"] * 20, " day."]))
    await answer(pipeline, QUESTION, mode="auto")
    assert [len(text.split()) for text in seen] == [2, 17, 23]


@pytest.mark.parametrize("mode", ["slm", "refine"])
async def test_a_doomed_draft_goes_on_when_the_mode_shows_it_as_it_is(
    scripted_server: ScriptedServer, model: Make, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(confidence, "is_doomed", lambda text: True)
    pipeline = Pipeline(await model("small"), await model("large"))
    scripted_server.script(RIGHT)
    result = await answer(pipeline, QUESTION, mode=mode)
    assert result.text == "The sky is blue by day [1]."


async def test_a_doomed_draft_goes_on_when_nobody_can_take_over(
    scripted_server: ScriptedServer, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confidence, "is_doomed", lambda text: True)
    pipeline = Pipeline(await model())
    scripted_server.script(RIGHT)
    assert (await answer(pipeline, QUESTION, mode="auto")).text == "The sky is blue by day [1]."


async def test_the_answer_says_so_when_a_stopped_draft_has_to_stand(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model("small"), await model("large"))
    scripted_server.script(ENDLESS, Scripted(status=401))
    result = await answer(pipeline, QUESTION, mode="auto")
    assert (result.text, result.route) == ("I cannot answer this.", "slm")
    assert result.warnings[-1] == (
        "The answer was stopped early, because it could not have been accepted."
    )


async def test_no_task_is_left_when_a_model_breaks_off_while_its_passages_are_prepared(
    scripted_server: ScriptedServer, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, over = Pipeline(await model()), threading.Event()
    monkeypatch.setattr(Reading, "prepare", lambda reading: over.wait(60))
    scripted_server.script(Scripted(("The sky ",), then="disconnect"))
    try:
        failed(await events(pipeline, QUESTION))
        await asyncio.sleep(0)  # for the cancelled one to end
        names = [getattr(task.get_coro(), "__name__", "") for task in asyncio.all_tasks()]
        assert "to_thread" not in names
    finally:
        over.set()


async def test_what_a_broken_model_wrote_is_counted_when_another_answers(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model("small"), await model("large"))
    scripted_server.script(Scripted(("The sky ", "is ![x](y)"), then="disconnect"), RIGHT)
    found = await events(pipeline, QUESTION, mode="auto")
    result = answered(found)
    assert result.usage["small"].estimated
    assert result.attempts[0].text == escalated(found).draft == "The sky is ! [x] (y)"
    assert result.attempts[0].finish_reason == "error"


async def test_a_prompt_is_kept_as_it_was_sent_when_an_answer_is_explained(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=AnsweringOptions(top_k=1))
    result = await answer(pipeline, QUESTION)
    (attempt,) = result.attempts
    assert [{"role": one.role, "content": one.content} for one in attempt.prompt] == (
        scripted_server.history[0].body["messages"]
    )


async def test_a_doomed_draft_goes_on_when_the_other_model_has_to_be_allowed_first(
    scripted_server: ScriptedServer, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confidence, "is_doomed", lambda text: True)
    pipeline = Pipeline(await model("small"), await model("far", reach="cloud"))
    scripted_server.script(RIGHT)
    assert (await answer(pipeline, QUESTION, mode="auto")).text == "The sky is blue by day [1]."


# --- phases ------------------------------------------------------------------------------


async def test_it_waits_and_then_writes_when_its_model_is_ready(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model())
    scripted_server.script(RIGHT)
    found = await events(pipeline, QUESTION)
    assert phases(found) == ["waiting", "writing"]
    assert {event.model for event in found if isinstance(event, Working)} == {"scripted-model"}
    assert answered(found).attempts[0].is_cold is False


async def test_it_says_so_when_its_model_is_still_being_loaded(
    scripted_server: ScriptedServer, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, loaded = await model(), asyncio.Event()
    monkeypatch.setattr(slow, "ready", loaded.wait)
    scripted_server.script(RIGHT)
    told, last = [], None
    async for event in Pipeline(slow).answer(QUESTION, index=LIBRARY, mode="slm"):
        if isinstance(event, Working):
            told.append(event.phase)
            loaded.set()  # only now: before it was told, nothing goes on
        last = event
    assert told == ["loading", "waiting", "writing"]
    assert isinstance(last, Answered)
    assert last.answer.attempts[0].is_cold


async def test_the_reach_of_its_model_is_kept_when_an_answer_is_explained(
    model: Make,
) -> None:
    pipeline = Pipeline(await model(reach="network"), consent=always)
    result = await answer(pipeline, QUESTION)
    assert [attempt.reach for attempt in result.attempts] == ["network"]
