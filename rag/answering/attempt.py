"""One model's go at a turn: a question and what was found in; its words, judged, out.

It sends the prompt, streams the reply, and keeps what became of both. Whether the model should go
at all, and what follows, is decided elsewhere (modes.py, confidence.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from rag.answering import citations, confidence, modes, prompt
from rag.answering.evidence import Draft, Reading
from rag.answering.fitting import UNFITTED, Fitted, Fitting
from rag.answering.options import AnsweringOptions
from rag.answering.question import Asked
from rag.answering.safety import StreamGuard, inert
from rag.errors import ContextTooLong, ModelTimeout, ModelUnavailable, RagError
from rag.measuring.clock import Clock, Stage
from rag.measuring.energy import NO_METER, summed
from rag.models.chat import ChatModel
from rag.tokens import count_tokens
from rag.types import (
    AnswerEvent,
    Attempt,
    Confidence,
    Context,
    Delta,
    Energy,
    GenerationOptions,
    Judged,
    Message,
    Phase,
    Reply,
    Retrieved,
    Tier,
    Usage,
    Verdict,
    Working,
)

_SENT_AGAIN = (
    "The prompt was too long for the model, so it was sent again without earlier turns and with "
    "fewer passages."
)
_AT_ONCE_S = 0.1  # a model that is ready within this was not waited for
_LOOK_EVERY = 16  # pieces, and at each end of a sentence, whether a draft is bound to fail
_ENDS = (".", "!", "?", "…", "。")
_LATIN, _OTHER = 0.7, 0.3  # of our count, the least a healthy server reports, by script
_LAST_LATIN, _MOSTLY = "\u024f", 0.9


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

    fitted: Fitted = UNFITTED
    partial: str = ""  # streamed so far
    reasoning: str = ""  # the same of the model's thinking
    pieces: list[Delta] = field(default_factory=list)
    reading: Reading = field(init=False)  # since the prompt was written
    reply: Reply | None = None
    cited: citations.Cited | None = None
    confidence: Confidence | None = None  # None: not judged
    error: RagError | None = None
    warnings: list[str] = field(default_factory=list)
    is_cold: bool = False  # it was loaded for this go
    _taken: list[Energy | None] = field(default_factory=list)  # by each time it was sent a prompt
    _stage: Stage = "queue"  # under way
    _told: set[Phase] = field(default_factory=set)

    async def events(self) -> AsyncGenerator[AnswerEvent]:
        """Up to ``Judged``; a model that fails ends them early and leaves ``error``."""
        for event in self.preamble:
            yield event
        try:
            async with aclosing(self._limited()) as events:
                async for event in events:
                    yield event
            self.confidence = await asyncio.to_thread(self._judge)
        except RagError as exc:
            self.error = exc
        self._lap(self._stage)
        if self.confidence is not None:
            yield Judged(self.confidence)

    @property
    def name(self) -> str:
        return (self.reply and self.reply.model) or self.model.name or "The model"

    @property
    def verdict(self) -> Verdict | None:
        return self.confidence.verdict if self.confidence else None

    @property
    def context(self) -> Context:
        return self.fitted.context

    @property
    def prompt(self) -> tuple[Message, ...]:
        """Empty until there is one."""
        return self.fitted.messages

    @property
    def text(self) -> str:
        """As it was written, its images and links made harmless."""
        return inert(self.partial)

    def attempt(self) -> Attempt:
        reason = self.reply.finish_reason if self.reply else "error"
        return Attempt(
            self.tier,
            self.name,
            self.prompt,
            self.text,
            reason,
            self.confidence,
            inert(self.reasoning),
            self.model.reach,
            self.is_cold,
            self.energy,
        )

    def usage(self) -> Usage | None:
        """The server's own figures, or else our estimate; None when nothing was written."""
        reply = self.reply
        if reply is None and not self.partial:
            return None
        if reply is None or reply.prompt_tokens is None or reply.completion_tokens is None:
            completion_tokens = count_tokens(self.partial)
            return Usage(prompt.token_count(self.prompt), completion_tokens, estimated=True)
        return Usage(reply.prompt_tokens, reply.completion_tokens, estimated=False)

    @property
    def energy(self) -> Energy | None:
        """None where the model is elsewhere, or nobody knows."""
        return summed(self._taken)

    @property
    def is_uncounted(self) -> bool:
        """Whether it was sent a prompt and nobody knows what became of that."""
        return "waiting" in self._told and self.usage() is None

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
                f"The answer was cut at {self.fitted.max_tokens} tokens. "
                "Allow longer answers, or ask for less."
            )
        if self.reply.finish_reason == "stopped":
            yield "The answer was stopped early, because it could not have been accepted."

    # --- writing

    async def _limited(self) -> AsyncGenerator[AnswerEvent]:
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

    async def _written(self) -> AsyncGenerator[AnswerEvent]:
        """Once more with a smaller prompt if the server finds the first too long."""
        async with aclosing(self._readied()) as events:
            async for event in events:
                yield event
        self._over("queue", "pack")
        fitting = Fitting(self.asked, self.options, self.model, self.instructions)
        self._fit(await asyncio.to_thread(fitting.first))
        try:
            async with aclosing(self._sent()) as events:
                async for event in events:
                    yield event
        except ContextTooLong:
            smaller = None if self.partial else fitting.smaller(self.fitted)
            if smaller is None:
                raise
            self._over("queue", "pack")
            self._fit(smaller)
            self.warnings.append(_SENT_AGAIN)
            async with aclosing(self._sent()) as events:
                async for event in events:
                    yield event

    async def _readied(self) -> AsyncGenerator[AnswerEvent]:
        """Says that the model is being loaded only where that takes a moment."""
        readying = asyncio.create_task(self.model.ready())
        try:
            await asyncio.wait({readying}, timeout=_AT_ONCE_S)
            if not readying.done():
                self.is_cold = True
                yield self._now("loading")
            await readying
        finally:
            readying.cancel()

    async def _sent(self) -> AsyncGenerator[AnswerEvent]:
        if self.shown is None or self.context.text != self.shown.text:
            self.shown = self.context
            yield Retrieved(self.asked.found.query, self.context)
        if "waiting" not in self._told:
            yield self._now("waiting")
        self._over("pack", "first_token")
        preparing = asyncio.create_task(asyncio.to_thread(self.reading.prepare))
        guard = StreamGuard()
        meter = self.options.meter if self.model.reach == "machine" else NO_METER
        metered = meter.start()
        try:
            async with aclosing(self._streamed()) as deltas:
                async for delta in deltas:
                    if phase := self._begun(delta):
                        yield self._now(phase)
                    yield Delta(guard.feed(delta.text), delta.logprobs, delta.reasoning)
            if rest := guard.flush():
                yield Delta(rest)
            await preparing  # long done: the model has read meanwhile
        finally:
            self._taken.append(metered())
            preparing.cancel()  # nobody judges what broke off
        self._over(self._stage, "check")

    async def _streamed(self) -> AsyncGenerator[Delta]:
        """The reply as it comes; closing the model's stream frees the server's slot."""
        options = GenerationOptions(self.fitted.max_tokens, self.options.temperature)
        async with aclosing(self.model.stream(self.prompt, options)) as events:
            async for event in events:
                if isinstance(event, Reply):
                    self.reply = event
                    break
                if self._stage == "first_token" and (event.text or event.reasoning):
                    self._over("first_token", "generate")
                self.pieces.append(event)
                self.partial += event.text
                self.reasoning += event.reasoning
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
        self.cited = citations.resolve(
            reply.text, self.context, asked.question, self.reading.passages
        )
        draft = Draft(
            self.reading, reply, self.cited, self.pieces, asked.language, self.model.best_form
        )
        return modes.settled(confidence.judge(draft), self.tier, self.cited.text)

    def _begun(self, delta: Delta) -> Phase | None:
        """The phase that begins with a piece."""
        begun: Phase = "writing" if delta.text else "thinking"
        is_new = bool(delta.text or delta.reasoning) and begun not in self._told
        return begun if is_new else None

    def _now(self, phase: Phase) -> Working:
        self._told.add(phase)
        return Working(phase, self.model.name)

    def _fit(self, fitted: Fitted) -> None:
        self.fitted = fitted
        self.reading = Reading(self.asked.found, fitted.context)

    # --- time

    def _over(self, stage: Stage, following: Stage) -> None:
        self._lap(stage)
        self._stage = following

    def _lap(self, stage: Stage) -> None:
        self.clock.lap("escalate" if self.is_escalation else stage)
