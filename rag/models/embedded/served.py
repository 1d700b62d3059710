"""A model in a process of our own as a ``ChatModel``: prepared and started at first need, then
asked like any other over its address.

It tells how far the steps to an address have come, but knows neither what they are nor what is
asked. When the server has gone, the next ``ready`` starts another.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from rag.errors import ModelUnavailable, RagError, WeightsError
from rag.models.chat import Timeouts
from rag.models.embedded.running import RunningServer
from rag.models.endpoint import DEFAULT_TIMEOUTS, EndpointModel
from rag.models.weights import Progress
from rag.types import Capabilities, Delta, Form, GenerationOptions, Message, Reach, Reply

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Status:
    """How far a model is from answering; ``sentence`` says it to a person."""

    stage: Literal["idle", "download", "convert", "load", "ready", "failed"]
    sentence: str
    done: int = 0
    total: int = 0  # 0: unknown


class ServedModel:
    """A ChatModel. ``on_status`` is called on the event loop at every change of ``status``."""

    reach: Reach = "machine"
    address = ""

    def __init__(
        self,
        name: str,
        capabilities: Capabilities,
        *,
        best_passages: int | None = None,
        best_form: Form = "answer",
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        on_status: Callable[[Status], None] = lambda status: None,
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self.best_passages = best_passages
        self.best_form = best_form
        self.status = Status("idle", f"{name} starts when it is first needed.")
        self._timeouts = timeouts
        self._on_status = on_status
        self._server: RunningServer | None = None
        self._endpoint: EndpointModel | None = None
        self._preparing: asyncio.Task[EndpointModel] | None = None
        self._stop = threading.Event()

    async def _started(self, on_progress: OnProgress, stop: threading.Event) -> RunningServer:
        """Take every step to a server that is ready to answer. Raises RagError."""
        raise NotImplementedError

    def _close(self) -> None:
        """Stop the server if this process has started it. Blocks for a moment."""
        raise NotImplementedError

    @property
    def is_cold(self) -> bool:
        return self._endpoint is None or not self._is_answering() or self._endpoint.is_cold

    @property
    def process_id(self) -> int | None:
        """Of its server; None while none runs."""
        return self._server.process.pid if self._server else None

    @property
    def is_fetched(self) -> bool:
        return self.status.stage not in {"download", "convert"}

    def fetch(self) -> None:
        self._preparation()

    def learn_context(self, tokens: int) -> None:
        """Never needed: the server refuses what it cannot read whole."""

    async def ready(self) -> None:
        await self._answering()

    async def stream(
        self, messages: Sequence[Message], options: GenerationOptions
    ) -> AsyncGenerator[Delta | Reply, None]:
        endpoint = await self._answering()
        try:
            async with aclosing(endpoint.stream(messages, options)) as events:
                async for event in events:
                    self.capabilities = endpoint.capabilities
                    yield event
        except ModelUnavailable as exc:
            if self._is_answering():
                raise
            raise ModelUnavailable(
                f"{self.name} has ended unexpectedly. Ask again, and it is started anew."
            ) from exc

    async def aclose(self) -> None:
        """Give up preparing, and stop the server if this process has started it."""
        self._stop.set()
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.gather(self._preparing, return_exceptions=True)
        if self._endpoint is not None:
            await self._endpoint.aclose()
        self._server = self._endpoint = None
        await asyncio.to_thread(self._close)

    async def _answering(self) -> EndpointModel:
        """The endpoint of a live server. All who wait share one preparation, which goes on when
        they leave: the next one will want it."""
        if self._endpoint is not None and self._is_answering():
            return self._endpoint
        return await asyncio.shield(self._preparation())

    def _preparation(self) -> asyncio.Task[EndpointModel]:
        if self._preparing is None:
            self._preparing = asyncio.create_task(self._prepare())
            self._preparing.add_done_callback(self._prepared)
        return self._preparing

    def _is_answering(self) -> bool:
        return self._server is not None and self._server.process.is_alive()

    async def _prepare(self) -> EndpointModel:
        loop = asyncio.get_running_loop()

        def on_progress(progress: Progress) -> None:
            if self._stop.is_set():
                raise WeightsError(f"Preparing {self.name} was stopped.")
            loop.call_soon_threadsafe(self._tell, _told(self.name, progress))

        server = await self._started(on_progress, self._stop)
        if self._endpoint is not None:
            await self._endpoint.aclose()
        endpoint = EndpointModel(
            server.model,
            server.base_url,
            server.api_key,
            timeouts=self._timeouts,
            reach="machine",
            best_passages=self.best_passages,
            best_form=self.best_form,
            context_tokens=self.capabilities.context_tokens,
        )
        await endpoint.ready()
        self._server, self._endpoint = server, endpoint
        self.capabilities = endpoint.capabilities
        return endpoint

    def _prepared(self, task: asyncio.Task[EndpointModel]) -> None:
        self._preparing = None
        if task.cancelled():
            self._tell(Status("idle", f"{self.name} starts when it is next needed."))
        elif (error := task.exception()) is None:
            self._tell(Status("ready", f"{self.name} is ready."))
        else:
            known = isinstance(error, RagError)
            self._tell(Status("failed", str(error) if known else f"{self.name} failed to start."))

    def _tell(self, status: Status) -> None:
        self.status = status
        self._on_status(status)


def _told(name: str, progress: Progress) -> Status:
    share = f"{100 * progress.done // progress.total}%" if progress.total else "…"
    megabytes = f"{progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB"
    match progress.stage:
        case "download":
            sentence = f"Fetching {name}: {megabytes if progress.unit == 'bytes' else share}."
        case "convert":
            sentence = f"Preparing {name} for this machine, once: {share}."
        case _:
            sentence = f"Loading {name}."
    return Status(progress.stage, sentence, progress.done, progress.total)
