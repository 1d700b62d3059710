"""One model's go at a turn: a question and what was found in; its words, judged, out.

It writes the prompt, streams the reply, and keeps what became of both. Whether the model should go
at all, and what follows, is decided elsewhere (modes.py, confidence.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Self

from rag.answering import budget, citations, confidence, modes, prompt
from rag.answering.context import pack
from rag.answering.evidence import Draft, Found, Reading
from rag.answering.options import AnsweringOptions
from rag.answering.safety import StreamGuard, inert
from rag.errors import ContextTooLong, ModelError, ModelTimeout, ModelUnavailable, WeightsError
from rag.measuring.clock import Clock, Stage
from rag.models.chat import ChatModel
from rag.retrieval.index import Statistics
from rag.tokens import count_tokens
from rag.types import (
    AnswerEvent,
    Attempt,
    Confidence,
    Context,
    Delta,
    GenerationOptions,
    Judged,
    Message,
    Query,
    Reply,
    Retrieved,
    Tier,
    Usage,
    Verdict,
)

DEFAULT_PASSAGES = 3  # of a model nobody has measured
_LOOK_EVERY = 16  # pieces, and at each end of a sentence, whether a draft is bound to fail
_ENDS = (".", "!", "?", "…", "。")
_LATIN, _OTHER = 0.7, 0.3  # of our count, the least a healthy server reports, by script
_LAST_LATIN, _MOSTLY = "\u024f", 0.9


@dataclass(frozen=True, slots=True)
class Asked:
    """What all models of a turn start from."""

    earlier: Sequence[Message]  # the turns that the question leans on
    language: str  # ISO 639-1; "" when not detected
    found: Found

    @classmethod
    def nothing_found(cls, question: str, earlier: Sequence[Message]) -> Self:
        """As it is before the search."""
        return cls(earlier, "", Found(question, Query(question), (), Statistics(0, 0, {})))

    @property
    def question(self) -> str:
        """With those it leans on."""
        return self.found.question


@dataclass(slots=True)
class Writer:
    """``events`` once, then look at what it wrote, at ``confidence`` and at ``error``."""

    asked: Asked
    options: AnsweringOptions
    tier: Tier
    model: ChatModel
    clock: Clock
    is_escalation: bool = False  # its time is all ``escalate``, and limited
    is_watched: bool = False  # stopped as soon as it is bound to fail
    instructions: Sequence[Message] = ()  # that follow the question
    preamble: Sequence[AnswerEvent] = ()  # what a front end has to know first
    shown: Context | None = None  # of the last ``Retrieved``

    context: Context = field(default_factory=lambda: Context("", (), 0, 0))
    prompt: tuple[Message, ...] = ()
    partial: str = ""  # streamed so far
    pieces: list[Delta] = field(default_factory=list)
    reading: Reading = field(init=False)  # since the prompt was written
    reply: Reply | None = None
    cited: citations.Cited | None = None
    confidence: Confidence | None = None  # None: not judged
    error: ModelError | WeightsError | None = None
    warnings: list[str] = field(default_factory=list)
    _stage: Stage = "queue"  # under way

    async def events(self) -> AsyncGenerator[AnswerEvent]:
        """Up to ``Judged``; a model that fails ends them early and leaves ``error``."""
        for event in self.preamble:
            yield event
        try:
            async with aclosing(self._limited()) as events:
                async for event in events:
                    yield event
            self.confidence = await asyncio.to_thread(self._judge)
        except (ModelError, WeightsError) as exc:
            self.error = exc
        self._lap(self._stage)
        if self.confidence is not None:
            yield Judged(self.confidence)

    @property
    def name(self) -> str:
        return (self.reply and self.reply.model) or self.model.name

    @property
    def verdict(self) -> Verdict | None:
        return self.confidence.verdict if self.confidence else None

    @property
    def text(self) -> str:
        """As it was written, its images and links made harmless."""
        return inert(self.partial)

    def attempt(self) -> Attempt:
        reason = self.reply.finish_reason if self.reply else "error"
        return Attempt(self.tier, self.name, self.prompt, self.text, reason, self.confidence)

    def usage(self) -> Usage | None:
        """The server's own figures, or else our estimate; None when nothing was written."""
        reply = self.reply
        if reply is None and not self.partial:
            return None
        if reply is None or reply.prompt_tokens is None or reply.completion_tokens is None:
            completion_tokens = count_tokens(self.partial)
            return Usage(prompt.token_count(self.prompt), completion_tokens, estimated=True)
        return Usage(reply.prompt_tokens, reply.completion_tokens, estimated=False)

    def cuts(self) -> Iterator[str]:
        """What was lost on the way to the model or back, a sentence each."""
        if self.reply is None:
            return
        text = "\n".join(message.content for message in self.prompt)
        expected, read = count_tokens(text), self.reply.prompt_tokens
        latin = sum(letter <= _LAST_LATIN for letter in text) >= _MOSTLY * len(text)
        if read is not None and read < expected * (_LATIN if latin else _OTHER):
            yield (
                f"The server read {read} tokens of a prompt of about {expected}: "
                f"the rest was cut. Use fewer passages, or give {self.model.name} more context."
            )
        if self.reply.finish_reason == "length":
            yield (
                f"The answer was cut at {self.options.max_tokens} tokens. "
                "Allow longer answers, or ask for less."
            )
        if self.reply.finish_reason == "stopped":
            yield "The answer was stopped early, because it could not have been accepted."

    # --- writing

    async def _limited(self) -> AsyncGenerator[Retrieved | Delta]:
        """What it writes. Raises ModelTimeout when an escalation takes too long."""
        limit_s = self.options.escalation_timeout_s if self.is_escalation else None
        deadline = limit_s and asyncio.get_running_loop().time() + limit_s
        async with aclosing(self._written()) as events:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):  # never around a yield
                        event = await anext(events, None)
                except TimeoutError as exc:
                    raise ModelTimeout(
                        f"{self.name} took longer than {limit_s:g} seconds, the limit set by "
                        "RAG_ESCALATION_TIMEOUT_S."
                    ) from exc
                if event is None:
                    return
                yield event

    async def _written(self) -> AsyncGenerator[Retrieved | Delta]:
        """Once more with a smaller prompt if the server finds the first too long."""
        await self.model.ready()
        self._over("queue", "pack")
        await asyncio.to_thread(self._prepare)
        try:
            async with aclosing(self._sent()) as events:
                async for event in events:
                    yield event
        except ContextTooLong as exc:
            self._tighten(exc)
            async with aclosing(self._sent()) as events:
                async for event in events:
                    yield event

    async def _sent(self) -> AsyncGenerator[Retrieved | Delta]:
        if self.shown is None or self.context.text != self.shown.text:
            self.shown = self.context
            yield Retrieved(self.asked.found.query, self.context)
        self._over("pack", "first_token")
        preparing = asyncio.create_task(asyncio.to_thread(self.reading.prepare))
        guard = StreamGuard()
        async with aclosing(self._streamed()) as deltas:
            async for delta in deltas:
                yield Delta(guard.feed(delta.text), delta.logprobs)
        if rest := guard.flush():
            yield Delta(rest)
        await preparing  # long done: the model has read meanwhile
        self._over(self._stage, "check")

    async def _streamed(self) -> AsyncGenerator[Delta]:
        """The reply as it comes; closing the model's stream frees the server's slot."""
        options = GenerationOptions(self.options.max_tokens, self.options.temperature)
        async with aclosing(self.model.stream(self.prompt, options)) as events:
            async for event in events:
                if isinstance(event, Reply):
                    self.reply = event
                    break
                if event.text and not self.partial:
                    self._over("first_token", "generate")
                self.pieces.append(event)
                self.partial += event.text
                yield event
                if self.is_watched and self._is_doomed():
                    self.reply = self._stopped()
                    break
        if self.reply is None:
            raise ModelUnavailable(f"{self.model.name} broke off its answer. Ask again.")
        if self.is_escalation and not self.partial.strip():
            raise ModelUnavailable(f"{self.model.name} wrote nothing.")

    def _stopped(self) -> Reply:
        logprobs = tuple(logprob for piece in self.pieces for logprob in piece.logprobs)
        return Reply(self.partial, self.model.name, "stopped", logprobs=logprobs or None)

    def _is_doomed(self) -> bool:
        look = len(self.pieces) % _LOOK_EVERY == 0 or self.partial.rstrip().endswith(_ENDS)
        return look and confidence.is_doomed(self.partial)

    def _judge(self) -> Confidence:
        asked, reply = self.asked, self.reply
        if reply is None:
            raise RuntimeError("The model has not been heard to its end.")
        self.cited = citations.resolve(reply.text, self.context, asked.question)
        draft = Draft(self.reading, reply, self.cited, self.pieces, asked.language)
        return modes.settled(confidence.judge(draft), self.tier, self.cited.text)

    # --- the prompt

    @property
    def _max_passages(self) -> int:
        return self.options.top_k or self.model.best_passages or DEFAULT_PASSAGES

    def _prepare(self) -> None:
        """Write a prompt that fits the model. Raises ContextTooLong when none does."""
        room = budget.share(
            self.model.capabilities.context_tokens,
            prompt.token_count(self._messages(())),
            self.options.max_tokens,
            self.options.context_tokens,
        )
        self.options = replace(self.options, max_tokens=room.reply_tokens)
        turns = prompt.recent(self.asked.earlier, room.history_tokens)
        self._write(room.passage_tokens, turns)

    def _tighten(self, refusal: ContextTooLong) -> None:
        """Write a smaller prompt after a server's refusal: no history, half the passages.

        Raises the refusal itself when there is nothing to leave out, or the reply had begun.
        """
        passages = len(self.context.hits)
        if self.partial or (passages == 1 and not self.asked.earlier):
            raise refusal
        self._over("queue", "pack")
        self.warnings.append(
            "The prompt was too long for the model, so it was sent again without earlier turns "
            "and with fewer passages."
        )
        self._write(self.context.token_count // (1 if passages == 1 else 2), ())

    def _write(self, budget_tokens: int, turns: Sequence[Message]) -> None:
        self.context = pack(
            self.asked.found.hits, budget_tokens=budget_tokens, max_passages=self._max_passages
        )
        if not self.context.hits:
            raise ContextTooLong(
                f"No passage fits into the context of {self.model.name} beside the question. Ask "
                "a shorter question, allow more tokens for passages, or choose another model."
            )
        self.prompt = self._messages(turns)
        self.reading = Reading(self.asked.found, self.context)

    def _messages(self, turns: Sequence[Message]) -> tuple[Message, ...]:
        asked = self.asked
        messages = prompt.messages(asked.question, self.context, turns, asked.language)
        return (*messages, *self.instructions)

    # --- time

    def _over(self, stage: Stage, following: Stage) -> None:
        self._lap(stage)
        self._stage = following

    def _lap(self, stage: Stage) -> None:
        self.clock.lap("escalate" if self.is_escalation else stage)
