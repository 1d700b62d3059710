"""One open connection to a chat server. In go messages; out come deltas and one reply, in time.

It knows when to ask, when to ask again, when to leave a server alone, and what this one refuses to
be sent; it does not know what the server can do, nor what the text means. Importing it imports
``openai``.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict
from typing import Any

from rag.errors import ModelError, ModelTimeout, ModelUnreachable
from rag.models import meanings, wire
from rag.models.breaker import Breaker
from rag.models.chat import Timeouts
from rag.models.exchange import Exchange
from rag.types import Delta, GenerationOptions, Message, Reply

# What a server may refuse to be sent; it is then left out for good. OpenAI's newer models take no
# temperature, and want another name for max_tokens.
_OPTIONAL = frozenset({"logprobs", "seed", "stream_options", "temperature", "max_tokens"})

_RETRIES = 2
_BACKOFF_S = 0.25
_LONGEST_PAUSE_S = 5.0  # a server that asks for more is busy, and the person should know
_PAGE_S = 5.0  # to wait for a page of the server's about itself, once connected
_PATIENCE = 0.5  # of the time for a first token


class Connection:
    """``server`` may be replaced when its model's true name is known."""

    def __init__(
        self, server: wire.Server, timeouts: Timeouts, breaker: Breaker, *, use_proxy: bool
    ) -> None:
        self.server = server
        self.streams = True  # as last seen; False: the answer came in one piece
        self.heard_s: float | None = None  # on the monotonic clock, when the model last wrote
        self._timeouts = timeouts
        self._breaker = breaker
        self._left_out: frozenset[str] = frozenset()
        self._thinks_first = False  # as last seen
        try:
            self._client = wire.client(server, timeouts.connect_s, use_proxy=use_proxy)
        except wire.FAILURES as exc:
            raise meanings.translated(exc, server) from exc

    async def aclose(self) -> None:
        await self._client.close()

    async def page(self, url: str, *, needed: bool = False) -> Any:
        """A page of the server's about itself, decoded; None where it has none."""
        with self._watched():
            try:
                async with asyncio.timeout(self._timeouts.connect_s + _PAGE_S):
                    page = await self._client.get(url, cast_to=object)
            except wire.FAILURES as exc:
                if needed or wire.is_unreachable(exc):
                    raise meanings.translated(exc, self.server) from meanings.cause(
                        exc, self.server
                    )
                return None
            self._breaker.succeeded()
            return page

    async def ask(
        self,
        messages: Sequence[Message],
        options: GenerationOptions,
        *,
        leave_out: Iterable[str] = (),
    ) -> AsyncGenerator[Delta | Reply, None]:
        asked_s, begun = _now_s(), False
        with self._watched() as request:
            try:
                asked = self._asked(messages, options, leave_out, asked_s)
                async with aclosing(asked) as events:
                    async for event in events:
                        begun, self.heard_s = True, time.monotonic()
                        self._breaker.succeeded()
                        yield event
            finally:
                # Who leaves that late would have been told of a timeout, but has another limit.
                if not begun and _now_s() - asked_s > _PATIENCE * self._timeouts.first_token_s:
                    self._breaker.failed(request)

    @contextmanager
    def _watched(self) -> Iterator[object]:
        """Tell the breaker what becomes of a request, or refuse it while the circuit is open."""
        request = object()
        if refusal := self._breaker.refusal(request):
            raise meanings.left_alone(refusal, self.server)
        try:
            yield request
        except (ModelTimeout, ModelUnreachable):
            self._breaker.failed(request)
            raise
        except ModelError:
            self._breaker.succeeded()  # it answers, if only to refuse
            raise
        finally:
            self._breaker.left(request)

    async def _asked(
        self,
        messages: Sequence[Message],
        options: GenerationOptions,
        leave_out: Iterable[str],
        asked_s: float,
    ) -> AsyncGenerator[Delta | Reply, None]:
        """Ask until an answer begins; nothing is asked again once part of it was handed on."""
        deadline = asked_s + self._timeouts.first_token_s
        left_out = self._left_out.union(leave_out)
        retries, begun = 0, False
        while True:
            body = _body(self.server.model, messages, options, left_out)
            exchange = Exchange(
                self.server, self._timeouts, deadline, thinks_first=self._thinks_first
            )
            try:
                async with aclosing(exchange.events(self._client, body)) as events:
                    async for event in events:
                        begun, self._left_out = True, left_out
                        yield event
                self.streams, self._thinks_first = exchange.streams, exchange.thinks_first
                return
            except wire.FAILURES as exc:
                option = wire.refused_option(exc, _OPTIONAL - left_out)
                pause_s = 0.0 if option else _pause_s(exc, retries)
                if begun or pause_s is None:
                    error = meanings.translated(exc, self.server, begun=begun)
                    raise error from meanings.cause(exc, self.server)
            if option:
                left_out |= {option}
            else:
                retries += 1
            await asyncio.sleep(pause_s)


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
    if not options.is_streamed:
        sent.pop("stream_options", None)
    if options.stop:
        sent["stop"] = list(options.stop)
    return {
        "model": model,
        "messages": [asdict(message) for message in messages],
        "stream": options.is_streamed,
        **sent,
    }


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
