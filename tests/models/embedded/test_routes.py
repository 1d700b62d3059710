"""The HTTP app over the real engine and a scripted runtime, asked by the official client."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import openai
import pytest
import uvicorn
from scripted_runtime import LOGPROB, ScriptedRuntime, until

from rag.errors import ModelUnavailable
from rag.models.embedded.engine import BatchingEngine
from rag.models.embedded.routes import create_app

pytestmark = pytest.mark.anyio

KEY = "right"
ENDLESS = 10**6


@dataclass
class Served:
    engine: BatchingEngine
    runtime: ScriptedRuntime
    url: str
    http: httpx.AsyncClient
    client: openai.AsyncOpenAI

    async def ask(self, text: str = "a b", **options: Any) -> Any:
        messages = [{"role": "user", "content": text}]
        return await self.client.chat.completions.create(
            model="scripted", messages=messages, **options
        )

    async def post(self, **body: Any) -> httpx.Response:
        body = {"model": "scripted", "messages": [{"role": "user", "content": "a b"}]} | body
        return await self.http.post("/v1/chat/completions", json=body)

    async def idle(self) -> None:
        await until(lambda: not (self.engine.occupancy().active or self.engine.occupancy().queued))


@asynccontextmanager
async def served(
    runtime: ScriptedRuntime, *, key: str = KEY, keep_alive_s: float = 60, **options: Any
) -> AsyncIterator[Served]:
    engine = BatchingEngine("scripted", ENDLESS, lambda: runtime, **options)
    app = create_app(engine, key, keep_alive_s=keep_alive_s)
    config = uvicorn.Config(app, lifespan="off", log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run)
            tasks.start_soon(until_stopped, server, listener, tasks.cancel_scope)
            await until(lambda: engine.occupancy().state != "loading")
            client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key or "none", max_retries=0)
            http = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"})
            try:
                async with client, http:
                    yield Served(engine, runtime, url, http, client)
            finally:
                server.should_exit = True


async def until_stopped(
    server: uvicorn.Server, listener: socket.socket, scope: anyio.CancelScope
) -> None:
    await server.serve([listener])
    scope.cancel()


@pytest.fixture
async def scripted() -> AsyncIterator[Served]:
    async with served(ScriptedRuntime()) as it:
        yield it


async def test_answer_is_whole_when_not_streamed(scripted: Served) -> None:
    answer = await scripted.ask("unu doi")
    assert answer.model == "scripted"
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content == "unudoi"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].logprobs is None
    assert answer.usage.model_dump(exclude_none=True) == {
        "prompt_tokens": 2,
        "completion_tokens": 2,
        "total_tokens": 4,
    }


async def test_chunks_hold_one_token_each_when_streamed(scripted: Served) -> None:
    chunks = [chunk async for chunk in await scripted.ask("unu doi", stream=True)]
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "unu", "doi", None]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, None, "stop"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.usage for chunk in chunks} == {None}


async def test_usage_is_the_last_chunk_when_asked_for(scripted: Served) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    *_, last = [chunk async for chunk in await scripted.ask("a b c", **options)]
    assert last.choices == []
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (3, 3)


@pytest.mark.parametrize("stream", [True, False])
async def test_logprobs_are_one_a_token_when_asked_for(stream: bool) -> None:
    data = "ș".encode()
    async with served(ScriptedRuntime(reply=lambda text: [data[:1], data[1:]])) as it:
        answer = await it.ask(logprobs=True, stream=stream)
        chunks = [chunk async for chunk in answer] if stream else [answer]
        told = [choice.logprobs for chunk in chunks for choice in chunk.choices]
        tokens = [token for logprobs in told if logprobs for token in logprobs.content]
    assert [(token.logprob, token.bytes) for token in tokens] == [
        (LOGPROB, [data[0]]),
        (LOGPROB, [data[1]]),
    ]
    assert [token.token for token in tokens] == ["\N{REPLACEMENT CHARACTER}"] * 2


async def test_no_chunk_is_empty_when_a_character_is_not_complete() -> None:
    data = "😀".encode()
    async with served(ScriptedRuntime(reply=lambda t: [data[:1], data[1:3], data[3:]])) as it:
        chunks = [chunk async for chunk in await it.ask(stream=True)]
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "😀", None]


async def test_options_reach_the_model_when_given(scripted: Served) -> None:
    await scripted.ask(temperature=0.5, top_p=0.9, seed=7, max_tokens=9, stop=["x", "y"])
    await scripted.ask(max_completion_tokens=8, stop="z")
    (first, first_max), (second, second_max) = scripted.runtime.requests
    assert (first.temperature, first.top_p, first.seed, first.stop) == (0.5, 0.9, 7, ("x", "y"))
    assert (second.temperature, second.top_p, second.seed, second.stop) == (1.0, 1.0, None, ("z",))
    assert (first_max, second_max) == (9, 8)


async def test_text_parts_are_joined_when_a_message_has_several(scripted: Served) -> None:
    parts = [{"type": "text", "text": "a "}, {"type": "text", "text": "b"}]
    answer = await scripted.post(messages=[{"role": "developer", "content": parts}])
    assert answer.json()["choices"][0]["message"]["content"] == "ab"
    assert scripted.runtime.requests[0][0].messages[0].role == "system"


async def test_model_and_its_context_are_listed_when_asked(scripted: Served) -> None:
    [model] = (await scripted.client.models.list()).data
    assert (model.id, model.object) == ("scripted", "model")
    told = model.model_dump()
    assert told["context_length"] == ENDLESS
    assert told["capabilities"] == {"streams": True, "reports_usage": True, "logprobs": True}


async def test_health_tells_of_the_queue_when_asked() -> None:
    runtime = ScriptedRuntime(reply=lambda text: [b"x"] * ENDLESS, cache_used=0.5)
    async with served(runtime, max_active=1) as it:
        streams = [await it.ask(stream=True) for _ in range(3)]
        await until(lambda: runtime.steps > 0)
        told = (await it.http.get("/health")).json()
        for stream in streams:
            await stream.close()
    assert told.pop("steps") > 0
    assert told == {
        "model": "scripted",
        "state": "ready",
        "active": 1,
        "queued": 2,
        "cache_used": 0.5,
    }


@pytest.mark.parametrize("stream", [True, False])
async def test_place_is_freed_when_the_client_goes_away(stream: bool) -> None:
    runtime = ScriptedRuntime(reply=lambda text: [b"x"] * ENDLESS)
    async with served(runtime) as it:
        with anyio.move_on_after(30) as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: read_forever(it, stream))
                await until(lambda: runtime.steps >= 3)
                tasks.cancel_scope.cancel()
            await it.idle()
        assert not scope.cancelled_caught
        assert runtime.held == []


async def read_forever(it: Served, stream: bool) -> None:
    async for _ in await it.ask(stream=stream, max_tokens=ENDLESS // 2):
        pass


async def test_waiting_stream_is_kept_alive_when_no_token_comes() -> None:
    runtime = ScriptedRuntime(reply=lambda text: [b"x"] * ENDLESS)
    async with served(runtime, max_active=1, keep_alive_s=0.01) as it:
        first = await it.ask(stream=True, max_tokens=ENDLESS // 2)
        body = {"model": "scripted", "messages": [{"role": "user", "content": "a"}]}
        request = it.http.stream("POST", "/v1/chat/completions", json=body | {"stream": True})
        async with request as waiting:
            lines = waiting.aiter_lines()
            while await anext(lines) != ": waiting":
                pass
        await first.close()
        await it.idle()


# --- errors


async def test_key_is_asked_for_when_missing_or_wrong(scripted: Served) -> None:
    for path in ("/health", "/v1/models", "/nowhere"):
        for given in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):
            answer = await scripted.http.get(path, headers=given)
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "invalid_api_key"


async def test_no_key_is_asked_for_when_none_is_set() -> None:
    async with served(ScriptedRuntime(), key="") as it:
        assert (await it.http.get("/health", headers={"Authorization": ""})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "", "0.0.0.0"])
async def test_request_is_refused_when_sent_to_another_name(scripted: Served, host: str) -> None:
    answer = await scripted.http.get("/health", headers={"Host": host})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "bad_host"


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8000"])
async def test_request_is_accepted_when_sent_to_a_name_of_ours(scripted: Served, host: str) -> None:
    assert (await scripted.http.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"messages": []}, "messages: List should have at least 1 item"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: "),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"temperature": 3}, "temperature: "),
        ({"top_p": 0}, "top_p: "),
        ({"max_tokens": 0}, "max_tokens: "),
        ({"n": 2}, "n is not supported by this server"),
        ({"tools": [{}]}, "tools is not supported"),
        ({"response_format": {"type": "json_object"}}, "response_format is not supported"),
        ({"top_logprobs": 5}, "top_logprobs is not supported"),
    ],
)
async def test_request_is_refused_by_name_when_a_field_is_wrong(
    scripted: Served, body: dict[str, Any], message: str
) -> None:
    answer = await scripted.post(**body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_request")
    assert message in error["message"]
    assert scripted.runtime.requests == []


async def test_fields_are_accepted_when_they_ask_for_nothing_special(scripted: Served) -> None:
    plain = {"n": 1, "tools": None, "response_format": {"type": "text"}, "user": "someone"}
    assert (await scripted.post(**plain)).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b'"x"', b'{"model": "\\ud800"}', b"\xff"])
async def test_request_is_refused_when_it_is_not_json(scripted: Served, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await scripted.http.post("/v1/chat/completions", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"


async def test_request_is_refused_when_any_page_could_have_sent_it(scripted: Served) -> None:
    body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": "a"}]})
    headers = {"Content-Type": "text/plain"}
    answer = await scripted.http.post("/v1/chat/completions", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "http_415")


async def test_request_is_refused_when_it_is_too_large(scripted: Served) -> None:
    answer = await scripted.post(messages=[{"role": "user", "content": "x" * 4_000_000}])
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "http_413")


async def test_model_is_not_found_when_it_is_another(scripted: Served) -> None:
    with pytest.raises(openai.NotFoundError, match="runs scripted, not gpt-9") as raised:
        await scripted.client.chat.completions.create(
            model="gpt-9", messages=[{"role": "user", "content": "a"}]
        )
    assert raised.value.code == "model_not_found"


async def test_page_is_not_found_when_there_is_none(scripted: Served) -> None:
    assert (await scripted.http.get("/v1/nothing")).json()["error"]["code"] == "http_404"
    assert (await scripted.http.get("/v1/chat/completions")).status_code == 405


async def test_prompt_is_too_long_when_it_fills_the_context(scripted: Served) -> None:
    scripted.engine.context_tokens = 4
    with pytest.raises(openai.BadRequestError) as raised:
        await scripted.ask("a b c d", stream=True)
    assert raised.value.code == "context_length_exceeded"


async def test_client_is_told_when_to_come_back_when_the_queue_is_full() -> None:
    runtime = ScriptedRuntime(reply=lambda text: [b"x"] * ENDLESS)
    async with served(runtime, max_active=1, max_queued=1) as it:
        streams = [await it.ask(stream=True, max_tokens=ENDLESS // 2) for _ in range(2)]
        with pytest.raises(openai.RateLimitError) as raised:
            await it.ask()
        assert raised.value.code == "queue_full"
        assert raised.value.response.headers["Retry-After"] == "1"
        for stream in streams:
            await stream.close()
        await it.idle()
        assert (await it.post()).status_code == 200


async def test_server_is_unavailable_when_the_model_is_loading() -> None:
    async with served(ScriptedRuntime()) as it:
        it.engine._state = "loading"
        answer = await it.post()
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert answer.json()["error"]["code"] == "model_unavailable"
        assert (await it.http.get("/health")).json()["state"] == "loading"
        it.engine._state = "ready"


@pytest.mark.parametrize("stream", [True, False])
async def test_client_is_told_when_the_answer_breaks_off(stream: bool) -> None:
    runtime = ScriptedRuntime(reply=lambda text: [b"x"] * ENDLESS)
    async with served(runtime) as it:

        async def breaking() -> None:
            await until(lambda: runtime.steps >= 3)
            runtime.held[0].error = ModelUnavailable("No memory.")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(breaking)
            with pytest.raises(openai.APIError, match="No memory"):
                await read_forever(it, stream)


async def test_no_detail_is_told_when_the_server_has_a_bug() -> None:
    def bug(text: str) -> list[bytes]:
        return []

    async with served(ScriptedRuntime(reply=bug)) as it:
        it.runtime.prompt = None  # type: ignore[assignment]
        answer = await it.post()
    assert answer.status_code == 500
    assert answer.json()["error"] == {
        "message": "The model server failed; its log says why.",
        "type": "server_error",
        "param": None,
        "code": "internal_error",
    }
