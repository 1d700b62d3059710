"""Requests that are refused, each in OpenAI's shape."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest
from api.conftest import OIL, Serve, Served
from scripted_server import Scripted, ScriptedServer

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
SOME = [{"type": "function", "function": {"name": "f"}}]


def asking(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    ("fields", "status", "param", "sentence"),
    [
        ({"model": "gpt-4o"}, 404, "model", "There is no model gpt-4o."),
        ({"messages": []}, 400, "messages", "messages: List should have at least 1 item"),
        ({"messages": "hello"}, 400, "messages", "messages: Input should be a valid array"),
        ({"messages": asking("  ")}, 400, "messages", "There is no message of the user"),
        ({"messages": asking([IMAGE])}, 400, "messages", "Only text can be asked"),
        (
            {"messages": [{"role": "system", "content": "Hi"}]},
            400,
            "messages",
            "There is no message of the user",
        ),
        ({"messages": [{"role": "king", "content": "Hi"}]}, 400, "messages", "messages.0.role: "),
        ({"stream": "yes"}, 400, "stream", "stream: Input should be a valid boolean."),
        ({"temperature": 3}, 400, "temperature", "temperature: Input should be less than"),
        ({"max_tokens": 0}, 400, "max_tokens", "max_tokens: Input should be greater than"),
        ({"stop": ""}, 400, "stop", "stop."),
        ({"n": 2}, 400, "n", "One answer is given to a question."),
        ({"logprobs": True}, 400, "logprobs", "Log probabilities are not given."),
        (
            {"response_format": {"type": "json_object"}},
            400,
            "response_format",
            "Answers are text.",
        ),
        ({"tool_choice": "required", "tools": SOME}, 400, "tool_choice", "No tools are called."),
    ],
)
def test_a_request_is_refused_when_it_cannot_be_answered(
    served: Served, fields: dict[str, Any], status: int, param: str, sentence: str
) -> None:
    response = served.post(**fields)
    error = response.json()["error"]
    assert response.status_code == status
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert error["message"].startswith(sentence)


def test_fields_are_passed_over_when_they_change_nothing(served: Served) -> None:
    response = served.post(
        **{
            "top_p": 0.5,
            "seed": 1,
            "n": 1,
            "logprobs": False,
            "tools": SOME,
            "tool_choice": "auto",
        },
        **{"user": "ann", "metadata": {"a": "b"}, "response_format": {"type": "text"}},
        **{"frequency_penalty": 0.1, "something": {"of": "somebody"}, "stop": None},
    )
    assert response.status_code == 200
    assert OIL[:-1] in response.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"\\ud800"', b"[" * 100_000])
def test_a_body_is_refused_when_it_is_no_request(served: Served, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = httpx.post(f"{served.url}/v1/chat/completions", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_request"


def test_a_body_is_refused_when_it_is_no_json(served: Served) -> None:
    response = httpx.post(f"{served.url}/v1/chat/completions", content=b"{}")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "not_json"


def test_a_body_is_refused_when_it_is_too_large(served: Served) -> None:
    response = served.post(messages=asking("x" * 5_000_000))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/embeddings", 404), ("GET", "/v1/chat/completions", 405), ("POST", "/v1/x", 404)],
)
def test_errors_have_openais_shape_when_the_address_is_wrong(
    served: Served, method: str, path: str, status: int
) -> None:
    response = httpx.request(method, f"{served.url}{path}")
    assert response.status_code == status
    assert response.json()["error"]["type"] == "invalid_request_error"


# --- who may ask


def test_a_key_is_wanted_when_one_is_set(serve: Serve) -> None:
    served = serve(api_key="secret")
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "secret"}):
        response = served.get("/v1/models", **headers)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "invalid_api_key"
        assert "secret" not in response.text
    assert served.client.models.list().data[0].id == "rag-auto"
    with pytest.raises(openai.AuthenticationError):
        served.client.with_options(api_key="other").models.list()


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip"])
def test_nobody_is_answered_through_a_proxy_when_there_is_no_key(served: Served, name: str) -> None:
    response = served.get("/v1/models", **{name: "127.0.0.1"})
    assert response.status_code == 401
    assert "RAG_API_KEY" in response.json()["error"]["message"]


def test_a_key_is_wanted_when_people_log_in(serve: Serve) -> None:
    response = serve(login="password").post()
    assert response.status_code == 401
    assert response.json()["error"]["message"].startswith(
        "Where people log in, programs need a key"
    )
    assert serve(login="password", api_key="secret").ask().choices[0].message.content


def test_another_site_is_refused_when_it_asks(served: Served) -> None:
    headers = {"origin": "https://evil.example"}
    response = httpx.post(f"{served.url}/v1/chat/completions", json={}, headers=headers)
    assert response.status_code == 403


# --- when no answer can be had


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", ["rag-auto", "rag-slm"])
def test_the_status_tells_when_the_model_fails(
    served: Served, scripted_server: ScriptedServer, model: str, stream: bool
) -> None:
    scripted_server.fallback = Scripted(status=500)
    response = served.post(model=model, stream=stream)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["error"]["type"] == "server_error"
    assert response.json()["error"]["code"] == "model_unavailable"


@pytest.mark.parametrize("stream", [True, False])
def test_it_is_too_much_when_the_models_queue_is_full(
    served: Served, scripted_server: ScriptedServer, stream: bool
) -> None:
    scripted_server.fallback = Scripted(status=429)
    response = served.post(stream=stream)
    assert response.status_code == 429
    assert response.json()["error"]["type"] == "rate_limit_error"


def test_it_is_too_much_when_one_asks_more_than_is_answered(serve: Serve) -> None:
    served = serve(turns_per_minute=1)
    assert served.post().status_code == 200
    response = served.post()
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) > 1
    assert response.json()["error"]["code"] == "rate_limit_exceeded"
    assert served.post(user="another").status_code == 200


def test_all_others_are_told_to_wait_when_one_floods(serve: Serve) -> None:
    served = serve(turns_per_minute=3, turns_at_once=3)
    with ThreadPoolExecutor(12) as pool:
        responses = list(pool.map(lambda _: served.post(user="ann"), range(12)))
        others = list(pool.map(lambda name: served.post(user=name), ("bo", "eve")))
    refused = [one for one in responses if one.status_code == 429]
    assert len(refused) == 9
    assert all(int(one.headers["retry-after"]) >= 1 for one in refused)
    assert [one.status_code for one in others] == [200, 200]


@pytest.mark.parametrize("stream", [True, False])
def test_nothing_is_begun_when_the_program_ends(serve: Serve, stream: bool) -> None:
    served = serve()
    workspace = served.home.opened
    assert workspace is not None
    workspace.turnstile.is_shut = True
    response = served.post(stream=stream)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "10"
    assert response.json()["error"]["code"] == "server_ending"
    ready = served.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["is_ending"] is True
    assert served.get("/healthz").status_code == 200


def test_the_error_is_an_event_when_the_model_breaks_off(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(("The oil", " is", " changed"), then="disconnect"))
    with pytest.raises(openai.APIError) as failed:
        list(served.ask(stream=True))
    assert failed.value.code == "model_unavailable"


def test_the_library_is_to_blame_when_it_cannot_be_opened(serve: Serve) -> None:
    served = serve(is_open=False)
    (served.home.settings.data_dir).mkdir(parents=True)
    (served.home.settings.data_dir / "library.sqlite").write_bytes(b"no database" * 1000)
    response = served.post()
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "library_failed"
