"""Drafts for the tests of signals and verdicts: two passages, a question, a model's words."""

from __future__ import annotations

from answering.passages import chunk

from rag.answering.citations import resolve
from rag.answering.context import pack
from rag.answering.evidence import Draft, Found, Reading
from rag.retrieval.memory import MemoryIndex
from rag.types import Delta, Query, Reply

SKY = chunk("The sky is blue by day. At night it is black.", document="sky.md")
SEA = chunk(
    "The sea is 3,688 metres deep. Jacques Piccard saw its ground in 1960.", document="sea.md"
)
PASSAGES = (SKY, SEA)


def found(question: str, *passages: object) -> Found:
    index = MemoryIndex(passages or PASSAGES)  # type: ignore[arg-type]
    query = Query(question)
    return Found(question, query, index.search(query, 10), index.statistics(query))


def draft(
    text: str,
    question: str = "Which colour is the sky?",
    *,
    finish_reason: str = "stop",
    logprobs: tuple[float, ...] | None = None,
    pieces: tuple[Delta, ...] = (),
    model: str = "m",
    language: str = "en",
) -> Draft:
    """The model read both passages, the sky's first, whatever search found."""
    from answering.passages import hits

    context = pack(hits(*PASSAGES), budget_tokens=500, max_passages=3)
    reply = Reply(text, model, finish_reason, logprobs=logprobs)
    cited = resolve(text, context, question)
    return Draft(Reading(found(question), context), reply, cited, pieces, language)
