"""The model servers around: looked for once, those a person has added kept, and what their models
were seen to do remembered.

In go places to look at; out come servers with their models. It knows neither tiers nor who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rag.errors import NotFound
from rag.models import added
from rag.models.dialects import FoundModel
from rag.models.discovery import Candidate, FoundServer, find
from rag.models.probe import listed_name
from rag.models.providers import name_of
from rag.models.remembered import Remembered
from rag.models.tiers import TierSetting
from rag.types import Capabilities

Foundry = Callable[[], Awaitable[str]]


class Servers:
    """``candidates`` are looked at beside what was added; ``foundry`` finds a service's address."""

    def __init__(
        self,
        data_dir: Path,
        candidates: Sequence[Candidate] = (),
        *,
        allow_remote: bool = False,
        foundry: Foundry | None = None,
    ) -> None:
        self.added = added.read(data_dir)
        self.found: tuple[FoundServer, ...] = ()  # as last seen
        self._data_dir = data_dir
        self._candidates = tuple(candidates)
        self._allow_remote = allow_remote
        self._foundry = foundry
        self._remembered = Remembered(data_dir)
        self._typed: set[str] = set()  # addresses a person has given to this process
        self._looking: asyncio.Task[tuple[FoundServer, ...]] | None = None

    async def look(self, *, again: bool = False, remote: bool = False) -> tuple[FoundServer, ...]:
        """All who wait share one look; it goes on when they leave, for the next one to ask."""
        done = self._looking is not None and self._looking.done()
        if self._looking is None or (done and (again or remote)):
            self._looking = asyncio.create_task(self._look(remote or self._allow_remote))
        await asyncio.shield(self._looking)
        return self.listed

    @property
    def listed(self) -> tuple[FoundServer, ...]:
        """As last seen, each model with what it was seen to do."""
        return tuple(self._with_capabilities(server) for server in self.found)

    async def add(self, server: TierSetting) -> None:
        """What a person has just typed is asked, wherever it is."""
        others = tuple(one for one in self.added if one.base_url != server.base_url)
        await self._keep((*others, server))
        self._typed.add(server.base_url)

    async def remove(self, base_url: str) -> None:
        """Raises NotFound."""
        others = tuple(one for one in self.added if one.base_url != base_url)
        if others == self.added:
            raise NotFound(f"No server {base_url} was added.")
        await self._keep(others)

    def recall(self, base_url: str, model: str) -> Capabilities | None:
        """What ``model``, perhaps by its short name, was seen to do; None: never asked, or it has
        changed since."""
        known = self._spelt(base_url, model)
        return self._remembered.recall(base_url, known, self._stamp(base_url, known))

    async def note(self, base_url: str, model: str, can: Capabilities) -> None:
        """Nothing is kept of a model that was not asked, nor of a server that was not looked at:
        its next change would go unseen."""
        stamp = self._stamp(base_url, model)
        if stamp is not None and can.streams is not None:
            await asyncio.to_thread(self._remembered.note, base_url, model, stamp, can)

    def is_loaded(self, base_url: str, model: str) -> bool | None:
        """As last seen; None where the server does not tell."""
        found = self._model(base_url, model)
        return found.is_loaded if found else None

    def parameters_b(self, base_url: str, model: str) -> float | None:
        """Billions, as the server tells it."""
        found = self._model(base_url, model)
        return found.parameters_b if found else None

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self, remote: bool) -> tuple[FoundServer, ...]:
        theirs = (
            Candidate(
                one.base_url,
                name_of(one.base_url),
                one.api_key,
                is_added=True,
                allowed=one.base_url in self._typed,
            )
            for one in self.added
        )
        self.found = await find((*theirs, *self._candidates), remote=remote, foundry=self._foundry)
        return self.found

    async def _keep(self, servers: tuple[TierSetting, ...]) -> None:
        await asyncio.to_thread(added.write, self._data_dir, servers)
        self.added = servers
        if self._looking is not None and self._looking.done():
            self._looking = None

    def _model(self, base_url: str, name: str) -> FoundModel | None:
        known = self._spelt(base_url, name)
        return next((one for one in self._models(base_url) if one.name == known), None)

    def _models(self, base_url: str) -> Sequence[FoundModel]:
        return next((one.models for one in self.found if one.base_url == base_url), ())

    def _spelt(self, base_url: str, model: str) -> str:
        return listed_name(model, [one.name for one in self._models(base_url)])

    def _stamp(self, base_url: str, model: str) -> str | None:
        """Another one: the server, or the model behind the name, is not the one of before. None:
        the server was not looked at."""
        server = next((one for one in self.found if one.base_url == base_url), None)
        found = self._model(base_url, model)
        return f"{server.kind} {server.version} {found.digest if found else ''}" if server else None

    def _with_capabilities(self, server: FoundServer) -> FoundServer:
        models = (
            replace(one, capabilities=self.recall(server.base_url, one.name))
            for one in server.models
        )
        return replace(server, models=tuple(models))
