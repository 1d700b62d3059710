"""What a run was worth: rows in; estimates with intervals, ready for JSON, out.

The shape is promised in docs/evaluation.md. Scores are those of scores.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from rag.measuring.rows import Row
from rag.measuring.scores import SCORES, scores_of
from rag.measuring.statistics import Estimate, estimate, median, percentile
from rag.types import Answer, Latency, Usage

Json = dict[str, Any]
Scores = Mapping[str, Mapping[str, float]]  # by question id, then by name

_PERCENTILES = (90, 95, 99)


def summarise(rows: Sequence[Row]) -> Json:
    by_question = {row.question.id: scores_of(row) for row in rows}
    answers = [row.answer for row in rows if row.answer]
    return {
        "questions": len(rows),
        "answerable": sum(row.question.is_answerable for row in rows),
        "errors": sum(bool(row.error) for row in rows),
        "models": dict(Counter(answer.model for answer in answers if answer.model)),
        "routes": dict(Counter(answer.route for answer in answers)),
        "scores": {name: _estimate(_column(by_question, name)) for name in SCORES},
        "latency_ms": _latency([row.latency for row in rows if not row.error]),
        "tokens": _tokens(answers),
        "cost_usd": _cost([answer.cost_usd for answer in answers]),
        "by_question": by_question,
    }


def _column(by_question: Scores, name: str) -> list[float]:
    return [scores[name] for scores in by_question.values() if name in scores]


def _estimate(values: Sequence[float]) -> Json | None:
    return estimate_json(estimate(values))


def estimate_json(found: Estimate | None) -> Json | None:
    return asdict(found) if found else None


def _latency(latencies: Sequence[Latency]) -> Json:
    """By stage, the total among them; None for one that no turn went through."""
    return {
        stage.name.removesuffix("_ms"): _spread(
            [ms for each in latencies if (ms := getattr(each, stage.name)) is not None]
        )
        for stage in fields(Latency)
    }


def _spread(times_ms: Sequence[float]) -> Json | None:
    middle = median(times_ms)
    if middle is None:
        return None
    return {
        "median": middle.value,
        "low": middle.low,
        "high": middle.high,
        "min": min(times_ms),
        "max": max(times_ms),
        **{f"p{q}": estimate_json(percentile(times_ms, q)) for q in _PERCENTILES},
        "count": middle.count,
    }


def _tokens(answers: Sequence[Answer]) -> Json:
    """A question's, of all its models and by model; ``estimated`` questions were counted here."""
    used = [answer.usage for answer in answers]
    models = sorted({model for turn in used for model in turn})
    return {
        **_counts([list(turn.values()) for turn in used]),
        "estimated": sum(any(each.estimated for each in turn.values()) for turn in used),
        "by_model": {
            model: _counts([[turn[model]] if model in turn else [] for turn in used])
            for model in models
        },
    }


def _counts(turns: Sequence[Sequence[Usage]]) -> Json:
    return {
        "prompt": _estimate([sum(each.prompt_tokens for each in turn) for turn in turns]),
        "completion": _estimate([sum(each.completion_tokens for each in turn) for turn in turns]),
    }


def _cost(costs_usd: Sequence[float | None]) -> Json | None:
    """A question's, and of all; None when one of them is unknown."""
    known = [cost for cost in costs_usd if cost is not None]
    each = estimate(known)
    if each is None or len(known) < len(costs_usd):
        return None
    return {**asdict(each), "total": sum(known)}
