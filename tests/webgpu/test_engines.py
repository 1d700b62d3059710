"""Models that really run in a tab: llama.cpp and ONNX Runtime, on WebAssembly and on WebGPU.

SwiftShader stands in for a GPU; it has no ``shader-f16`` and takes seconds a token, so WebGPU is
tried with a model of 13 MB whose weights are random.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from servers.engines import MODEL
from webgpu.running import SMOL_MODEL, TINY, TINY_MODEL, EnginePage
from webgpu.serving import BUILT

from rag.models.weights import WEIGHTS, fetch

pytestmark = pytest.mark.browser

HEADERS = json.loads((BUILT / "policy.json").read_text())["headers"]
PASSAGES = (
    "[1] The pump of the north station holds 40 litres of coolant, serviced every two years.\n"
    "[2] The pump of the south station holds 65 litres of coolant, serviced every spring."
)
Start = Callable[..., EnginePage]


def asking(question: str, passages: str = PASSAGES) -> list[dict[str, str]]:
    return [{"role": "system", "content": passages}, {"role": "user", "content": question}]


HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def smol(request: pytest.FixtureRequest) -> Path:
    models = request.config.cache.mkdir("models")
    return fetch(WEIGHTS[MODEL], models, lambda progress: None)


@pytest.fixture(scope="module")
def start(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Opens an empty page beside the built one, and an engine on it."""
    blank = tmp_path_factory.mktemp("blank") / "blank.html"
    blank.write_text("<!doctype html><title>Blank</title><link rel=icon href=data:,>")
    contexts: list[Any] = []

    def open_one(browser: Browser, headers: dict[str, str] = HEADERS, **files: Path) -> EnginePage:
        more = {"/blank": blank, "/tiny": TINY} | {f"/{name}": file for name, file in files.items()}
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.goto(serve(more, headers) + "/blank")
        opened = EnginePage(page)
        opened.start()
        return opened

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def smol_page(browser: Browser, start: Start, smol: Path) -> EnginePage:
    """SmolLM2 on WebAssembly, loaded."""
    opened = start(browser, smol=smol)
    opened.put("smol", {"model.gguf": "/smol"})
    opened.load(SMOL_MODEL)
    return opened


@pytest.fixture(scope="module")
def tiny_page(browser: Browser, start: Start) -> EnginePage:
    """The model of random weights on WebAssembly, loaded."""
    opened = start(browser)
    opened.put_tiny()
    opened.load(TINY_MODEL)
    return opened


# --- ONNX Runtime ------------------------------------------------------------------------


def test_tokens_equal_those_on_wasm_when_they_are_computed_on_webgpu(
    gpu_browser: Browser, start: Start, tiny_page: EnginePage
) -> None:
    gpu_page = start(gpu_browser)
    gpu_page.put_tiny()
    gpu_page.load(TINY_MODEL)

    for prompt in (HELLO, [{"role": "user", "content": "Help"}]):  # the second cuts the cache
        on_gpu, on_wasm = gpu_page.ask(prompt, 4), tiny_page.ask(prompt, 4)

        assert on_gpu["text"] == on_wasm["text"]
        assert on_gpu["completionTokens"] == on_wasm["completionTokens"] == 4
        assert on_gpu["cachedTokens"] == on_wasm["cachedTokens"]
        assert (on_gpu["backend"], on_wasm["backend"]) == ("webgpu", "wasm")
        assert on_gpu["dispatches"] > 0
        assert on_wasm["dispatches"] is None
    assert on_gpu["cachedTokens"] > 0


def test_an_answer_is_the_same_when_its_prompt_was_partly_kept(
    start: Start, browser: Browser, tiny_page: EnginePage
) -> None:
    tiny_page.ask(asking("Which pump is larger?"), 4)
    warm = tiny_page.ask(asking("When is the north pump serviced?"), 8)
    tiny_page.ask(HELLO, 1)
    cold_page = start(browser)
    cold_page.put_tiny()
    cold_page.load(TINY_MODEL)
    cold = cold_page.ask(asking("When is the north pump serviced?"), 8)

    assert warm["cachedTokens"] > 40
    assert cold["cachedTokens"] == 0
    assert warm["text"] == cold["text"]


def test_writing_ends_when_the_first_token_is_enough(tiny_page: EnginePage) -> None:
    reply = tiny_page.ask(HELLO, 500, stop_after=1)

    assert reply["finishReason"] == "cancelled"
    assert 1 <= reply["completionTokens"] < 5
    assert reply["text"] == "".join(reply["pieces"])


