"""Whole turns for the tests of this room: a small library, and what a pipeline says about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from answering.passages import chunk

from rag.answering.confidence import Draft
from rag.answering.pipeline import Pipeline
from rag.retrieval.memory import MemoryIndex
from rag.types import (
    Answer,
    Answered,
    AnswerEvent,
    Confidence,
    Delta,
    Escalated,
    Failed,
    Message,
    Mode,
    Working,
)

SKY = chunk("The sky is blue by day and black at night.", document="sky.md")
SEA = chunk("The sea is salty. Its mean depth is 3,688 metres.", document="sea.md", page=4)
ROCK = chunk("Granite is a rock of quartz and feldspar.", document="rock.md")
LIBRARY = MemoryIndex([SKY, SEA, ROCK])

Make = Callable[..., Any]  # of the fixture ``model``


def ticking() -> Callable[[], int]:
    """A time source on which a millisecond passes between two looks."""
    ticks = count()
    return lambda: next(ticks) * 1_000_000


def judged_by_words(draft: Draft) -> Confidence:
    """Doubted for 7777, 8888 or nothing at all; an emperor is in none of the documents."""
    text = draft.reply.text
    if "emperor" in text:
        return Confidence(0.1, "not_in_documents", {}, ("The passages know no emperor.",))
    if "7777" in text or "8888" in text or "cannot" in text or not text.strip():
        return Confidence(0.2, "escalate", {}, ("A number is not in the passages: 7777.",))
    return Confidence(0.9, "accept", {}, ("The passages back the answer.",))


async def events(
    pipeline: Pipeline,
    question: str,
    *,
    index: MemoryIndex = LIBRARY,
    history: Sequence[Message] = (),
    mode: Mode = "slm",
) -> list[AnswerEvent]:
    answering = pipeline.answer(question, index=index, history=history, mode=mode)
    return [event async for event in answering]


async def answer(pipeline: Pipeline, question: str, **options: Any) -> Answer:
    return answered(await events(pipeline, question, **options))


def answered(found: Sequence[AnswerEvent]) -> Answer:
    last = found[-1]
    assert isinstance(last, Answered), last
    return last.answer


def failed(found: Sequence[AnswerEvent]) -> Failed:
    last = found[-1]
    assert isinstance(last, Failed), last
    return last


def escalated(found: Sequence[AnswerEvent]) -> Escalated:
    (event,) = (event for event in found if isinstance(event, Escalated))
    return event


def kinds(found: Sequence[AnswerEvent]) -> list[str]:
    """In order, phases apart; the pieces of one answer count once."""
    names = [type(event).__name__ for event in found if not isinstance(event, Working)]
    return [
        name
        for name, before in zip(names, ["", *names[:-1]], strict=True)
        if (name, before) != ("Delta", "Delta")
    ]


def phases(found: Sequence[AnswerEvent]) -> list[str]:
    return [event.phase for event in found if isinstance(event, Working)]


def streamed(found: Sequence[AnswerEvent]) -> str:
    return "".join(event.text for event in found if isinstance(event, Delta))
