"""Does the chat hold when many people use it at once? Over real sockets, with a scripted model.

    python -m bench.load [--people 50] [--turns 2000] [--json]

Every question carries a token that its own answer must carry, and no other; so a lost or crossed
message shows. Inside the app, and only here, a task notes how late the event loop is, and a thread
where it stands while it is late; how much of that time the loop's own thread computed tells its
share from what other programs took. Memory is the app's own, without the processes that read files.
Everybody begins a new chat twenty times: what is kept of the old ones would show in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from chatting import Person
from e2e import driving
from scripted_server import Scripted, ScriptedServer

LOOKS = 20
WARM_UP = 5  # looks at the memory that do not count
LATE_MS = 100.0
GARDEN = "The fountain in the garden holds 300 litres of water. It runs in summer.\n"
QUESTION = "How many litres of water does the fountain hold? {token}"
HOOK = """


import sys as _sys
import threading as _threading
import time as _time
import traceback as _traceback

_ticked = _time.monotonic()


async def _tick() -> None:
    global _ticked
    late = open("late.txt", "a")
    while True:
        before, worked = _time.monotonic(), _time.thread_time()
        await asyncio.sleep(0.01)
        _ticked, worked = _time.monotonic(), _time.thread_time() - worked
        if _ticked - before > 0.06:
            took_ms = 1000 * (_ticked - before - 0.01)
            print(f"{took_ms:.0f} {1000 * worked:.0f} {_ticked:.2f}", file=late, flush=True)


def _look(loop: int) -> None:
    stacks = open("stacks.txt", "a")
    while True:
        _time.sleep(0.02)
        if _time.monotonic() - _ticked > 0.07:
            frame = _sys._current_frames().get(loop)
            print(f"{_time.monotonic():.2f}", file=stacks)
            print("".join(_traceback.format_stack(frame)[-12:]), file=stacks, flush=True)


async def _start_ticking() -> None:
    await home.start()
    asyncio.get_running_loop()._ticking = asyncio.create_task(_tick())
    _threading.Thread(target=_look, args=(_threading.get_ident(),), daemon=True).start()


cl.on_app_startup(_start_ticking)
"""


@dataclass(frozen=True, slots=True)
class Load:
    people: int
    turns: int
    lost: int  # questions without their own token in the answer
    crossed: int  # answers with the token of another question
    errors: tuple[str, ...]
    median_ms: float
    slowest_ms: float
    late_ms: tuple[float, ...]  # of the event loop, over LATE_MS, in order of time
    computed_ms: tuple[float, ...]  # by its thread meanwhile
    memory_mb: tuple[float, ...]  # as the turns went on

    @property
    def growth_mb(self) -> float:
        """For 1,000 turns, after the warm-up: the slope of the line through the looks."""
        looks = self.memory_mb[WARM_UP:]
        each = self.turns / LOOKS
        slope = statistics.linear_regression([each * n for n in range(len(looks))], looks).slope
        return slope * 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--turns", type=int, default=2_000)
    parser.add_argument("--keep", type=Path, help="an empty folder for the app's copy and notes")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        load = loaded(folder, arguments.people, arguments.turns)
    report(load, as_json=arguments.json)


def loaded(scratch: Path, people: int, turns: int) -> Load:
    docs, copy = scratch / "docs", scratch / "app"
    docs.mkdir()
    copy.mkdir()
    (docs / "garden.md").write_text(GARDEN)
    with scripted() as server:
        settings = {
            "RAG_DOCS_DIR": str(docs),
            "RAG_SLM": f"{server.base_url}#scripted-model",
            "RAG_LLM": "none",
            "RAG_DISCOVERY": "false",
            "RAG_TURNS_PER_MINUTE": "0",
            "NO_PROXY": "*",
        }
        app = driving.start(copy, settings, {"app.py": HOOK})
        try:
            return asyncio.run(asked(app, people, turns))
        finally:
            driving.stop(app)


@contextmanager
def scripted() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    stop = server.start()
    server.fallback = echo
    try:
        yield server
    finally:
        stop()


def tokens(text: str) -> list[str]:
    return re.findall(r"\bq\d+x\d+x\b", text)


def echo(request: dict[str, Any]) -> Scripted:
    """An answer from the passage, with the question's token."""
    asked_for = tokens(str(request["messages"][-1]["content"]))[-1:]
    return driving.says(f"The fountain holds 300 litres of water [1]. {' '.join(asked_for)}")


async def asked(app: driving.App, people: int, turns: int) -> Load:
    process, memory_mb = psutil.Process(app.process.pid), []
    answers: dict[str, str] = {}
    took_ms: list[float] = []
    errors: list[str] = []

    async def chat(number: int, rounds: range) -> None:
        person = Person(app.url)
        await person.connect()
        await person.ready()
        for turn in rounds:
            token, begun = f"q{number}x{turn}x", time.perf_counter()
            answers[token] = await person.ask(QUESTION.format(token=token))
            took_ms.append(1000 * (time.perf_counter() - begun))
        await person.leave()
        errors.extend(person.errors)

    each = turns // people
    for look in range(LOOKS):
        rounds = range(each * look // LOOKS, each * (look + 1) // LOOKS)
        await asyncio.gather(*(chat(number, rounds) for number in range(people)))
        memory_mb.append(process.memory_info().rss / 1e6)
    found_late = late(app.folder / "late.txt")
    found = {token: tokens(text) for token, text in answers.items()}
    return Load(
        people,
        len(answers),
        lost=sum(token not in there for token, there in found.items()),
        crossed=sum(bool(set(there) - {token}) for token, there in found.items()),
        errors=tuple(errors),
        median_ms=statistics.median(took_ms),
        slowest_ms=max(took_ms),
        late_ms=tuple(wall for wall, _ in found_late),
        computed_ms=tuple(computed for _, computed in found_late),
        memory_mb=tuple(memory_mb),
    )


def late(notes: Path) -> list[tuple[float, float]]:
    """Each time the loop was late: by how much, and how much of it its thread computed; ms."""
    rows = [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []
    return [(float(wall), float(own)) for wall, own, _ in rows if float(wall) > LATE_MS]


def report(load: Load, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**asdict(load), "growth_mb": load.growth_mb}))
        return
    rows: Sequence[tuple[str, object, object]] = (
        ("people", load.people, ""),
        ("turns", load.turns, ""),
        ("lost", load.lost, 0),
        ("crossed", load.crossed, 0),
        ("errors", len(load.errors), 0),
        ("median turn, ms", f"{load.median_ms:.0f}", ""),
        ("slowest turn, ms", f"{load.slowest_ms:.0f}", ""),
        (f"event loop late by over {LATE_MS:.0f} ms, times", len(load.late_ms), 0),
        ("the latest, ms", f"{max(load.late_ms, default=0):.0f}", f"{LATE_MS:.0f}"),
        ("the most it computed meanwhile, ms", f"{max(load.computed_ms, default=0):.0f}", ""),
        ("memory at the end, MB", f"{load.memory_mb[-1]:.0f}", ""),
        ("growth for 1,000 turns, MB", f"{load.growth_mb:.1f}", ""),
    )
    print("| figure | measured | target |\n|---|---|---|")
    for name, figure, target in rows:
        print(f"| {name} | {figure} | {target} |")


if __name__ == "__main__":
    main()
