"""How well hits fit a question, as figures from 0 to 1: for whoever judges whether to answer.

Scores of BM25 are comparable within one search only; these are across questions and collections.
How well each tells that the documents hold no answer: docs/decisions/0023-retrieval-signals.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from rag.retrieval.analysis import chunk_terms, content_words, query_terms, word_terms
from rag.retrieval.bm25 import K1, idf
from rag.retrieval.index import Statistics
from rag.types import Hit, Query

Held = Mapping[str, Collection[str]]  # terms by the language they were stemmed in


@dataclass(frozen=True, slots=True)
class Wanted:
    """The content words of a question, each with its idf: a word that no document holds is worth
    most."""

    worth: Mapping[str, float]

    @classmethod
    def of(cls, question: str, languages: Collection[str], statistics: Statistics) -> Self:
        """``languages`` are those of the chunks that are looked at, ``statistics`` the query's."""
        words = content_words(question, languages)[0]
        return cls({word: _worth(word, languages, statistics) for word in words})

    def share(self, held: Held) -> float:
        """Share of the words' worth that stands in ``held``, 0 to 1; 0 for no words."""
        total = sum(self.worth.values())
        missing = sum(self.worth[word] for word in self.missing(held))
        return 1 - missing / total if total else 0.0

    def missing(self, held: Held) -> tuple[str, ...]:
        """The words that do not stand there."""
        return tuple(word for word in self.worth if not is_held(word, held))


def coverage(question: str, hits: Sequence[Hit], statistics: Statistics) -> float:
    """Share of the question's words that the chunks of ``hits`` hold together, 0 to 1.

    ``statistics`` are those of the query. 0 for no hits or no words.
    """
    held = terms_of(hits)
    return Wanted.of(question, held, statistics).share(held)


def terms_of(hits: Sequence[Hit]) -> Held:
    """The terms of several chunks together."""
    held: dict[str, set[str]] = {}
    for hit in hits:
        held.setdefault(hit.chunk.language, set()).update(chunk_terms(hit.chunk))
    return held


def score_ratio(query: Query, hit: Hit, statistics: Statistics) -> float:
    """The score of ``hit`` as a share of the highest that any chunk could have, 0 to 1."""
    weights = query_terms(query, {hit.chunk.language})
    highest = (K1 + 1) * sum(weight * _idf(term, statistics) for term, weight in weights.items())
    return min(1.0, max(0.0, hit.score / highest)) if highest else 0.0


def is_held(word: str, held: Held) -> bool:
    """Whether the whole or, of a compound, all its parts are there."""
    return any(
        bool(terms) and (terms[0] in there or all(term in there for term in terms[1:] or terms))
        for language, there in held.items()
        for terms in (word_terms(word, language),)
    )


def _worth(word: str, languages: Collection[str], statistics: Statistics) -> float:
    """The lowest idf of its terms: of stems in several languages and of the parts of a compound."""
    terms = (term for language in languages for term in word_terms(word, language))
    return min((_idf(term, statistics) for term in terms), default=0.0)


def _idf(term: str, statistics: Statistics) -> float:
    return idf(statistics.chunk_count, statistics.document_frequency.get(term, 0))
