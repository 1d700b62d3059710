"""The library's search index in OpenSearch: chunks in, hits out. A copy, never the truth.

It holds our terms, not texts to analyse, and ranks them by the same BM25 as the other engines; with
several shards their figures are added up before a search. The client blocks, as every engine here
does: whoever asks is in a thread. How the cluster was tried: docs/decisions/0153-cluster.md.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any
from uuid import uuid4
from zlib import crc32

from opensearchpy import OpenSearch

from rag.errors import SearchError
from rag.retrieval.address import ClusterAddress
from rag.retrieval.bm25 import K1, LEVEL, ranked
from rag.retrieval.fields import RECORD, TERMS
from rag.retrieval.index import Index, Statistics
from rag.retrieval.opensearch import (
    MOST_HITS,
    MOST_TERMS,
    asked,
    body,
    connected,
    delete,
    kept,
    load,
    query,
    searched,
    version,
)
from rag.retrieval.records import decode, marked
from rag.types import Chunk, Hit

_SPARE = 10  # candidates over k, kept only when level with the last: their names decide then
_LANGUAGES = 1000  # more than there are
_PLAIN_BM25 = 3  # version of OpenSearch from which scores lack the factor K1 + 1


@dataclass(frozen=True, slots=True)
class ClusterView(Index):
    """The cluster's index with its figures at one moment; what is found is always the latest."""

    client: OpenSearch = field(repr=False)
    name: str
    chunk_count: int
    term_count: int
    _languages: frozenset[str]
    _unit: float  # our score of what the cluster gives 1

    @property
    def languages(self) -> frozenset[str]:
        return self._languages

    def best(
        self, weights: Mapping[str, float], k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        if k < 1 or not weights or (documents is not None and not documents):
            return ()
        request = {
            "size": min(k + _SPARE, MOST_HITS),
            "query": query(weights, documents),
            "_source": [RECORD],
            "track_total_hits": False,
        }
        found = searched(
            self.client,
            self.name,
            request,
            search_type="dfs_query_then_fetch",
            # The same question goes to the same copies, whose figures may differ a little.
            preference=f"of{crc32(' '.join(weights).encode())}",
        )["hits"]["hits"]
        scores = [self._unit * hit["_score"] for hit in found]
        last = scores[min(k, len(scores)) - 1] if scores else 0.0
        marks = [(term, marked(term)) for term in weights]
        read = [
            (score, *decode(base64.b64decode(hit["_source"][RECORD])))
            for score, hit in zip(scores, found, strict=True)
            if score >= last - LEVEL
        ]
        return ranked(
            (
                (score, chunk, tuple(term for term, mark in marks if mark in held))
                for score, chunk, held in read
            ),
            k,
        )

    def count(self, terms: Collection[str]) -> Statistics:
        frequencies: dict[str, int] = {}
        waiting = iter(terms)
        while some := list(islice(waiting, MOST_TERMS)):
            frequencies |= self._frequencies(some)
        return Statistics(self.chunk_count, self.term_count, frequencies)

    def _frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        filters = [{"term": {TERMS: kept(term)}} for term in terms]
        holding = {"filters": {"filters": filters}}
        reply = searched(self.client, self.name, {"size": 0, "aggs": {"holding": holding}})
        buckets = reply["aggregations"]["holding"]["buckets"]
        return {term: one["doc_count"] for term, one in zip(terms, buckets, strict=True)}


class ClusterIndex:
    """Safe to use from several threads; ``library`` tells whose it is.

    ``address.name`` is an alias: what it stands for is made anew beside it and changed at once.
    Raises SearchError, also when the index of that name is another library's.
    """

    def __init__(self, address: ClusterAddress, library: str) -> None:
        self._address, self._library = address, library
        self._alias = address.name
        self._client = connected(address)
        self._prepare()

    def view(self) -> ClusterView:
        """One request."""
        aggregations = {
            "terms": {"sum": {"field": "length"}},
            "languages": {"terms": {"field": "language", "size": _LANGUAGES}},
        }
        request = {"size": 0, "track_total_hits": True, "aggs": aggregations}
        reply = searched(self._client, self._alias, request)
        counted = reply["aggregations"]
        return ClusterView(
            self._client,
            self._alias,
            reply["hits"]["total"]["value"],
            int(counted["terms"]["value"]),
            frozenset(bucket["key"] for bucket in counted["languages"]["buckets"]),
            self._unit,
        )

    @property
    def chunk_count(self) -> int:
        return self.view().chunk_count

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Hold these chunks too; they replace what it has of their documents."""
        added = list(chunks)
        delete(self._client, self._alias, {chunk.document_id for chunk in added})
        load(self._client, self._alias, added)
        self._show(self._alias)

    def remove(self, document_id: str) -> None:
        """Hold nothing of the document any more; no error if it did not."""
        delete(self._client, self._alias, [document_id])
        self._show(self._alias)

    def rebuild(self, chunks: Iterable[Chunk]) -> None:
        """Hold exactly these, however many; until the end searches see what was there before."""
        new = f"{self._alias}-{uuid4().hex}"
        asked(self._client.indices.create, index=new, body=body(self._address, self._library))
        load(self._client, new, chunks)
        self._show(new)
        old = [name for name in self._made() if name != new]
        actions = [
            {"add": {"index": new, "alias": self._alias}},
            *({"remove_index": {"index": name}} for name in old),
        ]
        asked(self._client.indices.update_aliases, body={"actions": actions})

    def close(self) -> None:
        self._client.close()

    def _prepare(self) -> None:
        """An index under the name; what a rebuild that was cut short left behind, goes."""
        if not asked(self._client.indices.exists, index=self._alias):
            self.rebuild(())
            return
        found: dict[str, Any] = asked(self._client.indices.get, index=self._alias)
        if {*map(_owner, found.values())} != {self._library} or self._alias in found:
            raise SearchError(
                f"The index {self._alias} in OpenSearch is not this library's: give RAG_INDEX "
                "another name, or delete that index."
            )
        if any(one["mappings"]["_meta"]["version"] != version() for one in found.values()):
            self.rebuild(())  # whoever owns it sees that it holds nothing
            return
        for name in set(self._made()) - found.keys():
            asked(self._client.indices.delete, index=name)

    def _made(self) -> list[str]:
        """Every index of ours, whether it is the one in use or not."""
        pattern = re.compile(re.escape(self._alias) + "-[0-9a-f]{32}")
        found = asked(self._client.indices.get, index=f"{self._alias}-*")
        return [
            name
            for name, one in found.items()
            if pattern.fullmatch(name) and _owner(one) == self._library
        ]

    def _show(self, index: str) -> None:
        asked(self._client.indices.refresh, index=index)

    @cached_property
    def _unit(self) -> float:
        major = int(asked(self._client.info)["version"]["number"].split(".")[0])
        return K1 + 1 if major >= _PLAIN_BM25 else 1.0


def _owner(index: Mapping[str, Any]) -> str | None:
    found: str | None = index["mappings"].get("_meta", {}).get("library")
    return found
