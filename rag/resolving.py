"""What the tiers' settings stand for: each resolved once, to a model that all who ask share.

In go settings, where models may be found and the servers around; out come ``Resolved``s. It warms
and asks no model, and does not know what else a person might choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rag.errors import SettingsError
from rag.models import naming, tiers
from rag.models.chat import ChatModel
from rag.models.discovery import is_listening
from rag.models.embedded.served import ServedModel
from rag.models.endpoint import EndpointModel
from rag.models.reach import reach_of
from rag.models.servers import Servers
from rag.models.tiers import Homes, Resolved, TierSetting
from rag.types import Capabilities, Tier

_LOOKED_FOR = {"auto", "foundry"}  # settings that a server on this machine may stand for


class Resolver:
    def __init__(self, homes: Homes, settings: Mapping[Tier, str], servers: Servers) -> None:
        """Raises SettingsError for a setting that cannot be read."""
        for setting in settings.values():
            tiers.parse(setting)
        self._homes = homes
        self._settings = settings
        self._servers = servers
        self._resolved: dict[tuple[Tier, str], Resolved] = {}
        self._models: dict[TierSetting, ChatModel] = {}

    async def resolve(self, tier: Tier, setting: str | None = None) -> Resolved:
        """What ``setting``, None for the tier's own, stands for: the same model for whoever asks.

        ``auto`` looks for servers first, and chooses anew when its server has gone; so does
        ``foundry``, whose service may be one of them. Raises SettingsError.
        """
        written = self._written(tier, setting)
        parsed = tiers.parse(written)
        if parsed.home in _LOOKED_FOR:
            await self._look_for(tier, written)
        if (tier, written) not in self._resolved:
            above_b = await self._small_b() if (tier, parsed.home) == ("llm", "auto") else 0.0
            found = await tiers.resolve(tier, parsed, self.homes, above_b=above_b)
            if found.model is not None:
                self._recall(found)
                found = replace(found, model=self._models.setdefault(found.setting, found.model))
            self._resolved[tier, written] = found
        return self._resolved[tier, written]

    def known(self, tier: Tier, setting: str | None = None) -> Resolved | None:
        """What was resolved already; nothing is asked."""
        return self._resolved.get((tier, self._written(tier, setting)))

    @property
    def homes(self) -> Homes:
        """With the servers that are known by now."""
        return replace(self._homes, added=self._servers.added, found=self._servers.found)

    def address(self, setting: TierSetting) -> str:
        """Of a server; "" of an embedded model."""
        return tiers.address_of(setting, self.homes)

    def remembered(self, found: Resolved) -> Capabilities | None:
        """What a model that was not asked yet could do when it last was."""
        address = self.address(found.setting)
        return self._servers.recall(address, found.setting.model) if address else None

    async def note(self, *which: Resolved) -> None:
        """Keep what servers' models were seen to do; of all, when none is named."""
        for found in which or tuple(self._resolved.values()):
            if isinstance(model := found.model, EndpointModel):
                address = self.address(found.setting)
                await self._servers.note(address, model.name, model.capabilities)

    def forget_choices(self) -> None:
        """What was chosen among servers is chosen anew."""
        for tier, written in list(self._resolved):
            if tiers.parse(written).home in _LOOKED_FOR:
                del self._resolved[tier, written]

    async def forget_models(self, base_url: str) -> None:
        """Their next question connects anew: with another key, or not at all."""
        for written, found in list(self._resolved.items()):
            if self.address(found.setting) == base_url:
                del self._resolved[written]
        for setting in [one for one in self._models if self.address(one) == base_url]:
            model = self._models.pop(setting)
            if isinstance(model, EndpointModel):
                await model.aclose()

    async def close(self) -> None:
        await self.note()
        for model in self._models.values():
            if isinstance(model, ServedModel | EndpointModel):
                await model.aclose()

    def _written(self, tier: Tier, setting: str | None) -> str:
        return self._settings[tier] if setting is None else setting

    async def _look_for(self, tier: Tier, written: str) -> None:
        """Forget what was chosen on this machine when nothing listens there any more."""
        known = self._resolved.get((tier, written))
        address = self.address(known.setting) if known else ""
        if address and reach_of(address) == "machine" and not await is_listening(address):
            self.forget_choices()
            await self._servers.look(again=True)
        elif known is None:
            await self._servers.look()

    async def _small_b(self) -> float:
        """How many billions of parameters the small model has; 0: not known, or there is none."""
        try:
            small = (await self.resolve("slm")).setting
        except SettingsError:
            return 0.0
        told = self._servers.parameters_b(self.address(small), small.model)
        return told or naming.parameters_b(small.model) or 0.0

    def _recall(self, found: Resolved) -> None:
        """Spare a server elsewhere the probe; one of this machine loads its model by it."""
        model, seen = found.model, self.remembered(found)
        if isinstance(model, EndpointModel) and model.reach != "machine" and seen:
            model.recall(seen)
