"""What a model is at, live in a terminal: events in, a line on stderr that counts the seconds.

Nothing is shown where nobody watches, and while words stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tqdm import tqdm

from rag.commands.terminal import progress_bar
from rag.types import AnswerEvent, Delta, Phase, Retrieved, Working

FRAME_S = 0.2
_DOING: Mapping[Phase, str] = {
    "loading": "Loading {model}",
    "waiting": "Waiting for the first word of {model}",
    "thinking": "Waiting while {model} thinks",
}


class PhaseLine:
    """``show`` it every event of a turn, in order."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def show(self, event: AnswerEvent) -> None:
        match event:
            case Working(phase=phase, model=model):
                self.clear()
                if phase in _DOING:
                    doing = _DOING[phase].format(model=model or "the model")
                    self._bar = progress_bar(doing, 1, "")
            case Retrieved() | Delta(text=""):
                return
            case _:
                self.clear()

    def clear(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()

    def tick(self) -> None:
        """Bring the seconds up to date."""
        if self._bar is not None:
            self._bar.refresh()


@asynccontextmanager
async def phase_line() -> AsyncIterator[PhaseLine]:
    line = PhaseLine()
    ticking = asyncio.create_task(_tick(line))
    try:
        yield line
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        line.clear()


async def _tick(line: PhaseLine) -> None:
    while True:
        line.tick()
        await asyncio.sleep(FRAME_S)
