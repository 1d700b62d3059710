"""The search index as a copy of the library: brought into step with it, and a view to search.

Three kinds, one behaviour: ``catch_up`` compares which documents each side holds and moves only the
difference, whoever changed the library; ``view`` is what a question searches. None knows where
documents come from.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4
from zlib import crc32

from filelock import FileLock

from rag.documents.library import Library
from rag.errors import IndexLocked, SearchError
from rag.retrieval.address import ClusterAddress, cluster_address, is_cluster
from rag.retrieval.disk import DiskIndex
from rag.retrieval.index import Index
from rag.retrieval.memory import MemoryIndex
from rag.types import Chunk

if TYPE_CHECKING:
    from rag.retrieval.cluster import ClusterIndex

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
    """Of one process; a view of it never changes."""

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


class KeptIndex(Protocol):
    """An index that outlives the process; what ``add`` is given replaces those documents."""

    @property
    def chunk_count(self) -> int: ...

    def add(self, chunks: Iterable[Chunk]) -> None: ...

    def remove(self, document_id: str) -> None: ...

    def rebuild(self, chunks: Iterable[Chunk]) -> None: ...


class _KeptCopy(LibraryCopy):
    """Shared by every process that uses the library; one at a time catches up.

    What the index holds is in a file of its own, written after the index: where a crash came
    between, the difference is moved again, which changes nothing. Where the counts of chunks
    disagree after all, and where there was nothing before, the index is made anew.
    """

    _index: KeptIndex

    def __init__(self, folder: Path, held_file: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._held_file = folder / held_file
        self._lock = FileLock(folder / "catch-up.lock")

    def catch_up(self, library: Library) -> None:
        if not self._in_step(library):
            with self._lock:
                self._move_difference(library)

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


class DiskCopy(_KeptCopy):
    """A view of it never changes. Also made anew where a crash damaged what only writing sees."""

    _index: DiskIndex

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "documents.json")
        self._path = folder / "tantivy"
        self._index = self._opened(self._path)

    def catch_up(self, library: Library) -> None:
        try:
            super().catch_up(library)
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


class ClusterCopy(_KeptCopy):
    """In a cluster; a view of it shows what later changes leave. Raises SearchError.

    The library has a name of its own there, so that nobody finds another library's passages.
    """

    _index: ClusterIndex

    def __init__(self, folder: Path, address: ClusterAddress) -> None:
        from rag.retrieval.cluster import ClusterIndex  # noqa: PLC0415 (a third of a second)

        place = crc32(repr((address.hosts, address.name)).encode())
        super().__init__(folder, f"cluster-{place:08x}.json")
        with self._lock:
            self._index = ClusterIndex(address, _own_name(folder / "library-name"))
        self._view = self._index.view()

    def catch_up(self, library: Library) -> None:
        super().catch_up(library)
        self._view = self._index.view()

    def view(self) -> Index:
        return self._view


def fitting(copy: LibraryCopy, engine: str, folder: Path, *, is_large: bool) -> LibraryCopy:
    """``copy``, if it is of the engine that the setting asks for, or one that is.

    Unless it names one, memory while the library is small, the disk beyond.
    """
    if is_cluster(engine):
        if isinstance(copy, ClusterCopy):
            return copy
        return ClusterCopy(folder, cluster_address(engine))
    if engine == "tantivy" or (is_large and engine != "memory"):
        return copy if isinstance(copy, DiskCopy) else DiskCopy(folder)
    return copy if isinstance(copy, MemoryCopy) else MemoryCopy()


def _own_name(path: Path) -> str:
    """Made once."""
    if not path.exists():
        path.write_text(uuid4().hex, encoding="utf-8")
    return path.read_text(encoding="utf-8")


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
