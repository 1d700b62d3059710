"""A turn on its way to the page: the pipeline's events in, calls to a screen out.

It keeps a chat's history in step with what is shown, and knows nothing of Chainlit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from rag.page import card, keeping, markdown, sentences, signals
from rag.page.chat import Asked, Chat
from rag.page.meanwhile import meanwhile
from rag.page.passages import FindPage
from rag.page.phases import Patience, Work
from rag.page.screen import Props
from rag.tokens import count_tokens
from rag.types import (
    Answer,
    Answered,
    AnswerEvent,
    Confidence,
    Context,
    Delta,
    Escalated,
    Failed,
    Judged,
    Restarted,
    Retrieved,
    Tier,
)

FRAME_S = 0.05  # between two frames of a streamed answer
ENOUGH_S = 0.5  # of writing, to say how fast it goes
THOUGHT_FRAME_S = 0.25  # of reasoning, which is folded, and may be long


@dataclass
class Thought:
    """Reasoning on its way to the page."""

    text: str = ""
    began: float = field(default_factory=time.monotonic)
    shown: str = ""
    shown_at: float = 0.0

    @property
    def is_due(self) -> bool:
        late_enough = time.monotonic() - self.shown_at >= THOUGHT_FRAME_S
        return self.text != self.shown and late_enough


@dataclass
class Telling:
    """One turn while it is told. ``asked`` lacks its answer; ``earlier`` is the one it replaces."""

    chat: Chat
    turn_id: str
    asked: Asked
    find_page: FindPage
    larger: keeping.Dismissible | None = None
    earlier: Asked | None = None
    patience: Patience = field(default_factory=Patience)
    waits_for: Callable[[Tier], str] = lambda tier: ""  # what a tier's start is at, as a line
    tier: Tier = "slm"  # whose model is at work
    text: str = ""  # of the answer, so far
    stopped: Failed = field(default_factory=lambda: Failed(""))  # what came of it, once it is
    draft: str = ""  # that the larger model's answer replaces
    _wrote: float | None = None  # since when
    _context: Context | None = None
    _judged: Confidence | None = None
    _drafted: tuple[Context, Confidence] | None = None
    _work: Work = field(init=False)
    _thought: Thought | None = None  # while it is thought
    _escalation: Props = field(default_factory=dict)  # what is said of a larger model at work
    _framed: str = ""  # of the answer, as it was last shown
    _told: tuple[object, object] = (None, {})  # of the work, as it was last shown
    _drawing: asyncio.Lock = field(default_factory=asyncio.Lock)  # the screen is one thing

    def __post_init__(self) -> None:
        self._work = Work(self.chat.pace, self.patience)

    async def tell(self, events: AsyncGenerator[AnswerEvent]) -> Answer | Failed:
        """The answer, or that it was stopped or failed, which the page then says."""
        if self.earlier:
            await set_aside(self.earlier, self.chat)
        self.chat.writing, end = self, None
        try:
            async with meanwhile(self._frames()), aclosing(events):
                async for event in events:
                    async with self._drawing:
                        await self._show(event)
                    end = event
        except asyncio.CancelledError:
            if not await self._break_off("stopped"):
                raise
        finally:
            self.chat.writing = None
        match end:
            case Answered(answer=done):
                await self._finish(done)
                return done
            case Failed(message=sentence):
                await self._break_off("cut_off")
                said = sentences.said(sentence, self.chat.words)
                await self.asked.screen.tell(markdown.plain(said))
                return end
        return self.stopped

    def stop(self, stopped: Failed) -> None:
        """Hear what the turn had come to when a person stopped it."""
        self.stopped = stopped

    @property
    def tokens_per_s(self) -> float | None:
        """Of what is being written; None before there is enough of it."""
        seconds = time.monotonic() - self._wrote if self._wrote else 0.0
        return count_tokens(self.text) / seconds if seconds >= ENOUGH_S else None

    def keep_local(self) -> None:
        """Stop the larger model: the draft is the answer."""
        if self.larger and self._drafted:
            self.larger.dismiss()

    async def _frames(self) -> None:
        while True:
            async with self._drawing:
                await self._frame()
            await asyncio.sleep(FRAME_S)

    async def _frame(self) -> None:
        frame = markdown.answer(self.text)
        if frame != self._framed:
            await self.asked.screen.stream(frame)
            self._framed = frame
        if self._thought and self._thought.is_due:
            await self._think(self._thought)
        await self._tell_work()

    async def _tell_work(self) -> None:
        """Where the card will be: the phase, and a larger model at work; only what has changed."""
        if self.chat.is_asking:
            self._work.rest()
        line = self._work.line(self.waits_for(self.tier), self.chat.words)
        told = (line and (line["key"], line["text"]), self._escalation)
        if told != self._told:
            self._told = told
            is_quiet = line is None and not self._escalation
            props = card.working(self.turn_id, line, self._escalation, self.chat.words)
            await self.asked.screen.working(None if is_quiet else props)

    async def _show(self, event: AnswerEvent) -> None:
        self._work.hear(event)
        match event:
            case Retrieved():
                self._context = event.context
                await self._search(event)
            case Delta(text=text, reasoning=reasoning):
                self._hear_thought(reasoning)
                if text:
                    await self._end_thought()
                    self.text += text
                    self._wrote = self._wrote or time.monotonic()
            case Restarted():
                await self._end_thought()
                self.text, self._wrote = "", None
            case Judged(confidence=confidence):
                await self._end_thought()
                self._judged = confidence
            case Escalated():
                await self._end_thought()
                await self._escalate(event)

    def _hear_thought(self, reasoning: str) -> None:
        if self._thought or reasoning.strip():
            self._thought = self._thought or Thought()
            self._thought.text += reasoning
            if self.text.strip() and self.text.strip() in reasoning:
                self.text = ""  # what came as the answer has proved to be thinking

    async def _think(self, thought: Thought, *, is_over: bool = False) -> None:
        if not thought.shown:
            self._told = (None, {})  # the step takes the place of what was said there
        thought.shown, thought.shown_at = thought.text, time.monotonic()
        seconds = time.monotonic() - thought.began
        words = self.chat.words
        title = words("thought", seconds=f"{seconds:.0f}") if is_over else words("thinking")
        await self.asked.screen.think(title, markdown.answer(thought.text), is_over=is_over)

    async def _end_thought(self) -> None:
        thought, self._thought = self._thought, None
        if thought:
            await self._think(thought, is_over=True)

    async def _search(self, event: Retrieved) -> None:
        words = self.chat.words
        note = f"{words('search_query')}: {markdown.plain(event.query.text)}"
        title = card.retrieval_title(event.context, words)
        await self.asked.screen.search(title, note, card.retrieval(event, words))
        self._told = (None, {})  # it may have taken the place of what was said there

    async def _escalate(self, event: Escalated) -> None:
        """The draft is folded away; the model that goes on is waited for below it."""
        words, screen = self.chat.words, self.asked.screen
        reason = signals.against(self._judged, event.reasons, words)
        self.text, self.draft, was = "", event.draft.strip(), self.tier
        self._wrote = None
        if was == "slm" and self.draft and self._context and self._judged:
            self._drafted = self._context, self._judged
        self.tier, self._judged = ("llm" if was == "slm" else "slm"), None
        if self.draft:
            title = words("draft_because", reason=reason) if reason else words("draft")
            await screen.fold(title, markdown.answer(self.draft))
            self._framed, self._told = "", (None, {})
        can_keep = self.larger is not None and self._drafted is not None
        told = "" if self.draft else reason  # once, and above
        self._escalation = card.escalation(event.model, told, can_keep, words)
        await self._tell_work()

    async def _finish(self, done: Answer) -> None:
        """Show the one answer, which may be the draft after all, and remember it."""
        draft = None
        if self.draft and done.route == "slm":
            await self.asked.screen.unfold()
        elif self._drafted:
            draft = keeping.local(done, self.draft, *self._drafted, self.asked.question)
        elif self.earlier and self.earlier.answer and self.earlier.answer.route == "slm":
            draft = self.earlier.answer
        asked = replace(self.asked, text=done.text, answer=done, draft=draft)
        await show(self.chat, self.turn_id, asked, self.find_page)

    async def _break_off(self, why: str) -> bool:
        """What had come stays, or the earlier answer comes back; False when nothing had come."""
        screen, text = self.asked.screen, self.text or self.draft
        await self._end_thought()
        if self.earlier or (self.draft and not self.text):
            await screen.unfold()
        if self.earlier:
            await show(self.chat, self.turn_id, self.earlier, self.find_page)
            return False
        if not text:
            await screen.withdraw()
            return False
        self.chat.turns[self.turn_id] = replace(self.asked, text=text)
        note = f"{markdown.answer(text)}\n\n*{self.chat.words(why)}*"
        await screen.finish(note, {"ended": why})
        return True


async def show(chat: Chat, turn_id: str, asked: Asked, find_page: FindPage) -> None:
    """Put an answer under its question, on the page and in the chat's history."""
    if asked.answer is None:
        return
    done, numbers = asked.answer, range(1, len(asked.answer.context.hits) + 1)
    chat.turns[turn_id] = asked
    props = card.turn(turn_id, asked, done, find_page, chat.words)
    text = markdown.answer(done.text, numbers, done.unsupported)
    await asked.screen.finish(text, card.metadata(done), props)


async def keep(chat: Chat, turn_id: str, find_page: FindPage) -> Answer | None:
    """The local answer in place of the larger model's, which is taken away: that, if it was whole;
    None where it was still written, and stops."""
    asked = chat.turns.get(turn_id)
    if chat.writing:
        if chat.writing.turn_id == turn_id:
            chat.writing.keep_local()
    elif asked and asked.draft:
        await asked.screen.unfold()
        await set_aside(asked, chat)
        kept = replace(asked, text=asked.draft.text, answer=asked.draft, draft=None)
        await show(chat, turn_id, kept, find_page)
        return asked.answer
    return None


async def set_aside(asked: Asked, chat: Chat) -> None:
    """Fold an answer away; its citations lead nowhere any more."""
    model = asked.answer.model if asked.answer else ""
    await asked.screen.fold(chat.words("earlier_answer", model=model), markdown.answer(asked.text))
