"""What our own stages add before the first token, against the bare engine on the same prompt.

    python -m bench.pipeline [--model NAME] [--rounds 5] [--json]

Each question goes through the whole pipeline over ``docs/``; the very messages that it sent are
then given to the engine without any of our code (bench/peers.py). A ratio is the median of the
rounds' own. The model is fetched and converted first if need be, in the data folder.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.serving import Measure, Peer, measure, median, report
from rag.models.chat import ChatModel
from rag.models.weights import WEIGHTS, models_folder
from rag.settings import load
from rag.types import (
    Answered,
    Capabilities,
    Delta,
    Form,
    GenerationOptions,
    Latency,
    Message,
    Reach,
    Reply,
)
from rag.workspace import Workspace

DOCS = Path(__file__).parents[1] / "docs"
QUESTIONS = (
    "Which kinds of files can be read?",
    "How is a larger model chosen?",
    "Where are the downloaded models kept?",
    "What does the latency card show?",
    "How does the search treat diacritics?",
    "What happens to a scanned page?",
    "How many passages does a model get?",
)
ANSWER_TOKENS = 8


@dataclass
class Overheard:
    """A model, and what it was last asked."""

    model: ChatModel
    messages: Sequence[Message] = field(default=())

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def capabilities(self) -> Capabilities:
        return self.model.capabilities

    @property
    def best_passages(self) -> int | None:
        return self.model.best_passages

    @property
    def best_form(self) -> Form:
        return self.model.best_form

    @property
    def reach(self) -> Reach:
        return self.model.reach

    @property
    def address(self) -> str:
        return self.model.address

    @property
    def is_cold(self) -> bool:
        return self.model.is_cold

    @property
    def is_fetched(self) -> bool:
        return True

    def fetch(self) -> None:
        raise AssertionError

    def learn_context(self, tokens: int) -> None:
        self.model.learn_context(tokens)

    async def ready(self) -> None:
        await self.model.ready()

    async def stream(
        self, messages: Sequence[Message], options: GenerationOptions
    ) -> AsyncGenerator[Delta | Reply, None]:
        self.messages = messages
        async with aclosing(self.model.stream(messages, options)) as events:
            async for event in events:
                yield event


async def run(model_name: str, rounds: int) -> list[Measure]:
    settings = load(slm=f"embedded:{model_name}", llm="none", max_tokens=ANSWER_TOKENS)
    workspace = Workspace.temporary(settings, DOCS)
    await workspace.open()
    try:
        pipeline = await workspace.pipeline()
        model = Overheard(pipeline.slm)
        pipeline = replace(pipeline, slm=model)
        await model.ready()
        engine = Peer(sys.executable, "openvino", models_folder(settings.data_dir) / model_name)
        turns: list[tuple[Latency, float]] = []
        for question in QUESTIONS[: rounds + 1]:
            async with aclosing(
                pipeline.answer(question, index=workspace.index, mode="slm")
            ) as events:
                answers = [e.answer async for e in events if isinstance(e, Answered)]
            turn = await asyncio.to_thread(engine.ask, model.messages, ANSWER_TOKENS)
            turns.append((answers[0].latency, turn.first_token_s * 1e3))
        engine.close()
    finally:
        await workspace.close()
    return measures(turns[1:])  # the first turn loads what later ones share


def measures(turns: Sequence[tuple[Latency, float]]) -> list[Measure]:
    ours = [(ours.retrieve_ms or 0) + (ours.pack_ms or 0) for ours, _ in turns]
    through = [own + (ours.first_token_ms or 0) for own, (ours, _) in zip(ours, turns, strict=True)]
    engine = [engine_ms for _, engine_ms in turns]
    added = median(own / theirs for own, theirs in zip(ours, engine, strict=True))
    whole = median(all_ms / theirs for all_ms, theirs in zip(through, engine, strict=True))
    detail = {"retrieve_and_pack_ms": ours, "engine_first_token_ms": engine}
    return [
        measure("retrieve + pack / engine's first token", added, detail, at_most=0.05),
        measure("first token through the pipeline / engine's", whole, {"through_ms": through}),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b", choices=WEIGHTS)
    parser.add_argument("--rounds", type=int, default=6, choices=range(1, len(QUESTIONS)))
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    found = asyncio.run(run(arguments.model, arguments.rounds))
    report(found, as_json=arguments.json)


if __name__ == "__main__":
    main()
