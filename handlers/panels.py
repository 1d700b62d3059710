"""What stands beside a chat: its settings, the models, the documents, this machine."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import chainlit as cl

from handlers import reply, resuming
from handlers.session import chosen, errors_shown, home, the_chat, values
from rag.models import tiers
from rag.page import choices, listing, model_list, routes

if TYPE_CHECKING:
    from rag.workspace import Workspace


# --- settings


async def send_settings(workspace: Workspace, changed: Mapping[str, Any] | None = None) -> None:
    """The panel as it stands, but for what is ``changed``; anew when there is more to choose."""
    words, names = the_chat().words, listing.names(the_chat(), workspace.library.documents())
    found = model_list.settings(await home().models())
    models = dict.fromkeys([*workspace.model_names, *found])
    held = values() | dict(changed or {})
    await reply.offer(choices.panel(held, home().settings, list(models), names, words), words)


@cl.on_settings_update
async def settings_changed(changed: dict[str, Any]) -> None:
    """They hold from the next question on; a model that can never work is told at once."""
    async with errors_shown():
        typed = {name: tiers.parse(text) for name, text in choices.typed(changed).items()}
        if freed := await (await home().models()).take_keys(typed):
            await send_settings(await home().workspace(), freed)
        await home().warm(chosen())


# --- models


async def models_shown(problem: str = "") -> dict[str, Any]:
    models, words = await home().models(), the_chat().words
    return await model_list.shown(models, chosen(), home().settings, words, problem)


@cl.action_callback("models")
async def change_models(action: cl.Action) -> dict[str, Any]:
    """What was pressed in the panel of models; the panel as it then is."""
    do, setting = str(action.payload.get("do")), str(action.payload.get("setting"))
    if do in choices.TIERS:
        await send_settings(await home().workspace(), {do: setting, f"{do}_other": ""})
        await home().warm(chosen())
        return await models_shown()
    return await models_shown(await (await home().models()).act(do, setting))


# --- documents


async def listed(name_contains: str = "") -> dict[str, Any]:
    library = (await home().workspace()).library
    return listing.documents(the_chat(), library.documents(), name_contains, has_keeper())


def has_keeper() -> bool:
    """Whether the library is shared, and only read here."""
    return home().settings.login != "none"


@cl.action_callback("documents")
async def change_list(action: cl.Action) -> dict[str, Any]:
    """The list by a part of the name, after one of it was removed, if one was."""
    if document_id := action.payload.get("forget"):
        async with errors_shown():
            workspace = await home().workspace()
            if upload := the_chat().forget(document_id):
                routes.discard(upload.file_id, cl.context.session)
                await resuming.forget(document_id)
            elif has_keeper():
                await cl.ErrorMessage(the_chat().words("shared_stays")).send()
            else:
                await workspace.forget(document_id)
            await send_settings(workspace)
    return await listed(str(action.payload.get("name", "")))


# --- opening one


PANELS = {"documents": ("Documents", listed), "models": ("Models", models_shown)}


@cl.on_window_message
async def window_message(message: Any) -> None:
    """The header's buttons post it (public/page.js)."""
    if message in PANELS:
        async with errors_shown():
            element, shown = PANELS[message]
            await reply.beside(the_chat().words(f"title_{message}"), element, await shown())
