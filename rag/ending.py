"""How a program that is told to end takes its time: a wait before the signal goes where it went.

Without it the server closes every connection first, and the answers under way with them. Knows
neither the server nor what is waited for.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress


def wait_before_ending(drained: Callable[[], Awaitable[None]]) -> None:
    """Have SIGTERM wait for ``drained``; a second one does not. Ctrl-C never does.

    Does nothing where signals cannot be handled: on Windows, and outside of the main thread.
    """
    before = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()
    draining: set[asyncio.Task[None]] = set()  # keeps the task

    async def drain() -> None:
        try:
            await drained()
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            signal.signal(signal.SIGTERM, before)
            signal.raise_signal(signal.SIGTERM)

    def on_term() -> None:
        if draining:
            for task in draining:
                task.cancel()
        else:
            draining.add(asyncio.create_task(drain()))

    with suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGTERM, on_term)
