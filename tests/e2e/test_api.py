"""Other programs at the whole app: its server, its layers, and the official client."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import httpx
import openai
import pytest
from e2e.driving import App, make_manual
from openai.types.chat import ChatCompletionMessageParam
from scripted_server import Scripted, ScriptedServer

QUESTION: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "How many litres of coolant does the pump hold?"}
]


@pytest.fixture
def small(_servers: tuple[ScriptedServer, ScriptedServer]) -> ScriptedServer:
    server, _ = _servers
    server.replies.clear()
    return server


@pytest.fixture(scope="module")
def settings(
    _servers: tuple[ScriptedServer, ScriptedServer], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    docs = tmp_path_factory.mktemp("docs")
    make_manual(docs / "pump manual.pdf")
    small, _ = _servers
    return {
        "RAG_DOCS_DIR": str(docs),
        "RAG_SLM": f"{small.base_url}#small",
        "RAG_LLM": "none",
        "RAG_TURNS_AT_ONCE": "1",
        "RAG_TURNS_PER_MINUTE": "0",
        "RAG_SHUTDOWN_S": "60",
    }


@pytest.fixture(scope="module")
def app(start_app: Callable[..., App], settings: dict[str, str]) -> App:
    return start_app(settings)


@pytest.fixture
def client(app: App) -> Iterator[openai.OpenAI]:
    made = openai.OpenAI(base_url=f"{app.url}/v1", api_key="none", max_retries=0, timeout=120)
    with made:
        yield made


def test_an_answer_cites_the_library_when_the_official_client_asks(
    client: openai.OpenAI,
) -> None:
    answer = client.chat.completions.create(model="rag-auto", messages=QUESTION)
    assert "40 litres" in (answer.choices[0].message.content or "")
    told = answer.to_dict()["rag"]
    assert isinstance(told, dict)
    assert told["route"] == "slm"


def test_each_word_comes_as_it_is_written_when_the_client_takes_gzip(
    app: App, small: ScriptedServer
) -> None:
    """A layer that packs or gathers what is sent would hold the first words back."""
    small.script(Scripted(("The pump", " holds"), then="stall"))
    body = {"model": "rag-slm", "messages": QUESTION, "stream": True}
    url, headers = f"{app.url}/v1/chat/completions", {"accept-encoding": "gzip"}
    with httpx.stream("POST", url, json=body, headers=headers, timeout=120) as response:
        assert "content-encoding" not in response.headers
        lines = (line for line in response.iter_lines() if '"content":"' in line)
        written = ""
        while "The pump" not in written:
            written += next(lines)
    assert small.history[-1].disconnected.wait(60)


def test_there_is_room_for_the_next_when_the_client_has_left(
    client: openai.OpenAI, small: ScriptedServer
) -> None:
    small.script(Scripted(("The pump",), then="stall"))
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=1).chat.completions.create(model="rag-slm", messages=QUESTION)
    assert small.history[-1].disconnected.wait(60)
    answer = client.chat.completions.create(model="rag-slm", messages=QUESTION)
    assert "40 litres" in (answer.choices[0].message.content or "")


def test_a_stream_is_ended_and_no_other_begun_when_the_program_is_told_to_end(
    app: App, client: openai.OpenAI, small: ScriptedServer
) -> None:
    words = tuple(f"word{number} " for number in range(30))
    small.script(Scripted(words, delay_s=0.1))
    stream = client.chat.completions.create(model="rag-slm", messages=QUESTION, stream=True)
    written = ""
    while "word1 " not in written:
        written += next(stream).choices[0].delta.content or ""
    app.process.send_signal(signal.SIGTERM)
    while httpx.get(f"{app.url}/readyz").status_code == httpx.codes.OK:
        pass
    with pytest.raises(openai.InternalServerError, match="being ended or restarted") as told:
        client.chat.completions.create(model="rag-slm", messages=QUESTION)
    assert told.value.response.headers["retry-after"] == "10"
    assert httpx.get(f"{app.url}/healthz").status_code == httpx.codes.OK
    written += "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "word29" in written
    assert app.process.wait(60) == 0
