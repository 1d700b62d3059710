"""The processes around a real model: found, started once, reused, and gone with their parents."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import openai
import psutil
import pytest

from rag.errors import ModelUnavailable
from rag.models.embedded import running
from rag.models.embedded.home import EmbeddedHome
from rag.models.embedded.running import ProcessId, RunningServer
from rag.models.weights import Progress

ROOT = Path(__file__).parents[3]
MODEL = "smollm2-135m"
CONTEXT_TOKENS = 2048
# Starts a server as another program would, tells which, and lives on until killed.
OTHER_PROGRAM = """
import asyncio, sys, time
from pathlib import Path
from rag.models.embedded.home import EmbeddedHome
async def main():
    home = EmbeddedHome(Path(sys.argv[1]))
    server = await home.start(sys.argv[2], Path(sys.argv[3]), 2048)
    print(server.process.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def wait_until(condition: Callable[[], bool], limit_s: float = 60) -> bool:
    deadline = time.monotonic() + limit_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[EmbeddedHome]:
    home = EmbeddedHome(tmp_path)
    yield home
    home.close()


def say_hello(server: RunningServer) -> str:
    with openai.OpenAI(base_url=server.base_url, api_key=server.api_key) as client:
        answer = client.chat.completions.create(
            model=server.model, messages=[{"role": "user", "content": "Hello!"}], max_tokens=4
        )
    return answer.choices[0].message.content or ""


@pytest.mark.model
@pytest.mark.anyio
async def test_one_server_is_started_when_many_ask_at_once(
    home: EmbeddedHome, smollm: Path, tmp_path: Path
) -> None:
    servers = []
    told: list[Progress] = []

    async def start(asking: EmbeddedHome) -> None:
        servers.append(await asking.start(MODEL, smollm, CONTEXT_TOKENS, told.append))

    async with anyio.create_task_group() as tasks:
        for asking in (home, home, EmbeddedHome(tmp_path)):
            tasks.start_soon(start, asking)
    assert len(set(servers)) == 1
    assert told[0] == Progress("load", 0, 1, "steps")
    assert told[-1] == Progress("load", 1, 1, "steps")
    assert await anyio.to_thread.run_sync(say_hello, servers[0])


@pytest.mark.model
@pytest.mark.anyio
async def test_key_is_hidden_and_nothing_left_when_others_look(
    home: EmbeddedHome, smollm: Path, tmp_path: Path
) -> None:
    server = await home.start(MODEL, smollm, CONTEXT_TOKENS)
    assert home.running(MODEL) == server
    process = psutil.Process(server.process.pid)
    assert len(server.api_key) > 30
    assert not any(server.api_key in part for part in process.cmdline())
    assert server.api_key not in process.environ().values()
    listening = [c.laddr.ip for c in process.net_connections() if c.status == "LISTEN"]
    assert listening == ["127.0.0.1"]
    with pytest.raises(openai.AuthenticationError):
        await anyio.to_thread.run_sync(say_hello, dataclasses.replace(server, api_key="wrong"))
    await anyio.to_thread.run_sync(home.close)
    assert not server.process.is_alive()
    assert home.running(MODEL) is None
    assert list((tmp_path / "run").glob("*.json")) == []


@pytest.mark.model
@pytest.mark.anyio
async def test_another_is_started_when_the_server_was_killed(
    home: EmbeddedHome, smollm: Path
) -> None:
    first = await home.start(MODEL, smollm, CONTEXT_TOKENS)
    psutil.Process(first.process.pid).kill()
    assert wait_until(lambda: not first.process.is_alive())
    second = await home.start(MODEL, smollm, CONTEXT_TOKENS)
    assert second.process != first.process
    assert await anyio.to_thread.run_sync(say_hello, second)


@pytest.mark.model
@pytest.mark.anyio
async def test_server_ends_and_its_user_starts_another_when_the_owner_is_killed(
    home: EmbeddedHome, smollm: Path, tmp_path: Path
) -> None:
    with started(OTHER_PROGRAM, str(tmp_path), MODEL, str(smollm)) as other:
        pid = int(other.stdout.readline())
        shared = await home.start(MODEL, smollm, CONTEXT_TOKENS)
        assert shared.process.pid == pid
        assert shared.parent.pid == other.pid
        # It is not ours to stop.
        home.close()
        assert shared.process.is_alive()
        other.kill()
    assert wait_until(lambda: not shared.process.is_alive())
    own = await home.start(MODEL, smollm, CONTEXT_TOKENS)
    assert own.process.pid != pid
    assert own.parent == ProcessId.of(os.getpid())


@pytest.mark.model
@pytest.mark.anyio
async def test_memory_is_freed_and_the_next_starts_anew_when_a_model_is_unloaded(
    home: EmbeddedHome, smollm: Path, tmp_path: Path
) -> None:
    with started(OTHER_PROGRAM, str(tmp_path), MODEL, str(smollm)) as other:
        assert other.stdout is not None
        pid = int(other.stdout.readline())
        assert home.unload(MODEL) is True
        assert wait_until(lambda: not psutil.pid_exists(pid))
        assert home.unload(MODEL) is False
        own = await home.start(MODEL, smollm, CONTEXT_TOKENS)
        assert own.process.pid != pid
        other.kill()


@pytest.mark.model
@pytest.mark.anyio
async def test_answer_is_finished_when_the_server_is_told_to_stop(
    home: EmbeddedHome, smollm: Path, tmp_path: Path
) -> None:
    if os.name == "nt":
        pytest.skip("Windows ends a process at once")
    server = await home.start(MODEL, smollm, CONTEXT_TOKENS)
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key) as client:
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Count from one to ten."}],
            max_tokens=12,
            stream=True,
        )
        seen = [await anext(stream)]
        os.kill(server.process.pid, signal.SIGTERM)
        seen += [chunk async for chunk in stream]
    assert seen[-1].choices[0].finish_reason in {"stop", "length"}
    assert wait_until(lambda: not server.process.is_alive())
    assert list((tmp_path / "run").glob("*.json")) == []


