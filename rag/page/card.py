"""What the page shows of a turn, as plain values: an Answer in, properties and metadata out.

Every text in here may come from a document or a model and is shown as text, never as markup. It
knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rag import encoding
from rag.page import reach, sentences, signals
from rag.page.chat import Asked
from rag.page.passages import FindPage, passages
from rag.page.reach import Place
from rag.page.wording import Wording
from rag.retrieval.analysis import content_words
from rag.types import Answer, Context, Energy, Hit, Latency, Retrieved, Usage

STAGES = ("retrieve", "queue", "pack", "first_token", "generate", "check", "escalate")  # as run
SUREST = 0.99  # as a judgement is shown: it may always be wrong
NEAREST = 3  # passages shown when none holds the answer

Props = dict[str, Any]


def retrieval(retrieved: Retrieved, words: Wording) -> Props:
    """The search step: what was searched for, every hit's score and fate, the budget."""
    context = retrieved.context
    hits = [*context.hits, *(dropped.hit for dropped in context.dropped)]
    best = max((hit.score for hit in hits), default=0.0)
    unread = "" if is_read(context) else words("unread")
    rows = [_row(hit, number, unread, best) for number, hit in enumerate(context.hits, start=1)]
    rows += [_row(dropped.hit, None, unread or dropped.reason, best) for dropped in context.dropped]
    return {
        "background": retrieved.query.background,
        "rows": rows,
        "budget": _budget(context, words),
        "labels": words.group(
            "search_background", "search_none", "column_passage", "column_terms", "column_score",
            "fits", "passages",
        ) | {"page": words("page", page="{page}")},
    }  # fmt: skip


def is_read(context: Context) -> bool:
    """Whether it was given to a model; else its hits are just the nearest."""
    return bool(context.text)


def retrieval_title(context: Context, words: Wording) -> str:
    found = len(context.hits) + len(context.dropped)
    if not found:
        return words("searched_none")
    passages_ = words.count(found, "passage")
    key = "searched" if is_read(context) else "searched_unread"
    return words(key, passages=passages_, found=found, used=len(context.hits))


def _budget(context: Context, words: Wording) -> str:
    if not is_read(context):
        return ""
    return words("budget", used=context.token_count, budget=context.budget_tokens)


def _row(hit: Hit, number: int | None, reason: str, best: float) -> Props:
    return {
        "number": None if reason else number,  # None: not given to the model
        "reason": reason,
        "document": hit.chunk.document_name,
        "page": hit.chunk.page,
        "section": hit.chunk.section,
        "score": round(hit.score, 2),
        "share": max(0.0, min(1.0, hit.score / best)) if best > 0 else 0.0,
        "terms": list(hit.matched_terms),
    }


def turn(turn_id: str, asked: Asked, answer: Answer, find_page: FindPage, words: Wording) -> Props:
    """The card under an answer. Its stages' milliseconds add up to the total, also as shown."""
    context, is_declined = answer.context, is_absent(answer)
    hits = context.hits or tuple(dropped.hit for dropped in context.dropped[:NEAREST])
    shown = stages(answer.latency, words)
    speed = tokens_per_second(answer)
    return {
        **blank(turn_id, words),
        "turn": answer.trace_id,
        "model": answer.model,
        "badge": _badge(asked, answer, words),
        "percent": "" if is_declined else f"{min(answer.confidence.value, SUREST):.0%}",
        "signals": [
            {"text": text, "speaks_for": speaks_for}
            for text, speaks_for in signals.weightiest(answer.confidence, words)
        ],
        "terms": terms(answer) if is_declined else [],
        "ran": ran(asked, answer, words),
        "can": {
            "why": True,
            "larger": asked.has_larger and answer.route in {"slm", "declined"},
            "compare": asked.has_larger,
            "keep": asked.draft is not None,
        },
        "stages": shown,
        "total_ms": sum(stage["ms"] for stage in shown),
        "speed": words("speed", speed=f"{speed:.1f}") if speed else "",
        "usage": [used(model, usage, words) for model, usage in answer.usage.items()],
        "budget": _budget(context, words),
        "cost": cost(answer.cost_usd, answer.usage, words),
        "energy": energy(answer.energy, words),
        "notes": _loaded(answer, words),
        "warnings": [sentences.said(warning, words) for warning in answer.warnings],
        "has_unsupported": bool(answer.unsupported),
        "sources": passages(hits, answer.citations, find_page),
    }


def blank(turn_id: str, words: Wording) -> Props:
    """A card that says nothing yet."""
    return {
        "turn": "",
        "question": turn_id,
        "percent": "",
        "signals": [],
        "terms": [],
        "speed": "",
        "budget": "",
        "energy": "",
        "notes": [],
        "has_unsupported": False,
        "labels": words.group(
            "sources", "nearest", "details", "total", "passages", "confidence", "cost", "energy",
            "trace",
            "unsupported", "unsupported_legend", "whole_document", "why", "why_title",
            "ask_larger", "keep_local", "compare", "save_markdown", "searched_for", "speaks_for",
            "speaks_against",
        ) | {"page": words("page", page="{page}")},
    }  # fmt: skip


def escalation(model: str, reason: str, can_keep: bool, words: Wording) -> Props:
    """What is said of a larger model while it is asked."""
    key = "escalating_because" if reason else "escalating"
    return {
        "text": words(key, model=model or words("a_model"), reason=reason),
        "can_keep": can_keep,
    }


