"""One prompt sent to a model, and what came back: its words, its thinking, its counts.

Knows nothing of time, of judging, or of what a person is shown.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from rag.answering import confidence, prompt
from rag.answering.fitting import UNFITTED, Fitted
from rag.errors import ModelUnavailable
from rag.models.chat import ChatModel
from rag.tokens import count_tokens
from rag.types import Delta, GenerationOptions, Reply, Usage

_LOOK_EVERY = 16  # pieces, and at each end of a sentence, whether a draft is bound to fail
_ENDS = (".", "!", "?", "…", "。")


@dataclass(slots=True)
class Sending:
    """``deltas`` once, then look at the rest."""

    model: ChatModel
    fitted: Fitted = UNFITTED
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    is_watched: bool = False  # stopped as soon as it is bound to fail
    text: str = ""  # so far
    reasoning: str = ""
    pieces: list[Delta] = field(default_factory=list)  # of ``text``
    reply: Reply | None = None
    is_sent: bool = False

    async def deltas(self) -> AsyncGenerator[Delta]:
        """The reply as it comes; closing the model's stream frees the server's slot.

        Raises ModelError.
        """
        options = GenerationOptions(self.fitted.max_tokens, self.temperature, stop=self.stop)
        self.is_sent = True
        async with aclosing(self.model.stream(self.fitted.messages, options)) as events:
            async for event in events:
                if isinstance(event, Reply):
                    self._end(event)
                    break
                self._add(event)
                yield event
                if self.is_watched and self._is_doomed():
                    self.reply = self._stopped()
                    break
        if self.reply is None:
            raise ModelUnavailable(f"{self.model.name} broke off its answer. Ask again.")

    def usage(self) -> Usage | None:
        """The server's own figures, or else our estimate; None when nothing was written."""
        reply = self.reply
        if reply is None and not (self.text or self.reasoning):
            return None
        if reply is None or reply.prompt_tokens is None or reply.completion_tokens is None:
            prompt_tokens = prompt.token_count(self.fitted.messages)
            return Usage(prompt_tokens, self.estimated_tokens, estimated=True)
        return Usage(reply.prompt_tokens, reply.completion_tokens, estimated=False)

    @property
    def estimated_tokens(self) -> int:
        """Of all that was written, by our count."""
        return count_tokens(self.text) + count_tokens(self.reasoning)

    def _add(self, delta: Delta) -> None:
        if self.text.strip() and delta.reasoning.strip().startswith(self.text.strip()):
            self.text = ""  # what came as the answer has proved to be thinking
            self.pieces.clear()
        self.text += delta.text
        self.reasoning += delta.reasoning
        if delta.text or delta.logprobs:
            self.pieces.append(delta)

    def _end(self, reply: Reply) -> None:
        self.reply, self.text = reply, reply.text
        if "".join(piece.text for piece in self.pieces) != reply.text:
            self.pieces.clear()  # better none than those of another text

    def _stopped(self) -> Reply:
        logprobs = tuple(logprob for piece in self.pieces for logprob in piece.logprobs)
        return Reply(
            self.text,
            self.model.name,
            "stopped",
            logprobs=logprobs or None,
            reasoning=self.reasoning,
        )

    def _is_doomed(self) -> bool:
        look = len(self.pieces) % _LOOK_EVERY == 0 or self.text.rstrip().endswith(_ENDS)
        return look and confidence.is_doomed(self.text)


def added(usages: list[Usage]) -> Usage | None:
    """What several goes of one model took together; None for none."""
    if not usages:
        return None
    return Usage(
        sum(usage.prompt_tokens for usage in usages),
        sum(usage.completion_tokens for usage in usages),
        any(usage.estimated for usage in usages),
    )
