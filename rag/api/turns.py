"""One turn of the pipeline for one request: a question in, its events out, its end recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from rag.api.access import Asker
from rag.api.host import Host
from rag.api.schema import ChatRequest
from rag.types import Answer, Answered, AnswerEvent, Failed

END = None  # of the events


async def events(host: Host, chat: ChatRequest, asker: Asker) -> AsyncGenerator[AnswerEvent]:
    """Up to ``Answered`` or ``Failed``; closing it stops the model. Raises RagError.

    Nobody is there to be asked for consent, so a model on another machine is used only where the
    settings allow that.
    """
    workspace = await host.workspace()
    async with workspace.turnstile.turn(asker.person):
        await workspace.refresh()
        pipeline = await workspace.pipeline(
            temperature=chat.temperature, max_tokens=chat.most_tokens, stop=chat.stops
        )
        ends: list[Answer | Failed] = []  # the first counts
        turn = pipeline.answer(
            chat.question,
            index=workspace.index,
            history=chat.history,
            mode=chat.mode,
            on_stop=ends.append,
        )
        try:
            async with aclosing(turn):
                async for event in turn:
                    if isinstance(event, Answered | Failed):
                        ends.append(event.answer if isinstance(event, Answered) else event)
                    yield event
        finally:
            end = ends[0] if ends else Failed("")
            await workspace.record(end, chat.mode, asker.owner)


async def with_pauses(
    told: AsyncGenerator[AnswerEvent], pause_s: float
) -> AsyncGenerator[AnswerEvent | None]:
    """The same events, and None whenever there has been none for ``pause_s``."""
    coming: asyncio.Task[AnswerEvent | None] | None = None
    async with aclosing(told):
        try:
            while True:
                coming = coming or asyncio.ensure_future(anext(told, END))
                done, _ = await asyncio.wait({coming}, timeout=pause_s)
                if not done:
                    yield None
                    continue
                event, coming = coming.result(), None
                if event is END:
                    return
                yield event
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
