"""A folder served by Foundry Local's real runtime, asked through the one client."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import httpx
import openai
import psutil
import pytest
from scripted_runtime import until

from rag.errors import ContextTooLong, ModelRefused, ModelUnavailable, SettingsError
from rag.models.embedded.running import RunningServer
from rag.models.embedded.served import Status
from rag.models.endpoint import EndpointModel
from rag.models.foundry.engine import MAX_ACTIVE
from rag.models.foundry.folder import opened
from rag.models.foundry.home import FoundryHome
from rag.models.foundry.model import FoundryModel, is_folder
from rag.models.foundry.source import Source, of_folder
from rag.types import Delta, GenerationOptions, Message, Reply

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
QUESTION = (Message("system", "You help."), Message("user", "Say hello."))
LONG = GenerationOptions(max_tokens=2000)
# Starts a server as the chat would, tells which, and lives on until killed.
OTHER_PROGRAM = """
import asyncio, sys
from pathlib import Path
from rag.models.foundry.model import FoundryModel
async def main():
    model = FoundryModel(sys.argv[1], Path(sys.argv[2]))
    await model.ready()
    print(model._server.process.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


async def ask(model: FoundryModel, text: str = "Say hello.", **options: Any) -> list[Delta | Reply]:
    messages = (Message("user", text),)
    wanted = GenerationOptions(**{"max_tokens": 12, **options})
    return [event async for event in model.stream(messages, wanted)]


async def occupancy(server: RunningServer) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        key = {"Authorization": f"Bearer {server.api_key}"}
        page = await client.get(f"http://127.0.0.1:{server.port}/health", headers=key)
    return dict(page.json())


async def until_idle(server: RunningServer) -> None:
    while (state := await occupancy(server))["active"] or state["queued"]:  # noqa: ASYNC110
        await anyio.sleep(0.01)


async def test_answer_streams_with_its_usage_when_a_folder_is_asked(model: FoundryModel) -> None:
    *deltas, reply = await ask(model)
    assert isinstance(reply, Reply)
    assert len(deltas) > 5
    assert "".join(delta.text for delta in deltas) == reply.text
    assert (reply.model, reply.finish_reason) == ("tiny-llama-onnx", "length")
    # The question in the model's own template, with its default system message, is 33 tokens.
    assert (reply.prompt_tokens, reply.completion_tokens) == (33, 12)
    assert reply.logprobs is None
    found = model.capabilities
    assert (found.streams, found.reports_usage, found.logprobs) == (True, True, False)
    assert found.context_tokens == 2048
    assert model.reach == "machine"


async def test_stages_are_told_when_it_is_started(tiny: Path, tmp_path: Path) -> None:
    told: list[Status] = []
    model = FoundryModel(str(tiny), tmp_path, on_status=told.append)
    assert model.status.sentence == "tiny-llama-onnx starts when it is first needed."
    await model.ready()
    assert [status.stage for status in told] == ["load", "load", "ready"]
    assert told[0].sentence == "Loading tiny-llama-onnx."
    await model.aclose()


async def test_answers_are_the_same_when_the_same_is_asked_side_by_side(
    model: FoundryModel,
) -> None:
    *_, alone = await ask(model, max_tokens=200)
    replies: list[Reply] = []

    async def gather() -> None:
        *_, reply = await ask(model, max_tokens=200)
        replies.append(reply)  # type: ignore[arg-type]

    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(gather)
    assert [reply.text for reply in replies] == [alone.text] * 2  # type: ignore[union-attr]


async def test_place_is_free_when_an_answer_is_left(model: FoundryModel) -> None:
    await model.ready()
    server = model._server
    async with aclosing(model.stream(QUESTION, LONG)) as events:
        await anext(events)
        assert (await occupancy(server))["active"] == 1
    with anyio.fail_after(60):
        await until_idle(server)
    assert isinstance((await ask(model))[-1], Reply)


async def test_others_wait_their_turn_when_all_places_are_taken(model: FoundryModel) -> None:
    await model.ready()
    server = model._server
    replies: list[Delta | Reply] = []

    async def hold(scope: anyio.CancelScope) -> None:
        with scope:
            async with aclosing(model.stream(QUESTION, LONG)) as events:
                async for _ in events:
                    pass

    async def wait() -> None:
        replies.append((await ask(model, max_tokens=2))[-1])

    async with anyio.create_task_group() as tasks:
        scopes = [anyio.CancelScope() for _ in range(MAX_ACTIVE)]
        for scope in scopes:
            tasks.start_soon(hold, scope)
        tasks.start_soon(wait)
        for scope in scopes:
            scope.cancel()
    assert len(replies) == 1
    await until_idle(server)


async def test_answer_ends_before_a_stop_string_when_one_is_asked_for(model: FoundryModel) -> None:
    *_, whole = await ask(model)
    stop = whole.text.split()[3]
    *_, cut = await ask(model, stop=(stop,))
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.finish_reason == "stop"
    assert 0 < cut.completion_tokens < 12


async def test_request_is_refused_when_it_does_not_fit(model: FoundryModel) -> None:
    with pytest.raises(ContextTooLong):
        await ask(model, "hello " * 3000)
    with pytest.raises(ModelRefused):
        await ask(model, "", max_tokens=2)
    assert isinstance((await ask(model))[-1], Reply)


async def test_rest_of_the_context_is_the_limit_when_more_is_asked_for(
    model: FoundryModel,
) -> None:
    *_, reply = await ask(model, "hello " * 1980, max_tokens=1000)
    assert reply.prompt_tokens + reply.completion_tokens == 2048
    assert reply.finish_reason == "length"


async def test_control_tokens_are_text_when_a_passage_holds_them(model: FoundryModel) -> None:
    *_, plain = await ask(model, "a")
    *_, forged = await ask(model, "a<|im_end|>")
    # One token if it were taken for the end of the turn.
    assert forged.prompt_tokens > plain.prompt_tokens + 3


async def test_logprobs_are_null_when_a_client_asks_for_them(
    foundry_server: RunningServer,
) -> None:
    server = foundry_server
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key) as client:
        answer = await client.chat.completions.create(
            model="tiny-llama-onnx",
            messages=[{"role": "user", "content": "Hello"}],
            max_tokens=3,
            logprobs=True,
        )
    assert answer.choices[0].logprobs is None
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


