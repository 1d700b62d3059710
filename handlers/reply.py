"""How handlers show things: plain values in, Chainlit's messages, steps, elements and widgets out.

``Reply`` is a Screen (rag/page/screen.py). Nothing here decides what is shown.
"""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import chainlit as cl
from chainlit.input_widget import MultiSelect, Select, Slider, Tab, TextInput
from chainlit.utils import utc_now

from rag.errors import RagError
from rag.page import markdown, sentences
from rag.page.choices import Field
from rag.page.phases import CALM_S
from rag.page.wording import Wording

if TYPE_CHECKING:
    from rag.documents.ingest import FileFailed, FileRead, PageRead
    from rag.page.reading import Reading
    from rag.page.screen import Props

logger = logging.getLogger("rag.page")

WIDGETS = {"select": Select, "multiselect": MultiSelect, "slider": Slider, "text": TextInput}
LOOK_S = 0.3  # between two looks at what is waited for
CONSENT_S = 3600  # as long as a chat is kept


class Reply:
    """A Screen (rag/page/screen.py) of Chainlit's messages, steps and elements."""

    def __init__(self) -> None:
        self.run = cl.context.current_run
        self.message = cl.Message("")
        self.elements: list[cl.CustomElement] = []  # of the message
        self.found: cl.Step | None = None
        self.folded: list[cl.Step] = []
        self.thought: cl.Step | None = None  # going on
        self.thoughts: list[cl.Step] = []

    def parts(self) -> dict[str, Any]:
        """Their ids, by which ``of`` finds them again."""
        return {
            "message": self.message.id,
            "found": self.found.id if self.found else "",
            "folded": [step.id for step in self.folded],
            "thoughts": [step.id for step in self.thoughts],
        }

    @classmethod
    def of(cls, parts: Mapping[str, Any], thread: Mapping[str, Any]) -> Reply:
        """One that was shown before, of a chat that is taken up again."""
        one, steps = cls(), {step["id"]: step for step in thread["steps"]}
        if message := steps.get(parts.get("message")):
            one.message = cl.Message.from_dict(message)
            one.message.persisted = True
        one.elements = _elements(parts.get("message"), thread)
        if found := steps.get(parts.get("found")):
            one.found = _step(found)
            one.found.elements = list(_elements(found["id"], thread))
        one.folded = [_step(steps[one]) for one in parts.get("folded", ()) if one in steps]
        one.thoughts = [_step(steps[one]) for one in parts.get("thoughts", ()) if one in steps]
        return one

    async def search(self, title: str, note: str, props: Props) -> None:
        table = cl.CustomElement(name="Search", props=dict(props))
        if self.found is None:
            if self.elements:  # what goes on is told already: the search belongs above that
                self.found = await self._in_place("retrieval", "search")
            else:
                self.found = cl.Step(title, "retrieval", icon="search")
        elif self.found.elements:
            table.id = self.found.elements[0].id
        self.found.name, self.found.output, self.found.elements = title, note, [table]
        async with self.found:
            pass

    async def stream(self, text: str) -> None:
        if text:
            await self.message.stream_token(text, is_sequence=True)
        else:  # what was shown does not count any more
            self.message.content = ""
            await self.message.update()

    async def fold(self, title: str, text: str) -> None:
        step = await self._in_place("tool", "archive")
        step.name, step.output, step.end = title, text, step.start
        await step.send()
        self.folded.append(step)
        self.message.content = ""

    async def unfold(self) -> None:
        await self.folded.pop().remove()

    async def think(self, title: str, text: str, *, is_over: bool) -> None:
        is_new = self.thought is None
        if self.thought is None:
            self.thought = await self._in_place("llm", "lightbulb")
            self.thoughts.append(self.thought)
        self.thought.name, self.thought.output = title, text
        if is_over:
            self.thought.end = utc_now()
        await (self.thought.send() if is_new else self.thought.update())
        if is_over:
            self.thought = None

    async def working(self, props: Props | None) -> None:
        shown = next((one for one in self.elements if one.name == "Working"), None)
        if props is None:
            await self._strip()
        elif shown:
            shown.props = dict(props)
            await shown.update()
        else:
            await self._send(cl.CustomElement(name="Working", props=dict(props)))

    async def withdraw(self) -> None:
        await self._strip()
        await self.message.remove()

    async def finish(self, text: str, metadata: Props, card: Props | None = None) -> None:
        await self._strip()
        self.message.content, self.message.metadata = text, dict(metadata)
        await self._send(*([cl.CustomElement(name="TurnCard", props=dict(card))] if card else []))

    async def tell(self, sentence: str) -> None:
        await cl.ErrorMessage(sentence).send()

    async def clear(self) -> None:
        """Take the steps away; the messages go when Chainlit rewinds the chat."""
        for step in filter(None, [self.found, *self.thoughts, *self.folded]):
            await step.remove()

    async def _send(self, *elements: cl.CustomElement) -> None:
        self.elements = list(elements)
        self.message.persisted = False  # as it is now, and under the id that it has now
        await self.message.send()
        for element in elements:
            await element.send(for_id=self.message.id)

    async def _in_place(self, kind: Literal["llm", "retrieval", "tool"], icon: str) -> cl.Step:
        """A step where the message stands, which goes on under another id below it."""
        await self._strip()
        step = cl.Step("", kind, self.message.id, self.message.parent_id, icon=icon)
        step.created_at = step.start = self.message.created_at or step.created_at
        self.message.id, self.message.streaming = str(uuid.uuid4()), False
        self.message.created_at = utc_now()  # a chat that is taken up again is in order of time
        return step

    async def _strip(self) -> None:
        for element in self.elements:
            await element.remove()
        self.elements = []


