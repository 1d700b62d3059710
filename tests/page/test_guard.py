from __future__ import annotations

import base64
import hashlib

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from rag.page.guard import (
    Guard,
    content_security_policy,
    is_chat_id,
    without_outside_links,
)


async def echo(_request: Request) -> Response:
    return PlainTextResponse("fine")


async def script(_request: Request) -> Response:
    return PlainTextResponse("1", media_type="text/javascript")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("fine")
    await websocket.close()


@pytest.fixture
def client() -> TestClient:
    app = Starlette(
        routes=[
            Route("/", echo, methods=["GET", "POST"]),
            Route("/script.js", script),
            Route("/ws/socket.io/", echo),
            WebSocketRoute("/ws", socket),
        ]
    )
    return TestClient(Guard(app, ["https://chat.example.org"]), base_url="http://localhost:8000")


@pytest.mark.parametrize(
    "host",
    ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.168.1.7", "my-pc:8000", "nas.local",
     "host.docker.internal:8000", "chat.example.org"],
)  # fmt: skip
def test_a_request_passes_when_the_host_is_ours(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8000", "[bad"])
def test_a_request_is_refused_when_a_foreign_name_points_here(
    client: TestClient, host: str
) -> None:
    assert client.get("/", headers={"host": host}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # not a browser
        ({"origin": "http://localhost:8000"}, 200),
        ({"origin": "https://chat.example.org"}, 200),
        ({"origin": "https://tunnel.example", "x-forwarded-host": "tunnel.example"}, 200),
        ({"origin": "http://localhost:9000"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_a_post_is_refused_when_another_site_sends_it(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    assert client.post("/", headers=headers).status_code == status


def test_a_page_may_be_fetched_when_another_site_links_to_it(client: TestClient) -> None:
    assert client.get("/", headers={"origin": "https://evil.example"}).status_code == 200


def test_a_socket_opens_when_the_page_is_ours(client: TestClient) -> None:
    headers = {"host": "localhost:8000", "origin": "http://localhost:8000"}
    with client.websocket_connect("/ws", headers=headers) as websocket:
        assert websocket.receive_text() == "fine"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:8000", "origin": "https://evil.example"},
        {"host": "evil.example", "origin": "http://evil.example"},
    ],
)
def test_a_socket_is_refused_when_another_site_opens_it(
    client: TestClient, headers: dict[str, str]
) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers=headers):
        pass


def test_headers_are_added_when_a_response_has_none(client: TestClient) -> None:
    headers = client.get("/").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "sandbox" in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/", {"host": "evil.example"}, 403), ("/none", {}, 404)],
)
def test_headers_are_added_when_nothing_is_served(
    client: TestClient, path: str, headers: dict[str, str], status: int
) -> None:
    response = client.get(path, headers=headers)
    assert response.status_code == status
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.headers["x-frame-options"] == "SAMEORIGIN"


def test_nothing_is_told_of_it_when_a_request_fails() -> None:
    async def failing(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    response = TestClient(Guard(failing), base_url="http://localhost:8000").get("/")
    assert response.status_code == 500
    assert response.text == "Something went wrong on this server. Its log tells what."
    assert "sandbox" in response.headers["content-security-policy"]


def test_a_socket_is_refused_when_another_site_polls_for_it(client: TestClient) -> None:
    address = "/ws/socket.io/?transport=polling"
    assert client.get(address, headers={"origin": "https://evil.example"}).status_code == 403
    assert client.get(address, headers={"origin": "http://localhost:8000"}).status_code == 200


@pytest.mark.parametrize(
    ("given", "is_one"),
    [
        ("0c5b1b8e-4a55-4f0e-9a53-6f6a2b6c8f10", True),
        ("../../../home/somebody", False),
        ("/home/somebody", False),
        ("", False),
        ("0c5b1b8e-4a55-4f0e-9a53-6f6a2b6c8f10/..", False),
        (None, False),
        (["0c5b1b8e-4a55-4f0e-9a53-6f6a2b6c8f10"], False),
    ],
)
def test_a_chats_id_is_no_path_when_it_is_accepted(given: object, is_one: bool) -> None:
    assert is_chat_id(given) is is_one


def test_a_script_keeps_its_freedom_when_headers_are_added(client: TestClient) -> None:
    assert "content-security-policy" not in client.get("/script.js").headers


def test_links_to_other_servers_go_when_the_page_is_cleaned() -> None:
    html = (
        '<link rel="stylesheet" href="https://cdn.example/a.css" />'
        '<link\n  href="https://fonts.example/b" rel="stylesheet"\n/>'
        '<link rel="stylesheet" href="//cdn.example/c.css">'
        '<link rel="stylesheet" href="/assets/own.css">'
    )
    assert without_outside_links(html) == '<link rel="stylesheet" href="/assets/own.css">'


def test_only_the_pages_own_inline_scripts_run_when_it_is_served() -> None:
    html = '<script>one()</script><script src="/a.js"></script><script type="x">two()</script>'
    policy = content_security_policy(html)
    for body in ("one()", "two()"):
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.count("sha256-") == 2
    assert "'unsafe-inline'" not in policy.split("style-src")[0]
