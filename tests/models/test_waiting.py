"""How long EndpointModel waits, when it asks again, and when it no longer does: over real HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import pytest
from anyio.to_thread import run_sync
from asking import LONG, OPTIONS, QUESTION, SHORT, Connect, ask, failure
from scripted_server import Scripted, ScriptedServer

from rag.errors import (
    ModelBusy,
    ModelTimeout,
    ModelUnavailable,
    ModelUnreachable,
)
from rag.models import connection
from rag.models.breaker import Breaker
from rag.models.chat import Timeouts
from rag.models.endpoint import EndpointModel
from rag.types import Delta

pytestmark = pytest.mark.anyio

# --- leaving, and waiting


async def test_connection_closes_when_the_iterator_is_closed(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["a", "b"], then="stall"))
    async with aclosing(connect().stream(QUESTION, OPTIONS)) as events:
        assert await anext(events) == Delta("a")
    assert await run_sync(scripted_server.history[0].disconnected.wait, 20)


async def test_connection_closes_when_the_task_is_cancelled(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["a"], then="stall"))
    model, begun = connect(), anyio.Event()

    async def turn() -> None:
        async with aclosing(model.stream(QUESTION, OPTIONS)) as events:
            async for _ in events:
                begun.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(turn)
        await begun.wait()
        tasks.cancel_scope.cancel()
    assert await run_sync(scripted_server.history[0].disconnected.wait, 20)


async def test_connection_closes_when_cancelled_before_the_headers(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(headers_after_s=600))
    model = connect()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, model)
        received = await run_sync(scripted_server.arrivals.get)
        tasks.cancel_scope.cancel()
    assert await run_sync(received.disconnected.wait, 20)


@pytest.mark.parametrize(
    "reply", [Scripted(headers_after_s=600), Scripted([], then="stall", keep_alives=9)]
)
async def test_first_token_is_waited_for_so_long_when_none_comes(
    scripted_server: ScriptedServer, connect: Connect, reply: Scripted
) -> None:
    scripted_server.script(reply)
    error = await failure(connect(timeouts=SHORT))
    assert isinstance(error, ModelTimeout)
    assert "did not begin to answer within 0.2 seconds" in str(error)
    assert await run_sync(scripted_server.history[0].disconnected.wait, 20)
    assert len(scripted_server.history) == 1


async def test_silence_is_told_from_a_slow_start_when_a_stream_stalls(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["a"], then="stall"))
    error = await failure(connect(timeouts=Timeouts(5, 60, 0.2)))
    assert isinstance(error, ModelTimeout)
    assert "wrote nothing more for 0.2 seconds" in str(error)
    assert await run_sync(scripted_server.history[0].disconnected.wait, 20)


@pytest.mark.parametrize(
    ("begun", "said"), [([], "did not begin to answer"), (["a"], "wrote nothing more")]
)
async def test_comments_and_empty_chunks_are_no_sign_of_life(
    scripted_server: ScriptedServer, connect: Connect, begun: list[str], said: str
) -> None:
    nothing = [""] * 3000
    delays_s = [0.0] * len(begun) + [0.02] * len(nothing)
    scripted_server.script(Scripted([*begun, *nothing], delay_s=delays_s, keep_alives=1))
    assert said in str(await failure(connect(timeouts=Timeouts(60, 1, 0.3))))


async def test_thinking_is_a_sign_of_life_when_it_takes_longer_than_a_stall(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    thoughts = ["<think>", *["Hm"] * 20, "</think>", "Yes"]
    scripted_server.script(Scripted(thoughts, delay_s=0.1))
    assert (await ask(connect(timeouts=Timeouts(60, 60, 1))))[-1].text == "Yes"


async def test_reasoning_is_a_beginning_when_the_first_token_is_waited_for(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted([], reasoning=["Hm"], then="stall"))
    error = await failure(connect(timeouts=Timeouts(5, 60, 0.2)))
    assert "wrote nothing more" in str(error)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue is refused")
async def test_connect_timeout_is_its_own_sentence_when_nobody_accepts(
    scripted_server: ScriptedServer,
) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for caller in waiting:  # fill the queue of a server that never accepts
            caller.setblocking(False)
            caller.connect_ex(address)
        url = f"http://127.0.0.1:{address[1]}/v1"
        model = EndpointModel("m", url, timeouts=Timeouts(connect_s=0.2), reach="machine")
        error = await failure(model)
        for caller in waiting:
            caller.close()
    assert isinstance(error, ModelTimeout)
    assert "did not accept a connection in time" in str(error)


async def test_model_is_unavailable_when_nothing_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        error = await failure(EndpointModel("m", url, reach="machine"))
    assert type(error) is ModelUnreachable
    assert str(error) == (f"Nothing answers at {url}. Start the server, or choose another model.")


async def test_model_is_unavailable_when_its_certificates_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at.all")
    error = await failure(EndpointModel("m", "https://127.0.0.1:9/v1"))
    assert type(error) is ModelUnreachable


# --- trying again


@pytest.mark.parametrize(
    "passing",
    [
        Scripted(status=429),
        Scripted(status=429, headers={"retry-after": "0"}),
        Scripted(status=500),
        Scripted(status=503),
        Scripted([], then="disconnect"),
    ],
)
async def test_request_is_repeated_when_nothing_was_shown_yet(
    scripted_server: ScriptedServer, connect: Connect, passing: Scripted
) -> None:
    scripted_server.script(passing, passing, Scripted(["a"]))
    assert (await ask(connect()))[-1].text == "a"
    assert len(scripted_server.history) == 3


async def test_request_is_repeated_when_the_connection_is_dropped_before_the_first_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "_BACKOFF_S", 0.01)
    abilities = {"streams": True, "reports_usage": True, "logprobs": True}
    pages = [
        {"data": [{"id": "m", "capabilities": abilities}]},
        None,
        {"choices": [{"message": {"content": "Back"}, "finish_reason": "stop"}]},
    ]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if page := pages.pop(0):
            body = json.dumps(page)
            head = f"content-type: application/json\r\ncontent-length: {len(body)}"
            writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    model = EndpointModel("m", url, timeouts=LONG, reach="machine")
    assert (await ask(model))[-1].text == "Back"
    await model.aclose()
    server.close()
    assert pages == []


async def test_request_is_given_up_when_two_repeats_failed(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.fallback = Scripted(status=503, error={"message": "server busy"})
    assert type(await failure(connect())) is ModelBusy
    assert len(scripted_server.history) == 3


async def test_request_is_not_repeated_when_the_server_asks_for_a_long_wait(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(status=429, headers={"retry-after": "40"}))
    error = await failure(connect())
    assert type(error) is ModelBusy
    assert str(error).endswith("Ask again in 40 seconds.")
    assert len(scripted_server.history) == 1


async def test_request_is_not_repeated_when_part_of_the_answer_was_shown(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["Half"], then="disconnect"))
    events = connect().stream(QUESTION, OPTIONS)
    assert await anext(events) == Delta("Half")
    with pytest.raises(ModelUnavailable, match="broke before the answer was complete"):
        await anext(events)
    assert len(scripted_server.history) == 1


@pytest.mark.parametrize("when", ["date", "600", "1e9"])
async def test_request_is_not_repeated_when_it_is_to_wait_for_long(
    scripted_server: ScriptedServer, connect: Connect, when: str
) -> None:
    in_ten_minutes = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    after = in_ten_minutes if when == "date" else when
    scripted_server.script(Scripted(status=503, headers={"retry-after": after}))
    await failure(connect())
    assert len(scripted_server.history) == 1


@pytest.mark.parametrize(
    "when", ["Wed, 21 Oct 2015 07:28:00 GMT", "-5", "0", "soon", "nan", "inf", ""]
)
async def test_request_is_repeated_when_there_is_nothing_to_wait_for(
    scripted_server: ScriptedServer, connect: Connect, when: str
) -> None:
    scripted_server.script(Scripted(status=429, headers={"retry-after": when}), Scripted(["a"]))
    assert (await ask(connect()))[-1].text == "a"


# --- leaving a dead server alone


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


async def test_dead_server_costs_one_wait_when_it_is_asked_again(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    clock = Clock()
    model = connect(timeouts=SHORT, breaker=Breaker(clock))
    scripted_server.fallback = Scripted(headers_after_s=600)
    assert type(await failure(model)) is ModelTimeout
    clock.now_s += 3
    error = await failure(model)
    assert type(error) is ModelUnreachable
    assert str(error) == (
        f"{scripted_server.base_url} has not answered for 3 seconds, so it was not asked. It is "
        "tried again in 7 seconds. Start the server meanwhile, or choose another model."
    )
    assert len(scripted_server.history) == 1
    clock.now_s += 7
    scripted_server.fallback = Scripted(["Back"])
    assert (await ask(model))[-1].text == "Back"
    assert (await ask(model))[-1].text == "Back"


async def test_dead_server_is_asked_when_a_person_wants_it(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    model = connect(timeouts=SHORT, breaker=Breaker(Clock()))
    scripted_server.script(Scripted(headers_after_s=600), Scripted(["Back"]))
    await failure(model)
    model.retry_now()
    assert (await ask(model))[-1].text == "Back"


async def test_others_do_not_wait_when_a_dead_server_is_on_trial(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    clock = Clock()
    model = connect(timeouts=Timeouts(60, 60, 0.2), breaker=Breaker(clock))
    scripted_server.script(Scripted(["a"], then="stall"), Scripted(headers_after_s=600))
    await failure(model)
    clock.now_s += 10
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, model)
        for _ in range(2):
            await run_sync(scripted_server.arrivals.get)
        assert "It is being tried again now." in str(await failure(model))
        tasks.cancel_scope.cancel()
    scripted_server.fallback = Scripted(["Back"])
    assert (await ask(model))[-1].text == "Back"  # the one that left decided nothing


async def test_models_of_a_dead_server_are_left_alone_together(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    breaker = Breaker(Clock())
    scripted_server.script(Scripted(headers_after_s=600))
    await failure(connect(timeouts=SHORT, breaker=breaker))
    error = await failure(connect("another", breaker=breaker))
    assert "so it was not asked" in str(error)


async def test_absent_server_is_not_looked_for_again_when_it_was_just_absent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        model = EndpointModel("m", url, reach="machine")
        assert "Nothing answers" in str(await failure(model))
        assert "so it was not asked" in str(await failure(model))


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_server_that_refuses_is_asked_again(
    scripted_server: ScriptedServer, connect: Connect, status: int
) -> None:
    model = connect()
    scripted_server.script(*[Scripted(status=status, headers={"retry-after": "60"})] * 2)
    await failure(model)
    await failure(model)
    assert len(scripted_server.history) == 2


async def test_server_counts_as_dead_when_it_is_left_after_long_silence(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(headers_after_s=600))
    model = connect(timeouts=Timeouts(60, 2, 60))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):  # such as the limit of an escalation
            await ask(model)
    assert "so it was not asked" in str(await failure(model))


async def test_server_does_not_count_as_dead_when_it_is_soon_left(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(headers_after_s=600), Scripted(["a"]))
    model = connect()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, model)
        await run_sync(scripted_server.arrivals.get)
        tasks.cancel_scope.cancel()
    assert (await ask(model))[-1].text == "a"