def test_the_gpu_going_away_is_told_when_it_happens_in_the_middle(
    gpu_browser: Browser, start: Start
) -> None:
    opened = start(gpu_browser)
    opened.put_tiny()
    opened.load(TINY_MODEL)
    page = opened.page
    page.evaluate(
        """(hello) => {
          globalThis.told = failure(
            engine.generate(hello, { maxTokens: 500, temperature: 0 }, () => {
              globalThis.hasBegun = true;
            }, new AbortController().signal),
          );
        }""",
        HELLO,
    )
    page.wait_for_function("() => globalThis.hasBegun")
    tell = gpu_browser.new_browser_cdp_session()
    for process in tell.send("SystemInfo.getProcessInfo")["processInfo"]:
        if process["type"] == "GPU":
            os.kill(process["id"], signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)

    assert page.evaluate("() => told")["code"] == "adapter-lost"
    assert opened.failure("(hello) => engine.prefill(hello)", HELLO) == "not-loaded"
    opened.load(TINY_MODEL)
    assert opened.ask(HELLO, 1)["completionTokens"] == 1


def test_a_model_of_halves_is_refused_when_the_adapter_has_none(tiny_page: EnginePage) -> None:
    needy = TINY_MODEL | {"needs": ["webgpu", "shader-f16"]}

    code = tiny_page.failure("(model) => new WorkerEngine().load(model, () => {})", needy)

    assert code == "no-webgpu"


# --- llama.cpp ---------------------------------------------------------------------------


def test_text_is_streamed_when_a_real_model_answers(smol_page: EnginePage) -> None:
    reply = smol_page.ask(asking("How much does the pump of the north station hold?"), 12)

    assert "40 litres" in reply["text"]
    assert "<|" not in reply["text"]
    assert len(reply["pieces"]) > 5
    assert "".join(reply["pieces"]) == reply["text"]
    assert (reply["backend"], reply["dispatches"]) == ("wasm", None)
    assert reply["firstTokenMs"] > 0
    assert reply["generateMs"] > 0


def test_passages_are_not_read_again_when_a_second_question_follows(smol_page: EnginePage) -> None:
    smol_page.ask(asking("Which pump is larger?"), 1)

    reply = smol_page.ask(asking("Which is serviced in spring?"), 1)

    assert reply["promptTokens"] - reply["cachedTokens"] < 20
    assert reply["finishReason"] == "length"
    assert reply["completionTokens"] == 1


def test_a_prompt_is_not_read_again_when_it_was_read_ahead(smol_page: EnginePage) -> None:
    smol_page.page.evaluate("(prompt) => engine.prefill(prompt)", asking("Which one is blue?"))

    reply = smol_page.ask(asking("Which one is blue?"), 1)

    assert reply["promptTokens"] - reply["cachedTokens"] <= 4


def test_reading_ahead_gives_way_when_a_question_comes(smol_page: EnginePage) -> None:
    ahead = asking("Not yet.", passages=" ".join(f"{n} sheep" for n in range(200)))

    reply = smol_page.page.evaluate(
        """async ([ahead, question]) => {
          const reading = engine.prefill(ahead);
          const reply = await ask(question, 1);
          await reading;
          return reply;
        }""",
        [ahead, HELLO],
    )

    assert reply["completionTokens"] == 1


def test_reading_ends_when_it_is_stopped(smol_page: EnginePage) -> None:
    long = asking("How many?", passages=" ".join(f"{n} goats" for n in range(200)))

    reply = smol_page.page.evaluate(
        "(long) => ask(long, 20, null, (controller) => setTimeout(() => controller.abort(), 300))",
        long,
    )

    assert (reply["finishReason"], reply["text"]) == ("cancelled", "")
    assert smol_page.ask(HELLO, 2)["completionTokens"] == 2  # what it left behind is of use


def test_writing_ends_when_it_is_stopped(smol_page: EnginePage) -> None:
    reply = smol_page.ask([{"role": "user", "content": "Tell a story."}], 300, stop_after=2)

    assert reply["finishReason"] == "cancelled"
    assert reply["completionTokens"] < 10


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("Hello world", 2)])
def test_tokens_are_counted_when_nothing_is_computed(
    smol_page: EnginePage, text: str, tokens: int
) -> None:
    smol_page.ask(HELLO, 1)

    assert smol_page.page.evaluate("(text) => engine.countTokens(text)", text) == tokens
    assert smol_page.ask(HELLO, 1)["cachedTokens"] > 0  # still kept


def test_a_prompt_is_refused_when_the_context_is_too_small(
    smol_page: EnginePage, tiny_page: EnginePage
) -> None:
    long = asking("How many?", passages=" ".join(f"{n} goats" for n in range(600)))

    for opened in (smol_page, tiny_page):
        assert opened.failure("(long) => ask(long, 1)", long) == "context-full"


