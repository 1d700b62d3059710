"""The worker processes of one program: lent out in turn, watched while they answer.

Asynchronous; the event loop never waits for a process. Knows nothing of files.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from rag.documents.process import Worker, WorkerDied
from rag.documents.worker import Message
from rag.errors import BrokenDocument, DocumentError, DocumentTooLarge

_WATCH_S = 0.1
_IDLE_MEMORY_BYTES = 250_000_000  # a worker that keeps more when it comes back is ended
_ERRORS = {error.__name__: error for error in DocumentError.__subclasses__()}


class Crew:
    """``size`` workers, started when they are first needed; each may grow to ``memory_bytes``."""

    def __init__(self, size: int, settings: Message, memory_bytes: int) -> None:
        self.size = size
        self._memory_bytes = memory_bytes
        self._workers = [Worker(settings) for _ in range(size)]
        self._threads = ThreadPoolExecutor(size, "ingest")
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        for worker in self._workers:
            self._idle.put_nowait(worker)
        self._lent: set[Worker] = set()

    def wake(self) -> None:
        """Have all of them ready. Blocks for some milliseconds."""
        for worker in self._workers:
            worker.start()

    @asynccontextmanager
    async def member(self) -> AsyncIterator[Worker]:
        """A worker of one's own; who asked first has it first."""
        worker = await self._idle.get()
        self._lent.add(worker)
        try:
            yield worker
        finally:
            self._lent.remove(worker)
            if worker.memory_bytes() > _IDLE_MEMORY_BYTES:
                worker.close()
            self._idle.put_nowait(worker)

    async def ask(
        self, worker: Worker, on_answer: Callable[[Message], None], do: str, **values: object
    ) -> None:
        """Have ``on_answer`` called in the loop for each answer.

        Cancelling ends the worker. Raises DocumentError: the worker's own, or what became of it.
        """
        loop = asyncio.get_running_loop()

        def deliver() -> None:
            for answer in worker.ask(do, **values):
                if "error" in answer:
                    raise _ERRORS[answer["error"]](answer["reason"])
                loop.call_soon_threadsafe(on_answer, answer)

        answering = loop.run_in_executor(self._threads, deliver)
        try:
            await self._watch(worker, answering)
        finally:
            while not answering.done():  # again, because it may only just be starting
                worker.kill()
                await asyncio.wait({answering}, timeout=_WATCH_S)
            answering.exception()

    async def _watch(self, worker: Worker, answering: asyncio.Future[None]) -> None:
        try:
            while not (await asyncio.wait({answering}, timeout=_WATCH_S))[0]:
                if worker.memory_bytes() > self._memory_bytes:
                    raise DocumentTooLarge(
                        f"Reading the file takes more than {self._memory_bytes // 1_000_000:,} MB "
                        "of memory. Split it, or save it in another format."
                    )
            answering.result()
        except WorkerDied as exc:
            raise BrokenDocument(
                "The file is damaged: its reader crashed. "
                "Open it in another program, save it again and add that."
            ) from exc

    def rest(self) -> None:
        """End those that nobody has; they start again when they are asked."""
        for worker in self._workers:
            if worker not in self._lent:
                worker.close()

    def close(self) -> None:
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown()
        for worker in self._workers:
            worker.close()
