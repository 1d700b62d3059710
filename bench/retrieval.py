"""Search speed through our interface, against rank-bm25 and raw tantivy on the same terms.

    python -m bench.retrieval [--chunks 100000] [--json]

Passages are sentences of ../shared/data recombined, or made of invented words where that folder is
absent; rarer words are varied so that the vocabulary grows with the collection as it does in life.
Every question goes to all engines in turn, so that a busy machine disturbs them alike. The peers
get the terms ready made, and return places (rank-bm25) or ten texts (tantivy); ours has to make the
terms, and returns hits: whole chunks with the terms they matched, ties in order of their names.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tantivy
from rank_bm25 import BM25Okapi

from rag.retrieval.analysis import chunk_terms, query_terms
from rag.retrieval.disk import DiskIndex
from rag.retrieval.stopwords import STOP_WORDS
from rag.types import Chunk, Query

DATA = Path(__file__).parents[2] / "shared" / "data"
K = 10
WORDS_PER_CHUNK = 110
CHUNKS_PER_DOCUMENT = 200
VARIANTS = 40  # spellings of each rarer word, one a document
TARGETS = {
    "rank-bm25 / ours": (">=", 200.0),
    "ours / raw tantivy": ("<=", 1.5),
    "add 200 chunks, s": ("<=", 0.3),
    "reopen, s": ("<=", 0.5),
}


@dataclass(frozen=True)
class Corpus:
    sentences: Sequence[str]
    questions: Sequence[str]
    common: frozenset[str]  # words that are not varied

    def chunks(self, count: int, first: int = 0) -> Iterator[Chunk]:
        for number in range(first, first + count):
            document = number // CHUNKS_PER_DOCUMENT
            text = self._passage(random.Random(number), document)
            yield Chunk(
                id=f"{document}-{number}",
                document_id=f"document {document}",
                document_name=f"report-{document}.pdf",
                page=1 + number % CHUNKS_PER_DOCUMENT // 3,
                section=f"Chapter {number % CHUNKS_PER_DOCUMENT // 20}",
                text=text,
                start=0,
                end=len(text),
                token_count=len(text) // 4,
                language="en",
            )

    def asked(self, count: int) -> list[str]:
        source = random.Random(0)
        return [self._varied(source.choice(self.questions), source) for _ in range(count)]

    def _passage(self, source: random.Random, document: int) -> str:
        words: list[str] = []
        while len(words) < WORDS_PER_CHUNK:
            sentence = source.choice(self.sentences)
            words += self._varied(sentence, random.Random(document)).split()
        return " ".join(words)

    def _varied(self, text: str, source: random.Random) -> str:
        variant = source.randrange(VARIANTS)
        ending = "abcdefgh"[variant % 8] + "klmnq"[variant // 8]

        def vary(match: re.Match[str]) -> str:
            word = match.group()
            return word if word.lower() in self.common else f"{word}{ending}"

        return re.sub(r"[^\W\d_]+", vary, text)


def shared_corpus() -> Corpus:
    sentences = [
        sentence
        for path in sorted(DATA.glob("*/docs/*.md"))
        if path.parts[-3] != "xquad-ro"
        for sentence in re.split(r"(?<=[.!?])\s+|\n+", path.read_text(encoding="utf-8"))
        if len(sentence.split()) > 4
    ]
    questions = [
        json.loads(line)["question"]
        for name in ("squad2", "xquad-en")
        for line in (DATA / name / "qa.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return Corpus(sentences, questions, _commonest(sentences))


def invented_corpus() -> Corpus:
    """Words by Zipf's law among the common words of English."""
    source = np.random.default_rng(0)
    words = sorted(STOP_WORDS["en"]) + [
        "".join(source.choice(list("bdklmnprst")) + source.choice(list("aeiou")) for _ in range(4))
        for _ in range(12_000)
    ]
    share = 1 / (np.arange(len(words)) + 8)
    draw = source.choice(len(words), size=(6_000, 22), p=share / share.sum())
    sentences = [" ".join(words[at] for at in row) + "." for row in draw]
    questions = ["What is the " + " ".join(words[at] for at in row[:7]) + "?" for row in draw[:800]]
    return Corpus(sentences, questions, _commonest(sentences))


def _commonest(sentences: Sequence[str]) -> frozenset[str]:
    counts = Counter(word for s in sentences for word in re.findall(r"[^\W\d_]+", s.lower()))
    return frozenset(word for word, _ in counts.most_common(2_000))


