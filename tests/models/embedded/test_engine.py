from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from scripted_runtime import LOGPROB, ScriptedRuntime, until

from rag.errors import ContextTooLong, ModelBusy, ModelRefused, ModelUnavailable
from rag.models.embedded.engine import BatchingEngine
from rag.models.embedded.generation import Finish, GenerationRequest, Occupancy, Piece, Token
from rag.types import Message

pytestmark = pytest.mark.anyio

CONTEXT_TOKENS = 100


def request(text: str, **options: Any) -> GenerationRequest:
    return GenerationRequest((Message("user", text),), **options)


@asynccontextmanager
async def running(runtime: ScriptedRuntime, **options: Any) -> AsyncIterator[BatchingEngine]:
    engine = BatchingEngine("scripted", CONTEXT_TOKENS, lambda: runtime, **options)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine.run)
        await until(lambda: engine.occupancy().state != "loading")
        yield engine
        tasks.cancel_scope.cancel()


async def gathered(engine: BatchingEngine, text: str, **options: Any) -> tuple[str, Finish]:
    *pieces, finish = [piece async for piece in engine.submit(request(text, **options))]
    assert isinstance(finish, Finish)
    return "".join(piece.text for piece in pieces), finish


async def idle(engine: BatchingEngine) -> None:
    await until(lambda: not (engine.occupancy().active or engine.occupancy().queued))


async def test_pieces_come_in_order_and_the_finish_last_when_asked() -> None:
    async with running(ScriptedRuntime()) as engine:
        assert [piece async for piece in engine.submit(request("a b"))] == [
            Piece("a", Token(b"a", LOGPROB)),
            Piece("b", Token(b"b", LOGPROB)),
            Finish("stop", prompt_tokens=2, completion_tokens=2),
        ]
        assert engine.occupancy() == Occupancy("ready", active=0, queued=0, steps=3)


async def test_answer_is_empty_when_the_model_ends_at_once() -> None:
    async with running(ScriptedRuntime(reply=lambda text: [])) as engine:
        assert await gathered(engine, "a") == ("", Finish("stop", 1, 0))


async def test_answer_is_cut_when_it_reaches_max_tokens() -> None:
    async with running(ScriptedRuntime()) as engine:
        assert await gathered(engine, "a b c", max_tokens=2) == ("ab", Finish("length", 3, 2))


async def test_character_is_whole_when_two_tokens_share_it() -> None:
    data = "ș".encode()
    async with running(ScriptedRuntime(reply=lambda text: [data[:1], data[1:]])) as engine:
        pieces = [piece async for piece in engine.submit(request("a"))][:-1]
    assert [piece.text for piece in pieces] == ["", "ș"]
    assert [piece.token.data for piece in pieces] == [data[:1], data[1:]]


async def test_held_text_comes_at_last_when_it_was_no_stop() -> None:
    async with running(ScriptedRuntime()) as engine:
        pieces = [piece async for piece in engine.submit(request("a E", stop=("END",)))]
    assert pieces[1:] == [Piece("", Token(b"E", LOGPROB)), Piece("E", None), Finish("stop", 2, 2)]


async def test_answer_ends_and_frees_its_place_when_a_stop_string_comes() -> None:
    runtime = ScriptedRuntime()
    async with running(runtime) as engine:
        assert await gathered(engine, "a b c d", stop=("b",)) == ("a", Finish("stop", 4, 2))
        await idle(engine)
        assert runtime.held == []


async def test_chats_share_each_step_when_several_ask() -> None:
    runtime = ScriptedRuntime()
    async with running(runtime) as engine:
        jobs = [engine.submit(request("a b c d")) for _ in range(8)]
        for job in jobs:
            assert len([piece async for piece in job]) == 5
        assert runtime.most_held == 8
        assert runtime.steps == 5


async def test_request_waits_its_turn_when_all_places_are_taken() -> None:
    runtime = ScriptedRuntime()
    async with running(runtime, max_active=2) as engine:
        jobs = [engine.submit(request(f"{n} x")) for n in range(5)]
        assert engine.occupancy().queued == 5
        await jobs[0].__anext__()
        assert (engine.occupancy().active, engine.occupancy().queued) == (2, 3)
        await idle(engine)
    assert runtime.most_held == 2
    asked = [begun.messages[0].content for begun, _ in runtime.requests]
    assert asked == ["0 x", "1 x", "2 x", "3 x", "4 x"]


async def test_request_waits_when_the_cache_has_no_room_for_it() -> None:
    runtime = ScriptedRuntime()
    async with running(runtime) as engine:
        engine.context_tokens = 20_000  # cache: 20,512
        jobs = [engine.submit(request("x", max_tokens=9_000)) for _ in range(3)]
        await jobs[0].__anext__()
        await idle(engine)
    assert runtime.most_held == 2


