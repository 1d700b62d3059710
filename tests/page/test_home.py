from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rag.errors import IndexLocked
from rag.models.weights import Progress
from rag.page.chat import Asked, Chat
from rag.page.choices import Choices
from rag.page.home import Home, waiting
from rag.page.passages import Page
from rag.page.telling import Telling
from rag.page.wording import Wording
from rag.settings import load

ENGLISH = Wording("en")
CHOICES = Choices("slm")


@dataclass
class Status:
    model: str
    progress: Progress | None
    is_ready: bool


class Workspace:
    """Opens when it is let; tells one status."""

    opened: list[Workspace] = []  # noqa: RUF012
    failure: Exception | None = None
    gate: asyncio.Event

    def __init__(self, _settings: Any) -> None:
        self.is_closed = False
        self.progress: Progress | None = None
        self.is_ready = True
        self.warmed: list[tuple[str, str | None]] = []
        self.opened.append(self)

    async def open(self, _on_event: Any) -> None:
        await self.gate.wait()
        if self.failure:
            raise self.failure

    async def close(self) -> None:
        self.is_closed = True

    @property
    def roster(self) -> Workspace:
        return self

    def warm(self, tier: str, setting: str | None) -> None:
        self.warmed.append((tier, setting))

    def status(self, tier: str, setting: str | None) -> Status:
        return Status(f"{tier}:{setting}", self.progress, self.is_ready)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Home:
    Workspace.opened, Workspace.failure, Workspace.gate = [], None, asyncio.Event()
    monkeypatch.setattr("rag.workspace.Workspace", Workspace)
    return Home(load(data_dir=tmp_path))


@pytest.mark.anyio
async def test_the_library_is_waited_for_when_it_opens(home: Home) -> None:
    assert home.waits_for(CHOICES, ENGLISH) == "Opening the library"
    await home.start()
    assert home.waits_for(CHOICES, ENGLISH) == "Opening the library"
    Workspace.gate.set()
    assert await home.workspace() is await home.workspace()
    assert home.waits_for(CHOICES, ENGLISH) == ""
    assert len(Workspace.opened) == 1


@pytest.mark.anyio
async def test_it_is_opened_anew_when_that_has_failed(home: Home) -> None:
    Workspace.gate.set()
    Workspace.failure = IndexLocked("Another process is writing.")
    with pytest.raises(IndexLocked):
        await home.workspace()
    assert home.waits_for(CHOICES, ENGLISH) == ""
    Workspace.failure = None
    await home.workspace()
    assert len(Workspace.opened) == 2


@pytest.mark.anyio
async def test_a_chat_that_leaves_does_not_stop_it_when_others_wait(home: Home) -> None:
    leaving = asyncio.create_task(home.workspace())
    staying = asyncio.create_task(home.workspace())
    await asyncio.sleep(0)
    leaving.cancel()
    Workspace.gate.set()
    assert await staying is Workspace.opened[0]  # type: ignore[comparison-overlap]


@pytest.mark.anyio
async def test_it_is_closed_when_the_process_ends(home: Home) -> None:
    Workspace.gate.set()
    await home.workspace()
    await home.close()
    assert Workspace.opened[0].is_closed


@pytest.mark.anyio
async def test_nothing_is_closed_when_it_was_never_open(home: Home) -> None:
    await home.close()
    await home.start()
    await home.close()
    assert Workspace.opened == []


@pytest.mark.anyio
async def test_the_chosen_model_is_waited_for_when_it_is_prepared(home: Home) -> None:
    Workspace.gate.set()
    await home.workspace()
    workspace = Workspace.opened[0]
    workspace.is_ready = False
    assert home.waits_for(CHOICES, ENGLISH) == "Waiting for slm:None"
    workspace.progress = Progress("download", 50_000_000, 200_000_000, "bytes")
    line = home.waits_for(Choices("llm", llm="embedded:large"), ENGLISH)
    assert line == "Fetching llm:embedded:large: 25% (50 / 200 MB)"
    prepared = asyncio.create_task(home.prepared(CHOICES))
    await asyncio.sleep(0)
    assert not prepared.done()
    workspace.is_ready = True
    await prepared


def find_page(document_id: str, page: int) -> Page:
    return Page("", "", False)


@pytest.mark.anyio
async def test_a_chat_tells_what_it_waits_for_unless_a_turn_does(home: Home) -> None:
    Workspace.gate.set()
    await home.workspace()
    Workspace.opened[0].is_ready = False
    chat = Chat(ENGLISH)
    assert home.line(chat, CHOICES, "kept") == "Waiting for slm:None · your question is kept"
    told = Telling(chat, "turn", Asked("?", "", None), find_page, tier="llm")  # type: ignore[arg-type]
    chat.writing = told
    assert home.line(chat, CHOICES, "waiting") == ""


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress("download", 1_000_000, 0, "bytes"), "Fetching m: 1 MB"),
        (Progress("convert", 1, 4, "steps"), "Preparing m for this machine, once: 25%"),
        (Progress("convert", 1, 0, "steps"), "Preparing m for this machine, once: …"),
        (Progress("load", 0, 0, "steps"), "Loading m"),
        (None, "Waiting for m"),
    ],
)
def test_progress_is_told_when_only_some_of_it_is_known(
    progress: Progress | None, line: str
) -> None:
    assert waiting("m", progress, ENGLISH) == line


@pytest.mark.anyio
async def test_what_a_chat_switched_to_is_warmed_when_it_will_be_asked(home: Home) -> None:
    Workspace.gate.set()
    await home.warm(Choices("auto", slm="embedded:a", llm="embedded:b"))
    await home.warm(Choices("auto"))
    await home.warm(Choices("slm", llm="embedded:b"))
    await home.warm(Choices("llm", slm="embedded:a"))
    assert Workspace.opened[0].warmed == [
        ("slm", "embedded:a"),
        ("llm", "embedded:b"),
        ("slm", None),
        ("slm", None),
        ("llm", None),
    ]
