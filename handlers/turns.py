"""A turn: a question answered, by the larger model instead, or by the small one after all."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import chainlit as cl
from chainlit.context import local_steps

from handlers import reply, resuming
from handlers.history import whose_rows
from handlers.session import (
    at_work,
    chosen,
    errors_shown,
    finder,
    home,
    in_turn,
    tell_waiting,
    the_chat,
)
from rag import types
from rag.page import keeping, reach, telling, trace
from rag.page.chat import Asked
from rag.page.meanwhile import meanwhile
from rag.page.telling import Telling

if TYPE_CHECKING:
    from rag.models.chat import ChatModel
    from rag.workspace import Workspace


async def answer(
    question: str, turn_id: str, workspace: Workspace, earlier: Asked | None = None
) -> None:
    """Answer a question; by the larger model in place of an ``earlier`` answer, if there is one."""
    async with resuming.under_way(turn_id):
        await _answer(question, turn_id, workspace, earlier)


async def _answer(question: str, turn_id: str, workspace: Workspace, earlier: Asked | None) -> None:
    chat, choice = the_chat(), chosen()
    mode: types.Mode = "llm" if earlier else choice.mode
    async with meanwhile(tell_waiting("kept")):
        await workspace.refresh()
        pipeline = await workspace.pipeline(**choice.of_pipeline(), consent=consent)
    index = chat.searched(workspace.index, choice.documents)
    screen = earlier.screen if earlier else reply.Reply()
    asked, pipeline, larger = keeping.prepared(Asked(question, "", screen, mode), pipeline, chat)
    told = Telling(
        *(chat, turn_id, asked, finder(workspace), larger, earlier), home().patience, at_work
    )
    history = chat.history(before=turn_id)
    events = pipeline.answer(question, index=index, history=history, mode=mode, on_stop=told.stop)
    end: types.Answer | types.Failed | None = None  # stopped before a word
    try:
        end = await told.tell(events)
    finally:
        await workspace.record(end or told.stopped, mode, *whose_rows())


async def consent(model: ChatModel) -> bool:
    """Whether a model that is not on this machine may be asked; asked once a chat and address."""
    chat = the_chat()
    if model.address not in chat.allowed:
        question = reach.consent(model, chat.words)
        yes, no = chat.words("consent_allow"), chat.words("consent_refuse")
        with chat.asking():
            chat.allowed[model.address] = await reply.ask(question, yes, no)
    return chat.allowed[model.address]


def begun_again(turn_id: str) -> Asked | None:
    """A turn that is shown, once more asked for: a refusal is asked anew, and what is shown stands
    below it; None for one that is not here, or while something is written."""
    chat = the_chat()
    earlier = chat.turns.get(turn_id)
    if earlier is None or chat.is_busy:
        return None
    chat.allowed = {address: True for address, allowed in chat.allowed.items() if allowed}
    local_steps.set([earlier.screen.run])  # type: ignore[attr-defined]
    return earlier


@cl.action_callback("larger")
async def ask_larger(action: cl.Action) -> None:
    """The larger model's answer in place of the one that is shown."""
    turn_id = action.payload["question"]
    workspace = await home().workspace()
    if earlier := begun_again(turn_id):
        work = answer(earlier.question, turn_id, workspace, earlier)
        reply.begin(in_turn(work), the_chat().words)


@cl.action_callback("keep")
async def keep_local(action: cl.Action) -> None:
    """The local answer in place of the larger model's."""
    async with errors_shown():
        workspace = await home().workspace()
        kept = await telling.keep(the_chat(), action.payload["question"], finder(workspace))
        if kept:
            await resuming.done(action.payload["question"])
            await workspace.record_kept(kept.trace_id)


@cl.action_callback("trace")
async def show_trace(action: cl.Action) -> dict[str, Any] | None:
    """All that is known of a turn; not by the socket, whose messages have a limit."""
    chat, turn_id = the_chat(), action.payload["question"]
    asked = chat.turns.get(turn_id) or chat.beside.get(turn_id)
    return trace.shown(asked.answer, asked.mode, chat.words) if asked and asked.answer else None


@cl.on_stop
async def stopped() -> None:
    """Chainlit says in English what the answer says itself."""
    for message in cl.chat_context.get()[-1:]:
        await message.remove()
