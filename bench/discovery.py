"""How long does looking for model servers take, and does it ever hold the event loop?

    python -m bench.discovery [--rounds 20] [--json]

Every round looks at all usual ports of this machine and for Foundry Local's service, as the page
does at its start, each time in a process of its own: first with nothing running, then with as many
ports that accept connections and never answer. Meanwhile a task wakes every millisecond; the
longest it was late is how long the page would have stood still. The limit holds for both: ports
that keep silent are the worst that can be met.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace

import anyio

from rag.models.discovery import Candidate, find, usual
from rag.models.foundry.service import service_address

LIMIT_S = 1.5
STALL_LIMIT_MS = 50.0
CASES = ("nothing running", "silent ports")


@dataclass(frozen=True, slots=True)
class Round:
    seconds: float
    stall_ms: float  # the longest
    found: int


async def longest_stall_ms(until: asyncio.Event) -> float:
    """How late a task that sleeps a millisecond woke at worst."""
    longest = 0.0
    while not until.is_set():
        started = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, (time.perf_counter() - started) * 1_000 - 1)
    return longest


async def one_round(places: tuple[Candidate, ...]) -> Round:
    done = asyncio.Event()
    watching = asyncio.create_task(longest_stall_ms(done))
    await asyncio.sleep(0.05)
    started = time.perf_counter()
    found = await find(places, foundry=service_address)
    seconds = time.perf_counter() - started
    done.set()
    return Round(seconds, await watching, len(found))


def silent(opened: ExitStack) -> tuple[Candidate, ...]:
    """As many places as there are usual ones, with nobody to answer."""
    places = []
    for place in usual():
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listener.getsockname()[1]
        places.append(replace(place, base_url=f"http://127.0.0.1:{port}/v1"))
    return tuple(places)


def child(case: str) -> None:
    """One round, in the process that this module was started in."""
    with ExitStack() as opened:
        places = usual() if case == "nothing running" else silent(opened)
        print(json.dumps(asdict(anyio.run(one_round, places))))  # as the page's server does


def rounds_of(case: str, count: int) -> list[Round]:
    command = [sys.executable, "-m", "bench.discovery", "--child", case]
    outputs = (
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for _ in range(count)
    )
    return [Round(**json.loads(output)) for output in outputs]


def figures(rounds: list[Round]) -> dict[str, float]:
    return {
        "median_s": statistics.median(one.seconds for one in rounds),
        "longest_s": max(one.seconds for one in rounds),
        "median_stall_ms": statistics.median(one.stall_ms for one in rounds),
        "longest_stall_ms": max(one.stall_ms for one in rounds),
        "servers": max(one.found for one in rounds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--child", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    table = {case: figures(rounds_of(case, options.rounds)) for case in CASES}
    if options.json:
        limits = {"seconds": LIMIT_S, "stall_ms": STALL_LIMIT_MS}
        print(json.dumps({"limits": limits, "rounds": options.rounds, "cases": table}))
        return
    print("| case | median s | longest s | median stall ms | longest stall ms |")
    print("|---|---|---|---|---|")
    for case, row in table.items():
        print(
            f"| {case} | {row['median_s']:.3f} | {row['longest_s']:.3f} "
            f"| {row['median_stall_ms']:.1f} | {row['longest_stall_ms']:.1f} |"
        )
    print(f"\nLimits: {LIMIT_S:g} s, {STALL_LIMIT_MS:g} ms of the event loop standing still.")
    print(f"Servers found with nothing running: {table[CASES[0]]['servers']}.")


if __name__ == "__main__":
    main()