@pytest.mark.parametrize("begins_right", [False, True])
def test_a_model_is_refused_when_its_file_is_broken(
    browser: Browser, start: Start, smol: Path, tmp_path: Path, begins_right: bool
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(smol.read_bytes()[: 5 << 20] if begins_right else b"<!doctype html>")
    opened = start(browser, broken=broken)
    opened.put("smol", {"model.gguf": "/broken"})

    assert opened.failure("(model) => engine.load(model, () => {})", SMOL_MODEL) == "bad-model"


def test_llama_is_shown_on_the_processor_when_the_adapter_has_no_halves(
    gpu_browser: Browser, start: Start, smol: Path
) -> None:
    opened = start(gpu_browser, smol=smol)
    opened.put("smol", {"model.gguf": "/smol"})
    opened.load(SMOL_MODEL | {"needs": ["webgpu"]})

    reply = opened.ask(HELLO, 2)

    assert (reply["backend"], reply["dispatches"]) == ("wasm", 0)


def test_a_model_runs_on_one_thread_when_the_host_sends_no_headers(
    browser: Browser, start: Start, smol: Path
) -> None:
    opened = start(browser, headers={}, smol=smol)
    device = opened.page.evaluate("() => probeDevice()")
    opened.put("smol", {"model.gguf": "/smol"})
    opened.load(SMOL_MODEL)

    assert (device["adapter"], device["hasThreads"], device["threads"]) == (None, False, 1)
    assert opened.ask(HELLO, 2)["completionTokens"] == 2


def test_a_model_runs_when_it_is_large_and_there_is_one_thread(
    browser: Browser, start: Start, smol: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.gguf"
    shutil.copyfile(smol, large)
    os.truncate(large, 300 << 20)  # with nothing behind its weights: only its size is looked at
    opened = start(browser, headers={}, large=large)
    opened.put("smol", {"model.gguf": "/large"})
    opened.load(SMOL_MODEL)

    assert opened.ask(HELLO, 2)["completionTokens"] == 2


def test_llama_runs_when_the_browser_cannot_suspend_webassembly(
    browser: Browser, start: Start, smol: Path, tmp_path: Path
) -> None:
    without, older = tmp_path / "without.js", tmp_path / "older.js"
    without.write_text("delete WebAssembly.Suspending;")
    older.write_text("import '/without.js'; import '/engine.js';")
    files = {"smol": smol, "without.js": without, "older.js": older}
    opened = start(browser, **files)
    asked: list[str] = []
    opened.page.context.on("request", lambda request: asked.append(request.url))
    opened.put("smol", {"model.gguf": "/smol"})
    opened.page.evaluate(
        "() => { engine = new WorkerEngine(new URL('/older.js', location.href)); }"
    )
    opened.load(SMOL_MODEL)

    assert opened.ask(HELLO, 2)["completionTokens"] == 2
    assert any(url.endswith("/engines/wllama-compat.wasm") for url in asked)
    assert not any(url.endswith("/engines/wllama.wasm") for url in asked)


# --- the worker --------------------------------------------------------------------------


def test_only_the_engine_of_a_model_is_fetched_when_the_model_is_loaded(
    browser: Browser, start: Start
) -> None:
    opened = start(browser)
    asked: list[str] = []
    opened.page.context.on("request", lambda request: asked.append(request.url))
    opened.put_tiny()
    before = [url for url in asked if "/engine" in url]
    opened.load(TINY_MODEL)

    host = opened.page.url.removesuffix("/blank")
    assert before == []
    assert [url for url in asked if not url.startswith((host, "blob:"))] == []
    assert {url for url in asked if "/engines/" in url} == {
        f"{host}/engines/ort.js",
        f"{host}/engines/ort.wasm",
    }


def test_a_model_is_told_missing_when_it_is_not_stored(tiny_page: EnginePage) -> None:
    other = TINY_MODEL | {"name": "other"}

    code = tiny_page.failure("(model) => new WorkerEngine().load(model, () => {})", other)

    assert code == "missing-file"


def test_the_worker_is_gone_when_a_model_is_unloaded(browser: Browser, start: Start) -> None:
    opened = start(browser)
    opened.put_tiny()
    opened.load(TINY_MODEL)
    opened.page.evaluate("() => engine.unload()")

    assert opened.failure("(hello) => engine.prefill(hello)", HELLO) == "not-loaded"
    opened.load(TINY_MODEL)
    assert opened.ask(HELLO, 1)["completionTokens"] == 1


def test_a_dead_worker_is_told_when_it_cannot_start(tiny_page: EnginePage) -> None:
    code = tiny_page.failure(
        "(model) => new WorkerEngine(new URL('/nowhere.js', location.href)).load(model, () => {})",
        TINY_MODEL,
    )

    assert code == "worker-died"
