"""What of a request may say who asks: its headers in, those that may be believed out.

It works on ASGI scopes before anything else reads them, and knows neither cookies nor chats.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from fnmatch import fnmatchcase

from starlette.types import Scope

from rag.errors import SettingsError
from rag.people.owners import Login

_THROUGH_PROXY = {b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"}


def keeps_history(history: str, login: Login, host: str) -> bool:
    """Whether chats are kept. ``host``: what the page listens on. Raises SettingsError."""
    is_known = login != "none" or is_loopback(host)
    if history == "on" and not is_known:
        raise SettingsError(
            "RAG_HISTORY=on needs a login where others can reach the page: set RAG_LOGIN, or "
            "listen on 127.0.0.1."
        )
    return is_known if history == "auto" else history == "on"


def is_loopback(address: str) -> bool:
    """
    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def address_of(scope: Scope) -> str:
    """Of whoever sent it; "" where that has no address, as with a socket file."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def is_here(scope: Scope) -> bool:
    """Whether it was sent from this machine, and not passed on by a proxy that says so."""
    named = {name.lower() for name, _ in scope["headers"]}
    return is_loopback(address_of(scope)) and not named & _THROUGH_PROXY


def is_proxy(address: str, proxies: Sequence[str]) -> bool:
    """
    >>> is_proxy("10.0.0.7", ["10.0.0.0/24"]), is_proxy("10.0.1.7", ["10.0.0.0/24"])
    (True, False)
    """
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(one in ipaddress.ip_network(proxy, strict=False) for proxy in proxies)


def header(scope: Scope, name: str) -> str:
    """Its value; "" where it is missing, or comes more than once."""
    wanted = name.lower().encode()
    found = [value for key, value in scope["headers"] if key.lower() == wanted]
    return found[0].decode("utf-8", "replace").strip() if len(found) == 1 else ""


def without(scope: Scope, name: str) -> Scope:
    wanted = name.lower().encode()
    headers = [(key, value) for key, value in scope["headers"] if key.lower() != wanted]
    return {**scope, "headers": headers}


def with_cookie(scope: Scope, name: str, value: str) -> Scope:
    """With that cookie in place of all others."""
    headers = [*without(scope, "cookie")["headers"], (b"cookie", f"{name}={value}".encode())]
    return {**scope, "headers": headers}


def may_enter(name: str, patterns: Sequence[str]) -> bool:
    """Whether somebody of an OAuth provider may: ``*`` stands for any characters.

    >>> may_enter("github:Ann", ["github:ann"]), may_enter("google:x@a.org", ["google:*@a.org"])
    (True, True)
    """
    return any(fnmatchcase(name.casefold(), one.casefold()) for one in patterns)
