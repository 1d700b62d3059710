"""Who may talk to the page, and what it may load: an ASGI application in, a guarded one out.

A page of another site must not reach a server on this machine: neither by its own name pointed at
our address (the Host is checked) nor by a request or socket sent from a visitor's browser (the
Origin is checked). It knows nothing of chats.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import logging
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.page.bodies import BodyLimit

logger = logging.getLogger(__name__)

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# What is not the page itself, such as a file somebody uploaded, may do nothing when it is opened.
_INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_SOCKET = "/ws/socket.io"
_FAILED = "Something went wrong on this server. Its log tells what."
_CHAT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_OUTSIDE_LINK = re.compile(r"""<link\b[^>]*\bhref=["'](?:https?:)?//[^>]*>""")


class Guard:
    """Refuses foreign hosts and origins with 403, and bodies that are too large with 413.

    Adds headers that are not set already, to refusals and failures too.
    """

    def __init__(self, app: ASGIApp, allowed_origins: Collection[str] = ()) -> None:
        self.app = BodyLimit(app)
        self.allowed_origins = {origin.rstrip("/").lower() for origin in allowed_origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            return await self.app(scope, receive, send)
        is_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if "javascript" not in headers.get("content-type", ""):  # workers obey theirs
                    headers.setdefault("Content-Security-Policy", _INERT)
            await send(message)

        if refusal := self._refusal(scope):
            return await self._refuse(refusal, scope, receive, send_with_headers)
        try:
            return await self.app(scope, receive, send_with_headers)
        except Exception:
            if is_begun or scope["type"] == "websocket":
                raise
            logger.exception("a request could not be answered")
            return await PlainTextResponse(_FAILED, 500)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if not self._is_host_ours(host):
            return f"This server is not {host}. Open it by its own name or address."
        unsafe = (
            scope["type"] == "websocket"
            or scope["method"] not in _SAFE_METHODS
            or _SOCKET in scope["path"]  # also by long polling, with GET
        )
        origin = headers.get("origin", "").rstrip("/").lower()
        hosts = {host, headers.get("x-forwarded-host", "").lower()}
        if not unsafe or not origin or origin in self.allowed_origins:
            return ""
        is_own = origin.partition("://")[2] in hosts - {""}
        return "" if is_own else "This request was sent by another site."

    def _is_host_ours(self, host: str) -> bool:
        """No public name but those allowed: one may be anybody's, pointed at this machine."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in {urlsplit(origin).hostname for origin in self.allowed_origins}:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return "." not in name or name.endswith((".localhost", ".local", ".internal"))
        return True

    async def _refuse(self, reason: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return await PlainTextResponse(reason, 403)(scope, receive, send)


def is_chat_id(given: object) -> bool:
    """Whether it is a UUID as browsers write them, and so can be no path."""
    return isinstance(given, str) and bool(_CHAT_ID.fullmatch(given))


def without_outside_links(html: str) -> str:
    """The page without fonts and styles from other servers: it works offline and tells nobody."""
    return _OUTSIDE_LINK.sub("", html)


def content_security_policy(html: str) -> str:
    """What the page may load: itself. Its inline scripts are named by their SHA-256.

    ``unsafe-eval`` is for the page's own elements, which the browser compiles from ``public/``.
    """
    digests = (
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in _INLINE_SCRIPT.findall(html)
    )
    scripts = " ".join(f"'sha256-{digest}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval' {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )
