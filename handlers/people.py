"""Who asks: how a person logs in, and whose a request or a chat is.

A login is Chainlit's cookie, signed with a secret of ours. It ends when its person is removed or
has another password, and when people log in another way than when it was made. Without login there
is one person, who needs no cookie: requests from this machine are theirs. Whoever else reaches the
page is a guest, of whom nothing is kept.
"""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextvars import ContextVar

import chainlit as cl
from chainlit import auth, server
from chainlit.auth.cookie import get_token_from_cookies
from chainlit.auth.jwt import create_jwt, decode_jwt
from chainlit.config import config
from chainlit.session import WebsocketSession
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.errors import SettingsError
from rag.people import entrance
from rag.people.accounts import PEOPLE, Accounts
from rag.people.attempts import Attempts
from rag.people.owners import LOCAL_NAME, Owner, checked, owner_of
from rag.people.secret import kept_secret
from rag.settings import Settings, words_of

_log = logging.getLogger("rag.people")
COOKIE = "access_token"
GUEST = "local/guest"  # no name that a person can have
_FRESH_S = 86_400  # far less than a cookie's life
_AT_ONCE = asyncio.Semaphore(2)  # passwords, of 32 MB each

# The address of whoever sends the request under way, and whose it is; None: nobody's.
address: ContextVar[str] = ContextVar("address", default="")
asking: ContextVar[Owner | None] = ContextVar("asking", default=None)


def open_doors(settings: Settings, host: str) -> bool:
    """Let people in as the settings say; whether their chats are kept.

    Raises SettingsError and PeopleError.
    """
    keeps = entrance.keeps_history(settings.history, settings.login, host)
    if settings.login == "none" and not entrance.is_loopback(host):
        _log.warning("Everybody who reaches %s can read the library and ask: set RAG_LOGIN.", host)
    if settings.login == "none" and not keeps:
        return False
    given = settings.auth_secret.get_secret_value()
    os.environ["CHAINLIT_AUTH_SECRET"] = given or kept_secret(settings.data_dir)
    auth.decode_jwt = server.decode_jwt = known  # type: ignore[attr-defined]
    match settings.login:
        case "none":
            os.environ["CHAINLIT_CUSTOM_AUTH"] = "true"  # so that the page shows what is kept
        case "password":
            # Not by Chainlit's decorator, which would swallow what is said of too many attempts.
            config.code.password_auth_callback = by_password
        case "header":
            os.environ["FORWARDED_ALLOW_IPS"] = ""  # who sent it, not whom the sender names
            cl.header_auth_callback(by_header)
        case "oauth":
            _open_oauth(settings)
    return keeps


def _open_oauth(settings: Settings) -> None:
    if not settings.login_allow:
        raise SettingsError(
            "RAG_LOGIN=oauth needs RAG_LOGIN_ALLOW: who may log in, or * for everyone whom the "
            "provider knows."
        )
    try:
        cl.oauth_callback(by_oauth)
    except ValueError as exc:
        raise SettingsError(
            "RAG_LOGIN=oauth needs a provider: set its variables, OAUTH_GITHUB_CLIENT_ID and "
            "OAUTH_GITHUB_CLIENT_SECRET for example."
        ) from exc


def settings_now() -> Settings:
    now: Settings = server.app.state.home.settings
    return now


def accounts() -> Accounts:
    return Accounts(settings_now().data_dir / PEOPLE)


def page(root_path: str) -> str:
    """The page's HTML; the menu to log out is for those who have logged in."""
    html: str = server.get_html_template(root_path)
    alone = "<style>#user-nav-button{display:none}</style></head>"
    return html.replace("</head>", alone, 1) if settings_now().login == "none" else html


# --- logging in


def _attempts() -> Attempts:
    """They outlive a reload."""
    state = server.app.state
    if not hasattr(state, "attempts"):
        state.attempts = Attempts()
    attempts: Attempts = state.attempts
    return attempts


def _user(name: str, stamp: str = "") -> cl.User:
    return cl.User(identifier=name, metadata={"login": settings_now().login, "stamp": stamp})


