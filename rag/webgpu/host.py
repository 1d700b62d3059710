"""What the page's routes need of the chat's process, from its settings and its open workspace."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.models.browser.prepare import BROWSER_MODELS, prepare
from rag.models.weights import Progress, installed, models_folder
from rag.settings import Settings
from rag.types import Tier
from rag.webgpu.answering import TierModel
from rag.webgpu.preparing import Preparing

if TYPE_CHECKING:
    from rag.workspace import Workspace

_ANSWERING = {"ready", "idle"}  # states in which a question is answered, once a model is loaded
_NOT_HERE = "{name} is not on this server yet. It is fetched when the chat first needs it."


class ChatHost:
    def __init__(
        self,
        settings: Settings,
        workspace: Callable[[], Awaitable[Workspace]],
        may_ask: Callable[[], bool],
        person: Callable[[], str],
    ) -> None:
        """``may_ask`` and ``person`` are of who sent the request under way."""
        self.models_folder: Path = models_folder(settings.data_dir)
        self.preparing = Preparing(self._prepare)
        self.allow_remote = settings.allow_remote
        self._workspace = workspace
        self.may_ask = may_ask
        self._person = person

    async def tier(self, tier: Tier) -> TierModel | None:
        workspace = await self._workspace()
        found = await workspace.roster.resolve(tier)
        if found.model is None:
            return None
        status = workspace.status(tier)
        if status.state == "idle" and await asyncio.to_thread(self._must_be_fetched, status.model):
            return TierModel(found.model, False, _NOT_HERE.format(name=status.model))
        return TierModel(found.model, status.state in _ANSWERING, status.sentence)

    def _must_be_fetched(self, name: str) -> bool:
        """Whether it is one of ours that a question would have to wait for, for minutes."""
        ours = {one.name: one for one in installed(self.models_folder.parent)}
        return name in ours and not (ours[name].downloaded or ours[name].converted)

    async def turn(self) -> AbstractAsyncContextManager[None]:
        return (await self._workspace()).turnstile.turn(self._person())

    def _prepare(
        self, name: str, on_progress: Callable[[Progress], None], stop: threading.Event
    ) -> None:
        prepare(BROWSER_MODELS[name], self.models_folder, on_progress, stop)
