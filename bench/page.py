"""How late is our page? Process start to the first 200 of ``/``, against an empty Chainlit app.

    python bench/page.py [--rounds 5] [--json]

Both are started anew in every round, one after the other, the order changing from round to round;
the ratio is the median of the rounds' own. Ours starts with an empty data folder and a server's
address as its model, so nothing is fetched.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = (
    "app.py",
    "handlers",
    "chainlit.md",
    "chainlit_ro-RO.md",
    ".chainlit",
    "public",
    "rag",
    "docs",
)
EMPTY = """
import chainlit as cl


@cl.on_message
async def on_message(message: cl.Message) -> None:
    await cl.Message(message.content).send()
"""
GIVE_UP_S = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        apps = {"ours": our_app(Path(scratch)), "empty": empty_app(Path(scratch))}
        rounds = [one_round(apps, number, Path(scratch)) for number in range(arguments.rounds)]
    medians = {name: statistics.median(seconds[name] for seconds in rounds) for name in apps}
    ratio = statistics.median(seconds["ours"] / seconds["empty"] for seconds in rounds)
    if arguments.json:
        print(json.dumps({"median_s": medians, "ratio": ratio, "rounds_s": rounds, "limit": 2.0}))
        return
    print("| app | median s to the first page |\n|---|---|")
    for name, seconds in medians.items():
        print(f"| {name} | {seconds:.2f} |")
    print(f"\nours / empty, median of {len(rounds)} rounds: {ratio:.2f} (limit 2.0)")


def our_app(scratch: Path) -> Path:
    folder = scratch / "ours"
    folder.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    return folder


def empty_app(scratch: Path) -> Path:
    folder = scratch / "empty"
    folder.mkdir()
    (folder / "app.py").write_text(EMPTY)
    return folder


def one_round(apps: dict[str, Path], number: int, scratch: Path) -> dict[str, float]:
    order = list(apps) if number % 2 else list(reversed(apps))
    return {name: first_page_s(apps[name], scratch / f"data-{number}") for name in order}


def first_page_s(folder: Path, data_dir: Path) -> float:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "chainlit", "run", "app.py", "--headless", "--port", str(port)]
    settings = {
        "RAG_SLM": "http://127.0.0.1:9/v1#none",
        "RAG_LLM": "none",
        "RAG_DATA_DIR": str(data_dir),
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not is_served(port):
            if process.poll() is not None or time.perf_counter() - started > GIVE_UP_S:
                raise SystemExit(
                    f"{folder.name} did not start: run `chainlit run app.py` to see why"
                )
            time.sleep(0.01)
        return time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()


def is_served(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
