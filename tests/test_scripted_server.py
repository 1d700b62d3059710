"""The scripted server, seen by a plain HTTP client: what it sends is what the script says."""

from __future__ import annotations

import json

import httpx
import pytest
from scripted_server import Scripted, ScriptedServer

MESSAGES = [{"role": "user", "content": "Hi"}]


def ask(server: ScriptedServer, **body: object) -> httpx.Response:
    body = {"model": "m", "messages": MESSAGES, "stream": True, **body}
    return httpx.post(f"{server.base_url}/chat/completions", json=body)


def events(response: httpx.Response) -> list[dict]:
    lines = [line for line in response.text.splitlines() if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_deltas_then_usage_are_sent_when_both_are_asked_for(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.script(Scripted(["A", "B"], logprobs=[-0.5, -1], usage=(7, 2)))
    response = ask(scripted_server, logprobs=True, stream_options={"include_usage": True})
    chunks = events(response)
    assert [c["choices"][0]["delta"].get("content") for c in chunks[:-1]] == ["", "A", "B", None]
    assert chunks[1]["choices"][0]["logprobs"]["content"][0]["logprob"] == -0.5
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 9
    assert response.text.endswith("data: [DONE]\n\n")


def test_logprobs_and_usage_are_kept_back_when_not_asked_for(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.script(Scripted(["A"], logprobs=[-0.5]))
    text = ask(scripted_server).text
    assert "logprobs" not in text
    assert "usage" not in text


@pytest.mark.parametrize(
    "prompt",
    [
        "Passages:\n[1] a.pdf, page 2\nThe mill burns. It is late.\n\n[2] b.pdf\nNo.\n\nWhy?",
        "[1] a.pdf\nThe mill\nburns. It is late.\n[2] b.pdf\nNo.",
        "<passage>\n[1] a.pdf\nThe mill burns.\n</passage>",
    ],
)
def test_first_passage_is_quoted_when_the_script_is_used_up(
    scripted_server: ScriptedServer, prompt: str
) -> None:
    response = ask(scripted_server, messages=[{"role": "user", "content": prompt}], stream=False)
    assert response.json()["choices"][0]["message"]["content"] == "The mill burns. [1]"


def test_default_says_so_when_no_passage_was_given(scripted_server: ScriptedServer) -> None:
    answer = ask(scripted_server, stream=False).json()
    assert answer["choices"][0]["message"]["content"] == "No passage was given."


def test_connection_breaks_when_the_script_disconnects(scripted_server: ScriptedServer) -> None:
    scripted_server.script(Scripted(["A"], then="disconnect"))
    with pytest.raises(httpx.RemoteProtocolError):
        ask(scripted_server)


def test_departure_is_noted_when_the_client_leaves_a_stalled_stream(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.script(Scripted(["A"], then="stall"))
    body = {"model": "m", "messages": MESSAGES, "stream": True}
    url = f"{scripted_server.base_url}/chat/completions"
    with httpx.stream("POST", url, json=body) as response:
        assert "assistant" in next(response.iter_text())
    received = scripted_server.history[0]
    assert received.disconnected.wait(10)
    assert not received.finished.is_set()


def test_errors_have_openai_shape_when_scripted(scripted_server: ScriptedServer) -> None:
    scripted_server.script(Scripted(status=429, headers={"retry-after": "7"}))
    response = ask(scripted_server)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json()["error"]["message"] == "Scripted failure"


def test_body_is_verbatim_when_scripted(scripted_server: ScriptedServer) -> None:
    scripted_server.script(Scripted(body="<p>Hello", content_type="text/html"))
    response = ask(scripted_server)
    assert response.text == "<p>Hello"
    assert response.headers["content-type"] == "text/html"


def test_script_and_history_are_reached_by_http_when_run_as_a_program(
    scripted_server: ScriptedServer,
) -> None:
    root = scripted_server.base_url.removesuffix("/v1")
    assert httpx.post(f"{root}/script", json=[{"deltas": ["X"]}]).json() == {"replies": 1}
    assert '"X"' in ask(scripted_server).text
    (received,) = httpx.get(f"{root}/history").json()
    assert received["body"]["messages"] == MESSAGES
    assert received["finished"]


def test_bytes_are_sent_as_they_are_and_zipped_when_told_so(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.script(Scripted(["A"], raw=b"\xc8", endings=2, is_zipped=True))
    response = ask(scripted_server)
    assert response.headers["content-encoding"] == "gzip"
    assert b"\xc8data: " in response.content
    assert response.content.count(b'"finish_reason": "stop"') == 2


def test_thinking_has_a_field_of_its_own_when_told_so(scripted_server: ScriptedServer) -> None:
    scripted_server.script(Scripted(["A"], reasoning=["Hm"], reasoning_field="reasoning"))
    first, second, *_ = [chunk["choices"][0]["delta"] for chunk in events(ask(scripted_server))[1:]]
    assert (first, second) == ({"reasoning": "Hm"}, {"content": "A"})
