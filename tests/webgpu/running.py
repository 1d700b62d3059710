"""An engine on a page of its own: models put into the browser's storage, then loaded and asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

TINY = Path(__file__).parents[1] / "data" / "tiny-llama-onnx"
TINY_FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")

START = """async () => {
  const { WorkerEngine, probeDevice } = await import("/parts.js");
  const told = (error) => ({ code: error.code ?? null, message: error.message });
  Object.assign(globalThis, {
    probeDevice,
    WorkerEngine,
    engine: new WorkerEngine(new URL("/engine.js", location.href)),
    failure: (promise) => promise.then(() => null, told),
    // `stopAfter`: how many pieces of text, or null; `onStart` is called once it has been asked.
    async ask(messages, maxTokens, stopAfter = null, onStart = () => {}) {
      const controller = new AbortController();
      const pieces = [];
      const reply = engine.generate(
        messages,
        { maxTokens, temperature: 0 },
        (piece) => {
          pieces.push(piece);
          if (pieces.length === stopAfter) controller.abort();
        },
        controller.signal,
      );
      onStart(controller);
      return { ...(await reply), pieces };
    },
  });
}"""

PUT = """async ([path, source]) => {
  let folder = await navigator.storage.getDirectory();
  const parts = path.split("/");
  for (const part of parts.slice(0, -1)) {
    folder = await folder.getDirectoryHandle(part, { create: true });
  }
  const file = await folder.getFileHandle(parts.at(-1), { create: true });
  await (await fetch(source)).body.pipeTo(await file.createWritable());
}"""


@dataclass(frozen=True)
class EnginePage:
    page: Page

    def start(self) -> None:
        self.page.set_default_timeout(300_000)
        self.page.evaluate(START)

    def put(self, name: str, files: Mapping[str, str]) -> None:
        """Store a model: each file by its path, from an address on the page's own host."""
        for path, source in files.items():
            self.page.evaluate(PUT, [f"models/{name}/{path}", source])

    def put_tiny(self) -> None:
        files = (*TINY_FILES, "onnx/model.onnx")
        self.put("tiny", {path: f"/tiny/{path}" for path in files})

    def load(self, model: Mapping[str, Any]) -> None:
        self.page.evaluate("(model) => engine.load(model, () => {})", model)

    def failure(self, call: str, argument: object = None) -> str | None:
        """The code of the error that ``call``, a function of ``argument``, ends with."""
        told = self.page.evaluate(f"(argument) => failure(({call})(argument))", argument)
        return told and told["code"]

    def ask(
        self, messages: Sequence[Mapping[str, str]], max_tokens: int, stop_after: int | None = None
    ) -> dict[str, Any]:
        """The reply, and the ``pieces`` its text came in."""
        reply: dict[str, Any] = self.page.evaluate(
            "([messages, most, stopAfter]) => ask(messages, most, stopAfter)",
            [list(messages), max_tokens, stop_after],
        )
        return reply


def model_of(
    name: str, engine: str, dtype: str, paths: Sequence[str], context_tokens: int = 1024
) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "engine": engine,
        "dtype": dtype,
        "needs": [],
        "licence": "Apache-2.0",
        "memoryBytes": 0,
        "contextTokens": context_tokens,
        "bestPassages": 2,
        "files": [{"path": path, "sizeBytes": 1, "sha256": "", "urls": []} for path in paths],
    }


TINY_MODEL = model_of("tiny", "transformers", "fp32", (*TINY_FILES, "onnx/model.onnx"))
SMOL_MODEL = model_of("smol", "wllama", "q4_1", ["model.gguf"])
