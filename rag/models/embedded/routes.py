"""An engine as an OpenAI-compatible HTTP app, for this machine only.

In go requests that prove themselves by Host and key; out come answers, whole or as a stream of
events. It knows neither the model nor the process it runs in.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.errors import ModelError, ModelNotFound
from rag.models.embedded import protocol
from rag.models.embedded.generation import Engine, Finish, Generation, Piece
from rag.models.embedded.protocol import JSON, ChatRequest

_OUR_NAMES = {"127.0.0.1", "localhost", "[::1]"}
_MAX_BODY_BYTES = 4_000_000
_TRY_AGAIN = {429, 503}
_RETRY_AFTER_S = "1"
_SERVER_ERROR = 500
_KEEP_ALIVE_S = 5.0
_GONE = 499  # nobody is there to read it


def create_app(
    engine: Engine, api_key: str = "", *, keep_alive_s: float = _KEEP_ALIVE_S
) -> ASGIApp:
    """``api_key`` "" asks for none. A waiting stream gets a comment every ``keep_alive_s``."""
    chat = _Chat(engine, keep_alive_s)
    started = int(time.time())

    async def models(request: Request) -> Response:
        return JSONResponse(
            protocol.model_list(
                engine.name, engine.context_tokens, engine.reports_logprobs, started
            )
        )

    async def health(request: Request) -> Response:
        return JSONResponse({"model": engine.name} | asdict(engine.occupancy()))

    app = Starlette(
        routes=[
            Route("/v1/chat/completions", chat.completions, methods=["POST"]),
            Route("/v1/models", models),
            Route("/health", health),
        ],
        exception_handlers={
            ModelError: _on_model_error,
            HTTPException: _on_http_error,
            ClientDisconnect: _on_disconnect,
            Exception: _on_bug,
        },
    )
    return _Guard(app, api_key)


class _Chat:
    def __init__(self, engine: Engine, keep_alive_s: float) -> None:
        self._engine = engine
        self._keep_alive_s = keep_alive_s

    async def completions(self, request: Request) -> Response:
        chat = protocol.parsed(await _body(request))
        if chat.model != self._engine.name:
            raise ModelNotFound(f"This server runs {self._engine.name}, not {chat.model}.")
        if not self._engine.reports_logprobs:
            chat = chat.without_logprobs()  # null, as OpenAI's clients expect
        generation = self._engine.submit(chat.generation())
        head = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": self._engine.name,
        }
        if chat.stream:
            return _EventStream(self._events(chat, generation, head), generation)
        return await _whole(request, chat, generation, head)

    async def _events(
        self, chat: ChatRequest, generation: Generation, head: JSON
    ) -> AsyncIterator[str]:
        yield _event(protocol.chunk(head, {"role": "assistant", "content": ""}))
        try:
            async for piece in self._pieces(generation):
                if piece is None:
                    yield ": waiting\n\n"
                else:
                    for told in protocol.chunks(head, piece, chat):
                        yield _event(told)
            yield "data: [DONE]\n\n"
        except ModelError as exc:  # too late for a status
            yield _event(protocol.refusal(exc)[1])

    async def _pieces(self, generation: Generation) -> AsyncIterator[Piece | Finish | None]:
        """What the engine gives; None whenever it has given nothing for a while."""
        while True:
            try:
                async with asyncio.timeout(self._keep_alive_s):
                    piece = await generation.__anext__()
            except TimeoutError:
                yield None
            except StopAsyncIteration:
                return
            else:
                yield piece


class _EventStream(StreamingResponse):
    """Frees the generation's place however the response ends: complete, broken off, never begun."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[str], generation: Generation) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store"})
        self._generation = generation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._generation.aclose()


async def _whole(
    request: Request, chat: ChatRequest, generation: Generation, head: JSON
) -> Response:
    gathering = asyncio.create_task(_gathered(generation))
    gone = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({gathering, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not gathering.done():
            return Response(status_code=_GONE)
        pieces, finish = gathering.result()
    finally:
        gathering.cancel()
        gone.cancel()
        await generation.aclose()
    return JSONResponse(protocol.completion(head, pieces, finish, chat))


async def _gathered(generation: Generation) -> tuple[list[Piece], Finish]:
    pieces: list[Piece] = []
    while True:
        piece = await generation.__anext__()
        if isinstance(piece, Finish):
            return pieces, piece
        pieces.append(piece)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request) -> bytes:
    # Any page may send text/plain to any address; JSON it may send only where it is invited.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "Send application/json.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BODY_BYTES:
            raise HTTPException(413, f"A request may have {_MAX_BODY_BYTES} bytes at most.")
    return body


def _event(told: JSON) -> str:
    return f"data: {json.dumps(told, ensure_ascii=False, separators=(',', ':'))}\n\n"


# --- who may ask, and what is said to those who may not


class _Guard:
    """Lets through what was sent to this machine by name, with the key."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._expected = f"Bearer {api_key}".encode() if api_key else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            app = self._refusal(Headers(scope=scope)) or app
        await app(scope, receive, send)

    def _refusal(self, headers: Headers) -> Response | None:
        # A page elsewhere can make its own name resolve to this machine.
        if re.sub(r":\d+$", "", headers.get("host", "")) not in _OUR_NAMES:
            return _error(403, "This server answers to 127.0.0.1 and localhost only.", "bad_host")
        given = headers.get("authorization", "").encode()
        if self._expected and not hmac.compare_digest(given, self._expected):
            return _error(401, "The key is missing or wrong.", "invalid_api_key")
        return None


def _error(status: int, message: str, code: str) -> Response:
    kind = "server_error" if status >= _SERVER_ERROR else "invalid_request_error"
    return JSONResponse(protocol.error(message, kind, code), status)


async def _on_model_error(request: Request, exc: Exception) -> Response:
    status, body = protocol.refusal(exc)
    headers = {"Retry-After": _RETRY_AFTER_S} if status in _TRY_AGAIN else None
    return JSONResponse(body, status, headers)


async def _on_http_error(request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    return _error(status, str(getattr(exc, "detail", "")), f"http_{status}")


async def _on_disconnect(request: Request, exc: Exception) -> Response:
    return Response(status_code=_GONE)


async def _on_bug(request: Request, exc: Exception) -> Response:
    return _error(500, "The model server failed; its log says why.", "internal_error")