class RawTantivy:
    """The peer: nothing but the terms and the texts, and ten of them in return."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
        builder.add_bytes_field("text", stored=True)
        self.schema = builder.build()
        self.index = tantivy.Index(self.schema, str(path))
        self.writer = self.index.writer(64_000_000, 1)

    def add(self, terms: Sequence[str], text: str) -> None:
        record = tantivy.Document(terms=" ".join(terms), text=text.encode())
        self.writer.add_document(record)

    def commit(self) -> None:
        self.writer.commit()
        self.writer.wait_merging_threads()
        self.index.reload()
        self.searcher = self.index.searcher()

    def search(self, terms: Sequence[str]) -> list[tantivy.DocAddress]:
        query = tantivy.Query.boolean_query(
            [
                (
                    tantivy.Occur.Should,
                    tantivy.Query.term_query(self.schema, "terms", term, "freq"),
                )
                for term in terms
            ]
        )
        return [address for _, address in self.searcher.search(query, K, count=False).hits]

    def passages(self, terms: Sequence[str]) -> list[str]:
        return [self.searcher.doc(at).get_first("text").decode() for at in self.search(terms)]


def rank_bm25_top(okapi: BM25Okapi, terms: Sequence[str]) -> list[int]:
    scores = okapi.get_scores(terms)
    best = np.argpartition(scores, -K)[-K:]
    return list(best[np.argsort(-scores[best])])


def clocked_ms(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1_000


def measure(
    chunk_count: int, questions: int, slow_questions: int, folder: Path
) -> dict[str, float]:
    corpus = shared_corpus() if DATA.is_dir() else invented_corpus()
    raw, ours = RawTantivy(folder / "raw"), DiskIndex(folder / "ours")
    build_ms = clocked_ms(lambda: ours.rebuild(corpus.chunks(chunk_count)))
    counted = []
    for chunk in corpus.chunks(chunk_count):
        counted.append(chunk_terms(chunk))
        raw.add(counted[-1], chunk.text)
    raw.commit()
    okapi = BM25Okapi(counted)
    del counted
    figures = {"chunks": float(chunk_count), "rebuild, s": build_ms / 1_000}
    figures |= _searches(corpus.asked(questions), slow_questions, ours, raw, okapi)
    figures |= _changes(corpus, chunk_count, ours, folder / "ours")
    return figures


def _searches(
    asked: Sequence[str],
    slow_questions: int,
    ours: DiskIndex,
    raw: RawTantivy,
    okapi: BM25Okapi,
) -> dict[str, float]:
    """Each question once to each engine, whose order changes from question to question.

    rank-bm25 gets only some, each right after the others had it. A search of its own sweeps through
    a gigabyte and leaves the processor's caches empty: how ours fares then is a figure apart.
    """
    times: dict[str, list[float]] = defaultdict(list)
    every = max(1, len(asked) // slow_questions)
    for number, question in enumerate(asked):
        terms = list(query_terms(Query(question), ours.languages))
        runs: list[tuple[str, Callable[[], object]]] = [
            ("ours", partial(ours.search, Query(question + " "), K)),  # not remembered from above
            ("raw tantivy", partial(raw.passages, terms)),
            ("raw tantivy, no texts", partial(raw.search, terms)),
        ]
        first = number % len(runs)
        for name, run in runs[first:] + runs[:first]:
            times[name].append(clocked_ms(run))
        if number % every == every - 1:
            times["ours, beside"].append(times["ours"][-1])
            times["rank-bm25"].append(clocked_ms(partial(rank_bm25_top, okapi, terms)))
            again = partial(ours.search, Query(question + "  "), K)
            times["ours, right after rank-bm25"].append(clocked_ms(again))
    beside = statistics.median(times.pop("ours, beside"))
    figures = {f"{name} p50, ms": statistics.median(each) for name, each in times.items()}
    figures |= {f"{name} p95, ms": _p95(each) for name, each in times.items()}
    figures["rank-bm25 / ours"] = figures["rank-bm25 p50, ms"] / beside
    for name in ("raw tantivy", "raw tantivy, no texts"):
        figures[f"ours / {name}"] = figures["ours p50, ms"] / figures[f"{name} p50, ms"]
    return figures


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _changes(corpus: Corpus, chunk_count: int, ours: DiskIndex, path: Path) -> dict[str, float]:
    adding, removing = [], []
    for number in range(10):
        first = chunk_count + number * CHUNKS_PER_DOCUMENT
        chunks = list(corpus.chunks(CHUNKS_PER_DOCUMENT, first))
        adding.append(clocked_ms(lambda chunks=chunks: ours.add(chunks)))
    for number in range(10):
        document_id = f"document {number}"
        removing.append(clocked_ms(lambda name=document_id: ours.remove(name)))
    ours.close()
    reopening = [
        clocked_ms(lambda: DiskIndex(path).search(Query(corpus.questions[0]), K)) for _ in range(5)
    ]
    return {
        "add 200 chunks, s": statistics.median(adding) / 1_000,
        "add 200 chunks, slowest of 10, s": max(adding) / 1_000,
        "remove a document, s": statistics.median(removing) / 1_000,
        "reopen, s": statistics.median(reopening) / 1_000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--slow-questions", type=int, default=30, help="asked of rank-bm25")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.chunks, options.questions, options.slow_questions, Path(folder))
    if options.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        sign, target = TARGETS.get(name, ("", 0.0))
        met = "" if not sign else "met" if (figure >= target) == (sign == ">=") else "MISSED"
        print(f"{name:36} {figure:12.3f}  {f'{sign} {target:g}' if sign else '':8} {met}")


if __name__ == "__main__":
    main()
