"""One request to a chat server and what comes of it. In goes a body; out come deltas and one reply,
in time.

It knows how long to wait for what, but neither whether to ask again nor what an error means.
Importing it imports ``openai``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator

import openai

from rag.errors import ModelTimeout
from rag.models import meanings, wire
from rag.models.chat import Timeouts
from rag.models.gathering import Gathered
from rag.types import Delta, Reply

_ENDING_S = 2.0  # to wait for the counts that follow a finished reply
_END = object()


class Exchange:
    """``deadline`` is when the first token is due, on the event loop's clock."""

    def __init__(
        self, server: wire.Server, timeouts: Timeouts, deadline: float, *, thinks_first: bool
    ) -> None:
        self.streams = True  # False: the answer came in one piece
        self._server = server
        self._timeouts = timeouts
        self._limit = deadline  # of the wait that is under way
        self._letters = 0  # when that began
        self._gathered = Gathered(thinks_first=thinks_first)

    @property
    def thinks_first(self) -> bool:
        return self._gathered.thinks_first

    async def events(
        self, client: openai.AsyncOpenAI, body: object
    ) -> AsyncGenerator[Delta | Reply, None]:
        """Raises ModelTimeout, ModelUnavailable, and what the library raises (wire.FAILURES)."""
        gathered = self._gathered
        async with await self._sent(client, body) as answer:
            content_type = answer.response.headers.get("content-type", "")
            self.streams = not content_type.startswith("application/json")
            chunks = answer if self.streams else _whole(answer)
            while (chunk := await self._next(chunks)) is not _END:
                if delta := gathered.add(chunk):
                    yield delta
        if not (gathered.letters or gathered.finish_reason):
            raise meanings.unreadable(None, self._server)
        if delta := gathered.end():
            yield delta
        yield gathered.reply(self._server.model)

    async def _sent(self, client: openai.AsyncOpenAI, body: object) -> openai.AsyncStream[object]:
        try:
            async with asyncio.timeout_at(self._limit):
                # Not `chat.completions.create`: its typed chunks cost more than our decoding, and
                # hide what odd servers send.
                return await client.post(
                    "/chat/completions",
                    body=body,
                    cast_to=object,
                    stream=True,
                    stream_cls=openai.AsyncStream[object],
                )
        except TimeoutError:
            raise self._too_slow() from None

    async def _next(self, chunks: AsyncIterator[object]) -> object:
        """_END when there is none. What follows a finished reply, or should, is not missed."""
        now_s = asyncio.get_running_loop().time()
        if self._gathered.finish_reason:
            self._limit = min(self._limit, now_s + _ENDING_S)
        elif self._gathered.letters > self._letters:  # empty chunks are no sign of life
            self._letters, self._limit = self._gathered.letters, now_s + self._timeouts.stall_s
        try:
            async with asyncio.timeout_at(self._limit):
                return await anext(chunks, _END)
        except wire.FAILURES as exc:
            if self._gathered.finish_reason:
                return _END
            if isinstance(exc, TimeoutError):
                raise self._too_slow() from None
            raise

    def _too_slow(self) -> ModelTimeout:
        model, address = self._server.model, self._server.address
        if self._letters:
            return ModelTimeout(
                f"{model} at {address} wrote nothing more for {self._timeouts.stall_s:g} seconds, "
                "in the middle of its answer. Ask again, or raise RAG_STALL_TIMEOUT_S."
            )
        return ModelTimeout(
            f"{model} at {address} did not begin to answer within "
            f"{self._timeouts.first_token_s:g} seconds. It may still be loading: ask again, give "
            "it fewer passages, or raise RAG_FIRST_TOKEN_TIMEOUT_S."
        )


async def _whole(answer: openai.AsyncStream[object]) -> AsyncIterator[object]:
    """The one chunk of a server that does not stream."""
    yield json.loads(await answer.response.aread())
