"""Chats that last: what Chainlit wants stored into the archive, and a chat back out of it.

Writing goes through one thread, in the order in which it was asked for, and never fails a turn: a
person whose chat cannot be kept is told so, once, and the answer stands on the page.
"""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import functools
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import chainlit as cl
from chainlit import server
from chainlit.config import config
from chainlit.context import ChainlitContextException, context
from chainlit.data import queue_until_user_message
from chainlit.data.base import BaseDataLayer
from chainlit.emitter import ChainlitEmitter
from chainlit.types import PageInfo, PaginatedResponse
from chainlit.user import PersistedUser
from chainlit.utils import utc_now

from handlers import people
from rag import folder
from rag.errors import NotYours, PeopleError
from rag.measuring.ledger import LEDGER, unlink
from rag.page import choices, sentences
from rag.page.wording import wording
from rag.people import archive as archives
from rag.people.archive import Archive, StoredChat
from rag.people.database import Database, database_of
from rag.people.owners import LOCAL, Owner, name_of
from rag.people.shelf import FOLDER, Shelf
from rag.people.turns import Turns
from rag.settings import Settings

if TYPE_CHECKING:
    from chainlit.element import Element, ElementDict
    from chainlit.step import StepDict
    from chainlit.types import Feedback, Pagination, ThreadDict, ThreadFilter


T = TypeVar("T")
Json = dict[str, Any]
_log = logging.getLogger("rag.history")


