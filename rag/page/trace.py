"""Why an answer is as it is: all that is known of a turn, to be read, copied and downloaded.

An Answer in, properties of ``public/elements/Trace.jsx`` out. ``trace`` is what is downloaded.
"""

from __future__ import annotations

from typing import Any

from rag import encoding
from rag.page import card, signals
from rag.page.wording import Wording
from rag.retrieval.explaining import explained
from rag.types import Answer, Explanation, Mode, Reach, Signal, Weighed

Props = dict[str, Any]
REACHES: tuple[Reach, ...] = ("machine", "network", "cloud")


def shown(answer: Answer, mode: Mode, words: Wording) -> Props:
    return {
        "trace": {"mode": mode, **encoding.trace_json(answer, _explanations(answer))},
        "terms": card.terms(answer),
        "verdict": words(f"verdict_{answer.confidence.verdict}"),
        "reasons": [text for text, _ in signals.weightiest(answer.confidence, words)],
        "signals": [
            {"name": name, "text": _said(name, signal, words), **encoding.signal_json(signal)}
            for name, signal in answer.confidence.signals.items()
        ],
        "stages": {
            **{name: words(f"stage_{name}") for name in card.STAGES},
            "total": words("total"),
        },
        "energy": card.energy(answer.energy, words),
        "labels": words.group(
            "copy", "copied", "save", "judgement", "verdict", "confidence", "calibration",
            "documented", "signals", "signal", "value", "threshold", "weight", "search",
            "searched_for", "search_background", "terms", "column_passage", "column_score", "fits",
            "attempts", "attempt_slm", "attempt_llm", "ended", "prompt", "written", "timings",
            "cost", "trace", "mode", "search_none", "energy", "thinking", "first_use",
            "share_term", "share_idf", "share_times", "share_weight", "share",
        ) | {
            "page": words("page", page="{page}"),
            "share_length": words("share_length", length="{length}", factor="{factor}"),
            "verdicts": _verdicts(words),
            "reach": {one: words(f"reach_{one}") for one in REACHES},
        },
    }  # fmt: skip


def _explanations(answer: Answer) -> dict[str, Explanation]:
    """By id of the passage; none of a question about the documents as a whole."""
    if (weighing := answer.weighing) is None:
        return {}
    context = answer.context
    hits = (*context.hits, *(dropped.hit for dropped in context.dropped))
    return {hit.chunk.id: explained(hit.chunk, weighing) for hit in hits}


def _said(name: str, signal: Signal, words: Wording) -> str:
    """Its phrase, on the side of its threshold where it lies; "" for one without a side."""
    if signal.value is None or signal.threshold is None:
        return ""
    return signals.phrase(Weighed(name, signal.value, signal.value >= signal.threshold), words)


def _verdicts(words: Wording) -> Props:
    return {one: words(f"verdict_{one}") for one in ("accept", "escalate", "not_in_documents")}
