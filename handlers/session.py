"""Whose chat an event is of, and what all chats share."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, closing
from functools import partial
from typing import TYPE_CHECKING, Any

import chainlit as cl
from chainlit import server

from handlers import reply
from handlers.loop import drop_cancelled
from rag import types
from rag.page import choices, places
from rag.page.chat import Chat
from rag.page.home import Home
from rag.page.wording import wording

if TYPE_CHECKING:
    from rag.page.passages import FindPage
    from rag.workspace import Workspace


def home() -> Home:
    """app.py has put it there."""
    shared: Home = server.app.state.home
    return shared


def the_chat() -> Chat:
    chat: Chat | None = cl.user_session.get("chat")
    if chat is None:
        chat = Chat(wording(getattr(cl.context.session, "language", "")))
        cl.user_session.set("chat", chat)
    return chat


def person() -> str:
    """Who asks: a login, or this chat where there is none."""
    session, has_login = cl.context.session, home().settings.login != "none"
    return session.user.identifier if session.user and has_login else session.id


async def in_turn(work: Coroutine[Any, Any, None]) -> None:
    """Do ``work`` when this person has a place for it. Raises TooManyTurns."""
    with closing(work):
        workspace = await home().workspace()
        try:
            async with workspace.turnstile.turn(person()):
                await work
        finally:
            drop_cancelled()


def values() -> dict[str, Any]:
    """Of the settings panel, as a person left it."""
    return cl.user_session.get("chat_settings") or {}


def chosen() -> choices.Choices:
    return choices.parse(values(), home().settings.mode)


def finder(workspace: Workspace) -> FindPage:
    return partial(places.find, the_chat(), workspace.library)


def errors_shown() -> AbstractAsyncContextManager[None]:
    return reply.errors_shown(the_chat().words)


def tell_waiting(key: str) -> Coroutine[Any, Any, None]:
    """A line on what the model or the library waits for, whenever it does."""
    chat = the_chat()
    return reply.tell_line(lambda: home().line(chat, chosen(), key))


def at_work(tier: types.Tier) -> str:
    """What a tier's model waits for, while a turn is told."""
    return home().waits_for(chosen(), the_chat().words, tier)
