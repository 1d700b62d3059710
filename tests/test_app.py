"""app.py as Chainlit loads it, without a browser; what a browser sees is in tests/e2e."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from rag.models.endpoint import EndpointModel
from rag.page.chat import Chat
from rag.page.wording import Wording

ROOT = Path(__file__).parents[1]


def load_app() -> ModuleType:
    """As Chainlit does it, at the start and again at a reload."""
    spec = importlib.util.spec_from_file_location("app_under_test", ROOT / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    scratch = tmp_path_factory.mktemp("app")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Chainlit's own imports
        patch.chdir(scratch)
        patch.setenv("CHAINLIT_APP_ROOT", str(scratch))
        patch.setenv("RAG_DATA_DIR", str(scratch / "data"))
        yield load_app()


@pytest.fixture
def client(app: ModuleType) -> TestClient:
    # Entering the client would end the process: Chainlit's shutdown calls os._exit.
    return TestClient(app.server.app, base_url="http://localhost:8000")


def test_the_page_names_no_other_server_when_it_is_served(client: TestClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert "<title>" in response.text
    assert "https://" not in response.text.replace("https://github.com/Chainlit", "").replace(
        "https://chainlit-cloud", ""
    )  # those two are not loaded: metadata of a page without our configuration
    assert "script-src 'self'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/a/b"])
def test_there_is_nothing_when_no_route_is_known(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_api_answers_beside_the_page_when_the_app_is_loaded(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"ready": False}
    refusal = client.get("/v1/models")  # its client has no address, so it is not this machine
    assert refusal.status_code == 401
    assert refusal.json()["error"]["code"] == "invalid_api_key"
    assert client.get("/v1/nothing").json()["error"]["code"] == "http_404"


def test_an_upload_is_refused_when_there_is_no_chat(client: TestClient) -> None:
    response = client.post("/project/file?session_id=x", files={"file": ("a.txt", b"x")})
    assert response.status_code == 404
    assert response.json()["detail"].startswith("This chat has ended.")


@pytest.mark.parametrize("path", ["/project/action", "/project/file?session_id=x"])
def test_another_site_is_refused_when_it_posts(client: TestClient, path: str) -> None:
    response = client.post(path, headers={"origin": "https://evil.example"}, json={})
    assert response.status_code == 403


def test_all_that_is_shared_stays_when_the_app_is_reloaded(app: ModuleType) -> None:
    import rag.types

    routes = [route.name for route in app.server.app.router.routes if hasattr(route, "name")]
    guards = len(app.server.app.user_middleware)
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if is_ours(name)}
    again = load_app()
    assert again.home is app.home
    assert sys.modules["rag.types"] is rag.types
    assert all(sys.modules[name] is module for name, module in before.items())
    assert [r.name for r in again.server.app.router.routes if hasattr(r, "name")] == routes
    assert len(again.server.app.user_middleware) == guards


def is_ours(name: str) -> bool:
    return name == "rag" or name.startswith("rag.")


def test_a_bad_setting_is_one_sentence_when_the_app_starts(
    app: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(app.state, "home")
    monkeypatch.setenv("RAG_TOP_K", "many")
    with pytest.raises(SystemExit) as stopped:
        load_app()
    assert str(stopped.value).startswith("Setting RAG_TOP_K: ")


@pytest.mark.anyio
async def test_consent_is_asked_anew_when_the_words_go_to_another_address(
    app: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def allow(question: str, *labels: str) -> bool:
        asked.append(question.replace("\\", ""))
        return True

    chat = Chat(Wording("en"))
    monkeypatch.setattr(app.turns, "the_chat", lambda: chat)
    monkeypatch.setattr(app.reply, "ask", allow)
    for address in ("https://one.example/v1", "https://one.example/v1", "https://two.example/v1"):
        assert await app.turns.consent(EndpointModel("", address, "secret"))
    assert ["one.example" in question for question in asked] == [True, False]
    assert "would be sent to **https://two.example**" in asked[1]
    assert chat.allowed == {"https://one.example": True, "https://two.example": True}
