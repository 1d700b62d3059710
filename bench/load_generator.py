"""Does ``rag bench`` measure what others measure? The same server, asked by it and by GuideLLM.

    python -m bench.load_generator --guidellm PATH [--model NAME] [--rounds 5] [--requests 6]

``PATH`` is the ``guidellm`` command of a virtual environment of its own (pip install guidellm;
development only). The embedded server of the model is started; in each round both tools ask as many
questions of the same length, one after the other, in turns that change. Compared are the medians of
first token and time a token; a ratio is the median of the rounds' own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from rag import settings
from rag.measuring.bench import prompt_of_length
from rag.measuring.experiment import Experiment
from rag.measuring.samples import Plan, Sample
from rag.measuring.throughput import first_token_ms, known, time_per_token_ms
from rag.models.chat import Timeouts
from rag.models.embedded.convert import prepared
from rag.models.embedded.home import EmbeddedHome
from rag.models.embedded.running import RunningServer
from rag.models.endpoint import EndpointModel
from rag.models.weights import WEIGHTS, models_folder

PROMPT_TOKENS, ANSWER_TOKENS = 300, 48
TARGET = 0.05
PATIENT = Timeouts(connect_s=60, first_token_s=1200, stall_s=600)
Figures = dict[str, float]  # of one round


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--guidellm", required=True, metavar="PATH")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=6, help="of each tool in a round")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    report(asyncio.run(compared(parser.parse_args())), parser.parse_args())


async def compared(arguments: argparse.Namespace) -> list[dict[str, Figures]]:
    known_model = WEIGHTS[arguments.model]
    folder = prepared(known_model, models_folder(settings.load().data_dir), lambda _: None)
    with tempfile.TemporaryDirectory() as scratch:
        home = EmbeddedHome(Path(scratch))
        try:
            server = await home.start(arguments.model, folder, known_model.context_tokens)
            sides = {
                "ours": lambda number: ours(server, number, arguments.requests),
                "guidellm": lambda number: theirs(server, number, arguments, Path(scratch)),
            }
            rounds = []
            for number in range(arguments.rounds + 1):
                order = sorted(sides, reverse=bool(number % 2))
                rounds.append({side: await sides[side](number) for side in order})
            return rounds[1:]  # the first warms the server up
        finally:
            await asyncio.to_thread(home.close)


async def ours(server: RunningServer, number: int, requests: int) -> Figures:
    model = EndpointModel(
        server.model, server.base_url, server.api_key, timeouts=PATIENT, reach="machine"
    )
    prompt = prompt_of_length(PROMPT_TOKENS, ANSWER_TOKENS)
    plan = Plan((server.model,), (prompt,), requests, mark=f"ours-{number}")
    found: list[Sample] = []
    async for cell in Experiment(plan, {server.model: model}).run():
        found += [sample for sample in cell if sample.cell.round]
    await model.aclose()
    return {
        "first_token_ms": statistics.median(known(first_token_ms, found)),
        "time_per_token_ms": statistics.median(known(time_per_token_ms, found)),
    }


async def theirs(
    server: RunningServer, number: int, arguments: argparse.Namespace, scratch: Path
) -> Figures:
    prompts, told = scratch / f"{number}.jsonl", scratch / f"{number}.json"
    [message] = prompt_of_length(PROMPT_TOKENS, ANSWER_TOKENS).messages
    lines = [
        json.dumps({"prompt": f"Request theirs-{number}-{each}.\n\n{message.content}"})
        for each in range(arguments.requests)
    ]
    prompts.write_text("\n".join(lines) + "\n")
    backend = {
        "kind": "openai_http",
        "target": server.base_url.removesuffix("/v1"),
        "model": server.model,
        "api_key": server.api_key,
        "max_tokens": ANSWER_TOKENS,
        "validate_backend": "false",
    }
    command = [arguments.guidellm, "run", "--disable-console", "--profile", "kind=synchronous"]
    command += ["--backend", ",".join(f"{name}={value}" for name, value in backend.items())]
    command += ["--constraint", f"kind=max_requests,count={arguments.requests}"]
    command += ["--data", f"kind=json_file,path={prompts}", "--output", f"kind=json,path={told}"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    await asyncio.to_thread(
        subprocess.run, command, check=True, capture_output=True, env=environment
    )
    metrics = json.loads(told.read_text())["benchmarks"][0]["metrics"]
    return {
        "first_token_ms": metrics["time_to_first_token_ms"]["successful"]["median"],
        "time_per_token_ms": metrics["inter_token_latency_ms"]["successful"]["median"],
    }


def report(rounds: list[dict[str, Figures]], arguments: argparse.Namespace) -> None:
    rows = []
    for name in ("first_token_ms", "time_per_token_ms"):
        sides = {side: statistics.median(one[side][name] for one in rounds) for side in rounds[0]}
        ratio = statistics.median(one["ours"][name] / one["guidellm"][name] for one in rounds)
        rows.append({"figure": name, **sides, "ratio": ratio, "met": abs(ratio - 1) <= TARGET})
    if arguments.json:
        print(json.dumps({"model": arguments.model, "target": TARGET, "figures": rows}))
        return
    print("| figure | rag bench | guidellm | ratio |\n|---|---|---|---|")
    for row in rows:
        cells = f"{row['ours']:.1f} | {row['guidellm']:.1f} | {row['ratio']:.3f}"
        print(f"| {row['figure']} | {cells} |")


if __name__ == "__main__":
    main()