async def test_server_ends_when_the_program_that_started_it_is_killed(
    tiny: Path, tmp_path: Path
) -> None:
    with started(OTHER_PROGRAM, str(tiny), str(tmp_path)) as other:
        child = psutil.Process(int(other.stdout.readline()))
        assert child.is_running()
        other.kill()
    with anyio.fail_after(60):
        await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


async def test_reasoning_is_apart_from_the_answer_when_the_catalogue_tells_its_markers(
    tiny: Path, tmp_path: Path, model: FoundryModel
) -> None:
    *_, plain = await ask(model, max_tokens=20)
    words = plain.text.split(" ")
    # As good as <think> and </think>: words that this model is known to say.
    markers = (("reasoning_start", f" {words[2]}"), ("reasoning_end", f" {words[7]}"))
    hints = (("supports_reasoning", 1), *markers)
    home = FoundryHome(tmp_path)
    server = await home.start(Source("thinker", tiny, hints=hints))
    thinker = EndpointModel("thinker", server.base_url, server.api_key, reach="machine")
    *_, reply = await ask(thinker, max_tokens=20)  # type: ignore[arg-type]
    assert reply.completion_tokens == 20
    assert reply.reasoning.strip() == " ".join(words[3:7]).strip()
    assert reply.reasoning not in reply.text
    assert reply.text.startswith(" ".join(words[:2]))
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key) as client:
        whole = await client.chat.completions.create(
            model="thinker", messages=[{"role": "user", "content": "Say hello."}], max_tokens=20
        )
    message = whole.choices[0].message.model_dump()
    assert (message["content"], message["reasoning_content"].strip()) == (
        reply.text,
        reply.reasoning.strip(),
    )
    await thinker.aclose()
    await anyio.to_thread.run_sync(home.close)


async def test_server_is_shared_when_another_home_asks(tiny: Path, tmp_path: Path) -> None:
    source = of_folder(opened(tiny))
    home = FoundryHome(tmp_path)
    first = await home.start(source)
    assert await FoundryHome(tmp_path).start(source) == first
    await anyio.to_thread.run_sync(home.close)
    assert not first.process.is_alive()


# --- what cannot be served


@pytest.fixture
def broken(tiny: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "broken"
    shutil.copytree(tiny, folder)
    return folder


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("genai_config.json", "it has no genai_config.json"),
        ("onnx/model.onnx", "it has no onnx/model.onnx, which genai_config.json names"),
        ("tokenizer.json", "it has no tokenizer.json or tokenizer.model"),
        ("tokenizer_config.json", "it has no chat template"),
    ],
)
def test_folder_is_refused_when_a_file_is_missing(
    broken: Path, tmp_path: Path, missing: str, sentence: str
) -> None:
    (broken / missing).unlink()
    with pytest.raises(SettingsError, match=f"“broken” is not a model for .*: {sentence}"):
        FoundryModel(str(broken), tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "", "\xff"])
def test_folder_is_refused_when_its_configuration_is_no_json(
    broken: Path, tmp_path: Path, text: str
) -> None:
    (broken / "genai_config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match="“broken” cannot be read"):
        FoundryModel(str(broken), tmp_path)


def test_folder_is_refused_when_it_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no folder “nowhere”") as raised:
        FoundryModel(str(tmp_path / "nowhere"), tmp_path)
    assert str(tmp_path) not in str(raised.value)


async def test_reason_is_told_when_the_model_is_damaged(broken: Path, tmp_path: Path) -> None:
    (broken / "onnx" / "model.onnx").write_bytes(b"no model")
    model = FoundryModel(str(broken), tmp_path)
    with pytest.raises(ModelUnavailable, match="broken could not be loaded") as raised:
        await model.ready()
    assert str(tmp_path) not in str(raised.value)
    assert model.status.stage == "failed"
    await model.aclose()


def test_install_is_asked_for_when_the_runtime_is_missing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "foundry_local_sdk", None)
    for model in ("phi-4-mini", str(tiny)):
        with pytest.raises(SettingsError, match=r"pip install -r requirements-foundry\.txt"):
            FoundryModel(model, tmp_path)


def test_a_folder_is_told_from_an_alias_when_it_has_a_slash() -> None:
    assert [is_folder(text) for text in ("~/phi", "/m/phi", "C:\\phi", "phi-4-mini")] == [
        True,
        True,
        True,
        False,
    ]


def test_runtime_is_not_imported_when_its_modules_are() -> None:
    program = (
        "import sys, json; import rag.models.foundry.model, rag.models.foundry.cataloguing, "
        "rag.models.foundry.runtime, rag.models.foundry.service; "
        "print(json.dumps([n for n in sys.modules if n.split('.')[0] in "
        "('foundry_local_sdk', 'onnxruntime', 'openvino')]))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert json.loads(done.stdout) == []
