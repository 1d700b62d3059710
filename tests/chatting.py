"""A person at the page, without a browser: speaks to a running app over its real socket.

Goes in: the app's address, questions, files. Comes out: the text that stands as the answer, and all
sentences shown as errors. It knows Chainlit's events as its page sends and takes them.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx
import socketio
from socketio.packet import DISCONNECT, Packet

PATIENCE_S = 120.0


@dataclass
class Person:
    """Connect, ask, leave. One question at a time."""

    url: str
    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)  # text of the model's messages, by id
    events: list[str] = field(default_factory=list)
    _greeted: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def connect(self) -> None:
        """Raises socketio.exceptions.ConnectionError when it is refused."""
        self._http = aiohttp.ClientSession()
        self._client = socketio.AsyncClient(reconnection=False, http_session=self._http)
        on = self._client.on
        on("new_message", self._message)
        on("update_message", self._message)
        on("delete_message", self._gone)
        on("stream_start", self._message)
        on("stream_token", self._token)
        on("task_end", self._end)
        on("chat_settings", self._greet)
        try:
            await self._client.connect(
                self.url,
                socketio_path="/ws/socket.io",
                transports=["websocket"],
                headers={"Accept-Language": "en", **self.headers},
                auth={"clientType": "webapp", "sessionId": self.session_id, "userEnv": "{}"},
                wait_timeout=PATIENCE_S,
            )
        except BaseException:
            await self._http.close()
            raise
        await self._client.emit("connection_successful")

    async def ready(self) -> None:
        """The library is open."""
        await asyncio.wait_for(self._greeted.wait(), PATIENCE_S)

    async def leave(self) -> None:
        """As when a new chat is begun: the old one is given up, and the socket closed."""
        if self._client.connected:
            await self._client.emit("clear_session")
            await self._client._send_packet(Packet(DISCONNECT, namespace="/"))
            await asyncio.sleep(0.1)  # its last words are sent by a task of their own
        await self._client.disconnect()
        await self._http.close()

    @property
    def is_connected(self) -> bool:
        return bool(self._client.connected)

    async def send(self, text: str, files: tuple[str, ...] = ()) -> None:
        """A message, with uploads by id, and no wait for what comes of it."""
        message = {
            "id": str(uuid.uuid4()),
            "threadId": "",
            "name": "user",
            "type": "user_message",
            "output": text,
            "createdAt": "2026-01-01T00:00:00.000Z",
        }
        references = [{"id": one} for one in files]
        await self._client.emit(
            "client_message", {"message": message, "fileReferences": references}
        )

    async def ask(self, question: str, files: tuple[str, ...] = ()) -> str:
        """The answer, once its turn has ended; "" for none."""
        self.shown.clear()
        self._ended.clear()
        await self.send(question, files)
        await asyncio.wait_for(self._ended.wait(), PATIENCE_S)
        return "\n".join(filter(None, self.shown.values()))

    async def told(self, errors: int) -> None:
        """Return once so many errors have been shown."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.errors) < errors:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def upload(self, name: str, content: bytes) -> str:
        """Its id."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            response = await client.post(
                f"/project/file?session_id={self.session_id}",
                files={"file": (name, content)},
                timeout=PATIENCE_S,
            )
        return str(response.raise_for_status().json()["id"])

    async def _message(self, step: dict[str, Any]) -> None:
        self.events.append(str(step["type"]))
        if step.get("isError"):
            self.errors.append(step["output"])
        elif step["type"] == "assistant_message":
            self.shown[step["id"]] = step["output"]

    async def _gone(self, step: dict[str, Any]) -> None:
        self.shown.pop(step["id"], None)

    async def _token(self, token: dict[str, Any]) -> None:
        if token["id"] in self.shown:
            before = "" if token["isSequence"] else self.shown[token["id"]]
            self.shown[token["id"]] = before + token["token"]

    async def _greet(self, *_: object) -> None:
        self._greeted.set()

    async def _end(self, *_: object) -> None:
        if self.shown or self.errors:
            self._ended.set()
