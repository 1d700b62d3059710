"""What llama.cpp's server does with a prompt that its context does not hold, and with a key."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from contextlib import aclosing

import anyio
import pytest
from answering.turns import answer
from servers.engines import MODEL, Engine
from servers.test_ollama import LONG, OPTIONS, QUESTION, WORDS

from rag.answering.pipeline import Pipeline
from rag.errors import ContextTooLong, ModelRefused
from rag.models.endpoint import EndpointModel
from rag.retrieval.memory import MemoryIndex
from rag.types import Delta, GenerationOptions, Message

pytestmark = [pytest.mark.anyio, pytest.mark.model]

CONTEXT_TOKENS = 512
KEY = "a-key-of-its-own"


@pytest.fixture(scope="module")
def server(start_engine: Callable[..., Engine]) -> Engine:
    return start_engine("llama.cpp", CONTEXT_TOKENS, api_key=KEY)


def model_of(server: Engine, api_key: str = KEY, **known: int) -> EndpointModel:
    return EndpointModel(MODEL, server.base_url, api_key, reach="machine", **known)  # type: ignore[arg-type]


def is_busy(server: Engine) -> bool:
    url = server.base_url.replace("/v1", "/slots")
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=60) as page:
        (slot,) = json.load(page)
    return bool(slot["is_processing"])


def wait_until_idle(server: Engine) -> None:
    deadline = time.monotonic() + 60  # a hang guard
    while is_busy(server):
        assert time.monotonic() < deadline


async def test_the_prompt_is_sent_again_when_the_server_finds_it_too_long(server: Engine) -> None:
    async with aclosing(model_of(server, context_tokens=4_096)) as model:
        result = await answer(
            Pipeline(model, options=OPTIONS),
            QUESTION,
            index=MemoryIndex(LONG),
        )
    assert result.usage[model.name].prompt_tokens < CONTEXT_TOKENS
    assert any("sent again" in warning for warning in result.warnings)


async def test_the_error_is_the_right_one_when_nothing_can_be_left_out(server: Engine) -> None:
    async with aclosing(model_of(server)) as model:
        with pytest.raises(ContextTooLong):
            async for _ in model.stream((Message("user", WORDS),), GenerationOptions()):
                pass


async def test_the_place_is_seen_to_be_free_when_an_answer_was_left(server: Engine) -> None:
    question = (Message("user", "Tell me a long story about the sea."),)
    async with aclosing(model_of(server)) as model:
        async with aclosing(
            model.stream(question, GenerationOptions(max_tokens=400, temperature=1.0))
        ) as pieces:
            assert isinstance(await anext(pieces), Delta)
        await anyio.to_thread.run_sync(wait_until_idle, server)


async def test_the_error_is_the_right_one_when_the_key_is_wrong(server: Engine) -> None:
    async with aclosing(model_of(server, "wrong")) as model:
        with pytest.raises(ModelRefused, match="wants another key"):
            await model.ready()
