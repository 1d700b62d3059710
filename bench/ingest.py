"""How fast are PDFs read? Our ingestion in its workers, against one process of plain pypdf.

    python -m bench.ingest [--rounds 3] [--pages 2000] [--workers 2] [--json]

Ours reads, cleans, cuts into passages and tells the language; pypdf only gives the text of each
page. Each side runs in a process of its own, in turn, the order changing from round to round. The
clock runs from the first file handed over to the last one done: for us once with everything still
to be started (workers, tokenizer, language model), once as in a chat after a minute's rest (workers
and tokenizer to be started), and once more at once.
Ratios are the medians of the rounds' own. Memory is the largest sum over a side's processes.

Read are the PDFs of ../shared/data where they are, a long PDF of plain text, and one of pages with
real layouts taken from those PDFs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pypdf
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

from rag.documents.ingest import Ingestor, Limits, SourceFile

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data" / "pdfs"
TARGET = 1.5
STATES = ("first", "rested", "running")
SAMPLE_S = 0.2
WORDS = ("delivery", "contract", "term", "price", "warranty", "buyer", "seller", "notice", "law")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=2_000, help="of the long PDFs")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--side", choices=("ours", "pypdf"), help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(one_side(arguments.side, arguments.files, arguments.workers)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        results = [
            compared(name, files, arguments.rounds, arguments.workers)
            for name, files in tasks(Path(scratch), arguments.pages).items()
        ]
    if arguments.json:
        print(json.dumps({"target": TARGET, "workers": arguments.workers, "tasks": results}))
        return
    print("| task | pypdf s | ours, " + " s | ours, ".join(STATES) + " s | ratios |")
    print("|---" * (len(STATES) + 3) + "|")
    for result in results:
        row = (result["pypdf"]["s"], *(result["ours"][f"{state}_s"] for state in STATES))
        ratios = ", ".join(f"{result['ratios'][state]:.2f}" for state in STATES)
        print(f"| {result['task']} | {' | '.join(f'{each:.2f}' for each in row)} | {ratios} |")
    print("\n| task | pypdf CPU s | ours CPU s a time | pypdf MB | ours MB |")
    print("|---|---|---|---|---|")
    for result in results:
        row = [result[side][key] for key in ("cpu_s", "peak_mb") for side in ("pypdf", "ours")]
        print(f"| {result['task']} | " + " | ".join(f"{figure:.1f}" for figure in row) + " |")
    print(f"\nratio: pypdf / ours, median of {arguments.rounds} rounds; target {TARGET}")


def compared(name: str, files: Sequence[Path], rounds: int, workers: int) -> dict:
    measured: dict[str, list[dict]] = {"pypdf": [], "ours": []}
    for number in range(rounds):
        for side in sorted(measured, reverse=bool(number % 2)):
            measured[side].append(in_a_process(side, files, workers))
    pairs = list(zip(measured["pypdf"], measured["ours"], strict=True))

    def ratio(state: str) -> float:
        return statistics.median(theirs["s"] / ours[f"{state}_s"] for theirs, ours in pairs)

    return {
        "task": name,
        "ratios": {state: ratio(state) for state in STATES},
        **{side: medians(figures) for side, figures in measured.items()},
    }


def in_a_process(side: str, files: Sequence[Path], workers: int) -> dict:
    command = [sys.executable, "-m", "bench.ingest", "--side", side, "--workers", str(workers)]
    done = subprocess.run(
        [*command, *map(str, files)], check=True, stdout=subprocess.PIPE, cwd=ROOT
    )
    return json.loads(done.stdout)


def medians(figures: Sequence[dict]) -> dict:
    return {key: statistics.median(each[key] for each in figures) for key in figures[0]}


def one_side(side: str, files: Sequence[Path], workers: int) -> dict:
    logging.disable(logging.CRITICAL)
    with peak_memory() as peak:
        started_cpu = cpu_s()
        times = plainly(files) if side == "pypdf" else asyncio.run(ingested(files, workers))
        return {
            **times,
            "cpu_s": (cpu_s() - started_cpu) / len(times),
            "peak_mb": peak[0] / 1e6,
        }


def plainly(files: Sequence[Path]) -> dict[str, float]:
    started = time.perf_counter()
    read_plainly(files)
    return {"s": time.perf_counter() - started}


async def ingested(files: Sequence[Path], workers: int) -> dict[str, float]:
    cold, rested = ingestor(workers), ingestor(workers)
    sources = [SourceFile(path, path.name) for path in files]
    times = {}
    for state, used in zip(STATES, (cold, rested, rested), strict=True):
        started = time.perf_counter()
        async for _ in used.ingest(sources):
            pass
        times[f"{state}_s"] = time.perf_counter() - started
        cold.close()  # or its workers would count in the memory
    rested.close()
    return times


def ingestor(workers: int) -> Ingestor:
    return Ingestor(Limits(), max_tokens=192, overlap=0.25, workers=workers, timeout_s=600)


def read_plainly(files: Sequence[Path]) -> None:
    for path in files:
        try:
            reader = pypdf.PdfReader(path)
            if reader.is_encrypted:
                reader.decrypt("")
            for page in reader.pages:
                page.extract_text()
        except Exception:  # whatever pypdf raises on a broken file
            continue


def cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    peak, done = [0], threading.Event()

    def watch() -> None:
        process = psutil.Process()
        while not done.wait(SAMPLE_S):
            total = process.memory_info().rss
            for child in process.children():
                try:
                    total += child.memory_info().rss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def tasks(scratch: Path, pages: int) -> dict[str, list[Path]]:
    found = {f"{pages:,} pages of plain text": [made(scratch / "plain.pdf", pages)]}
    real = sorted((SHARED / "files").glob("*.pdf"))
    if real:
        layouts = repeated(scratch / "layouts.pdf", real, pages)
        found |= {f"{pages:,} pages of real layouts": [layouts], f"{len(real)} real PDFs": real}
    return found


def made(path: Path, pages: int) -> Path:
    style = getSampleStyleSheet()["BodyText"]
    rnd = random.Random(1)
    story: list = []
    for number in range(pages):
        for _ in range(4):
            sentences = (" ".join(rnd.choices(WORDS, k=14)).capitalize() for _ in range(8))
            story.append(Paragraph(f"{number}. " + ". ".join(sentences) + ".", style))
        story.append(PageBreak())
    SimpleDocTemplate(str(path)).build(story)
    return path


def repeated(path: Path, files: Sequence[Path], pages: int) -> Path:
    """Pages with at least a thousand characters, over and over."""
    logging.disable(logging.CRITICAL)
    rich: list[pypdf.PageObject] = []
    for file in files:
        try:
            rich += [page for page in pypdf.PdfReader(file).pages if has_much_text(page)]
        except Exception:  # broken and locked ones are among them
            continue
    writer = pypdf.PdfWriter()
    for number in range(pages):
        writer.add_page(rich[number % len(rich)])
    writer.write(path)
    return path


def has_much_text(page: pypdf.PageObject) -> bool:
    return len(page.extract_text()) > 1_000


if __name__ == "__main__":
    main()
