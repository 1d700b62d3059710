"""A reply put together from what a server sends. In go decoded JSON chunks; out come deltas, and at
last a ``Reply``.

What a server leaves out is unknown, never wrong: nothing here fails on a missing or odd field. It
knows neither where chunks come from nor when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rag.types import Delta, Reply


@dataclass(slots=True)
class Gathered:
    text: list[str] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish_reason: str = ""
    usage: Any = None
    begun: bool = False  # the model was seen to write, be it only reasoning

    def add(self, chunk: Any) -> Delta | None:
        """The new text of a chunk, or of a whole completion; None when it brought none."""
        self.usage = within(chunk, "usage") or self.usage
        choices = within(chunk, "choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        self.finish_reason = within(choice, "finish_reason") or self.finish_reason
        written = within(choice, "delta") or within(choice, "message")
        text = within(written, "content")
        delta = Delta(text if isinstance(text, str) else "", _logprobs(choice))
        # Reasoning is a sign of life, and otherwise not used yet.
        reasoning = within(written, "reasoning_content") or within(written, "reasoning")
        self.begun = self.begun or bool(delta.text or reasoning)
        self.text.append(delta.text)
        self.logprobs.extend(delta.logprobs)
        return delta if delta.text or delta.logprobs else None

    def reply(self, model: str) -> Reply:
        return Reply(
            text="".join(self.text),
            model=model,
            finish_reason=self.finish_reason,
            prompt_tokens=count(within(self.usage, "prompt_tokens")),
            completion_tokens=count(within(self.usage, "completion_tokens")),
            # All zero is what servers send that do not compute them (llama.cpp, speculating).
            logprobs=tuple(self.logprobs) if any(self.logprobs) else None,
        )


def _logprobs(choice: Any) -> tuple[float, ...]:
    tokens = within(within(choice, "logprobs"), "content")
    if not isinstance(tokens, list):
        return ()
    figures = [within(token, "logprob") for token in tokens]
    return tuple(float(figure) for figure in figures if isinstance(figure, int | float))


def within(page: Any, key: str) -> Any:
    """``page[key]`` of decoded JSON; None where there is no such thing."""
    return page.get(key) if isinstance(page, Mapping) else None


def count(figure: Any) -> int | None:
    """A number of tokens, or None for anything else."""
    return figure if type(figure) is int and figure >= 0 else None
