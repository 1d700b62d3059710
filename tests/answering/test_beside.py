from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from answering.turns import LIBRARY, Make
from scripted_server import Scripted, ScriptedServer

from rag.answering.beside import beside
from rag.answering.pipeline import Pipeline
from rag.types import Answered, AnswerEvent, Delta, Mode

pytestmark = pytest.mark.anyio

BOTH: tuple[Mode, ...] = ("slm", "llm")


async def turn(
    *texts: str, closed: list[str] | None = None, gate: asyncio.Event | None = None
) -> AsyncGenerator[AnswerEvent]:
    try:
        for text in texts:
            yield Delta(text)
            if gate:
                await gate.wait()
            await asyncio.sleep(0)
    finally:
        if closed is not None:
            closed.append(texts[0])


def said(told: tuple[str, AnswerEvent]) -> str:
    name, event = told
    assert isinstance(event, Delta)
    return f"{name}:{event.text}"


async def test_events_alternate_when_both_turns_run_at_once() -> None:
    told = [said(one) async for one in beside({"a": turn("1", "2"), "b": turn("3", "4")},
                                              at_once=True)]  # fmt: skip
    assert sorted(told) == ["a:1", "a:2", "b:3", "b:4"]
    assert set(told[:2]) == {"a:1", "b:3"}


async def test_one_turn_waits_for_the_other_when_they_do_not_run_at_once() -> None:
    sides = {"a": turn("1", "2"), "b": turn("3")}
    assert [said(one) async for one in beside(sides, at_once=False)] == ["a:1", "a:2", "b:3"]


async def test_nothing_is_told_when_there_are_no_turns() -> None:
    assert [one async for one in beside({}, at_once=True)] == []


@pytest.mark.parametrize("at_once", [True, False])
async def test_every_turn_is_closed_when_nobody_listens_any_more(at_once: bool) -> None:
    closed: list[str] = []
    gate = asyncio.Event()
    sides = {"a": turn("1", "2", closed=closed, gate=gate), "b": turn("3", closed=closed)}
    async with aclosing(beside(sides, at_once=at_once)) as events:
        await anext(events)
    assert "1" in closed
    for events_of_one in sides.values():
        with pytest.raises(StopAsyncIteration):
            await anext(events_of_one)


async def test_the_other_turn_ends_first_when_one_breaks() -> None:
    async def broken() -> AsyncGenerator[AnswerEvent]:
        yield Delta("x")
        raise RuntimeError("a fault")

    told: list[str] = []

    async def listen() -> None:
        async for one in beside({"a": broken(), "b": turn("1", "2", "3")}, at_once=True):
            told.append(said(one))

    with pytest.raises(RuntimeError, match="a fault"):
        await listen()
    assert sorted(told) == ["a:x", "b:1", "b:2", "b:3"]


async def test_both_tiers_answer_when_a_turn_is_compared(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model("small"), await model("large"))
    question = "How deep is the sea?"
    sides = {mode: pipeline.answer(question, index=LIBRARY, mode=mode) for mode in BOTH}
    told = [one async for one in beside(sides, at_once=True)]
    answers = {name: event.answer for name, event in told if isinstance(event, Answered)}
    assert {name: one.model for name, one in answers.items()} == {"slm": "small", "llm": "large"}
    assert answers["slm"].trace_id != answers["llm"].trace_id
    assert {one.body["model"] for one in scripted_server.history} == {"small", "large"}


async def test_both_requests_are_given_up_when_nobody_listens_any_more(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model("small"), await model("large"))
    scripted_server.fallback = Scripted(("Its mean ", "depth is "), then="stall")
    question = "How deep is the sea?"
    sides = {mode: pipeline.answer(question, index=LIBRARY, mode=mode) for mode in BOTH}
    async with aclosing(beside(sides, at_once=True)) as events:
        begun = set()
        async for name, event in events:
            if isinstance(event, Delta):
                begun.add(name)
            if len(begun) == len(sides):
                break
    for received in scripted_server.history:
        assert await asyncio.to_thread(received.disconnected.wait, 5)