async def test_queue_is_full_when_its_limit_is_reached() -> None:
    async with running(ScriptedRuntime(), max_active=1, max_queued=2) as engine:
        for _ in range(2):
            engine.submit(request("a"))
        with pytest.raises(ModelBusy, match="2 requests are waiting for scripted already"):
            engine.submit(request("a"))
        await idle(engine)
        assert await gathered(engine, "a") == ("a", Finish("stop", 1, 1))


async def test_place_is_free_after_one_step_when_a_request_is_cancelled() -> None:
    runtime = ScriptedRuntime(reply=lambda text: [b"x"] * 10**6)
    async with running(runtime) as engine:
        job = engine.submit(request("a", max_tokens=10**6))
        await job.__anext__()
        await job.aclose()
        steps = runtime.steps
        await idle(engine)
        assert runtime.steps == steps + 1
        assert runtime.held == []
        with pytest.raises(StopAsyncIteration):
            await job.__anext__()


async def test_request_is_never_begun_when_cancelled_in_the_queue() -> None:
    runtime = ScriptedRuntime()
    async with running(runtime, max_active=1, max_queued=1) as engine:
        waiting = engine.submit(request("a"))
        await waiting.aclose()
        assert engine.occupancy().queued == 0
        assert await gathered(engine, "b") == ("b", Finish("stop", 1, 1))
    assert len(runtime.requests) == 1


async def test_prompt_is_refused_when_it_fills_the_context() -> None:
    async with running(ScriptedRuntime()) as engine:
        with pytest.raises(ContextTooLong, match="maximum context length is 100 tokens"):
            engine.submit(request("w " * CONTEXT_TOKENS))
        await gathered(engine, "w " * (CONTEXT_TOKENS - 1))


@pytest.mark.parametrize(
    ("wanted", "got"), [(None, 90), (5, 5), (90, 90), (91, 90)], ids=["unset", "few", "all", "more"]
)
async def test_max_tokens_are_cut_to_the_room_when_there_is_less(
    wanted: int | None, got: int
) -> None:
    runtime = ScriptedRuntime()
    async with running(runtime) as engine:
        await gathered(engine, "w " * 10, max_tokens=wanted)
    assert [max_tokens for _, max_tokens in runtime.requests] == [got]


async def test_nothing_is_accepted_when_the_model_is_still_loading() -> None:
    engine = BatchingEngine("scripted", CONTEXT_TOKENS, ScriptedRuntime)
    assert engine.occupancy() == Occupancy("loading")
    with pytest.raises(ModelUnavailable, match="scripted is still loading"):
        engine.submit(request("a"))


async def test_everyone_is_told_and_nothing_more_accepted_when_the_model_fails() -> None:
    runtime = ScriptedRuntime(fails_at_step=2, error=ModelUnavailable("It stopped."))
    engine = BatchingEngine("scripted", CONTEXT_TOKENS, lambda: runtime, max_active=1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(raising, engine)
        await until(lambda: engine.occupancy().state != "loading")
        jobs = [engine.submit(request("a b c")) for _ in range(2)]
        assert isinstance(await jobs[0].__anext__(), Piece)
        for job in jobs:
            with pytest.raises(ModelUnavailable, match="It stopped"):
                await job.__anext__()
        assert engine.occupancy().state == "failed"
        with pytest.raises(ModelUnavailable, match="scripted has failed"):
            engine.submit(request("a"))


async def raising(engine: BatchingEngine) -> None:
    with pytest.raises(ModelUnavailable):
        await engine.run()


async def test_others_go_on_when_one_request_is_refused() -> None:
    runtime = ScriptedRuntime(refuses=ModelRefused("Not this one."))
    async with running(runtime) as engine:
        with pytest.raises(ModelRefused, match="Not this one"):
            await gathered(engine, "a")
        runtime.refuses = None
        assert await gathered(engine, "a") == ("a", Finish("stop", 1, 1))


async def test_others_go_on_when_one_answer_is_dropped() -> None:
    runtime = ScriptedRuntime()
    async with running(runtime) as engine:
        dropped, other = engine.submit(request("a b")), engine.submit(request("c d"))
        await dropped.__anext__()
        runtime.held[0].error = ModelUnavailable("No memory.")
        with pytest.raises(ModelUnavailable, match="No memory"):
            await dropped.__anext__()
        assert [piece.text async for piece in other if isinstance(piece, Piece)] == ["c", "d"]


async def test_other_tasks_run_between_steps_when_the_model_is_busy() -> None:
    runtime = ScriptedRuntime(reply=lambda text: [b"x"] * 50)
    async with running(runtime) as engine:
        job = engine.submit(request("a"))
        seen = []
        async for _ in job:
            seen.append(runtime.steps)
    # Each piece was seen before the next step was made.
    assert seen == list(range(1, 52))
