"""One open connection to a chat server. In go messages; out come deltas and one reply, in time.

It knows when to wait, when to try again, when to give up, and what this server refuses to be sent;
it does not know what the server can do, nor what the text means. Importing it imports ``openai``.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

import openai

from rag.errors import ModelTimeout
from rag.models import wire
from rag.models.chat import Timeouts
from rag.models.gathering import Gathered
from rag.types import Delta, GenerationOptions, Message, Reply

# What a server may refuse to be sent; it is then left out for good. OpenAI's newer models take no
# temperature, and want another name for max_tokens.
_OPTIONAL = frozenset({"logprobs", "seed", "stream_options", "temperature", "max_tokens"})

_RETRIES = 2
_BACKOFF_S = 0.25
_LONGEST_PAUSE_S = 5.0  # a server that asks for more is busy, and the person should know
_PAGE_S = 5.0  # to wait for a page of the server's about itself
_END = object()


class Connection:
    """``server`` may be replaced when its model's true name is known."""

    def __init__(self, server: wire.Server, timeouts: Timeouts, *, use_proxy: bool) -> None:
        self.server = server
        self.streams = True  # as last seen; False: the answer came in one piece
        self.heard_s: float | None = None  # on the monotonic clock, when the model last wrote
        self._timeouts = timeouts
        self._left_out: frozenset[str] = frozenset()
        self._thinks_first = False  # as last seen
        try:
            self._client = wire.client(server, timeouts.connect_s, use_proxy=use_proxy)
        except wire.FAILURES as exc:
            raise wire.translated(exc, server) from exc

    async def aclose(self) -> None:
        await self._client.close()

    async def page(self, url: str, *, needed: bool = False) -> Any:
        """A page of the server's about itself, decoded; None where it has none."""
        try:
            async with asyncio.timeout(_PAGE_S):
                return await self._client.get(url, cast_to=object)
        except wire.FAILURES as exc:
            if needed or wire.is_unreachable(exc):
                raise wire.translated(exc, self.server) from wire.cause(exc, self.server)
            return None

    async def ask(
        self,
        messages: Sequence[Message],
        options: GenerationOptions,
        *,
        leave_out: Iterable[str] = (),
    ) -> AsyncGenerator[Delta | Reply, None]:
        """Ask until an answer begins; nothing is asked again once part of it was handed on."""
        deadline = _now_s() + self._timeouts.first_token_s
        left_out = self._left_out.union(leave_out)
        retries, begun = 0, False
        while True:
            body = _body(self.server.model, messages, options, left_out)
            try:
                async with aclosing(self._answer(body, deadline)) as events:
                    async for event in events:
                        begun, self._left_out = True, left_out
                        self.heard_s = time.monotonic()
                        yield event
                return
            except wire.FAILURES as exc:
                option = wire.refused_option(exc, _OPTIONAL - left_out)
                pause_s = 0.0 if option else _pause_s(exc, retries)
                if begun or pause_s is None:
                    error = wire.translated(exc, self.server, begun=begun)
                    raise error from wire.cause(exc, self.server)
            if option:
                left_out |= {option}
            else:
                retries += 1
            await asyncio.sleep(pause_s)

    async def _answer(self, body: object, deadline: float) -> AsyncGenerator[Delta | Reply, None]:
        gathered = Gathered(thinks_first=self._thinks_first)
        async with await self._sent(body, deadline) as answer:
            self.streams = not answer.response.headers.get("content-type", "").startswith(
                "application/json"
            )
            chunks = answer if self.streams else _whole(answer)
            while (chunk := await self._next(chunks, gathered.begun, deadline)) is not _END:
                if delta := gathered.add(chunk):
                    yield delta
        if not (gathered.begun or gathered.finish_reason):
            raise wire.unreadable(None, self.server)
        if delta := gathered.end():
            yield delta
        self._thinks_first = gathered.thinks_first
        yield gathered.reply(self.server.model)

    async def _sent(self, body: object, deadline: float) -> openai.AsyncStream[object]:
        try:
            async with asyncio.timeout_at(deadline):
                # Not `chat.completions.create`: its typed chunks cost more than our decoding, and
                # hide what odd servers send.
                return await self._client.post(
                    "/chat/completions",
                    body=body,
                    cast_to=object,
                    stream=True,
                    stream_cls=openai.AsyncStream[object],
                )
        except TimeoutError:
            raise self._too_slow(begun=False) from None

    async def _next(self, chunks: AsyncIterator[object], begun: bool, deadline: float) -> object:
        limit = _now_s() + self._timeouts.stall_s if begun else deadline
        try:
            async with asyncio.timeout_at(limit):
                return await anext(chunks, _END)
        except TimeoutError:
            raise self._too_slow(begun) from None

    def _too_slow(self, begun: bool) -> ModelTimeout:
        model, address = self.server.model, self.server.address
        if begun:
            return ModelTimeout(
                f"{model} at {address} wrote nothing more for {self._timeouts.stall_s:g} seconds, "
                "in the middle of its answer. Ask again, or raise RAG_STALL_TIMEOUT_S."
            )
        return ModelTimeout(
            f"{model} at {address} did not begin to answer within "
            f"{self._timeouts.first_token_s:g} seconds. It may still be loading: ask again, give "
            "it fewer passages, or raise RAG_FIRST_TOKEN_TIMEOUT_S."
        )


def _body(
    model: str,
    messages: Sequence[Message],
    options: GenerationOptions,
    left_out: frozenset[str],
) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "max_tokens": options.max_tokens,
        "temperature": options.temperature,
        "seed": options.seed,
        "logprobs": True,
        "stream_options": {"include_usage": True},
    }
    sent = {name: value for name, value in wanted.items() if name not in left_out}
    if "max_tokens" in left_out:
        sent["max_completion_tokens"] = options.max_tokens
    if options.seed is None:
        sent.pop("seed", None)
    if options.stop:
        sent["stop"] = list(options.stop)
    return {
        "model": model,
        "messages": [asdict(message) for message in messages],
        "stream": True,
        **sent,
    }


async def _whole(answer: openai.AsyncStream[object]) -> AsyncIterator[object]:
    """The one chunk of a server that does not stream."""
    yield json.loads(await answer.response.aread())


def _pause_s(exc: Exception, retries: int) -> float | None:
    """How long to wait before asking again; None: do not."""
    if retries == _RETRIES or not wire.is_passing(exc):
        return None
    asked_s = wire.retry_after_s(exc)
    pause_s = _BACKOFF_S * 2**retries if asked_s is None else asked_s
    return pause_s + _jitter_s() if pause_s <= _LONGEST_PAUSE_S else None


def _jitter_s() -> float:
    """So that chats turned away together do not come back together."""
    return random.uniform(0, _BACKOFF_S)  # noqa: S311 (no secret)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
