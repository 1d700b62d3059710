"""The models of a process: warmed, tried, fetched, closed, and their state told.

In go the tiers' settings and where models may be found; out come ``ChatModel``s that all chats
share. What a setting stands for is found out below it (resolving.py). It knows nothing of documents
or answers.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

import psutil

from rag.errors import RagError
from rag.models import added, downloads, places, providers, tiers
from rag.models.chat import ChatModel, Timeouts
from rag.models.discovery import FoundServer
from rag.models.downloads import Download
from rag.models.embedded.served import ServedModel
from rag.models.foundry import sdk
from rag.models.foundry.service import service_address
from rag.models.picking import ALIASES
from rag.models.servers import Servers
from rag.models.status import TierStatus, status_of
from rag.models.tiers import Homes, Resolved
from rag.models.trial import Trial, apart, tried
from rag.models.weights import WEIGHTS, Progress
from rag.resolving import Resolver
from rag.settings import Settings
from rag.types import Tier

__all__ = ["Roster", "TierStatus"]

_PROBE_S = 4.0  # for all loaded models together

Found = tuple[FoundServer, ...]
Wanted = Callable[[ChatModel], bool]


class Roster:
    def __init__(
        self, homes: Homes, settings: Mapping[Tier, str], servers: Servers | None = None
    ) -> None:
        """``servers`` are those around; None: none are looked for. Raises SettingsError for a
        setting that cannot be read."""
        self._homes = homes
        self._servers = servers or Servers(homes.data_dir)
        self._models = Resolver(homes, settings, self._servers)
        self._failures: dict[tuple[Tier, str | None], str] = {}  # of the last try
        self._warming: dict[tuple[Tier, str | None], asyncio.Task[None]] = {}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        timeouts = Timeouts(
            settings.connect_timeout_s, settings.first_token_timeout_s, settings.stall_timeout_s
        )
        homes = Homes(
            settings.data_dir,
            settings.foundry_local_endpoint,
            settings.openai_api_key.get_secret_value(),
            providers.keys(settings.keys, settings.azure_openai_endpoint),
            timeouts,
            allow_remote=settings.allow_remote,
            memory_bytes=psutil.virtual_memory().total,
            device=settings.foundry_ep,
        )
        written: dict[Tier, str] = {"slm": settings.slm, "llm": settings.llm}
        servers = Servers(
            settings.data_dir,
            places.candidates(
                [tiers.parse(setting) for setting in written.values()],
                homes,
                ollama_host=settings.ollama_host,
                usual_ports=settings.discovery,
            ),
            allow_remote=settings.allow_remote,
            foundry=service_address if settings.discovery else None,
        )
        return cls(homes, written, servers)

    # --- the tiers' models

    async def resolve(self, tier: Tier, setting: str | None = None) -> Resolved:
        """What ``setting``, None for the tier's own, stands for: the same model for whoever asks.

        Raises SettingsError.
        """
        return await self._models.resolve(tier, setting)

    def status(self, tier: Tier, setting: str | None = None) -> TierStatus:
        found = self._models.known(tier, setting)
        remembered = self._models.remembered(found) if found else None
        return status_of(tier, found, self._failures.get((tier, setting), ""), remembered)

    def warm(self, tier: Tier, setting: str | None = None) -> None:
        """Make the model of ``setting``, None for the tier's own, ready in the background; its
        status tells how that goes. One on another machine has to be allowed by the settings."""
        at_work = self._warming.get((tier, setting))
        if at_work is None or at_work.done():
            warming = self._warm(tier, setting, self._may_be_asked)
            self._warming[tier, setting] = asyncio.create_task(warming)

    async def look(self, tier: Tier, *, remote: bool = False) -> None:
        """See what a tier's model can do, without starting one of ours: for ``status``.

        One on another machine is sent nothing, unless the settings or ``remote`` allow it.
        """

        def wanted(model: ChatModel) -> bool:
            return not isinstance(model, ServedModel) and (remote or self._may_be_asked(model))

        await self._warm(tier, None, wanted)

    def _may_be_asked(self, model: ChatModel) -> bool:
        """Without a person's consent."""
        return model.reach == "machine" or self._homes.allow_remote

    async def _warm(self, tier: Tier, setting: str | None, wanted: Wanted) -> None:
        """A failure is kept for ``status``; the next question tries again."""
        self._failures.pop((tier, setting), None)
        try:
            found = await self.resolve(tier, setting)
            if found.model is not None and wanted(found.model):
                await found.model.ready()
                await self._models.note(found)
        except RagError as exc:
            self._failures[tier, setting] = str(exc)

    async def close(self) -> None:
        """Stop what this process has started."""
        for task in self._warming.values():
            task.cancel()
        await asyncio.gather(*self._warming.values(), return_exceptions=True)
        await self._models.close()
        await self._servers.close()

    # --- what there is to choose from

    @property
    def choices(self) -> tuple[str, ...]:
        """What a tier can be set to without writing an address."""
        embedded = tuple(f"embedded:{name}" for name in WEIGHTS)
        foundry = tuple(f"foundry:{alias}" for alias in ALIASES.values())
        usable = self._homes.foundry_endpoint or sdk.is_installed()
        return (*embedded, *foundry) if usable else embedded

    async def servers(self, *, again: bool = False, remote: bool = False) -> Found:
        """The model servers that can be reached, in a stable order; looked for once, or ``again``,
        which lets ``auto`` choose anew. Never raises: a ``problem`` is the server's own.

        Those on other machines are sent nothing, and say so, unless the settings or ``remote``
        allow it. Takes up to 1.5 s, with ``remote`` up to 5."""
        if again:
            self._models.forget_choices()
        await self._servers.look(again=again, remote=remote)
        await self._models.note()
        return self._servers.listed

    async def probed(self) -> Found:
        """The servers that were found, once each loaded model of this machine that was never asked
        has been: a few words, for a few seconds at most. What would have to be loaded for it is
        left alone."""
        asked = [
            asyncio.create_task(self._probed(server.setting(model)))
            for server in self._servers.listed
            for model in server.models
            if server.reach == "machine" and model.is_loaded and not model.capabilities
            if model.purpose == "chat" and not model.is_hosted
        ]
        if asked:
            _, late = await asyncio.wait(asked, timeout=_PROBE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            await self._models.note()
        return self._servers.listed

    async def _probed(self, setting: str) -> None:
        """A model that fails is passed over: whoever chooses it is told."""
        with suppress(RagError):
            found = await self.resolve("slm", setting)
            if found.model is not None:
                await found.model.ready()

    async def trial(self, setting: str) -> Trial:
        """Ask a model for a few words, as a person wanted it, and keep what it showed.

        A server on another machine is asked, too. Raises SettingsError where ``setting`` makes no
        sense; whatever goes wrong later is the trial's ``error``.
        """
        found = await self.resolve("slm", setting)
        is_cold = self._is_cold(found)
        async with apart(found, self._models.homes) as own:
            trial = await tried(own, is_cold=is_cold)
            await self._models.note(own)
        return trial

    def _is_cold(self, found: Resolved) -> bool | None:
        """Whether a model has to be loaded to answer; None where its server does not tell."""
        if found.model is None or not found.model.is_cold:
            return False
        if isinstance(found.model, ServedModel):
            return True
        loaded = self._servers.is_loaded(self._models.address(found.setting), found.setting.model)
        return None if loaded is None else not loaded

    async def add(self, address: str, key: str = "") -> str:
        """Keep the address of a server, with its key, for this and later starts; the address as it
        may be shown. An address that is there already gets the new key. Raises SettingsError.
        """
        server = added.setting(address, key)
        await self._servers.add(server)
        await self._models.forget_models(server.base_url)
        return server.base_url

    async def remove(self, address: str) -> None:
        """Forget a server that a person has added, and its key. Raises NotFound."""
        base_url = added.setting(address).base_url
        await self._servers.remove(base_url)
        await self._models.forget_models(base_url)

    async def downloads(self, *, remote: bool = False) -> tuple[Download, ...]:
        """The models that can be fetched to run on this machine, fetched ones among them.

        With ``remote`` the catalogue of Foundry Local is asked for sizes and licences: seconds.
        """
        homes = self._homes
        return await asyncio.to_thread(downloads.known, homes.data_dir, homes.device, remote=remote)

    async def pull(
        self,
        setting: str,
        on_progress: Callable[[Progress], None],
        stop: threading.Event,
    ) -> None:
        """Fetch the model of a ``Download.setting``; ``on_progress`` is called on the event loop.

        Setting ``stop`` ends it; what has come is kept. Raises WeightsError, SettingsError.
        """
        await downloads.pull(
            setting, self._homes.data_dir, on_progress, stop, device=self._homes.device
        )