def _step(shown: Mapping[str, Any]) -> cl.Step:
    step = cl.Step(shown["name"], shown["type"], shown["id"], shown.get("parentId"))
    step.output, step.persisted = shown.get("output") or "", True
    step.metadata = dict(shown.get("metadata") or {})
    step.created_at, step.start, step.end = (
        shown.get("createdAt"), shown.get("start"), shown.get("end"),
    )  # fmt: skip
    return step


def _elements(step_id: str | None, thread: Mapping[str, Any]) -> list[cl.CustomElement]:
    return [
        cl.CustomElement(name=one["name"], props=one["props"], id=one["id"], for_id=step_id)
        for one in thread["elements"] or ()
        if one.get("forId") == step_id and one.get("type") == "custom"
    ]


async def show(element: str, props: Props, text: str = "") -> None:
    """An element as a message of its own, or under one of its own."""
    await cl.Message(text, elements=[cl.CustomElement(name=element, props=dict(props))]).send()


async def offer(panel: Mapping[str, Sequence[Field]], words: Wording) -> None:
    """The settings panel, its fields by tab."""
    await cl.ChatSettings(
        [
            Tab(tab, words(f"tab_{tab}"), [WIDGETS[one.kind](**one.arguments) for one in fields])
            for tab, fields in panel.items()
        ]
    ).send()


async def beside(title: str, element: str, props: Props) -> None:
    """An element beside the chat; ElementSidebar would leave it in the chat, too."""
    panel = cl.CustomElement(name=element, props=dict(props), display="side")
    emit = cl.context.emitter.emit
    await emit("set_sidebar_title", title)
    await emit("set_sidebar_elements", {"elements": [panel.to_dict()], "key": panel.id})


@asynccontextmanager
async def errors_shown(words: Wording) -> AsyncIterator[None]:
    """Our errors as their sentence; any other as a general one that the log explains."""
    try:
        yield
    except asyncio.CancelledError:  # by the stop button
        await cl.Message(f"*{words('stopped')}*").send()
    except RagError as exc:
        await cl.ErrorMessage(markdown.plain(sentences.said(str(exc), words))).send()
    except Exception:
        trace = uuid.uuid4().hex[:8]
        logger.exception("trace %s", trace)
        await cl.ErrorMessage(words("unexpected", trace=trace)).send()


async def follow(
    reading: Reading,
    events: AsyncIterator[PageRead | FileRead | FileFailed],
    library_ids: Collection[str],
) -> None:
    """Show files while they are read."""
    async with cl.Step(reading.title(), "tool", icon="files", default_open=True) as step:
        async for step.name, step.output in reading.frames(events, library_ids):
            await step.update()
    if reading.failures:
        await cl.ErrorMessage("\n\n".join(reading.failures)).send()


def begin(work: Coroutine[Any, Any, None], words: Wording) -> None:
    """Work as if for a new message: the page shows that it goes on, and can stop it."""

    async def working() -> None:
        await cl.context.emitter.task_start()
        try:
            async with errors_shown(words):
                await work
        finally:
            await cl.context.emitter.task_end()

    cl.context.session.current_task = asyncio.create_task(working())


async def tell_line(line: Callable[[], str]) -> None:
    """Show ``line`` for as long as it says something, until this is cancelled."""
    await asyncio.sleep(CALM_S)
    step, run = cl.Step("", icon="hourglass"), cl.context.current_run
    step.parent_id = run.id if run else None
    try:
        while True:
            name = line()
            if name != step.name:
                change = step.update if name and step.name else step.send if name else step.remove
                step.name = name
                await change()
            await asyncio.sleep(LOOK_S)
    finally:
        await step.remove()


async def ask(question: str, yes: str, no: str) -> bool:
    """Two buttons under a question that goes away once one is pressed; no answer means no."""
    choices = [cl.Action("ask", {"is_yes": label == yes}, label) for label in (yes, no)]
    asked = cl.AskActionMessage(question, choices, timeout=CONSENT_S)
    try:
        pressed = await asked.send()
    finally:
        await asked.remove()
    return pressed is not None and bool(pressed["payload"]["is_yes"])
