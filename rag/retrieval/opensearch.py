"""What OpenSearch is told of chunks and questions, its patience, and its errors in our words."""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from typing import Any

from opensearchpy import OpenSearch
from opensearchpy.exceptions import (
    ConnectionError as NoConnection,
)
from opensearchpy.exceptions import (
    ConnectionTimeout,
    OpenSearchException,
    SSLError,
    TransportError,
)

from rag.errors import SearchError
from rag.retrieval.address import ClusterAddress
from rag.retrieval.analysis import chunk_terms
from rag.retrieval.bm25 import K1, B
from rag.retrieval.fields import RECORD, TERMS
from rag.retrieval.records import encode
from rag.types import Chunk

MOST_TERMS = 1000  # in one query; 1024 is what a cluster allows unless told otherwise
MOST_HITS = 10_000  # the same of a result

_BATCH_CHUNKS = 500  # a megabyte or so; the next waits for the answer to the last
_TIMEOUT_S = 30
_PASSING = {429, 502, 503, 504}  # it is busy, or a shard is on its way to another node
_PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # between tries; a shard moves within a second or two
_LONGEST_TERM = 120  # characters; Lucene cuts words of 255 in two. Only numbers are so long
_WHOLE = {"allow_partial_search_results": "false"}  # a shard that is away is an error, no gap


def connected(address: ClusterAddress) -> OpenSearch:
    """May be used from several threads; connects when first asked."""
    return OpenSearch(
        hosts=[{"host": host, "port": port} for host, port in address.hosts],
        http_auth=(address.user, address.password) if address.user else None,
        use_ssl=address.uses_tls,
        ssl_context=ssl.create_default_context() if address.uses_tls else None,
        timeout=_TIMEOUT_S,
        max_retries=len(address.hosts),
        retry_on_timeout=True,
        http_compress=True,
        pool_maxsize=16,
    )


def body(address: ClusterAddress, library: str) -> dict[str, Any]:
    """Of a new index: its shape, and whose chunks it holds. Shown only when refreshed."""
    copies = (
        {"auto_expand_replicas": "0-1"}
        if address.replicas is None
        else {"number_of_replicas": address.replicas}
    )
    properties = {
        TERMS: {"type": "text", "analyzer": "whitespace", "index_options": "freqs"},
        "document_id": {"type": "keyword"},
        "language": {"type": "keyword"},
        "length": {"type": "integer"},
        RECORD: {"type": "binary"},
    }
    return {
        "settings": {
            "number_of_shards": address.shards,
            **copies,
            "refresh_interval": "-1",
            "max_terms_count": 1_000_000,  # documents that one search may be limited to
            "similarity": {"default": {"type": "BM25", "k1": K1, "b": B}},
        },
        "mappings": {
            "dynamic": "strict",
            "_meta": {"library": library, "version": version()},
            "_source": {"includes": [RECORD]},
            "properties": properties,
        },
    }


def version() -> str:
    """Of terms and records; an index of another one is made anew."""
    return f"{TERMS} {RECORD}"


def query(weights: Mapping[str, float], documents: Collection[str] | None) -> dict[str, Any]:
    """Of more terms than a cluster takes the heaviest."""
    heaviest = sorted(weights, key=lambda term: -weights[term])[:MOST_TERMS]
    terms = [{"term": {TERMS: {"value": kept(one), "boost": weights[one]}}} for one in heaviest]
    among = [] if documents is None else [{"terms": {"document_id": list(documents)}}]
    return {"bool": {"should": terms, "minimum_should_match": 1, "filter": among}}


def kept(term: str) -> str:
    return term[:_LONGEST_TERM]


# --- asking ------------------------------------------------------------------------------


def asked(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What ``call`` of the client returns, tried again while what is wrong may pass.

    Raises SearchError: the only place where the client's errors become ours.
    """
    for pause_s in (*_PAUSES_S, None):
        try:
            return call(*arguments, **options)
        except OpenSearchException as exc:
            if pause_s is None or not _may_pass(exc):
                raise SearchError(_said(exc)) from exc
        time.sleep(pause_s)
    raise AssertionError


def searched(client: OpenSearch, index: str, request: Mapping[str, Any], **options: str) -> Any:
    params = {**_WHOLE, **options}
    return asked(client.search, index=index, body=request, params=params)


def delete(client: OpenSearch, index: str, document_ids: Collection[str]) -> None:
    """All chunks of these documents that searches can see."""
    request = {"query": {"terms": {"document_id": list(document_ids)}}}
    options = {"conflicts": "proceed", "refresh": "false"}
    for pause_s in (*_PAUSES_S, None):
        reply = asked(client.delete_by_query, index=index, body=request, params=options)
        if not reply["failures"] and not reply["version_conflicts"]:
            return
        if pause_s is not None:
            time.sleep(pause_s)
    raise SearchError("OpenSearch did not delete all of a document: look at its health.")


def load(client: OpenSearch, index: str, chunks: Iterable[Chunk]) -> None:
    """Send ``chunks`` in batches, each when the one before is kept; again what was not taken.

    Sending a chunk twice keeps it once. Raises SearchError for what is refused for good.
    """
    waiting = iter(chunks)
    while batch := [_stored(chunk) for chunk in islice(waiting, _BATCH_CHUNKS)]:
        _load_batch(client, index, batch)


def _load_batch(client: OpenSearch, index: str, batch: list[tuple[str, str]]) -> None:
    for pause_s in (*_PAUSES_S, None):
        reply = asked(client.bulk, body=_lines(batch), index=index)
        statuses = [one["index"]["status"] for one in reply["items"]]
        failed = {status for status in statuses if status >= 300}  # noqa: PLR2004 (HTTP)
        if not failed:
            return
        if pause_s is None or failed - _PASSING:
            raise SearchError(
                f"OpenSearch did not take some passages (status {max(failed)}): look at its log, "
                "and at the free space on its disks."
            )
        batch = [one for one, status in zip(batch, statuses, strict=True) if status in failed]
        time.sleep(pause_s)


def _stored(chunk: Chunk) -> tuple[str, str]:
    """Id and JSON."""
    terms = chunk_terms(chunk)
    named = blake2b(chunk.id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    fields = {
        TERMS: " ".join(map(kept, terms)),
        "document_id": chunk.document_id,
        "language": chunk.language,
        "length": len(terms),
        RECORD: base64.b64encode(encode(chunk, terms)).decode(),
    }
    return named, json.dumps(fields)


def _lines(batch: Iterable[tuple[str, str]]) -> str:
    def lines() -> Iterator[str]:
        for named, fields in batch:
            yield f'{{"index":{{"_id":"{named}"}}}}\n{fields}\n'

    return "".join(lines())


def _may_pass(exc: OpenSearchException) -> bool:
    if isinstance(exc, ConnectionTimeout | SSLError):  # waited for already; or never to be trusted
        return False
    return isinstance(exc, NoConnection) or _status(exc) in _PASSING


def _said(exc: OpenSearchException) -> str:
    if isinstance(exc, SSLError):
        return (
            "The certificate of OpenSearch is not trusted: set SSL_CERT_FILE to that of who "
            "issued it."
        )
    if isinstance(exc, NoConnection):
        return "OpenSearch cannot be reached: start it, or correct its address in RAG_INDEX."
    if _status(exc) in {401, 403}:
        return "OpenSearch refused the name or the password: correct them in RAG_INDEX."
    return (
        f"OpenSearch could not do what was asked (status {_status(exc)}): look at its health and "
        "its log, then try again."
    )


def _status(exc: OpenSearchException) -> int | str:
    return exc.status_code if isinstance(exc, TransportError) else "unknown"
