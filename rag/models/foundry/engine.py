"""Several chats on one model of Foundry Local: each answer is made in a thread of its own.

In go requests, out come their pieces; so many at a time, the others wait in a queue with an end.
It knows neither the runtime's library nor HTTP.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

from rag.errors import ContextTooLong, ModelBusy, ModelError, ModelUnavailable
from rag.models.embedded.generation import (
    Finish,
    GenerationRequest,
    Occupancy,
    Piece,
    Prompt,
    State,
)
from rag.types import Message

logger = logging.getLogger(__name__)

MAX_ACTIVE = 4  # each computes alone, and holds a cache of its own: more make all of them slow
MAX_QUEUED = 32
_DEFAULT_MAX_TOKENS = 1024
_INSIST_S = 0.01  # until a cancelled answer has ended
_STATES: dict[State, str] = {
    "loading": "is still loading: ask again in a moment",
    "failed": "has failed: its server is stopping",
    "ready": "is ready",
}


class Answering(Protocol):
    """Pieces, the finish last; iterated in a thread, where it may raise ModelError."""

    def __iter__(self) -> Iterator[Piece | Finish]: ...

    def cancel(self) -> None:
        """From any thread, and as often as wanted."""
        ...


class Model(Protocol):
    context_tokens: int

    def prompt(self, messages: tuple[Message, ...]) -> Prompt: ...

    def begin(self, prompt: Prompt, request: GenerationRequest, max_tokens: int) -> Answering: ...


class Job:
    """A request's way through the engine; iterate it for its pieces."""

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.stopped = asyncio.Event()
        self._pieces: asyncio.Queue[Piece | Finish | ModelError] = asyncio.Queue()
        self._told_all = False

    def __aiter__(self) -> Job:
        return self

    async def __anext__(self) -> Piece | Finish:
        if self._told_all:
            raise StopAsyncIteration
        piece = await self._pieces.get()
        self._told_all = not isinstance(piece, Piece)
        if isinstance(piece, ModelError):
            raise piece
        return piece

    async def aclose(self) -> None:
        """Forget the request; its place is free as soon as the model has heard of it."""
        self._told_all = True
        self.stopped.set()

    def put(self, piece: Piece | Finish | ModelError) -> None:
        self._pieces.put_nowait(piece)


class ThreadedEngine:
    """``load`` makes the model, in seconds, when ``run`` is started."""

    reports_logprobs = False

    def __init__(
        self,
        name: str,
        load: Callable[[], Model],
        *,
        max_active: int = MAX_ACTIVE,
        max_queued: int = MAX_QUEUED,
    ) -> None:
        self.name = name
        self._load = load
        self._max_active = max_active
        self._max_queued = max_queued
        self._model: Model | None = None
        self._state: State = "loading"
        self._places = asyncio.Semaphore(max_active)
        self._jobs: set[asyncio.Task[None]] = set()
        self._active = 0
        self._steps = 0
        self._threads = ThreadPoolExecutor(max_active, thread_name_prefix="answer")

    @property
    def context_tokens(self) -> int:
        """0 until the model is loaded: only it knows."""
        return self._model.context_tokens if self._model else 0

    def submit(self, request: GenerationRequest) -> Job:
        if self._model is None or self._state != "ready":
            raise ModelUnavailable(f"The model {self.name} {_STATES[self._state]}.")
        if len(self._jobs) >= self._max_active + self._max_queued:
            raise ModelBusy(f"{self._max_queued} requests are waiting for {self.name} already.")
        prompt = self._model.prompt(request.messages)
        room = self.context_tokens - prompt.token_count
        if room < 1:
            raise ContextTooLong(
                f"This model's maximum context length is {self.context_tokens} tokens, and the "
                f"messages have {prompt.token_count}."
            )
        max_tokens = min(request.max_tokens or _DEFAULT_MAX_TOKENS, room)
        job = Job(self._model.begin(prompt, request, max_tokens))
        task = asyncio.create_task(self._answer(job))
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)
        return job

    def occupancy(self) -> Occupancy:
        queued = len(self._jobs) - self._active
        return Occupancy(self._state, self._active, queued, steps=self._steps)

    async def run(self) -> None:
        try:
            self._model = await asyncio.to_thread(self._load)
            self._state = "ready"
            await asyncio.Event().wait()
        except ModelError:
            self._state = "failed"
            raise
        finally:
            await self._stop()

    async def _answer(self, job: Job) -> None:
        waiting = asyncio.create_task(self._places.acquire())
        stopping = asyncio.create_task(job.stopped.wait())
        try:
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done() and not stopping.done():
                self._active += 1
                try:
                    await self._answer_now(job, stopping)
                finally:
                    self._active -= 1
        finally:
            stopping.cancel()
            if not waiting.cancel():
                self._places.release()

    async def _answer_now(self, job: Job, stopping: asyncio.Future[Any]) -> None:
        """Returns when the model has ended with it, however that was."""
        loop = asyncio.get_running_loop()
        answering: asyncio.Future[Any] = loop.run_in_executor(
            self._threads, self._pass_on, job, loop
        )
        try:
            await asyncio.wait({answering, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            while not answering.done():
                job.answer.cancel()
                await asyncio.wait({answering}, timeout=_INSIST_S)

    def _pass_on(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        def tell(piece: Piece | Finish | ModelError) -> None:
            with suppress(RuntimeError):  # the loop is gone, and all who could hear it
                loop.call_soon_threadsafe(job.put, piece)

        try:
            for piece in job.answer:
                self._steps += 1
                tell(piece)
        except ModelError as exc:
            tell(exc)
        except Exception:
            logger.exception("An answer of %s broke off", self.name)
            tell(ModelUnavailable("The model failed while it was answering. Its log says why."))

    async def _stop(self) -> None:
        for task in self._jobs:
            task.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        self._threads.shutdown(wait=False)
