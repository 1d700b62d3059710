"""A model that says what it is told, a token each step, and keeps count: without weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import anyio

from rag.errors import ModelError
from rag.models.embedded.generation import GenerationRequest, Prompt, Sampled, Token
from rag.types import Message

LOGPROB = -0.25


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nobody tells when it becomes true
        await anyio.sleep(0.001)


@dataclass
class ScriptedAnswer:
    tokens: list[bytes]
    max_tokens: int
    ready: list[Sampled] = field(default_factory=list)
    given: int = 0
    cancelled: bool = False
    error: ModelError | None = None

    def step(self) -> None:
        if self.finished:
            return
        self.given += 1
        if self.given > len(self.tokens):
            self.ready.append(Sampled(None, "stop"))
        else:
            cut = self.given == self.max_tokens
            token = Token(self.tokens[self.given - 1], LOGPROB)
            self.ready.append(Sampled(token, "length" if cut else None))

    @property
    def finished(self) -> bool:
        return self.given > len(self.tokens) or self.given == self.max_tokens

    def read(self) -> Iterator[Sampled]:
        assert not self.cancelled
        if self.error:
            raise self.error
        ready, self.ready = self.ready, []
        yield from ready

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class ScriptedRuntime:
    """``reply`` makes the tokens of an answer from the last message; a prompt has as many tokens as
    words. ``held`` are the answers that still take room."""

    reply: Callable[[str], Sequence[bytes]] = lambda text: text.encode().split()
    fails_at_step: int | None = None
    error: ModelError | None = None
    refuses: ModelError | None = None
    cache_used: float = 0.0
    steps: int = 0
    held: list[ScriptedAnswer] = field(default_factory=list)
    most_held: int = 0
    requests: list[tuple[GenerationRequest, int]] = field(default_factory=list)

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        text = messages[-1].content
        return Prompt(text, sum(len(message.content.split()) for message in messages))

    def begin(self, prompt: Prompt, request: GenerationRequest, max_tokens: int) -> ScriptedAnswer:
        if self.refuses:
            raise self.refuses
        self.requests.append((request, max_tokens))
        answer = ScriptedAnswer(list(self.reply(prompt.ids)), max_tokens)
        self.held.append(answer)
        self.most_held = max(self.most_held, len(self.held))
        return answer

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.fails_at_step:
            raise self.error
        self.held = [answer for answer in self.held if not answer.cancelled]
        for answer in self.held:
            answer.step()
        self.held = [answer for answer in self.held if not answer.finished]
