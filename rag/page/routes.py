"""The page's own routes: the page itself, files on their way in, a document's file on its way out.

What they need of the chat's server arrives as functions; nothing here knows Chainlit.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, Router

from rag.answering.safety import seen
from rag.errors import NotFound, RagError
from rag.page import sentences
from rag.page.bodies import BodyTooLarge, counted
from rag.page.guard import content_security_policy, without_outside_links
from rag.page.wording import wording

logger = logging.getLogger(__name__)

PATHS = ("/", "/login", "/login/callback", "/env", "/element/{id}", "/thread/{id}", "/share/{id}")
PREFIX = "page-"  # of the routes' names
OURS = (PREFIX, "api-", "webgpu-")
# Chainlit's page for any address, and FastAPI's about its API, which load from elsewhere.
# Shared chats nobody has asked for: whoever knew the address could read one.
REPLACED = {
    *("serve", "openapi", "swagger_ui_html", "swagger_ui_redirect", "redoc_html"),
    *("share_thread", "get_shared_thread"),
}
UPLOADED = "application/octet-stream"  # whatever it claims to be: a browser must not open it
READABLE = {
    "text/plain",
    "text/markdown",
    "text/csv",
    "text/x-source",
}  # harmless in a tab of its own
SESSION_LOOKS, LOOK_S = 100, 0.05  # for a chat whose page is still connecting
FORM_BYTES = 10_000  # room for the form around a file


class Session(Protocol):
    """A chat's place for files."""

    files: dict[str, Any]

    @property
    def files_dir(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class Source:
    path: Path
    media_type: str
    name: str = ""  # as it was dropped, where that is not the path's


Find = Callable[[str], Session | None]  # a chat by its id, if it is theirs who ask
Finding = Callable[[str], Awaitable[Source]]  # a document's file by its id; raises NotFound
AddServer = Callable[[str, str], Awaitable[str]]


def install(ours: Sequence[BaseRoute], app: Starlette, chat: Router) -> None:
    """Put our routes first, in place of those a former call put there.

    ``chat`` is the chat server's part of ``app``: its last route would answer 200 to any address.
    """
    others = [route for route in app.router.routes if not _is_replaced(route)]
    app.router.routes[:] = [*ours, *others]
    chat.routes[:] = [route for route in chat.routes if not _is_replaced(route)]


def _is_replaced(route: BaseRoute) -> bool:
    name = str(getattr(route, "name", ""))
    return name.startswith(OURS) or name in REPLACED


def page_routes(
    *,
    html: Callable[[], str],
    session: Find,
    source: Finding,
    on_upload: Callable[[], Awaitable[None]],
    add_server: AddServer,
    max_bytes: int,
    prefix: str = "",
) -> list[Route]:
    """``source`` finds a library document's file. ``on_upload`` is awaited when a file begins to
    arrive. ``add_server`` takes a model server's address and key, which never travel through the
    chat, and raises SettingsError.
    """
    return [
        *(Route(prefix + path, partial(_page, html), name=f"{PREFIX}html") for path in PATHS),
        Route(
            f"{prefix}/project/file",
            partial(_upload, session, on_upload, max_bytes),
            methods=["POST"],
            name=f"{PREFIX}upload",
        ),
        Route(
            f"{prefix}/models/server",
            partial(_server, session, add_server),
            methods=["POST"],
            name=f"{PREFIX}server",
        ),
        Route(f"{prefix}/source/{{id}}", partial(_document, source), name=f"{PREFIX}source"),
    ]


def own_routes(
    *,
    own: Finding,
    mine: Callable[[], Awaitable[Path | None]],
    prefix: str = "",
) -> list[Route]:
    """``own`` finds the file of a document that whoever asks has dropped; ``mine`` packs all that
    is kept of them into a file that is deleted once it is sent, None for nobody."""
    return [
        Route(f"{prefix}/upload/{{id}}", partial(_document, own), name=f"{PREFIX}own"),
        Route(f"{prefix}/mine.zip", partial(_belongings, mine), name=f"{PREFIX}mine"),
    ]


# --- what they do


async def _page(html: Callable[[], str], _request: Request) -> Response:
    clean = without_outside_links(html())
    policy = content_security_policy(clean)
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache"}
    return HTMLResponse(clean, headers=headers)


async def _server(find: Find, add_server: AddServer, request: Request) -> Response:
    words = wording(request.headers.get("accept-language", ""))
    if find(_session_id(request)) is None:
        return _refused(404, words("server_no_session"))
    try:
        asked = await request.json()
        address, key = str(asked["address"]), str(asked.get("key") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return _refused(400, words("server_bad"))
    try:
        return JSONResponse({"address": await add_server(address, key)})
    except RagError as exc:
        return _refused(400, sentences.said(str(exc), words))


async def _upload(
    find: Find, on_upload: Callable[[], Awaitable[None]], max_bytes: int, request: Request
) -> Response:
    words = wording(request.headers.get("accept-language", ""))
    chat = await _soon(find, _session_id(request))
    if chat is None:
        return _refused(404, words("upload_no_session"))
    too_large = words("upload_too_large", limit=max_bytes // 1_000_000)
    if int(request.headers.get("content-length", 0)) > max_bytes + FORM_BYTES:
        async for _ in request.stream():  # a browser hears no answer before it has sent all
            pass
        return _refused(413, too_large)
    await on_upload()
    bounded = Request(request.scope, counted(request.receive, max_bytes + FORM_BYTES))
    try:
        async with bounded.form(max_files=1) as form:
            file = form.get("file")
            if isinstance(file, UploadFile):
                return JSONResponse({"id": await _keep(file, chat)})
    except ClientDisconnect:
        pass
    except BodyTooLarge:  # by a program: a browser says beforehand how much will come
        return _refused(413, too_large, {"Connection": "close"})
    except OSError:
        logger.exception("an upload could not be kept")
        return _refused(507, words("upload_no_room"), {"Connection": "close"})
    return _refused(400, words("upload_bad"))


def _session_id(request: Request) -> str:
    return request.query_params.get("session_id", "")


async def _soon(find: Find, session_id: str) -> Session | None:
    """The chat of that id, which begins only once the page's socket is connected."""
    for _ in range(SESSION_LOOKS):
        if chat := find(session_id):
            return chat
        await asyncio.sleep(LOOK_S)
    return None


async def _document(finding: Finding, request: Request) -> Response:
    return await _served(finding(request.path_params["id"]))


async def _belongings(mine: Callable[[], Awaitable[Path | None]], _request: Request) -> Response:
    try:
        packed = await mine()
    except RagError as exc:
        return _refused(503, str(exc))
    if packed is None:
        return _refused(401, "Log in first.")
    remove = BackgroundTask(packed.unlink, missing_ok=True)
    headers = {"Cache-Control": "no-store"}
    return FileResponse(packed, filename="chats.zip", background=remove, headers=headers)


async def _served(finding: Awaitable[Source]) -> Response:
    try:
        found = await finding
    except NotFound as exc:
        return _refused(404, str(exc))
    except RagError as exc:
        return _refused(503, str(exc))
    if not await asyncio.to_thread(found.path.is_file):
        return _refused(404, "The file has been moved or deleted.")
    if found.media_type == "application/pdf":
        # A browser's own reader shows no PDF whose policy is stricter than this.
        policy = {"Content-Security-Policy": "script-src 'none'"}
        return FileResponse(found.path, media_type=found.media_type, headers=policy)
    if found.media_type in READABLE:
        return FileResponse(found.path, media_type="text/plain; charset=utf-8")
    return FileResponse(found.path, media_type=UPLOADED, filename=found.name or found.path.name)


def about(root: str, language: str) -> str:
    """The page behind "About". Chainlit's own would take "ro" for English, but for "ro-RO"."""
    name = "chainlit_ro-RO.md" if wording(language).language == "ro" else "chainlit.md"
    return (Path(root) / name).read_text(encoding="utf-8")


def discard(file_id: str, chat: Session) -> None:
    """Delete an upload's file."""
    if file := chat.files.pop(file_id, None):
        file["path"].unlink(missing_ok=True)


def _refused(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"detail": sentence}, status, headers)


async def _keep(file: UploadFile, chat: Session) -> str:
    """Store an upload as Chainlit would, but piece by piece; its id."""
    file_id = str(uuid.uuid4())
    path = chat.files_dir / file_id
    await asyncio.to_thread(_copy, file.file, path)
    chat.files[file_id] = {
        "id": file_id,
        "path": path,
        "name": Path(seen(file.filename or "").replace("\\", "/")).name or file_id,
        "type": UPLOADED,
        "size": path.stat().st_size,
    }
    return file_id


def _copy(file: BinaryIO, path: Path) -> None:
    """All of it or nothing. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("wb") as target:
            shutil.copyfileobj(file, target)
    except OSError:
        path.unlink(missing_ok=True)
        raise
