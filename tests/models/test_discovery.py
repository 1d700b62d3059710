"""Servers of every kind, imitated on ports of their own; what is none; and what keeps silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from scripted_server import ScriptedServer

from rag.models import discovery
from rag.models.dialects import FoundModel
from rag.models.discovery import NOT_ASKED, Candidate, FoundServer, find, is_listening

pytestmark = pytest.mark.anyio

TAGS = {
    "models": [
        {
            "name": "llama3.2:3b",
            "size": 2_019_393_189,
            "digest": "a80c4f17acd5",
            "details": {"family": "llama", "parameter_size": "3.2B"},
        },
        {
            "name": "all-minilm:latest",
            "details": {"family": "bert", "parameter_size": "23M"},
        },
        {"name": "gpt-oss:120b-cloud", "remote_host": "https://ollama.com:443"},
    ]
}
OLLAMA = {
    "/api/version": {"version": "0.12.11"},
    "/api/tags": TAGS,
    "/api/ps": {"models": [{"name": "llama3.2:3b", "context_length": 4096}]},
}


@pytest.fixture
def half_open() -> Iterator[str]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@pytest.fixture(params=[200, 403, 404, 500])
def web_page(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every path with a page of HTML, as ours does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>A page</title>")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


async def look(address: str, kind: str = "", **more: Any) -> FoundServer | None:
    found = await find([Candidate(address, kind, **more)])
    return found[0] if found else None


# --- kinds


@pytest.mark.parametrize("expected", ["Ollama", "", "llama-server"])
async def test_ollama_is_known_by_its_pages_when_its_port_says_nothing_or_another(
    scripted_server: ScriptedServer, expected: str
) -> None:
    names = ("llama3.2:3b", "all-minilm:latest", "gpt-oss:120b-cloud")
    scripted_server.models = [{"id": name, "owned_by": "library"} for name in names]
    scripted_server.pages = OLLAMA
    assert await look(scripted_server.base_url, expected) == FoundServer(
        "Ollama",
        scripted_server.base_url,
        "machine",
        (
            FoundModel(
                "llama3.2:3b",
                parameters_b=3.2,
                size_bytes=2_019_393_189,
                context_tokens=4096,
                is_loaded=True,
                digest="a80c4f17acd5",
            ),
            FoundModel("all-minilm:latest", "embedding", parameters_b=0.023, is_loaded=False),
            FoundModel("gpt-oss:120b-cloud", parameters_b=120.0, is_loaded=False, is_hosted=True),
        ),
        "0.12.11",
    )


async def test_ollama_is_found_when_it_has_no_models_yet(scripted_server: ScriptedServer) -> None:
    scripted_server.pages = {**OLLAMA, "/empty/v1/models": {"object": "list", "data": None}}
    address = scripted_server.base_url.replace("/v1", "/empty/v1")
    server = await look(address)
    assert (server.kind, server.models, server.problem) == ("Ollama", (), "")


async def test_lm_studio_tells_embedding_models_and_loaded_ones(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.models = [{"id": "qwen2.5-7b-instruct"}, {"id": "text-nomic"}]
    scripted_server.pages = {
        "/api/v0/models": {
            "data": [
                {
                    "id": "qwen2.5-7b-instruct",
                    "type": "llm",
                    "quantization": "Q4_K_M",
                    "state": "loaded",
                    "max_context_length": 32768,
                    "loaded_context_length": 8192,
                },
                {"id": "text-nomic", "type": "embeddings", "state": "not-loaded"},
            ]
        }
    }
    server = await look(scripted_server.base_url)
    assert server.kind == "LM Studio"
    assert server.models == (
        FoundModel(
            "qwen2.5-7b-instruct",
            parameters_b=7.0,
            context_tokens=8192,
            is_loaded=True,
            digest="Q4_K_M",
        ),
        FoundModel("text-nomic", "embedding", is_loaded=False),
    )


async def test_llama_server_tells_size_and_context(scripted_server: ScriptedServer) -> None:
    meta = {"n_params": 1_235_814_432, "size": 799_862_912, "n_ctx_train": 131_072}
    scripted_server.models = [{"id": "model.gguf", "owned_by": "llamacpp", "meta": meta}]
    scripted_server.pages = {
        "/props": {"default_generation_settings": {"n_ctx": 8192}, "build_info": "b6940-1"}
    }
    server = await look(scripted_server.base_url)
    assert (server.kind, server.version) == ("llama-server", "b6940-1")
    [model] = server.models
    assert (model.parameters_b, model.context_tokens, model.is_loaded) == (1.235814432, 8192, True)


async def test_vllm_tells_its_context(scripted_server: ScriptedServer) -> None:
    name = "Qwen/Qwen2.5-7B-Instruct"
    scripted_server.models = [{"id": name, "owned_by": "vllm", "max_model_len": 32768}]
    scripted_server.pages = {"/version": {"version": "0.11.0"}}
    server = await look(scripted_server.base_url)
    assert (server.kind, server.version) == ("vLLM", "0.11.0")
    assert server.models == (
        FoundModel(name, parameters_b=7.0, context_tokens=32768, is_loaded=True),
    )


@pytest.mark.parametrize("page", ["/openai/status", "/status"])
async def test_foundry_is_known_by_its_status(scripted_server: ScriptedServer, page: str) -> None:
    scripted_server.models = [{"id": "Phi-4-mini-instruct-generic-cpu:5"}]
    scripted_server.pages = {page: {"endpoints": [scripted_server.base_url]}}
    server = await look(scripted_server.base_url)
    assert (server.kind, server.models[0].parameters_b) == ("Foundry Local", 3.8)


async def test_a_server_is_what_its_port_says_when_it_has_no_pages(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.models = [{"id": "gemma3:4b"}]
    assert (await look(scripted_server.base_url, "Jan")).kind == "Jan"
    unknown = await look(scripted_server.base_url)
    assert (unknown.kind, unknown.name) == ("", scripted_server.base_url)
    assert unknown.models == (FoundModel("gemma3:4b", parameters_b=4.0),)


async def test_no_further_page_is_asked_for_when_a_server_is_what_its_port_says(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.pages = OLLAMA
    await look(scripted_server.base_url, "Ollama")
    assert sorted(scripted_server.requests) == sorted(
        ["GET /v1/models", "GET /api/version", "GET /api/tags", "GET /api/ps"]
    )


# --- what is no model server


async def test_a_web_page_is_ignored_when_it_answers_at_a_usual_port(web_page: str) -> None:
    assert await look(web_page, "vLLM", wanted=False) is None
    told = await look(web_page)
    assert (told.kind, told.models) == ("", ())
    assert told.problem in {
        f"What answers at {web_page} is not a model server. Most addresses end in /v1.",
        f"{web_page} wants a key: add its address with one.",  # 403
    }


async def test_a_chat_like_ours_is_not_taken_for_a_model(scripted_server: ScriptedServer) -> None:
    scripted_server.models = [{"id": f"rag-{name}"} for name in ("auto", "slm", "llm", "refine")]
    assert await look(scripted_server.base_url, "vLLM", wanted=False) is None


@pytest.mark.parametrize(
    "page", [[], {}, "models", None, {"data": "none"}, {"error": "Unexpected endpoint"}]
)
async def test_a_page_is_no_list_of_models_when_it_has_another_shape(
    scripted_server: ScriptedServer, page: Any
) -> None:
    scripted_server.pages = {"/other/v1/models": page}
    address = scripted_server.base_url.replace("/v1", "/other/v1")
    assert await look(address, wanted=False) is None


async def test_models_are_found_when_the_other_pages_make_no_sense(
    scripted_server: ScriptedServer,
) -> None:
    odd = [{"name": "b"}, "c", {"id": 7}, {"id": "\x1b[2J"}]
    scripted_server.models = [{"id": "a"}, *odd]  # type: ignore[list-item]
    scripted_server.pages = {
        "/api/version": {"version": ["1"]},
        "/api/tags": {"models": ["a", {"name": "a", "size": -1, "details": 7}]},
        "/api/ps": [],
    }
    server = await look(scripted_server.base_url)
    assert (server.kind, server.version) == ("Ollama", "")
    assert server.models == (FoundModel("a", is_loaded=False),)


async def test_a_size_is_unknown_when_it_cannot_be_one(scripted_server: ScriptedServer) -> None:
    scripted_server.models = [{"id": "a", "meta": {"n_params": 10**400}}]
    scripted_server.pages = {"/props": {"default_generation_settings": {"n_ctx": "many"}}}
    server = await look(scripted_server.base_url)
    [model] = server.models
    assert (model.parameters_b, model.context_tokens) == (None, None)


async def test_a_page_is_none_when_it_is_endless_or_too_deep(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep: list[Any] = []
    for _ in range(500):
        deep = [deep]
    scripted_server.pages = {"/other/v1/models": {"data": deep}}
    address = scripted_server.base_url.replace("/v1", "/other/v1")
    assert (await look(address)).models == ()
    monkeypatch.setattr(discovery, "_LONGEST_PAGE_BYTES", 100)
    assert await look(address, wanted=False) is None


async def test_a_closed_port_is_told_only_when_it_was_wanted() -> None:
    address = closed_port()
    assert await look(address, "Ollama", wanted=False) is None
    assert (await look(address)).problem == (
        f"Nothing answers at {address}. Start the server, or remove the address."
    )


async def test_silence_is_told_when_a_port_accepts_and_never_answers(
    half_open: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "_LOOK_S", 0.1)
    server = await look(half_open, "Ollama", wanted=False)
    assert server.problem == f"{half_open} accepts connections, but does not answer."


# --- keys and other machines


async def test_a_key_is_asked_for_when_a_server_wants_one(scripted_server: ScriptedServer) -> None:
    scripted_server.api_key = "sk-own"
    told = await look(scripted_server.base_url, wanted=False)
    assert told.problem == f"{scripted_server.base_url} wants a key: add its address with one."
    other = await look(scripted_server.base_url, api_key="sk-other")
    assert other.problem == f"{scripted_server.base_url} wants another key."
    right = await look(scripted_server.base_url, api_key="sk-own")
    assert (right.problem, len(right.models)) == ("", 1)
    assert "sk-" not in repr((told, other, right))


async def test_another_machine_is_sent_nothing_when_that_was_not_allowed() -> None:
    far = Candidate("https://models.example/v1", "OpenAI", "sk-own")
    assert await find([far]) == (
        FoundServer("OpenAI", "https://models.example/v1", "cloud", problem=NOT_ASKED),
    )


async def test_nothing_goes_past_a_proxy_when_it_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://proxy")
    [told] = await find([Candidate("https://models.example/v1")], remote=True)
    assert told.problem.startswith("Nothing answers at https://models.example/v1.")


async def test_a_typed_address_is_asked_when_others_elsewhere_are_not(
    monkeypatch: pytest.MonkeyPatch, scripted_server: ScriptedServer
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(discovery, "reach_of", lambda address: "network")
    typed = Candidate(scripted_server.base_url, allowed=True)
    other = Candidate(scripted_server.base_url.replace("/v1", "/other/v1"))
    first, second = await find([typed, other])
    assert (first.problem, second.problem) == ("", NOT_ASKED)
    assert not any("/other" in request for request in scripted_server.requests)


# --- all of them


async def test_one_server_is_told_once_when_two_places_name_it(
    scripted_server: ScriptedServer,
) -> None:
    localhost = scripted_server.base_url.replace("127.0.0.1", "localhost")
    places = [Candidate(scripted_server.base_url, is_added=True), Candidate(localhost, "Ollama")]
    [found] = await find([*places, Candidate(scripted_server.base_url, wanted=False)])
    assert (found.base_url, found.is_added) == (scripted_server.base_url, True)


async def test_servers_keep_the_order_of_their_places_when_one_is_slow(
    scripted_server: ScriptedServer, half_open: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "_LOOK_S", 0.2)
    found = await find([Candidate(half_open), Candidate(scripted_server.base_url)])
    assert [one.base_url for one in found] == [half_open, scripted_server.base_url]


async def test_foundrys_service_is_looked_at_when_it_is_elsewhere_than_usual(
    scripted_server: ScriptedServer,
) -> None:
    async def address() -> str:
        return scripted_server.base_url.removesuffix("/v1")

    scripted_server.pages = {"/status": {"endpoints": [scripted_server.base_url]}}
    [found] = await find([Candidate(closed_port(), wanted=False)], foundry=address)
    assert (found.kind, found.base_url) == ("Foundry Local", scripted_server.base_url)


async def test_nothing_is_found_when_there_is_nowhere_to_look() -> None:
    assert await find([]) == ()


async def test_a_port_listens_when_something_accepts(half_open: str) -> None:
    assert await is_listening(half_open)
    assert not await is_listening(closed_port())
