"""Puts questions to search or to a pipeline: questions in, one row each out.

It knows nothing of files, settings and scores.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from rag.answering.pipeline import Pipeline
from rag.measuring.metrics import contained
from rag.measuring.questions import Question
from rag.measuring.rows import Found, Row
from rag.retrieval.index import Index
from rag.types import Answered, Context, Escalated, Failed, Hit, Latency, Mode, Query, Retrieved

DEPTH = 10  # hits looked at


async def search_all(questions: Sequence[Question], index: Index) -> AsyncGenerator[Row]:
    """Search only. Raises SearchError."""
    for question in questions:
        started = time.perf_counter_ns()
        hits = await asyncio.to_thread(index.search, Query(question.question), DEPTH)
        ms = (time.perf_counter_ns() - started) / 1_000_000
        latency = Latency(retrieve_ms=ms, total_ms=ms)
        yield Row(question, "retrieval", _found(hits, question), latency)


async def answer_all(
    questions: Sequence[Question], pipeline: Pipeline, index: Index, mode: Mode
) -> AsyncGenerator[Row]:
    """Whole turns, one after the other; a turn that fails is a row too."""
    for question in questions:
        yield await _answered(question, pipeline, index, mode)


async def _answered(question: Question, pipeline: Pipeline, index: Index, mode: Mode) -> Row:
    found: tuple[Found, ...] = ()
    draft: str | None = None
    events = pipeline.answer(question.question, index=index, mode=mode)
    async with aclosing(events):
        async for event in events:
            match event:
                case Retrieved(context=context):
                    found = _found(_ranked(context), question)
                case Escalated():
                    draft = event.draft or None  # none when the larger model went first
                case Answered(answer=answer):
                    return Row(question, mode, found, answer.latency, answer, draft)
                case Failed(message=message, latency=latency):
                    return Row(question, mode, found, latency, draft=draft, error=message)
    raise RuntimeError("The pipeline ended without Answered or Failed.")


def _ranked(context: Context) -> list[Hit]:
    """All that was found, whether the model read it or not."""
    hits = (*context.hits, *(dropped.hit for dropped in context.dropped))
    return sorted(hits, key=lambda hit: hit.rank)


def _found(hits: Sequence[Hit], question: Question) -> tuple[Found, ...]:
    return tuple(
        Found(
            hit.chunk.document_name,
            hit.chunk.page,
            bool(contained(hit.chunk.text, question.answers)),
        )
        for hit in hits[:DEPTH]
    )
