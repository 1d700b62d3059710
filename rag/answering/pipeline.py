"""From a question to a judged answer with citations: a question and an index in, events out.

It orders the stages and nothing more: every decision lies in the module a stage calls. It keeps
nothing between turns, so that one pipeline serves any number of chats.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from dataclasses import dataclass

from rag.answering import ending
from rag.answering.options import DEFAULT_OPTIONS, AnsweringOptions
from rag.answering.question import Asked
from rag.answering.turn import Consent, Turn
from rag.errors import RagError
from rag.measuring.clock import Clock
from rag.models.chat import ChatModel
from rag.retrieval.index import Index
from rag.tracing import trace_id
from rag.types import AnswerEvent, Failed, Message, Mode

__all__ = ["AnsweringOptions", "Consent", "Pipeline", "always", "never"]


Watch = Callable[[], AbstractContextManager[Callable[[AnswerEvent], None]]]


async def always(model: ChatModel) -> bool:
    return True


async def never(model: ChatModel) -> bool:
    return False


def _unwatched() -> AbstractContextManager[Callable[[AnswerEvent], None]]:
    return nullcontext(lambda event: None)


@dataclass(frozen=True, slots=True)
class Pipeline:
    slm: ChatModel
    llm: ChatModel | None = None  # one that is the small model as well counts as none
    options: AnsweringOptions = DEFAULT_OPTIONS
    now_ns: Callable[[], int] = time.perf_counter_ns
    consent: Consent = never  # asked before anything is sent to a model on another machine
    watch: Watch = _unwatched  # entered for as long as a turn runs, and told each of its events

    async def answer(
        self,
        question: str,
        *,
        index: Index,
        history: Sequence[Message] = (),
        mode: Mode = "auto",
        on_stop: Callable[[Failed], None] = lambda stopped: None,
    ) -> AsyncGenerator[AnswerEvent]:
        """Events up to ``Answered`` or ``Failed``; closing the iterator stops the model, and
        ``on_stop`` hears what it had come to, of which no event can tell any more.

        ``history`` holds earlier questions and final answers, oldest first, never a draft that was
        superseded. After another ``Retrieved`` the one before no longer counts.
        """
        turn = self._turn(question, history, mode)
        with self.watch() as note:
            async with aclosing(self._told(turn, index, on_stop)) as events:
                async for event in events:
                    note(event)
                    yield event

    async def _told(
        self, turn: Turn, index: Index, on_stop: Callable[[Failed], None]
    ) -> AsyncGenerator[AnswerEvent]:
        trace_id.set(turn.trace_id)
        try:
            await asyncio.to_thread(turn.search, index)
            while (writer := await turn.next()) is not None:
                async with aclosing(writer.events()) as events:
                    async for event in events:
                        yield event
            for event in ending.events(turn):
                yield event
        except RagError as exc:
            yield ending.broken_off(turn, exc)
        except (GeneratorExit, asyncio.CancelledError):
            on_stop(ending.stopped(turn))
            raise

    def _turn(self, question: str, history: Sequence[Message], mode: Mode) -> Turn:
        clock, asked = Clock(self.now_ns), Asked.unsearched(question, history)
        llm = self.llm if mode == "llm" or self.llm is not self.slm else None
        return Turn(asked, mode, self.options, self.slm, llm, self.consent, clock)
