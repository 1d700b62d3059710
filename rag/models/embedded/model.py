"""A model of the catalogue as a ``ChatModel``: fetched, converted and started at first need.

It knows the steps to a running server, but neither how each is done nor how the server is asked.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from rag.errors import SettingsError
from rag.models.chat import Timeouts
from rag.models.embedded.convert import is_converted, prepared
from rag.models.embedded.home import EmbeddedHome
from rag.models.embedded.running import RunningServer
from rag.models.embedded.served import OnProgress, ServedModel, Status
from rag.models.endpoint import DEFAULT_TIMEOUTS
from rag.models.weights import WEIGHTS, Weights, models_folder
from rag.types import Capabilities

__all__ = ["EmbeddedModel", "Status"]


class EmbeddedModel(ServedModel):
    """Raises SettingsError when there is no such model."""

    def __init__(
        self,
        name: str,
        data_dir: Path,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        on_status: Callable[[Status], None] = lambda status: None,
    ) -> None:
        self._weights = _known(name)
        super().__init__(
            name,
            Capabilities(
                streams=True,
                reports_usage=True,
                logprobs=True,
                context_tokens=self._weights.context_tokens,
            ),
            best_passages=self._weights.best_passages,
            best_form=self._weights.best_form,
            timeouts=timeouts,
            on_status=on_status,
        )
        self._data_dir = data_dir
        self._home = EmbeddedHome(data_dir)

    @property
    def is_fetched(self) -> bool:
        folder = models_folder(self._data_dir) / self.name
        return is_converted(folder, self._weights.sha256)

    async def _started(self, on_progress: OnProgress, stop: threading.Event) -> RunningServer:
        folder = await asyncio.to_thread(
            prepared, self._weights, models_folder(self._data_dir), on_progress, stop
        )
        return await self._home.start(self.name, folder, self._weights.context_tokens, on_progress)

    def _close(self) -> None:
        self._home.close(self.name)

    @property
    def process_id(self) -> int | None:
        """While it loads, too, and whoever has started it."""
        server = self._home.running(self.name)
        return server.process.pid if server else None


def _known(name: str) -> Weights:
    try:
        return WEIGHTS[name]
    except KeyError:
        raise SettingsError(
            f"There is no embedded model “{name}”. There are: {', '.join(WEIGHTS)}."
        ) from None
