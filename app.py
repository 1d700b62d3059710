"""The chat page: Chainlit's events in, rendered answers out.

What a page shows is prepared in ``rag/page`` as plain values; documents, retrieval and models are
behind ``rag/workspace.py``. What all chats share hangs on Chainlit's own application object, which
a ``-w`` reload leaves in place while it imports this file anew.
"""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import chainlit as cl
from chainlit import server
from chainlit.config import config
from chainlit.context import local_steps
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
import reply  # noqa: E402
from rag import types  # noqa: E402
from rag.errors import SettingsError  # noqa: E402
from rag.models import tiers  # noqa: E402
from rag.page import (  # noqa: E402
    choices,
    guard,
    keeping,
    listing,
    model_list,
    places,
    reach,
    routes,
    telling,
    trace,
)
from rag.page.chat import Asked, Chat  # noqa: E402
from rag.page.home import Home  # noqa: E402
from rag.page.meanwhile import meanwhile  # noqa: E402
from rag.page.telling import Telling  # noqa: E402
from rag.page.wording import wording  # noqa: E402
from rag.settings import load  # noqa: E402

if TYPE_CHECKING:
    from rag.models.chat import ChatModel
    from rag.page.passages import FindPage
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


def the_chat() -> Chat:
    chat: Chat | None = cl.user_session.get("chat")
    if chat is None:
        chat = Chat(wording(getattr(cl.context.session, "language", "")))
        cl.user_session.set("chat", chat)
    return chat


def values() -> dict[str, Any]:
    """Of the settings panel, as a person left it."""
    return cl.user_session.get("chat_settings") or {}


def chosen() -> choices.Choices:
    return choices.parse(values(), home.settings.mode)


def errors_shown() -> AbstractAsyncContextManager[None]:
    return reply.errors_shown(the_chat().words)


def tell_waiting(key: str) -> Coroutine[Any, Any, None]:
    """A line on what the model or the library waits for, whenever it does."""
    chat = the_chat()
    return reply.tell_line(lambda: home.line(chat, chosen(), key))


def at_work(tier: types.Tier) -> str:
    """What a tier's model waits for, while a turn is told."""
    return home.waits_for(chosen(), the_chat().words, tier)


@cl.set_starters
async def starters(_user: cl.User | None, language: str | None) -> list[cl.Starter]:
    return [cl.Starter(**one) for one in choices.starters(wording(language or ""))]


@cl.on_chat_start
async def begin() -> None:
    cl.user_session.set("greeting", asyncio.create_task(greet()))  # it must not hold the page up


async def greet() -> None:
    async with errors_shown(), meanwhile(tell_waiting("waiting")):
        workspace, models = await home.workspace(), await home.models()
        await send_settings(workspace)
        await models.look()
        if models.servers:
            await send_settings(workspace)
        await home.prepared(chosen())


async def send_settings(workspace: Workspace, changed: Mapping[str, Any] | None = None) -> None:
    """The panel as it stands, but for what is ``changed``; anew when there is more to choose."""
    words, names = the_chat().words, listing.names(the_chat(), workspace.library.documents())
    models = dict.fromkeys([*workspace.model_names, *model_list.settings(await home.models())])
    held = values() | dict(changed or {})
    await reply.offer(choices.panel(held, home.settings, list(models), names, words), words)


@cl.on_settings_update
async def settings_changed(changed: dict[str, Any]) -> None:
    """They hold from the next question on; a model that can never work is told at once."""
    async with errors_shown():
        typed = {name: tiers.parse(text) for name, text in choices.typed(changed).items()}
        if freed := await (await home.models()).take_keys(typed):
            await send_settings(await home.workspace(), freed)


# --- models ------------------------------------------------------------------------------


async def models_shown(problem: str = "") -> dict[str, Any]:
    models, words = await home.models(), the_chat().words
    return await model_list.shown(models, chosen(), home.settings, words, problem)


@cl.action_callback("models")
async def change_models(action: cl.Action) -> dict[str, Any]:
    """What was pressed in the panel of models; the panel as it then is."""
    do, setting = str(action.payload.get("do")), str(action.payload.get("setting"))
    if do in choices.TIERS:
        await send_settings(await home.workspace(), {do: setting, f"{do}_other": ""})
        return await models_shown()
    return await models_shown(await (await home.models()).act(do, setting))


# --- documents ---------------------------------------------------------------------------


async def take_in(files: Sequence[cl.Element], workspace: Workspace) -> str:
    """Read dropped files into the chat; a sentence on those that can now be asked about."""
    from rag.page.reading import Dropped, Reading  # noqa: PLC0415 (slow)

    link = f"/project/file/{{}}?session_id={cl.context.session.id}"
    dropped = [Dropped(Path(str(one.path)), one.name, link.format(one.id)) for one in files]
    reading = Reading(dropped, the_chat())
    known = {entry.id for entry in workspace.library.documents()}
    await reply.follow(reading, workspace.read(reading.sources), known)
    await send_settings(workspace)
    return reading.ready() if reading.searched else ""


