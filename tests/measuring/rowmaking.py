"""Rows for the tests of this room."""

from __future__ import annotations

from collections.abc import Mapping

from answering.passages import chunk, hits

from rag.measuring.questions import Question
from rag.measuring.rows import Found, Row
from rag.types import (
    Answer,
    Attempt,
    Chunk,
    Citation,
    Confidence,
    Context,
    Latency,
    Message,
    Route,
    Signal,
    Tier,
    Usage,
    Verdict,
)

PASSAGE = chunk("The sea is salty. Its mean depth is 3,688 metres.", document="sea.md", page=4)
DEPTH = Question(
    id="depth",
    question="How deep is the sea?",
    answers=("3,688 metres",),
    document="sea.md",
    page=4,
)
UNHELD = Question(id="unheld", question="How old is the sea?", answers=())


def answer(
    text: str = "Its mean depth is 3,688 metres [1].",
    *,
    route: Route = "slm",
    verdict: Verdict = "accept",
    citations: tuple[Citation, ...] = (),
    passages: tuple[Chunk, ...] = (PASSAGE,),
    cost_usd: float | None = 0.0,
    attempts: tuple[Attempt, ...] = (),
    signals: Mapping[str, float | None] | None = None,
) -> Answer:
    return Answer(
        text=text,
        route=route,
        model="" if route == "declined" else "small",
        citations=citations,
        confidence=judged(verdict, signals or {}),
        context=Context("", hits(*passages), 20, 100),
        latency=Latency(retrieve_ms=1.0, total_ms=5.0),
        usage={} if route == "declined" else {"small": Usage(30, 8, estimated=False)},
        cost_usd=cost_usd,
        trace_id="trace",
        attempts=attempts,
    )


def attempt(
    text: str = "3,688 metres.",
    *,
    tier: Tier = "slm",
    finish_reason: str = "stop",
    prompt: tuple[Message, ...] = (),
    signals: Mapping[str, float | None] | None = None,
) -> Attempt:
    return Attempt(tier, tier, prompt, text, finish_reason, judged("accept", signals or {}))


def judged(verdict: Verdict, signals: Mapping[str, float | None]) -> Confidence:
    found = {name: Signal(value) for name, value in signals.items()}
    return Confidence(0.9, verdict, found, ())


def citation(*, supported: bool = True, document: str = "sea.md", page: int = 4) -> Citation:
    return Citation(1, "id", document, page, "quote", 0, 5, supported)


def row(
    question: Question = DEPTH,
    given: Answer | None = None,
    *,
    found: tuple[Found, ...] = (),
    error: str = "",
    total_ms: float = 5.0,
) -> Row:
    latency = Latency(retrieve_ms=1.0, total_ms=total_ms)
    return Row(question, "slm", found, latency, given, error=error)
