"""Who may open a socket, and what is left of a chat once it has gone.

A chat's id comes from the browser and names its folder of files: one that is no UUID could name any
folder of this machine, which Chainlit deletes when the chat ends.
"""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import functools
from typing import Any

from chainlit import server, socket
from chainlit.chat_context import chat_contexts
from chainlit.config import FILES_DIRECTORY
from chainlit.session import WebsocketSession

from rag.page.guard import is_chat_id
from rag.page.leftovers import sweep

GRACE_S = 0.2

delete = getattr(WebsocketSession.delete, "__wrapped__", WebsocketSession.delete)


@server.sio.on("connect")  # type: ignore[untyped-decorator] # in place of Chainlit's own
async def connect(sid: str, environ: dict[str, Any], auth: object) -> bool:
    if not isinstance(auth, dict) or not is_chat_id(auth.get("sessionId")):
        raise ConnectionRefusedError("A chat needs an id that is a UUID. Reload the page.")
    await asyncio.to_thread(sweep, FILES_DIRECTORY)
    return bool(await socket.connect(sid, environ, {"clientType": "webapp", **auth}))


@server.sio.on("disconnect")  # type: ignore[untyped-decorator]
async def disconnect(sid: str, *_reason: object) -> None:
    """A page that begins a new chat says so first; each event has a task of its own, and this one
    would come before that: the old chat would stay for an hour."""
    await asyncio.sleep(GRACE_S)
    await socket.disconnect(sid)


@functools.wraps(delete)
async def forget(self: WebsocketSession) -> None:
    """Chainlit would keep the messages of every chat for ever."""
    await delete(self)
    chat_contexts.pop(self.id, None)


WebsocketSession.delete = forget  # type: ignore[method-assign]
