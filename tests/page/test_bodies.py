from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from rag.page.bodies import BodyLimit

LIMIT_BYTES = 2_000_000
JSON = {"content-type": "application/json"}


@pytest.fixture
def taken() -> list[int]:
    return []


@pytest.fixture
def client(taken: list[int]) -> TestClient:
    app = FastAPI()

    @app.post("/echo")
    def echo(body: dict[str, str]) -> str:  # FastAPI would answer 400 to a body that breaks off
        taken.append(len(body["text"]))
        return "fine"

    return TestClient(BodyLimit(app, LIMIT_BYTES))


def pieces(count: int) -> Iterator[bytes]:
    """Without a Content-Length."""
    yield b'{"text": "'
    for _ in range(count):
        yield b"x" * 100_000
    yield b'"}'


def test_a_body_passes_when_it_is_within_the_limit(client: TestClient, taken: list[int]) -> None:
    assert client.post("/echo", content=pieces(10), headers=JSON).status_code == 200
    assert taken == [1_000_000]


def test_a_body_is_refused_when_it_says_that_it_is_too_large(client: TestClient) -> None:
    response = client.post("/echo", content=b"x" * (LIMIT_BYTES + 1))
    assert response.status_code == 413
    assert response.text == "The request holds more than 2 MB. Send less."


def test_a_body_is_cut_when_it_does_not_say_how_large_it_is(
    client: TestClient, taken: list[int]
) -> None:
    response = client.post("/echo", content=pieces(40), headers=JSON)
    assert response.status_code == 413
    assert response.headers["connection"] == "close"
    assert taken == []
