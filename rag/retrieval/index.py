"""What every search engine offers. Chunks go in at construction or by ``add``; hits come out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.types import Hit, Query


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 needs to know of a collection; two collections' figures add up."""

    chunk_count: int
    term_count: int  # of all chunks together
    document_frequency: Mapping[str, int]  # of the terms asked for

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
    def search(
        self, query: Query, k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        """The ``k`` best chunks that share a term with ``query``, best first.

        ``documents`` limits the search to chunks of these document ids.
        """
        ...

    def statistics(self, query: Query) -> Statistics:
        """Figures of the whole collection for the query's terms (idf, coverage)."""
        ...


@dataclass(frozen=True, slots=True)
class Scoped:
    """A view of ``index`` in which only some documents are found; idf stays the collection's."""

    index: Index
    documents: frozenset[str]

    def search(
        self, query: Query, k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        wanted = self.documents if documents is None else self.documents.intersection(documents)
        return self.index.search(query, k, wanted)

    def statistics(self, query: Query) -> Statistics:
        return self.index.statistics(query)