class History(BaseDataLayer):
    """One for the process. What is of no owner is not kept."""

    def __init__(self, settings: Settings) -> None:
        database: Database = database_of(
            settings.database_url.get_secret_value(), settings.data_dir
        )
        self._database = database
        self._ledger = settings.data_dir / LEDGER
        self.archive, self.turns = Archive(database), Turns(database)
        self.shelf = Shelf(database, settings.data_dir / FOLDER)
        self._thread = ThreadPoolExecutor(1, "history")
        self._deleted: set[str] = set()  # what still comes of these is too late

    def begin(self) -> None:
        """Clear away what a crash has left, in the background. Its failure is told at first use."""
        self._thread.submit(self.shelf.sweep, time.time())

    async def run(self, work: Callable[..., T], *values: Any) -> T:
        """In its turn. Raises PeopleError."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, functools.partial(work, *values)
        )

    async def write(self, work: Callable[..., object], *values: Any) -> None:
        """For the chat under way: with its owner and id before ``values``. Raises nothing."""
        owner, chat_id = whose()
        if owner is None or chat_id in self._deleted:
            return
        try:
            await self.run(work, owner, chat_id, *values)
        except NotYours:
            _log.warning("Something was to be written into another person's chat.")
        except PeopleError as exc:
            await tell_once(exc)

    async def read(self, work: Callable[..., T], *values: Any) -> T | None:
        try:
            return await self.run(work, *values)
        except PeopleError as exc:
            _log.warning("%s", exc)
            return None

    # --- people: their names are their ids

    async def get_user(self, identifier: str) -> PersistedUser | None:
        return PersistedUser(id=identifier, identifier=identifier, createdAt="", metadata={})

    async def create_user(self, user: cl.User) -> PersistedUser | None:
        return await self.get_user(user.identifier)

    # --- steps and elements

    @queue_until_user_message()  # type: ignore[untyped-decorator]
    async def create_step(self, step_dict: StepDict) -> None:
        await self.write(self.archive.put_step, step_dict)

    @queue_until_user_message()  # type: ignore[untyped-decorator]
    async def update_step(self, step_dict: StepDict) -> None:
        await self.write(self.archive.put_step, step_dict)

    @queue_until_user_message()  # type: ignore[untyped-decorator]
    async def delete_step(self, step_id: str) -> None:
        await self.write(lambda owner, _chat: self.archive.remove_step(owner, step_id))

    @queue_until_user_message()  # type: ignore[untyped-decorator]
    async def create_element(self, element: Element) -> None:
        kept = {**element.to_dict(), "chainlitKey": None}
        if element.path:
            kept["url"] = upload_url(await asyncio.to_thread(folder.digest, Path(element.path)))
        await self.write(self.archive.put_element, kept, utc_now())

    @queue_until_user_message()  # type: ignore[untyped-decorator]
    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        await self.write(lambda owner, _chat: self.archive.remove_element(owner, element_id))

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        owner = people.asking.get()
        if owner is None:
            return None
        found: Any = await self.read(self.archive.element, owner, thread_id, element_id)
        return found  # type: ignore[no-any-return]

    # --- feedback

    async def upsert_feedback(self, feedback: Feedback) -> str:
        owner, one_id = people.asking.get(), feedback.id or str(uuid.uuid4())
        if owner is not None:
            one = archives.Feedback(one_id, feedback.forId, feedback.value, feedback.comment)
            await self.run(self.archive.put_feedback, owner, one)
        return one_id

    async def delete_feedback(self, feedback_id: str) -> bool:
        owner = people.asking.get()
        if owner is not None:
            await self.run(self.archive.remove_feedback, owner, feedback_id)
        return True

    # --- chats

    async def get_thread_author(self, thread_id: str) -> str:
        owner = await self.read(self.archive.owner, thread_id)
        return "" if owner is None else name_of(owner)

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        """Only to its owner, whichever way it is asked for."""
        owner = people.asking.get()
        if owner is None:
            return None
        chat = await self.read(self.archive.chat, owner, thread_id)
        return thread_of(chat, owner) if chat else None

    async def list_threads(
        self, pagination: Pagination, filters: ThreadFilter
    ) -> PaginatedResponse[ThreadDict]:
        owner, found = people.asking.get(), None
        if owner is not None:
            cursor, search = pagination.cursor or "", filters.search or ""
            found = await self.read(self.archive.list, owner, pagination.first, cursor, search)
        heads, has_more = found or ((), False)
        threads = [thread_of(StoredChat(head, (), (), {}), owner or LOCAL) for head in heads]
        first, last = (heads[0].id, heads[-1].id) if heads else (None, None)
        page = PageInfo(hasNextPage=has_more, startCursor=first, endCursor=last)
        return PaginatedResponse(pageInfo=page, data=threads)

    async def update_thread(
        self,
        thread_id: str,
        name: str | None = None,
        user_id: str | None = None,
        metadata: Json | None = None,
        tags: list[str] | None = None,
    ) -> None:
        """With a ``user_id`` a chat begins, which its first message does better."""
        if user_id is not None or thread_id in self._deleted:
            return
        if metadata is not None:
            await self.write(self.archive.note, worth_keeping(metadata))
        elif name is not None and (owner := people.asking.get()) is not None:
            await self.run(self.archive.rename, owner, thread_id, name)

    async def delete_thread(self, thread_id: str) -> None:
        owner = people.asking.get()
        if owner is None:
            return
        self._deleted.add(thread_id)
        loose = await self.run(self.archive.delete, owner, thread_id)
        await self.run(self.shelf.delete_files, owner, loose)
        await self.run(unlink, self._ledger, owner, thread_id)

    async def build_debug_url(self) -> str:
        return ""

    async def get_favorite_steps(self, user_id: str) -> list[StepDict]:
        return []

    async def close(self) -> None:
        """Once all is written."""
        await asyncio.to_thread(self._thread.shutdown)
        self._database.close()


def history() -> History | None:
    """None where chats are not kept."""
    found: History | None = getattr(server.app.state, "history", None)
    return found


def whose() -> tuple[Owner | None, str]:
    """The owner and the id of the chat under way."""
    try:
        session = context.session
    except ChainlitContextException:
        return None, ""
    return people.owner(session.user), session.thread_id


def whose_rows() -> tuple[Owner, str]:
    """What the ledger notes of them: no chat where none is kept, and could be deleted."""
    owner, chat_id = whose()
    return (owner, chat_id) if owner is not None and history() else ("", "")


async def tell_once(exc: PeopleError) -> None:
    _log.warning("A chat is not kept. %s", exc)
    if not cl.user_session.get("told_not_kept"):
        cl.user_session.set("told_not_kept", True)
        words = wording(getattr(context.session, "language", ""))
        told = cl.ErrorMessage(words("not_kept", reason=sentences.said(str(exc), words)))
        await context.emitter.send_step(told.to_dict())  # shown, and not stored


def worth_keeping(metadata: Json) -> Json:
    """What was chosen in the settings panel, without keys typed into it."""
    values = metadata.get("chat_settings") or {}
    clean = {
        name: choices.without_key(value) if isinstance(value, str) else value
        for name, value in values.items()
    }
    return {"chat_settings": clean}


def thread_of(chat: StoredChat, owner: Owner) -> ThreadDict:
    name, steps = name_of(owner), []
    for step in chat.steps:
        told = chat.feedback.get(step["id"])
        steps.append(
            {
                **step,
                "feedback": told
                and {"id": told.id, "forId": told.step_id, "value": told.value,
                     "comment": told.comment},
            }
        )  # fmt: skip
    return {
        "id": chat.head.id,
        "createdAt": chat.head.created_at,
        "name": chat.head.name or None,
        "userId": name,
        "userIdentifier": name,
        "tags": [],
        "metadata": chat.head.metadata,
        "steps": steps,  # type: ignore[typeddict-item]
        "elements": list(chat.elements),  # type: ignore[arg-type]
    }


def upload_url(document_id: str) -> str:
    return f"/upload/{document_id}"


_begin_chat = getattr(ChainlitEmitter.init_thread, "__wrapped__", ChainlitEmitter.init_thread)


@functools.wraps(_begin_chat)
async def _begin_with_words(self: ChainlitEmitter, interaction: str) -> None:
    """A chat begins with what a person says. For Chainlit a press on a panel's button begins one,
    too: the page would go to that chat's address, and close the panel."""
    if interaction in config.code.action_callbacks and not cl.chat_context.get():
        self.session.has_first_interaction = False
        return
    await _begin_chat(self, interaction)


ChainlitEmitter.init_thread = _begin_with_words  # type: ignore[method-assign]
