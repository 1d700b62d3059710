"""The embedded model server: how soon, how many together, how large, against named peers.

    python -m bench.serving [--model NAME] [--peer-python PYTHON] [--rounds 5] [--only NAME …]

``--peer-python`` is a Python in which llama-cpp-python was built (development only; without it that
line is left out). Each round gives the same new prompt to all engines in turn, and a ratio is the
median of the rounds' own, so that a busy machine disturbs them alike. The model is fetched and
converted first if need be, in the data folder of the settings.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from rag import settings
from rag.models.chat import Timeouts
from rag.models.embedded.convert import converted
from rag.models.embedded.home import EmbeddedHome
from rag.models.embedded.running import RunningServer
from rag.models.endpoint import EndpointModel
from rag.models.weights import WEIGHTS, Weights, fetch, models_folder
from rag.tokens import truncate
from rag.types import Delta, GenerationOptions, Message, Reply

ROOT = Path(__file__).parents[1]
CHATS = 8
ANSWER_TOKENS = 200
PATIENT = Timeouts(connect_s=60, first_token_s=1200, stall_s=600)
INSTRUCTIONS = "Answer from these passages, briefly, and cite them.\n\n"
QUESTIONS = ("What are these passages about?", "Which of them names a setting?")


@dataclass(frozen=True)
class Measure:
    name: str
    value: float
    target: str  # "" where none was set
    met: bool | None
    detail: dict[str, Any]


@dataclass(frozen=True)
class Turn:
    first_token_s: float
    total_s: float
    prompt_tokens: int | None
    completion_tokens: int
    text: str = ""


class Prompts:
    """Grounded prompts from our own documentation, no two with a common beginning."""

    def __init__(self) -> None:
        self._text = "\n".join(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))
        self._count = 0

    def passages(self, tokens: int) -> str:
        self._count += 1
        start = self._count * 1500 % len(self._text)
        around = (self._text[start:] + self._text) * (1 + 8 * tokens // len(self._text))
        return truncate(f"Collection {self._count}.\n{INSTRUCTIONS}{around}", tokens - 20)

    def new(self, tokens: int = 600) -> tuple[Message, ...]:
        return (Message("system", self.passages(tokens)), Message("user", QUESTIONS[0]))


class Peer:
    """bench/peers.py in a process of its own."""

    def __init__(self, python: str, engine: str, path: Path) -> None:
        script = str(Path(__file__).with_name("peers.py"))
        self._process = subprocess.Popen(
            [python, script, engine, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.load_s = json.loads(self._line())["load_s"]

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def ask(self, messages: Sequence[Message], max_tokens: int) -> Turn:
        wanted = {"messages": [asdict(m) for m in messages], "max_tokens": max_tokens}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._line())
        return Turn(told["first_token_s"], told["total_s"], None, told["tokens"], told["text"])

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


async def ask(model: EndpointModel, messages: Sequence[Message], max_tokens: int) -> Turn:
    started = time.perf_counter()
    first_s, reply = 0.0, None
    options = GenerationOptions(max_tokens=max_tokens)
    async with aclosing(model.stream(messages, options)) as events:
        async for event in events:
            if isinstance(event, Delta):
                first_s = first_s or time.perf_counter() - started
            else:
                reply = event
    assert isinstance(reply, Reply)
    total_s = time.perf_counter() - started
    return Turn(first_s, total_s, reply.prompt_tokens, reply.completion_tokens or 0, reply.text)


@dataclass(frozen=True)
class Bench:
    weights: Weights
    folder: Path
    gguf: Path
    data_dir: Path
    server: RunningServer
    model: EndpointModel
    prompts: Prompts
    rounds: int
    peer_python: str | None


# --- what is measured


async def first_token(bench: Bench) -> list[Measure]:
    """The same new prompt through the server, to the bare engine and to llama.cpp."""
    peers = {"engine": Peer(sys.executable, "openvino", bench.folder)}
    if bench.peer_python:
        peers["llama.cpp"] = Peer(bench.peer_python, "llama", bench.gguf)
    turns: dict[str, list[Turn]] = {name: [] for name in ("server", *peers)}
    for number in range(bench.rounds):
        messages = bench.prompts.new()
        for name in list(turns) if number % 2 else list(reversed(turns)):
            turns[name].append(
                await asyncio.to_thread(peers[name].ask, messages, 24)
                if name in peers
                else await ask(bench.model, messages, 24)
            )
    for peer in peers.values():
        peer.close()
    detail = {
        "prompt_tokens": turns["server"][-1].prompt_tokens,
        "first_token_s": {n: median(t.first_token_s for t in ts) for n, ts in turns.items()},
        "tokens_per_s": {n: median(map(decode_rate, ts)) for n, ts in turns.items()},
    }
    seconds = {name: [turn.first_token_s for turn in turns[name]] for name in turns}
    found = [measure("first token: server / engine", ratio(seconds, "server", "engine"), detail)]
    if "llama.cpp" in peers:
        sooner = ratio(seconds, "llama.cpp", "server")
        found.append(measure("first token: llama.cpp / server", sooner, detail, at_least=2.2))
    return found


async def follow_up(bench: Bench) -> list[Measure]:
    """A second question on the passages of the first."""
    seconds: dict[str, list[float]] = {"first": [], "second": []}
    for _ in range(bench.rounds):
        first = bench.prompts.new()
        turn = await ask(bench.model, first, 32)
        second = (*first, Message("assistant", turn.text), Message("user", QUESTIONS[1]))
        seconds["first"].append(turn.first_token_s)
        seconds["second"].append((await ask(bench.model, second, 4)).first_token_s)
    detail = {name: median(found) for name, found in seconds.items()}
    return [
        measure("follow-up / first turn", ratio(seconds, "second", "first"), detail, at_most=0.35)
    ]


async def eight_chats(bench: Bench) -> list[Measure]:
    """One chat, eight prompts read one after the other, and eight chats at once."""
    rates: dict[str, list[float]] = {"one": [], "eight": []}
    waits: dict[str, list[float]] = {"in a row": [], "at once": []}
    lengths: list[int] = []
    for _ in range(max(1, bench.rounds // 2)):
        one = await long_answer(bench)
        rates["one"].append(one.completion_tokens / one.total_s)
        alone = [await ask(bench.model, storytelling(bench), 1) for _ in range(CHATS)]
        waits["in a row"].append(sum(turn.first_token_s for turn in alone))
        turns, taken_s = await long_answers(bench)
        rates["eight"].append(sum(turn.completion_tokens for turn in turns) / taken_s)
        waits["at once"].append(max(turn.first_token_s for turn in turns))
        lengths += [turn.completion_tokens for turn in turns]
    detail = {"tokens": sorted(lengths)} | {
        name: median(found) for name, found in (*rates.items(), *waits.items())
    }
    return [
        measure("eight chats / one, tokens/s", ratio(rates, "eight", "one"), detail, at_least=1.5),
        measure(
            "last first token / eight prompts in a row",
            ratio(waits, "at once", "in a row"),
            detail,
            at_most=1.3,
        ),
    ]


async def event_loop(bench: Bench) -> list[Measure]:
    """The longest pause of this process's event loop while 3,000 tokens are read for it; beside it
    the same while they are read for another process, which is what the machine alone does."""
    peer = Peer(sys.executable, "openvino", bench.folder)
    pauses_ms: dict[str, list[float]] = {"ours": [], "machine": []}
    prompt_tokens = None
    for _ in range(max(1, bench.rounds // 2)):
        messages = bench.prompts.new(3000)
        async with ticking() as pauses:
            prompt_tokens = (await ask(bench.model, messages, 4)).prompt_tokens
        pauses_ms["ours"].append(max(pauses))
        async with ticking() as pauses:
            await asyncio.to_thread(peer.ask, messages, 4)
        pauses_ms["machine"].append(max(pauses))
    peer.close()
    detail = pauses_ms | {"prompt_tokens": prompt_tokens}
    pause_ms = median(pauses_ms["ours"])
    return [measure("event loop's longest pause, ms", pause_ms, detail, at_most=50)]


async def ready(bench: Bench) -> list[Measure]:
    """From nothing to a server that answers, its model being converted already."""
    seconds = []
    for number in range(3):
        home = EmbeddedHome(bench.data_dir / f"bench-{number}")
        started = time.perf_counter()
        await home.start(bench.weights.name, bench.folder, bench.weights.context_tokens)
        seconds.append(time.perf_counter() - started)
        await asyncio.to_thread(home.close)
    return [measure("ready, s", median(seconds), {"rounds_s": seconds}, at_most=5)]


async def memory(bench: Bench) -> list[Measure]:
    """What the server's process has taken at most in all of the above."""
    process = psutil.Process(bench.server.process.pid)
    told = process.memory_info()
    detail = {"now_gb": told.rss / 1e9}
    return [measure("peak memory, GB", peak_bytes(process) / 1e9, detail, at_most=1.5)]


