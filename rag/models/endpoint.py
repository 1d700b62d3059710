"""A model behind an OpenAI-compatible address. In go messages; out come deltas and one reply.

Every model in this project is reached through this class, whatever runs it. It knows what the
server behind the address can do, but neither where the address comes from nor what the text means.
Nothing is connected, nor ``openai`` imported, before the model is first used.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rag.errors import ModelNotFound, ModelRefused
from rag.models import probe
from rag.models.breaker import Breaker
from rag.models.chat import Timeouts
from rag.models.reach import reach_of
from rag.types import Capabilities, Delta, Form, GenerationOptions, Message, Reach, Reply

if TYPE_CHECKING:
    from rag.models.connection import Connection

DEFAULT_TIMEOUTS = Timeouts()
_EXTRAS = ("logprobs", "seed", "stream_options")


class EndpointModel:
    """A ChatModel. ``name`` may be "", the server's first model, until ``ready`` has returned.

    ``best_passages``, ``best_form`` and ``context_tokens`` are what the caller knows and the
    server does not; ``breaker`` is the server's, None for one of its own.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        api_key: str = "",
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        breaker: Breaker | None = None,
        reach: Reach = "cloud",
        best_passages: int | None = None,
        best_form: Form = "answer",
        context_tokens: int | None = None,
    ) -> None:
        self.name = name
        self.best_passages = best_passages
        self.best_form = best_form
        self.reach = reach
        self.address = "" if reach == "machine" else _origin(base_url)
        self.capabilities = Capabilities(context_tokens=context_tokens)
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._timeouts = timeouts
        self._breaker = breaker or Breaker()
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._kept_s = math.inf  # how long the server keeps an idle model loaded
        self._recalled: Capabilities | None = None

    @property
    def is_cold(self) -> bool:
        """True until its first reply here, and again when the server has unloaded it since."""
        heard_s = self._connection.heard_s if self._connection else None
        return heard_s is None or time.monotonic() - heard_s > self._kept_s

    @property
    def port(self) -> int:
        url = urlsplit(self._base_url)
        return url.port or (443 if url.scheme == "https" else 80)

    @property
    def is_fetched(self) -> bool:
        return True

    def fetch(self) -> None:
        """Nothing to do: the server has it."""

    def learn_context(self, tokens: int) -> None:
        """The server was seen to cut a prompt to so many tokens: believe it from now on."""
        known = self.capabilities.context_tokens
        learned = tokens if known is None else min(known, tokens)
        self.capabilities = replace(self.capabilities, context_tokens=learned)

    def recall(self, seen: Capabilities) -> None:
        """An earlier run saw this: the model is not probed again."""
        self._recalled = seen

    def retry_now(self) -> None:
        """A person asks: the next request is sent, even to a server that was left alone."""
        self._breaker.retry_now()

    async def ready(self) -> None:
        await self._ready()

    async def stream(
        self, messages: Sequence[Message], options: GenerationOptions
    ) -> AsyncGenerator[Delta | Reply, None]:
        connection = await self._ready()
        leave_out = ("logprobs",) if self.capabilities.logprobs is False else ()
        async with aclosing(connection.ask(messages, options, leave_out=leave_out)) as events:
            async for event in events:
                if isinstance(event, Reply):
                    self.capabilities = probe.learned(self.capabilities, event)
                yield event

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    async def _ready(self) -> Connection:
        async with self._connecting:
            if self._connection is None:
                connection = await asyncio.to_thread(
                    _connection,
                    self._base_url,
                    self.name,
                    self._api_key,
                    timeouts=self._timeouts,
                    breaker=self._breaker,
                )
                try:
                    await self._probe(connection)
                except BaseException:
                    await connection.aclose()
                    raise
                self._connection = connection
            return self._connection

    async def _probe(self, connection: Connection) -> None:
        entries = probe.entries(await connection.page("/models", needed=not self.name))
        self.name = probe.listed_name(self.name, tuple(entries))
        connection.server = replace(connection.server, model=self.name, listed=tuple(entries))
        if not self.name:
            raise ModelNotFound(
                f"{connection.server.address} does not list its models. Write the model's name "
                "after a #, as in http://127.0.0.1:8080/v1#my-model."
            )
        entry = entries.get(self.name, {})
        seen = probe.advertised(entry) or self._recalled
        found = seen or await self._observed(connection, entry)
        known = self.capabilities
        self.capabilities = replace(
            found,
            context_tokens=known.context_tokens or found.context_tokens,
            reasons=known.reasons or found.reasons,
        )

    async def _observed(self, connection: Connection, entry: Mapping[str, Any]) -> Capabilities:
        reply = await _sample(connection)
        root = self._base_url.removesuffix("/v1")
        pages = await asyncio.gather(*(connection.page(root + path) for path in probe.PAGES))
        self._kept_s = probe.kept_s(self.name, pages, datetime.now(UTC))
        found = Capabilities(
            streams=connection.streams,
            reports_usage=reply.prompt_tokens is not None,
            context_tokens=probe.context_tokens(self.name, entry, pages),
        )
        return probe.learned(found, reply)


def _origin(base_url: str) -> str:
    """Scheme, host and port, without what may be a key.

    >>> _origin("https://secret@models.example:8443/v1")
    'https://models.example:8443'
    """
    url = urlsplit(base_url)
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"


def _connection(
    base_url: str,
    name: str,
    api_key: str,
    *,
    timeouts: Timeouts,
    breaker: Breaker,
) -> Connection:
    """For a thread: the first import of openai takes a second, a client a tenth of one."""
    from rag.models.connection import Connection  # noqa: PLC0415
    from rag.models.wire import Server  # noqa: PLC0415

    # A proxy must neither see nor break a connection that stays on this machine, whatever the
    # server behind it does with a prompt.
    server = Server(base_url, name, api_key=api_key)
    return Connection(server, timeouts, breaker, use_proxy=reach_of(base_url) != "machine")


async def _sample(connection: Connection) -> Reply:
    """A few words of the model, which some servers load only now."""
    try:
        return await _reply(connection)
    except ModelRefused:
        # Perhaps for an extra it does not name: ask as plainly as one can.
        return await _reply(connection, leave_out=_EXTRAS)


async def _reply(connection: Connection, leave_out: Iterable[str] = ()) -> Reply:
    asked = connection.ask(probe.QUESTION, probe.OPTIONS, leave_out=leave_out)
    async with aclosing(asked) as events:
        return [event async for event in events if isinstance(event, Reply)][-1]
