"""Who asks: a request in, a name for whoever sent it out. The one place where that is decided.

With RAG_API_KEY set, whoever has the key may ask from anywhere. Without one, only this machine may:
a request that came through a proxy did not start here.
"""

from __future__ import annotations

import hmac
import ipaddress

from starlette.requests import Request

from rag.api.errors import ApiError
from rag.settings import Settings

_THROUGH_PROXY = ("forwarded", "x-forwarded-for", "x-real-ip")
# Open WebUI tells whom it asks for, when ENABLE_FORWARD_USER_INFO_HEADERS is set there.
_ASKS_FOR = "x-openwebui-user-id"
_WRONG_KEY = "The key is missing or wrong. Send RAG_API_KEY as a bearer token."
_NOT_HERE = "Without RAG_API_KEY only this machine is answered. Set it where the chat runs."


def asker(request: Request, settings: Settings) -> str:
    """A name to count turns by: everybody who has the key or sits here shares all documents.

    Raises ApiError for someone who may not ask.
    """
    if not is_allowed(request, settings):
        has_key = bool(settings.api_key.get_secret_value())
        raise ApiError(401, _WRONG_KEY if has_key else _NOT_HERE, "invalid_api_key")
    return f"api {request.headers.get(_ASKS_FOR, '')}"


def is_allowed(request: Request, settings: Settings) -> bool:
    key = settings.api_key.get_secret_value()
    if not key:
        return _is_here(request)
    given = request.headers.get("authorization", "").encode()
    return hmac.compare_digest(given, f"Bearer {key}".encode())


def _is_here(request: Request) -> bool:
    if any(name in request.headers for name in _THROUGH_PROXY):
        return False
    try:
        return bool(request.client and ipaddress.ip_address(request.client.host).is_loopback)
    except ValueError:
        return False
