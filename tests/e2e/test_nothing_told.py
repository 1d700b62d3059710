"""Canaries in every key, question and document: what a running app logs, counts, sends to a
collector, shows and exports holds none that does not belong there."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from chatting import Person
from e2e import driving
from e2e.driving import App
from scripted_server import Scripted, ScriptedServer

from rag.settings import Settings, variable_of

KEY = "canary-7d41"
WORDS = ("Amaryllis", "Belladonna", "Calendula", "Dianthus")  # asked, read, named, answered
ASKED, READ, NAMED, ANSWERED = WORDS
QUESTION = f"How many litres does the pump of {ASKED} hold?"
START_S = 60


@dataclass
class Collector:
    """Of OpenTelemetry's spans, as they come."""

    url: str
    received: bytearray


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    received = bytearray()

    class Receives(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.extend(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receives) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Collector(f"http://127.0.0.1:{server.server_port}", received)
        server.shutdown()


@pytest.fixture(params=["info", "error"])
def app(
    request: pytest.FixtureRequest,
    start_app: Callable[..., App],
    scripted_server: ScriptedServer,
    collector: Collector,
    tmp_path: Path,
) -> App:
    docs = tmp_path / "docs"
    docs.mkdir()
    text = f"The pump holds 40 litres of {READ}."
    (docs / f"{NAMED}.txt").write_text(text, encoding="utf-8")
    keys = {
        variable_of(name, field): f"{KEY}-{name}"
        for name, field in Settings.model_fields.items()
        if name.endswith(("_key", "_secret"))
    }
    address = scripted_server.base_url.replace("://", f"://{KEY}-server@")
    return start_app(
        {
            **keys,
            "RAG_DOCS_DIR": str(docs),
            "RAG_SLM": f"{address}#small",
            "RAG_LLM": "none",
            "RAG_MODE": "slm",
            "RAG_DISCOVERY": "false",
            "RAG_LOG_FORMAT": "json",
            "RAG_LOG_LEVEL": request.param,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
    )


def ask(app: App, scripted_server: ScriptedServer) -> list[str]:
    """By the API and on the page, well and badly; what was shown."""
    headers = {"authorization": f"Bearer {KEY}-api_key"}
    asked = {"model": "rag-slm", "messages": [{"role": "user", "content": QUESTION}]}
    bad = Scripted(status=400, error={"message": f"Bad key {KEY}-server for {ASKED}"})
    broken = Scripted((f"The {ANSWERED}",), then="disconnect")
    shown = []
    with httpx.Client(base_url=app.url, timeout=START_S, headers=headers) as client:
        for reply in (Scripted((f"It holds 40 litres of {ANSWERED} [1].",)), bad, broken):
            scripted_server.script(reply)
            shown.append(client.post("/v1/chat/completions", json=asked).text)
        wrong = {"authorization": f"Bearer {KEY}-wrong"}
        shown.append(client.post("/v1/chat/completions", json=asked, headers=wrong).text)
        shown += [client.get(path).text for path in ("/", "/readyz", "/v1/openapi.json")]

    async def chat() -> None:
        person = Person(app.url)
        await person.connect()
        await person.ready()
        file = await person.upload(f"{NAMED} too.txt", f"And 3 of {READ}.".encode())
        scripted_server.script(Scripted((f"Of {ANSWERED} 40 litres [1].",)))
        shown.append(await person.ask(QUESTION, (file,)))
        scripted_server.script(bad)
        shown.append(await person.ask(QUESTION))
        shown.extend(person.errors)
        await person.leave()

    asyncio.run(chat())
    assert any(ANSWERED in one for one in shown)
    return shown


def packed(data: bytes) -> str:
    """All that the files of an archive hold."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return "".join(file.read(name).decode() for name in file.namelist())


def exported(app: App, folder: Path) -> str:
    subprocess.run(
        [sys.executable, "-m", "rag", "people", "export", "local", str(folder / "local.zip")],
        cwd=app.folder, check=True, capture_output=True,
        env={**os.environ, "RAG_DATA_DIR": str(app.folder / "data")},
    )  # fmt: skip
    return packed((folder / "local.zip").read_bytes())


def test_nothing_is_told_where_it_does_not_belong_when_people_and_programs_asked(
    app: App, scripted_server: ScriptedServer, collector: Collector, tmp_path: Path
) -> None:
    shown = ask(app, scripted_server)
    key = {"authorization": f"Bearer {KEY}-api_key"}
    metrics = httpx.get(f"{app.url}/metrics", headers=key).text
    mine = packed(httpx.get(f"{app.url}/mine.zip", timeout=START_S).content)
    theirs = exported(app, tmp_path)
    driving.stop(app)
    log = (app.folder / "log.txt").read_text(encoding="utf-8")
    sent = collector.received.decode("utf-8", "replace")
    assert any(f"{KEY}-server" in str(one.headers) for one in scripted_server.history)
    for told in (*shown, metrics, mine, theirs, log, sent):
        assert KEY not in told
    assert [ASKED in told and READ in told for told in (mine, theirs)] == [True, True]
    assert "rag_turns_total" in metrics
    assert "rag.outcome" in sent
    for told in (metrics, log, sent):
        assert [word for word in WORDS if word in told] == []
