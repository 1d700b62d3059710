"""Files into documents and passages, in processes of their own: events out as it goes on.

Goes in: paths with names. Comes out: every page as it is read, and for every file at the end a
document with its chunks, or the reason why not. A file that hangs, crashes or eats memory takes one
worker process with it and nothing else. A long PDF is shared between the workers. Knows no library
and no index.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.documents.assembly import assemble
from rag.documents.chunking import Span, chunks
from rag.documents.crew import Crew
from rag.documents.kinds import PDF, by_name
from rag.documents.limits import Limits
from rag.documents.process import Worker
from rag.documents.worker import Message
from rag.errors import BrokenDocument, DocumentError, DocumentTooLarge
from rag.language import warm_up
from rag.types import Chunk, Document

__all__ = [
    "Event",
    "FileFailed",
    "FileRead",
    "Ingestor",
    "Limits",
    "PageRead",
    "SourceFile",
]

logger = logging.getLogger(__name__)

_IDLE_S = 60.0  # without a file for so long, workers give back their memory (100 MB each)
_LARGE_BYTES = 1_000_000  # a PDF over this is opened by all workers at the same time
# Asked of a worker at once: many, so that it seldom waits, but few towards the end of a file, so
# that all are done at about the same time.
_MOST_PAGES, _FEWEST_PAGES = 40, 5


@dataclass(frozen=True, slots=True)
class SourceFile:
    path: Path
    name: str  # as the document is to be called
    password: str = ""


@dataclass(frozen=True, slots=True)
class PageRead:
    name: str
    page: int  # so many are read by now
    pages: int
    source: Path


@dataclass(frozen=True, slots=True)
class FileRead:
    document: Document
    chunks: tuple[Chunk, ...]
    source: Path


@dataclass(frozen=True, slots=True)
class FileFailed:
    name: str
    source: Path
    error_class_name: str  # of the DocumentError
    reason: str


Event = PageRead | FileRead | FileFailed


class Ingestor:
    """Use it from one event loop, by as many tasks as there are; close it at the end.

    ``workers`` processes, 0 for one a core; ``timeout_s`` for one file, not counting the wait for
    a free worker.
    """

    def __init__(
        self, limits: Limits, max_tokens: int, overlap: float, workers: int, timeout_s: float
    ) -> None:
        settings = {"limits": asdict(limits), "max_tokens": max_tokens, "overlap": overlap}
        self._crew = Crew(workers or os.cpu_count() or 1, settings, limits.memory_bytes)
        self._timeout_s = timeout_s
        self._rest: asyncio.TimerHandle | None = None

    def close(self) -> None:
        if self._rest:
            self._rest.cancel()
        self._crew.close()

    async def expect(self) -> None:
        """A file is on its way: have the workers ready. They rest again if none comes."""
        await asyncio.to_thread(self._crew.wake)
        self._rest_later()

    async def ingest(self, files: Sequence[SourceFile]) -> AsyncGenerator[Event, None]:
        """Pages as they are read; for each file in the end a FileRead or a FileFailed.

        Files are begun in order and may end in another. Closing the iterator stops all of them.
        """
        if self._rest:
            self._rest.cancel()
        waiting, events = deque(files), asyncio.Queue[Event]()

        async def work() -> None:
            while waiting:
                reading = _Reading(waiting.popleft(), self._crew, events.put_nowait)
                events.put_nowait(await reading.outcome(self._timeout_s))

        tasks = [asyncio.create_task(work()) for _ in files[: self._crew.size]]
        tasks.append(asyncio.create_task(asyncio.to_thread(self._prepare, files)))
        try:
            unfinished = len(files)
            while unfinished:
                event = await events.get()
                unfinished -= not isinstance(event, PageRead)
                yield event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._rest_later()

    def _rest_later(self) -> None:
        if self._rest:
            self._rest.cancel()
        self._rest = asyncio.get_running_loop().call_later(_IDLE_S, self._crew.rest)

    def _prepare(self, files: Sequence[SourceFile]) -> None:
        """Meanwhile: the workers that will help with a long file, and the model needed last."""
        if any(map(_is_large, files)):
            self._crew.wake()
        if files:
            warm_up()


def _is_large(file: SourceFile) -> bool:
    try:
        return by_name(file.name) == PDF and file.path.stat().st_size > _LARGE_BYTES
    except OSError:
        return False


class _Reading:
    """One file on its way through one worker, or several."""

    def __init__(self, source: SourceFile, crew: Crew, emit: Callable[[PageRead], None]) -> None:
        self._source, self._crew, self._emit = source, crew, emit
        self._head: Message = {}
        self._pages: dict[int, str | None] = {}
        self._spans: dict[int, list[Span]] = {}
        self._opened = asyncio.Event()
        self._untaken = range(0)  # pages that nobody reads yet
        self._joined: set[asyncio.Task[None] | None] = set()

    async def outcome(self, timeout_s: float) -> FileRead | FileFailed:
        try:
            await self._read(timeout_s)
            return await asyncio.to_thread(self._assembled)
        except DocumentError as exc:
            error = exc
        except Exception:  # a defect of ours must not stop the other files
            logger.exception("a file could not be read")
            error = BrokenDocument("The file could not be read. Add it in another format.")
        source = self._source
        return FileFailed(source.name, source.path, type(error).__name__, str(error))

    async def _read(self, timeout_s: float) -> None:
        async with self._crew.member() as worker:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._share(worker)
            except TimeoutError as exc:
                raise DocumentTooLarge(
                    f"Reading the file took longer than {timeout_s:,.0f} seconds. "
                    "Split it, or allow more time in the settings."
                ) from exc

    async def _share(self, worker: Worker) -> None:
        """Read with this worker, and with others as they become free."""
        try:
            async with asyncio.TaskGroup() as group:
                helping = (self._help() for _ in range(self._crew.size - 1))
                tasks = [group.create_task(each) for each in helping]
                self._head = await self._open(worker)
                self._untaken = range(1, self._head["page_count"] + 1)
                self._opened.set()
                await self._take(worker)
                for task in tasks:
                    if task not in self._joined:
                        task.cancel()
        except ExceptionGroup as exc:
            raise exc.exceptions[0] from exc

    async def _help(self) -> None:
        if not _is_large(self._source):
            await self._opened.wait()
            if len(self._untaken) <= _FEWEST_PAGES:
                return
        async with self._crew.member() as worker:
            self._joined.add(asyncio.current_task())
            if self._opened.is_set() and not self._untaken:
                return
            head = await self._open(worker)
            await self._opened.wait()
            if head != self._head:
                raise BrokenDocument("The file changed while it was read. Add it again.")
            await self._take(worker)

    async def _open(self, worker: Worker) -> Message:
        heads: list[Message] = []
        source = self._source
        await self._crew.ask(
            worker,
            heads.append,
            "open",
            path=str(source.path.absolute()),
            name=source.name,
            password=source.password,
        )
        return heads[0]

    async def _take(self, worker: Worker) -> None:
        while self._untaken:
            share = len(self._untaken) // (4 * self._crew.size)
            count = min(max(share, _FEWEST_PAGES), _MOST_PAGES)
            taken, self._untaken = self._untaken[:count], self._untaken[count:]
            await self._crew.ask(worker, self._got, "pages", first=taken[0], last=taken[-1])

    def _got(self, answer: Message) -> None:
        source, count = self._source, self._head["page_count"]
        for number, text, spans in answer["pages"]:
            self._pages[number] = text
            self._spans[number] = [Span(*values) for values in spans]
            self._emit(PageRead(source.name, len(self._pages), count, source.path))

    def _assembled(self) -> FileRead:
        numbers = range(1, self._head["page_count"] + 1)
        pages = [self._pages[number] for number in numbers]
        head = self._head
        document = assemble(head["id"], self._source.name, head["media_type"], pages, head["note"])
        found = chunks(document, (self._spans[number] for number in numbers))
        return FileRead(document, found, self._source.path)
