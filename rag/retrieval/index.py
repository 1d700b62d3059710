"""What every search engine offers. Chunks go in at construction or by ``add``; hits come out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.retrieval.analysis import query_terms
from rag.types import Chunk, Hit, Query


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 needs to know of a collection; two collections' figures add up."""

    chunk_count: int
    term_count: int  # of all chunks together
    document_frequency: Mapping[str, int]  # of the terms asked for: how many chunks hold each

    @property
    def average_length(self) -> float:
        """Terms a chunk; 1 where there are none."""
        return self.term_count / self.chunk_count if self.term_count else 1.0

    def __add__(self, other: Statistics) -> Statistics:
        terms = {*self.document_frequency, *other.document_frequency}
        return Statistics(
            self.chunk_count + other.chunk_count,
            self.term_count + other.term_count,
            {
                term: self.document_frequency.get(term, 0) + other.document_frequency.get(term, 0)
                for term in terms
            },
        )


class Index(Protocol):
    """An engine gives ``languages``, ``best`` and ``count``; the analyser makes the rest of them.

    Raises SearchError where an engine cannot read its files.
    """

    @property
    def languages(self) -> frozenset[str]:
        """Those of its chunks, "" among them if some were not detected."""
        ...

    def best(
        self, weights: Mapping[str, float], k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        """The ``k`` best chunks that hold one of the weighted terms, best first.

        ``documents`` limits the search to chunks of these document ids.
        """
        ...

    def count(self, terms: Collection[str]) -> Statistics:
        """Figures of the whole collection for these terms."""
        ...

    def search(
        self, query: Query, k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        """The ``k`` best chunks that share a term with ``query``, best first.

        ``documents`` limits the search to chunks of these document ids.
        """
        return self.best(query_terms(query, self.languages), k, documents)

    def openings(self, k: int, documents: Collection[str] | None = None) -> Sequence[Chunk]:
        """How its documents begin, the latest first: for a question about them as a whole.

        None where an engine does not know the order of its chunks.
        """
        return ()

    def statistics(self, query: Query) -> Statistics:
        """Figures of the whole collection for the query's terms (idf, coverage)."""
        return self.count(query_terms(query, self.languages))


@dataclass(frozen=True, slots=True)
class Scoped(Index):
    """A view of ``index`` in which only some documents are found; idf stays the collection's."""

    index: Index
    documents: frozenset[str]

    @property
    def languages(self) -> frozenset[str]:
        return self.index.languages

    def best(
        self, weights: Mapping[str, float], k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        wanted = self.documents if documents is None else self.documents.intersection(documents)
        return self.index.best(weights, k, wanted)

    def count(self, terms: Collection[str]) -> Statistics:
        return self.index.count(terms)

    def openings(self, k: int, documents: Collection[str] | None = None) -> Sequence[Chunk]:
        wanted = self.documents if documents is None else self.documents.intersection(documents)
        return self.index.openings(k, wanted)
