"""Values in, plain dictionaries out: the shapes that ``--json`` promises (docs/command-line.md).

Nothing here is rounded or left out: ``None`` stays ``null``, unknown is never 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from rag.types import (
    Answer,
    Attempt,
    Citation,
    Confidence,
    Context,
    Energy,
    Expected,
    Explanation,
    Hit,
    Latency,
    Signal,
    Usage,
    Weighed,
)

Json = dict[str, Any]
Explanations = Mapping[str, Explanation]  # by id of the passage

NOTHING: Explanations = MappingProxyType({})


def search_json(
    query: str,
    hits: Sequence[Hit],
    latency_ms: float,
    explanations: Explanations = NOTHING,
    expected: Expected | None = None,
) -> Json:
    """``explain`` of a hit and ``expected`` are there when they were asked for."""
    found = {
        "query": query,
        "hits": [hit_json(hit, explanations) for hit in hits],
        "latency_ms": latency_ms,
    }
    return found if expected is None else {**found, "expected": expected_json(expected)}


def expected_json(expected: Expected) -> Json:
    chunk = expected.chunk
    return {
        "document": chunk and chunk.document_name,
        "page": chunk and chunk.page,
        "section": chunk and chunk.section,
        "text": chunk and chunk.text,
        "rank": expected.rank,
        "score": expected.score,
        "missing": [{"word": one.word, "nearest": one.nearest} for one in expected.missing],
        "reasons": list(expected.reasons),
    }


def explanation_json(explanation: Explanation) -> Json:
    return {
        "length": explanation.length,
        "average_length": explanation.average_length,
        "length_factor": explanation.length_factor,
        "terms": [
            {
                "term": each.term,
                "idf": each.idf,
                "frequency": each.frequency,
                "weight": each.weight,
                "share": each.share,
            }
            for each in explanation.terms
        ],
    }


def hit_json(hit: Hit, explanations: Explanations = NOTHING) -> Json:
    found: Json = {
        "rank": hit.rank,
        "score": hit.score,
        "document": hit.chunk.document_name,
        "page": hit.chunk.page,
        "section": hit.chunk.section,
        "text": hit.chunk.text,
        "matched_terms": list(hit.matched_terms),
    }
    explanation = explanations.get(hit.chunk.id)
    return {**found, "explain": explanation_json(explanation)} if explanation else found


def answer_json(answer: Answer) -> Json:
    return {
        "text": answer.text,
        "route": answer.route,
        "model": answer.model,
        "citations": [citation_json(citation) for citation in answer.citations],
        "confidence": confidence_json(answer.confidence),
        "context": context_json(answer.context),
        "latency_ms": latency_json(answer.latency),
        "usage": {model: usage_json(usage) for model, usage in answer.usage.items()},
        "cost_usd": answer.cost_usd,
        "energy": energy_json(answer.energy),
        "warnings": list(answer.warnings),
        "trace_id": answer.trace_id,
    }


def trace_json(answer: Answer, explanations: Explanations = NOTHING) -> Json:
    """All that is known of a turn: ``answer_json`` and what it leaves out, under further keys."""
    return {
        **answer_json(answer),
        "context": context_json(answer.context, explanations),
        "confidence": judgement_json(answer.confidence),
        "query": {"text": answer.query.text, "background": answer.query.background},
        "attempts": [attempt_json(attempt) for attempt in answer.attempts],
        "unsupported": list(answer.unsupported),
    }


def attempt_json(attempt: Attempt) -> Json:
    judged = attempt.confidence
    return {
        "tier": attempt.tier,
        "model": attempt.model,
        "prompt": [
            {"role": message.role, "content": message.content} for message in attempt.prompt
        ],
        "text": attempt.text,
        "reasoning": attempt.reasoning,
        "finish_reason": attempt.finish_reason,
        "confidence": None if judged is None else judgement_json(judged),
        "reach": attempt.reach,
        "is_cold": attempt.is_cold,
        "energy": energy_json(attempt.energy),
    }


def energy_json(energy: Energy | None) -> Json | None:
    if energy is None:
        return None
    return {"wh": energy.wh, "source": energy.source, "is_whole": energy.is_whole}


def judgement_json(confidence: Confidence) -> Json:
    return {
        **confidence_json(confidence),
        "weightiest": [weighed_json(weighed) for weighed in confidence.weightiest],
        "calibration": confidence.calibration,
    }


def weighed_json(weighed: Weighed) -> Json:
    return {
        "name": weighed.name,
        "value": weighed.value,
        "speaks_for": weighed.speaks_for,
        "details": list(weighed.details),
    }


def citation_json(citation: Citation) -> Json:
    return {
        "number": citation.number,
        "document": citation.document,
        "page": citation.page,
        "quote": citation.quote,
        "supported": citation.supported,
    }


def confidence_json(confidence: Confidence) -> Json:
    return {
        "value": confidence.value,
        "verdict": confidence.verdict,
        "signals": {name: signal_json(signal) for name, signal in confidence.signals.items()},
        "reasons": list(confidence.reasons),
    }


def signal_json(signal: Signal) -> Json:
    return {"value": signal.value, "threshold": signal.threshold, "weight": signal.weight}


def context_json(context: Context, explanations: Explanations = NOTHING) -> Json:
    return {
        "token_count": context.token_count,
        "budget_tokens": context.budget_tokens,
        "hits": [hit_json(hit, explanations) for hit in context.hits],
        "dropped": [
            {**hit_json(drop.hit, explanations), "reason": drop.reason} for drop in context.dropped
        ],
    }


def latency_json(latency: Latency) -> Json:
    """The unit is in the key that holds this: ``latency_ms``."""
    return {
        field.name.removesuffix("_ms"): getattr(latency, field.name) for field in fields(latency)
    }


def usage_json(usage: Usage) -> Json:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "estimated": usage.estimated,
    }
