"""Models being prepared in the background: whoever asks for one that is under way joins in.

In go names; out come how far it is, again and again, and at last nothing or an error. It knows
neither HTTP nor what preparing is.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from rag.models.weights import Progress

# Blocks. Raises WeightsError.
Prepare = Callable[[str, Callable[[Progress], None], threading.Event], None]

_TELL_S = 0.25  # between two reports


@dataclass(slots=True)
class _Work:
    task: asyncio.Task[None]
    progress: Progress = field(default_factory=lambda: Progress("download", 0, 0, "bytes"))


class Preparing:
    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._stop = threading.Event()
        self._at_work: dict[str, _Work] = {}

    async def follow(self, name: str) -> AsyncGenerator[Progress, None]:
        """Until it is prepared. Raises WeightsError. To leave off following stops nothing."""
        work = self._at_work.get(name) or self._begun(name)
        while not work.task.done():
            yield work.progress
            await asyncio.wait([work.task], timeout=_TELL_S)
        work.task.result()

    async def close(self) -> None:
        """Stop all work; what has been downloaded is kept."""
        self._stop.set()
        tasks = [work.task for work in self._at_work.values()]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begun(self, name: str) -> _Work:
        def note(progress: Progress) -> None:
            work.progress = progress

        task = asyncio.create_task(asyncio.to_thread(self._prepare, name, note, self._stop))
        work = self._at_work[name] = _Work(task)
        task.add_done_callback(lambda _: self._at_work.pop(name, None))
        return work
