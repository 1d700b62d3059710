"""What a server's own pages and first words tell, and that it is asked only once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import anyio
import pytest
from scripted_server import MODEL, Scripted, ScriptedServer

from rag.errors import ModelError, ModelRefused
from rag.models import connection, probe
from rag.models.chat import Timeouts
from rag.models.endpoint import EndpointModel
from rag.types import Capabilities

pytestmark = pytest.mark.anyio

Connect = Callable[..., EndpointModel]
STORY = Scripted(["Once", " upon"], [-1.5, 0.0], usage=(9, 2))
NO_PAGES: tuple[object, ...] = (None, None, None)


@pytest.fixture
async def connect(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connect]:
    monkeypatch.setattr(connection, "_BACKOFF_S", 0.01)
    scripted_server.fallback = STORY
    made = []

    def connect(name: str = MODEL, **options: object) -> EndpointModel:
        options = {"timeouts": Timeouts(60, 60, 60), "reach": "machine", **options}
        made.append(EndpointModel(name, scripted_server.base_url, **options))
        return made[-1]

    yield connect
    for model in made:
        await model.aclose()


async def found(model: EndpointModel) -> Capabilities:
    await model.ready()
    return model.capabilities


# --- trying it


async def test_nothing_is_known_when_not_probed_yet(connect: Connect) -> None:
    assert connect().capabilities == Capabilities()


async def test_abilities_are_seen_when_a_reply_shows_them(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    assert await found(connect()) == Capabilities(True, True, True, None)
    (received,) = scripted_server.history
    assert received.body["max_tokens"] == 8
    assert received.body["logprobs"] is True


@pytest.mark.parametrize("logprobs", ["absent", "null", [0.0, 0.0]])
async def test_logprobs_are_missing_when_null_or_all_zero(
    scripted_server: ScriptedServer, connect: Connect, logprobs: object
) -> None:
    scripted_server.fallback = Scripted(["Once", " upon"], logprobs)
    model = connect()
    assert (await found(model)).logprobs is False
    [_ async for _ in model.stream(probe.QUESTION, probe.OPTIONS)]
    assert "logprobs" not in scripted_server.history[-1].body


async def test_logprobs_are_not_known_when_the_sample_was_all_thinking(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["<think>", "Hm"], [-1, -1], finish_reason="length"))
    model = connect()
    assert await found(model) == Capabilities(True, True, None, None, reasons=True)
    [_ async for _ in model.stream(probe.QUESTION, probe.OPTIONS)]
    assert scripted_server.history[-1].body["logprobs"] is True
    assert model.capabilities.logprobs is True


async def test_usage_is_missing_when_not_reported(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.fallback = Scripted(usage=None)
    assert (await found(connect())).reports_usage is False


async def test_streaming_is_missing_when_the_answer_comes_whole(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    body = '{"choices": [{"message": {"content": "All."}, "finish_reason": "stop"}]}'
    scripted_server.fallback = Scripted(body=body, content_type="application/json")
    assert (await found(connect())).streams is False


async def test_server_is_asked_once_when_several_chats_begin(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    model = connect()
    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(model.ready)
    assert len(scripted_server.history) == 1


async def test_probe_is_tried_again_when_it_failed(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(status=404))
    model = connect()
    with pytest.raises(ModelError):
        await model.ready()
    assert await found(model) == Capabilities(True, True, True, None)


async def test_extras_are_left_out_when_the_server_refuses_without_saying_what(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    extras = {"logprobs", "seed", "stream_options"}

    def strict(body: dict[str, object]) -> Scripted:
        return Scripted(status=422) if extras & body.keys() else STORY

    scripted_server.fallback = strict
    model = connect()
    assert await found(model) == Capabilities(True, False, False, None)
    [_ async for _ in model.stream(probe.QUESTION, probe.OPTIONS)]
    assert len(scripted_server.history) == 3


async def test_refusal_is_told_when_asking_plainly_does_not_help(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.fallback = Scripted(status=400)
    with pytest.raises(ModelRefused):
        await connect().ready()


# --- what it says of itself


async def test_nothing_is_generated_when_the_server_tells_its_abilities(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    told = {"streams": True, "reports_usage": True, "logprobs": False}
    scripted_server.models[0] |= {"context_length": 8192, "capabilities": told}
    assert await found(connect()) == Capabilities(True, True, False, 8192)
    assert scripted_server.requests == ["GET /v1/models"]


async def test_server_is_tried_when_its_capabilities_are_another_kind(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.models[0]["capabilities"] = ["completion"]  # llama-server's
    assert (await found(connect())).logprobs is True


async def test_chat_works_when_the_server_lists_no_models(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.models = "none of your business"  # type: ignore[assignment]
    assert (await found(connect())).streams is True


async def test_first_model_is_taken_when_none_is_named(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.models = [{"id": "b"}, {"id": "a"}]
    model = connect("")
    await model.ready()
    assert model.name == "b"
    assert scripted_server.history[0].body["model"] == "b"


async def test_a_name_is_asked_for_when_the_server_has_no_list(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.models = []
    with pytest.raises(ModelError, match="#"):
        await connect("").ready()


@pytest.mark.parametrize(
    ("wanted", "listed", "name"),
    [
        ("", [], ""),
        ("", ["x"], "x"),
        ("x", [], "x"),
        ("x", ["y"], "x"),
        ("x", ["X", "x"], "x"),
        ("Llama3.2", ["llama3.2:latest"], "llama3.2:latest"),
        ("llama3.2", ["llama3.2:3b"], "llama3.2"),
        ("phi-4-mini", ["Phi-4-mini-instruct-generic-cpu:5"], "Phi-4-mini-instruct-generic-cpu:5"),
        ("phi-4-mini", ["Phi-4-mini-instruct-cuda-gpu"], "Phi-4-mini-instruct-cuda-gpu"),
        ("phi-4-mini", ["Phi-4-mini-reasoning-generic-cpu:3"], "phi-4-mini"),
        ("gpt-oss-20b", ["phi-4", "gpt-oss-20b-cuda-gpu:1"], "gpt-oss-20b-cuda-gpu:1"),
        ("qwen2.5", ["qwen2x5"], "qwen2.5"),
    ],
)
def test_name_is_the_servers_own_spelling_when_it_lists_one(
    wanted: str, listed: list[str], name: str
) -> None:
    assert probe.listed_name(wanted, listed) == name


# --- how much it takes


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"context_length": 8192}, 8192),
        ({"max_model_len": 4096}, 4096),
        ({"meta": {"n_ctx": 2048, "n_ctx_train": 131072}}, 2048),
        ({"meta": {"n_ctx_train": 131072}}, None),
        ({"meta": None, "context_length": "much"}, None),
        ({"context_length": 0}, None),
        ({}, None),
    ],
)
def test_context_is_what_the_models_entry_says_when_it_says_so(
    entry: dict[str, object], expected: int | None
) -> None:
    assert probe.context_tokens(MODEL, entry, NO_PAGES) == expected


@pytest.mark.parametrize(
    ("path", "page", "expected"),
    [
        ("/props", {"default_generation_settings": {"n_ctx": 4096}}, 4096),
        ("/props", {"default_generation_settings": None}, None),
        ("/api/ps", {"models": [{"name": MODEL, "context_length": 4096}]}, 4096),
        ("/api/ps", {"models": [{"name": "another", "context_length": 4096}]}, None),
        ("/api/ps", ["odd"], None),
        ("/api/v0/models", {"data": [{"id": MODEL, "loaded_context_length": 4096}]}, 4096),
        ("/api/v0/models", {"data": [{"id": MODEL, "max_context_length": 32768}]}, None),
    ],
)
async def test_context_is_looked_up_when_the_server_has_a_page_for_it(
    scripted_server: ScriptedServer,
    connect: Connect,
    path: str,
    page: object,
    expected: int | None,
) -> None:
    scripted_server.pages[path] = page
    assert (await found(connect())).context_tokens == expected
    # After the reply: Ollama tells the figure of loaded models only.
    assert scripted_server.requests.index(f"GET {path}") > scripted_server.requests.index(
        "POST /v1/chat/completions"
    )


@pytest.mark.parametrize(
    ("expires_at", "is_cold"),
    [
        ("2026-01-01T00:00:00.123456789+02:00", True),
        ("2318-04-11T00:00:00Z", False),
        ("soon", False),
        (None, False),
    ],
)
async def test_model_is_cold_when_the_server_has_unloaded_it_since(
    scripted_server: ScriptedServer, connect: Connect, expires_at: str | None, is_cold: bool
) -> None:
    scripted_server.pages["/api/ps"] = {"models": [{"name": MODEL, "expires_at": expires_at}]}
    model = connect()
    await model.ready()
    assert model.is_cold is is_cold


async def test_caller_knows_better_when_it_gives_a_context(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.models[0]["context_length"] = 8192
    model = connect(context_tokens=2000)
    assert model.capabilities.context_tokens == 2000
    assert (await found(model)).context_tokens == 2000
