"""From a question to a judged answer with citations: a question and an index in, events out.

It orders the stages and nothing more: every decision lies in the module a stage calls. It keeps
nothing between turns, so that one pipeline serves any number of chats.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from rag.answering import confidence, conversation
from rag.answering.turn import DEFAULT_OPTIONS, AnsweringOptions, Turn
from rag.errors import ContextTooLong, RagError
from rag.measuring.clock import Clock
from rag.models.chat import ChatModel
from rag.retrieval.index import Index
from rag.types import (
    Answered,
    AnswerEvent,
    Delta,
    Hit,
    Judged,
    Message,
    Mode,
    Query,
    Retrieved,
)

__all__ = ["AnsweringOptions", "Pipeline"]


@dataclass(frozen=True, slots=True)
class Pipeline:
    slm: ChatModel
    llm: ChatModel | None = None
    options: AnsweringOptions = DEFAULT_OPTIONS
    now_ns: Callable[[], int] = time.perf_counter_ns

    async def answer(
        self,
        question: str,
        *,
        index: Index,
        history: Sequence[Message] = (),
        mode: Mode = "slm",
    ) -> AsyncGenerator[AnswerEvent]:
        """Events up to ``Answered`` or ``Failed``; closing the iterator stops the model.

        ``history`` holds earlier questions and final answers, oldest first, never a draft that was
        superseded. After a second ``Retrieved`` the first no longer counts.
        """
        turn = self._turn(question, history, mode)
        try:
            async with aclosing(self._events(turn, index)) as events:
                async for event in events:
                    yield event
        except RagError as exc:
            yield turn.failed(exc)

    def _turn(self, question: str, history: Sequence[Message], mode: Mode) -> Turn:
        clock = Clock(self.now_ns)
        earlier = conversation.earlier(question, history)
        if mode == "llm" and self.llm is not None:
            return Turn(question, earlier, self.options, "llm", self.llm, clock)
        turn = Turn(question, earlier, self.options, "slm", self.slm, clock)
        if mode == "llm":
            turn.warnings.append(
                "There is no larger model, so the small one answered. Set RAG_LLM to add one."
            )
        return turn

    async def _events(self, turn: Turn, index: Index) -> AsyncGenerator[AnswerEvent]:
        query, hits = await asyncio.to_thread(turn.search, index)
        turn.clock.lap("retrieve")
        if not hits:
            yield Retrieved(query, turn.context)
            judged = confidence.nothing_found()
            yield Judged(judged)
            yield Answered(turn.declined(judged))
            return
        await turn.model.ready()
        turn.clock.lap("queue")
        await asyncio.to_thread(turn.prepare, hits)
        async with aclosing(_drafted(turn, query, hits)) as events:
            async for event in events:
                yield event
        judged = await asyncio.to_thread(turn.judge)
        yield Judged(judged)
        yield Answered(turn.answered(judged))


async def _drafted(
    turn: Turn, query: Query, hits: Sequence[Hit]
) -> AsyncGenerator[Retrieved | Delta]:
    """The draft as it streams; once more with a smaller prompt if the server finds it too long."""
    try:
        async with aclosing(_sent(turn, query)) as events:
            async for event in events:
                yield event
    except ContextTooLong as exc:
        turn.tighten(hits, exc)
        async with aclosing(_sent(turn, query)) as events:
            async for event in events:
                yield event


async def _sent(turn: Turn, query: Query) -> AsyncGenerator[Retrieved | Delta]:
    yield Retrieved(query, turn.context)
    turn.clock.lap("pack")
    async with aclosing(turn.stream()) as deltas:
        async for delta in deltas:
            yield delta
