"""What both real servers do with our code: found, probed, answering, left and lost.

They answer with a very small model, so what it says is never looked at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest
from answering.passages import chunk
from answering.turns import answered, events, failed
from servers.engines import MODEL, Engine

from rag.answering.pipeline import Pipeline
from rag.errors import ModelUnavailable
from rag.models.chat import Timeouts
from rag.models.discovery import Candidate, find
from rag.models.endpoint import EndpointModel
from rag.retrieval.memory import MemoryIndex
from rag.types import Delta, GenerationOptions, Message

pytestmark = [pytest.mark.anyio, pytest.mark.model]

Start = Callable[..., Engine]

KINDS = {"ollama": "Ollama", "llama.cpp": "llama-server"}
CONTEXT_TOKENS = 1024
PATIENT = Timeouts(connect_s=5, first_token_s=120, stall_s=60)
STORY = (Message("user", "Tell me a long story about a lighthouse and the sea."),)
BEACON = chunk("The beacon of Orvane burns tallow. It was lit in 1204.", document="orvane.md")
QUESTION = "What does the beacon of Orvane burn?"


def model_of(engine: Engine, name: str = MODEL, timeouts: Timeouts = PATIENT) -> EndpointModel:
    return EndpointModel(name, engine.base_url, timeouts=timeouts, reach="machine")


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, start_engine: Start) -> Engine:
    return start_engine(request.param, CONTEXT_TOKENS)


@pytest.fixture
async def model(engine: Engine) -> AsyncIterator[EndpointModel]:
    async with aclosing(model_of(engine)) as model:
        yield model


@pytest.fixture(params=KINDS)
def mortal(request: pytest.FixtureRequest, start_engine: Start) -> Engine:
    """One that a test may kill."""
    return start_engine(request.param, CONTEXT_TOKENS)


async def test_it_is_found_with_its_model_and_its_size_when_looked_for(engine: Engine) -> None:
    (server,) = await find([Candidate(engine.base_url)])
    assert (server.kind, server.reach, server.problem) == (KINDS[engine.name], "machine", "")
    (found,) = server.models
    assert found.name.removesuffix(":latest") == MODEL
    assert found.parameters_b == pytest.approx(0.134, abs=0.001)
    assert found.size_bytes == pytest.approx(98e6, rel=0.02)


async def test_abilities_are_seen_when_probed(model: EndpointModel) -> None:
    await model.ready()
    assert model.name.removesuffix(":latest") == MODEL
    found = model.capabilities
    assert (found.streams, found.reports_usage, found.logprobs) == (True, True, True)
    assert found.context_tokens == CONTEXT_TOKENS


async def test_the_only_model_is_taken_when_none_is_named(engine: Engine) -> None:
    async with aclosing(model_of(engine, "")) as model:
        await model.ready()
        assert model.name.removesuffix(":latest") == MODEL


async def test_a_turn_has_the_servers_own_figures_when_answered(model: EndpointModel) -> None:
    found = await events(Pipeline(model), QUESTION, index=MemoryIndex([BEACON]))
    answer = answered(found)
    written = "".join(event.text for event in found if isinstance(event, Delta))
    assert (answer.route, answer.model) == ("slm", model.name)
    assert written
    assert [hit.chunk for hit in answer.context.hits] == [BEACON]
    usage = answer.usage[model.name]
    assert not usage.estimated
    assert usage.prompt_tokens < 150
    assert answer.latency.first_token_ms is not None
    assert not any("cut" in warning for warning in answer.warnings)


async def test_its_place_is_free_when_answers_were_left(model: EndpointModel) -> None:
    """Six answers of a minute each, in one place: the seventh would wait for all of them."""
    endless = GenerationOptions(max_tokens=5_000, temperature=1.0)
    for _ in range(6):
        async with aclosing(model.stream(STORY, endless)) as pieces:
            assert isinstance(await anext(pieces), Delta)
    async with aclosing(model.stream(STORY, GenerationOptions(max_tokens=4))) as pieces:
        assert [piece async for piece in pieces][-1].finish_reason == "length"  # type: ignore[union-attr]


async def test_the_turn_ends_with_what_was_written_when_the_server_dies(mortal: Engine) -> None:
    async with aclosing(model_of(mortal)) as model:
        turn = Pipeline(model).answer(
            "Tell a long story about Orvane.", index=MemoryIndex([BEACON]), mode="slm"
        )
        found = []
        async with aclosing(turn):
            async for event in turn:
                if isinstance(event, Delta) and mortal.process.poll() is None:
                    mortal.kill()
                found.append(event)
        end = failed(found)
        assert end.partial
        assert "broke before the answer was complete" in end.message


async def test_the_sentence_says_what_to_do_when_the_server_is_gone(mortal: Engine) -> None:
    async with aclosing(model_of(mortal)) as model:
        await model.ready()
        mortal.kill()
        with pytest.raises(ModelUnavailable, match="Nothing answers at"):
            async for _ in model.stream(STORY, GenerationOptions(max_tokens=4)):
                pass
    assert (await find([Candidate(mortal.base_url, wanted=False)])) == ()
