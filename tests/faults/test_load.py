"""Several people at once over real sockets: bench/load.py does the same with fifty."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import socketio.exceptions
from chatting import Person
from e2e import driving
from e2e.driving import App

from bench.load import GARDEN, QUESTION, Load, asked, scripted

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of aiohttp


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    docs = tmp_path_factory.mktemp("docs")
    (docs / "garden.md").write_text(GARDEN)
    with scripted() as server:
        settings = {
            "RAG_DOCS_DIR": str(docs),
            "RAG_SLM": f"{server.base_url}#scripted-model",
            "RAG_LLM": "none",
            "RAG_DISCOVERY": "false",
            "RAG_TURNS_PER_MINUTE": "6",
            "NO_PROXY": "*",
        }
        app = driving.start(tmp_path_factory.mktemp("app"), settings)
        yield app
        driving.stop(app)


@pytest.fixture(scope="module")
def load(app: App) -> Load:
    return asyncio.run(asked(app, people=10, turns=60))


def test_no_message_is_lost_or_crossed_when_ten_people_chat_at_once(load: Load) -> None:
    assert (load.turns, load.lost, load.crossed, load.errors) == (60, 0, 0, ())


def test_one_person_is_told_to_wait_and_others_are_answered_when_one_floods(app: App) -> None:
    async def flooded() -> tuple[list[str], str]:
        flooder, other = Person(app.url), Person(app.url)
        for person in (flooder, other):
            await person.connect()
            await person.ready()
        for number in range(20):
            await flooder.send(QUESTION.format(token=f"q0x{number}x"))
        answer = await other.ask(QUESTION.format(token="q1x1x"))
        await flooder.told(14)  # of 20, of which six are answered
        await other.leave()
        await flooder.leave()
        return flooder.errors, answer

    errors, answer = asyncio.run(flooded())
    assert "q1x1x" in answer
    assert all("ask again" in error.lower() for error in errors)


@pytest.mark.parametrize("chat_id", ["{}", "../{}", "", None])
def test_no_folder_is_touched_when_a_chat_is_named_like_one(
    app: App, tmp_path: Path, chat_id: str | None
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear")
    named = chat_id and chat_id.format(mine)

    async def connected() -> None:
        person = Person(app.url, session_id=named)  # type: ignore[arg-type]
        await person.connect()
        await person.leave()

    with pytest.raises(socketio.exceptions.ConnectionError):
        asyncio.run(connected())
    assert (mine / "letter.txt").read_text() == "dear"


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
def test_no_socket_opens_when_another_site_asks_for_it(app: App, headers: dict[str, str]) -> None:
    async def connected() -> None:
        await Person(app.url, headers=headers).connect()

    with pytest.raises(socketio.exceptions.ConnectionError):
        asyncio.run(connected())
