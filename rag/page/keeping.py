"""The local answer kept: a model that can be told to stop, and a draft as an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from rag.answering import citations
from rag.answering.pipeline import Pipeline
from rag.errors import ModelError
from rag.models.chat import ChatModel
from rag.page.reach import Place
from rag.types import (
    Answer,
    Capabilities,
    Confidence,
    Context,
    Delta,
    Form,
    GenerationOptions,
    Message,
    Reach,
    Reply,
    Tier,
)

if TYPE_CHECKING:
    from rag.page.chat import Asked, Chat

T = TypeVar("T")
TIERS: tuple[Tier, ...] = ("slm", "llm")


class Dismissible:
    """A ChatModel that fails with ``sentence`` once it is dismissed, so that a draft stands."""

    def __init__(self, model: ChatModel, sentence: str) -> None:
        self._model, self._sentence = model, sentence
        self._dismissed = asyncio.Event()

    def dismiss(self) -> None:
        self._dismissed.set()

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def capabilities(self) -> Capabilities:
        return self._model.capabilities

    @property
    def best_passages(self) -> int | None:
        return self._model.best_passages

    @property
    def best_form(self) -> Form:
        return self._model.best_form

    @property
    def reach(self) -> Reach:
        return self._model.reach

    @property
    def address(self) -> str:
        return self._model.address

    @property
    def is_cold(self) -> bool:
        return self._model.is_cold

    @property
    def is_fetched(self) -> bool:
        return self._model.is_fetched

    def fetch(self) -> None:
        self._model.fetch()

    def learn_context(self, tokens: int) -> None:
        self._model.learn_context(tokens)

    async def ready(self) -> None:
        await self._unless_dismissed(self._model.ready())

    async def stream(
        self, messages: Sequence[Message], options: GenerationOptions
    ) -> AsyncGenerator[Delta | Reply, None]:
        async with aclosing(self._model.stream(messages, options)) as events:
            while event := await self._unless_dismissed(_next(events)):
                yield event

    async def _unless_dismissed(self, work: Coroutine[Any, Any, T]) -> T:
        """Its result. Raises ModelError, and cancels the work, as soon as this is dismissed."""
        task = asyncio.create_task(work)
        dismissed = asyncio.create_task(self._dismissed.wait())
        try:
            await asyncio.wait({task, dismissed}, return_when=asyncio.FIRST_COMPLETED)
            if self._dismissed.is_set():
                raise ModelError(self._sentence)
            return await task
        finally:
            dismissed.cancel()
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


async def _next(events: AsyncGenerator[Delta | Reply, None]) -> Delta | Reply | None:
    return await anext(events, None)


def prepared(
    asked: Asked, pipeline: Pipeline, chat: Chat
) -> tuple[Asked, Pipeline, Dismissible | None]:
    """The turn with what its models are, and a pipeline whose larger model can be dismissed."""
    has_larger = pipeline.llm is not None and pipeline.llm is not pipeline.slm
    models = {"slm": pipeline.slm, "llm": pipeline.llm}
    places = {tier: Place(model.reach, model.address) for tier in TIERS if (model := models[tier])}
    asked = replace(asked, places=places, has_larger=has_larger)
    if pipeline.llm is None or not has_larger:
        return asked, pipeline, None
    larger = Dismissible(pipeline.llm, chat.words("kept_local"))
    return asked, replace(pipeline, llm=larger), larger


def local(done: Answer, draft: str, context: Context, judged: Confidence, question: str) -> Answer:
    """The draft of a turn that went on to a larger model, as if it had stood."""
    cited = citations.resolve(draft, context, question)
    tried = [attempt for attempt in done.attempts if attempt.tier == "slm"]
    return replace(
        done,
        text=cited.text,
        route="slm",
        model=tried[0].model if tried else done.model,
        citations=cited.citations,
        confidence=judged,
        context=context,
        warnings=cited.warnings,
        unsupported=cited.unsupported,
    )
