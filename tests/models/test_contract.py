"""What every home of a model must do, through the one client: the same cases for each.

The scripted home counts; the others run real weights. What a real server does otherwise is left out
for it, and told where (docs/decisions/0089-real-servers.md).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from itertools import takewhile
from typing import Any

import anyio
import pytest
from scripted_server import MODEL, Scripted, ScriptedServer
from servers.engines import Engine

from rag.errors import ContextTooLong, ModelNotFound, ModelRefused
from rag.models.chat import Timeouts
from rag.models.embedded.convert import converted
from rag.models.embedded.home import EmbeddedHome
from rag.models.embedded.running import RunningServer
from rag.models.endpoint import EndpointModel
from rag.models.weights import WEIGHTS, Progress, fetch
from rag.types import Delta, GenerationOptions, Message, Reply

pytestmark = pytest.mark.anyio

CONTEXT_TOKENS = 2048
SMALLEST = "smollm2-135m"
FOUNDRY = "tiny-llama-onnx"
PATIENT = Timeouts(60, 600, 600)
QUESTION = (Message("user", "Tell me a story about a lighthouse."),)


def counting(body: dict[str, Any]) -> Scripted:
    """A model that repeats the last word and counts, as well behaved as one can be."""
    prompt_tokens = sum(len(message["content"].split()) for message in body["messages"])
    if body["model"] != MODEL:
        return Scripted(status=404)
    if prompt_tokens > CONTEXT_TOKENS:
        return Scripted(status=400, error={"code": "context_length_exceeded"})
    last = body["messages"][-1]["content"].split()[-1]
    words = [f"{last} ", "doi ", "trei ", "patru ", "cinci ", "șase ", "șapte ", "opt ", "nouă"]
    until_stop = list(takewhile(lambda word: word.strip() not in body.get("stop", []), words))
    said = until_stop[: body["max_tokens"]]
    finish_reason = "stop" if said == until_stop else "length"
    return Scripted(
        said,
        [-0.1 * (place + 1) for place in range(len(said))],
        (prompt_tokens, len(said)),
        finish_reason,
        delay_s=0.001,
    )


@pytest.fixture
async def scripted_home(scripted_server: ScriptedServer) -> AsyncIterator[EndpointModel]:
    scripted_server.fallback = counting
    scripted_server.api_key = "right"
    scripted_server.models[0]["context_length"] = CONTEXT_TOKENS
    model = EndpointModel(
        MODEL, scripted_server.base_url, "right", timeouts=PATIENT, reach="machine"
    )
    async with aclosing(model):
        yield model


@pytest.fixture(scope="module")
async def embedded_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningServer]:
    """The smallest real model in a process of its own; its files are kept in pytest's cache."""
    models = request.config.cache.mkdir("models")
    folder = converted(fetch(WEIGHTS[SMALLEST], models, ignore), models, ignore)
    home = EmbeddedHome(tmp_path_factory.mktemp("home"))
    yield await home.start(SMALLEST, folder, CONTEXT_TOKENS)
    home.close()


@pytest.fixture
async def embedded_home(embedded_server: RunningServer) -> AsyncIterator[EndpointModel]:
    base_url, api_key = embedded_server.base_url, embedded_server.api_key
    model = EndpointModel(SMALLEST, base_url, api_key, timeouts=PATIENT, reach="machine")
    async with aclosing(model):
        yield model


def ignore(progress: Progress) -> None:
    pass


@pytest.fixture(scope="module")
def llama_cpp(start_engine: Callable[..., Engine]) -> Engine:
    return start_engine("llama.cpp", CONTEXT_TOKENS, api_key="right")


@pytest.fixture
async def llama_cpp_home(llama_cpp: Engine) -> AsyncIterator[EndpointModel]:
    base_url = llama_cpp.base_url
    model = EndpointModel(SMALLEST, base_url, "right", timeouts=PATIENT, reach="machine")
    async with aclosing(model):
        yield model


@pytest.fixture(scope="module")
def ollama(start_engine: Callable[..., Engine]) -> Engine:
    return start_engine("ollama", CONTEXT_TOKENS)


@pytest.fixture
async def ollama_home(ollama: Engine) -> AsyncIterator[EndpointModel]:
    model = EndpointModel(SMALLEST, ollama.base_url, timeouts=PATIENT, reach="machine")
    async with aclosing(model):
        yield model


@pytest.fixture
async def foundry_home(foundry_server: RunningServer) -> AsyncIterator[EndpointModel]:
    name, base_url, api_key = foundry_server.model, foundry_server.base_url, foundry_server.api_key
    model = EndpointModel(name, base_url, api_key, timeouts=PATIENT, reach="machine")
    async with aclosing(model):
        yield model


REAL = ("embedded_home", "llama_cpp_home", "ollama_home")
HOMES = [
    pytest.param("scripted_home"),
    pytest.param("foundry_home"),
    *(pytest.param(home, marks=pytest.mark.model) for home in REAL),
]


def all_but(home: str) -> pytest.MarkDecorator:
    others = [param for param in HOMES if param.values != (home,)]
    return pytest.mark.parametrize("model", others, indirect=True)


