"""EndpointModel over real HTTP: the scripted server is at the other end, faults included."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import httpx2
import openai
import pytest
from anyio.to_thread import run_sync
from scripted_server import MODEL, Scripted, ScriptedServer

from rag.errors import (
    ContextTooLong,
    ModelBusy,
    ModelError,
    ModelNotFound,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    ModelUnreachable,
)
from rag.models import connection, wire
from rag.models.breaker import Breaker
from rag.models.chat import Timeouts
from rag.models.endpoint import EndpointModel
from rag.types import Delta, GenerationOptions, Message, Reply

pytestmark = pytest.mark.anyio

QUESTION = (Message("system", "Be brief."), Message("user", "Where?"))
OPTIONS = GenerationOptions(max_tokens=64)
SHORT = Timeouts(connect_s=5, first_token_s=0.2, stall_s=0.2)
LONG = Timeouts(connect_s=60, first_token_s=60, stall_s=60)

Connect = Callable[..., EndpointModel]


async def test_the_address_has_no_key_when_it_is_shown() -> None:
    far = EndpointModel("m", "https://secret@models.example:8443/v1", "key")
    assert far.address == "https://models.example:8443"
    assert EndpointModel("m", "http://127.0.0.1:9/v1", reach="machine").address == ""


@pytest.fixture
async def connect(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connect]:
    """Models at a server that tells its abilities, so that no reply is used up by a probe."""
    monkeypatch.setattr(connection, "_BACKOFF_S", 0.01)
    abilities = {"streams": True, "reports_usage": True, "logprobs": True}
    scripted_server.models[0]["capabilities"] = abilities
    made = []

    def connect(name: str = MODEL, **options: object) -> EndpointModel:
        options = {"timeouts": LONG, "reach": "machine", **options}
        made.append(EndpointModel(name, scripted_server.base_url, **options))
        return made[-1]

    yield connect
    for model in made:
        await model.aclose()


async def ask(model: EndpointModel) -> list[Delta | Reply]:
    return [event async for event in model.stream(QUESTION, OPTIONS)]


async def failure(model: EndpointModel) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await ask(model)
    return caught.value


# --- a good reply


async def test_deltas_come_before_the_reply_when_all_goes_well(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["In ", "Iași", "."], [-0.25, -1.5, 0], usage=(12, 3)))
    assert await ask(connect()) == [
        Delta("In ", (-0.25,)),
        Delta("Iași", (-1.5,)),
        Delta(".", (0.0,)),
        Reply("In Iași.", MODEL, "stop", 12, 3, (-0.25, -1.5, 0.0)),
    ]


async def test_everything_is_sent_when_the_server_can_take_it(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    model = connect()
    options = GenerationOptions(max_tokens=64, temperature=0.5, seed=7, stop=("\n\n",))
    [_ async for _ in model.stream(QUESTION, options)]
    assert scripted_server.history[0].body == {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Where?"},
        ],
        "stream": True,
        "max_tokens": 64,
        "temperature": 0.5,
        "seed": 7,
        "logprobs": True,
        "stream_options": {"include_usage": True},
        "stop": ["\n\n"],
    }


@pytest.mark.parametrize(
    ("refused", "limits"),
    [
        (set(), {"max_tokens": 64}),
        ({"max_tokens"}, {"max_completion_tokens": 64}),
        ({"logprobs", "seed", "stream_options", "temperature"}, {"max_tokens": 64}),
    ],
)
async def test_output_limit_is_always_sent_whatever_the_server_refuses(
    scripted_server: ScriptedServer, connect: Connect, refused: set[str], limits: dict[str, int]
) -> None:
    scripted_server.refused_options = refused
    await ask(connect())
    sent = scripted_server.history[-1].body
    names = {"max_tokens", "max_completion_tokens"} & sent.keys()
    assert {name: sent[name] for name in names} == limits


async def test_seed_and_stop_are_left_out_when_there_are_none(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    [_ async for _ in connect().stream(QUESTION, GenerationOptions(seed=None))]
    assert not {"seed", "stop"} & scripted_server.history[0].body.keys()


@pytest.mark.parametrize("logprobs", ["absent", "null", [0.0, 0.0]])
async def test_logprobs_are_none_when_the_server_gives_no_figures(
    scripted_server: ScriptedServer, connect: Connect, logprobs: object
) -> None:
    scripted_server.script(Scripted(["a", "b"], logprobs))
    assert (await ask(connect()))[-1].logprobs is None


async def test_usage_is_unknown_when_the_server_reports_none(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["a"], usage=None))
    reply = (await ask(connect()))[-1]
    assert (reply.prompt_tokens, reply.completion_tokens) == (None, None)


@pytest.mark.parametrize("finish_reason", ["stop", "length"])
async def test_finish_reason_is_the_servers_when_it_gives_one(
    scripted_server: ScriptedServer, connect: Connect, finish_reason: str
) -> None:
    scripted_server.script(Scripted(["a"], finish_reason=finish_reason))
    assert (await ask(connect()))[-1].finish_reason == finish_reason


async def test_reply_is_empty_when_the_model_says_nothing(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted([], usage=(5, 0)))
    assert await ask(connect()) == [Reply("", MODEL, "stop", 5, 0)]


async def test_reasoning_is_not_part_of_the_text_when_the_model_thinks_aloud(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["Yes"], reasoning=["Let me", " see"]))
    assert await ask(connect()) == [
        Delta("", reasoning="Let me"),
        Delta("", reasoning=" see"),
        Delta("Yes"),
        Reply("Yes", MODEL, "stop", 10, 3, reasoning="Let me see"),
    ]


async def test_next_answer_begins_in_thinking_when_a_closing_mark_came_alone(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    thinking = Scripted(["Hm", "</think>", "Yes"], [-2, -1, -0.5])
    scripted_server.script(thinking, thinking)
    model = connect()
    assert await ask(model) == [
        Delta("Hm", (-2.0,)),
        Delta("", reasoning="Hm"),
        Delta("Yes", (-0.5,)),
        Reply("Yes", MODEL, "stop", 10, 3, (-0.5,), "Hm"),
    ]
    assert await ask(model) == [
        Delta("", reasoning="Hm"),
        Delta("Yes", (-0.5,)),
        Reply("Yes", MODEL, "stop", 10, 3, (-0.5,), "Hm"),
    ]


async def test_answer_is_empty_when_the_whole_budget_went_into_thinking(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["<think>", "Hm"], [-1, -1], finish_reason="length"))
    reply = (await ask(connect()))[-1]
    assert reply == Reply("", MODEL, "length", 10, 3, reasoning="Hm")


# --- what is known of it


async def test_context_shrinks_when_the_server_was_seen_to_cut_a_prompt(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.models[0]["context_length"] = 8192
    model = connect()
    await model.ready()
    model.learn_context(4096)
    model.learn_context(6000)
    assert model.capabilities.context_tokens == 4096
    await model.aclose()
    await model.ready()
    assert model.capabilities.context_tokens == 4096


async def test_context_is_known_when_a_cut_prompt_is_all_that_tells_it(connect: Connect) -> None:
    model = connect()
    model.learn_context(4096)
    assert model.capabilities.context_tokens == 4096


async def test_model_is_cold_until_it_has_written(connect: Connect) -> None:
    model = connect()
    assert model.is_cold
    await model.ready()  # nothing had to be tried
    assert model.is_cold
    await ask(model)
    assert not model.is_cold


async def test_comments_and_a_huge_chunk_are_taken_when_a_server_sends_them(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["é" * 2_000_000, "!"], keep_alives=3))
    events = await ask(connect())
    assert [len(event.text) for event in events] == [2_000_000, 1, 2_000_001]


async def test_the_answer_comes_in_one_piece_when_no_stream_is_wanted(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    whole = {"choices": [{"message": {"content": "In Iași."}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 12, "completion_tokens": 3}
    body = json.dumps({**whole, "usage": usage})
    scripted_server.script(Scripted(body=body, content_type="application/json"))
    options = GenerationOptions(max_tokens=64, is_streamed=False)
    events = [event async for event in connect().stream(QUESTION, options)]
    assert events == [Delta("In Iași."), Reply("In Iași.", MODEL, "stop", 12, 3)]
    sent = scripted_server.history[0].body
    assert (sent["stream"], "stream_options" in sent) == (False, False)


async def test_answer_comes_in_one_piece_when_the_server_does_not_stream(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    body = '{"choices": [{"message": {"content": "All."}, "finish_reason": "stop"}]}'
    scripted_server.script(Scripted(body=body, content_type="application/json"))
    assert await ask(connect()) == [Delta("All."), Reply("All.", MODEL, "stop")]


async def test_odd_fields_are_passed_over_when_a_server_sends_them(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    odd = [
        "null",
        "5",
        '{"choices": null}',
        '{"choices": [null]}',
        '{"choices": [{"delta": null, "logprobs": {"tokens": ["a"]}}]}',
        '{"choices": [{"delta": {"content": ["a"]}, "logprobs": {"content": [{}, 3]}}]}',
        '{"choices": [{"delta": {"content": "ok"}}], "usage": {"prompt_tokens": "many"}}',
    ]
    scripted_server.script(Scripted(body="".join(f"data: {chunk}\n\n" for chunk in odd)))
    assert await ask(connect()) == [Delta("ok"), Reply("ok", MODEL, "")]


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


@pytest.mark.parametrize(
    "when",
    [
        format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True),
        "600",
        "1e9",
    ],
)
async def test_request_is_not_repeated_when_it_is_to_wait_until_a_date(
    scripted_server: ScriptedServer, connect: Connect, when: str
) -> None:
    scripted_server.script(Scripted(status=503, headers={"retry-after": when}))
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


# --- what a server refuses


@pytest.mark.parametrize("option", ["logprobs", "seed", "stream_options", "temperature"])
async def test_option_is_dropped_for_good_when_the_server_refuses_it(
    scripted_server: ScriptedServer, connect: Connect, option: str
) -> None:
    scripted_server.refused_options = {option}
    model = connect()
    assert (await ask(model))[-1].finish_reason == "stop"
    assert (await ask(model))[-1].finish_reason == "stop"
    assert [option in received.body for received in scripted_server.history] == [True, False, False]


async def test_all_options_are_dropped_when_all_are_refused(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.refused_options = {"logprobs", "seed", "stream_options", "max_tokens"}
    assert (await ask(connect()))[-1].finish_reason == "stop"
    last = scripted_server.history[-1].body
    assert last["max_completion_tokens"] == 64
    assert not scripted_server.refused_options & last.keys()


# --- errors


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Scripted(status=400), ModelRefused, "refused the request: “Scripted failure”."),
        (Scripted(status=401), ModelRefused, "wants another key"),
        (Scripted(status=403), ModelRefused, "wants another key"),
        (Scripted(status=404), ModelNotFound, "has no model scripted-model"),
        (Scripted(status=409), ModelBusy, "Ask again in a moment."),
        (Scripted(status=418), ModelRefused, "refused the request"),
        (Scripted(status=422), ModelRefused, "refused the request"),
        (Scripted(status=429, error={"code": "insufficient_quota"}), ModelRefused, "no quota left"),
        (Scripted(status=307, headers={"location": "/x"}), ModelUnavailable, "another address"),
        (
            Scripted(status=400, error={"code": "context_length_exceeded"}),
            ContextTooLong,
            "does not fit the context of scripted-model",
        ),
        (
            Scripted(
                status=400,
                error={"message": "'max_tokens' is too large. maximum context length is 64 tokens"},
            ),
            ContextTooLong,
            "does not fit",
        ),
        (
            Scripted(status=400, error={"type": "exceed_context_size_error"}),
            ContextTooLong,
            "does not fit",
        ),
        (
            Scripted([], raw='data: {"error": {"message": "Out of memory"}}\n\n'),
            ModelUnavailable,
            "gave up on the answer: “Out of memory”.",
        ),
        (
            Scripted([], raw='data: {"error": {"code": "context_length_exceeded"}}\n\n'),
            ContextTooLong,
            "does not fit",
        ),
        (
            Scripted([], raw='data: {"error": {"code": "queue_full", "message": "Full."}}\n\n'),
            ModelBusy,
            "more to do than it can take",
        ),
        (Scripted([], raw="data: {not json\n\n"), ModelUnavailable, "cannot be read"),
        (Scripted([], raw="data: \n\n"), ModelUnavailable, "cannot be read"),
        (Scripted(["a"], raw="data: [1,\n\n"), ModelUnavailable, "cannot be read"),
        (
            Scripted(body="<html><p>Welcome", content_type="text/html"),
            ModelUnavailable,
            "cannot be read",
        ),
        (Scripted(body="<!-- no -->", content_type="application/json"), ModelUnavailable, "read"),
        (Scripted(body="", content_type="text/event-stream"), ModelUnavailable, "cannot be read"),
        (Scripted([], finish_reason=None), ModelUnavailable, "cannot be read"),
    ],
)
async def test_error_says_what_happened_when_the_server_fails(
    scripted_server: ScriptedServer,
    connect: Connect,
    reply: Scripted,
    kind: type[ModelError],
    said: str,
) -> None:
    scripted_server.script(reply)
    error = await failure(connect())
    assert type(error) is kind
    assert said in str(error)
    assert len(scripted_server.history) == 1
    assert error.__cause__ is not None or "cannot be read" in str(error)


@pytest.mark.parametrize(
    ("status", "message", "quoted"),
    [(500, "out\nof memory.", "out of memory"), (503, "Loading model", "Loading model")],
)
async def test_server_error_is_quoted_when_repeating_did_not_help(
    scripted_server: ScriptedServer, connect: Connect, status: int, message: str, quoted: str
) -> None:
    scripted_server.fallback = Scripted(status=status, error={"message": message})
    error = await failure(connect())
    assert type(error) is ModelUnavailable
    assert f"failed: “{quoted}”. Look at the server's log" in str(error)


async def test_offered_models_are_named_when_the_wanted_one_is_missing(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.fallback = Scripted(status=404)
    error = await failure(connect("gpt-9"))
    assert f"has no model gpt-9. It offers: {MODEL}." in str(error)


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*(subclasses(below) for below in kind.__subclasses__()))


@pytest.mark.parametrize("kind", sorted(subclasses(openai.OpenAIError), key=lambda k: k.__name__))
def test_every_error_of_the_library_has_a_meaning_when_raised(kind: type) -> None:
    request = httpx2.Request("POST", "http://127.0.0.1/v1")
    response = httpx2.Response(400, request=request)
    exc = kind.__new__(kind)
    exc.__dict__ |= {"response": response, "request": request, "body": None, "message": ""}
    exc.__dict__ |= {"code": None, "type": None, "status_code": 400}
    error = wire.translated(exc, wire.Server("http://127.0.0.1/v1", "m"))
    assert isinstance(error, ModelError)
    assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        (openai.BadRequestError, ModelRefused),
        (openai.AuthenticationError, ModelRefused),
        (openai.OAuthError, ModelRefused),
        (openai.PermissionDeniedError, ModelRefused),
        (openai.NotFoundError, ModelNotFound),
        (openai.ConflictError, ModelBusy),
        (openai.UnprocessableEntityError, ModelRefused),
        (openai.RateLimitError, ModelBusy),
        (openai.InternalServerError, ModelUnavailable),
        (openai.APIStatusError, ModelRefused),
        (openai.APIConnectionError, ModelUnreachable),
        (openai.APITimeoutError, ModelTimeout),
        (openai.APIResponseValidationError, ModelUnavailable),
        (openai.APIError, ModelUnavailable),
        (openai.LengthFinishReasonError, ModelRefused),
        (openai.ContentFilterFinishReasonError, ModelRefused),
        (openai.WebSocketConnectionClosedError, ModelUnreachable),
        (openai.OpenAIError, ModelRefused),
    ],
)
def test_meaning_is_the_right_one_when_an_error_is_of_a_class(
    kind: type[Exception], meaning: type[ModelError]
) -> None:
    exc = kind.__new__(kind)
    exc.__dict__ |= {"body": None, "code": None, "type": None, "message": ""}
    if issubclass(kind, openai.APIStatusError):
        exc.response = httpx2.Response(400)
    assert type(wire.meaning(kind)(exc, wire.Server("http://h/v1", "m"))) is meaning


# --- secrets


async def test_key_is_sent_but_never_told_when_the_server_repeats_it(
    scripted_server: ScriptedServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scripted_server.api_key = "sk-secret"
    scripted_server.script(Scripted(status=400, error={"message": "Bad key sk-secret given"}))
    model = connect(api_key="sk-secret")
    error = await failure(model)
    assert "Bad key … given" in str(error)
    assert scripted_server.history[0].headers["authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in "".join(traceback.format_exception(error)) + repr(model)
    assert "HTTP Request" in caplog.text
    assert "sk-secret" not in caplog.text


async def test_key_of_the_environment_stays_here_when_a_model_has_none(
    scripted_server: ScriptedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    await ask(connect())
    assert "sk-secret" not in str(scripted_server.history[0].headers)


async def test_proxy_is_passed_by_when_the_model_is_on_this_machine(
    scripted_server: ScriptedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert (await ask(connect()))[-1].finish_reason == "stop"


async def test_prompt_does_not_follow_when_the_server_redirects(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    away = scripted_server.base_url + "/elsewhere"
    scripted_server.script(Scripted(status=307, headers={"location": away}))
    await failure(connect())
    assert "POST /v1/elsewhere" not in scripted_server.requests


def test_address_holds_no_credentials_when_shown() -> None:
    server = wire.Server("http://user:pass@host:1/v1", "m")
    assert server.address == "http://host:1/v1"


# --- doing nothing


def test_nothing_is_connected_nor_openai_imported_when_the_module_is_imported() -> None:
    code = """
import socket, sys
def refuse(*_): raise AssertionError("network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import rag.models.endpoint
model = rag.models.endpoint.EndpointModel("m", "http://127.0.0.1:9/v1")
assert not {"openai", "httpx", "httpx2"} & sys.modules.keys(), sorted(sys.modules)
import rag.models.tiers
assert not {"openai", "httpx2"} & sys.modules.keys(), sorted(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""


async def test_model_can_be_used_again_when_it_was_closed(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    model = connect()
    await ask(model)
    await model.aclose()
    await model.aclose()
    assert (await ask(model))[-1].finish_reason == "stop"


async def test_chats_do_not_wait_for_each_other_when_asking_at_once(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.fallback = lambda body: Scripted([body["messages"][-1]["content"]])
    model, texts = connect(), []

    async def turn(text: str) -> None:
        async for event in model.stream((Message("user", text),), OPTIONS):
            if isinstance(event, Reply):
                texts.append(event.text)

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(turn, str(number))
    assert sorted(texts) == list("01234567")
    assert scripted_server.requests.count("GET /v1/models") == 1