def working(
    turn_id: str, line: Props | None, escalated: Mapping[str, Any], words: Wording
) -> Props:
    """What stands in place of the card while the answer is worked at."""
    labels = words.group("keep_local", "keep_local_why", "slower")
    return {"question": turn_id, "line": line, "escalation": escalated or None, "labels": labels}


def is_absent(answer: Answer) -> bool:
    """Whether it says that the documents do not hold what was asked."""
    return answer.route == "declined" or answer.confidence.verdict == "not_in_documents"


def terms(answer: Answer) -> list[str]:
    """The words that were searched for, as they were written."""
    return content_words(answer.query.text, ())[0]


def ran(asked: Asked, answer: Answer, words: Wording) -> list[Props]:
    """Where each model ran that was asked for this answer, in order."""
    models = {(one.model, one.tier): one.reach for one in answer.attempts}
    return [
        ran_at(model, replace(asked.places.get(tier, Place()), reach=far), words)
        for (model, tier), far in models.items()
    ]


def ran_at(model: str, place: Place, words: Wording) -> Props:
    key = "ran_here" if place.reach == "machine" else "sent_to"
    where = reach.phrase(place, words)
    return {"model": model, "reach": place.reach, "text": words(key, model=model, where=where)}


def cost(cost_usd: float | None, usage: Mapping[str, Usage], words: Wording) -> str:
    """ "" for nothing, which goes without saying."""
    if cost_usd is None:
        return words("unknown")
    is_estimated = any(used.estimated for used in usage.values())
    label = f" ({words('estimated')})" if is_estimated else ""
    return f"${cost_usd:.2g}{label}" if cost_usd else ""


def energy(taken: Energy | None, words: Wording) -> str:
    if taken is None:
        return ""
    part = "" if taken.is_whole else f", {words('processors_alone')}"
    return f"≈ {taken.wh:.2g} Wh, {words(f'energy_{taken.source}')}{part}"


def _loaded(answer: Answer, words: Wording) -> list[str]:
    cold = dict.fromkeys(one.model for one in answer.attempts if one.is_cold)
    return [words("was_loaded", model=model) for model in cold]


def metadata(answer: Answer) -> Props:
    """The numbers of a turn for ``message.metadata``, named as ``ask --json`` names them."""
    shown = encoding.answer_json(answer)
    context = answer.context
    counts = {"hits": len(context.hits), "dropped": len(context.dropped)}
    return {
        **{key: value for key, value in shown.items() if key != "text"},
        "context": {
            "token_count": context.token_count,
            "budget_tokens": context.budget_tokens,
            **counts,
        },
        "tokens_per_second": tokens_per_second(answer),
    }


def tokens_per_second(answer: Answer) -> float | None:
    """Speed of writing: tokens after the first, over the time from the first to the last.

    None where that time is not the answering model's own: a larger model's is told as a whole.
    """
    if answer.latency.escalate_ms is not None and answer.route != "slm":
        return None
    usage = answer.usage.get(answer.model)
    seconds = (answer.latency.generate_ms or 0.0) / 1000
    if usage is None or usage.completion_tokens < 2 or seconds <= 0:  # noqa: PLR2004
        return None
    return round((usage.completion_tokens - 1) / seconds, 1)


def used(model: str, usage: Usage, words: Wording) -> Mapping[str, str]:
    key = "tokens_estimated" if usage.estimated else "tokens"
    told = words(key, prompt=usage.prompt_tokens, completion=usage.completion_tokens)
    return {"model": model, "tokens": told}


def _badge(asked: Asked, answer: Answer, words: Wording) -> Mapping[str, str]:
    if is_absent(answer):
        return {"text": words("badge_declined"), "tone": "muted"}
    if answer.confidence.verdict == "escalate":
        return {"text": words("badge_uncertain"), "tone": "warn"}
    if answer.route == "slm":
        is_here = asked.places.get("slm", Place()).reach == "machine"
        return {"text": words("badge_slm" if is_here else "badge_small"), "tone": "good"}
    went_on = answer.route == "llm" and asked.mode != "llm"
    key = "badge_escalated" if went_on else f"badge_{answer.route}"
    return {"text": words(key, model=answer.model), "tone": "good"}


def stages(latency: Latency, words: Wording) -> list[Props]:
    known = {stage: ms for stage in STAGES if (ms := _stage_ms(latency, stage)) is not None}
    total = max(latency.total_ms or 0.0, sum(known.values()))
    shown = whole({**known, "other": total - sum(known.values())}, round(total))
    return [
        {"key": key, "label": words(f"stage_{key}"), "ms": ms}
        for key, ms in shown.items()
        if ms or key != "other"
    ]


def _stage_ms(latency: Latency, stage: str) -> float | None:
    value: float | None = getattr(latency, f"{stage}_ms")
    return value


def whole(parts: Mapping[str, float], total: int) -> dict[str, int]:
    """Round ``parts`` to integers that add up to ``total``: the largest remainders go up.

    >>> whole({"a": 1.5, "b": 2.25, "c": 0.25}, 4)
    {'a': 2, 'b': 2, 'c': 0}
    """
    floors = {key: math.floor(value) for key, value in parts.items()}
    missing = total - sum(floors.values())
    by_remainder = sorted(parts, key=lambda key: floors[key] - parts[key])
    up = set(by_remainder[: max(0, missing)])
    return {key: floor + (key in up) for key, floor in floors.items()}