async def by_password(name: str, password: str) -> cl.User | None:
    attempts, sender = _attempts(), address.get()
    if not attempts.may_try(sender, name):
        raise HTTPException(429, "Too many failed logins. Wait five minutes.")
    attempts.failed(sender, name)  # until it is known better: several at once count, too
    async with _AT_ONCE:
        stamp = await asyncio.to_thread(accounts().check, name, password)
    if stamp is None:
        return None
    attempts.succeeded(sender, name)
    return _user(name, stamp)


async def by_header(headers: Headers) -> cl.User | None:
    """``Asking`` has taken the header away from all but a proxy."""
    sent = headers.get(settings_now().login_header, "")
    return _named(sent.encode("latin-1").decode("utf-8", "replace").strip())


async def by_oauth(
    provider: str, _token: str, _raw: dict[str, str], user: cl.User, _id_token: str | None = None
) -> cl.User | None:
    name = f"{provider}:{user.identifier}"
    return _named(name) if _may_enter(name) else None


def _may_enter(name: str) -> bool:
    return entrance.may_enter(name, words_of(settings_now().login_allow))


def _named(name: str) -> cl.User | None:
    try:
        return _user(checked(name))
    except SettingsError:
        return None


# --- who it is


def known(token: str) -> cl.User:
    """Of a cookie. Raises an exception for one that is no good, or no good any more."""
    user, settings = decode_jwt(token), settings_now()
    is_good = user.metadata.get("login") == settings.login
    if settings.login == "password":
        is_good = is_good and user.metadata.get("stamp") == accounts().stamp(user.identifier)
    if settings.login == "oauth":
        is_good = is_good and _may_enter(user.identifier)
    if not is_good:
        raise ValueError("This login has ended.")
    return user


def owner(user: cl.User | None) -> Owner | None:
    """None for a guest, of whom nothing is kept, and for nobody."""
    return None if user is None or user.identifier == GUEST else owner_of(user.identifier)


def may_ask() -> bool:
    """Whether the request under way is of somebody logged in, or nobody has to be."""
    return settings_now().login == "none" or asking.get() is not None


def name() -> str:
    """Of whoever sends the request under way: a login, or an address where there is none."""
    return asking.get() or address.get()


def session_of(session_id: str) -> WebsocketSession | None:
    """A chat's session, if it is theirs who send the request."""
    session: WebsocketSession | None = WebsocketSession.get_by_id(session_id)
    if session is None or settings_now().login == "none":
        return session
    return session if may_ask() and owner(session.user) == asking.get() else None


class Asking:
    """An ASGI layer that finds out whose each request is, and believes nothing it should not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._local: dict[str, tuple[float, str]] = {}  # cookies of those who need none, and when

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            scope = self._believable(scope)
            address.set(entrance.address_of(scope))
            user = user_of(scope)
            asking.set(owner(user))
        await self.app(scope, receive, send)

    def _believable(self, scope: Scope) -> Scope:
        settings = settings_now()
        if settings.login == "none" and os.environ.get("CHAINLIT_CUSTOM_AUTH"):
            name = LOCAL_NAME if entrance.is_here(scope) else GUEST
            return entrance.with_cookie(scope, COOKIE, self._cookie_of(name))
        if settings.login == "header":
            return _by_proxy(scope, settings)
        return scope

    def _cookie_of(self, name: str) -> str:
        made_at, token = self._local.get(name, (0.0, ""))
        if not token or time.monotonic() - made_at > _FRESH_S:
            made_at, token = time.monotonic(), create_jwt(_user(name))
            self._local[name] = made_at, token
        return token


def _by_proxy(scope: Scope, settings: Settings) -> Scope:
    """Nobody but a proxy may name a person; and no cookie outlives what the proxy says."""
    name = settings.login_header
    if not entrance.is_proxy(entrance.address_of(scope), words_of(settings.login_proxies)):
        return entrance.without(entrance.without(scope, name), "cookie")
    user = user_of(scope)
    if user and user.identifier != entrance.header(scope, name):
        return entrance.without(scope, "cookie")
    return scope


def user_of(scope: Scope) -> cl.User | None:
    """By its cookie."""
    cookies = cookie_parser("; ".join(Headers(scope=scope).getlist("cookie")))
    token = get_token_from_cookies(cookies)
    if not token:
        return None
    try:
        return known(token)
    except Exception:  # whatever is wrong with it
        return None
