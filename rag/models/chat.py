"""The one face of every model: messages in, a stream of deltas and at last a reply out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.types import Capabilities, Delta, Form, GenerationOptions, Message, Reach, Reply


@dataclass(frozen=True, slots=True)
class Timeouts:
    connect_s: float = 5.0
    first_token_s: float = 120.0  # from sending, retries included
    stall_s: float = 30.0  # between two pieces


class ChatModel(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def best_passages(self) -> int | None:
        """How many passages this model answers best with, as measured; None: not measured."""
        ...

    @property
    def best_form(self) -> Form:
        """What it is right most often with: a very small model needs to be asked for a sentence."""
        ...

    @property
    def reach(self) -> Reach:
        """How far prompts travel."""
        ...

    @property
    def address(self) -> str:
        """Where prompts go, as a person may see it: https://host; "" when they stay here."""
        ...

    @property
    def is_cold(self) -> bool:
        """Whether its next first token may wait for it to be loaded: none was seen since it was."""
        ...

    @property
    def is_fetched(self) -> bool:
        """False while its files have still to come, which takes minutes."""
        ...

    def fetch(self) -> None:
        """Begin to make it ready, in the background: how that ends, ``ready`` tells."""
        ...

    def learn_context(self, tokens: int) -> None:
        """It was seen to read no more than so many tokens, prompt and answer together.

        ``capabilities.context_tokens`` is at most that from now on.
        """
        ...

    async def ready(self) -> None:
        """Return once a request can be sent: fetched, loaded, reachable. Raises RagError."""
        ...

    def stream(
        self, messages: Sequence[Message], options: GenerationOptions
    ) -> AsyncGenerator[Delta | Reply, None]:
        """Deltas as they arrive, the reply last; closing the iterator frees the server's slot.

        The reply is the sum of its deltas, with one exception: of a model not yet known to begin
        within its thinking, what came as ``text`` may prove to be ``reasoning``. It is then told
        once more as such, and the reply's text is what followed. Raises ModelError.
        """
        ...
