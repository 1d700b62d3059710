"""The routes under /webgpu/: the page itself, its models, and this server's models asked from it.

They serve in the chat's own process, behind its guard (rag/page/guard.py). What they need of that
process arrives as a ``Host``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from rag.errors import ModelRefused, RagError
from rag.models.browser.catalogue import BROWSER_MODELS, BrowserModel
from rag.models.browser.prepare import located
from rag.types import Tier
from rag.webgpu import answering
from rag.webgpu.answering import TierModel, error_json, event
from rag.webgpu.files import PageFiles
from rag.webgpu.listing import listed
from rag.webgpu.preparing import Preparing

PREFIX = "webgpu-"  # of the routes' names
_GONE = 499  # nobody is there to read it


class Host(Protocol):
    """What the chat's process has."""

    @property
    def models_folder(self) -> Path: ...

    @property
    def preparing(self) -> Preparing: ...

    @property
    def allow_remote(self) -> bool:
        """May a prompt leave this machine without being allowed for the request?"""

    async def tier(self, tier: Tier) -> TierModel | None:
        """None: there is no such model. Raises RagError."""

    def may_ask(self) -> bool:
        """Whether who sent the request under way may use this server's models and disk."""

    async def turn(self) -> AbstractAsyncContextManager[None]:
        """A place for who sent the request under way, as at the chat's own questions. Entering it
        raises TooManyTurns and ProgramEnding."""


def webgpu_routes(
    host: Host,
    page: Path,
    prefix: str = "",
    models: Mapping[str, BrowserModel] = BROWSER_MODELS,
) -> list[BaseRoute]:
    """``page``: the folder of the built page. ``prefix``: of the chat's own address."""
    base = f"{prefix}/webgpu"

    async def to_page(_request: Request) -> Response:
        return RedirectResponse("webgpu/")

    return [
        Route(base, to_page, name=f"{PREFIX}door"),
        Mount(base, _app(_Routes(host, models), page), name=f"{PREFIX}page"),
    ]


def _app(routes: _Routes, page: Path) -> Starlette:
    return Starlette(
        routes=[
            Route("/models.json", routes.list_models),
            Route("/models/{name}", routes.prepare, methods=["POST"]),
            Route("/models/{name}/{path:path}", routes.model_file),
            Route("/tiers", routes.tiers),
            Route("/answer", routes.answer, methods=["POST"]),
            Mount("/", PageFiles(page)),
        ],
        exception_handlers={
            ModelRefused: _on_refused,
            RagError: _on_error,
            HTTPException: _on_http_error,
            ClientDisconnect: _on_disconnect,
            Exception: _on_bug,
        },
    )


class _Routes:
    def __init__(self, host: Host, models: Mapping[str, BrowserModel]) -> None:
        self._host, self._models = host, models

    async def list_models(self, _request: Request) -> Response:
        return JSONResponse(listed(self._models.values()), headers={"Cache-Control": "no-cache"})

    async def model_file(self, request: Request) -> Response:
        model, path = self._model(request), request.path_params["path"]
        file = next((one for one in model.files if one.path == path), None)
        if file is None:
            raise HTTPException(404, f"{model.name} has no such file.")
        where = located(model, path, self._host.models_folder)
        if where is None:
            return JSONResponse({"prepare": True}, 404, {"Cache-Control": "no-store"})
        headers = {
            "ETag": f'"{file.sha256}"',
            "Cache-Control": "no-store",  # the page keeps it, and a second copy would be large
            "Content-Encoding": "identity",  # weights do not get smaller
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return FileResponse(where, media_type="application/octet-stream", headers=headers)

    async def prepare(self, request: Request) -> Response:
        self._check(request)
        model = self._model(request)
        return _Events(self._told(model))

    async def _told(self, model: BrowserModel) -> AsyncGenerator[str, None]:
        try:
            async for now in self._host.preparing.follow(model.name):
                yield event({"done": now.done, "total": now.total, "stage": now.stage})
            yield event({"ready": True})
        except RagError as exc:
            yield event({"error": str(exc)})

    async def tiers(self, request: Request) -> Response:
        self._check(request)
        slm, llm = await self._host.tier("slm"), await self._host.tier("llm")
        told = {"slm": answering.tier_json(slm), "llm": answering.tier_json(llm)}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    async def answer(self, request: Request) -> Response:
        self._check(request)
        asked = answering.parsed(await _body(request))
        found = await self._host.tier(asked.tier)
        if found is None:
            raise HTTPException(404, "This server has no such model.")
        is_allowed = asked.allow_remote or self._host.allow_remote
        answering.check_reach(found.model, is_allowed=is_allowed)
        return _Events(answering.events(found.model, asked, await self._host.turn()))

    def _model(self, request: Request) -> BrowserModel:
        model = self._models.get(request.path_params["name"])
        if model is None:
            raise HTTPException(404, "No model of this name is known here.")
        return model

    def _check(self, request: Request) -> None:
        """A page elsewhere may send a form to any address; browsers then say where it is from."""
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise HTTPException(403, "This request was sent by another site.")
        if not self._host.may_ask():
            raise HTTPException(401, "Log in to the chat first, then come back to this page.")


class _Events(StreamingResponse):
    """Ends what makes the events however the response ends: complete, broken off, never begun."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[str, None]) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._events.aclose()


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "Send JSON, with Content-Type: application/json.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > answering.MAX_BODY_BYTES:
            raise HTTPException(413, "The request is larger than 1 MB: ask with fewer passages.")
    return bytes(body)


# --- errors, as sentences


def _refusal(status: int, sentence: str) -> Response:
    return JSONResponse(error_json(sentence), status, {"Cache-Control": "no-store"})


async def _on_refused(_request: Request, exc: Exception) -> Response:
    return _refusal(400, str(exc))


async def _on_error(_request: Request, exc: Exception) -> Response:
    return _refusal(503, str(exc))


async def _on_http_error(_request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    return _refusal(status, str(getattr(exc, "detail", "")))


async def _on_disconnect(_request: Request, _exc: Exception) -> Response:
    return Response(status_code=_GONE)


async def _on_bug(_request: Request, _exc: Exception) -> Response:
    return _refusal(500, "The server failed; its log says why.")
