"""The API's routes: requests in, each handed to the module that answers it.

They serve in the chat's own process, behind its guard (rag/page/guard.py). Errors have OpenAI's
shape under ``/v1``, whatever they are.
"""

from __future__ import annotations

import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

import rag
from rag.api import access, chores, completions, errors, health, models, openapi, schema, turns
from rag.api.errors import ApiError
from rag.api.host import Host
from rag.errors import RagError

PREFIX = "api-"  # of the routes' names
PAUSE_S = 5.0  # a stream that is silent for longer is taken for dead by some
MAX_BODY_BYTES = 4_000_000
_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_GONE = 499  # nobody is there to read it


def api_routes(host: Host, prefix: str = "", pause_s: float = PAUSE_S) -> list[BaseRoute]:
    """``prefix``: of the chat's own address. A silent stream gets a comment every ``pause_s``."""

    async def alive(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        state = health.readiness(host)
        is_allowed = access.is_allowed(request, host.settings)
        told = state if is_allowed else health.outline(state)
        return JSONResponse(told, 200 if state["ready"] else 503)

    async def metrics(request: Request) -> Response:
        try:
            access.check(request, host.settings)
            opened = host.opened
        except ApiError as exc:
            return exc.response()
        except RagError:
            opened = None
        return Response(opened.counters.text() if opened else b"", media_type=_METRICS)

    return [
        Route(f"{prefix}/healthz", alive, name=f"{PREFIX}alive"),
        Route(f"{prefix}/readyz", ready, name=f"{PREFIX}ready"),
        Route(f"{prefix}/metrics", metrics, name=f"{PREFIX}metrics"),
        Mount(f"{prefix}/v1", _openai(host, prefix, pause_s), name=f"{PREFIX}v1"),
    ]


def _openai(host: Host, prefix: str, pause_s: float) -> ASGIApp:
    created = int(time.time())

    async def complete(request: Request) -> ASGIApp:
        access.check(request, host.settings)
        chat = schema.parsed(await _body(request))
        _ = chat.mode  # refused before anything begins
        if reply := chores.answered(chat.question):
            return completions.chore(chat, reply)
        events = turns.events(host, chat, access.asker(request, chat.user))
        base_url = f"{request.url.scheme}://{request.url.netloc}{prefix}/"
        if chat.stream:
            return completions.Streamed(chat, events, base_url, pause_s)
        return completions.Whole(chat, events, base_url)

    async def list_models(request: Request) -> Response:
        access.check(request, host.settings)
        return JSONResponse(models.listed(created))

    async def one_model(request: Request) -> Response:
        access.check(request, host.settings)
        return JSONResponse(models.one(request.path_params["model"], created))

    async def described(request: Request) -> Response:
        access.check(request, host.settings)
        return JSONResponse(openapi.document(rag.__version__))

    return Starlette(
        routes=[
            Route("/chat/completions", complete, methods=["POST"]),
            Route("/models", list_models),
            Route("/models/{model}", one_model),
            Route("/openapi.json", described),
        ],
        exception_handlers={
            ApiError: _on_api_error,
            HTTPException: _on_http_error,
            ClientDisconnect: _on_disconnect,
            Exception: _on_bug,
        },
    )


async def _body(request: Request) -> bytes:
    """Raises ApiError. Any page may send text/plain to any address; JSON only where it may."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ApiError(400, "Send JSON, with Content-Type: application/json.", "not_json")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            most = MAX_BODY_BYTES // 1_000_000
            raise ApiError(413, f"A request may have {most} MB at most.", "request_too_large")
    return bytes(body)


async def _on_api_error(_request: Request, exc: Exception) -> Response:
    return exc.response() if isinstance(exc, ApiError) else errors.bug().response()


async def _on_http_error(_request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    detail = str(getattr(exc, "detail", ""))
    refusal = ApiError(status, f"{detail}.", f"http_{status}").response()
    refusal.headers.update(getattr(exc, "headers", None) or {})
    return refusal


async def _on_disconnect(_request: Request, _exc: Exception) -> Response:
    return Response(status_code=_GONE)


async def _on_bug(_request: Request, _exc: Exception) -> Response:
    return errors.bug().response()
