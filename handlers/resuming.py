"""A chat that goes on: its turns and documents kept while it lasts, and taken up again later."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import chainlit as cl
from chainlit.utils import utc_now

from handlers import reply
from handlers.history import History, history, upload_url, whose
from handlers.session import the_chat
from rag.page import resuming
from rag.page.chat import Chat
from rag.people.shelf import Kept
from rag.people.turns import StoredTurn

if TYPE_CHECKING:
    from chainlit.types import ThreadDict

    from rag.documents.ingest import FileFailed, FileRead, PageRead

Json = dict[str, Any]
_writing: set[tuple[str, str]] = set()  # turns under way in this process, by chat and turn


# --- while it lasts


@asynccontextmanager
async def under_way(turn_id: str) -> AsyncIterator[None]:
    """A turn: one that has begun and never ends was cut off with the process."""
    if (store := history()) is None:
        yield
        return
    _writing.add((whose()[1], turn_id))
    try:
        await store.write(store.turns.put, turn_id, None)
        yield
    finally:
        await done(turn_id)


async def done(turn_id: str) -> None:
    """A turn stands as it is to be taken up again; without any text, there is none."""
    if store := history():
        _writing.discard((whose()[1], turn_id))
        asked = the_chat().turns.get(turn_id)
        if asked is None or not isinstance(asked.screen, reply.Reply):
            await store.write(store.turns.remove, [turn_id])
        else:
            turn = resuming.stored(asked, asked.screen.parts())
            await store.write(store.turns.put, turn_id, turn)


async def undone(turn_ids: Iterable[str]) -> None:
    if store := history():
        await store.write(store.turns.remove, list(turn_ids))


async def kept(
    events: AsyncIterator[PageRead | FileRead | FileFailed],
) -> AsyncIterator[PageRead | FileRead | FileFailed]:
    """The same events, once each file that was read is kept with the chat."""
    from rag.documents.ingest import FileRead  # noqa: PLC0415 (slow)

    store = history()
    async for event in events:
        if store and isinstance(event, FileRead):
            await store.write(store.shelf.put, event.document, event.chunks, event.source)
        yield event


async def forget(document_id: str) -> None:
    """A document that was dropped, in all chats of the person."""
    store, (owner, _) = history(), whose()
    if store and owner is not None:
        await store.run(store.shelf.forget, owner, document_id)


# --- later


async def take_up(thread: ThreadDict) -> None:
    """Give the chat its documents and turns back; what was cut off is said to be."""
    store, (owner, chat_id) = history(), whose()
    if store is None or owner is None:
        return
    chat = the_chat()
    for one in await store.read(store.shelf.of_chat, owner, chat_id) or ():
        _put_back(chat, one)
    elements: list[Any] = thread["elements"] or []
    still = {turn_id for one, turn_id in _writing if one == chat_id}
    if not still:
        resuming.at_rest(elements)
    for turn in await store.read(store.turns.of_chat, owner, chat_id) or ():
        if turn.turn is not None:
            _remember(chat, turn, thread)
        elif turn.id not in still:
            await _mark(store, chat, turn.id, thread)


def _put_back(chat: Chat, one: Kept) -> None:
    chat.dropped.add(one.document.id)
    chat.add(one.document, one.chunks, upload_url(one.document.id))


def _remember(chat: Chat, turn: StoredTurn, thread: ThreadDict) -> None:
    if stored := resuming.restored(turn.turn or {}):
        screen = reply.Reply.of(stored.screen, thread)
        chat.turns[turn.id] = resuming.asked_of(stored, screen)


async def _mark(store: History, chat: Chat, turn_id: str, thread: ThreadDict) -> None:
    steps: list[Any] = thread["steps"]
    sentence = chat.words("interrupted")
    ended = resuming.interrupted(turn_id, steps, sentence)
    if not any(step["type"] == "assistant_message" for step in ended):
        told = cl.Message(f"*{sentence}*", created_at=utc_now())
        ended.append(dict(told.to_dict()))
    by_id = {step["id"]: step for step in ended}
    steps[:] = [by_id.pop(step["id"], step) for step in steps] + list(by_id.values())
    for step in ended:
        await store.write(store.archive.put_step, step)
    await store.write(store.turns.remove, [turn_id])
