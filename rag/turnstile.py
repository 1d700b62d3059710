"""Who may have a turn now: a person's name in, a place in the line of that person alone out.

Everybody has a line of their own, so whoever asks a lot waits for themselves and for nobody else.
A person is whatever the caller takes for one: a login, an API key, a chat. Knows no turns.
"""

from __future__ import annotations

import math
import time
from asyncio import Event, Semaphore
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rag.errors import ProgramEnding, TooManyTurns

_MINUTE_S = 60.0


@dataclass(slots=True)
class _Line:
    room: Semaphore
    waiting: int = 0  # those that have a turn included
    begun_s: deque[float] = field(default_factory=deque)  # of the last minute


class Turnstile:
    """``at_once`` turns of a person go on at the same time, and as many again as ``waiting`` wait.

    ``per_minute`` may begin in any 60 seconds; 0 for any number. ``clock``: seconds, monotonic.
    """

    def __init__(
        self,
        at_once: int,
        waiting: int,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_once, self._waiting, self._per_minute = at_once, waiting, per_minute
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self.is_shut = False
        self._empty = Event()
        self._empty.set()

    async def shut(self) -> None:
        """Let nobody in any more, and return once those who are in have left."""
        self.is_shut = True
        await self._empty.wait()

    @asynccontextmanager
    async def turn(self, person: str) -> AsyncIterator[None]:
        """Wait for a place, and have it until the end of the block.

        Raises TooManyTurns and ProgramEnding at once.
        """
        if self.is_shut:
            raise ProgramEnding("The program is being ended or restarted. Ask again in a moment.")
        self._forget_idle()
        line = self._lines.setdefault(person, _Line(Semaphore(self._at_once)))
        self._check(line)
        line.begun_s.append(self._clock())
        line.waiting += 1
        self._empty.clear()
        try:
            async with line.room:
                yield
        finally:
            line.waiting -= 1
            if not any(each.waiting for each in self._lines.values()):
                self._empty.set()

    def _check(self, line: _Line) -> None:
        if line.waiting >= self._at_once + self._waiting:
            raise TooManyTurns(
                f"{line.waiting} questions of yours are being answered already. "
                "Wait for one of them, then ask again."
            )
        if self._per_minute and len(line.begun_s) >= self._per_minute:
            wait_s = math.ceil(line.begun_s[0] + _MINUTE_S - self._clock())
            raise TooManyTurns(
                f"You have asked {self._per_minute} questions within a minute, which is the most "
                f"that is answered. Ask again in {max(wait_s, 1)} seconds.",
                wait_s=max(wait_s, 1),
            )

    def _forget_idle(self) -> None:
        """What is older than a minute; lines of which nothing is left go with it."""
        since = self._clock() - _MINUTE_S
        for person, line in list(self._lines.items()):
            while line.begun_s and line.begun_s[0] <= since:
                line.begun_s.popleft()
            if not (line.begun_s or line.waiting):
                del self._lines[person]
