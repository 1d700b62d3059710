"""A running service is found wherever it listens, and what is not one is not taken for it."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rag.models.foundry import service

STATUS = {"endpoints": ["http://127.0.0.1:1"], "modelCachePath": "/models", "pid": 1}

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name == "nt", reason="its command is imitated by a shell script"),
]


class Pages:
    """A server on this machine with the pages it is given."""

    def __init__(self) -> None:
        self.pages: dict[str, object] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = outer.pages.get(self.path)
                self.send_response(404 if page is None else 200)
                self.end_headers()
                self.wfile.write(json.dumps(page).encode())

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def pages() -> Iterator[Pages]:
    pages = Pages()
    yield pages
    pages.server.shutdown()
    pages.server.server_close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "DEFAULT_PORT", free_port())
    monkeypatch.setattr(service, "_COMMAND", "no-such-command")
    monkeypatch.setattr(service, "_PROCESSES", ("no such process",))


def command(folder: Path, script: str) -> str:
    path = folder / "foundry"
    path.write_text(f"#!{sys.executable}\n{script}\n")
    path.chmod(0o700)
    return str(path)


async def test_no_address_is_found_when_nothing_runs() -> None:
    assert await service.service_address() == ""


async def test_the_default_port_is_found_when_its_status_page_is_there(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.pages["/openai/status"] = STATUS
    monkeypatch.setattr(service, "DEFAULT_PORT", pages.port)
    assert await service.service_address() == f"http://127.0.0.1:{pages.port}"


async def test_the_port_is_not_taken_when_something_else_answers_there(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.pages["/status"] = {"state": "a program of another kind"}
    monkeypatch.setattr(service, "DEFAULT_PORT", pages.port)
    assert await service.service_address() == ""


async def test_the_dynamic_port_is_found_when_the_command_names_it(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pages.pages["/status"] = STATUS
    said = f"🟢 Model management service is running on http://127.0.0.1:{pages.port}/openai/status"
    monkeypatch.setattr(service, "_COMMAND", command(tmp_path, f"print({said!r})"))
    assert await service.service_address() == f"http://127.0.0.1:{pages.port}"


async def test_a_hanging_command_is_ended_when_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(service, "_ASKING_S", 0.2)
    monkeypatch.setattr(service, "_COMMAND", command(tmp_path, "import time; time.sleep(600)"))
    assert await service.service_address() == ""


async def test_the_dynamic_port_is_found_when_a_process_of_its_name_listens(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.pages["/status"] = STATUS
    monkeypatch.setattr(service, "_PROCESSES", (Path(sys.executable).name[:4].lower(), "pytest"))
    assert await service.service_address() == f"http://127.0.0.1:{pages.port}"
