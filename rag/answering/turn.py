"""What one turn remembers while it runs: its prompt and clock; at the end, an answer or a failure.

It takes what a model streams and gives what a front end renders. What can be decided is decided
elsewhere: in budget.py, context.py, citations.py and confidence.py.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from rag.answering import budget, citations, confidence, conversation, prompt, refusals
from rag.answering.confidence import Draft
from rag.answering.context import pack
from rag.answering.safety import StreamGuard, inert
from rag.errors import ContextTooLong, ModelUnavailable, RagError
from rag.language import detect
from rag.measuring.clock import Clock, Stage
from rag.measuring.cost import cost_usd
from rag.models.chat import ChatModel
from rag.retrieval.coverage import coverage
from rag.retrieval.index import Index
from rag.tokens import count_tokens
from rag.types import (
    Answer,
    Confidence,
    Context,
    Delta,
    Failed,
    GenerationOptions,
    Hit,
    Message,
    Query,
    Reply,
    Tier,
    Usage,
)

DEFAULT_PASSAGES = 3  # of a model nobody has measured
_CANDIDATES = 10  # hits looked at, so that a person sees what was left out
_LATIN, _OTHER = 0.7, 0.3  # of our count, the least a healthy server reports, by script
_LAST_LATIN, _MOSTLY = "\u024f", 0.9


@dataclass(frozen=True, slots=True)
class AnsweringOptions:
    top_k: int | None = None  # passages a model gets; None: as many as it answers best with
    context_tokens: int | None = (
        None  # the most they may take; None: what the model's context allows
    )
    temperature: float = 0.0
    max_tokens: int = 512


DEFAULT_OPTIONS = AnsweringOptions()


@dataclass(slots=True)
class Turn:
    question: str
    earlier: Sequence[Message]  # the turns that the question leans on
    options: AnsweringOptions
    tier: Tier
    model: ChatModel
    clock: Clock
    warnings: list[str] = field(default_factory=list)
    trace_id: str = field(default_factory=lambda: secrets.token_hex(8))
    language: str = ""
    coverage: float = 0.0  # of the question by the best passage
    context: Context = field(default_factory=lambda: Context("", (), 0, 0))
    prompt: tuple[Message, ...] = ()
    partial: str = ""  # streamed so far
    reply: Reply | None = None
    cited: citations.Cited | None = None

    @property
    def whole_question(self) -> str:
        return conversation.whole(self.question, self.earlier)

    @property
    def max_passages(self) -> int:
        return self.options.top_k or self.model.best_passages or DEFAULT_PASSAGES

    def search(self, index: Index) -> tuple[Query, Sequence[Hit]]:
        """Blocks, so run it in a thread; telling the language loads a model the first time."""
        self.language = detect(self.question) or detect(self.whole_question)
        query = conversation.query(self.question, self.earlier)
        hits = index.search(query, max(_CANDIDATES, 2 * self.max_passages))
        self.coverage = coverage(self.whole_question, hits[:1], index.statistics(query))
        return query, hits

    def prepare(self, hits: Sequence[Hit]) -> None:
        """Write a prompt that fits the model. Raises ContextTooLong when none does."""
        asked = prompt.messages(self.whole_question, self.context, (), self.language)
        room = budget.share(
            self.model.capabilities.context_tokens,
            prompt.token_count(asked),
            self.options.max_tokens,
            self.options.context_tokens,
        )
        self.options = replace(self.options, max_tokens=room.reply_tokens)
        self._write(hits, room.passage_tokens, prompt.recent(self.earlier, room.history_tokens))

    def tighten(self, hits: Sequence[Hit], refusal: ContextTooLong) -> None:
        """Write a smaller prompt after a server's refusal: no history, half the passages.

        Raises the refusal itself when there is nothing to leave out, or the reply had begun.
        """
        self.clock.lap("queue")
        passages = len(self.context.hits)
        if self.partial or (passages == 1 and not self.earlier):
            raise refusal
        budget_tokens = self.context.token_count // (1 if passages == 1 else 2)
        self.warnings.append(
            "The prompt was too long for the model, so it was sent again without earlier turns "
            "and with fewer passages."
        )
        self._write(hits, budget_tokens, ())

    async def stream(self) -> AsyncGenerator[Delta]:
        """The reply as it comes, without images. Raises ModelError."""
        guard = StreamGuard()
        options = GenerationOptions(self.options.max_tokens, self.options.temperature)
        async with aclosing(self.model.stream(self.prompt, options)) as events:
            async for event in events:
                if isinstance(event, Reply):
                    self.reply = event
                    break
                if event.text and not self.partial:
                    self.clock.lap("first_token")
                self.partial += event.text
                yield Delta(guard.feed(event.text), event.logprobs)
        if self.reply is None:
            raise ModelUnavailable(f"{self.model.name} broke off its answer. Ask again.")
        if rest := guard.flush():
            yield Delta(rest)
        self.clock.lap(self._stage())

    def judge(self) -> Confidence:
        reply = self._finished()
        asked = self.whole_question
        self.cited = citations.resolve(reply.text, self.context, asked)
        return confidence.judge(Draft(asked, self.context, reply, self.cited, self.coverage))

    def answered(self, judged: Confidence) -> Answer:
        reply, cited = self._finished(), self.cited or citations.Cited(self.partial, ())
        name = reply.model or self.model.name
        usage = {name: self._usage(reply)}
        self.clock.lap("check")
        return Answer(
            text=cited.text,
            route=self.tier,
            model=name,
            citations=cited.citations,
            confidence=judged,
            context=self.context,
            latency=self.clock.latency(),
            usage=usage,
            cost_usd=cost_usd(usage, {name} if self.model.is_local else (), {}),
            trace_id=self.trace_id,
            warnings=(*self.warnings, *self._cuts(reply), *cited.warnings),
        )

    def declined(self, judged: Confidence) -> Answer:
        """The answer of a turn for which no model was asked."""
        self.clock.lap("check")
        return Answer(
            text=refusals.not_found(self.language),
            route="declined",
            model="",
            citations=(),
            confidence=judged,
            context=self.context,
            latency=self.clock.latency(),
            usage={},
            cost_usd=0.0,
            trace_id=self.trace_id,
            warnings=tuple(self.warnings),
        )

    def failed(self, error: RagError) -> Failed:
        self.clock.lap(self._stage())
        return Failed(str(error), inert(self.partial), self.trace_id, self.clock.latency())

    # --- parts

    def _write(self, hits: Sequence[Hit], budget_tokens: int, turns: Sequence[Message]) -> None:
        self.context = pack(hits, budget_tokens=budget_tokens, max_passages=self.max_passages)
        if not self.context.hits:
            raise ContextTooLong(self._too_long())
        self.prompt = prompt.messages(self.whole_question, self.context, turns, self.language)

    def _too_long(self) -> str:
        return (
            f"No passage fits into the context of {self.model.name} beside the question. Ask a "
            "shorter question, allow more tokens for passages, or choose another model."
        )

    def _finished(self) -> Reply:
        if self.reply is None:
            raise RuntimeError("The turn has not been streamed to its end.")
        return self.reply

    def _stage(self) -> Stage:
        """The stage that is under way, seen from those that are over."""
        latency = self.clock.latency()
        if latency.retrieve_ms is None:
            return "retrieve"
        if latency.queue_ms is None:
            return "queue"
        if latency.pack_ms is None:
            return "pack"
        return "generate" if self.partial else "first_token"

    def _usage(self, reply: Reply) -> Usage:
        """The server's own figures, or else our estimate of both."""
        if reply.prompt_tokens is None or reply.completion_tokens is None:
            return Usage(prompt.token_count(self.prompt), count_tokens(reply.text), estimated=True)
        return Usage(reply.prompt_tokens, reply.completion_tokens, estimated=False)

    def _cuts(self, reply: Reply) -> Iterator[str]:
        """What was lost on the way to the model or back, a sentence each."""
        text = "\n".join(message.content for message in self.prompt)
        expected = count_tokens(text)
        latin = sum(letter <= _LAST_LATIN for letter in text) >= _MOSTLY * len(text)
        least = expected * (_LATIN if latin else _OTHER)
        if reply.prompt_tokens is not None and reply.prompt_tokens < least:
            yield (
                f"The server read {reply.prompt_tokens} tokens of a prompt of about {expected}: "
                f"the rest was cut. Use fewer passages, or give {self.model.name} more context."
            )
        if reply.finish_reason == "length":
            yield (
                f"The answer was cut at {self.options.max_tokens} tokens. "
                "Allow longer answers, or ask for less."
            )
