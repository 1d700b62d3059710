"""The graphs that rag/models/browser writes, computed in a tab, on a software GPU."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from models.browser import tiny
from models.browser.computing import Computed
from playwright.sync_api import Browser
from webgpu.running import EnginePage
from webgpu.serving import BUILT

from rag.models.browser.making import AsOnnx

pytestmark = pytest.mark.browser

HEADERS = json.loads((BUILT / "policy.json").read_text())["headers"]
HELLO = [{"role": "user", "content": "hello there"}]
PROMPT = ["<|im_start|>", *"user", "Ċ", "hel", *"lo", "Ġ", "t", "he", *"re", "<|im_end|>", "Ċ"]
COUNT = 6
BLANK = "<!doctype html><title>Blank</title><link rel=icon href=data:,>"


def made(folder: Path, family: str, bits: Literal[4, 8]) -> dict[str, Any]:
    """An entry of models.json, its files in ``folder``."""
    gguf = tiny.write(folder.parent / "tiny.gguf", family)
    folder.mkdir()
    list(AsOnnx("model_quantized.onnx", bits, "float32", 128).make(gguf, folder))
    paths = [path for path in folder.rglob("*") if path.is_file()]
    files = [
        {"path": path.relative_to(folder).as_posix(), "sizeBytes": path.stat().st_size}
        for path in paths
    ]
    facts = {"engine": "transformers", "dtype": "q8", "needs": [], "contextTokens": 128}
    return {"name": "made", "files": files, **facts}


def answered(
    browser: Browser, serve: Callable[..., str], folder: Path, model: dict[str, Any]
) -> dict[str, Any]:
    blank = folder.parent / "blank.html"
    blank.write_text(BLANK)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(serve({"/blank": blank, "/made": folder}, HEADERS) + "/blank")
        opened = EnginePage(page)
        opened.start()
        opened.put("made", {file["path"]: f"/made/{file['path']}" for file in model["files"]})
        opened.load(model)
        return dict(opened.ask(HELLO, COUNT))
    finally:
        context.close()


@pytest.mark.parametrize(("family", "bits"), [("llama", 8), ("qwen2", 4)])
def test_the_tokens_are_onnx_runtimes_own_when_a_graph_of_ours_is_on_a_gpu(
    tmp_path: Path,
    gpu_browser: Browser,
    serve: Callable[..., str],
    family: str,
    bits: Literal[4, 8],
) -> None:
    model = made(tmp_path / "made", family, bits)
    prompt = [tiny.TOKENS.index(token) for token in PROMPT]
    graph = tmp_path / "made" / "onnx" / "model_quantized.onnx"
    expected = [tiny.TOKENS[one] for one in Computed(graph).write(prompt, COUNT)]
    assert len(set(expected)) > 1
    on_gpu = answered(gpu_browser, serve, tmp_path / "made", model)
    assert on_gpu["promptTokens"] == len(prompt)
    assert on_gpu["text"] == "".join(expected)
    assert on_gpu["backend"] == "webgpu"
    assert on_gpu["dispatches"] > 0
