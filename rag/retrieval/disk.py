"""The library's search index on disk, by tantivy: chunks in, hits out. A copy, never the truth.

Holds the chunks themselves, so that a hit needs no other store. Many processes may read; one writes
at a time. Whoever owns it compares ``chunk_count`` with the library's at start and rebuilds if they
differ. The figures behind its shape: docs/decisions/0022-engines.md.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import cast

import tantivy

from rag.retrieval.bm25 import LEVEL, ranked
from rag.retrieval.fields import LANGUAGE, RECORD, TERMS, query, reading, schema, stored, writing
from rag.retrieval.index import Index, Statistics
from rag.retrieval.records import decode, marked
from rag.types import Chunk, Hit, Query

_HEAP_BYTES = 64_000_000  # what writing may hold in memory, however much is written
_BLOCK_BYTES = 4_096  # unpacked to read a chunk; with tantivy's own 16 KiB a search is slower
_SPARE = 10  # candidates over k, read only when level with the last: their names decide then


class DiskView(Index):
    """The index as it was after one commit; later writes do not show."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self._searcher = searcher
        self.chunk_count: int = searcher.num_docs
        lengths = {"terms": {"sum": {"field": "length"}}}
        counted = searcher.aggregate(tantivy.Query.all_query(), lengths)
        self._term_count = int(counted["terms"]["value"])
        marked_languages = searcher.terms_with_prefix("language", LANGUAGE)
        self._languages = frozenset(name.removeprefix(LANGUAGE) for name, _ in marked_languages)

    @property
    def languages(self) -> frozenset[str]:
        return self._languages

    def best(
        self, weights: Mapping[str, float], k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        nowhere = not self.chunk_count or (documents is not None and not documents)
        if k < 1 or not weights or nowhere:
            return ()
        with reading():
            limit = min(k + _SPARE, self.chunk_count)
            found = self._searcher.search(query(weights, documents), limit, count=False).hits
            last = found[min(k, len(found)) - 1][0] if found else 0.0
            read = [
                (score, *decode(self._record(address)))
                for score, address in found
                if score >= last - LEVEL
            ]
        marks = [(term, marked(term)) for term in weights]
        return ranked(
            [
                (score, chunk, tuple([term for term, mark in marks if mark in held]))
                for score, chunk, held in read
            ],
            k,
        )

    def _record(self, address: tantivy.DocAddress) -> bytes:
        return cast("bytes", self._searcher.doc(address).get_first(RECORD))

    def count(self, terms: Collection[str]) -> Statistics:
        """A removed chunk may still count in a term's frequency until tantivy tidies up."""
        with reading():
            frequencies = {term: self._searcher.doc_freq(TERMS, term) for term in terms}
        return Statistics(self.chunk_count, self._term_count, frequencies)


class DiskIndex(Index):
    """Opens in milliseconds; safe to use from several threads.

    Raises SearchError when the folder is damaged or of another version: then ``DiskIndex.fresh``
    and ``rebuild``.
    """

    def __init__(self, path: Path) -> None:
        self._meta = str(path / "meta.json")
        self._writing = Lock()
        with reading():
            self._index = _opened(path)
            self._latest = (_commit(self._meta), DiskView(self._index.searcher()))

    @classmethod
    def fresh(cls, path: Path) -> DiskIndex:
        """An empty index in place of whatever is at ``path``."""
        with writing():
            if path.exists():
                shutil.rmtree(path)
        return cls(path)

    def view(self) -> DiskView:
        """What any process has committed by now."""
        with reading():
            commit = _commit(self._meta)
            seen, view = self._latest
            return view if commit == seen else self._reloaded(commit)

    @property
    def chunk_count(self) -> int:
        return self.view().chunk_count

    @property
    def languages(self) -> frozenset[str]:
        return self.view().languages

    def best(
        self, weights: Mapping[str, float], k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        return self.view().best(weights, k, documents)

    def count(self, terms: Collection[str]) -> Statistics:
        return self.view().count(terms)

    def search(
        self, query: Query, k: int, documents: Collection[str] | None = None
    ) -> Sequence[Hit]:
        return self.view().search(query, k, documents)

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Hold these chunks too; they replace what it has of their documents."""
        added = list(chunks)
        with self._transaction() as writer:
            for document_id in {chunk.document_id for chunk in added}:
                writer.delete_documents_by_term("document_id", document_id)
            for chunk in added:
                writer.add_document(stored(chunk))

    def remove(self, document_id: str) -> None:
        """Hold nothing of the document any more; no error if it did not."""
        with self._transaction() as writer:
            writer.delete_documents_by_term("document_id", document_id)

    def rebuild(self, chunks: Iterable[Chunk]) -> None:
        """Hold exactly these, however many; until the end searches see what was there before."""
        with self._transaction() as writer:
            writer.delete_all_documents()
            for chunk in chunks:
                writer.add_document(stored(chunk))

    def close(self) -> None:
        """Let go of the files; nothing may be asked afterwards."""
        del self._latest, self._index

    @contextmanager
    def _transaction(self) -> Iterator[tantivy.IndexWriter]:
        """All that is written in it shows at its end, or nothing does. Raises IndexLocked."""
        with self._writing, writing():
            writer = self._index.writer(_HEAP_BYTES, num_threads=1)
            try:
                yield writer
                writer.commit()
                writer.wait_merging_threads()
            except BaseException:
                self._discard(writer)
                raise
            self._reloaded(_commit(self._meta))

    def _discard(self, writer: tantivy.IndexWriter) -> None:
        """Free the lock, and the room on the disk that the unfinished write took."""
        with suppress(ValueError):  # what is wrong is being raised already
            writer.wait_merging_threads()
        with suppress(ValueError):
            cleaner = self._index.writer(_HEAP_BYTES, num_threads=1)
            cleaner.garbage_collect_files()
            cleaner.wait_merging_threads()

    def _reloaded(self, commit: tuple[int, int]) -> DiskView:
        self._index.reload()
        view = DiskView(self._index.searcher())
        self._latest = (commit, view)
        return view


def _opened(path: Path) -> tantivy.Index:
    if not path.exists():
        path.mkdir(parents=True)
        tantivy.Index(schema(), str(path))
        _set_block_size(path / "meta.json")
    index = tantivy.Index(schema(), str(path))
    index.config_reader("manual")
    index.reload()
    return index


def _set_block_size(meta: Path) -> None:
    """A setting of tantivy's that its Python package has no argument for; only while empty."""
    settings = json.loads(meta.read_text(encoding="utf-8"))
    settings["index_settings"]["docstore_blocksize"] = _BLOCK_BYTES
    meta.write_text(json.dumps(settings), encoding="utf-8")


def _commit(meta: str) -> tuple[int, int]:
    """Differs from one commit to the next, whichever process made it."""
    status = os.stat(meta)
    return status.st_mtime_ns, status.st_ino
