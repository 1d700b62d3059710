"""The queue in front of a model, which is scripted: who waits, who is refused, who goes free."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio
import pytest
from scripted_runtime import until

from rag.errors import ContextTooLong, ModelBusy, ModelError, ModelUnavailable
from rag.models.embedded.generation import Finish, GenerationRequest, Occupancy, Piece, Prompt
from rag.models.foundry.engine import Answering, Job, ThreadedEngine
from rag.types import Message

pytestmark = pytest.mark.anyio


class ScriptedAnswer:
    def __init__(self, model: ScriptedModel, prompt: Prompt, max_tokens: int) -> None:
        self._model = model
        self._prompt = prompt
        self._max_tokens = max_tokens
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    def __iter__(self) -> Iterator[Piece | Finish]:
        for number in range(self._max_tokens):
            while not self._model.may_go_on.wait(0.01):
                if self._cancelled.is_set():
                    return
            if self._model.error:
                raise self._model.error
            yield Piece(f"{number} ", None)
        yield Finish("length", self._prompt.token_count, self._max_tokens)


class ScriptedModel:
    """Reads a word as a token, counts when ``may_go_on`` is set, and raises ``error``."""

    context_tokens = 100

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.error: Exception | None = None
        self.begun = 0

    def prompt(self, messages: tuple[Message, ...]) -> Prompt:
        return Prompt(None, sum(len(message.content.split()) for message in messages))

    def begin(self, prompt: Prompt, request: GenerationRequest, max_tokens: int) -> Answering:
        self.begun += 1
        return ScriptedAnswer(self, prompt, max_tokens)


@asynccontextmanager
async def running(
    model: ScriptedModel, *, max_active: int = 1, max_queued: int = 1
) -> AsyncIterator[ThreadedEngine]:
    engine = ThreadedEngine("m", lambda: model, max_active=max_active, max_queued=max_queued)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine.run)
        await until(lambda: engine.occupancy().state == "ready")
        yield engine
        tasks.cancel_scope.cancel()


def asked(text: str = "a b", max_tokens: int | None = 3) -> GenerationRequest:
    return GenerationRequest((Message("user", text),), max_tokens)


async def pieces(job: Job) -> list[Piece | Finish]:
    return [piece async for piece in job]


async def test_pieces_come_in_order_when_a_place_is_free() -> None:
    model = ScriptedModel()
    model.may_go_on.set()
    async with running(model) as engine:
        assert await pieces(engine.submit(asked())) == [
            Piece("0 ", None),
            Piece("1 ", None),
            Piece("2 ", None),
            Finish("length", 2, 3),
        ]
        await until(lambda: engine.occupancy() == Occupancy("ready", steps=4))


async def test_the_rest_of_the_context_is_the_limit_when_none_is_asked_for() -> None:
    model = ScriptedModel()
    model.may_go_on.set()
    async with running(model) as engine:
        *_, finish = await pieces(engine.submit(asked("word " * 95, None)))
        assert finish == Finish("length", 95, 5)
        with pytest.raises(ContextTooLong, match="maximum context length is 100 tokens"):
            engine.submit(asked("word " * 100))


async def test_others_wait_and_more_are_refused_when_all_places_are_taken() -> None:
    model = ScriptedModel()
    async with running(model) as engine:
        first, second = engine.submit(asked()), engine.submit(asked())
        await until(lambda: engine.occupancy() == Occupancy("ready", active=1, queued=1))
        with pytest.raises(ModelBusy, match="1 requests are waiting for m already"):
            engine.submit(asked())
        model.may_go_on.set()
        assert len(await pieces(first)) == len(await pieces(second)) == 4


async def test_place_is_free_when_its_request_is_forgotten() -> None:
    model = ScriptedModel()
    async with running(model, max_queued=2) as engine:
        first, second, third = (engine.submit(asked()) for _ in range(3))
        await until(lambda: engine.occupancy().active == 1)
        await second.aclose()  # before its turn
        await first.aclose()  # in the middle
        model.may_go_on.set()
        assert len(await pieces(third)) == 4
        assert await pieces(first) == await pieces(second) == []
        await until(lambda: engine.occupancy() == Occupancy("ready", steps=engine._steps))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModelUnavailable("It gave up."), "It gave up."),
        (KeyError("a bug"), "The model failed while it was answering. Its log says why."),
    ],
)
async def test_one_answer_fails_and_the_next_does_not_when_the_model_raises(
    error: Exception, sentence: str
) -> None:
    model = ScriptedModel()
    model.may_go_on.set()
    async with running(model) as engine:
        model.error = error
        with pytest.raises(ModelError) as raised:
            await pieces(engine.submit(asked()))
        assert str(raised.value) == sentence
        model.error = None
        assert len(await pieces(engine.submit(asked()))) == 4


async def test_requests_are_refused_when_the_model_is_still_loading() -> None:
    engine = ThreadedEngine("m", ScriptedModel)
    assert (engine.context_tokens, engine.reports_logprobs) == (0, False)
    with pytest.raises(ModelUnavailable, match="m is still loading"):
        engine.submit(asked())


async def test_the_reason_is_raised_when_the_model_cannot_be_loaded() -> None:
    def load() -> ScriptedModel:
        raise ModelUnavailable("No such file.")

    engine = ThreadedEngine("m", load)
    with pytest.raises(ModelUnavailable, match="No such file"):
        await engine.run()
    assert engine.occupancy().state == "failed"
    with pytest.raises(ModelUnavailable, match="m has failed"):
        engine.submit(asked())


async def test_answers_end_when_the_server_does() -> None:
    model = ScriptedModel()
    async with running(model, max_queued=3) as engine:
        for _ in range(3):
            engine.submit(asked())
        await until(lambda: engine.occupancy().active == 1)
    assert engine.occupancy().active == 0
