"""The chat page: Chainlit's events in, rendered answers out.

What a chat's events do is in ``handlers``; what a page shows is prepared in ``rag/page`` as plain
values; documents, retrieval and models are behind ``rag/workspace.py``. What all chats share hangs
on Chainlit's own application object, which a ``-w`` reload leaves in place while it imports this
file, and ``handlers``, anew.
"""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import chainlit as cl
from chainlit import server
from chainlit.config import config
from chainlit.session import WebsocketSession

state = server.app.state


def put_back(package: ModuleType) -> None:
    """A reload dropped our modules, but chats in progress hold values of theirs: they stay."""
    sys.modules[package.__name__] = package
    for part in vars(package).values():
        if isinstance(part, ModuleType) and part.__name__.startswith(f"{package.__name__}."):
            put_back(part)


if hasattr(state, "rag"):
    put_back(state.rag)

import rag  # noqa: E402

# Some are imported for what they register alone.
from handlers import briefing, comparing, doors, machine, panels, reply, session, turns  # noqa: E402, F401
from rag.errors import SettingsError  # noqa: E402
from rag.page import choices, guard, routes  # noqa: E402
from rag.page.home import Home  # noqa: E402
from rag.page.meanwhile import meanwhile  # noqa: E402
from rag.page.wording import wording  # noqa: E402
from rag.settings import load  # noqa: E402

if TYPE_CHECKING:
    from rag.workspace import Workspace

for chatty in ("httpx", "httpx2", "watchfiles.main"):
    logging.getLogger(chatty).setLevel(logging.WARNING)


# --- the process -------------------------------------------------------------------------

state.rag = rag
if not hasattr(state, "home"):
    try:
        state.home = Home(load())
    except SettingsError as exc:
        raise SystemExit(str(exc)) from exc
    server.app.add_middleware(guard.Guard, allowed_origins=config.project.allow_origins)
home: Home = state.home

page_routes = routes.page_routes(
    html=partial(server.get_html_template, config.run.root_path),
    session=WebsocketSession.get_by_id,
    source=home.source,
    on_upload=home.expect_files,
    add_server=home.add_server,
    max_bytes=home.settings.max_file_mb * 1_000_000,
    prefix=config.run.root_path,
)
routes.install(page_routes, server.app, server.router)
server.get_markdown_str = routes.about  # type: ignore[attr-defined]

cl.on_app_startup(home.start)
cl.on_app_shutdown(home.close)
# A DATABASE_URL meant for another program must not switch Chainlit's own history on.
cl.data_layer(lambda: None)  # type: ignore[arg-type,return-value]


# --- a chat ------------------------------------------------------------------------------


@cl.set_starters
async def starters(_user: cl.User | None, language: str | None) -> list[cl.Starter]:
    return [cl.Starter(**one) for one in choices.starters(wording(language or ""))]


@cl.on_chat_start
async def begin() -> None:
    cl.user_session.set("greeting", asyncio.create_task(greet()))  # it must not hold the page up


async def greet() -> None:
    await briefing.offer()
    async with session.errors_shown(), meanwhile(session.tell_waiting("waiting")):
        workspace, models = await home.workspace(), await home.models()
        await panels.send_settings(workspace)
        await models.look()
        if models.servers:
            await panels.send_settings(workspace)
        await home.prepared(session.chosen())


@cl.on_message
async def on_message(message: cl.Message) -> None:
    cl.context.session.current_task = asyncio.current_task()  # so that an edited turn stops, too
    async with session.errors_shown():
        async with meanwhile(session.tell_waiting("kept")):
            workspace = await home.workspace()
        files = [file for file in message.elements if file.path]
        ready = await take_in(files, workspace) if files else ""
        if briefing.is_asked_for(message):
            await session.in_turn(briefing.brief(message, workspace))
        elif question := message.content.strip():
            for asked in session.the_chat().rewind(message.id):
                await asked.screen.clear()
            await session.in_turn(turns.answer(question, message.id, workspace))
        elif ready:
            await cl.Message(ready).send()


async def take_in(files: Sequence[cl.Element], workspace: Workspace) -> str:
    """Read dropped files into the chat; a sentence on those that can now be asked about."""
    from rag.page.reading import Dropped, Reading  # noqa: PLC0415 (slow)

    link = f"/project/file/{{}}?session_id={cl.context.session.id}"
    dropped = [Dropped(Path(str(one.path)), one.name, link.format(one.id)) for one in files]
    reading = Reading(dropped, session.the_chat())
    known = {entry.id for entry in workspace.library.documents()}
    await reply.follow(reading, workspace.read(reading.sources), known)
    await panels.send_settings(workspace)
    return reading.ready() if reading.searched else ""
