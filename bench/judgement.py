"""What does judging an answer cost, before a draft is written and after?

    python -m bench.judgement [--rounds 20] [--json]

Questions are those of tests/qa over docs/; a draft is the best passage's first two sentences, with
made-up logprobs, read beside one passage and beside three. What is prepared while the model reads
(evidence.Reading) is counted apart: nobody waits for it. The target is of the judgement after the
draft, citations included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from bench.passages import chunks_of
from rag import language
from rag.answering import citations, confidence, sentences
from rag.answering.context import pack
from rag.answering.evidence import Draft, Found, Reading
from rag.measuring.questions import read_questions
from rag.retrieval.memory import MemoryIndex
from rag.types import Context, Delta, Query, Reply

ROOT = Path(__file__).parents[1]
TARGET_MS = 2.0


def found_of(question: str, index: MemoryIndex) -> Found:
    query = Query(question)
    return Found(question, query, tuple(index.search(query, 10)), index.statistics(query))


def reply_of(context: Context) -> tuple[Reply, list[Delta]]:
    text = context.hits[0].chunk.text
    ends = [end for _, end in sentences.spans(text)][:2]
    written = " ".join(text[: ends[-1]].split())
    pieces = [Delta(f"{word} ", (-0.1,)) for word in written.split(" ")]
    logprobs = tuple(logprob for piece in pieces for logprob in piece.logprobs)
    return Reply(written, "qwen2.5-coder-0.5b", "stop", logprobs=logprobs), pieces


def one(question: str, passages: int, index: MemoryIndex) -> dict[str, float]:
    """Milliseconds by part; no value is kept from one turn to the next."""
    found = found_of(question, index)
    marks = [time.perf_counter_ns()]
    confidence.before(found)
    marks.append(time.perf_counter_ns())
    context = pack(found.hits, budget_tokens=2_000, max_passages=passages)
    reply, pieces = reply_of(context)
    reading = Reading(found, context)
    marks.append(time.perf_counter_ns())
    reading.prepare()
    marks.append(time.perf_counter_ns())
    cited = citations.resolve(reply.text, context, question, reading.passages)
    confidence.judge(Draft(reading, reply, cited, pieces, "en", "sentence"))
    marks.append(time.perf_counter_ns())
    before, _, prepared, judged = np.diff(marks) / 1e6
    return {"before the draft": before, "while it is read": prepared, "after the draft": judged}


def measured(rounds: int) -> dict[str, dict[str, float]]:
    language.warm_up()
    index = MemoryIndex(asyncio.run(chunks_of(sorted((ROOT / "docs").glob("*.md")))))
    questions = [each.question for each in read_questions(ROOT / "tests" / "qa" / "docs.jsonl")]
    times: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        for question in questions:
            if not found_of(question, index).hits:
                continue
            for passages in (1, 3):
                for part, ms in one(question, passages, index).items():
                    if number:  # the first round fills what is remembered of words
                        times[f"{part}, {passages} passages"].append(ms)
    return {
        name: {f"p{q}_ms": float(np.percentile(found, q)) for q in (50, 90, 99)}
        for name, found in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    table = measured(options.rounds)
    if options.json:
        print(json.dumps({"target_ms": TARGET_MS, "parts": table}))
        return
    for name, figures in table.items():
        print(f"{name:32}" + "".join(f"{at:>8} {ms:6.2f}" for at, ms in figures.items()))
    print(f"\nTarget: p99 after the draft < {TARGET_MS:g} ms.")


if __name__ == "__main__":
    main()
