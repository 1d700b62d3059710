"""The same question to two models next to each other: named turns in, their events as they come.

    sides = {
        "slm": pipeline.answer(question, index=index, history=history, mode="slm"),
        "llm": pipeline.answer(question, index=index, history=history, mode="llm"),
    }
    async with aclosing(beside(sides, at_once=False)) as events:
        async for name, event in events: ...

Each turn ends with its own ``Answered`` or ``Failed``. Two models of one machine share its
processors: at once both are slower, and their times say little of each alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from rag.types import AnswerEvent

Told = tuple[str, AnswerEvent]
_Sides = Mapping[str, AsyncGenerator[AnswerEvent]]


async def beside(sides: _Sides, *, at_once: bool) -> AsyncGenerator[Told]:
    """Events by the name of their turn; one turn after the other unless ``at_once``.

    Closing the iterator closes every turn, which stops its model.
    """
    groups = [sides] if at_once else [{name: events} for name, events in sides.items()]
    try:
        for group in groups:
            async with aclosing(_merged(group)) as told:
                async for one in told:
                    yield one
    finally:
        for events in sides.values():
            await events.aclose()


async def _merged(sides: _Sides) -> AsyncGenerator[Told]:
    arrived: asyncio.Queue[Told | None] = asyncio.Queue()
    tasks = [asyncio.create_task(_pass_on(name, sides[name], arrived)) for name in sides]
    try:
        left = len(tasks)
        while left:
            told = await arrived.get()
            if told is None:
                left -= 1
            else:
                yield told
        await asyncio.gather(*tasks)  # a fault of one, once all have ended
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(
    name: str, events: AsyncGenerator[AnswerEvent], arrived: asyncio.Queue[Told | None]
) -> None:
    """None when the turn is over, however it ended."""
    try:
        async with aclosing(events):
            async for event in events:
                arrived.put_nowait((name, event))
    finally:
        arrived.put_nowait(None)
