"""The models of a process: each setting resolved once, warmed, closed, and its state told.

In go the tiers' settings and where models may be found; out come ``ChatModel``s that all chats
share. It knows nothing of documents or answers.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Self

import psutil

from rag.errors import RagError, SettingsError
from rag.models import added, downloads, naming, places, providers, tiers
from rag.models.chat import ChatModel, Timeouts
from rag.models.discovery import FoundServer, is_listening
from rag.models.downloads import Download
from rag.models.embedded.served import ServedModel
from rag.models.endpoint import EndpointModel
from rag.models.foundry import sdk
from rag.models.foundry.service import service_address
from rag.models.picking import ALIASES
from rag.models.reach import reach_of
from rag.models.servers import Servers
from rag.models.status import TierStatus, status_of
from rag.models.tiers import Homes, Resolved, TierSetting
from rag.models.trial import Trial, apart, tried
from rag.models.weights import WEIGHTS, Progress
from rag.settings import Settings
from rag.types import Capabilities, Tier

__all__ = ["Roster", "TierStatus"]

Found = tuple[FoundServer, ...]
_LOOKED_FOR = {"auto", "foundry"}  # settings that a server on this machine may stand for


class Roster:
    def __init__(
        self, homes: Homes, settings: Mapping[Tier, str], servers: Servers | None = None
    ) -> None:
        """``servers`` are those around; None: none are looked for. Raises SettingsError for a
        setting that cannot be read."""
        for setting in settings.values():
            tiers.parse(setting)
        self._homes = homes
        self._settings = settings
        self._servers = servers or Servers(homes.data_dir)
        self._resolved: dict[tuple[Tier, str], Resolved] = {}
        self._models: dict[TierSetting, ChatModel] = {}
        self._failures: dict[Tier, str] = {}
        self._warming: dict[Tier, asyncio.Task[None]] = {}

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

    @property
    def choices(self) -> tuple[str, ...]:
        """What a tier can be set to without writing an address."""
        embedded = tuple(f"embedded:{name}" for name in WEIGHTS)
        foundry = tuple(f"foundry:{alias}" for alias in ALIASES.values())
        usable = self._homes.foundry_endpoint or sdk.is_installed()
        return (*embedded, *foundry) if usable else embedded

    async def resolve(self, tier: Tier, setting: str | None = None) -> Resolved:
        """What ``setting``, None for the tier's own, stands for: the same model for whoever asks.

        ``auto`` looks for servers first, and chooses anew when its server has gone; so does
        ``foundry``, whose service may be one of them. Raises SettingsError.
        """
        written = self._settings[tier] if setting is None else setting
        parsed = tiers.parse(written)
        if parsed.home in _LOOKED_FOR:
            await self._look_for(tier, written)
        if (tier, written) not in self._resolved:
            above_b = await self._small_b() if (tier, parsed.home) == ("llm", "auto") else 0.0
            found = await tiers.resolve(tier, parsed, self._known_homes, above_b=above_b)
            if found.model is not None:
                self._recall(found)
                found = replace(found, model=self._models.setdefault(found.setting, found.model))
            self._resolved[tier, written] = found
        return self._resolved[tier, written]

    async def _look_for(self, tier: Tier, written: str) -> None:
        """Forget what was chosen on this machine when nothing listens there any more."""
        known = self._resolved.get((tier, written))
        address = self._address(known.setting) if known else ""
        if address and reach_of(address) == "machine" and not await is_listening(address):
            self._forget_choices()
            await self._servers.look(again=True)
        elif known is None:
            await self._servers.look()

    async def _small_b(self) -> float:
        """How many billions of parameters the small model has; 0: not known, or there is none."""
        try:
            small = (await self.resolve("slm")).setting
        except SettingsError:
            return 0.0
        told = self._servers.parameters_b(self._address(small), small.model)
        return told or naming.parameters_b(small.model) or 0.0

    @property
    def _known_homes(self) -> Homes:
        return replace(self._homes, added=self._servers.added, found=self._servers.found)

    def _address(self, setting: TierSetting) -> str:
        """Of a server; "" of an embedded model."""
        return tiers.address_of(setting, self._known_homes)

    def _forget_choices(self) -> None:
        for tier, written in list(self._resolved):
            if tiers.parse(written).home in _LOOKED_FOR:
                del self._resolved[tier, written]

    def warm(self, tier: Tier, wanted: Callable[[ChatModel], bool] = lambda model: True) -> None:
        """Make a tier's model ready in the background; its status tells how that goes."""
        if tier not in self._warming:
            self._warming[tier] = asyncio.create_task(self._warm(tier, wanted))

    def status(self, tier: Tier, setting: str | None = None) -> TierStatus:
        written = self._settings[tier] if setting is None else setting
        found = self._resolved.get((tier, written))
        failure = self._failures.get(tier, "") if setting is None else ""
        known = self._remembered(found) if found else None
        return status_of(tier, found, failure, known)

    # --- what there is to choose from

    async def servers(self, *, again: bool = False, remote: bool = False) -> Found:
        """The model servers that can be reached, in a stable order; looked for once, or ``again``,
        which lets ``auto`` choose anew. Never raises: a ``problem`` is the server's own.

        Those on other machines are sent nothing, and say so, unless the settings or ``remote``
        allow it. Takes up to 1.5 s, with ``remote`` up to 5."""
        if again:
            self._forget_choices()
        await self._servers.look(again=again, remote=remote)
        await self._note(*self._resolved.values())
        return self._servers.listed

    async def trial(self, setting: str) -> Trial:
        """Ask a model for a few words, as a person wanted it, and keep what it showed.

        A server on another machine is asked, too. Raises SettingsError where ``setting`` makes no
        sense; whatever goes wrong later is the trial's ``error``.
        """
        found = await self.resolve("slm", setting)
        is_cold = self._is_cold(found)
        async with apart(found, self._known_homes) as own:
            trial = await tried(own, is_cold=is_cold)
            await self._note(own)
        return trial

    def _is_cold(self, found: Resolved) -> bool | None:
        """Whether a model has to be loaded to answer; None where its server does not tell."""
        if found.model is None or not found.model.is_cold:
            return False
        if isinstance(found.model, ServedModel):
            return True
        loaded = self._servers.is_loaded(self._address(found.setting), found.setting.model)
        return None if loaded is None else not loaded

    async def add(self, address: str, key: str = "") -> str:
        """Keep the address of a server, with its key, for this and later starts; the address as it
        may be shown. An address that is there already gets the new key. Raises SettingsError.
        """
        server = added.setting(address, key)
        await self._servers.add(server)
        await self._forget_models(server.base_url)
        return server.base_url

    async def remove(self, address: str) -> None:
        """Forget a server that a person has added, and its key. Raises NotFound."""
        base_url = added.setting(address).base_url
        await self._servers.remove(base_url)
        await self._forget_models(base_url)

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

    async def _forget_models(self, base_url: str) -> None:
        """Their next question connects anew: with another key, or not at all."""
        for written, found in list(self._resolved.items()):
            if self._address(found.setting) == base_url:
                del self._resolved[written]
        for setting in [one for one in self._models if self._address(one) == base_url]:
            model = self._models.pop(setting)
            if isinstance(model, EndpointModel):
                await model.aclose()

    def _recall(self, found: Resolved) -> None:
        """Spare a server elsewhere the probe; one of this machine loads its model by it."""
        model, seen = found.model, self._remembered(found)
        if isinstance(model, EndpointModel) and model.reach != "machine" and seen:
            model.recall(seen)

    def _remembered(self, found: Resolved) -> Capabilities | None:
        """What a model that was not asked yet could do when it last was."""
        address = self._address(found.setting)
        return self._servers.recall(address, found.setting.model) if address else None

    async def _note(self, *which: Resolved) -> None:
        """Keep what servers' models were seen to do."""
        for found in which:
            if isinstance(model := found.model, EndpointModel):
                address = self._address(found.setting)
                await self._servers.note(address, model.name, model.capabilities)

    async def close(self) -> None:
        """Stop what this process has started."""
        for task in self._warming.values():
            task.cancel()
        await asyncio.gather(*self._warming.values(), return_exceptions=True)
        await self._note(*self._resolved.values())
        await self._servers.close()
        for model in self._models.values():
            if isinstance(model, ServedModel | EndpointModel):
                await model.aclose()

    async def look(self, tier: Tier, *, remote: bool = False) -> None:
        """See what a tier's model can do, without starting one of ours: for ``status``.

        One on another machine is sent nothing, unless the settings or ``remote`` allow it.
        """
        allowed = remote or self._homes.allow_remote
        await self._warm(
            tier,
            lambda model: (
                not isinstance(model, ServedModel) and (allowed or model.reach == "machine")
            ),
        )

    async def _warm(
        self, tier: Tier, wanted: Callable[[ChatModel], bool] = lambda model: True
    ) -> None:
        """A failure is kept for ``status``; the next question tries again."""
        try:
            found = await self.resolve(tier)
            if found.model is not None and wanted(found.model):
                await found.model.ready()
                await self._note(found)
        except RagError as exc:
            self._failures[tier] = str(exc)
