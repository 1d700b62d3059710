"""The chat page: Chainlit's events in, rendered answers out.

What a chat's events do is in ``handlers``; what a page shows is prepared in ``rag/page`` as plain
values; documents, retrieval and models are behind ``rag/workspace.py``. What all chats share hangs
on Chainlit's own application object, which a ``-w`` reload leaves in place while it imports this
file, and ``handlers``, anew.
"""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import chainlit as cl
from chainlit import server
from chainlit.config import config

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
from handlers import (  # noqa: E402
    belongings,
    briefing,
    comparing,  # noqa: F401
    doors,  # noqa: F401
    history,
    machine,  # noqa: F401
    panels,
    people,
    reply,
    resuming,
    session,
    turns,
)
from rag.api.routes import api_routes  # noqa: E402
from rag.errors import PeopleError, SettingsError  # noqa: E402
from rag.page import choices, guard, routes  # noqa: E402
from rag.page.home import Home  # noqa: E402
from rag.page.meanwhile import meanwhile  # noqa: E402
from rag.page.wording import wording  # noqa: E402
from rag.settings import load  # noqa: E402
from rag.webgpu.host import ChatHost  # noqa: E402
from rag.webgpu.routes import webgpu_routes  # noqa: E402

if TYPE_CHECKING:
    from chainlit.types import ThreadDict

    from rag.workspace import Workspace

# --- the process -------------------------------------------------------------------------

state.rag = rag
try:
    if not hasattr(state, "home"):
        state.home = Home(load())
        server.app.add_middleware(people.Asking)
        server.app.add_middleware(guard.Guard, allowed_origins=config.project.allow_origins)
    home: Home = state.home
    keeps_chats = people.open_doors(home.settings, config.run.host)
except (SettingsError, PeopleError) as exc:
    raise SystemExit(str(exc)) from exc
if keeps_chats and not hasattr(state, "history"):
    state.history = history.History(home.settings)
if not hasattr(state, "in_browser"):  # a reload ends no model that is being prepared
    state.in_browser = ChatHost(home.settings, home.workspace, people.may_ask, people.name)
in_browser: ChatHost = state.in_browser

prefix = config.run.root_path
ours = [
    *routes.page_routes(
        html=partial(people.page, prefix),
        session=people.session_of,
        source=belongings.source,
        on_upload=home.expect_files,
        add_server=home.add_server,
        max_bytes=home.settings.max_file_mb * 1_000_000,
        prefix=prefix,
    ),
    *routes.own_routes(own=belongings.own, mine=belongings.packed, prefix=prefix),
    *api_routes(home, prefix),
    *webgpu_routes(in_browser, Path(__file__).parent / "public" / "webgpu", prefix),
]
routes.install(ours, server.app, server.router)
server.get_markdown_str = routes.about  # type: ignore[attr-defined]


async def start() -> None:
    await home.start()
    if store := history.history():
        store.begin()


async def close() -> None:
    await in_browser.preparing.close()
    await home.close()


cl.on_app_startup(start)
cl.on_app_shutdown(close)
# Also None: a DATABASE_URL meant for another program must not switch Chainlit's own history on.
cl.data_layer(history.history)  # type: ignore[arg-type]


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


if keeps_chats:

    @cl.on_chat_resume
    async def resume(thread: ThreadDict) -> None:
        await resuming.take_up(thread)
        await begin()


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
            for turn_id, asked in session.the_chat().rewind(message.id).items():
                await asked.screen.clear()
                await resuming.undone([turn_id])
            await session.in_turn(turns.answer(question, message.id, workspace))
        elif ready:
            await cl.Message(ready).send()


async def take_in(files: Sequence[cl.Element], workspace: Workspace) -> str:
    """Read dropped files into the chat; a sentence on those that can now be asked about."""
    from rag.page.reading import Dropped, Reading  # noqa: PLC0415 (slow)

    dropped = [
        Dropped(Path(str(one.path)), one.name, await belongings.address_of(one)) for one in files
    ]
    reading = Reading(dropped, session.the_chat())
    known = {entry.id for entry in workspace.library.documents()}
    await reply.follow(reading, resuming.kept(workspace.read(reading.sources)), known)
    await panels.send_settings(workspace)
    return reading.ready() if reading.searched else ""
