"""How well hits fit a question, as figures from 0 to 1: for whoever judges whether to answer.

Scores of BM25 are comparable within one search only; these are across questions and collections.
How well each tells that the documents hold no answer: docs/decisions/0023-retrieval-signals.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rag.retrieval.analysis import chunk_terms, content_words, query_terms, word_terms
from rag.retrieval.bm25 import K1, idf
from rag.retrieval.index import Statistics
from rag.types import Hit, Query


def coverage(question: str, hits: Sequence[Hit], statistics: Statistics) -> float:
    """Share of the question's words that the chunks of ``hits`` hold together, 0 to 1.

    Words weigh by their idf: one that no document holds weighs most. ``statistics`` are those of
    the query. 0 for no hits or no words.
    """
    held: dict[str, set[str]] = {}
    for hit in hits:
        held.setdefault(hit.chunk.language, set()).update(chunk_terms(hit.chunk))
    worth = {word: _worth(word, held, statistics) for word in content_words(question, held)[0]}
    found = (weight for word, weight in worth.items() if _is_held(word, held))
    return sum(found) / (sum(worth.values()) or 1.0)


def score_ratio(query: Query, hit: Hit, statistics: Statistics) -> float:
    """The score of ``hit`` as a share of the highest that any chunk could have, 0 to 1."""
    weights = query_terms(query, {hit.chunk.language})
    highest = (K1 + 1) * sum(weight * _idf(term, statistics) for term, weight in weights.items())
    return min(1.0, max(0.0, hit.score / highest)) if highest else 0.0


def _is_held(word: str, held: Mapping[str, Collection[str]]) -> bool:
    """Whether the whole or, of a compound, all its parts are there."""
    return any(
        bool(terms) and (terms[0] in there or set(terms[1:] or terms) <= set(there))
        for language, there in held.items()
        for terms in (word_terms(word, language),)
    )


def _worth(word: str, languages: Collection[str], statistics: Statistics) -> float:
    """The lowest idf of its terms: of stems in several languages and of the parts of a compound."""
    terms = (term for language in languages for term in word_terms(word, language))
    return min((_idf(term, statistics) for term in terms), default=0.0)


def _idf(term: str, statistics: Statistics) -> float:
    return idf(statistics.chunk_count, statistics.document_frequency.get(term, 0))
