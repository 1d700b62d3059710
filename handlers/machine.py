"""This machine beside the chat: what ``doctor`` finds, and what running models take just now."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import chainlit as cl

from handlers.session import chosen, home, the_chat
from rag.errors import RagError
from rag.page import card, choices
from rag.page import machine as page_machine
from rag.page.chat import Chat
from rag.page.machine import Look, Running

if TYPE_CHECKING:
    from rag.machine import Finding
    from rag.models.chat import ChatModel
    from rag.types import Tier


async def machine_shown() -> dict[str, Any]:
    """Nothing is asked or started for it."""
    return page_machine.shown(await examined(), await running(), the_chat().words)


async def examined() -> list[Finding]:
    from rag.doctor import models  # noqa: PLC0415 (slow)
    from rag.machine import Finding, machine  # noqa: PLC0415 (slow)

    settings, roster = home().settings, (await home().workspace()).roster
    found = await asyncio.to_thread(lambda: list(machine(settings)))
    try:
        async with aclosing(models(settings, roster, asks=False)) as findings:
            async for finding in findings:
                found.append(finding)
    except RagError as exc:
        found.append(Finding("models", "problem", str(exc)))
    return found


@cl.action_callback("machine")
async def see_machine(action: cl.Action) -> Any:
    """The panel anew, or what changes in it by itself."""
    if action.payload.get("do") == "look":
        return await machine_shown()
    return page_machine.live(await running(), the_chat().words)


async def running() -> list[Running]:
    """Of this chat's models."""
    chat, roster = the_chat(), (await home().workspace()).roster
    found = []
    for tier in choices.TIERS:
        try:
            model = (await roster.resolve(tier, getattr(chosen(), tier))).model
        except RagError:  # the panel of models tells
            continue
        if model is not None:
            found.append(await asyncio.to_thread(_running, tier, model, chat))
    return found


def _running(tier: Tier, model: ChatModel, chat: Chat) -> Running:
    from rag.measuring.resources import cpu_s, memory_bytes, process_of  # noqa: PLC0415 (slow)

    process, before = process_of(model), chat.looks.get(tier)
    look = Look(time.monotonic(), cpu_s(process), memory_bytes(process)) if process else None
    if look:
        chat.looks[tier] = look
    writing = chat.writing if chat.writing and chat.writing.tier == tier else None
    speed = writing.tokens_per_s if writing else next(_speeds(chat, model.name), None)
    return Running(
        tier, model.name, model.reach, look, before, speed, is_writing=writing is not None
    )


def _speeds(chat: Chat, model: str) -> Iterator[float]:
    """Of the latest answers of a model, the latest first."""
    for asked in [*reversed(chat.turns.values()), *reversed(chat.beside.values())]:
        if asked.answer and asked.answer.model == model:
            speed = card.tokens_per_second(asked.answer)
            if speed:
                yield speed
