"""A turn on its way to the page: the pipeline's events in, calls to a screen out.

It keeps a chat's history in step with what is shown, and knows nothing of Chainlit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from rag.page import card, keeping, markdown, signals
from rag.page.chat import Asked, Chat
from rag.page.meanwhile import meanwhile
from rag.page.passages import FindPage
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
    Retrieved,
    Tier,
)

FRAME_S = 0.05  # between two frames of a streamed answer


@dataclass
class Telling:
    """One turn while it is told. ``asked`` lacks its answer; ``earlier`` is the one it replaces."""

    chat: Chat
    turn_id: str
    asked: Asked
    find_page: FindPage
    larger: keeping.Dismissible | None = None
    earlier: Asked | None = None
    tier: Tier = "slm"  # whose model is at work
    text: str = ""  # of the answer, so far
    draft: str = ""  # that the larger model's answer replaces
    _context: Context | None = None
    _judged: Confidence | None = None
    _drafted: tuple[Context, Confidence] | None = None

    async def tell(self, events: AsyncGenerator[AnswerEvent]) -> Answer | Failed:
        """The answer, or that it was stopped or failed, which the page then says."""
        if self.earlier:
            await set_aside(self.earlier, self.chat)
        self.chat.writing, end = self, None
        try:
            async with meanwhile(self._frames()), aclosing(events):
                async for event in events:
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
                await self.asked.screen.tell(markdown.plain(sentence))
                return end
        return Failed(self.chat.words("stopped"))

    def keep_local(self) -> None:
        """Stop the larger model: the draft is the answer."""
        if self.larger and self._drafted:
            self.larger.dismiss()

    async def _frames(self) -> None:
        shown = ""
        while True:
            frame = markdown.answer(self.text)
            if frame != shown:
                await self.asked.screen.stream(frame)
                shown = frame
            await asyncio.sleep(FRAME_S)

    async def _show(self, event: AnswerEvent) -> None:
        match event:
            case Retrieved():
                self._context = event.context
                await self._search(event)
            case Delta(text=text):
                self.text += text
            case Judged(confidence=confidence):
                self._judged = confidence
            case Escalated():
                await self._escalate(event)

    async def _search(self, event: Retrieved) -> None:
        words = self.chat.words
        note = f"{words('search_query')}: {markdown.plain(event.query.text)}"
        title = card.retrieval_title(event.context, words)
        await self.asked.screen.search(title, note, card.retrieval(event, words))

    async def _escalate(self, event: Escalated) -> None:
        """The draft is folded away; the model that goes on is waited for below it."""
        words, screen = self.chat.words, self.asked.screen
        reason = signals.against(self._judged, event.reasons, words)
        self.text, self.draft, was = "", event.draft.strip(), self.tier
        if was == "slm" and self.draft and self._context and self._judged:
            self._drafted = self._context, self._judged
        self.tier, self._judged = ("llm" if was == "slm" else "slm"), None
        if self.draft:
            title = words("draft_because", reason=reason) if reason else words("draft")
            await screen.fold(title, markdown.answer(self.draft))
        can_keep = self.larger is not None and self._drafted is not None
        told = "" if self.draft else reason  # once, and above
        await screen.pending(card.pending(self.turn_id, event.model, told, can_keep, words))

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
        if self.earlier or (self.draft and not self.text):
            await screen.unfold()
        if self.earlier:
            await show(self.chat, self.turn_id, self.earlier, self.find_page)
            return False
        if not text:
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


async def keep(chat: Chat, turn_id: str, find_page: FindPage) -> None:
    """The local answer in place of the larger model's: at once, or while that is written."""
    asked = chat.turns.get(turn_id)
    if chat.writing:
        if chat.writing.turn_id == turn_id:
            chat.writing.keep_local()
    elif asked and asked.draft:
        await asked.screen.unfold()
        await set_aside(asked, chat)
        kept = replace(asked, text=asked.draft.text, answer=asked.draft, draft=None)
        await show(chat, turn_id, kept, find_page)


async def set_aside(asked: Asked, chat: Chat) -> None:
    """Fold an answer away; its citations lead nowhere any more."""
    model = asked.answer.model if asked.answer else ""
    await asked.screen.fold(chat.words("earlier_answer", model=model), markdown.answer(asked.text))
