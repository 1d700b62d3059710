"""A process of its own is told to end while it is at work."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAM = """
import asyncio, signal, sys
from rag.ending import wait_before_ending

async def main():
    ended, work = asyncio.Event(), asyncio.Event()
    signal.signal(signal.SIGTERM, lambda *_: (print("told", flush=True), ended.set()))
    async def drained():
        print("draining", flush=True)
        await work.wait()
        print("done", flush=True)
    wait_before_ending(drained)
    asyncio.get_running_loop().add_reader(sys.stdin, work.set)
    print("ready", flush=True)
    while not ended.is_set():
        await asyncio.sleep(0.01)

asyncio.run(main())
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")


def started() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "draining\n"
    return process


def test_the_server_hears_of_it_when_the_work_is_done() -> None:
    assert started().communicate("\n", timeout=60)[0] == "done\ntold\n"


def test_nothing_is_waited_for_when_it_is_told_twice() -> None:
    process = started()
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert process.stdout.readline() == "told\n"
    process.communicate(timeout=60)