# --- without a model


@pytest.mark.anyio
async def test_reason_is_told_when_the_model_cannot_be_loaded(
    home: EmbeddedHome, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable) as raised:
        await home.start("broken", tmp_path, CONTEXT_TOKENS)
    assert str(raised.value) == (
        "The embedded model broken did not start: "
        "The embedded model could not be loaded. Its log says why."
    )
    assert "RuntimeError" in (tmp_path / "logs" / "broken.log").read_text()
    assert home.running("broken") is None
    assert list((tmp_path / "run").glob("*.json")) == []


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.mark.parametrize("alive", [True, False], ids=["reused process number", "ended process"])
def test_server_is_forgotten_when_its_file_is_stale(
    home: EmbeddedHome, tmp_path: Path, alive: bool
) -> None:
    us = ProcessId.of(os.getpid())
    stale = ProcessId(us.pid, us.create_time - 3600) if alive else ProcessId(2**22 + 1, 0.0)
    server = RunningServer("broken", 1, "key", stale, parent=None)
    running.write(tmp_path / "run" / "broken.json", server)
    assert home.running("broken") is None
    # The model cannot be loaded, but that was tried: the file was not believed.
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        anyio.run(home.start, "broken", tmp_path, CONTEXT_TOKENS)


def test_hung_server_is_ended_when_it_does_not_answer(
    home: EmbeddedHome,
    listener: socket.socket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rag.models.embedded.home._HEALTH_S", 0.1)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as hung:
        port = listener.getsockname()[1]
        server = RunningServer("broken", port, "key", ProcessId.of(hung.pid), parent=None)
        running.write(tmp_path / "run" / "broken.json", server)
        with pytest.raises(ModelUnavailable):
            anyio.run(home.start, "broken", tmp_path, CONTEXT_TOKENS)
        assert not server.process.is_alive()


def test_nothing_happens_when_a_home_without_servers_is_closed(tmp_path: Path) -> None:
    EmbeddedHome(tmp_path / "none").close()
