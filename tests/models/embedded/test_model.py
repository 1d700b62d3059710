"""The way from a name to an answer, with the slow parts replaced: nothing is fetched or loaded."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from scripted_runtime import until
from scripted_server import Scripted, ScriptedServer

from rag.errors import DownloadFailed, ModelUnavailable, SettingsError, WeightsError
from rag.models.embedded import convert
from rag.models.embedded import model as module
from rag.models.embedded.convert import CONVERTER_VERSION
from rag.models.embedded.model import EmbeddedModel, Status
from rag.models.embedded.running import ProcessId, RunningServer
from rag.models.weights import WEIGHTS, Progress
from rag.types import Delta, GenerationOptions, Message, Reply

pytestmark = pytest.mark.anyio

NAME = "smollm2-135m"
QUESTION = (Message("user", "Hello?"),)


class Steps:
    """Stands in for fetching, converting and starting, and counts them."""

    def __init__(self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fetched = 0
        self.started = 0
        self.closed = 0
        self.error: Exception | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.children: list[subprocess.Popen[bytes]] = []
        server.models[0] = {"id": NAME, "capabilities": {"logprobs": True, "streams": True}}
        self._port = urlsplit(server.base_url).port
        monkeypatch.setattr(convert, "fetch", self._fetch)
        monkeypatch.setattr(convert, "converted", self._converted)
        monkeypatch.setattr(module, "EmbeddedHome", lambda data_dir: self)

    def _fetch(
        self, weights: Any, folder: Path, on_progress: Callable[[Progress], None], stop: Any
    ) -> Path:
        self.fetched += 1
        on_progress(Progress("download", 5_000_000, 98_000_000, "bytes"))
        assert self.may_go_on.wait(60)
        if self.error:
            raise self.error
        return folder / "weights.gguf"

    def _converted(
        self, gguf: Path, folder: Path, on_progress: Callable[[Progress], None], stop: Any
    ) -> Path:
        on_progress(Progress("convert", 1, 4, "steps"))
        return folder / gguf.stem

    async def start(
        self, name: str, folder: Path, context_tokens: int, on_progress: Any
    ) -> RunningServer:
        self.started += 1
        on_progress(Progress("load", 0, 1, "steps"))
        return RunningServer(name, self._port, "key", self._process(), parent=None)

    def _process(self) -> ProcessId:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.children.append(child)
        return ProcessId.of(child.pid)

    def end_server(self) -> None:
        self.children[-1].kill()
        self.children[-1].wait()

    def close(self, name: str) -> None:
        self.closed += 1


@pytest.fixture
def steps(scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    steps = Steps(scripted_server, monkeypatch)
    yield steps
    for child in steps.children:
        child.kill()
        child.stdin.close()
        child.wait()


async def answer(model: EmbeddedModel) -> str:
    *_, reply = [event async for event in model.stream(QUESTION, GenerationOptions())]
    assert isinstance(reply, Reply)
    return reply.text


async def test_profile_is_known_when_nothing_is_prepared(steps: Steps, tmp_path: Path) -> None:
    model = EmbeddedModel(NAME, tmp_path)
    assert (model.name, model.reach) == (NAME, "machine")
    assert model.best_passages == WEIGHTS[NAME].best_passages
    assert model.capabilities.context_tokens == WEIGHTS[NAME].context_tokens
    assert model.capabilities.logprobs
    assert model.status == Status("idle", "smollm2-135m starts when it is first needed.")
    assert steps.fetched == 0


def test_name_is_refused_when_there_is_no_such_model(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"no embedded model “gpt-9”\. There are: .*smollm2-135m"
    ):
        EmbeddedModel("gpt-9", tmp_path)


async def test_each_step_is_told_when_a_question_is_the_first(steps: Steps, tmp_path: Path) -> None:
    told: list[Status] = []
    model = EmbeddedModel(NAME, tmp_path, on_status=told.append)
    assert await answer(model) == "No passage was given."
    assert told == [
        Status("download", "Fetching smollm2-135m: 5 of 98 MB.", 5_000_000, 98_000_000),
        Status("convert", "Preparing smollm2-135m for this machine, once: 25%.", 1, 4),
        Status("load", "Loading smollm2-135m.", 0, 1),
        Status("ready", "smollm2-135m is ready."),
    ]
    assert model.status == told[-1]
    await model.aclose()


async def test_it_becomes_ready_in_the_background_when_it_is_fetched(
    steps: Steps, tmp_path: Path
) -> None:
    model = EmbeddedModel(NAME, tmp_path)
    assert not model.is_fetched
    model.fetch()
    model.fetch()
    await model.ready()
    assert (steps.fetched, steps.started) == (1, 1)
    await model.aclose()


async def test_preparation_is_shared_when_many_wait(steps: Steps, tmp_path: Path) -> None:
    model = EmbeddedModel(NAME, tmp_path)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(model.ready)
    await answer(model)
    assert (steps.fetched, steps.started) == (1, 1)
    await model.aclose()


async def test_preparation_goes_on_when_its_first_waiter_leaves(
    steps: Steps, tmp_path: Path
) -> None:
    steps.may_go_on.clear()
    model = EmbeddedModel(NAME, tmp_path)
    with anyio.move_on_after(0.05):
        await model.ready()
    steps.may_go_on.set()
    await model.ready()
    assert (steps.fetched, steps.started) == (1, 1)
    await model.aclose()


async def test_all_are_told_and_the_next_tries_again_when_it_fails(
    steps: Steps, tmp_path: Path
) -> None:
    steps.error = DownloadFailed("No mirror answered.")
    model = EmbeddedModel(NAME, tmp_path)
    failures = []

    async def fail() -> None:
        with pytest.raises(DownloadFailed) as raised:
            await model.ready()
        failures.append(str(raised.value))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fail)
        tasks.start_soon(fail)
    assert failures == ["No mirror answered."] * 2
    assert model.status == Status("failed", "No mirror answered.")
    steps.error = None
    await model.ready()
    assert model.status.stage == "ready"
    await model.aclose()


async def test_no_detail_is_told_when_something_unforeseen_fails(
    steps: Steps, tmp_path: Path
) -> None:
    steps.error = KeyError("secret path")
    model = EmbeddedModel(NAME, tmp_path)
    with pytest.raises(KeyError):
        await model.ready()
    assert model.status == Status("failed", "smollm2-135m failed to start.")
    await model.aclose()


async def test_another_server_is_started_when_the_first_has_ended(
    steps: Steps, scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    model = EmbeddedModel(NAME, tmp_path)
    await answer(model)
    steps.end_server()
    await answer(model)
    assert steps.started == 2
    await model.aclose()


async def test_person_is_told_to_ask_again_when_the_server_ends_meanwhile(
    steps: Steps, scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    model = EmbeddedModel(NAME, tmp_path)
    scripted_server.script(Scripted(("Hello",), then="disconnect"))
    events = model.stream(QUESTION, GenerationOptions())
    assert await anext(events) == Delta("Hello")
    steps.end_server()
    with pytest.raises(ModelUnavailable, match=r"has ended unexpectedly\. Ask again"):
        await anext(events)
    assert await answer(model)
    assert steps.started == 2
    await model.aclose()


async def test_error_is_the_servers_own_when_it_is_still_there(
    steps: Steps, scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    model = EmbeddedModel(NAME, tmp_path)
    scripted_server.script(Scripted(("Hello",), then="disconnect"))
    with pytest.raises(ModelUnavailable, match="broke"):
        await answer(model)
    await answer(model)
    assert steps.started == 1
    await model.aclose()


async def test_preparation_is_given_up_when_closed(steps: Steps, tmp_path: Path) -> None:
    steps.may_go_on.clear()
    model = EmbeddedModel(NAME, tmp_path)
    async with anyio.create_task_group() as tasks:

        async def wait() -> None:
            with pytest.raises((WeightsError, anyio.get_cancelled_exc_class())):
                await model.ready()

        tasks.start_soon(wait)
        await until(lambda: steps.fetched == 1)
        closing = model.aclose()
        steps.may_go_on.set()
        await closing
    assert (steps.started, steps.closed) == (0, 1)


async def test_nothing_is_fetched_when_the_converted_model_is_there(
    steps: Steps, tmp_path: Path
) -> None:
    folder = tmp_path / "models" / NAME
    folder.mkdir(parents=True)
    source = {"sha256": WEIGHTS[NAME].sha256, "converter": CONVERTER_VERSION}
    (folder / "source.json").write_text(json.dumps(source))
    model = EmbeddedModel(NAME, tmp_path)
    await model.ready()
    assert (steps.fetched, steps.started) == (0, 1)
    await model.aclose()


async def test_server_is_stopped_when_closed(steps: Steps, tmp_path: Path) -> None:
    model = EmbeddedModel(NAME, tmp_path)
    await model.ready()
    await model.aclose()
    assert steps.closed == 1
