"""The search index as a copy of the library: brought into step with it, and a view to search.

Two kinds, one behaviour: ``catch_up`` compares which documents each side holds and moves only the
difference, whoever changed the library; ``view`` is what a question searches and does not change
under it. Neither knows where documents come from.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Protocol

from filelock import FileLock

from rag.documents.library import Library
from rag.errors import IndexLocked, SearchError
from rag.retrieval.disk import DiskIndex
from rag.retrieval.index import Index
from rag.retrieval.memory import MemoryIndex
from rag.types import Chunk

logger = logging.getLogger(__name__)

# When each document was added, by id: the same bytes may come back under another name.
Holdings = Mapping[str, float]

_NO_ROOM = "No space left"  # as systems but Windows put it, in what tantivy raises
DOCUMENTS_AT_ONCE = 50  # whose chunks are in memory together on their way to the disk index


class Changes:
    """Tells whether anybody has written to an SQLite file, without reading what."""

    def __init__(self, path: Path) -> None:
        # A connection that never writes itself: only others' commits move its data_version.
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)

    def version(self) -> int | None:
        """Another number after each commit of anyone; None where it cannot be told."""
        try:
            [version] = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return None
        return int(version)

    def close(self) -> None:
        self._connection.close()


class LibraryCopy(Protocol):
    def catch_up(self, library: Library) -> None:
        """Hold what the library holds. Blocks. Raises SearchError and LibraryError."""
        ...

    def view(self) -> Index: ...


class MemoryCopy(LibraryCopy):
    def __init__(self) -> None:
        self._index = MemoryIndex()
        self._held: Holdings = {}

    def catch_up(self, library: Library) -> None:
        wanted = _holdings(library)
        index = self._index
        for document_id in _outdated(self._held, wanted):
            index = index.without(document_id)
        if new := _outdated(wanted, self._held):
            index = index.with_chunks(_chunks_of(library, new, is_all=not self._held))
        self._index, self._held = index, wanted

    def view(self) -> Index:
        return self._index


class DiskCopy(LibraryCopy):
    """Shared by every process that uses the library; one at a time catches up.

    What the index holds is in a file beside it, written after the index: where a crash came
    between, the difference is moved again, which changes nothing. Where the counts of chunks
    disagree after all, where there was nothing before, and where a crash has damaged what only
    writing looks at, the index is made anew.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._held_file = folder / "documents.json"
        self._lock = FileLock(folder / "catch-up.lock")
        self._path = folder / "tantivy"
        self._index = self._opened(self._path)

    def catch_up(self, library: Library) -> None:
        try:
            if not self._in_step(library):
                with self._lock:
                    self._move_difference(library)
        except IndexLocked:
            raise
        except SearchError as exc:
            if _NO_ROOM in str(exc.__cause__):  # what is there is better than nothing
                raise
            logger.warning("The search index is damaged and is made anew.", exc_info=True)
            with self._lock:
                self._begin_anew()
                self._move_difference(library)

    def view(self) -> Index:
        return self._index.view()

    def _in_step(self, library: Library) -> bool:
        return self._held() == _holdings(library) and self._counts_agree(library)

    def _move_difference(self, library: Library) -> None:
        held, wanted = self._held(), _holdings(library)
        for document_id in _outdated(held, wanted):
            self._index.remove(document_id)
        if held:
            for some in _batches(_outdated(wanted, held)):
                self._index.add(_chunks_of(library, some))
        if not (held and self._counts_agree(library)):
            self._index.rebuild(library.chunks())
        self._held_file.write_text(json.dumps(wanted), encoding="utf-8")

    def _counts_agree(self, library: Library) -> bool:
        return self._index.chunk_count == chunk_count(library)

    def _held(self) -> Holdings:
        try:
            held: Holdings = json.loads(self._held_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return held

    def _opened(self, path: Path) -> DiskIndex:
        try:
            return DiskIndex(path)
        except SearchError:
            logger.warning("The search index cannot be read and is made anew.")
            self._held_file.unlink(missing_ok=True)
            return DiskIndex.fresh(path)

    def _begin_anew(self) -> None:
        self._held_file.unlink(missing_ok=True)
        self._index.close()
        self._index = DiskIndex.fresh(self._path)


def chunk_count(library: Library) -> int:
    return sum(entry.chunk_count for entry in library.documents())


def _holdings(library: Library) -> Holdings:
    return {entry.id: entry.added_at for entry in library.documents()}


def _outdated(held: Holdings, wanted: Holdings) -> set[str]:
    """What ``held`` has that ``wanted`` does not have, or not from the same addition."""
    return {one for one, added_at in held.items() if wanted.get(one) != added_at}


def _chunks_of(
    library: Library, document_ids: Collection[str], *, is_all: bool = False
) -> Iterator[Chunk]:
    if is_all:  # much quicker than one by one
        yield from library.chunks()
        return
    for document_id in document_ids:
        yield from library.chunks(document_id)


def _batches(document_ids: Collection[str]) -> Iterator[list[str]]:
    waiting = iter(sorted(document_ids))
    while some := list(islice(waiting, DOCUMENTS_AT_ONCE)):
        yield some
