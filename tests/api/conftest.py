"""The API as other programs meet it: on a socket, over a real library and a scripted model."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import uvicorn
from scripted_server import ScriptedServer
from starlette.applications import Starlette

from rag.api.routes import api_routes
from rag.page.guard import Guard
from rag.page.home import Home
from rag.settings import load

QUESTION = "How often is the oil changed?"
OIL = "The oil of the pump is changed every 500 hours."


@dataclass
class Served:
    url: str
    home: Home
    key: str

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=self.key or "none", max_retries=0)

    @property
    def async_client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=f"{self.url}/v1", api_key=self.key or "none", max_retries=0
        )

    def ask(self, question: str = QUESTION, model: str = "rag-slm", **options: Any) -> Any:
        messages = options.pop("messages", [{"role": "user", "content": question}])
        return self.client.chat.completions.create(model=model, messages=messages, **options)

    def post(self, **fields: Any) -> httpx.Response:
        body = {"model": "rag-slm", "messages": [{"role": "user", "content": QUESTION}]} | fields
        return httpx.post(f"{self.url}/v1/chat/completions", json=body, timeout=60)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=headers, timeout=60)


Serve = Callable[..., Served]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "pump.md").write_text(f"# Pump\n\n{OIL}", encoding="utf-8")
    (folder / "lamp.md").write_text("# Lamp\n\nThe lamp is red.", encoding="utf-8")
    return folder


@pytest.fixture
def serve(tmp_path: Path, docs: Path, scripted_server: ScriptedServer) -> Iterator[Serve]:
    """Starts the API over ``docs``, with these settings; its small model is the scripted one."""
    stops: list[Callable[[], None]] = []

    def start(*, pause_s: float = 60.0, is_open: bool = True, **settings: Any) -> Served:
        given = {
            "data_dir": tmp_path / "data",
            "docs_dir": docs,
            "slm": f"{scripted_server.base_url}#small",
            "llm": "none",
            "workers": 1,
            "turns_per_minute": 0,
            **settings,
        }
        home = Home(load(**given))
        app = _app(home, pause_s, is_open=is_open)
        url, stop = _serve(app)
        stops.append(stop)
        scripted_server.history.clear()
        return Served(url, home, str(settings.get("api_key", "")))

    yield start
    for stop in stops:
        stop()


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve()


def _app(home: Home, pause_s: float, *, is_open: bool) -> Starlette:
    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        if is_open:
            roster = (await home.workspace()).roster
            for tier in ("slm", "llm"):
                await roster.look(tier)  # what it asks to find out is no part of a test
        yield
        await home.close()

    app = Starlette(routes=api_routes(home, pause_s=pause_s), lifespan=life)
    app.add_middleware(Guard)
    return app


def _serve(app: Starlette) -> tuple[str, Callable[[], None]]:
    """From a thread; the address, and what ends it."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(app, ws="none", log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)

    def stop() -> None:
        server.should_exit = True
        thread.join()

    return url, stop
