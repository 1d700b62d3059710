"""Several collections searched as one: a chat's uploads beside the library.

Each engine offers its best; all are scored again by one formula with the figures of all together,
because scores of different collections cannot be compared. Holds no chunks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rag.retrieval.analysis import chunk_terms
from rag.retrieval.bm25 import ranked, score, term_weights
from rag.retrieval.index import Index, Statistics
from rag.types import Chunk, Hit

_SPARE = 10  # candidates over k of each: its own figures order them a little differently


@dataclass(frozen=True, slots=True)
class JointIndex(Index):
    indexes: tuple[Index, ...]

    @property
    def languages(self) -> frozenset[str]:
        return frozenset[str]().union(*(index.languages for index in self.indexes))

    def best(
        self, weights: Mapping[str, float], k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        if k < 1:
            return ()
        statistics = self.count(weights)
        candidates = {  # by id: a file may be in the library and in the chat
            hit.chunk.id: hit.chunk
            for index in self.indexes
            for hit in index.best(weights, k + _SPARE, documents)
        }
        worth = term_weights(weights, statistics)
        average = statistics.average_length
        return ranked((_scored(chunk, worth, average) for chunk in candidates.values()), k)

    def openings(self, k: int, documents: Collection[str] | None = None) -> Sequence[Chunk]:
        """Of the last collection that has any: "this document" is one that was just dropped."""
        found = (index.openings(k, documents) for index in reversed(self.indexes))
        return next(filter(None, found), ())

    def count(self, terms: Collection[str]) -> Statistics:
        return sum((index.count(terms) for index in self.indexes), Statistics(0, 0, {}))


def _scored(
    chunk: Chunk, worth: Mapping[str, float], average_length: float
) -> tuple[float, Chunk, tuple[str, ...]]:
    terms = chunk_terms(chunk)
    counted = Counter(terms)
    frequencies = {term: counted[term] for term in worth if term in counted}
    return score(worth, frequencies, len(terms), average_length), chunk, tuple(frequencies)
