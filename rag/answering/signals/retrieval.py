"""What search alone says about whether the documents hold an answer.

How well each tells an absent subject: docs/decisions/0023-retrieval-signals.md.
"""

from __future__ import annotations

import math

from rag.answering.evidence import Found
from rag.retrieval import coverage as covering

_MANY = 1_000  # chunks from which on a collection counts as large


def coverage(found: Found) -> float:
    """Share of the question's words that the best passage holds, weighed by idf (Spärck Jones
    1972)."""
    return found.wanted.share(found.best)


def words_held(found: Found) -> float:
    """The same with all words alike: in a small collection idf says little of how rare one is."""
    words = found.wanted.worth
    missing = found.wanted.missing(found.best)
    return 1 - len(missing) / len(words) if words else 0.0


def coverage_together(found: Found) -> float:
    """The same for the best three passages together."""
    return found.wanted.share(found.together)


def score_ratio(found: Found) -> float:
    """The best score over the highest that any passage could reach, unknown words included."""
    if not found.hits:
        return 0.0
    return covering.score_ratio(found.query, found.hits[0], found.statistics)


def collection_size(found: Found) -> float:
    """ln(chunks) / ln(1,000), at most 1. It speaks for nothing by itself: in a large collection
    more words of any question are found somewhere."""
    return _clipped(math.log(max(1, found.statistics.chunk_count)) / math.log(_MANY))


def margin(found: Found) -> float | None:
    """How far the best passage leads the second: (s₁ - s₂) / s₁ (Shtok et al. 2012, on score
    dispersion as a predictor of a query's performance). None for fewer than two."""
    if len(found.hits) < 2:  # noqa: PLR2004
        return None
    first, second = found.hits[0].score, found.hits[1].score
    return _clipped((first - second) / first) if first > 0 else None


def spread(found: Found) -> float | None:
    """How far it leads the mean of all that were looked at: 1 - mean / s₁ (the same). None for
    fewer than two."""
    if len(found.hits) < 2 or found.hits[0].score <= 0:  # noqa: PLR2004
        return None
    mean = sum(hit.score for hit in found.hits) / len(found.hits)
    return _clipped(1 - mean / found.hits[0].score)


def _clipped(value: float) -> float:
    return max(0.0, min(1.0, value))
