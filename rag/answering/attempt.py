"""One model's go at a turn: a question and what was found in; its words, judged, out.

It sends the prompt, streams the reply, sends another prompt where that mends what was lost
(remedies.py), and keeps what became of all. Whether the model should go
at all, and what follows, is decided elsewhere (modes.py, confidence.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from rag.answering import citations, confidence, conversation, losses, modes
from rag.answering.evidence import Draft, Reading
from rag.answering.fitting import Fitted, Fitting
from rag.answering.options import AnsweringOptions
from rag.answering.question import Asked
from rag.answering.remedies import Remedies, Remedy
from rag.answering.safety import StreamGuard, inert
from rag.answering.sending import Sending, added
from rag.errors import ContextTooLong, ModelTimeout, ModelUnavailable, RagError
from rag.measuring.clock import Clock, Stage
from rag.measuring.energy import NO_METER, summed
from rag.models.chat import ChatModel
from rag.types import (
    AnswerEvent,
    Attempt,
    Confidence,
    Context,
    Delta,
    Energy,
    Judged,
    Message,
    Phase,
    Restarted,
    Retrieved,
    Tier,
    Usage,
    Verdict,
    Working,
)

_FELL_BACK = "So what the model wrote at first stands."
_AT_ONCE_S = 0.1  # a model that is ready within this was not waited for


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

    sendings: list[Sending] = field(default_factory=list)  # all but the last are superseded
    reading: Reading = field(init=False)  # since the prompt was written
    remedies: Remedies = field(init=False)
    cited: citations.Cited | None = None
    confidence: Confidence | None = None  # None: not judged
    error: RagError | None = None
    warnings: list[str] = field(default_factory=list)
    is_cold: bool = False  # it was loaded for this go
    _taken: list[Energy | None] = field(default_factory=list)  # by each time it was sent a prompt
    _stage: Stage = "queue"  # under way
    _told: set[Phase] = field(default_factory=set)

    def __post_init__(self) -> None:
        fitting = Fitting(self.asked, self.options, self.model, self.instructions)
        self.remedies = Remedies(fitting)

    async def events(self) -> AsyncGenerator[AnswerEvent]:
        """Up to ``Judged``; a model that fails ends them early and leaves ``error``."""
        for event in self.preamble:
            yield event
        try:
            async with aclosing(self._limited()) as events:
                async for event in events:
                    yield event
        except RagError as exc:
            if not self._has_fallen_back(exc):
                self.error = exc
        if self.error is None:
            self.confidence = await asyncio.to_thread(self._judge)
        self._lap(self._stage)
        if self.confidence is not None:
            yield Judged(self.confidence)

    @property
    def last(self) -> Sending:
        return self.sendings[-1] if self.sendings else Sending(self.model)

    @property
    def name(self) -> str:
        reply = self.last.reply
        return (reply and reply.model) or self.model.name or "The model"

    @property
    def verdict(self) -> Verdict | None:
        return self.confidence.verdict if self.confidence else None

    @property
    def context(self) -> Context:
        return self.last.fitted.context

    @property
    def prompt(self) -> tuple[Message, ...]:
        """Empty until there is one."""
        return self.last.fitted.messages

    @property
    def text(self) -> str:
        """As it was written, its images and links made harmless."""
        return inert(self.last.text)

    def attempt(self) -> Attempt:
        reply = self.last.reply
        return Attempt(
            self.tier,
            self.name,
            self.prompt,
            self.text,
            reply.finish_reason if reply else "error",
            self.confidence,
            inert(self.last.reasoning),
            self.model.reach,
            self.is_cold,
            self.energy,
        )

    def usage(self) -> Usage | None:
        """Of all that was sent, what was superseded included; None when nothing came back."""
        return added([usage for sent in self.sendings if (usage := sent.usage()) is not None])

    @property
    def energy(self) -> Energy | None:
        """None where the model is elsewhere, or nobody knows."""
        return summed(self._taken)

    @property
    def is_uncounted(self) -> bool:
        """Whether it was sent a prompt and nobody knows what became of that."""
        return any(sent.is_sent and sent.usage() is None for sent in self.sendings)

    def cuts(self) -> Iterator[str]:
        """What was lost on the way to the model or back, a sentence each."""
        return losses.sentences(self.last, self.remedies.cut)

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
        """Once more, with another prompt, where that mends what was lost on the way."""
        async with aclosing(self._readied()) as events:
            async for event in events:
                yield event
        self._over("queue", "pack")
        fitted: Fitted | None = await asyncio.to_thread(self.remedies.fitting.first)
        while fitted is not None:
            self._fit(fitted)
            try:
                async with aclosing(self._sent()) as events:
                    async for event in events:
                        yield event
                remedy = self.remedies.of_reply(self.last)
            except ContextTooLong:
                remedy = None if self.last.text else self.remedies.of_refusal(fitted)
                if remedy is None:
                    raise
                self.sendings.pop()
            if remedy and (self.last.text or self.last.reasoning):
                yield Restarted(remedy.reason)
            fitted = self._mended(remedy)
        if self.is_escalation and not self.last.text.strip():
            raise ModelUnavailable(losses.nothing(self.last))

    async def _readied(self) -> AsyncGenerator[AnswerEvent]:
        """Says that the model is being loaded only where that takes a moment."""
        readying = asyncio.create_task(self.model.ready())
        try:
            await asyncio.wait({readying}, timeout=_AT_ONCE_S)
            if not readying.done():
                self.is_cold = True
                yield self._now("loading")
            await readying
            self.is_cold = self.is_cold or self.model.is_cold
        finally:
            readying.cancel()

    async def _sent(self) -> AsyncGenerator[AnswerEvent]:
        if self.shown is None or self.context.text != self.shown.text:
            self.shown = self.context
            yield Retrieved(self.asked.found.query, self.context)
        yield self._now("waiting")
        self._over("pack", "first_token")
        preparing = asyncio.create_task(asyncio.to_thread(self.reading.prepare))
        words, thoughts = StreamGuard(), StreamGuard()
        meter = self.options.meter if self.model.reach == "machine" else NO_METER
        metered = meter.start()
        try:
            async with aclosing(self.last.deltas()) as deltas:
                async for delta in deltas:
                    if phase := self._begun(delta):
                        yield self._now(phase)
                    text, reasoning = words.feed(delta.text), thoughts.feed(delta.reasoning)
                    yield Delta(text, delta.logprobs, reasoning)
            if text := words.flush():
                yield Delta(text)
            await preparing  # long done: the model has read meanwhile
        finally:
            self._taken.append(metered())
            preparing.cancel()  # nobody judges what broke off
        self._over(self._stage, "check")

    def _mended(self, remedy: Remedy | None) -> Fitted | None:
        if remedy is None:
            return None
        self._over("queue" if self._stage == "first_token" else self._stage, "pack")
        if remedy.is_warning:
            self.warnings = [remedy.reason]  # it says more than one before
        self._told.clear()
        return remedy.fitted

    def _has_fallen_back(self, error: RagError) -> bool:
        """Whether there is a reply that was superseded in vain: it is better than none."""
        replied = [sent for sent in self.sendings if sent.reply and sent.text.strip()]
        if not replied:
            return False
        self.sendings = [*(sent for sent in self.sendings if sent is not replied[-1]), replied[-1]]
        self.reading = Reading(self.asked.found, self.context)
        self.warnings = [f"{error} {_FELL_BACK}"]
        return True

    def _judge(self) -> Confidence:
        asked, reply = self.asked, self.last.reply
        if reply is None:
            raise RuntimeError("The model has not been heard to its end.")
        text = conversation.without_repetition(reply.text, asked.earlier)
        passages = self.reading.passages
        self.cited = citations.resolve(text, self.context, asked.question, passages)
        pieces, form, is_cut = self.last.pieces, self.model.best_form, losses.is_cut(self.last)
        draft = Draft(self.reading, reply, self.cited, pieces, asked.language, form, is_cut)
        return modes.settled(confidence.judge(draft), self.tier, self.cited.text)

    def _begun(self, delta: Delta) -> Phase | None:
        """The phase that begins with a piece."""
        if not (delta.text or delta.reasoning):
            return None
        if self._stage == "first_token":
            self._over("first_token", "generate")
        begun: Phase = "writing" if delta.text else "thinking"
        return None if begun in self._told else begun

    def _now(self, phase: Phase) -> Working:
        self._told.add(phase)
        return Working(phase, self.model.name)

    def _fit(self, fitted: Fitted) -> None:
        options = self.options
        sending = Sending(self.model, fitted, options.temperature, options.stop, self.is_watched)
        self.sendings.append(sending)
        self.reading = Reading(self.asked.found, fitted.context)

    # --- time

    def _over(self, stage: Stage, following: Stage) -> None:
        self._lap(stage)
        self._stage = following

    def _lap(self, stage: Stage) -> None:
        self.clock.lap("escalate" if self.is_escalation else stage)
