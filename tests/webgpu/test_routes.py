"""The routes under /webgpu/ alone: the page, its models, and this server's models."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from scripted_server import MODEL, Scripted, ScriptedServer
from starlette.applications import Starlette
from starlette.testclient import TestClient

from rag.errors import DownloadFailed
from rag.models.browser.catalogue import BROWSER_MODELS, BrowserFile, BrowserModel
from rag.models.browser.making import AsQ8
from rag.models.catalogue import Weights
from rag.models.endpoint import EndpointModel
from rag.models.weights import Progress
from rag.page.guard import Guard
from rag.turnstile import Turnstile
from rag.types import Reach, Tier
from rag.webgpu.answering import TierModel
from rag.webgpu.listing import listed
from rag.webgpu.preparing import Preparing
from rag.webgpu.routes import webgpu_routes

GGUF = b"GGUF" + bytes(range(200))
POLICY = {
    "headers": {
        "Content-Security-Policy": "default-src 'self'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
    },
    "files": {"hub.html": {"Content-Security-Policy": "sandbox allow-scripts"}},
}
SOURCE = Weights(
    name="tiny",
    title="Tiny",
    tier=None,
    licence="MIT",
    size_bytes=1,
    sha256="0" * 64,
    context_tokens=256,
    best_passages=None,
    mirrors=(),
)
MODEL_FILE = BrowserFile("onnx/tiny.gguf", len(GGUF), hashlib.sha256(GGUF).hexdigest())
TINY = BrowserModel(
    "tiny-q8_0", "Tiny", "wllama", "q8_0", (), 1000, (MODEL_FILE,), SOURCE, AsQ8("tiny.gguf")
)
ADDRESS = "/webgpu/models/tiny-q8_0/onnx/tiny.gguf"
QUESTION: dict[str, Any] = {"tier": "slm", "messages": [{"role": "user", "content": "Where?"}]}


@dataclass
class Host:
    """As the chat's process has it, with a scripted model and a model that can be prepared."""

    models_folder: Path
    base_url: str
    allow_remote: bool = False
    is_known: bool = True
    reach: Reach = "machine"
    failure: str = ""  # of preparing
    goes_on: threading.Event = field(default_factory=threading.Event)
    begun: int = 0

    def __post_init__(self) -> None:
        self.preparing = Preparing(self.prepare)
        self.turnstile = Turnstile(1, 1, 0)

    async def tier(self, tier: Tier) -> TierModel | None:
        if tier == "llm":
            return None
        return TierModel(EndpointModel(MODEL, self.base_url, reach=self.reach), True, "It answers.")

    def may_ask(self) -> bool:
        return self.is_known

    async def turn(self) -> AbstractAsyncContextManager[None]:
        return self.turnstile.turn("somebody")

    def prepare(
        self, _name: str, on_progress: Callable[[Progress], None], stop: threading.Event
    ) -> None:
        self.begun += 1
        on_progress(Progress("convert", 1, 2, "steps"))
        while not self.goes_on.wait(0.01) and not stop.is_set():
            pass
        if self.failure:
            raise DownloadFailed(self.failure)
        self.fill()

    def fill(self) -> None:
        file = self.models_folder / "browser" / TINY.name / MODEL_FILE.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(GGUF)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    (folder / "engines").mkdir(parents=True)
    (folder / "policy.json").write_text(json.dumps(POLICY))
    (folder / "index.html").write_text("<!doctype html><title>Page</title>")
    (folder / "hub.html").write_text("<!doctype html>")
    (folder / "app.js").write_text("export {}")
    (folder / "engines" / "a.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def host(tmp_path: Path, scripted_server: ScriptedServer) -> Host:
    scripted_server.models[0]["capabilities"] = {
        "streams": True,
        "reports_usage": True,
        "logprobs": True,
    }
    return Host(tmp_path / "models", scripted_server.base_url)


@pytest.fixture
def app(host: Host, page: Path) -> Starlette:
    app = Starlette(routes=webgpu_routes(host, page, models={TINY.name: TINY}))
    app.add_middleware(Guard)
    return app


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def address(app: Starlette) -> Iterator[str]:
    """On a socket, which can be closed."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/webgpu"
    server.should_exit = True
    thread.join()


def told(response: httpx.Response) -> list[Any]:
    """The data of server-sent events."""
    lines = [line for line in response.text.split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    data = [line.removeprefix("data: ") for line in lines]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


# --- the page


def test_the_page_is_found_when_the_last_slash_is_missing(client: TestClient) -> None:
    response = client.get("/webgpu", follow_redirects=False)
    assert response.headers["location"] == "webgpu/"
    assert client.get("/webgpu").text.endswith("<title>Page</title>")


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("", "text/html; charset=utf-8"),
        ("index.html", "text/html; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("engines/a.wasm", "application/wasm"),
        ("policy.json", "application/json"),
    ],
)
def test_a_file_has_its_type_and_the_pages_policy_when_it_is_served(
    client: TestClient, path: str, media_type: str
) -> None:
    response = client.get(f"/webgpu/{path}")
    assert response.status_code == 200
    assert response.headers["content-type"] == media_type
    assert response.headers["cache-control"] == "no-cache"
    for name, value in POLICY["headers"].items():
        assert response.headers[name] == value


def test_a_file_has_its_own_policy_when_it_has_one(client: TestClient) -> None:
    response = client.get("/webgpu/hub.html")
    assert response.headers["content-security-policy"] == "sandbox allow-scripts"
    assert response.headers["cross-origin-embedder-policy"] == "require-corp"


def test_nothing_is_sent_again_when_a_file_is_the_same(client: TestClient) -> None:
    etag = client.get("/webgpu/app.js").headers["etag"]
    response = client.get("/webgpu/app.js", headers={"if-none-match": etag})
    assert (response.status_code, response.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "..%5csecret.txt", "none.js"]
)
def test_a_file_is_not_found_when_it_is_not_the_pages(client: TestClient, path: str) -> None:
    response = client.get(f"/webgpu/{path}")
    assert response.status_code == 404
    assert "secret" not in response.text


@pytest.mark.parametrize("policy", [None, "{", '{"headers": {}}'])
def test_nothing_is_served_when_there_is_no_policy(
    client: TestClient, page: Path, policy: str | None
) -> None:
    (page / "policy.json").unlink()
    if policy is not None:
        (page / "policy.json").write_text(policy)
    response = client.get("/webgpu/")
    assert (response.status_code, "make web" in response.text) == (503, True)


# --- models


def test_models_are_listed_as_the_page_reads_them_when_it_asks(client: TestClient) -> None:
    assert client.get("/webgpu/models.json").json() == {
        "models": [
            {
                "name": "tiny-q8_0",
                "title": "Tiny",
                "engine": "wllama",
                "dtype": "q8_0",
                "needs": [],
                "licence": "MIT",
                "memoryBytes": 1000,
                "contextTokens": 4096,
                "bestPassages": 1,
                "files": [
                    {
                        "path": "onnx/tiny.gguf",
                        "sizeBytes": 204,
                        "sha256": MODEL_FILE.sha256,
                        "urls": ["models/tiny-q8_0/onnx/tiny.gguf"],
                    }
                ],
            }
        ]
    }


def test_only_what_the_hub_has_is_listed_when_the_host_is_static() -> None:
    models = listed(BROWSER_MODELS.values(), is_static=True)["models"]
    assert [one["name"] for one in models] == [
        "smollm2-135m-q4_1",
        "qwen2.5-coder-0.5b-q4_k_m",
        "qwen2.5-coder-1.5b-q4_k_m",
    ]
    urls = [url for one in models for file in one["files"] for url in file["urls"]]
    assert all(url.startswith("https://huggingface.co/") for url in urls)


def test_our_own_address_is_first_when_the_hub_has_a_model_too() -> None:
    models = {one["name"]: one for one in listed(BROWSER_MODELS.values())["models"]}
    assert [*models] == [*BROWSER_MODELS]
    ours, hub = models["smollm2-135m-q4_1"]["files"][0]["urls"]
    assert ours == "models/smollm2-135m-q4_1/smollm2-135m-q4_1.gguf"
    assert hub.startswith("https://huggingface.co/")


def test_a_file_can_be_prepared_when_it_is_not_there(client: TestClient) -> None:
    response = client.get(ADDRESS)
    assert (response.status_code, response.json()) == (404, {"prepare": True})


@pytest.mark.parametrize(
    "path", ["models/none/a", "models/tiny-q8_0/a", "models/tiny-q8_0/../../secret.txt"]
)
def test_a_sentence_is_told_when_nobody_knows_a_file(client: TestClient, path: str) -> None:
    response = client.get(f"/webgpu/{path}")
    assert response.status_code == 404
    assert "prepare" not in response.text


def test_all_bytes_come_when_a_file_is_there(client: TestClient, host: Host) -> None:
    host.fill()
    response = client.get(ADDRESS)
    assert (response.status_code, response.content) == (200, GGUF)
    assert response.headers["etag"] == f'"{MODEL_FILE.sha256}"'
    assert response.headers["content-length"] == "204"
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["cache-control"] == "no-store"


def test_the_rest_comes_when_a_download_goes_on(client: TestClient, host: Host) -> None:
    host.fill()
    etag = f'"{MODEL_FILE.sha256}"'
    response = client.get(ADDRESS, headers={"Range": "bytes=200-", "If-Range": etag})
    assert (response.status_code, response.content) == (206, GGUF[200:])
    assert response.headers["content-range"] == "bytes 200-203/204"
    changed = client.get(ADDRESS, headers={"Range": "bytes=200-", "If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, GGUF)
    assert client.get(ADDRESS, headers={"Range": "bytes=204-"}).status_code == 416
    assert client.get(ADDRESS, headers={"If-None-Match": etag}).status_code == 304


def test_the_end_is_told_when_a_model_was_prepared(client: TestClient, host: Host) -> None:
    host.goes_on.set()
    response = client.post("/webgpu/models/tiny-q8_0")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert told(response)[-1] == {"ready": True}
    assert client.get(ADDRESS).content == GGUF


def test_a_sentence_is_told_when_a_model_cannot_be_prepared(client: TestClient, host: Host) -> None:
    host.failure = "No mirror answered."
    host.goes_on.set()
    assert told(client.post("/webgpu/models/tiny-q8_0"))[-1] == {"error": "No mirror answered."}
    host.failure = ""
    assert told(client.post("/webgpu/models/tiny-q8_0"))[-1] == {"ready": True}


def test_the_work_is_joined_when_somebody_has_left_and_asks_again(address: str, host: Host) -> None:
    url = f"{address}/models/tiny-q8_0"
    with httpx.stream("POST", url) as response:
        lines = response.iter_lines()
        while json.loads(next(lines).removeprefix("data: ") or "{}").get("stage") != "convert":
            next(lines)  # the blank one between two
    with httpx.stream("POST", url, timeout=30) as response:
        host.goes_on.set()
        assert 'data: {"ready":true}' in list(response.iter_lines())
    assert host.begun == 1


@pytest.mark.anyio
async def test_work_ends_when_the_process_does(host: Host) -> None:
    follow = host.preparing.follow(TINY.name)
    await anext(follow)
    await host.preparing.close()
    with pytest.raises(StopAsyncIteration):
        await anext(follow)


# --- this server's models


def test_the_tiers_are_told_when_the_page_asks(client: TestClient) -> None:
    assert client.get("/webgpu/tiers").json() == {
        "slm": {
            "model": "scripted-model",
            "reach": "machine",
            "ready": True,
            "note": "It answers.",
        },
        "llm": None,
    }


def test_chunks_come_when_a_model_answers(
    client: TestClient, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(("In ", "Cluj."), usage=(12, 3), finish_reason="length"))
    options = {"max_tokens": 7, "temperature": 0.5}
    *chunks, last, done = told(client.post("/webgpu/answer", json=QUESTION | options))
    assert [one["choices"][0]["delta"] for one in chunks] == [
        {"content": "In "},
        {"content": "Cluj."},
    ]
    assert {one["object"] for one in chunks} == {"chat.completion.chunk"}
    assert last["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "length"}
    assert last["usage"] == {"prompt_tokens": 12, "completion_tokens": 3}
    assert done == "[DONE]"
    sent = scripted_server.history[-1].body
    assert sent["messages"] == QUESTION["messages"]
    assert (sent["max_tokens"], sent["temperature"]) == (7, 0.5)


def test_a_sentence_comes_when_the_model_fails_at_its_answer(
    client: TestClient, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(status=401, error={"message": "no key"}))
    [event] = told(client.post("/webgpu/answer", json=QUESTION))
    assert event["error"]["message"].endswith(".")


@pytest.mark.parametrize("reach", ["network", "cloud"])
def test_nothing_is_sent_when_a_model_is_on_another_machine(
    client: TestClient, host: Host, scripted_server: ScriptedServer, reach: Reach
) -> None:
    host.reach = reach
    response = client.post("/webgpu/answer", json=QUESTION)
    assert response.status_code == 400
    assert "runs on another machine" in response.json()["error"]["message"]
    assert scripted_server.history == []
    assert client.post("/webgpu/answer", json=QUESTION | {"allow_remote": True}).is_success
    host.allow_remote = True
    assert client.post("/webgpu/answer", json=QUESTION).is_success


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"tier": "llm"}, 404),
        ({"tier": "other"}, 400),
        ({"messages": []}, 400),
        ({"messages": [{"role": "tool", "content": "a"}]}, 400),
        ({"messages": [{"role": "user", "content": "a" * 200_001}]}, 400),
        ({"messages": [{"role": "user", "content": "a" * 200_000}] * 6}, 413),
        ({"max_tokens": 0}, 400),
        ({"max_tokens": 4097}, 400),
        ({"temperature": 3}, 400),
        ({"temperature": "hot"}, 400),
        ({"model": "other"}, 400),
    ],
)
def test_a_request_is_refused_with_a_sentence_when_it_makes_no_sense(
    client: TestClient, scripted_server: ScriptedServer, changed: dict[str, Any], status: int
) -> None:
    response = client.post("/webgpu/answer", json=QUESTION | changed)
    assert response.status_code == status
    assert response.json()["error"]["message"].endswith(".")
    assert scripted_server.history == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_request_is_refused_when_it_is_no_json(client: TestClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert client.post("/webgpu/answer", content=body, headers=headers).status_code == 400


@pytest.mark.parametrize("path", ["answer", "models/tiny-q8_0"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_site_is_refused_when_it_sends_a_request(
    client: TestClient, host: Host, path: str, headers: dict[str, str]
) -> None:
    response = client.post(f"/webgpu/{path}", json=QUESTION, headers=headers)
    assert (response.status_code, host.begun) == (403, 0)


def test_a_form_is_refused_when_it_is_sent_as_one(client: TestClient) -> None:
    assert client.post("/webgpu/answer", data={"tier": "slm"}).status_code == 415


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "answer"), ("POST", "models/tiny-q8_0"), ("GET", "tiers")]
)
def test_nobody_is_served_when_they_have_to_log_in_first(
    client: TestClient, host: Host, method: str, path: str
) -> None:
    host.is_known = False
    assert client.request(method, f"/webgpu/{path}", json=QUESTION).status_code == 401
    assert client.get("/webgpu/").is_success


def test_a_question_is_refused_when_its_person_asks_too_much(
    address: str, host: Host, scripted_server: ScriptedServer
) -> None:
    host.turnstile = Turnstile(1, 0, 0)
    scripted_server.script(Scripted(("In", " Cluj"), then="stall"))
    with httpx.stream("POST", f"{address}/answer", json=QUESTION) as first:
        lines = first.iter_lines()
        assert "In" in next(lines)
        [event] = told(httpx.post(f"{address}/answer", json=QUESTION))
    assert event["error"]["message"].startswith("1 questions of yours are being answered")
    assert len(scripted_server.history) == 1


def test_the_model_is_stopped_when_the_page_leaves(
    address: str, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(("In", " Cluj"), then="stall"))
    with httpx.stream("POST", f"{address}/answer", json=QUESTION) as response:
        next(response.iter_lines())
    assert scripted_server.history[-1].disconnected.wait(10)
    assert httpx.post(f"{address}/answer", json=QUESTION).is_success


def test_a_bug_is_told_without_its_trace_when_one_happens(
    client: TestClient, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_tier: Tier) -> TierModel | None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(host, "tier", broken)
    response = client.post("/webgpu/answer", json=QUESTION)
    assert response.status_code == 500
    assert response.json() == {"error": {"message": "The server failed; its log says why."}}


# --- the list beside the built page


def test_the_static_list_is_the_catalogues_when_the_page_is_built() -> None:
    static = Path(__file__).parents[2] / "webgpu" / "static" / "models.json"
    assert json.loads(static.read_text()) == listed(BROWSER_MODELS.values(), is_static=True)
