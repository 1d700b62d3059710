"""What Ollama does with a prompt that its context does not hold, and what we make of that.

The figures that cuts are told by (docs/decisions/0089-real-servers.md) are asserted here: should a
later Ollama do otherwise, we want to know.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

import pytest
from answering.passages import chunk
from answering.turns import answer
from servers.engines import MODEL, Engine

from rag.answering.pipeline import AnsweringOptions, Pipeline
from rag.models.endpoint import EndpointModel
from rag.retrieval.memory import MemoryIndex
from rag.types import GenerationOptions, Message, Reply

pytestmark = [pytest.mark.anyio, pytest.mark.model]

CONTEXT_TOKENS = 512
WORDS = " ".join(f"word{number}" for number in range(400))  # 1,490 of its tokens
SYSTEM = Message("system", "Answer from the passages.")
OPTIONS = AnsweringOptions(top_k=5, max_tokens=64)
QUESTION = "What does the beacon of Orvane burn?"
LONG = tuple(
    chunk(
        f"The beacon of Orvane burns tallow, says keeper {keeper}. " + "It shines far. " * 30,
        document=f"keeper-{keeper}.md",
    )
    for keeper in range(5)
)


@pytest.fixture(scope="module")
def ollama(start_engine: Callable[..., Engine]) -> Engine:
    return start_engine("ollama", CONTEXT_TOKENS)


def model_of(ollama: Engine, **known: int) -> EndpointModel:
    return EndpointModel(MODEL, ollama.base_url, reach="machine", **known)  # type: ignore[arg-type]


async def reply(ollama: Engine, *messages: Message, max_tokens: int = 2) -> Reply:
    async with aclosing(model_of(ollama)) as model:
        options = GenerationOptions(max_tokens=max_tokens)
        async with aclosing(model.stream(messages, options)) as events:
            (last,) = [event async for event in events if isinstance(event, Reply)]
    return last


async def test_a_context_full_to_the_token_is_counted_when_the_last_message_was_cut(
    ollama: Engine,
) -> None:
    for _ in range(2):  # from its cache, too
        said = await reply(ollama, SYSTEM, Message("user", WORDS))
        assert (said.prompt_tokens, said.finish_reason) == (CONTEXT_TOKENS, "length")


async def test_whole_messages_are_left_out_when_earlier_turns_do_not_fit(ollama: Engine) -> None:
    turns = [
        Message("user", WORDS[:1200]),
        Message("assistant", WORDS[:300]),
        Message("user", "What is the first word?"),
    ]
    without_passages = await reply(ollama, SYSTEM, *turns[1:])
    assert (await reply(ollama, SYSTEM, *turns)).prompt_tokens == without_passages.prompt_tokens


async def test_the_answer_goes_on_beyond_the_context_when_it_is_allowed_to(ollama: Engine) -> None:
    said = await reply(
        ollama, Message("user", f"{WORDS[:1000]}. Repeat all these words."), max_tokens=400
    )
    assert said.prompt_tokens is not None
    assert said.completion_tokens is not None
    assert said.prompt_tokens < CONTEXT_TOKENS < said.prompt_tokens + said.completion_tokens


async def test_passages_are_fitted_when_the_running_context_is_known(ollama: Engine) -> None:
    async with aclosing(model_of(ollama)) as model:
        result = await answer(
            Pipeline(model, options=OPTIONS),
            QUESTION,
            index=MemoryIndex(LONG),
        )
    usage = result.usage[model.name]
    assert usage.prompt_tokens + usage.completion_tokens <= CONTEXT_TOKENS
    assert 0 < len(result.context.hits) < len(LONG)
    assert not any("cut" in warning for warning in result.warnings)


async def test_it_is_noticed_told_once_and_mended_when_the_context_is_smaller_than_was_thought(
    ollama: Engine,
) -> None:
    async with aclosing(model_of(ollama, context_tokens=4_096)) as model:
        pipeline, index = Pipeline(model, options=OPTIONS), MemoryIndex(LONG)
        first = await answer(pipeline, QUESTION, index=index)
        second = await answer(pipeline, QUESTION, index=index)
    assert model.capabilities.context_tokens == CONTEXT_TOKENS
    (warning,) = [warning for warning in first.warnings if "512" in warning]
    assert "sent again with less" in warning
    assert 0 < len(first.context.hits) < len(LONG)
    assert second.context == first.context
    assert not any("512" in warning for warning in second.warnings)
    usage = second.usage[model.name]
    assert usage.prompt_tokens + usage.completion_tokens <= CONTEXT_TOKENS
