"""Who asks, and whether they may: a request in, a name out. The one place where that is decided.

With RAG_API_KEY set, whoever has the key may ask from anywhere. Without one, only this machine may,
and nobody where people have to log in: another of them, or a proxy that does not say that it is
one, could be behind the request.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from starlette.requests import Request

from rag.answering.safety import seen
from rag.api.errors import ApiError
from rag.people.entrance import is_here
from rag.people.owners import LOCAL, Owner
from rag.settings import Settings

# Open WebUI tells whom it asks for, when ENABLE_FORWARD_USER_INFO_HEADERS is set there.
_ASKS_FOR = "x-openwebui-user-id"
_MOST_LETTERS = 100  # of a name
_WRONG_KEY = "The key is missing or wrong. Send RAG_API_KEY as a bearer token."
_NOT_HERE = "Without RAG_API_KEY only this machine is answered. Set it where the chat runs."
_NO_LOGIN = "Where people log in, programs need a key. Set RAG_API_KEY where the chat runs."


@dataclass(frozen=True, slots=True)
class Asker:
    """``user``: whom a front end says it asks for; "" when it says nothing."""

    user: str = ""

    @property
    def person(self) -> str:
        """Whose turns are counted together."""
        return f"api {self.user}"

    @property
    def owner(self) -> Owner:
        """Of the ledger's rows. No name to log in with holds a slash."""
        return f"api/{self.user}" if self.user else LOCAL


def check(request: Request, settings: Settings) -> None:
    """Raises ApiError for someone who may not ask."""
    if not is_allowed(request, settings):
        raise ApiError(401, _advice(settings), "invalid_api_key")


def is_allowed(request: Request, settings: Settings) -> bool:
    key = settings.api_key.get_secret_value()
    if not key:
        return settings.login == "none" and is_here(request.scope)
    given = request.headers.get("authorization", "").encode()
    return hmac.compare_digest(given, f"Bearer {key}".encode())


def asker(request: Request, user: str | None) -> Asker:
    """``user``: of the request's body. Everybody who may ask shares all documents."""
    named = request.headers.get(_ASKS_FOR) or user or ""
    return Asker(seen(named)[:_MOST_LETTERS])


def _advice(settings: Settings) -> str:
    if settings.api_key.get_secret_value():
        return _WRONG_KEY
    return _NOT_HERE if settings.login == "none" else _NO_LOGIN
