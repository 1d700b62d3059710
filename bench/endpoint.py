"""What the one client of every model adds to the bare ``openai`` client, and how soon a turn that
is left frees its slot.

    python -m bench.endpoint [--model NAME] [--rounds 6] [--json]

Both clients give the same prompt to the same embedded server in turn, once it has been read, so
that its first token comes soon; each is asked twice a round, in both orders. A figure is the median
of the rounds' own. The flood is a server that has all tokens ready: what a token costs each client.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import httpx2
import openai

from bench.serving import (
    PATIENT,
    ROOT,
    Measure,
    Prompts,
    Turn,
    decode_rate,
    measure,
    median,
    report,
)
from rag import settings
from rag.models.embedded.convert import converted
from rag.models.embedded.home import EmbeddedHome
from rag.models.embedded.running import RunningServer
from rag.models.endpoint import EndpointModel
from rag.models.weights import WEIGHTS, fetch, models_folder
from rag.types import Delta, GenerationOptions, Message

ANSWER_TOKENS = 64
FLOOD_TOKENS = 2000
LONG_STORY = Message("user", "Write down all whole numbers from 1 to 300 in words.")

Ask = Callable[[Sequence[Message]], Awaitable[Turn]]


@dataclass(frozen=True)
class Address:
    base_url: str
    api_key: str
    model: str


@asynccontextmanager
async def clients(address: Address, max_tokens: int) -> AsyncIterator[dict[str, Ask]]:
    """The same request by the bare client and by ours."""
    bare = openai.AsyncOpenAI(base_url=address.base_url, api_key=address.api_key, max_retries=0)
    ours = endpoint(address)
    await ours.ready()

    async def bare_turn(messages: Sequence[Message]) -> Turn:
        started, first_s, tokens = time.perf_counter(), 0.0, 0
        stream = await bare.chat.completions.create(
            model=address.model,
            messages=[asdict(message) for message in messages],  # type: ignore[misc]
            max_tokens=max_tokens,
            temperature=0.0,
            seed=0,
            logprobs=True,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                first_s = first_s or time.perf_counter() - started
                tokens += 1
        return Turn(first_s, time.perf_counter() - started, None, tokens)

    async def our_turn(messages: Sequence[Message]) -> Turn:
        # A token may have no text yet: only what can be read is counted, as for the bare client.
        started, first_s, tokens = time.perf_counter(), 0.0, 0
        options = GenerationOptions(max_tokens=max_tokens)
        async for event in ours.stream(messages, options):
            if isinstance(event, Delta) and event.text:
                first_s = first_s or time.perf_counter() - started
                tokens += 1
        return Turn(first_s, time.perf_counter() - started, None, tokens)

    yield {"bare": bare_turn, "ours": our_turn}
    await ours.aclose()
    await bare.close()


async def in_turn(asked: dict[str, Ask], messages: Sequence[Message]) -> dict[str, Turn]:
    """Each client twice, the second time in the other order, so that neither gains by its place."""
    turns: dict[str, list[Turn]] = {name: [] for name in asked}
    for name in (*asked, *reversed(asked)):
        turns[name].append(await asked[name](messages))
    return {name: together(found) for name, found in turns.items()}


def together(turns: Sequence[Turn]) -> Turn:
    first_s, total_s = (mean(turn.first_token_s for turn in turns), mean(t.total_s for t in turns))
    return Turn(first_s, total_s, None, turns[0].completion_tokens)


# --- what is measured


async def overhead(address: Address, rounds: int) -> list[Measure]:
    turns: dict[str, list[Turn]] = {"bare": [], "ours": []}
    prompts = Prompts()
    async with clients(address, ANSWER_TOKENS) as asked:
        for _ in range(rounds):
            messages = (Message("system", prompts.passages(600)), LONG_STORY)
            await asked["bare"](messages)  # read once, so that the engine's share is small
            for name, turn in (await in_turn(asked, messages)).items():
                turns[name].append(turn)
    pairs = list(zip(turns["ours"], turns["bare"], strict=True))
    later_ms = median((ours.first_token_s - bare.first_token_s) * 1000 for ours, bare in pairs)
    rate = median(decode_rate(ours) / decode_rate(bare) for ours, bare in pairs)
    detail = {
        "first_token_ms": {
            n: median(t.first_token_s * 1000 for t in ts) for n, ts in turns.items()
        },
        "tokens_per_s": {name: median(map(decode_rate, ts)) for name, ts in turns.items()},
        "answer_tokens": median(ours.completion_tokens for ours, _ in pairs),
    }
    return [
        measure("first token: ours - bare, ms", later_ms, detail, at_most=5),
        measure("tokens/s: ours / bare", rate, detail, at_least=0.97),
    ]


async def flood(rounds: int) -> list[Measure]:
    prompt = (Message("user", "[1] story\n" + "word " * FLOOD_TOKENS + "end."),)
    turns: dict[str, list[Turn]] = {"bare": [], "ours": []}
    with scripted() as address:
        async with clients(address, FLOOD_TOKENS) as asked:
            for _ in range(rounds):
                for name, turn in (await in_turn(asked, prompt)).items():
                    turns[name].append(turn)
    token_us = {name: median(1e6 / decode_rate(turn) for turn in ts) for name, ts in turns.items()}
    pairs = zip(turns["ours"], turns["bare"], strict=True)
    rate = median(decode_rate(ours) / decode_rate(bare) for ours, bare in pairs)
    detail = {"us_per_token": token_us}
    return [measure("tokens/s of a flood: ours / bare", rate, detail, at_least=0.97)]


async def leaving(address: Address, rounds: int) -> list[Measure]:
    """From closing a turn to a server that is idle: while it writes, and while it reads."""
    model, prompts = endpoint(address), Prompts()
    await model.ready()
    writing_ms, reading_ms = [], []
    async with httpx2.AsyncClient(
        base_url=address.base_url.removesuffix("/v1"),
        headers={"Authorization": f"Bearer {address.api_key}"},
    ) as health:
        for _ in range(rounds):
            messages = (Message("system", prompts.passages(600)), LONG_STORY)
            writing_ms.append(await left(model, messages, health, is_read=True))
            messages = (Message("system", prompts.passages(600)), LONG_STORY)
            reading_ms.append(await left(model, messages, health, is_read=False))
    await model.aclose()
    return [
        measure("slot free after leaving an answer, ms", median(writing_ms), {}, at_most=250),
        measure("slot free after leaving before one, ms", median(reading_ms), {}, at_most=250),
    ]


async def left(
    model: EndpointModel, messages: Sequence[Message], health: httpx2.AsyncClient, *, is_read: bool
) -> float:
    """Milliseconds from leaving until nothing is under way."""
    begun = asyncio.Event()

    async def turn() -> None:
        options = GenerationOptions(max_tokens=400)
        async with aclosing(model.stream(messages, options)) as events:
            async for event in events:
                if isinstance(event, Delta):
                    begun.set()

    task = asyncio.create_task(turn())
    if is_read:
        await begun.wait()
    await until(health, is_idle=False)
    started = time.perf_counter()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await until(health, is_idle=True)
    return (time.perf_counter() - started) * 1000


async def until(health: httpx2.AsyncClient, *, is_idle: bool) -> None:
    while True:
        told = (await health.get("/health")).json()
        if (told["active"] + told["queued"] == 0) is is_idle:
            return
        await asyncio.sleep(0.002)


# --- how


def endpoint(address: Address) -> EndpointModel:
    return EndpointModel(
        address.model, address.base_url, address.api_key, timeouts=PATIENT, reach="machine"
    )


@contextmanager
def scripted() -> Iterator[Address]:
    """A scripted server in a process of its own, with all that it says ready at once."""
    command = [sys.executable, str(ROOT / "tests" / "scripted_server.py"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield Address(server.stdout.readline().strip(), "none", "scripted-model")
        server.kill()


@asynccontextmanager
async def served(name: str) -> AsyncIterator[RunningServer]:
    weights, models = WEIGHTS[name], models_folder(settings.load().data_dir)
    folder = converted(fetch(weights, models, lambda _: None), models, lambda _: None)
    with tempfile.TemporaryDirectory() as scratch:
        home = EmbeddedHome(Path(scratch))
        try:
            yield await home.start(name, folder, weights.context_tokens)
        finally:
            await asyncio.to_thread(home.close)


async def run(name: str, rounds: int) -> list[Measure]:
    measures = await flood(rounds)
    async with served(name) as server:
        address = Address(server.base_url, server.api_key, name)
        return measures + await overhead(address, rounds) + await leaving(address, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b", choices=WEIGHTS)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    measures = asyncio.run(run(arguments.model, arguments.rounds))
    report(measures, as_json=arguments.json)


if __name__ == "__main__":
    main()
