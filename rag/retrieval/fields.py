"""What tantivy is told of chunks and questions, and its errors in our words. Opens no index."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import tantivy

from rag.errors import IndexLocked, SearchError
from rag.retrieval.analysis import VERSION, chunk_terms
from rag.retrieval.records import encode
from rag.types import Chunk

RECORD = "record_2"  # a folder of another version, of these or of the terms, does not open
TERMS = f"terms_{VERSION}"
LANGUAGE = "language:"  # before each language, so that none can be looked up too


@cache
def schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(TERMS, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("document_id", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("language", tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("length", fast=True)
    builder.add_bytes_field(RECORD, stored=True)
    return builder.build()


def stored(chunk: Chunk) -> tantivy.Document:
    terms = chunk_terms(chunk)
    document = tantivy.Document()
    document.add_text(TERMS, " ".join(terms))
    document.add_text("document_id", chunk.document_id)
    document.add_text("language", LANGUAGE + chunk.language)
    document.add_integer("length", len(terms))
    document.add_bytes(RECORD, encode(chunk, terms))
    return document


def query(weights: Mapping[str, float], documents: Collection[str] | None) -> tantivy.Query:
    terms = tantivy.Query.boolean_query(
        [(tantivy.Occur.Should, _term(term, weight)) for term, weight in weights.items()]
    )
    if documents is None:
        return terms
    among = tantivy.Query.term_set_query(schema(), "document_id", list(documents))
    unscored = tantivy.Query.const_score_query(among, 0.0)
    return tantivy.Query.boolean_query(
        [(tantivy.Occur.Must, terms), (tantivy.Occur.Must, unscored)]
    )


def _term(term: str, weight: float) -> tantivy.Query:
    one = tantivy.Query.term_query(schema(), TERMS, term, "freq")
    return one if weight == 1 else tantivy.Query.boost_query(one, weight)


@contextmanager
def reading() -> Iterator[None]:
    """Where tantivy's errors become ours."""
    try:
        yield
    except BaseException as exc:
        if not _is_tantivys(exc):
            raise
        raise SearchError(
            "The search index is damaged or was made by another version; it will be rebuilt."
        ) from exc


@contextmanager
def writing() -> Iterator[None]:
    try:
        yield
    except BaseException as exc:
        if not _is_tantivys(exc):
            raise
        if "LockBusy" in str(exc):
            raise IndexLocked(
                "Another process is writing to the search index; try again when it is done."
            ) from exc
        raise SearchError(
            "The search index could not be written; check the free space on the disk and try again."
        ) from exc


def _is_tantivys(exc: BaseException) -> bool:
    """It raises ValueError for everything, and panics where a damaged file makes no sense."""
    return isinstance(exc, OSError | ValueError) or type(exc).__name__ == "PanicException"
