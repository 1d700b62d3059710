"""What would hold up the event loop of all chats, or fill it: things Chainlit does, undone."""

from __future__ import annotations

import asyncio
from heapq import heapify
from importlib import import_module
from types import SimpleNamespace

# It sleeps a millisecond, and all chats with it, whenever a step or message is made, so that no two
# have the same time. They have it to the microsecond anyway.
for part in ("chainlit.message", "chainlit.step"):  # as modules: names of theirs hide them
    vars(import_module(part))["time"] = SimpleNamespace(sleep=lambda _s: None)


def drop_cancelled() -> None:
    """Timers that were cancelled. nest_asyncio, with which Chainlit replaces part of asyncio, keeps
    them until they are due, for minutes; and with each, the chat it belonged to."""
    loop = asyncio.get_running_loop()
    scheduled = getattr(loop, "_scheduled", [])
    waiting = [timer for timer in scheduled if not timer.cancelled()]
    if len(waiting) < len(scheduled):
        for timer in scheduled:
            timer._scheduled = not timer.cancelled()
        heapify(waiting)
        scheduled[:] = waiting
        loop._timer_cancelled_count = 0  # type: ignore[attr-defined]
