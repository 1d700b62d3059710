"""Small collections in memory, ranked by rank-bm25: chunks in, hits out. Never changes.

Adding or removing gives another index, so that a question in flight keeps its view. Correct from
no chunk upwards: rank-bm25's own idf and its average of nothing are not, and are replaced.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi  # type: ignore[import-untyped]

from rag.retrieval.analysis import chunk_terms
from rag.retrieval.bm25 import K1, LEVEL, B, idf, kept_length, ranked
from rag.retrieval.index import Index, Statistics
from rag.types import Chunk, Hit

Postings = Mapping[str, tuple[int, ...]]  # term → positions of the chunks that hold it


@dataclass(frozen=True, slots=True)
class _Counted:
    chunk: Chunk
    frequencies: Mapping[str, int]
    length: int  # terms

    @classmethod
    def of(cls, chunk: Chunk) -> _Counted:
        terms = chunk_terms(chunk)
        return cls(chunk, Counter(terms), len(terms))


class _LuceneOkapi(BM25Okapi):  # type: ignore[misc]
    """rank-bm25 over chunks that are counted already, with Lucene's idf."""

    def __init__(self, counted: Sequence[_Counted], postings: Postings) -> None:
        self._postings = postings
        super().__init__(counted, k1=K1, b=B)

    def _initialize(self, counted: Sequence[_Counted]) -> dict[str, int]:
        self.corpus_size = len(counted)
        self.doc_freqs = [chunk.frequencies for chunk in counted]
        self.doc_len = np.array([kept_length(chunk.length) for chunk in counted], dtype=np.int64)
        self.avgdl = sum(chunk.length for chunk in counted) / max(1, len(counted)) or 1.0
        return {term: len(positions) for term, positions in self._postings.items()}

    def _calc_idf(self, nd: Mapping[str, int]) -> None:
        self.idf = {term: idf(self.corpus_size, frequency) for term, frequency in nd.items()}


class MemoryIndex(Index):
    def __init__(self, chunks: Iterable[Chunk] = ()) -> None:
        self._fill((), {}, [_Counted.of(chunk) for chunk in chunks])

    def with_chunks(self, chunks: Iterable[Chunk]) -> MemoryIndex:
        """Another index with these as well; they replace what this one has of their documents."""
        added = [_Counted.of(chunk) for chunk in chunks]
        kept = self._except({counted.chunk.document_id for counted in added})
        return MemoryIndex()._fill(kept._counted, kept._postings, added)

    def without(self, document_id: str) -> MemoryIndex:
        """Another index that holds nothing of the document."""
        return self._except({document_id})

    @property
    def chunk_count(self) -> int:
        return len(self._counted)

    @property
    def languages(self) -> frozenset[str]:
        return self._languages

    def best(
        self, weights: Mapping[str, float], k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        found = {at for term in weights for at in self._postings.get(term, ())}
        if documents is not None:
            found = {at for at in found if self._counted[at].chunk.document_id in documents}
        if not found or k < 1:
            return ()
        positions = sorted(found)
        scores = self._scores(weights, positions)
        best = [(float(scores[at]), self._counted[positions[at]]) for at in _highest(scores, k)]
        return ranked(
            (
                (score, counted.chunk, tuple(t for t in weights if t in counted.frequencies))
                for score, counted in best
            ),
            k,
        )

    def openings(self, k: int, documents: Collection[str] | None = None) -> Sequence[Chunk]:
        """The first chunk of each document, then the second of each, and so on."""
        by_document: dict[str, list[Chunk]] = {}
        for counted in self._counted:
            by_document.setdefault(counted.chunk.document_id, []).append(counted.chunk)
        wanted = [
            chunks for id_, chunks in by_document.items() if documents is None or id_ in documents
        ]
        in_turn = chain.from_iterable(zip_longest(*reversed(wanted)))
        return [chunk for chunk in in_turn if chunk is not None][:k]

    def count(self, terms: Collection[str]) -> Statistics:
        return Statistics(
            chunk_count=len(self._counted),
            term_count=self._term_count,
            document_frequency={term: len(self._postings.get(term, ())) for term in terms},
        )

    def _fill(
        self, counted: Sequence[_Counted], postings: Postings, added: Sequence[_Counted]
    ) -> MemoryIndex:
        self._counted = (*counted, *added)
        self._languages = frozenset(counted.chunk.language for counted in self._counted)
        self._term_count = sum(counted.length for counted in self._counted)
        self._postings = {**postings, **_extended(postings, len(counted), added)}
        self._okapi = _LuceneOkapi(self._counted, self._postings)
        return self

    def _except(self, document_ids: Collection[str]) -> MemoryIndex:
        kept = [c for c in self._counted if c.chunk.document_id not in document_ids]
        return self if len(kept) == len(self._counted) else MemoryIndex()._fill((), {}, kept)

    def _scores(
        self, weights: Mapping[str, float], positions: Sequence[int]
    ) -> NDArray[np.float64]:
        """rank-bm25 knows no weights: one pass for the terms of each, added up."""
        by_weight: defaultdict[float, list[str]] = defaultdict(list)
        for term, weight in weights.items():
            if term in self._postings:
                by_weight[weight].append(term)
        scores = np.zeros(len(positions))
        for weight, terms in by_weight.items():
            scores += weight * np.array(self._okapi.get_batch_scores(terms, positions))
        return scores


def _extended(postings: Postings, start: int, added: Sequence[_Counted]) -> Postings:
    """The new lists of the terms that ``added``, placed from ``start`` on, hold."""
    new: defaultdict[str, list[int]] = defaultdict(list)
    for at, counted in enumerate(added, start):
        for term in counted.frequencies:
            new[term].append(at)
    return {term: (*postings.get(term, ()), *positions) for term, positions in new.items()}


def _highest(scores: NDArray[np.float64], k: int) -> list[int]:
    """Where the ``k`` highest are, and all that are level with the last of them."""
    last = np.partition(scores, -k)[-k] if len(scores) > k else -np.inf
    return [int(at) for at in np.flatnonzero(scores >= last - LEVEL)]
