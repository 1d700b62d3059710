"""The models of a process: each setting resolved once, warmed, closed, and its state told.

In go the tiers' settings and where models may be found; out come ``ChatModel``s that all chats
share. It knows nothing of documents or answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self

from rag.errors import RagError
from rag.models import tiers
from rag.models.chat import ChatModel, Timeouts
from rag.models.embedded.model import EmbeddedModel, Status
from rag.models.endpoint import EndpointModel
from rag.models.tiers import Homes, Resolved, TierSetting
from rag.models.weights import WEIGHTS, Progress
from rag.settings import Settings
from rag.types import Capabilities, Reach, Tier

State = Literal["unknown", "none", "idle", "preparing", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class TierStatus:
    """How far a tier's model is from answering; ``sentence`` says it to a person."""

    tier: Tier
    setting: str  # what it resolved to, without a key; "" while that is not known
    model: str  # "" when there is none, or none is known yet
    state: State
    sentence: str
    progress: Progress | None = None  # while preparing
    capabilities: Capabilities | None = None
    reach: Reach | None = None

    @property
    def is_ready(self) -> bool:
        """Nothing to wait for: a question is answered, or refused, at once."""
        return self.state in {"none", "ready", "failed"}


class Roster:
    def __init__(self, homes: Homes, settings: Mapping[Tier, str]) -> None:
        """Raises SettingsError for a setting that cannot be read."""
        for setting in settings.values():
            tiers.parse(setting)
        self._homes = homes
        self._settings = settings
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
            timeouts,
        )
        return cls(homes, {"slm": settings.slm, "llm": settings.llm})

    @property
    def choices(self) -> tuple[str, ...]:
        """What a tier can be set to without writing an address."""
        embedded = tuple(f"embedded:{name}" for name in WEIGHTS)
        foundry = tuple(f"foundry:{alias}" for alias in tiers.FOUNDRY.values())
        return (*embedded, *foundry) if self._homes.foundry_endpoint else embedded

    async def resolve(self, tier: Tier, setting: str | None = None) -> Resolved:
        """What ``setting``, None for the tier's own, stands for: the same model for whoever asks.

        Raises SettingsError.
        """
        written = self._written(tier, setting)
        if (tier, written) not in self._resolved:
            found = await tiers.resolve(tier, tiers.parse(written), self._homes)
            if found.model is not None:
                found = replace(found, model=self._models.setdefault(found.setting, found.model))
            self._resolved[tier, written] = found
        return self._resolved[tier, written]

    def warm(self, tier: Tier, wanted: Callable[[ChatModel], bool] = lambda model: True) -> None:
        """Make a tier's model ready in the background; its status tells how that goes."""
        if tier not in self._warming:
            self._warming[tier] = asyncio.create_task(self._warm(tier, wanted))

    def status(self, tier: Tier, setting: str | None = None) -> TierStatus:
        found = self._resolved.get((tier, self._written(tier, setting)))
        failure = self._failures.get(tier, "") if setting is None else ""
        if found is None:
            state: State = "failed" if failure else "unknown"
            return TierStatus(tier, "", "", state, failure or "It is not known yet.")
        if found.model is None:
            return TierStatus(tier, "none", "", "none", found.reason)
        state, sentence, progress = _state(found.model, failure)
        return TierStatus(
            tier,
            str(found.setting),
            found.model.name,
            state,
            f"{found.reason} {sentence}",
            progress,
            found.model.capabilities,
            found.model.reach,
        )

    async def close(self) -> None:
        """Stop what this process has started."""
        for task in self._warming.values():
            task.cancel()
        await asyncio.gather(*self._warming.values(), return_exceptions=True)
        for model in self._models.values():
            if isinstance(model, EmbeddedModel | EndpointModel):
                await model.aclose()

    async def look(self, tier: Tier) -> None:
        """See what a tier's model can do, without starting an embedded one: for ``status``."""
        await self._warm(tier, lambda model: not isinstance(model, EmbeddedModel))

    async def _warm(
        self, tier: Tier, wanted: Callable[[ChatModel], bool] = lambda model: True
    ) -> None:
        """A failure is kept for ``status``; the next question tries again."""
        try:
            found = await self.resolve(tier)
            if found.model is not None and wanted(found.model):
                await found.model.ready()
        except RagError as exc:
            self._failures[tier] = str(exc)

    def _written(self, tier: Tier, setting: str | None) -> str:
        return self._settings[tier] if setting is None else setting


def _state(model: ChatModel, failure: str) -> tuple[State, str, Progress | None]:
    if isinstance(model, EmbeddedModel):
        match model.status.stage:
            case "idle" | "ready" | "failed" as stage:
                return stage, model.status.sentence, None
            case stage:
                return "preparing", model.status.sentence, _progress(stage, model.status)
    if model.capabilities.streams is not None:
        return "ready", f"{model.name} answers.", None
    if failure:
        return "failed", failure, None
    return "idle", f"{model.name or 'Its model'} is asked when it is first needed.", None


def _progress(stage: Literal["download", "convert", "load"], status: Status) -> Progress:
    unit = "bytes" if stage == "download" else "steps"
    return Progress(stage, status.done, status.total, unit)
