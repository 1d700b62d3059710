"""A turn without its words: answers and failures in, entries for the ledger out.

An entry holds route, models, how far prompts went, judgement, times, tokens, energy and cost, and
neither a question, an answer nor a document, nor the name of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rag.types import (
    Answer,
    Attempt,
    Energy,
    Failed,
    Latency,
    Mode,
    Reach,
    Route,
    Tier,
    Usage,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Part:
    """What the model of a tier had to do with a turn."""

    reach: Reach
    is_cold: bool = False  # it was loaded for this turn
    energy: Energy | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A turn without its words."""

    at: float  # seconds since 1970, UTC
    trace_id: str
    mode: Mode
    route: Route | Literal["failed"]  # failed: it ended, or was stopped, without an answer
    slm: str  # the models that were asked; "" for one that was not
    llm: str
    verdict: Verdict | None  # on the final answer; None: there is none
    confidence: float | None
    draft_verdict: Verdict | None  # on the small model's draft; None: there was none, or unjudged
    draft_confidence: float | None
    calibration: str
    signals: Mapping[str, float | None]
    latency: Latency
    usage: Mapping[str, Usage]  # by model
    cost_usd: float | None
    parts: Mapping[Tier, Part] = field(default_factory=dict)  # none of turns noted before version 3
    is_kept: bool = False  # a person took the draft back in place of the larger model's answer
    owner: str = ""  # whose turn it was (rag/people/owners.py)
    chat: str = ""  # id of the chat it was in; "" outside the page, and once that is deleted


def failed_entry(failed: Failed, mode: Mode, at: float) -> Entry:
    """All that is known of a turn without an answer; what it cost is not."""
    models = _models(failed.attempts)
    return Entry(
        at=at,
        trace_id=failed.trace_id,
        mode=mode,
        route="failed",
        slm=models.get("slm", ""),
        llm=models.get("llm", ""),
        verdict=None,
        confidence=None,
        draft_verdict=None,
        draft_confidence=None,
        calibration="",
        signals={},
        latency=failed.latency,
        usage=dict(failed.usage),
        cost_usd=None,
        parts=_parts(failed.attempts),
    )


def entry_of(answer: Answer, mode: Mode, at: float) -> Entry:
    judged, models = answer.confidence, _models(answer.attempts)
    draft = next((one.confidence for one in answer.attempts if one.tier == "slm"), None)
    return Entry(
        at=at,
        trace_id=answer.trace_id,
        mode=mode,
        route=answer.route,
        slm=models.get("slm", ""),
        llm=models.get("llm", ""),
        verdict=judged.verdict,
        confidence=judged.value,
        draft_verdict=draft.verdict if draft else None,
        draft_confidence=draft.value if draft else None,
        calibration=judged.calibration,
        signals={name: signal.value for name, signal in judged.signals.items()},
        latency=answer.latency,
        usage=dict(answer.usage),
        cost_usd=answer.cost_usd,
        parts=_parts(answer.attempts),
    )


def _models(attempts: Sequence[Attempt]) -> Mapping[Tier, str]:
    return {attempt.tier: attempt.model for attempt in attempts}


def _parts(attempts: Sequence[Attempt]) -> Mapping[Tier, Part]:
    return {one.tier: Part(one.reach, one.is_cold, one.energy) for one in attempts}
