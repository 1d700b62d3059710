"""What all chats of a process share: one workspace, opened in the background, closed at the end.

The page is served while it opens. It knows nothing of how waiting is shown.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rag import ending, logs
from rag.page.choices import Choices
from rag.page.models import Models
from rag.page.phases import Patience
from rag.page.routes import Source
from rag.page.wording import Wording
from rag.settings import Settings
from rag.types import Tier

if TYPE_CHECKING:
    from rag.models.weights import Progress
    from rag.page.chat import Chat
    from rag.workspace import IngestEvent, Workspace

SLOW_IMPORTS = ("rag.workspace", "rag.retrieval.joint", "rag.page.reading")  # a second and more
LOOK_S = 0.3  # between two looks at what is waited for
LAST_WORDS_S = 0.5  # that they are on their way before the connections are closed
MEGA = 1_000_000


class Home:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opening: asyncio.Task[Workspace] | None = None
        self._models: Models | None = None  # once the library is open
        self._file = ""  # of the documents folder, being read while the library opens

    async def start(self) -> None:
        """Begin to log, and to open."""
        logs.configure(self.settings.log_format, self.settings.log_level)
        ending.wait_before_ending(self.drained)
        self._started()

    async def drained(self) -> None:
        """Return once no answer is under way, or the settings' patience is over."""
        if workspace := self.opened:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.settings.shutdown_s):
                    await workspace.turnstile.shut()
                    await asyncio.sleep(LAST_WORDS_S)

    async def workspace(self) -> Workspace:
        """Once it is open; opened anew if that has failed. Raises what opening it raised."""
        return await asyncio.shield(self._started())

    @property
    def opened(self) -> Workspace | None:
        """None while it is being opened. Raises what opening it raised."""
        is_open = self._opening is not None and self._opening.done()
        return self._opening.result() if self._opening and is_open else None

    async def models(self) -> Models:
        """What the panel of models works on. Raises what opening the library raised."""
        workspace = await self.workspace()
        self._models = self._models or Models(workspace.roster)
        return self._models

    async def add_server(self, address: str, key: str) -> str:
        """Its address as it may be shown. Raises SettingsError."""
        return await (await self.models()).add(address, key)

    def _started(self) -> asyncio.Task[Workspace]:
        if self._opening is None or (self._opening.done() and self._opening.exception()):
            self._opening = asyncio.create_task(self._open())
        return self._opening

    async def close(self) -> None:
        if self._opening is None:
            return
        self._opening.cancel()  # if it is still at it
        [opened] = await asyncio.gather(self._opening, return_exceptions=True)
        if self._models:
            await self._models.close()
        if not isinstance(opened, BaseException):
            await opened.close()

    async def _open(self) -> Workspace:
        for module in SLOW_IMPORTS:
            await asyncio.to_thread(importlib.import_module, module)
        from rag.workspace import Workspace  # noqa: PLC0415

        workspace = Workspace(self.settings)
        await workspace.open(self._note)
        # What is here now stays. Python would look through all of it again and again, for a quarter
        # of a second each time, in which every chat stands still; collecting first would be one.
        gc.freeze()
        return workspace

    def _note(self, event: IngestEvent) -> None:
        self._file = getattr(event, "name", self._file)

    async def expect_files(self) -> None:
        """An upload has begun; whoever reads it can start meanwhile."""
        if self._opening and self._opening.done() and not self._opening.exception():
            await self._opening.result().expect_files()

    async def source(self, document_id: str) -> Source:
        """A library document's file. Raises NotFound."""
        entry = (await self.workspace()).library.entry(document_id)
        return Source(entry.source or Path(), entry.media_type)

    def waits_for(self, choices: Choices, words: Wording, tier: Tier | None = None) -> str:
        """What an answer would have to wait for just now, as a line; "" for nothing.

        ``tier``: whose model is at work; None for the one that begins.
        """
        if self._opening is None or not self._opening.done():
            return words("opening_file", name=self._file) if self._file else words("opening")
        if self._opening.exception():
            return ""
        tier = tier or ("llm" if choices.mode == "llm" else "slm")
        status = self._opening.result().status(tier, getattr(choices, tier))
        return "" if status.is_ready else waiting(status.model, status.progress, words)

    def line(self, chat: Chat, choices: Choices, key: str) -> str:
        """What a chat waits for, in the sentence of ``key``; "" for nothing, or as a turn tells."""
        state = "" if chat.writing else self.waits_for(choices, chat.words)
        return chat.words(key, state=state) if state else ""

    async def warm(self, choices: Choices) -> None:
        """Make ready, in the background, what a chat has switched to and will ask; models on other
        machines are left alone. A larger one that nobody has chosen takes memory in vain."""
        roster = (await self.workspace()).roster
        for tier in choices.warmed:
            roster.warm(tier, getattr(choices, tier))

    @property
    def patience(self) -> Patience:
        settings = self.settings
        return Patience(
            settings.first_token_timeout_s, settings.stall_timeout_s, settings.escalation_timeout_s
        )

    async def prepared(self, choices: Choices) -> None:
        """Return once nothing is waited for."""
        while self.waits_for(choices, Wording("en")):  # noqa: ASYNC110 (models tell no changes)
            await asyncio.sleep(LOOK_S)


def waiting(model: str, progress: Progress | None, words: Wording) -> str:
    """``progress`` None: it has not begun, or cannot be measured."""
    if progress is None:
        return words("wait", model=model or words("a_model"))
    return words(progress.stage, model=model, percent=_share(progress))


def _share(progress: Progress) -> str:
    if not progress.total:
        return f"{progress.done / MEGA:.0f} MB" if progress.unit == "bytes" else "…"
    percent = f"{progress.done / progress.total:.0%}"
    if progress.unit != "bytes":
        return percent
    return f"{percent} ({progress.done / MEGA:.0f} / {progress.total / MEGA:.0f} MB)"
