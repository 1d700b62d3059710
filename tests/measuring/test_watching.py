"""Moments of a process: a real one that works, one that has gone, one that is elsewhere."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from rag.measuring.watching import Moment, moments
from rag.models.embedded.model import EmbeddedModel
from rag.models.embedded.running import ProcessId, RunningServer, write
from rag.models.endpoint import EndpointModel

# Takes 60 MB, and works until it is ended.
BUSY = "held = bytearray(60_000_000)\nprint('on', flush=True)\nwhile True: sum(range(1000))"


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


async def first(model: EmbeddedModel | EndpointModel, count: int) -> list[Moment]:
    found: list[Moment] = []
    async with aclosing(moments(model, every_s=0.2)) as watch:
        async for moment in watch:
            found.append(moment)
            if len(found) == count:
                break
    return found


@pytest.mark.anyio
async def test_memory_and_processors_are_told_while_a_model_loads(
    busy: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    server = RunningServer("smollm2-135m", 9, "key", ProcessId.of(busy.pid), None)
    write(tmp_path / "run" / "smollm2-135m.json", server)  # as a server does that begins to load
    seen = await first(EmbeddedModel("smollm2-135m", tmp_path), 4)
    assert all((moment.memory_bytes or 0) > 60_000_000 for moment in seen)
    assert seen[0].cores is None
    assert max(moment.cores or 0.0 for moment in seen) > 0
    times_ms = [moment.at_ms for moment in seen]
    assert times_ms == sorted(times_ms)
    assert times_ms[-1] >= 3 * 200


@pytest.mark.anyio
async def test_nothing_is_told_when_no_process_runs(tmp_path: Path) -> None:
    [moment] = await first(EmbeddedModel("smollm2-135m", tmp_path), 1)
    assert (moment.memory_bytes, moment.cores) == (None, None)


@pytest.mark.anyio
async def test_a_process_that_has_gone_is_no_longer_told_of_when_it_is_watched(
    busy: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    server = RunningServer("smollm2-135m", 9, "key", ProcessId.of(busy.pid), None)
    write(tmp_path / "run" / "smollm2-135m.json", server)
    async with aclosing(moments(EmbeddedModel("smollm2-135m", tmp_path), every_s=0.01)) as watch:
        assert (await anext(watch)).memory_bytes is not None
        busy.kill()
        busy.wait()
        assert (await anext(watch)).memory_bytes is None


@pytest.mark.anyio
async def test_a_server_is_seen_when_it_is_on_this_machine_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        [here] = await first(EndpointModel("m", address, reach="machine"), 1)
        [far] = await first(EndpointModel("m", address, reach="network"), 1)
    assert (here.memory_bytes or 0) > 1_000_000
    assert (far.memory_bytes, far.cores) == (None, None)
