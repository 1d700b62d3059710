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
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import chainlit as cl
from chainlit import server
from chainlit.config import config
from chainlit.input_widget import MultiSelect, Select, Slider, Tab, TextInput
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
from rag import types  # noqa: E402
from rag.errors import RagError, SettingsError  # noqa: E402
from rag.models import tiers  # noqa: E402
from rag.page import card, choices, guard, listing, markdown, places, routes  # noqa: E402
from rag.page.chat import Chat  # noqa: E402
from rag.page.home import LOOK_S, Home  # noqa: E402
from rag.page.meanwhile import meanwhile  # noqa: E402
from rag.page.wording import wording  # noqa: E402
from rag.settings import load  # noqa: E402

if TYPE_CHECKING:
    from rag.workspace import Workspace

logger = logging.getLogger("rag.page")
for chatty in ("httpx", "httpx2", "watchfiles.main"):
    logging.getLogger(chatty).setLevel(logging.WARNING)
FRAME_S = 0.05  # between two frames of a streamed answer
WIDGETS = {"select": Select, "multiselect": MultiSelect, "slider": Slider, "text": TextInput}


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


def chosen() -> choices.Choices:
    return choices.parse(cl.user_session.get("chat_settings") or {}, home.settings.mode)


@asynccontextmanager
async def errors_shown() -> AsyncIterator[None]:
    """Our errors as their sentence; any other as a general one that the log explains."""
    try:
        yield
    except asyncio.CancelledError:  # by the stop button
        await cl.Message(f"*{the_chat().words('stopped')}*").send()
    except RagError as exc:
        await cl.ErrorMessage(markdown.plain(str(exc))).send()
    except Exception:
        trace = uuid.uuid4().hex[:8]
        logger.exception("trace %s", trace)
        await cl.ErrorMessage(the_chat().words("unexpected", trace=trace)).send()


async def tell_waiting(key: str) -> None:
    """A line on what the model or the library waits for, whenever it does."""
    words, step, run = the_chat().words, cl.Step("", icon="hourglass"), cl.context.current_run
    step.parent_id = run.id if run else None
    try:
        while True:
            waiting = home.waits_for(chosen(), words)
            name = words(key, state=waiting) if waiting else ""
            if name != step.name:
                change = step.update if name and step.name else step.send if name else step.remove
                step.name = name
                await change()
            await asyncio.sleep(LOOK_S)
    finally:
        await step.remove()


@cl.set_starters
async def starters(_user: cl.User | None, language: str | None) -> list[cl.Starter]:
    return [cl.Starter(**one) for one in choices.starters(wording(language or ""))]


@cl.on_chat_start
async def begin() -> None:
    cl.user_session.set("greeting", asyncio.create_task(greet()))  # it must not hold the page up


async def greet() -> None:
    async with errors_shown(), meanwhile(tell_waiting("waiting")):
        await send_settings(await home.workspace())
        await home.prepared(chosen())


async def send_settings(workspace: Workspace) -> None:
    """The panel as it stands; sent anew when the list of documents changes."""
    values, words = cl.user_session.get("chat_settings") or {}, the_chat().words
    names = listing.names(the_chat(), workspace.library.documents())
    panel = choices.panel(values, home.settings, workspace.model_names, names, words)
    await cl.ChatSettings(
        [
            Tab(tab, words(f"tab_{tab}"), [WIDGETS[one.kind](**one.arguments) for one in fields])
            for tab, fields in panel.items()
        ]
    ).send()


@cl.on_settings_update
async def settings_changed(values: dict[str, Any]) -> None:
    """They hold from the next question on; a model that can never work is told at once."""
    async with errors_shown():
        for model in choices.typed(values):
            tiers.parse(model)


# --- documents ---------------------------------------------------------------------------


async def take_in(files: Sequence[cl.Element], workspace: Workspace) -> str:
    """Read dropped files into the chat; a sentence on those that can now be asked about."""
    from rag.page.reading import Dropped, Reading  # noqa: PLC0415 (slow)

    link = f"/project/file/{{}}?session_id={cl.context.session.id}"
    dropped = [Dropped(Path(str(one.path)), one.name, link.format(one.id)) for one in files]
    reading = Reading(dropped, the_chat())
    known = {entry.id for entry in workspace.library.documents()}
    async with cl.Step(reading.title(), "tool", icon="files", default_open=True) as step:
        async for step.name, step.output in reading.frames(workspace.read(reading.sources), known):
            await step.update()
    if reading.failures:
        await cl.ErrorMessage("\n\n".join(reading.failures)).send()
    await send_settings(workspace)
    return reading.ready() if reading.searched else ""


