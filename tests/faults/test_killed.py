"""The app is killed, as by `kill -9`, in the middle of its work; then it is started again."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chatting import Person
from e2e import driving
from scripted_server import Scripted, ScriptedServer

from rag.documents.library import Library
from rag.indexing import DiskCopy
from rag.measuring.ledger import LEDGER, Ledger
from rag.types import Query
from rag.workspace import LIBRARY

ROOT = Path(__file__).parents[2]
QUESTION = "How many litres of water does the fountain hold?"
GOOD = "The fountain holds 300 litres of water."


def settings(tmp_path: Path, server: ScriptedServer) -> dict[str, str]:
    docs = tmp_path / "docs"
    docs.mkdir(exist_ok=True)
    (docs / "garden.md").write_text("The fountain in the garden holds 300 litres of water.\n")
    return {
        "RAG_DOCS_DIR": str(docs),
        "RAG_DATA_DIR": str(tmp_path / "data"),
        "RAG_SLM": f"{server.base_url}#scripted-model",
        "RAG_LLM": "none",
        "RAG_DISCOVERY": "false",
        "NO_PROXY": "*",
    }


def half_uploaded(url: str, person: Person) -> socket.socket:
    """A connection on which half of a file has been sent."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port))
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    head = (
        f"POST /project/file?session_id={person.session_id} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 4000000\r\n\r\n"
    )
    connection.sendall(head.encode() + part + b"x" * 2_000_000)
    return connection


def test_nothing_is_lost_or_half_there_when_it_dies_in_an_upload_and_an_answer(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    scripted_server.fallback = driving.says(GOOD)
    chosen = settings(tmp_path, scripted_server)
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    app = driving.start(tmp_path / "first", chosen)

    async def until_it_dies() -> str:
        person = Person(app.url)
        await person.connect()
        await person.ready()
        answer = await person.ask(QUESTION)
        connection = half_uploaded(app.url, person)
        scripted_server.fallback = Scripted(["The fountain", " holds"], then="stall")
        await person.send(QUESTION)
        await asyncio.to_thread(scripted_server.arrivals.get)  # of the first question
        await asyncio.to_thread(scripted_server.arrivals.get)
        app.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(app.process.wait)
        connection.close()
        await person.leave()
        return answer

    async def again(url: str) -> str:
        person = Person(url)
        await person.connect()
        await person.ready()
        answer = await person.ask(QUESTION)
        await person.leave()
        return answer

    assert GOOD[:-1] in asyncio.run(until_it_dies())
    left = [one for one in (app.folder / ".files").rglob("*") if one.is_file()]
    # What had come of the upload was in a file without a name; these are of the card.
    assert {one.suffix for one in left} <= {".json"}
    ledger = Ledger(tmp_path / "data" / LEDGER)
    assert len(ledger.entries()) == 1
    scripted_server.fallback = driving.says(GOOD)
    second = driving.start(tmp_path / "second", chosen)
    try:
        assert GOOD[:-1] in asyncio.run(again(second.url))
    finally:
        driving.stop(second)
    assert len(ledger.entries()) == 2
    library = Library(tmp_path / "data" / LIBRARY)
    assert [entry.name for entry in library.documents()] == ["garden.md"]
    library.close()


INDEXING = """
import os, sys, threading
from pathlib import Path
from rag.documents.library import Library
from rag.indexing import DiskCopy
from rag.types import Chunk, Document

folder = Path(sys.argv[1])
library, copy = Library(folder / "library.sqlite"), DiskCopy(folder / "index")
known = len(library.documents())
threading.Timer(float(sys.argv[2]), os._exit, (9,)).start()
for number in range(known, known + 100_000):
    name = f"file{number}"
    text = f"oil {name}"
    chunk = Chunk(f"{name}:0", name, name, 1, "", text, 0, len(text), 3, "en")
    library.add(Document(name, name, "text/plain", (text,), "en"), [chunk], None)
    if number % 5 == 4:
        library.remove(f"file{number - 2}")
    copy.catch_up(library)
"""


def test_the_index_holds_what_the_library_holds_when_it_dies_while_writing(tmp_path: Path) -> None:
    counts = []
    for after_s in (1.2, 1.33, 1.57):
        command = [sys.executable, "-c", INDEXING, str(tmp_path), str(after_s)]
        died = subprocess.run(command, cwd=ROOT, check=False, timeout=120)
        assert died.returncode == 9
        library, copy = Library(tmp_path / "library.sqlite"), DiskCopy(tmp_path / "index")
        copy.catch_up(library)
        names = {entry.name for entry in library.documents()}
        hits = copy.view().search(Query("oil"), 10_000)
        assert {hit.chunk.document_name for hit in hits} == names
        assert len(hits) == len(names) > 0
        library.close()
        counts.append(len(list((tmp_path / "index").rglob("*"))))
    assert max(counts) < 500  # files of segments, and of those that a merge is done with


@pytest.mark.parametrize("is_gone", [True, False])
def test_the_next_question_is_answered_when_the_model_server_died_and_came_back(
    tmp_path: Path, is_gone: bool
) -> None:
    server = ScriptedServer()
    stop = server.start()
    server.fallback = Scripted(["The fountain", " holds"], then="disconnect")
    port = urlsplit(server.base_url).port or 0
    app = driving.start(tmp_path, settings(tmp_path / "..", server), driving.NO_PAUSE)

    async def asked() -> tuple[list[str], str]:
        person = Person(app.url)
        await person.connect()
        await person.ready()
        await person.ask(QUESTION)
        nonlocal stop
        if is_gone:
            await asyncio.to_thread(stop)
            await person.ask(QUESTION)
            stop = await asyncio.to_thread(server.start, port)
        server.fallback = driving.says(GOOD)
        errors = list(person.errors)
        answer = await person.ask(QUESTION)
        await person.leave()
        return errors, answer

    try:
        errors, answer = asyncio.run(asked())
    finally:
        driving.stop(app)
        stop()
    assert errors
    assert all(error.endswith(".") for error in errors)
    assert GOOD[:-1] in answer
