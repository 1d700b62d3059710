"""What one turn remembers while it runs: what was asked and found, who wrote what, who goes next.

What can be decided is decided elsewhere: in confidence.py, modes.py and refining.py. How a turn
ends is told in ending.py.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rag.answering import modes, refining
from rag.answering.attempt import Writer
from rag.answering.fitting import DEFAULT_PASSAGES
from rag.answering.options import AnsweringOptions
from rag.answering.question import Asked
from rag.errors import SettingsError
from rag.measuring.clock import Clock
from rag.models.chat import ChatModel
from rag.retrieval.index import Index
from rag.types import (
    AnswerEvent,
    Confidence,
    Context,
    Dropped,
    Escalated,
    Judged,
    Message,
    Mode,
    Retrieved,
    Tier,
)

Consent = Callable[[ChatModel], Awaitable[bool]]

_NO_LLM = "There is no larger model, so the small one answered. Set RAG_LLM to add one."
_FETCHED_FIRST = (
    "has to be fetched first, which has begun. Ask the larger model when it is here, or fetch it "
    "with `python -m rag models pull`. So the small model answered."
)
CANDIDATES = 10  # hits looked at, so that a person sees what was left out


@dataclass(slots=True)
class Turn:
    asked: Asked
    mode: Mode
    options: AnsweringOptions
    slm: ChatModel
    llm: ChatModel | None
    consent: Consent
    clock: Clock
    trace_id: str = field(default_factory=lambda: secrets.token_hex(8))
    before: Confidence | None = None  # judged before a word was written
    writers: list[Writer] = field(default_factory=list)
    no_llm: str = ""  # why the larger model may not be asked

    def search(self, index: Index) -> None:
        """Blocks, so run it in a thread."""
        self.asked = self.asked.searched(index, self._candidates)
        self.before = modes.opening(self.mode, self.asked.found)
        self.clock.lap("retrieve")

    async def next(self) -> Writer | None:
        """The next model's go; None when the turn is over.

        Raises SettingsError when the small model may not be asked.
        """
        tier = self._following(has_llm=True)
        if tier == "llm" and not await self._may_ask_llm():
            tier = self._following(has_llm=False)
        if tier == "slm" and not await self._is_allowed(self.slm):
            raise SettingsError(_not_allowed(self.slm))
        if tier is None:
            return None
        self.writers.append(self._writer(tier))
        return self.writers[-1]

    @property
    def nearest(self) -> Context:
        """The best passages, while no model has read any."""
        hits = self.asked.found.hits
        left = (Dropped(hit, "No model has read it.") for hit in hits[DEFAULT_PASSAGES:])
        return Context("", hits[:DEFAULT_PASSAGES], 0, 0, tuple(left))

    @property
    def gone(self) -> Sequence[modes.Gone]:
        return [
            modes.Gone(writer.tier, writer.verdict, bool(self._faults(writer)))
            for writer in self.writers
        ]

    @property
    def shown(self) -> Context | None:
        """Of the last ``Retrieved``; None before the first."""
        return self.writers[-1].shown if self.writers else None

    # --- who goes next

    def _following(self, *, has_llm: bool) -> Tier | None:
        before = self.before.verdict if self.before else "accept"
        return modes.following(self.mode, before, self.gone, has_llm=has_llm)

    async def _may_ask_llm(self) -> bool:
        if self.llm is None:
            self.no_llm = _NO_LLM
        elif self.mode != "llm" and not self.llm.is_fetched:  # a draft need not wait for that
            self.llm.fetch()
            self.no_llm = f"{self.llm.name} {_FETCHED_FIRST}"
        elif not self.no_llm and not await self._is_allowed(self.llm):
            self.no_llm = f"{_not_allowed(self.llm)} So the small model answered."
        return not self.no_llm

    async def _is_allowed(self, model: ChatModel) -> bool:
        if model.reach == "machine":
            return True
        allowed = await self.consent(model)
        self.clock.lap("queue")  # a person's time to decide
        return allowed

    def _writer(self, tier: Tier) -> Writer:
        model = self.llm if tier == "llm" and self.llm else self.slm
        is_escalation = tier == "llm" and self.mode != "llm"
        # Of a model elsewhere nobody knows yet whether it may be asked, nor when one comes.
        may_escalate = (
            self.llm is not None
            and self.llm.reach == "machine"
            and self.llm.is_fetched
            and not self.writers
        )
        return Writer(
            self.asked,
            self.options,
            tier,
            model,
            self.clock,
            is_escalation=is_escalation,
            is_watched=modes.is_watched(self.mode, tier, may_escalate=may_escalate),
            instructions=self._instructions(),
            preamble=tuple(self._preamble(model, is_escalation=is_escalation)),
            shown=self.shown,
        )

    def _instructions(self) -> Sequence[Message]:
        """For one that goes after a draft which it is to polish."""
        draft = self.writers[-1] if self.writers else None
        if self.mode != "refine" or draft is None or draft.cited is None:
            return ()
        return refining.instructions(draft.cited.text, draft.cited.unsupported)

    def _preamble(self, model: ChatModel, *, is_escalation: bool) -> Iterator[AnswerEvent]:
        """What a front end has to know before the words of any but the first model in line."""
        if not (self.writers or is_escalation):
            return
        name = model.name or "another model"  # a server's first is not known yet
        if self.shown is None:
            yield Retrieved(self.asked.found.query, self.nearest)
        if self.writers:
            draft = self.writers[-1]
            yield Escalated(draft.text, name, self._faults(draft))
        elif self.before:
            yield Judged(self.before)
            yield Escalated("", name, self.before.reasons)

    def _faults(self, draft: Writer) -> tuple[str, ...]:
        """Why another model should go after it, as sentences."""
        if draft.confidence is None or draft.cited is None:
            return (str(draft.error),)
        if self.mode != "refine":
            return draft.confidence.reasons
        found = refining.reasons(
            draft.text,
            draft.cited.unsupported,
            draft.confidence,
            question=self.asked.question,
            language=self.asked.language,
            topics=self.options.refine_topics,
        )
        return tuple(found)

    @property
    def _candidates(self) -> int:
        models = [model for model in (self.slm, self.llm) if model]
        passages = [model.best_passages or DEFAULT_PASSAGES for model in models]
        return max(CANDIDATES, 2 * (self.options.top_k or max(passages)))


def _not_allowed(model: ChatModel) -> str:
    return (
        f"{model.name or 'The model'} is not on this machine and was not allowed to be asked. "
        "Allow it when you are asked, or set RAG_ALLOW_REMOTE."
    )