async def listed(name_contains: str = "") -> dict[str, Any]:
    library = (await home.workspace()).library
    return listing.documents(the_chat(), library.documents(), name_contains)


@cl.on_window_message
async def window_message(message: Any) -> None:
    """The header's button posts it (public/page.js)."""
    if message != "documents":
        return
    async with errors_shown():
        panel = cl.CustomElement(name="Documents", props=await listed(), display="side")
        emit = cl.context.emitter.emit  # ElementSidebar would leave the element in the chat, too
        await emit("set_sidebar_title", the_chat().words("listing"))
        await emit("set_sidebar_elements", {"elements": [panel.to_dict()], "key": panel.id})


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
            await answer(question, message.id, workspace)
        elif ready:
            await cl.Message(ready).send()


async def answer(question: str, turn_id: str, workspace: Workspace) -> None:
    chat, choice, reply, search = the_chat(), chosen(), Reply(), cl.Step("")
    chat.rewind(turn_id)
    await workspace.refresh()
    index = chat.searched(workspace.index, choice.documents)
    pipeline = await workspace.pipeline(**choice.of_pipeline())
    events = pipeline.answer(question, index=index, history=chat.history(), mode=choice.mode)
    end: types.AnswerEvent | None = None
    try:
        async with (
            meanwhile(tell_waiting("kept")) as waiting,
            meanwhile(reply.stream()),
            aclosing(events),
        ):
            async for event in events:
                match event:
                    case types.Retrieved():
                        await search.remove()  # a second one replaces the first
                        search = await show_search(event)
                    case types.Delta(text=text):
                        waiting.cancel()
                        reply.text += text
                    case types.Escalated():
                        reply.text = ""  # what follows is the larger model's
                    case types.Answered() | types.Failed():
                        end = event
    except asyncio.CancelledError:
        if not reply.text:
            raise
        await reply.break_off("stopped")
    match end:
        case types.Answered(answer=done):
            chat.turns[turn_id] = (question, done.text)
            await reply.finish(done, workspace)
        case types.Failed(message=sentence):
            if reply.text:
                await reply.break_off("cut_off")
            await cl.ErrorMessage(markdown.plain(sentence)).send()


async def show_search(event: types.Retrieved) -> cl.Step:
    words = the_chat().words
    table = cl.CustomElement(name="Search", props=card.retrieval(event, words))
    title = card.retrieval_title(event.context, words)
    step = cl.Step(title, "retrieval", icon="search", elements=[table])
    async with step:
        step.output = f"{words('search_query')}: {markdown.plain(event.query.text)}"
    return step


class Reply:
    """The answer on the page: streamed as whole frames, then with its card."""

    def __init__(self) -> None:
        self.text = ""
        self.message = cl.Message("")

    async def stream(self) -> None:
        while True:
            frame = markdown.answer(self.text)
            if frame != self.message.content:
                await self.message.stream_token(frame, is_sequence=True)
            await asyncio.sleep(FRAME_S)

    async def finish(self, done: types.Answer, workspace: Workspace) -> None:
        find = partial(places.find, the_chat(), workspace.library)
        turn = cl.CustomElement(name="TurnCard", props=card.turn(done, find, the_chat().words))
        self.message.elements.append(turn)  # type: ignore[arg-type]
        self.message.metadata = card.metadata(done)
        numbers = range(1, len(done.context.hits) + 1)
        self.message.content = markdown.answer(done.text, numbers)
        await self.message.send()

    async def break_off(self, why: str) -> None:
        self.message.metadata = {"ended": why}
        self.message.content = f"{markdown.answer(self.text)}\n\n*{the_chat().words(why)}*"
        await self.message.send()


@cl.on_stop
async def stopped() -> None:
    """Chainlit says in English what the answer says itself."""
    for message in cl.chat_context.get()[-1:]:
        await message.remove()
