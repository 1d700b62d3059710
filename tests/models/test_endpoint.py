"""EndpointModel over real HTTP: what it sends, what it makes of the reply, what it never tells."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import traceback

import anyio
import pytest
from asking import OPTIONS, QUESTION, Connect, ask, failure
from scripted_server import MODEL, Scripted, ScriptedServer

from rag.models import wire
from rag.models.endpoint import EndpointModel
from rag.types import Delta, GenerationOptions, Message, Reach, Reply

pytestmark = pytest.mark.anyio


async def test_the_address_has_no_key_when_it_is_shown() -> None:
    far = EndpointModel("m", "https://secret@models.example:8443/v1", "key")
    assert far.address == "https://models.example:8443"
    assert EndpointModel("m", "http://127.0.0.1:9/v1", reach="machine").address == ""


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


@pytest.mark.parametrize("reach", ["machine", "cloud"])  # as of Ollama's own hosted models
async def test_proxy_is_passed_by_when_the_server_is_on_this_machine(
    scripted_server: ScriptedServer,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    reach: Reach,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert (await ask(connect(reach=reach)))[-1].finish_reason == "stop"


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
