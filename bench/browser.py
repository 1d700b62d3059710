"""A model in a tab of Chromium beside the embedded server: the same weights, machine and minutes.

    python -m bench.browser [--model NAME] [--rounds 5] [--tokens 200] [--json]

llama.cpp on WebAssembly in the built page, against ``python -m rag serve``'s own server. Each round
puts the same new prompt to both in turn, and a ratio is the median of the rounds' own, so that a
busy machine disturbs them alike. Needs Chromium and the requirements of development.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page, async_playwright

from bench.serving import (
    PATIENT,
    QUESTIONS,
    Measure,
    Prompts,
    Turn,
    ask,
    decode_rate,
    measure,
    median,
    ratio,
    report,
)
from rag import settings
from rag.models.embedded.convert import converted
from rag.models.embedded.home import EmbeddedHome
from rag.models.endpoint import EndpointModel
from rag.models.weights import WEIGHTS, Weights, fetch, models_folder
from rag.types import Message

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from webgpu.running import PUT, START, model_of
from webgpu.serving import BUILT, ISOLATED, served

ANSWER_TOKENS = 32
NAME, FILE = "bench", "model.gguf"

ASK = "([messages, most]) => ask(messages, most)"
LOAD = "(model) => engine.load(model, () => {})"
# Milliseconds from asking it to stop until it has.
STOP = """async ([messages, reading]) => {
  let asked = 0;
  const stop = (controller) => { asked = performance.now(); controller.abort(); };
  const controller = new AbortController();
  const options = { maxTokens: 200, temperature: 0 };
  const written = reading ? () => {} : () => asked || stop(controller);
  const done = engine.generate(messages, options, written, controller.signal);
  if (reading) setTimeout(stop, 1500, controller);
  await done;
  return performance.now() - asked;
}"""


@dataclass(frozen=True)
class Tab:
    page: Page
    model: dict[str, Any]

    @classmethod
    async def open(cls, context: BrowserContext, url: str, weights: Weights) -> Tab:
        page = await context.new_page()
        page.set_default_timeout(600_000)
        await page.goto(f"{url}/blank")
        await page.evaluate(START)
        return cls(page, model_of(NAME, "wllama", "", [FILE], weights.context_tokens))

    async def load(self) -> None:
        await self.page.evaluate(LOAD, self.model)

    async def ask(self, messages: Sequence[Message], max_tokens: int) -> Turn:
        told = await self.page.evaluate(ASK, [_plain(messages), max_tokens])
        first_s = told["firstTokenMs"] / 1e3
        total_s = first_s + told["generateMs"] / 1e3
        return Turn(first_s, total_s, told["promptTokens"], told["completionTokens"], told["text"])

    async def stop_ms(self, messages: Sequence[Message], *, reading: bool) -> float:
        return float(await self.page.evaluate(STOP, [_plain(messages), reading]))


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": each.role, "content": each.content} for each in messages]


async def compare(tab: Tab, server: EndpointModel, arguments: argparse.Namespace) -> list[Measure]:
    prompts = Prompts()
    turns: dict[str, list[Turn]] = {"tab": [], "server": []}
    second_s: list[float] = []
    for number in range(arguments.rounds):
        messages = prompts.new(arguments.tokens)
        for name in list(turns) if number % 2 else list(reversed(turns)):
            asked = tab.ask(messages, ANSWER_TOKENS) if name == "tab" else None
            turns[name].append(await (asked or ask(server, messages, ANSWER_TOKENS)))
        again = (*messages[:-1], Message("user", QUESTIONS[1]))
        second_s.append((await tab.ask(again, 1)).first_token_s)
    first_s = {name: [turn.first_token_s for turn in turns[name]] for name in turns}
    rates = {name: [decode_rate(turn) for turn in turns[name]] for name in turns}
    detail = {
        "prompt_tokens": turns["tab"][-1].prompt_tokens,
        "first_token_s": {name: median(found) for name, found in first_s.items()},
        "tokens_per_s": {name: median(found) for name, found in rates.items()},
    }
    again_s = {"second": second_s, "first": first_s["tab"]}
    return [
        measure("first token: tab / server", ratio(first_s, "tab", "server"), detail),
        measure("tokens/s: tab / server", ratio(rates, "tab", "server"), {}),
        measure("first token: second question / first", ratio(again_s, "second", "first"), {}),
    ]


async def stopping(tab: Tab, arguments: argparse.Namespace) -> list[Measure]:
    prompts = Prompts()
    found = []
    for name, reading in (("reading", True), ("writing", False)):
        waits = [
            await tab.stop_ms(prompts.new(arguments.tokens), reading=reading)
            for _ in range(arguments.rounds)
        ]
        slowest = measure(f"stop while {name}, ms, slowest", max(waits), {"median": median(waits)},
                          at_most=1000)  # fmt: skip
        found.append(slowest)
    return found


async def second_visit(context: BrowserContext, url: str, weights: Weights) -> Measure:
    """From opening the page until the stored model is ready."""
    started = time.perf_counter()
    tab = await Tab.open(context, url, weights)
    await tab.load()
    ready_s = time.perf_counter() - started
    await tab.page.close()
    return measure("second visit to ready, s", ready_s, {})


async def run(arguments: argparse.Namespace) -> list[Measure]:
    weights = WEIGHTS[arguments.model]
    models = models_folder(settings.load().data_dir)
    gguf = fetch(weights, models, lambda progress: None)
    folder = converted(gguf, models, lambda progress: None)
    with tempfile.TemporaryDirectory() as scratch:
        blank = Path(scratch) / "blank.html"
        blank.write_text("<!doctype html><title>Bench</title>")
        home = EmbeddedHome(Path(scratch))
        running = await home.start(weights.name, folder, weights.context_tokens)
        server = EndpointModel(
            weights.name, running.base_url, running.api_key, timeouts=PATIENT, reach="machine"
        )
        await server.ready()
        try:
            with served({"/": BUILT, "/blank": blank, f"/{FILE}": gguf}, ISOLATED) as url:
                return await in_browser(url, weights, server, arguments)
        finally:
            await server.aclose()
            await asyncio.to_thread(home.close)


async def in_browser(
    url: str, weights: Weights, server: EndpointModel, arguments: argparse.Namespace
) -> list[Measure]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        context = await browser.new_context()
        tab = await Tab.open(context, url, weights)
        await tab.page.evaluate(PUT, [f"models/{NAME}/{FILE}", f"/{FILE}"])
        await tab.load()
        found = await compare(tab, server, arguments)
        found += await stopping(tab, arguments)
        await tab.page.close()
        found.append(await second_visit(context, url, weights))
        await browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default="smollm2-135m", choices=WEIGHTS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=200, help="of a prompt")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    report(asyncio.run(run(arguments)), as_json=arguments.json)


if __name__ == "__main__":
    main()
