"""A home for models of Foundry Local: what to serve in, a running server of our own out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rag.models.embedded.home import OnProgress, ServerHome
from rag.models.embedded.running import RunningServer
from rag.models.foundry.source import Source


class FoundryHome(ServerHome):
    kind = "Foundry Local model"

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self._data_dir = data_dir

    async def start(
        self, source: Source, on_progress: OnProgress = lambda progress: None
    ) -> RunningServer:
        """A server that is ready to answer. Raises ModelUnavailable."""
        return await self.launched(source.key, _command(source, self._data_dir), on_progress)


def _command(source: Source, data_dir: Path) -> Sequence[str]:
    return [
        *("rag.models.foundry.server", source.name, str(source.folder)),
        *("--data-dir", str(data_dir)),
        *("--hints", json.dumps(source.hints)),
        *("--providers", *source.providers),
    ]
