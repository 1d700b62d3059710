"""Puts a question to search or to a pipeline: the question in, its row out.

It knows nothing of files, settings, scores and other questions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from rag.answering.pipeline import Pipeline
from rag.measuring.metrics import contained
from rag.measuring.questions import Question
from rag.measuring.rows import Found, Row
from rag.retrieval.index import Index
from rag.types import (
    Answered,
    AnswerEvent,
    Context,
    Delta,
    Escalated,
    Failed,
    Hit,
    Latency,
    Mode,
    Query,
    Restarted,
    Retrieved,
)

DEPTH = 10  # hits looked at


async def searched(question: Question, index: Index) -> Row:
    """Search only. Raises SearchError."""
    started = time.perf_counter_ns()
    hits = await asyncio.to_thread(index.search, Query(question.question), DEPTH)
    ms = (time.perf_counter_ns() - started) / 1_000_000
    latency = Latency(retrieve_ms=ms, total_ms=ms)
    return Row(question, "retrieval", _found(hits, question), latency)


async def answered(question: Question, pipeline: Pipeline, index: Index, mode: Mode) -> Row:
    """A whole turn; one that fails is a row too."""
    row = Row(question, mode, (), Latency())
    async with aclosing(pipeline.answer(question.question, index=index, mode=mode)) as events:
        async for event in events:
            row = _after(event, row)
    if row.answer is None and not row.error:
        raise RuntimeError("The pipeline ended without Answered or Failed.")
    return row


def _after(event: AnswerEvent, row: Row) -> Row:
    match event:
        case Retrieved(context=context):
            return replace(row, found=_found(_ranked(context), row.question))
        case Delta(logprobs=logprobs) if row.draft is None:
            return replace(row, logprobs=row.logprobs + logprobs)
        case Restarted() if row.draft is None:
            row = replace(row, logprobs=())
        case Escalated(draft=draft):
            return replace(row, draft=draft)
        case Answered(answer=answer):
            # No draft when the larger model went first.
            return replace(row, latency=answer.latency, answer=answer, draft=row.draft or None)
        case Failed(message=message, latency=latency):
            return replace(row, latency=latency, draft=row.draft or None, error=message)
    return row


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
