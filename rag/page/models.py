"""What the panel of models works on: servers found, models to fetch, trials, and what is fetched.

One for the whole process. It knows nothing of how any of it is shown.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rag.errors import RagError

if TYPE_CHECKING:
    from rag.models.discovery import FoundServer
    from rag.models.downloads import Download
    from rag.models.status import TierStatus
    from rag.models.tiers import TierSetting
    from rag.models.trial import Trial
    from rag.models.weights import Progress
    from rag.types import Tier


class Source(Protocol):
    """What is needed of rag/roster.py."""

    async def servers(
        self, *, again: bool = False, remote: bool = False
    ) -> tuple[FoundServer, ...]: ...
    async def probed(self) -> tuple[FoundServer, ...]: ...
    async def downloads(self, *, remote: bool = False) -> tuple[Download, ...]: ...
    async def trial(self, setting: str) -> Trial: ...
    async def add(self, address: str, key: str = "") -> str: ...
    async def remove(self, address: str) -> None: ...
    async def pull(
        self, setting: str, on_progress: Callable[[Progress], None], stop: threading.Event
    ) -> None: ...
    async def resolve(self, tier: Tier, setting: str | None = None) -> object: ...
    def status(self, tier: Tier, setting: str | None = None) -> TierStatus: ...


@dataclass
class Pull:
    """A model being fetched; ``error`` is why it ended, "" while it goes on."""

    progress: Progress | None = None
    error: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    task: asyncio.Task[None] | None = None

    def tell(self, progress: Progress) -> None:
        self.progress = progress


class Models:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.servers: tuple[FoundServer, ...] | None = None  # None: not looked for yet
        self.downloads: tuple[Download, ...] = ()
        self.trials: dict[str, Trial] = {}  # by setting
        self.pulls: dict[str, Pull] = {}  # by setting

    async def look(self, *, again: bool = False, remote: bool = False) -> None:
        """See what there is; with ``remote``, as a person wants it, on other machines, too."""
        self.servers, self.downloads = await asyncio.gather(
            self.source.servers(again=again, remote=remote),
            self.source.downloads(remote=remote),
        )

    async def act(self, do: str, setting: str) -> str:
        """What a person pressed; "", or why it failed. ``poll`` does nothing."""
        try:
            match do:
                case "look":
                    await self.look(again=True, remote=True)
                    self.servers = await self.source.probed()
                case "test":
                    await self.test(setting)
                case "pull":
                    self.pull(setting)
                case "cancel":
                    self.cancel(setting)
                case "remove":
                    await self.remove(setting)
                case "show":
                    await self.look()
        except RagError as exc:
            return str(exc)
        return ""

    async def test(self, setting: str) -> None:
        """Raises SettingsError."""
        self.trials[setting] = await self.source.trial(setting)
        await self.look()  # what a model showed is known from now on

    async def add(self, address: str, key: str) -> str:
        """The address without the key. Raises SettingsError."""
        shown = await self.source.add(address, key)
        await self.look(again=True)
        return shown

    async def take_keys(self, typed: Mapping[str, TierSetting]) -> dict[str, str]:
        """Keep the keys that were typed into addresses; those settings without them, by name."""
        with_key = {name: setting for name, setting in typed.items() if setting.api_key}
        for setting in with_key.values():
            await self.source.add(setting.base_url, setting.api_key)
        return {name: str(setting) for name, setting in with_key.items()}

    async def remove(self, address: str) -> None:
        await self.source.remove(address)
        await self.look(again=True)

    def pull(self, setting: str) -> None:
        """Begin to fetch a model, unless it is being fetched."""
        if setting not in self.pulls or self.pulls[setting].error:
            pull = self.pulls[setting] = Pull()
            pull.task = asyncio.create_task(self._pull(setting, pull))

    def cancel(self, setting: str) -> None:
        if pull := self.pulls.pop(setting, None):
            pull.stop.set()

    async def status(self, tier: Tier, setting: str | None) -> TierStatus:
        """Of a tier as a chat has set it. Raises SettingsError."""
        await self.source.resolve(tier, setting)
        return self.source.status(tier, setting)

    async def close(self) -> None:
        """What was fetched is kept; the rest is fetched when it is wanted again."""
        tasks = [pull.task for pull in self.pulls.values() if pull.task]
        for pull in self.pulls.values():
            pull.stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pull(self, setting: str, pull: Pull) -> None:
        try:
            await self.source.pull(setting, pull.tell, pull.stop)
        except RagError as exc:
            pull.error = str(exc)
            return
        await self.look()
        if self.pulls.get(setting) is pull:
            del self.pulls[setting]
