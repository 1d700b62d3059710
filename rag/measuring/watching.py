"""What a model's process takes from one moment to the next: a model in, moments out, for a chart
that is drawn while it loads and answers, or afterwards.

The process is that of resources.py. A model on another machine has moments without figures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

import psutil

from rag.measuring.resources import cpu_s, memory_bytes, process_of
from rag.models.chat import ChatModel

_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Moment:
    at_ms: float  # since the watch began
    memory_bytes: int | None  # None: there is no process, or it cannot be seen from here
    cores: float | None  # busy on average since the moment before


async def moments(model: ChatModel, every_s: float = _EVERY_S) -> AsyncGenerator[Moment]:
    """Until it is closed. The model's process may start and end meanwhile."""
    watch = _Watch(model)
    while True:
        yield await asyncio.to_thread(watch.look)
        await asyncio.sleep(every_s)


@dataclass(slots=True)
class _Watch:
    model: ChatModel
    now_s: Callable[[], float] = time.perf_counter
    _process: psutil.Process | None = None
    _before: tuple[float, float] | None = None  # when, and the processors' time by then
    _began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._began_s = self.now_s()

    def look(self) -> Moment:
        if self._process is None or not self._process.is_running():
            self._process, self._before = process_of(self.model), None
        now_s = self.now_s()
        at_ms = (now_s - self._began_s) * 1000
        memory = memory_bytes(self._process) if self._process else 0
        if self._process is None or not memory:
            return Moment(at_ms, None, None)
        used_s = cpu_s(self._process)
        before, self._before = self._before, (now_s, used_s)
        return Moment(at_ms, memory, _cores(before, (now_s, used_s)))


def _cores(before: tuple[float, float] | None, now: tuple[float, float]) -> float | None:
    """Less than nothing when a process that had worked ended in between: not known.

    >>> _cores((10.0, 3.0), (10.5, 4.0))
    2.0
    """
    if before is None or now[0] <= before[0] or now[1] < before[1]:
        return None
    return (now[1] - before[1]) / (now[0] - before[0])
