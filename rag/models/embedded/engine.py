"""Several chats on one model: requests in, their pieces out, a step of the model at a time.

The model computes on the event loop itself, because a step holds Python's lock: no other thread
could run meanwhile (docs/decisions/0035-one-process-one-loop.md). Between two steps every other
task gets its turn. It knows neither OpenVINO nor HTTP.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from rag.errors import ContextTooLong, ModelBusy, ModelError, ModelUnavailable
from rag.models.embedded.generation import (
    Finish,
    FinishReason,
    GenerationRequest,
    Occupancy,
    Piece,
    Prompt,
    Sampled,
    State,
)
from rag.models.embedded.text import TextStream

if TYPE_CHECKING:
    from rag.models.embedded.runtime import Answer, Runtime

MAX_ACTIVE = 8  # chats that share each step; more would make all of them slow
MAX_QUEUED = 32
_DEFAULT_MAX_TOKENS = 1024
_SLACK_TOKENS = 64  # the cache is dealt out in blocks: a request may leave two half used
# Turns of the event loop between two steps: enough to take in a request and send what is ready.
_TURNS = 10
_STATES: dict[State, str] = {
    "loading": "is still loading: ask again in a moment",
    "failed": "has failed: its server is stopping",
    "ready": "is ready",
}


def cache_tokens(context_tokens: int) -> int:
    """Room for one chat that fills the context, and for eight of a usual length."""
    return max(context_tokens, MAX_ACTIVE * 2048) + MAX_ACTIVE * _SLACK_TOKENS


class Job:
    """A request's way through the engine; iterate it for its pieces."""

    def __init__(self, request: GenerationRequest, prompt: Prompt, max_tokens: int) -> None:
        self.request = request
        self.prompt = prompt
        self.max_tokens = max_tokens
        self.answer: Answer | None = None
        self.done = False
        self.cancelled = False  # and its place is taken until the model's next step
        self._pieces: asyncio.Queue[Piece | Finish | ModelError] = asyncio.Queue()
        self._text = TextStream(request.stop)
        self._completion_tokens = 0
        self._told_all = False

    @property
    def cache_tokens(self) -> int:
        return self.prompt.token_count + self.max_tokens + _SLACK_TOKENS

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
        """Forget the request; its place is free after the running step."""
        if not self.done:
            self._cancel()
        self._told_all = True

    def take(self) -> None:
        """Pass on what the model has sampled."""
        try:
            if self.answer is not None and not self.done:
                for sampled in self.answer.read():
                    self._take(sampled)
        except ModelError as exc:
            self.fail(exc)

    def fail(self, error: ModelError) -> None:
        self.done = True
        self._pieces.put_nowait(error)

    def _take(self, sampled: Sampled) -> None:
        if self.done:
            return
        if sampled.token is not None:
            self._completion_tokens += 1
            self._pieces.put_nowait(Piece(self._text.push(sampled.token.data), sampled.token))
        if self._text.stopped:
            self._cancel()
            self._finish("stop")
        elif sampled.finish is not None:
            self._finish(sampled.finish)

    def _finish(self, reason: FinishReason) -> None:
        self.done = True
        if rest := self._text.rest():
            self._pieces.put_nowait(Piece(rest, None))
        finish = Finish(reason, self.prompt.token_count, self._completion_tokens)
        self._pieces.put_nowait(finish)

    def _cancel(self) -> None:
        self.done = self.cancelled = True
        if self.answer is not None:
            self.answer.cancel()


class BatchingEngine:
    """``load`` makes the model, in seconds, when ``run`` is started."""

    reports_logprobs = True

    def __init__(
        self,
        name: str,
        context_tokens: int,
        load: Callable[[], Runtime],
        *,
        max_active: int = MAX_ACTIVE,
        max_queued: int = MAX_QUEUED,
    ) -> None:
        self.name = name
        self.context_tokens = context_tokens
        self._load = load
        self._max_active = max_active
        self._max_queued = max_queued
        self._runtime: Runtime | None = None
        self._state: State = "loading"
        self._queue: deque[Job] = deque()
        self._active: list[Job] = []
        self._work = asyncio.Event()
        self._steps = 0

    def submit(self, request: GenerationRequest) -> Job:
        if self._runtime is None or self._state != "ready":
            raise ModelUnavailable(f"The model {self.name} {_STATES[self._state]}.")
        self._queue = deque(job for job in self._queue if not job.done)
        if len(self._queue) >= self._max_queued:
            raise ModelBusy(f"{len(self._queue)} requests are waiting for {self.name} already.")
        prompt = self._runtime.prompt(request.messages)
        room = self.context_tokens - prompt.token_count
        if room < 1:
            raise ContextTooLong(
                f"This model's maximum context length is {self.context_tokens} tokens, and the "
                f"messages have {prompt.token_count}."
            )
        job = Job(request, prompt, min(request.max_tokens or _DEFAULT_MAX_TOKENS, room))
        self._queue.append(job)
        self._work.set()
        return job

    def occupancy(self) -> Occupancy:
        return Occupancy(
            state=self._state,
            active=len(self._active),
            queued=sum(not job.done for job in self._queue),
            cache_used=self._runtime.cache_used if self._runtime else 0.0,
            steps=self._steps,
        )

    async def run(self) -> None:
        try:
            self._runtime = await asyncio.to_thread(self._load)
            self._state = "ready"
            while True:
                await self._work.wait()
                self._step(self._runtime)
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
        except ModelError as exc:
            self._state = "failed"
            for job in (*self._active, *self._queue):
                job.fail(exc)
            raise

    def _step(self, runtime: Runtime) -> None:
        self._admit(runtime)
        if self._active:
            runtime.step()
            self._steps += 1
        self._active = [job for job in self._active if not job.cancelled]
        for job in self._active:
            job.take()
        self._active = [job for job in self._active if job.cancelled or not job.done]
        if not self._active and not self._queue:
            self._work.clear()

    def _admit(self, runtime: Runtime) -> None:
        """In the order of arrival, as far as places and the cache go: once begun, an answer is
        never interrupted for lack of room."""
        while self._queue and len(self._active) < self._max_active:
            job = self._queue[0]
            taken = sum(other.cache_tokens for other in self._active)
            if self._active and taken + job.cache_tokens > cache_tokens(self.context_tokens):
                return
            self._queue.popleft()
            if not job.done:
                self._begin(runtime, job)

    def _begin(self, runtime: Runtime, job: Job) -> None:
        try:
            job.answer = runtime.begin(job.prompt, job.request, job.max_tokens)
        except ModelError as exc:
            job.fail(exc)
        else:
            self._active.append(job)
