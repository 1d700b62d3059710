"""A briefing on documents, as a command of the chat."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import chainlit as cl

from handlers import reply
from handlers.history import whose_rows
from handlers.session import chosen, finder, tell_waiting, the_chat
from handlers.turns import consent
from rag.page.meanwhile import meanwhile
from rag.page.reach import Place
from rag.settings import words_of

if TYPE_CHECKING:
    from rag.answering.briefs import Briefing, Subject
    from rag.answering.pipeline import Pipeline
    from rag.types import Chunk
    from rag.workspace import Workspace

_ALL = 100_000  # passages of a document


async def offer() -> None:
    words = the_chat().words
    await cl.context.emitter.set_commands(
        [
            {
                "id": words("briefing"),
                "description": words("briefing_help"),
                "icon": "scroll-text",
                "button": True,
                "persistent": False,
                "selected": False,
            }
        ]
    )


def is_asked_for(message: cl.Message) -> bool:
    return message.command == the_chat().words("briefing")


async def brief(message: cl.Message, workspace: Workspace) -> None:
    """On the documents a person has chosen, or dropped; the message may name topics."""
    from rag.page import briefed  # noqa: PLC0415 (slow)

    chat, choice = the_chat(), chosen()
    subjects = briefed.subjects(chat, workspace.library.documents(), choice)
    if problem := briefed.problem(subjects, chat.words):
        await cl.Message(problem).send()
        return
    topics = words_of(message.content)
    if not message.content:  # without a first text the page shows no stop button
        await cl.context.emitter.init_thread(chat.words("briefing"))
    with chat.occupied():
        async with meanwhile(tell_waiting("waiting")):
            await workspace.refresh()
            pipeline = await workspace.pipeline(**choice.of_pipeline(), consent=consent)
            if choice.mode == "refine":
                options = replace(pipeline.options, refine_topics=topics)
                pipeline = replace(pipeline, options=options)
            made = await run(pipeline, subjects, topics, workspace)
    if made.sections:
        await show(message.id, made, subjects, pipeline, workspace)


async def run(
    pipeline: Pipeline, subjects: Sequence[Subject], topics: Sequence[str], workspace: Workspace
) -> Briefing:
    """As far as it came, if it is stopped."""
    from rag.answering.briefing import brief as events_of  # noqa: PLC0415 (slow)
    from rag.answering.briefs import Briefed, Briefing, SectionDone, Turned  # noqa: PLC0415 (slow)
    from rag.page import briefed  # noqa: PLC0415 (slow)

    chat, made = the_chat(), Briefing()
    index = chat.searched(workspace.index, [one.id for one in subjects])
    events = events_of(pipeline, index, subjects, topics, passages_of=passages_of(workspace))
    progress = briefed.Progress(subjects, chat.words)
    step = cl.Step(progress.title, "tool", icon="scroll-text", default_open=True)
    async with step:
        try:
            async with aclosing(events):
                async for event in events:
                    progress.hear(event)
                    step.name, step.output = progress.title, progress.lines
                    await step.update()
                    if isinstance(event, Turned):
                        await workspace.record(event.end, event.mode, *whose_rows())
                    elif isinstance(event, SectionDone | Briefed):
                        made = event.briefing
        except asyncio.CancelledError:  # by the stop button
            step.name = briefed.named(subjects, chat.words)
            if not made.sections:
                raise
    return made


async def show(
    briefing_id: str,
    briefing: Briefing,
    subjects: Sequence[Subject],
    pipeline: Pipeline,
    workspace: Workspace,
) -> None:
    from rag.page import briefed  # noqa: PLC0415 (slow)

    chat, found = the_chat(), passages_of(workspace)
    chunks = await asyncio.to_thread(
        lambda: {chunk.id: chunk for one in subjects for chunk in found(one.id)}
    )
    models = [model for model in (pipeline.slm, pipeline.llm) if model]
    places = {model.name: Place(model.reach, model.address) for model in models}
    made = briefed.Made(briefing_id, briefing, chunks, places)
    text, props = briefed.result(made, finder(workspace), chat.words)
    chat.briefings[briefing_id] = briefing
    await reply.show("TurnCard", props, text)


def passages_of(workspace: Workspace) -> Callable[[str], Iterable[Chunk]]:
    """By a document's id, in order."""
    chat = the_chat()

    def found(document_id: str) -> Iterable[Chunk]:
        if document_id in chat.uploads and chat.index:
            return chat.index.openings(_ALL, {document_id})
        return workspace.library.chunks(document_id)

    return found


@cl.action_callback("download")
async def download(action: cl.Action) -> str:
    """The whole briefing as Markdown."""
    from rag.measuring.reports.briefing_text import markdown  # noqa: PLC0415 (slow)

    made = the_chat().briefings.get(str(action.payload.get("question")))
    return markdown(made, the_chat().words("briefing")) if made else ""
