"""A model of Foundry Local in a process of our own as a ``ChatModel``: fetched and started at first
need.

It knows the steps to a running server, but neither how each is done nor how the server is asked.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from pathlib import Path

from rag.models.chat import Timeouts
from rag.models.embedded.running import RunningServer
from rag.models.embedded.served import OnProgress, ServedModel, Status
from rag.models.endpoint import DEFAULT_TIMEOUTS
from rag.models.foundry import sdk
from rag.models.foundry.catalogue import pull
from rag.models.foundry.folder import opened
from rag.models.foundry.home import FoundryHome
from rag.models.foundry.source import Source, of_folder, of_pulled
from rag.types import Capabilities, Device

_CAPABILITIES = Capabilities(streams=True, reports_usage=True, logprobs=False)


def is_folder(model: str) -> bool:
    """Whether what stands after ``foundry:`` is a folder: an alias holds no slash.

    >>> is_folder("~/models/phi"), is_folder("C:\\\\phi"), is_folder("phi-4-mini")
    (True, True, False)
    """
    return bool(re.search(r"[/\\]", model)) or model in (".", "..", "~")


def of_setting(
    model: str,
    data_dir: Path,
    on_progress: OnProgress,
    stop: threading.Event | None = None,
    *,
    device: Device = "auto",
    catalogue_url: str = sdk.CATALOGUE_URL,
) -> Source:
    """What ``foundry:MODEL`` is served from, fetched now unless it is there. Blocks.

    Raises SettingsError, ModelNotFound, WeightsError.
    """
    sdk.require_installed()
    if is_folder(model):
        return of_folder(opened(Path(model)))
    found = pull(model, data_dir, on_progress, stop, device=device, catalogue_url=catalogue_url)
    return of_pulled(found)


class FoundryModel(ServedModel):
    """``model`` is an alias of the catalogue, or the path of a folder for ONNX Runtime GenAI.

    Raises SettingsError when the runtime is not installed, or the folder is none.
    """

    def __init__(
        self,
        model: str,
        data_dir: Path,
        *,
        device: Device = "auto",
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        on_status: Callable[[Status], None] = lambda status: None,
        catalogue_url: str = sdk.CATALOGUE_URL,
    ) -> None:
        sdk.require_installed()
        name = opened(Path(model)).name if is_folder(model) else model
        super().__init__(name, _CAPABILITIES, timeouts=timeouts, on_status=on_status)
        self._model = model
        self._data_dir = data_dir
        self._device = device
        self._catalogue_url = catalogue_url
        self._home = FoundryHome(data_dir)
        self._key = ""

    async def _started(self, on_progress: OnProgress, stop: threading.Event) -> RunningServer:
        source = await asyncio.to_thread(
            of_setting,
            self._model,
            self._data_dir,
            on_progress,
            stop,
            device=self._device,
            catalogue_url=self._catalogue_url,
        )
        self._key = source.key
        return await self._home.start(source, on_progress)

    def _close(self) -> None:
        if self._key:
            self._home.close(self._key)
