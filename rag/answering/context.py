"""Which passages the model reads: hits and a budget in, numbered passages out.

Passages keep the order of the hits. What did not get in is kept with the reason, so that nothing is
dropped silently. Knows nothing of the model but how many passages it should get.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from rag.answering.safety import defused_passage
from rag.tokens import count_tokens
from rag.types import Chunk, Context, Dropped, Hit

SEPARATOR = "\n\n"
_SAME_PLACE = 0.5  # of a passage lying inside another of its page: it says too little that is new
_SAME_WORDS = 0.9  # of two passages' words taken together
_DIGITS = re.compile(r"\d+")
_LONGEST_NAME = 120


def model_tokens(text: str) -> int:
    """Tokens ``text`` takes in a model that reads digit by digit, as Qwen does; never fewer than
    ``count_tokens``, which takes three digits for one.

    Equal to Qwen's own count in the texts measured (docs/decisions/0051-token-budget.md).
    """
    digits = sum(len(run) - math.ceil(len(run) / 3) for run in _DIGITS.findall(text))
    return count_tokens(text) + digits


def pack(hits: Sequence[Hit], *, budget_tokens: int, max_passages: int) -> Context:
    """The best hits that fit: at most ``max_passages`` and, headers included, ``budget_tokens``."""
    kept: list[Hit] = []
    dropped: list[Dropped] = []
    text = ""
    for hit in hits:
        longer = SEPARATOR.join(filter(None, (text, _passage(len(kept) + 1, hit.chunk))))
        reason = _reason(hit, kept, max_passages, longer, budget_tokens)
        if reason:
            dropped.append(Dropped(hit, reason))
        else:
            kept.append(hit)
            text = longer
    return Context(text, tuple(kept), model_tokens(text), budget_tokens, tuple(dropped))


def _reason(hit: Hit, kept: Sequence[Hit], max_passages: int, text: str, budget_tokens: int) -> str:
    """Why ``hit`` stays out, as a sentence; "" when it gets in and makes the context ``text``."""
    if (twin := _twin(hit.chunk, (other.chunk for other in kept))) is not None:
        return f"It repeats passage {twin}."
    if len(kept) >= max_passages:
        return f"This model is given no more than {_counted(max_passages)}."
    if (needed := model_tokens(text)) > budget_tokens:
        return f"It did not fit: {needed} tokens with it, of {budget_tokens} allowed."
    return ""


def _counted(passages: int) -> str:
    return "one passage" if passages == 1 else f"{passages} passages"


def _passage(number: int, chunk: Chunk) -> str:
    name = _one_line(chunk.document_name)
    parts = [name, f"page {chunk.page}", _one_line(chunk.section)]
    return f"[{number}] {', '.join(filter(None, parts))}\n{defused_passage(chunk.text)}"


def _one_line(text: str) -> str:
    return " ".join(defused_passage(text).split())[:_LONGEST_NAME]


def _twin(chunk: Chunk, others: Iterable[Chunk]) -> int | None:
    """The number of the passage that says the same as ``chunk``."""
    return next((n for n, other in enumerate(others, 1) if _says_the_same(chunk, other)), None)


def _says_the_same(chunk: Chunk, other: Chunk) -> bool:
    if (chunk.document_id, chunk.page) == (other.document_id, other.page):
        shared = min(chunk.end, other.end) - max(chunk.start, other.start)
        if shared >= _SAME_PLACE * max(1, chunk.end - chunk.start):
            return True
    words, others = _words(chunk.text), _words(other.text)
    if any(any(map(str.isdigit, word)) for word in words ^ others):
        return False  # as in two rows of a table
    return len(words & others) >= _SAME_WORDS * max(1, len(words | others))


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))
