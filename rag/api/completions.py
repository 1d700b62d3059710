"""``POST /v1/chat/completions``: a request in; an answer out, whole or as a stream of events.

A stream never takes back what it sent. Where a draft may still be replaced, nothing of it is sent
until it has been judged; comments keep the connection alive meanwhile. ``rag-slm`` alone, whose
draft stands whatever is thought of it, is sent as it is written.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from rag.api import errors, replies
from rag.api.errors import ApiError
from rag.api.schema import ChatRequest
from rag.api.turns import with_pauses
from rag.errors import RagError
from rag.models.embedded.protocol import JSON
from rag.types import Answer, Answered, AnswerEvent, Delta, Failed, Restarted, Working

Events = AsyncGenerator[AnswerEvent]

_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
_DONE = "data: [DONE]\n\n"


class Streamed:
    """Begins with its first event: a turn that fails before that has a status of its own."""

    def __init__(self, chat: ChatRequest, events: Events, base_url: str, pause_s: float) -> None:
        self._told = _told(chat, events, base_url, pause_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _until_gone(self._send(send), receive)

    async def _send(self, send: Send) -> None:
        is_begun = False
        async with aclosing(self._told) as told:
            try:
                async for text in told:
                    if not is_begun:
                        start = {"type": "http.response.start", "status": 200, "headers": _HEADERS}
                        await send(start)
                        is_begun = True
                    await _send_body(send, text)
            except ApiError as exc:
                if not is_begun:
                    raise
                await _send_body(send, _event(exc.body))
        await send({"type": "http.response.body", "body": b""})


class Whole:
    def __init__(self, chat: ChatRequest, events: Events, base_url: str) -> None:
        self._chat, self._events, self._base_url = chat, events, base_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _until_gone(self._send(scope, receive, send), receive)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        body: JSON = {}
        async with aclosing(_mapped(self._events)) as events:
            async for event in events:
                if isinstance(event, Answered):
                    head = replies.head(self._chat.model)
                    body = replies.completion(head, event.answer, self._base_url)
        await JSONResponse(body)(scope, receive, send)  # once the turn has been recorded


def chore(chat: ChatRequest, reply: str) -> Response:
    """A reply that no model has written."""
    head = replies.head(chat.model)
    if not chat.stream:
        return JSONResponse(replies.plain(head, reply))
    events = [replies.begun(head), replies.piece(head, reply), replies.stopped(head)]
    if chat.wants_usage:
        events.append(replies.counted(head, None))
    text = "".join(map(_event, events)) + _DONE
    return Response(text, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


# --- the events of a stream


async def _told(
    chat: ChatRequest, events: Events, base_url: str, pause_s: float
) -> AsyncGenerator[str]:
    """Raises ApiError for a turn that fails."""
    head = replies.head(chat.model)
    text = Text(is_held=chat.mode != "slm")
    is_begun = False
    phase = "searching"
    async with aclosing(with_pauses(_mapped(events), pause_s)) as paced:
        async for event in paced:
            if isinstance(event, Working):
                phase = event.phase
            if event is None:
                yield f": {phase}\n\n"
                continue
            if piece := text.sent(event):
                if not is_begun:
                    yield _event(replies.begun(head))
                    is_begun = True
                yield _event(replies.piece(head, piece))
            if isinstance(event, Answered):
                yield _event(replies.ended(head, event.answer, base_url))
                if chat.wants_usage:
                    yield _event(replies.counted(head, event.answer))
                yield _DONE
                return


class Text:
    """What of each event's words is sent. ``is_held``: nothing until the answer is final."""

    def __init__(self, *, is_held: bool) -> None:
        self._is_held = is_held
        self._has_sent = False

    def sent(self, event: AnswerEvent) -> str:
        match event:
            case Delta(text=text) if not self._is_held:
                piece = text
            case Restarted(reason=reason) if self._has_sent:
                piece = f"\n\n({reason})\n\n"
            case Answered(answer=Answer(text=text)) if not self._has_sent:
                piece = text
            case _:
                piece = ""
        self._has_sent = self._has_sent or bool(piece.strip())
        return piece


async def _mapped(events: Events) -> Events:
    """The same events; a failure, however it is told, becomes an ApiError."""
    try:
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Failed):
                    raise errors.failed(event)
                yield event
    except RagError as exc:
        raise errors.refused(exc) from exc


# --- the connection


async def _until_gone(sending: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Send; once nobody is there to read it, stop, and with it the model."""
    told, gone = asyncio.ensure_future(sending), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({told, gone}, return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            told.result()
    finally:
        told.cancel()
        gone.cancel()
        await asyncio.gather(told, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_body(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _event(told: JSON) -> str:
    return f"data: {json.dumps(told, ensure_ascii=False, separators=(',', ':'))}\n\n"
