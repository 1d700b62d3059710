"""Scores of one text or one ranking against what was expected: plain values in, 0 to 1 out.

They know nothing of models, files or settings.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_MARKERS = re.compile(r"\[\d+\]")


# --- answers -----------------------------------------------------------------------------


def normalise(text: str) -> str:
    """Lower case, without accents, punctuation, signs, articles, citation markers, extra space.

    After the SQuAD 1.1 evaluation script (Rajpurkar et al. 2016), with all of Unicode's punctuation
    and without accents, so that „București” and "Bucuresti" are one.

    >>> normalise("The “Super Bowl”, 50 [1].")
    'super bowl 50'
    """
    text = _MARKERS.sub(" ", unicodedata.normalize("NFKD", text).lower())
    text = "".join(map(_plain, text))
    return " ".join(_ARTICLES.sub(" ", text).split())


def _plain(sign: str) -> str:
    if "\u0300" <= sign <= "\u036f":  # an accent, set apart by NFKD
        return ""
    return " " if unicodedata.category(sign)[0] in "PS" else sign


def exact_match(text: str, answers: Sequence[str]) -> float:
    """1 if the text is one of the answers, both normalised."""
    return float(normalise(text) in map(normalise, answers))


def contained(text: str, answers: Sequence[str]) -> float:
    """1 if the text holds one of the answers as whole words, both normalised."""
    padded = f" {normalise(text)} "
    return float(any(f" {normalise(answer)} " in padded for answer in answers))


def token_f1(text: str, answers: Sequence[str]) -> float:
    """The best word-overlap F1 over the answers (Rajpurkar et al. 2016).

    >>> token_f1("in year 1912", ["1912"])
    0.5
    """
    said = normalise(text).split()
    return max((_f1(said, normalise(answer).split()) for answer in answers), default=0.0)


def _f1(said: Collection[str], wanted: Collection[str]) -> float:
    common = (Counter(said) & Counter(wanted)).total()
    return 2 * common / (len(said) + len(wanted)) if common else 0.0


# --- rankings, of which one thing is expected ---------------------------------------------


def first_rank(relevant: Sequence[bool]) -> int | None:
    """The rank, from 1, of the first relevant result; None when there is none.

    >>> first_rank([False, True, True])
    2
    """
    return next((rank for rank, hit in enumerate(relevant, 1) if hit), None)


def recall_at_k(rank: int | None, k: int) -> float:
    """1 if what was expected is among the first ``k``."""
    return float(rank is not None and rank <= k)


def reciprocal_rank(rank: int | None) -> float:
    """1 ÷ rank; 0 if it was not found (Voorhees 1999)."""
    return 1 / rank if rank else 0.0


def ndcg_at_k(rank: int | None, k: int) -> float:
    """Discounted gain (Järvelin & Kekäläinen 2002); the ideal, rank 1, gains 1."""
    return 1 / math.log2(rank + 1) if rank and rank <= k else 0.0
