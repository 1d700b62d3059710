"""One click on "test": is the model there, how fast is it, and what can it do?

In goes a model; out comes what a short reply of it showed, or why there was none.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from rag.errors import RagError, SettingsError
from rag.models import probe
from rag.models.chat import ChatModel
from rag.models.endpoint import EndpointModel
from rag.models.tiers import Homes, Resolved, resolve
from rag.types import Capabilities, Delta, GenerationOptions, Reach, Reply

_OPTIONS = GenerationOptions(max_tokens=32)


@dataclass(frozen=True, slots=True)
class Trial:
    """None means unknown; with an ``error`` the figures are."""

    setting: str  # what was tried, without a key
    model: str
    reach: Reach
    is_cold: bool | None = None  # it was loaded for this
    load_ms: float | None = None  # until it could be asked: connecting, probing, loading if cold
    first_token_ms: float | None = None  # afterwards, so always of a warm model
    tokens_per_second: float | None = None  # while writing
    capabilities: Capabilities | None = None
    error: str = ""  # a sentence; "" when all went well


@asynccontextmanager
async def apart(found: Resolved, homes: Homes) -> AsyncGenerator[Resolved]:
    """A server's model once more, to be probed anew and disturb nobody; ours are shared."""
    if not isinstance(found.model, EndpointModel):
        yield found
        return
    own = await resolve(found.tier, found.setting, homes)
    try:
        yield own
    finally:
        if isinstance(own.model, EndpointModel):
            await own.model.aclose()


async def tried(found: Resolved, *, is_cold: bool | None) -> Trial:
    """Ask a model for a few words. What goes wrong becomes the trial's ``error``.

    Raises SettingsError where there is no model.
    """
    setting, model = str(found.setting), found.model
    if model is None:
        raise SettingsError("There is no model to be tried: the setting is none.")
    started = time.perf_counter()
    if isinstance(model, EndpointModel):
        model.retry_now()
    try:
        await model.ready()
        load_ms = _ms_since(started)
        first_token_ms, tokens_per_second = await _timed(model)
    except RagError as exc:
        return Trial(setting, model.name, model.reach, is_cold, error=str(exc))
    return Trial(
        setting,
        model.name,
        model.reach,
        is_cold,
        load_ms,
        first_token_ms,
        tokens_per_second,
        model.capabilities,
    )


async def _timed(model: ChatModel) -> tuple[float | None, float | None]:
    """Milliseconds to the first token, and tokens a second from there to the last."""
    started, first, last, tokens = time.perf_counter(), None, 0.0, 0
    async with aclosing(model.stream(probe.QUESTION, _OPTIONS)) as events:
        async for event in events:
            last = time.perf_counter()
            if isinstance(event, Delta):
                first = first or last
                tokens += 1
            elif isinstance(event, Reply) and event.completion_tokens is not None:
                tokens = event.completion_tokens
    if first is None:
        return None, None
    writing_s = last - first
    return (first - started) * 1_000, (tokens - 1) / writing_s if writing_s and tokens > 1 else None


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1_000
