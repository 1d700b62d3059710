"""What the page shows of a turn, as plain values: an Answer in, properties and metadata out.

Every text in here may come from a document or a model and is shown as text, never as markup. It
knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from rag import encoding
from rag.page.wording import Wording
from rag.types import Answer, Chunk, Citation, Context, Hit, Latency, Retrieved

STAGES = ("retrieve", "queue", "pack", "first_token", "generate", "check", "escalate")  # as run
AROUND_CHARACTERS = 240  # of the page, shown before and after a passage
WRAPPED_SHARE = 0.7  # of the longest line: such a line was wrapped

Props = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Where a passage stands: its page's text, and the address of the file, "" for none."""

    text: str
    url: str
    is_pdf: bool


FindPage = Callable[[str, int], Page]  # document id, page number


def retrieval(retrieved: Retrieved, words: Wording) -> Props:
    """The search step: what was searched for, every hit's score and fate, the budget."""
    context = retrieved.context
    hits = [*context.hits, *(dropped.hit for dropped in context.dropped)]
    best = max((hit.score for hit in hits), default=0.0)
    rows = [_row(hit, number, "", best) for number, hit in enumerate(context.hits, start=1)]
    rows += [_row(dropped.hit, None, dropped.reason, best) for dropped in context.dropped]
    return {
        "background": retrieved.query.background,
        "rows": rows,
        "budget": words("budget", used=context.token_count, budget=context.budget_tokens),
        "labels": words.group(
            "search_background", "search_none", "column_passage", "column_terms", "column_score",
            "fits", "passages",
        ) | {"page": words("page", page="{page}")},
    }  # fmt: skip


def retrieval_title(context: Context, words: Wording) -> str:
    found = len(context.hits) + len(context.dropped)
    if not found:
        return words("searched_none")
    passages_ = words.count(found, "passage")
    return words("searched", passages=passages_, found=found, used=len(context.hits))


def _row(hit: Hit, number: int | None, reason: str, best: float) -> Props:
    return {
        "number": number,  # None: not given to the model
        "reason": reason,
        "document": hit.chunk.document_name,
        "page": hit.chunk.page,
        "section": hit.chunk.section,
        "score": round(hit.score, 2),
        "share": max(0.0, min(1.0, hit.score / best)) if best > 0 else 0.0,
        "terms": list(hit.matched_terms),
    }


def turn(answer: Answer, find_page: FindPage, words: Wording) -> Props:
    """The card under an answer. Its stages' milliseconds add up to the total, also as shown."""
    prompt = sum(usage.prompt_tokens for usage in answer.usage.values())
    completion = sum(usage.completion_tokens for usage in answer.usage.values())
    estimated = any(usage.estimated for usage in answer.usage.values())
    tokens = words(
        "tokens_estimated" if estimated else "tokens", prompt=prompt, completion=completion
    )
    speed = tokens_per_second(answer)
    context = answer.context
    stages = _stages(answer.latency, words)
    return {
        "turn": answer.trace_id,
        "model": answer.model,
        "badge": _badge(answer, words),
        "stages": stages,
        "total_ms": sum(stage["ms"] for stage in stages),
        "speed": words("speed", speed=f"{speed:.1f}") if speed else "",
        "tokens": tokens if answer.usage else "",
        "budget": words("budget", used=context.token_count, budget=context.budget_tokens),
        "confidence": answer.confidence.value,
        "cost_usd": answer.cost_usd,
        "notes": [*answer.warnings, *answer.confidence.reasons],
        "sources": passages(answer.context, answer.citations, find_page),
        "labels": words.group(
            "sources", "details", "total", "used_model", "passages", "confidence", "cost", "trace",
            "unsupported", "whole_document",
        ) | {"page": words("page", page="{page}")},
    }  # fmt: skip


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
    """Speed of writing: tokens after the first, over the time from the first to the last."""
    usage = answer.usage.get(answer.model)
    seconds = (answer.latency.generate_ms or 0.0) / 1000
    if usage is None or usage.completion_tokens < 2 or seconds <= 0:  # noqa: PLR2004
        return None
    return round((usage.completion_tokens - 1) / seconds, 1)


def passages(context: Context, citations: Sequence[Citation], find_page: FindPage) -> list[Props]:
    """The numbered passages the model read, each with its quotes marked and its surroundings."""
    return [
        _passage(number, hit, [one for one in citations if one.number == number], find_page)
        for number, hit in enumerate(context.hits, start=1)
    ]


def _passage(number: int, hit: Hit, citations: Sequence[Citation], find_page: FindPage) -> Props:
    chunk = hit.chunk
    page = find_page(chunk.document_id, chunk.page)
    before, after = _around(page.text, chunk)
    flowing = unwrapped if page.is_pdf else str
    quotes = [(one.start - chunk.start, one.end - chunk.start) for one in citations]
    return {
        "number": number,
        "document": chunk.document_name,
        "page": chunk.page,
        "section": chunk.section,
        "before": flowing(before),
        "spans": marked(flowing(chunk.text), quotes or [(0, len(chunk.text))]),
        "after": flowing(after),
        "cited": bool(citations),
        "supported": not citations or any(one.supported for one in citations),
        "url": page.url,
        "is_pdf": page.is_pdf,
    }


def marked(text: str, quotes: Sequence[tuple[int, int]]) -> list[Props]:
    """``text`` in pieces, of which those inside a quote are marked.

    >>> marked("one two", [(4, 7), (5, 9)])
    [{'text': 'one ', 'marked': False}, {'text': 'two', 'marked': True}]
    """
    inside = [any(start <= place < end for start, end in quotes) for place in range(len(text))]
    return [
        {"text": "".join(text[place] for place in places), "marked": is_marked}
        for is_marked, places in groupby(range(len(text)), key=inside.__getitem__)
    ]


def unwrapped(text: str) -> str:
    """``text`` of a PDF without the line ends of its columns; as long as before.

    A line nearly as long as the longest was wrapped; after a shorter one the break is meant.

    >>> unwrapped("Data\\nIt weighs 138 kilograms and is\\nblue.")
    'Data\\nIt weighs 138 kilograms and is blue.'
    """
    lines = text.split("\n")
    full = WRAPPED_SHARE * max(map(len, lines))
    ends = [" " if len(line) >= full and after else "\n" for line, after in pairwise(lines)]
    return "".join(part for pair in zip(lines, [*ends, ""], strict=True) for part in pair)


def _around(page: str, chunk: Chunk) -> tuple[str, str]:
    """What stands before and after on the page, with an ellipsis where that is cut."""
    if page[chunk.start : chunk.end] != chunk.text:  # the page has changed, or is gone
        return "", ""
    first, last = chunk.start - AROUND_CHARACTERS, chunk.end + AROUND_CHARACTERS
    before = page[max(0, first) : chunk.start].lstrip()
    after = page[chunk.end : last].rstrip()
    return ("…" if first > 0 else "") + before, after + ("…" if last < len(page) else "")


def _badge(answer: Answer, words: Wording) -> Mapping[str, str]:
    if answer.route == "declined" or answer.confidence.verdict == "not_in_documents":
        return {"text": words("badge_declined"), "tone": "muted"}
    if answer.confidence.verdict == "escalate":
        return {"text": words("badge_uncertain"), "tone": "warn"}
    return {"text": words(f"badge_{answer.route}"), "tone": "good"}


def _stages(latency: Latency, words: Wording) -> list[Props]:
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