@pytest.fixture(params=HOMES)
def model(request: pytest.FixtureRequest) -> EndpointModel:
    return request.getfixturevalue(request.param)


async def ask(
    model: EndpointModel, *messages: Message, **options: Any
) -> tuple[list[Delta], Reply]:
    wanted = replace(GenerationOptions(max_tokens=24), **options)
    events = [event async for event in model.stream(messages or QUESTION, wanted)]
    reply = events.pop()
    assert isinstance(reply, Reply)
    assert all(isinstance(event, Delta) for event in events)
    return events, reply  # type: ignore[return-value]


async def test_abilities_are_known_when_ready(model: EndpointModel) -> None:
    await model.ready()
    found = model.capabilities
    assert (found.streams, found.reports_usage) == (True, True)
    assert found.logprobs is (model.name != FOUNDRY)
    assert found.context_tokens is not None
    assert found.context_tokens >= CONTEXT_TOKENS


async def test_reply_is_the_sum_of_its_deltas_when_all_goes_well(model: EndpointModel) -> None:
    deltas, reply = await ask(model)
    assert reply.text == "".join(delta.text for delta in deltas)
    assert len(deltas) > 1
    assert reply.model == model.name
    assert reply.prompt_tokens > 0
    assert reply.completion_tokens > 0


@all_but("foundry_home")  # it gives no logprobs
async def test_each_token_has_its_figure_when_the_home_gives_them(model: EndpointModel) -> None:
    deltas, reply = await ask(model)
    assert reply.logprobs == tuple(figure for delta in deltas for figure in delta.logprobs)
    assert len(reply.logprobs) == reply.completion_tokens
    assert all(figure <= 0 for figure in reply.logprobs)


async def test_reply_is_the_same_when_asked_again(model: EndpointModel) -> None:
    assert (await ask(model))[1].text == (await ask(model))[1].text


async def test_reply_is_cut_and_says_so_when_it_reaches_the_limit(model: EndpointModel) -> None:
    _, reply = await ask(model, max_tokens=3)
    assert (reply.finish_reason, reply.completion_tokens) == ("length", 3)


async def test_reply_ends_before_a_stop_when_the_text_reaches_one(model: EndpointModel) -> None:
    whole = (await ask(model))[1].text
    stop = re.findall(r"\w+", whole)[2]
    _, reply = await ask(model, stop=(stop,))
    assert reply.finish_reason == "stop"
    assert reply.text == whole[: whole.index(stop)]


async def test_letters_are_whole_when_the_text_is_not_ascii(model: EndpointModel) -> None:
    sentence = "Șapte țâței îngheață în pădurea de lângă Târgu Mureș."
    deltas, reply = await ask(model, Message("user", f"Repeat exactly: {sentence}"), max_tokens=48)
    assert "\N{REPLACEMENT CHARACTER}" not in reply.text
    assert not any("\N{REPLACEMENT CHARACTER}" in delta.text for delta in deltas)


@all_but("foundry_home")  # its model says nonsense
async def test_chats_are_not_mixed_up_when_eight_ask_at_once(model: EndpointModel) -> None:
    # Not compared with answers given alone: together, a real model's sums round differently.
    words = ["apple", "bridge", "castle", "desert", "engine", "forest", "garden", "harbor"]
    replies = dict.fromkeys(words, "")

    async def turn(word: str) -> None:
        question = Message("user", f"Write one sentence with the word {word}")
        replies[word] = (await ask(model, question))[1].text.lower()

    async with anyio.create_task_group() as tasks:
        for word in words:
            tasks.start_soon(turn, word)
    for word in words:
        assert [told for told in words if told in replies[word]] == [word]


async def test_next_question_is_answered_when_one_was_left(model: EndpointModel) -> None:
    for _ in range(12):  # more than any home has places
        events = model.stream(QUESTION, GenerationOptions(max_tokens=200))
        async with aclosing(events):
            assert isinstance(await anext(events), Delta)
    assert (await ask(model))[1].finish_reason in {"stop", "length"}


@all_but("ollama_home")  # it reads what fits, and answers
async def test_error_is_the_right_one_when_the_prompt_is_too_long(model: EndpointModel) -> None:
    await model.ready()
    words = "word " * 4 * model.capabilities.context_tokens
    with pytest.raises(ContextTooLong):
        await ask(model, Message("user", words))


@all_but("llama_cpp_home")  # it answers with the model it has
async def test_error_is_the_right_one_when_the_name_is_wrong(model: EndpointModel) -> None:
    other = EndpointModel("gpt-9", model._base_url, model._api_key, reach="machine")
    with pytest.raises(ModelNotFound, match=r"has no model gpt-9\. It offers: "):
        await ask(other)
    await other.aclose()


@all_but("ollama_home")  # it knows no keys
async def test_error_is_the_right_one_when_the_key_is_wrong(model: EndpointModel) -> None:
    other = EndpointModel(model.name, model._base_url, "wrong", reach="machine")
    with pytest.raises(ModelRefused, match="wants another key"):
        await ask(other)
    await other.aclose()