MEASURES: dict[str, Callable[[Bench], Awaitable[list[Measure]]]] = {
    "ready": ready,
    "first-token": first_token,
    "follow-up": follow_up,
    "eight-chats": eight_chats,
    "event-loop": event_loop,
    "memory": memory,
}


# --- how


def measure(
    name: str,
    value: float,
    detail: dict[str, Any],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Measure:
    if at_least is not None:
        return Measure(name, value, f">= {at_least:g}", value >= at_least, detail)
    if at_most is not None:
        return Measure(name, value, f"<= {at_most:g}", value <= at_most, detail)
    return Measure(name, value, "", None, detail)


def ratio(seconds: dict[str, list[float]], over: str, under: str) -> float:
    pairs = zip(seconds[over], seconds[under], strict=True)
    return median(one / other for one, other in pairs)


def median(figures: Iterable[float]) -> float:
    return statistics.median(figures)


def decode_rate(turn: Turn) -> float:
    return (turn.completion_tokens - 1) / (turn.total_s - turn.first_token_s)


def storytelling(bench: Bench) -> tuple[Message, ...]:
    """A prompt like the others, whose answer is as long as one lets it be."""
    text = "Leave the passages aside. Write down all whole numbers from 1 to 300 in words."
    return (Message("system", bench.prompts.passages(600)), Message("user", text))


async def long_answer(bench: Bench) -> Turn:
    """One chat's; the model sometimes says a word and ends."""
    while True:
        turn = await ask(bench.model, storytelling(bench), ANSWER_TOKENS)
        if turn.completion_tokens == ANSWER_TOKENS:
            return turn


async def long_answers(bench: Bench) -> tuple[list[Turn], float]:
    """Those of eight chats at once, and the seconds they took. One or two may end early."""
    started = time.perf_counter()
    asked = (ask(bench.model, storytelling(bench), ANSWER_TOKENS) for _ in range(CHATS))
    return list(await asyncio.gather(*asked)), time.perf_counter() - started


@asynccontextmanager
async def ticking() -> AsyncIterator[list[float]]:
    """Milliseconds by which the event loop came late to a task that is due all the time."""
    late_ms = [0.0]

    async def tick() -> None:
        while True:
            due = time.perf_counter() + 0.002
            await asyncio.sleep(0.002)
            late_ms.append((time.perf_counter() - due) * 1e3)

    task = asyncio.create_task(tick())
    yield late_ms
    task.cancel()


def peak_bytes(process: psutil.Process) -> int:
    told = process.memory_info()
    if sys.platform == "win32":
        return int(told.peak_wset)
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return int(told.rss)
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


async def run(arguments: argparse.Namespace) -> list[Measure]:
    weights = WEIGHTS[arguments.model]
    data_dir = settings.load().data_dir
    models = models_folder(data_dir)
    gguf = fetch(weights, models, lambda progress: None)
    folder = converted(gguf, models, lambda progress: None)
    with tempfile.TemporaryDirectory() as scratch:
        home = EmbeddedHome(Path(scratch))
        server = await home.start(weights.name, folder, weights.context_tokens)
        model = EndpointModel(
            weights.name, server.base_url, server.api_key, timeouts=PATIENT, reach="machine"
        )
        bench = Bench(
            weights=weights,
            folder=folder,
            gguf=gguf,
            data_dir=Path(scratch),
            server=server,
            model=model,
            prompts=Prompts(),
            rounds=arguments.rounds,
            peer_python=arguments.peer_python,
        )
        await model.ready()
        try:
            return [found for name in arguments.only for found in await MEASURES[name](bench)]
        finally:
            await model.aclose()
            await asyncio.to_thread(home.close)


def report(measures: Sequence[Measure], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(found) for found in measures]))
        return
    print("| measure | value | target | met |\n|---|---|---|---|")
    for found in measures:
        met = {True: "yes", False: "NO", None: ""}[found.met]
        print(f"| {found.name} | {found.value:.3g} | {found.target} | {met} |")
    for found in measures:
        print(f"\n{found.name}: {json.dumps(found.detail)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b", choices=WEIGHTS)
    parser.add_argument("--peer-python", help="a Python that has llama-cpp-python")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=list(MEASURES), choices=MEASURES)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    measures = asyncio.run(run(arguments))
    report(measures, as_json=arguments.json)


if __name__ == "__main__":
    main()
