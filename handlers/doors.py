"""Who may open a socket. A chat's id comes from the browser and names its folder of files: one that
is no UUID could name any folder of this machine, which Chainlit deletes when the chat ends.
"""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from chainlit import server, socket

from rag.page.guard import is_chat_id


@server.sio.on("connect")  # type: ignore[untyped-decorator] # in place of Chainlit's own
async def connect(sid: str, environ: dict[str, Any], auth: object) -> bool:
    if not isinstance(auth, dict) or not is_chat_id(auth.get("sessionId")):
        raise ConnectionRefusedError("A chat needs an id that is a UUID. Reload the page.")
    return bool(await socket.connect(sid, environ, {"clientType": "webapp", **auth}))