async def listed(name_contains: str = "") -> dict[str, Any]:
    library = (await home.workspace()).library
    return listing.documents(the_chat(), library.documents(), name_contains)


@cl.on_window_message
async def window_message(message: Any) -> None:
    """The header's buttons post it (public/page.js)."""
    panels = {"documents": ("Documents", listed), "models": ("Models", models_shown)}
    if message in panels:
        async with errors_shown():
            element, shown = panels[message]
            await reply.beside(the_chat().words(f"title_{message}"), element, await shown())


@cl.action_callback("documents")
async def change_list(action: cl.Action) -> dict[str, Any]:
    """The list by a part of the name, after one of it was removed, if one was."""
    if document_id := action.payload.get("forget"):
        async with errors_shown():
            workspace = await home.workspace()
            if upload := the_chat().forget(document_id):
                routes.discard(upload.file_id, cl.context.session)
            else:
                await workspace.forget(document_id)
            await send_settings(workspace)
    return await listed(str(action.payload.get("name", "")))


# --- a turn ------------------------------------------------------------------------------


@cl.on_message
async def on_message(message: cl.Message) -> None:
    cl.context.session.current_task = asyncio.current_task()  # so that an edited turn stops, too
    async with errors_shown():
        async with meanwhile(tell_waiting("kept")):
            workspace = await home.workspace()
        files = [file for file in message.elements if file.path]
        ready = await take_in(files, workspace) if files else ""
        if question := message.content.strip():
            for asked in the_chat().rewind(message.id):
                await asked.screen.clear()
            await answer(question, message.id, workspace)
        elif ready:
            await cl.Message(ready).send()


async def answer(
    question: str, turn_id: str, workspace: Workspace, earlier: Asked | None = None
) -> None:
    """Answer a question; by the larger model in place of an ``earlier`` answer, if there is one."""
    chat, choice = the_chat(), chosen()
    mode: types.Mode = "llm" if earlier else choice.mode
    async with meanwhile(tell_waiting("kept")):
        await workspace.refresh()
        pipeline = await workspace.pipeline(**choice.of_pipeline(), consent=consent)
    index = chat.searched(workspace.index, choice.documents)
    screen = earlier.screen if earlier else reply.Reply()
    asked, pipeline, larger = keeping.prepared(Asked(question, "", screen, mode), pipeline, chat)
    told = Telling(
        *(chat, turn_id, asked, finder(workspace), larger, earlier), home.patience, at_work
    )
    history = chat.history(before=turn_id)
    events = pipeline.answer(question, index=index, history=history, mode=mode)
    end: types.Answer | types.Failed = types.Failed("")  # stopped before a word
    try:
        end = await told.tell(events)
    finally:
        await workspace.record(end, mode)


def finder(workspace: Workspace) -> FindPage:
    return partial(places.find, the_chat(), workspace.library)


async def consent(model: ChatModel) -> bool:
    """Whether a model that is not on this machine may be asked; asked once a chat and address."""
    chat = the_chat()
    if model.address not in chat.allowed:
        question = reach.consent(model, chat.words)
        yes, no = chat.words("consent_allow"), chat.words("consent_refuse")
        with chat.asking():
            chat.allowed[model.address] = await reply.ask(question, yes, no)
    return chat.allowed[model.address]


@cl.action_callback("larger")
async def ask_larger(action: cl.Action) -> None:
    """The larger model's answer in place of the one that is shown."""
    chat, turn_id = the_chat(), action.payload["question"]
    earlier = chat.turns.get(turn_id)
    if earlier is None or chat.writing:
        return
    chat.allowed = {address: True for address, allowed in chat.allowed.items() if allowed}
    workspace = await home.workspace()
    local_steps.set([earlier.screen.run])  # type: ignore[attr-defined]
    reply.begin(answer(earlier.question, turn_id, workspace, earlier), chat.words)


@cl.action_callback("keep")
async def keep_local(action: cl.Action) -> None:
    """The local answer in place of the larger model's."""
    async with errors_shown():
        workspace = await home.workspace()
        kept = await telling.keep(the_chat(), action.payload["question"], finder(workspace))
        if kept:
            await workspace.record_kept(kept.trace_id)


@cl.action_callback("trace")
async def show_trace(action: cl.Action) -> dict[str, Any] | None:
    """All that is known of a turn; not by the socket, whose messages have a limit."""
    asked = the_chat().turns.get(action.payload["question"])
    return (
        trace.shown(asked.answer, asked.mode, the_chat().words) if asked and asked.answer else None
    )


@cl.on_stop
async def stopped() -> None:
    """Chainlit says in English what the answer says itself."""
    for message in cl.chat_context.get()[-1:]:
        await message.remove()
