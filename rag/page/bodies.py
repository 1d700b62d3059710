"""How much a request may send: its bytes are counted as they come, whatever it says of them.

Knows nothing of what they are for.
"""

from __future__ import annotations

from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES = 10_000_000  # for all but files: their route has a limit of its own
FILES = "/project/file"


class BodyTooLarge(Exception):
    """More came than the limit allows."""


def counted(receive: Receive, max_bytes: int) -> Receive:
    """``receive``, which raises BodyTooLarge with the message that goes over the limit."""
    came = 0

    async def receive_counted() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > max_bytes:
            raise BodyTooLarge
        return message

    return receive_counted


class BodyLimit:
    """Answers 413 to a request whose body is too large, and reads no more of it."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BYTES) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].endswith(FILES):
            return await self.app(scope, receive, send)
        if int(Headers(scope=scope).get("content-length", 0)) > self.max_bytes:
            return await self._refuse(scope, receive, send)
        return await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        bounded = counted(receive, self.max_bytes)
        is_over = is_answered = False

        async def receive_noted() -> Message:
            nonlocal is_over
            try:
                return await bounded()
            except BodyTooLarge:
                is_over = True
                raise

        async def send_unless_over(message: Message) -> None:  # what the app makes of it is wrong
            nonlocal is_answered
            if not is_over or is_answered:
                is_answered = True
                await send(message)

        with suppress(BodyTooLarge):
            await self.app(scope, receive_noted, send_unless_over)
        if is_over and not is_answered:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        sentence = f"The request holds more than {self.max_bytes // 1_000_000} MB. Send less."
        refusal = PlainTextResponse(sentence, 413, {"Connection": "close"})
        await refusal(scope, receive, send)
