"""One loop for every comparison: who is asked what in; what came of it out, a turn after the other.

Models take turns, in an order that changes with the seed, so that a busy minute or a warm processor
favours nobody. It knows nothing of files, statistics or what the prompts mean.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from rag.errors import RagError
from rag.measuring.samples import Cell, Plan, Prompt, Resources, Sample
from rag.models.chat import ChatModel
from rag.tokens import count_tokens
from rag.types import GenerationOptions, Message, Reply

_NS_PER_MS = 1_000_000


class Meter(Protocol):
    """Looks at the process that infers while one request runs."""

    def start(self) -> None: ...

    def stop(self) -> Resources: ...


MeterOf = Callable[[str, ChatModel], Meter | None]  # by a model's name in the plan
Turn = TypeVar("Turn")
Result = TypeVar("Result")


def nobody_looks(name: str, model: ChatModel) -> Meter | None:
    return None


def cells(plan: Plan) -> list[Cell]:
    """Everything that is to be asked, in order: the warm-ups first, then round by round."""
    warmups = [Cell(1, 0, plan.prompts[0].id, model) for model in plan.models]
    shuffled = random.Random(plan.seed)  # noqa: S311 (no secret)
    found = []
    for at_once in plan.at_once:
        for round_ in range(1, plan.rounds + 1):
            for prompt in plan.prompts:
                order = shuffled.sample(plan.models, len(plan.models))
                found += [Cell(at_once, round_, prompt.id, model) for model in order]
    return [*warmups, *found]


def staggered(runs: int, questions: int, seed: int = 0) -> list[tuple[int, int]]:
    """Every run is put every question: pairs of their positions, for ``taken``.

    Runs take turns, each with another question, so that no server answers a run from what it
    remembers of the run before.

    >>> [sorted(turn) for turn in (staggered(2, 4)[:2], staggered(2, 4)[2:4])]
    [[(0, 0), (1, 2)], [(0, 1), (1, 3)]]
    """
    shuffled = random.Random(seed)  # noqa: S311 (no secret)
    return [
        (run, (at + run * questions // runs) % questions)
        for at in range(questions)
        for run in shuffled.sample(range(runs), runs)
    ]


async def taken(
    turns: Iterable[Turn], take: Callable[[Turn], Awaitable[Result]]
) -> AsyncGenerator[Result]:
    """What came of each turn, as it ends; nothing runs beside it."""
    for turn in turns:
        yield await take(turn)


@dataclass(frozen=True, slots=True)
class Experiment:
    plan: Plan
    models: Mapping[str, ChatModel]  # by their names in the plan
    meter_of: MeterOf = nobody_looks
    now_ns: Callable[[], int] = time.perf_counter_ns

    def run(self, done: Collection[Cell] = ()) -> AsyncGenerator[Sequence[Sample]]:
        """The samples of each cell that is not ``done``, as it ends; a failure is a sample too.

        A model is warmed up in every run, whatever was done before.
        """
        return taken(
            [cell for cell in cells(self.plan) if cell not in done or not cell.round], self._asked
        )

    async def _asked(self, cell: Cell) -> Sequence[Sample]:
        [prompt] = [prompt for prompt in self.plan.prompts if prompt.id == cell.prompt]
        is_cold = self.models[cell.model].is_cold
        load_ms = await self._loaded_ms(cell) if cell.round == 0 else None
        asked = [self._sampled(Sample(cell, one), prompt) for one in range(cell.at_once)]
        samples = await asyncio.gather(*asked)
        return [replace(sample, load_ms=load_ms, is_cold=is_cold) for sample in samples]

    async def _loaded_ms(self, cell: Cell) -> float | None:
        """How long until it can be asked; None when it cannot, which asking it will tell."""
        started = self.now_ns()
        try:
            await self.models[cell.model].ready()
        except RagError:
            return None
        return (self.now_ns() - started) / _NS_PER_MS

    async def _sampled(self, sample: Sample, prompt: Prompt) -> Sample:
        plan, cell = self.plan, sample.cell
        model = self.models[cell.model]
        mark = plan.mark or ("" if cell.round else "warm-up")  # else it would be remembered
        messages = marked(prompt.messages, mark, sample) if mark else prompt.messages
        options = GenerationOptions(
            prompt.max_tokens, plan.temperature, plan.seed, is_streamed=plan.is_streamed
        )
        meter = self.meter_of(cell.model, model) if cell.at_once == 1 else None
        if meter:
            meter.start()
        try:
            sample = await _timed(sample, messages, options, model, self.now_ns)
        except RagError as exc:
            sample = replace(sample, error=str(exc))
        return replace(sample, resources=meter.stop()) if meter else sample


async def _timed(
    sample: Sample,
    messages: Sequence[Message],
    options: GenerationOptions,
    model: ChatModel,
    now_ns: Callable[[], int],
) -> Sample:
    pieces_ms: list[float] = []
    reply: Reply | None = None
    started = now_ns()
    async with aclosing(model.stream(messages, options)) as events:
        async for event in events:
            if isinstance(event, Reply):
                reply = event
            elif event.text or event.reasoning:
                pieces_ms.append((now_ns() - started) / _NS_PER_MS)
    total_ms = (now_ns() - started) / _NS_PER_MS
    if reply is None:
        raise RuntimeError("A model's stream ended without its reply.")
    return replace(
        _counted(sample, messages, reply),
        first_token_ms=pieces_ms[0] if pieces_ms else None,
        total_ms=total_ms,
        pieces_ms=tuple(pieces_ms),
    )


def _counted(sample: Sample, messages: Sequence[Message], reply: Reply) -> Sample:
    """The server's own counts, or else our estimate."""
    prompt_tokens, completion_tokens = reply.prompt_tokens, reply.completion_tokens
    is_estimated = prompt_tokens is None or completion_tokens is None
    if prompt_tokens is None or completion_tokens is None:
        prompt_tokens = sum(count_tokens(message.content) for message in messages)
        completion_tokens = count_tokens(reply.reasoning + reply.text)
    return replace(
        sample,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        is_estimated=is_estimated,
        finish_reason=reply.finish_reason,
        text=reply.text,
        reasoning=reply.reasoning,
    )


def marked(messages: Sequence[Message], mark: str, sample: Sample) -> tuple[Message, ...]:
    """The same for every model, and begun like no other request.

    >>> marked([Message("user", "Hi")], "A", Sample(Cell(2, 3, "p", "m"), 1))[0].content
    'Request A-2-3-p-1.\\n\\nHi'
    """
    first, *rest = messages
    cell = sample.cell
    number = f"{mark}-{cell.at_once}-{cell.round}-{cell.prompt}-{sample.number}"
    return (replace(first, content=f"Request {number}.\n\n{first.content}"), *rest)
