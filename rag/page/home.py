"""What all chats of a process share: one workspace, opened in the background, closed at the end.

The page is served while it opens. It knows nothing of how waiting is shown.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from rag.page.choices import Choices
from rag.page.wording import Wording
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.models.weights import Progress
    from rag.workspace import Workspace

SLOW_IMPORTS = ("rag.workspace", "rag.page.chat", "rag.page.reading")  # a second and more
MEGA = 1_000_000


class Home:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opening: asyncio.Task[Workspace] | None = None

    def start(self) -> asyncio.Task[Workspace]:
        """Begin to open, unless that has begun; anew if it failed."""
        if self._opening is None or (self._opening.done() and self._opening.exception()):
            self._opening = asyncio.create_task(self._open())
        return self._opening

    async def workspace(self) -> Workspace:
        """Raises what opening it raised; RagError if it is one that a person can mend."""
        return await asyncio.shield(self.start())

    async def close(self) -> None:
        if self._opening is None or self._opening.cancel() or self._opening.exception():
            return
        await self._opening.result().close()

    async def _open(self) -> Workspace:
        for module in SLOW_IMPORTS:
            await asyncio.to_thread(importlib.import_module, module)
        from rag.workspace import Workspace  # noqa: PLC0415

        workspace = Workspace(self.settings)
        await workspace.open()
        return workspace

    def waits_for(self, choices: Choices, words: Wording) -> str:
        """What an answer would have to wait for just now, as a line; "" for nothing."""
        if self._opening is None or not self._opening.done():
            return words("opening")
        if self._opening.exception():
            return ""
        tier = "llm" if choices.mode == "llm" else "slm"
        status = self._opening.result().status(tier, getattr(choices, tier))
        return "" if status.is_ready else waiting(status.model, status.progress, words)


def waiting(model: str, progress: Progress | None, words: Wording) -> str:
    """``progress`` None: it waits, but for nothing that can be measured."""
    if progress is None:
        return words("wait", model=model)
    return words(progress.stage, model=model, percent=_share(progress))


def _share(progress: Progress) -> str:
    if not progress.total:
        return f"{progress.done / MEGA:.0f} MB" if progress.unit == "bytes" else "…"
    percent = f"{progress.done / progress.total:.0%}"
    if progress.unit != "bytes":
        return percent
    return f"{percent} ({progress.done / MEGA:.0f} / {progress.total / MEGA:.0f} MB)"
