"""An OpenAI-compatible server that says what it is told to, on a real socket.

In go ``Scripted`` replies (or functions from the request to one), used up in order; afterwards
every request is answered by ``fallback``, which quotes the prompt's first passage and cites it. Out
come true HTTP bytes, with every fault a reply asks for, and a ``history`` of what was received. It
knows nothing of ``rag``.

Inside pytest use the fixture ``scripted_server``. From a terminal, for a browser test:

    python tests/scripted_server.py --port 0 [--script replies.json] [--delay-ms 20]

prints its address, and then answers ``GET /history`` and ``POST /script`` (a list of replies) too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import socket
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

MODEL = "scripted-model"


@dataclass(frozen=True, slots=True)
class Scripted:
    """One reply, and what goes wrong with it. The default is a well-behaved one."""

    deltas: Sequence[str] = ("Hello", " there", ".")
    logprobs: Literal["absent", "null"] | Sequence[float] = "absent"  # or one figure a delta
    usage: tuple[int, int] | None = (10, 3)  # prompt, completion; None: never reported
    finish_reason: str | None = "stop"  # None: the stream ends without one
    reasoning: Sequence[str] = ()  # deltas sent first, in a field of their own
    reasoning_field: str = "reasoning_content"
    # time
    headers_after_s: float = 0.0
    delay_s: float | Sequence[float] = 0.0  # before each delta
    keep_alives: int = 0  # comment lines before each delta
    # faults
    status: int = 200  # anything else: an error of OpenAI's shape, with `error` in it
    error: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None  # the whole body, verbatim, in place of all the above
    content_type: str = "text/event-stream"
    raw: str | bytes = ""  # verbatim, after the deltas
    then: Literal["done", "stall", "disconnect"] = "done"  # after the deltas and `raw`
    endings: int = 1  # how often the end is told
    lingers: bool = False  # the connection stays open after the end
    is_zipped: bool = False


@dataclass(slots=True)
class Received:
    """A chat request, and what became of it."""

    body: dict[str, Any]
    headers: Mapping[str, str]
    finished: threading.Event = field(default_factory=threading.Event)  # all was sent
    disconnected: threading.Event = field(default_factory=threading.Event)  # client left before

    @property
    def prompt(self) -> str:
        return "\n\n".join(str(message["content"]) for message in self.body["messages"])


Answer = Scripted | Callable[[dict[str, Any]], Scripted]


def quote_first_passage(request: dict[str, Any]) -> Scripted:
    """The first sentence of the passage numbered [1] in the prompt, word by word, citing it."""
    prompt = "\n\n".join(str(message["content"]) for message in request["messages"])
    passage = re.search(r"^\W*\[1\][^\n]*\n(.+?)(?=^\W*\[2\]|\n\s*\n|\Z)", prompt, re.M | re.S)
    if passage is None:
        return Scripted(("No", " passage", " was", " given."), [-0.1] * 4, (len(prompt) // 4, 4))
    sentence = re.split(r"(?<=[.!?])\s", passage[1].strip())[0]
    words = [*re.findall(r"\S+\s*", " ".join(sentence.split())), " [1]"]
    return Scripted(words, [-0.1] * len(words), (len(prompt) // 4, len(words)))


@dataclass(slots=True)
class ScriptedServer:
    """Set its fields between requests; ``reset`` makes it as new, at the same address."""

    base_url: str = ""  # ends in /v1
    replies: list[Answer] = field(default_factory=list)
    fallback: Answer = quote_first_passage
    delay_s: float = 0.0  # before each delta of a reply that names no delay
    api_key: str = ""  # when set, any other key gets 401
    refused_options: set[str] = field(default_factory=set)  # request fields that get 400
    models: list[dict[str, Any]] = field(default_factory=list)  # extra fields go out as they are
    pages: dict[str, Any] = field(default_factory=dict)  # further JSON documents, by path
    requests: list[str] = field(default_factory=list)  # "GET /v1/models", in order, chats too
    history: list[Received] = field(default_factory=list)  # chats only
    arrivals: SimpleQueue[Received] = field(default_factory=SimpleQueue)  # the same, to wait for

    def script(self, *replies: Answer) -> None:
        self.replies.extend(replies)

    def reset(self) -> None:
        fresh = ScriptedServer(self.base_url)
        fresh.models.append({"id": MODEL, "object": "model", "owned_by": "tests"})
        for slot in fields(self):
            setattr(self, slot.name, getattr(fresh, slot.name))

    # --- routes

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/models", self._models),
                Route("/history", self._history),
                Route("/script", self._script, methods=["POST"]),
                Route("/{path:path}", self._page, methods=["GET", "POST"]),
            ]
        )

    async def _chat(self, request: Request) -> ASGIApp:
        self.requests.append("POST /v1/chat/completions")
        if refusal := self._unauthorised(request):
            return refusal
        body = await request.json()
        received = Received(body, dict(request.headers))
        self.history.append(received)
        self.arrivals.put(received)
        for option in sorted(self.refused_options & body.keys()):
            message = f"Unrecognized request argument supplied: {option}"
            return failure(400, {"message": message, "param": option})
        answer = self.replies.pop(0) if self.replies else self.fallback
        reply = answer if isinstance(answer, Scripted) else answer(body)
        return _Played(reply, received, reply.delay_s or self.delay_s)

    async def _models(self, request: Request) -> Response:
        self.requests.append("GET /v1/models")
        listing = {"object": "list", "data": self.models}
        return self._unauthorised(request) or JSONResponse(listing)

    async def _page(self, request: Request) -> Response:
        self.requests.append(f"{request.method} {request.url.path}")
        if request.url.path in self.pages:
            return JSONResponse(self.pages[request.url.path])
        return failure(404, {"message": "Not Found"})

    async def _history(self, request: Request) -> Response:
        return JSONResponse(
            [
                {
                    "body": received.body,
                    "finished": received.finished.is_set(),
                    "disconnected": received.disconnected.is_set(),
                }
                for received in self.history
            ]
        )

    async def _script(self, request: Request) -> Response:
        self.script(*(Scripted(**reply) for reply in await request.json()))
        return JSONResponse({"replies": len(self.replies)})

    def _unauthorised(self, request: Request) -> Response | None:
        if self.api_key and request.headers.get("authorization") != f"Bearer {self.api_key}":
            return failure(401, {"message": "Incorrect API key", "code": "invalid_api_key"})
        return None

    # --- life

    def start(self, port: int = 0) -> Callable[[], None]:
        """Serve from a thread; returns the function that ends it."""
        listener = socket.create_server(("127.0.0.1", port))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        config = uvicorn.Config(self.app(), lifespan="off", ws="none", log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        self.base_url = address
        self.reset()

        def stop() -> None:
            server.should_exit = server.force_exit = True
            thread.join()

        return stop


def failure(
    status: int, error: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    body = {"message": "Scripted failure", "type": None, "param": None, "code": None, **error}
    return JSONResponse({"error": body}, status, headers)


class _Played:
    """Sends a Scripted reply, and notes a client that leaves before its end."""

    def __init__(
        self, reply: Scripted, received: Received, delay_s: float | Sequence[float]
    ) -> None:
        self._reply, self._received, self._delay_s = reply, received, delay_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, receive, tasks.cancel_scope)
            await self._play(scope, receive, send)
            self._received.finished.set()
            tasks.cancel_scope.cancel()

    async def _watch(self, receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not self._received.finished.is_set():
            self._received.disconnected.set()
        scope.cancel()

    async def _play(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = self._reply
        await anyio.sleep(reply.headers_after_s)
        if reply.status != 200:
            refusal = failure(reply.status, reply.error, reply.headers)
            return await refusal(scope, receive, send)
        if reply.body is None and not self._received.body.get("stream"):
            return await JSONResponse(_completion(reply))(scope, receive, send)
        headers = {"content-type": reply.content_type, **reply.headers}
        if reply.is_zipped:
            headers["content-encoding"] = "gzip"
        raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw_headers})
        zipped = zlib.compressobj(wbits=31) if reply.is_zipped else None
        async for piece in self._pieces():
            body = piece if isinstance(piece, bytes) else piece.encode()
            if zipped:
                body = zipped.compress(body) + zipped.flush(zlib.Z_SYNC_FLUSH)
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return None

    async def _pieces(self) -> AsyncIterator[str | bytes]:
        reply = self._reply
        if reply.body is not None:
            yield reply.body
        else:
            yield _event(_choice({"role": "assistant", "content": ""}))
            for thought in reply.reasoning:
                yield _event(_choice({reply.reasoning_field: thought}))
            for position, text in enumerate(reply.deltas):
                await anyio.sleep(_figure(self._delay_s, position))
                yield ": keep-alive\n\n" * reply.keep_alives
                yield _event(_choice({"content": text}, **self._logprobs(position)))
            yield reply.raw
        if reply.then == "stall":
            await anyio.sleep_forever()
        if reply.then == "disconnect":
            raise ConnectionAbortedError("scripted")  # uvicorn drops the connection
        if reply.body is None:
            yield self._ending()
        if reply.lingers:
            await anyio.sleep_forever()

    def _logprobs(self, position: int) -> dict[str, Any]:
        figures = self._reply.logprobs
        if figures == "absent" or not self._received.body.get("logprobs"):
            return {}
        if figures == "null":
            return {"logprobs": None}
        token = {"token": self._reply.deltas[position], "bytes": None, "top_logprobs": []}
        return {"logprobs": {"content": [{**token, "logprob": float(figures[position])}]}}

    def _ending(self) -> str:
        reply, asked = self._reply, self._received.body.get("stream_options") or {}
        ending = (
            _event(_choice({}, finish_reason=reply.finish_reason)) if reply.finish_reason else ""
        )
        if reply.usage and asked.get("include_usage"):
            ending += _event({"choices": [], "usage": _usage(reply.usage)})
        return ending * reply.endings + "data: [DONE]\n\n"


def _event(chunk: Mapping[str, Any]) -> str:
    envelope = {"id": "scripted", "object": "chat.completion.chunk", "created": 0, "model": MODEL}
    return f"data: {json.dumps({**envelope, **chunk})}\n\n"


def _choice(delta: Mapping[str, Any], **extra: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None, **extra}]}


def _usage(usage: Sequence[int]) -> dict[str, int]:
    prompt, completion = usage
    total = prompt + completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


def _completion(reply: Scripted) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(reply.deltas)}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    usage = {"usage": _usage(reply.usage)} if reply.usage else {}
    envelope = {"id": "scripted", "object": "chat.completion", "created": 0, "model": MODEL}
    return {**envelope, "choices": [choice], **usage}


def _figure(delay_s: float | Sequence[float], position: int) -> float:
    if isinstance(delay_s, int | float):
        return delay_s
    return delay_s[position] if position < len(delay_s) else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, help="JSON: a list of replies, fields of Scripted")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before each word")
    arguments = parser.parse_args()
    server = ScriptedServer()
    stop = server.start(arguments.port)
    server.delay_s = arguments.delay_ms / 1000
    if arguments.script:
        server.script(*(Scripted(**reply) for reply in json.loads(arguments.script.read_text())))
    print(server.base_url, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    stop()


if __name__ == "__main__":
    main()
