"""Compare: the small and the large model's answers to one question, next to each other."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import chainlit as cl

from handlers import reply
from handlers.column import Column
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
from handlers.turns import begun_again, consent
from rag import types
from rag.page import comparison
from rag.page.chat import Asked, Chat
from rag.page.meanwhile import meanwhile
from rag.page.telling import Telling

if TYPE_CHECKING:
    from rag.answering.pipeline import Pipeline
    from rag.measuring.preferences import Preference
    from rag.models.chat import ChatModel
    from rag.page.comparison import Side
    from rag.workspace import Workspace

Tell = Callable[[], Awaitable[None]]


@cl.action_callback("compare")
async def begin(action: cl.Action) -> None:
    """Both models' answers below the one that is shown, which stays."""
    turn_id = action.payload["question"]
    workspace = await home().workspace()
    if earlier := begun_again(turn_id):
        reply.begin(in_turn(compare(turn_id, earlier, workspace)), the_chat().words)


async def compare(turn_id: str, earlier: Asked, workspace: Workspace) -> None:
    """Stopped, both are; an error of one leaves the other."""
    chat, aside = the_chat(), comparison.aside(the_chat())
    with chat.occupied():
        pipeline = await prepared(workspace, aside)
        shown = comparison.sides(pipeline, turn_id, chat)
        columns = {
            side.id: Column(comparison.head(side, shown, chat.words), chat.words) for side in shown
        }
        for column in columns.values():
            await column.begin()

        def telling(side: Side) -> Tell:
            screen, places = columns[side.id], {side.tier: side.place}
            asked = Asked(earlier.question, "", screen, side.tier, places=places)
            return partial(tell, side, asked, aside, turn_id)

        try:
            tells = [telling(side) for side in comparison.in_turn(shown)]
            await one_by_one(tells, at_once=comparison.at_once(shown))
        except asyncio.CancelledError:
            for column in columns.values():
                await column.stop()
            return
    props = comparison.asked_to_choose(shown, chat)
    if props and home().settings.ledger:
        await reply.show("Preference", props)


async def prepared(workspace: Workspace, aside: Chat) -> Pipeline:
    async def consented(model: ChatModel) -> bool:
        with aside.asking():  # no time counts meanwhile
            return await consent(model)

    async with meanwhile(tell_waiting("kept")):
        await workspace.refresh()
        return await workspace.pipeline(**chosen().of_pipeline(), consent=consented)


async def tell(side: Side, asked: Asked, aside: Chat, turn_id: str) -> None:
    workspace = await home().workspace()
    told = Telling(
        aside, side.id, asked, finder(workspace),
        patience=home().patience, waits_for=at_work, tier=side.tier,
    )  # fmt: skip
    events = side.pipeline.answer(
        asked.question,
        index=aside.searched(workspace.index, chosen().documents),
        history=the_chat().history(before=turn_id),
        mode=side.tier,
    )
    end: types.Answer | types.Failed = types.Failed("")  # stopped before a word
    try:
        end = await told.tell(events)
    finally:
        await workspace.record(end, side.tier, *whose_rows())


async def one_by_one(tells: Sequence[Tell], *, at_once: bool) -> None:
    """Raises CancelledError when it is stopped, also where a turn has ended well at that."""
    if at_once:
        await asyncio.gather(*(tell() for tell in tells))
        return
    task = asyncio.current_task()
    for tell in tells:
        await tell()
        if task and task.cancelling():
            raise asyncio.CancelledError


@cl.action_callback("prefer")
async def prefer(action: cl.Action) -> str:
    """What is said once it is kept; "" when it could not be."""
    async with errors_shown():
        chat = the_chat()
        latest = comparison.preference(action.payload, chat, time.time())
        if latest and home().settings.ledger:
            kept = await asyncio.to_thread(keep, latest)
            return comparison.tally(kept, latest, chat.words)
    return ""


def keep(latest: Preference) -> tuple[Preference, ...]:
    """All that are kept, with the latest."""
    from rag.measuring.preferences import PREFERENCES, Preferences  # noqa: PLC0415 (slow)

    preferences = Preferences(home().settings.data_dir / PREFERENCES)
    preferences.add(latest)
    return preferences.all()
