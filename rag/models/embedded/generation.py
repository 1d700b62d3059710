"""What is asked of an engine and what it gives back, piece by piece. Values only.

Shared by the HTTP app, which knows no engine, and the engine, which knows no HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from rag.types import Message

State = Literal["loading", "ready", "failed"]
FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    messages: tuple[Message, ...]
    max_tokens: int | None = None  # None: as many as the context has room for, within reason
    temperature: float = 0.0  # 0: always the likeliest token
    top_p: float = 1.0  # above 0, up to 1
    seed: int | None = None  # None: another one each time
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    data: bytes  # may be part of a character only
    logprob: float  # natural logarithm, of the model's own distribution


@dataclass(frozen=True, slots=True)
class Prompt:
    ids: Any  # as the runtime wants them
    token_count: int


@dataclass(frozen=True, slots=True)
class Sampled:
    token: Token | None  # None: the model's own end marker
    finish: FinishReason | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A token, and the text that became certain with it: whole characters, often but not always
    those of the token. The last piece may be text alone, and so is every piece of an engine that
    does not tell tokens."""

    text: str
    token: Token | None
    is_reasoning: bool = False  # the model's own thinking, not part of its answer


@dataclass(frozen=True, slots=True)
class Finish:
    reason: FinishReason
    prompt_tokens: int
    completion_tokens: int  # without the model's own end marker


@dataclass(frozen=True, slots=True)
class Occupancy:
    state: State
    active: int = 0  # requests being read or answered
    queued: int = 0  # requests waiting for a place
    cache_used: float = 0.0  # share of the key-value cache taken in the last step, 0 to 1
    steps: int = 0  # of the model, since it was loaded


class Generation(Protocol):
    """Pieces as they come, the finish last. ``aclose`` at any time frees its place."""

    async def __anext__(self) -> Piece | Finish:
        """Raises ModelError when the engine fails, and StopAsyncIteration after the finish."""
        ...

    async def aclose(self) -> None: ...


class Engine(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def context_tokens(self) -> int: ...

    @property
    def reports_logprobs(self) -> bool: ...

    def submit(self, request: GenerationRequest) -> Generation:
        """Take a place, or one in the queue.

        Raises ContextTooLong, ModelBusy when the queue is full, ModelUnavailable while loading.
        """
        ...

    def occupancy(self) -> Occupancy: ...

    async def run(self) -> None:
        """Load, then answer until cancelled. Raises ModelUnavailable when the model fails."""
        ...
