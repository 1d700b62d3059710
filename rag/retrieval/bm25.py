"""BM25, one pure function a formula: counts in, weights and scores out.

The variant every engine here follows: Robertson & Zaragoza 2009, "The Probabilistic Relevance
Framework: BM25 and Beyond", with Lucene's idf (Kamphuis et al. 2020, "Which BM25 Do You Mean?"),
which stays positive for a term that more than half of the chunks hold. Knows nothing of text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from rag.retrieval.index import Statistics
from rag.types import Chunk, Hit

K1 = 1.2  # tantivy's and Lucene's, and as good as any on our sets
B = 0.75

_EXACT_TO = 24  # Lucene's SmallFloat: a length is this and a number of four significant bits
_BITS = 4
_DECIMALS = 4  # in which scores must differ: tantivy computes with six or seven digits
LEVEL = 10**-_DECIMALS  # scores this close count as equal


def idf(chunk_count: int, document_frequency: int) -> float:
    """ln(1 + (N - n + 0.5) / (n + 0.5)); a term that no chunk holds has the highest.

    >>> round(idf(chunk_count=2, document_frequency=1), 4)
    0.6931
    """
    absent = max(0, chunk_count - document_frequency)
    return math.log(1 + (absent + 0.5) / (document_frequency + 0.5))


def kept_length(length: int) -> int:
    """``length`` as Lucene and tantivy keep it, in one byte: exact to 40, then rounded down.

    Whatever engine holds a chunk uses this, so that all rank it alike.

    >>> kept_length(40), kept_length(41), kept_length(130)
    (40, 40, 128)
    """
    excess = length - _EXACT_TO
    shift = max(0, excess.bit_length() - _BITS) if excess > 0 else 0
    return _EXACT_TO + (excess >> shift << shift)


def length_norm(length: int, average_length: float) -> float:
    """What an occurrence in a chunk of ``length`` terms is weighed against; K1 at the average.

    >>> length_norm(10, average_length=10)
    1.2
    """
    return K1 * (1 - B + B * kept_length(length) / average_length)


def saturation(frequency: int, norm: float) -> float:
    """How much ``frequency`` occurrences count: from 0 towards K1 + 1, in ever smaller steps.

    >>> saturation(1, norm=1.2)
    1.0
    """
    return frequency * (K1 + 1) / (frequency + norm)


def term_weights(weights: Mapping[str, float], statistics: Statistics) -> dict[str, float]:
    """What each query term may contribute: its own weight times its idf."""
    return {
        term: weight * idf(statistics.chunk_count, statistics.document_frequency.get(term, 0))
        for term, weight in weights.items()
    }


def score(
    term_weights: Mapping[str, float],
    frequencies: Mapping[str, int],
    length: int,
    average_length: float,
) -> float:
    """BM25 of a chunk of ``length`` terms; ``frequencies`` are those of the query's terms in it.

    Unbounded above; 0 when it holds none of them.
    """
    norm = length_norm(length, average_length)
    return sum(
        [term_weights[term] * saturation(count, norm) for term, count in frequencies.items()]
    )


def ranked(scored: Iterable[tuple[float, Chunk, tuple[str, ...]]], k: int) -> tuple[Hit, ...]:
    """The ``k`` best as hits; level scores by document name, page and place in the page."""
    best = sorted(scored, key=lambda hit: (-round(hit[0], _DECIMALS), *_place(hit[1])))[:k]
    return tuple(
        Hit(chunk, score, rank, matched) for rank, (score, chunk, matched) in enumerate(best, 1)
    )


def _place(chunk: Chunk) -> tuple[str, int, int, str]:
    return (chunk.document_name, chunk.page, chunk.start, chunk.id)
