"""How well passages are found, by analyser: recall, MRR and nDCG on the shared question sets.

    python -m bench.retrieval_quality [analysers | follow-ups | signals] [--json]

``analysers``: the steps that lead to ours, and steps that did not help. ``follow-ups``: what weight
earlier turns deserve. ``signals``: how well coverage and score ratio tell absent answers. Passages
come from the application's own reader and chunker; a passage counts as right when it is of the
right document and holds one of the answers. Docs: docs/decisions/0020 to 0023.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path, PurePath

from rag.documents.chunking import chunk
from rag.documents.limits import Limits
from rag.documents.readers import read
from rag.retrieval import bm25, coverage
from rag.retrieval.analysis import chunk_terms, content_words, query_terms, terms, word_terms
from rag.retrieval.index import Statistics
from rag.retrieval.memory import MemoryIndex
from rag.retrieval.stopwords import STOP_WORDS
from rag.retrieval.words import WORD, folded
from rag.types import Chunk, Query

DATA = Path(__file__).parents[2] / "shared" / "data"
SETS = {"squad2": "en", "xquad-en": "en", "xquad-ro": "ro"}
K = 10
RESAMPLES = 500

ChunkTerms = Callable[[Chunk], list[str]]
QueryTerms = Callable[["Question", frozenset[str]], Mapping[str, float]]


@dataclass(frozen=True)
class Question:
    text: str
    language: str
    document_id: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Collection:
    chunks: Sequence[Chunk]
    questions: Sequence[Question]

    def right(self, question: Question) -> set[str]:
        answers = [answer.casefold() for answer in question.answers]
        return {
            each.id
            for each in self.chunks
            if each.document_id == question.document_id
            and any(answer in each.text.casefold() for answer in answers)
        }


def load(names: Sequence[str]) -> Collection:
    chunks: list[Chunk] = []
    questions: list[Question] = []
    for name in names:
        ids = {}
        for path in sorted((DATA / name / "docs").glob("*.md")):
            document = read(path, path.name, Limits())
            ids[path.name] = document.id
            chunks += chunk(document, max_tokens=192, overlap=0.25)
        for line in (DATA / name / "qa.jsonl").read_text(encoding="utf-8").splitlines():
            asked = json.loads(line)
            questions.append(
                Question(
                    asked["question"],
                    SETS[name],
                    ids.get(asked["document"], ""),
                    tuple(asked["answers"]),
                )
            )
    return Collection(chunks, questions)


# --- searching with any analyser ---------------------------------------------------------


class Searcher:
    """A plain inverted file with the application's formula, for analysers that are not ours."""

    def __init__(
        self, chunks: Sequence[Chunk], analyser: ChunkTerms, k1: float = bm25.K1, b: float = bm25.B
    ) -> None:
        self.chunks, self.k1, self.b = chunks, k1, b
        counted = [Counter(analyser(each)) for each in chunks]
        self.lengths = [sum(counts.values()) for counts in counted]
        self.average = sum(self.lengths) / len(self.lengths)
        self.postings: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for at, counts in enumerate(counted):
            for term, frequency in counts.items():
                self.postings[term].append((at, frequency))

    def search(self, weights: Mapping[str, float]) -> list[str]:
        scores: defaultdict[int, float] = defaultdict(float)
        for term, weight in weights.items():
            held = self.postings.get(term, ())
            worth = weight * bm25.idf(len(self.chunks), len(held))
            for at, frequency in held:
                norm = self.k1 * (1 - self.b + self.b * self.lengths[at] / self.average)
                scores[at] += worth * frequency * (self.k1 + 1) / (frequency + norm)
        best = sorted(scores, key=lambda at: (-scores[at], at))[:K]
        return [self.chunks[at].id for at in best]


# --- figures -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """Of one question: the ranks (from 1) of right passages, how many there are, the document."""

    ranks: tuple[int, ...]
    right_count: int
    document_first: bool

    def figures(self) -> dict[str, float]:
        first = self.ranks[0] if self.ranks else math.inf
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(K, self.right_count) + 1))
        return {
            "recall@1": float(first <= 1),
            "recall@5": float(first <= 5),
            "MRR": 1 / first,
            "nDCG@10": sum(1 / math.log2(rank + 1) for rank in self.ranks) / ideal,
            "document@1": float(self.document_first),
        }


def outcome(question: Question, found: Sequence[str], collection: Collection) -> Outcome | None:
    right = collection.right(question)
    if not right:
        return None
    documents = {each.id: each.document_id for each in collection.chunks}
    return Outcome(
        tuple(rank for rank, chunk_id in enumerate(found, 1) if chunk_id in right),
        len(right),
        bool(found) and documents[found[0]] == question.document_id,
    )


def averaged(outcomes: Iterable[Outcome | None]) -> dict[str, float]:
    figures = [each.figures() for each in outcomes if each is not None]
    averages = {name: statistics.fmean(each[name] for each in figures) for name in figures[0]}
    source = random.Random(0)
    again = sorted(
        statistics.fmean(each["nDCG@10"] for each in source.choices(figures, k=len(figures)))
        for _ in range(RESAMPLES)
    )
    low, high = again[RESAMPLES // 40], again[-RESAMPLES // 40]
    return averages | {"±": (high - low) / 2}


# --- analysers ---------------------------------------------------------------------------


def plain(pattern: str, fold: bool = False, stemmed: bool = False, titled: bool = False):  # type: ignore[no-untyped-def]
    """``\\w+`` and its like: words only, each with at most one term."""
    import Stemmer  # noqa: PLC0415

    stemmers = {"en": Stemmer.Stemmer("english"), "ro": Stemmer.Stemmer("romanian")}

    def analysed(text: str, language: str) -> list[str]:
        words = re.findall(pattern, text.lower())
        words = [folded(word) for word in words] if fold else words
        return list(stemmers[language].stemWords(words)) if stemmed else words

    def of_chunk(each: Chunk) -> list[str]:
        title = re.sub(r"[\W_]+", " ", PurePath(each.document_name).stem)
        text = f"{title} {each.section} {each.text}" if titled else each.text
        return analysed(text, each.language or "en")

    return of_chunk, lambda asked, _: dict.fromkeys(analysed(asked.text, asked.language), 1.0)


def ours(asked: Question, languages: frozenset[str]) -> Mapping[str, float]:
    return query_terms(Query(asked.text), languages)


def with_other_languages_at(weight: float) -> QueryTerms:
    def weighted(asked: Question, languages: frozenset[str]) -> Mapping[str, float]:
        words, likeliest = content_words(asked.text, languages)
        found: dict[str, float] = {}
        for language in languages:
            for term in (term for word in words for term in word_terms(word, language)):
                at = 1.0 if language in likeliest else weight
                found[term] = max(at, found.get(term, 0.0))
        return {term: at for term, at in found.items() if at}

    return weighted


def keeping_stop_words(asked: Question, languages: frozenset[str]) -> Mapping[str, float]:
    return {term: 1.0 for each in languages for term in terms(asked.text, each)}


def in_the_wrong_language(asked: Question, _: frozenset[str]) -> Mapping[str, float]:
    wrong = "ro" if asked.language == "en" else "en"
    return query_terms(Query(asked.text), {wrong})


def without_stop_words(each: Chunk) -> list[str]:
    stop_words = STOP_WORDS.get(each.language, frozenset())
    words = [word for word in WORD.findall(each.text) if folded(word.lower()) not in stop_words]
    return chunk_terms(replace(each, text=" ".join(words)))


def thrice_titled(each: Chunk) -> list[str]:
    title = chunk_terms(replace(each, section="", text=""))
    return title * 2 + chunk_terms(each)


def spelled(change: Callable[[str], str]) -> QueryTerms:
    return lambda asked, languages: query_terms(Query(change(asked.text)), languages)


def cedillas(text: str) -> str:
    return text.translate(str.maketrans("șțȘȚ", "şţŞŢ"))


ANALYSERS: dict[str, tuple[ChunkTerms, QueryTerms]] = {
    "lower().split()": plain(r"\S+"),
    r"\w+": plain(r"\w+"),
    r"\w+, folded": plain(r"\w+", fold=True),
    r"\w+, folded, stemmed": plain(r"\w+", fold=True, stemmed=True),
    "the same, title and section": plain(r"\w+", fold=True, stemmed=True, titled=True),
    "numbers and identifiers whole": (chunk_terms, keeping_stop_words),
    "ours: question without stop words": (chunk_terms, ours),
    "ours, passages without stop words": (without_stop_words, ours),
    "ours, other language's stems at 0": (chunk_terms, with_other_languages_at(0.0)),
    "ours, other language's stems at 0.25": (chunk_terms, with_other_languages_at(0.25)),
    "ours, other language's stems at 1": (chunk_terms, with_other_languages_at(1.0)),
    "ours, stemmed as the wrong language": (chunk_terms, in_the_wrong_language),
    "ours, asked without diacritics": (chunk_terms, spelled(folded)),
    "ours, asked with cedillas": (chunk_terms, spelled(cedillas)),
    "ours, title three times": (thrice_titled, ours),
}
PARAMETERS = [(0.9, 0.4), (1.2, 0.5), (1.2, 0.9), (1.5, 0.75), (2.0, 0.75)]


def compare_analysers() -> dict[str, dict[str, dict[str, float]]]:
    results: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for name, collection in collections().items():
        languages = frozenset(each.language for each in collection.chunks)
        for label, (of_chunk, of_query) in ANALYSERS.items():
            searcher = Searcher(collection.chunks, of_chunk)
            results[label][name] = averaged(
                outcome(asked, searcher.search(of_query(asked, languages)), collection)
                for asked in collection.questions
            )
        for k1, b in PARAMETERS:
            searcher = Searcher(collection.chunks, chunk_terms, k1, b)
            results[f"ours, k1 {k1}, b {b}"][name] = averaged(
                outcome(asked, searcher.search(ours(asked, languages)), collection)
                for asked in collection.questions
            )
        index = MemoryIndex(collection.chunks)
        results["the application's index"][name] = averaged(
            outcome(asked, [hit.chunk.id for hit in index.search(Query(asked.text), K)], collection)
            for asked in collection.questions
        )
    return results


def collections() -> dict[str, Collection]:
    return {name: load([name]) for name in SETS} | {"mixed": load(list(SETS))}


# --- follow-ups --------------------------------------------------------------------------


def compare_weights() -> dict[str, dict[str, dict[str, float]]]:
    """A question stripped of what it shares with the one before, which is its background.

    ``leaning`` needs the background; ``new topic`` has an unrelated one, as when a question was
    wrongly taken for a follow-up.
    """
    results: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for name, collection in collections().items():
        index = MemoryIndex(collection.chunks)
        pairs = _pairs(collection)
        for weight in (0.0, 0.1, 0.25, 0.35, 0.5, 0.75, 1.0):
            for kind, turns in pairs.items():
                results[f"{kind}, {weight}"][name] = averaged(
                    outcome(asked, _found(index, asked.text, before, weight), collection)
                    for before, asked in turns
                )
    return results


def _pairs(collection: Collection) -> dict[str, list[tuple[str, Question]]]:
    answerable = [asked for asked in collection.questions if asked.answers]
    source = random.Random(0)
    pairs: dict[str, list[tuple[str, Question]]] = {"leaning": [], "new topic": []}
    for before, asked in pairwise(answerable):
        short = _stripped(asked.text, before.text, asked.language)
        if before.document_id == asked.document_id and short != asked.text:
            pairs["leaning"].append((before.text, replace(asked, text=short)))
        other = source.choice(answerable)
        if other.document_id != asked.document_id:
            pairs["new topic"].append((other.text, asked))
    return pairs


def _stripped(text: str, before: str, language: str) -> str:
    """``text`` with its content words that were said before replaced by "it"."""
    said = set(terms(before, language))
    shared = {
        word
        for word in content_words(text, {language})[0]
        if said.issuperset(word_terms(word, language))
    }
    return WORD.sub(lambda match: "it" if match.group() in shared else match.group(), text)


def _found(index: MemoryIndex, text: str, before: str, weight: float) -> list[str]:
    weights = dict(query_terms(Query(text), index.languages))
    for term, at in query_terms(Query(before), index.languages).items():
        weights.setdefault(term, at * weight)
    return [hit.chunk.id for hit in index.best({t: w for t, w in weights.items() if w}, K)]


# --- signals -----------------------------------------------------------------------------

Signal = Callable[[Query, MemoryIndex, Statistics], float]


def _coverage_of(count: int) -> Signal:
    return lambda query, index, figures: coverage.coverage(
        query.text, index.search(query, count), figures
    )


def _ratio(query: Query, index: MemoryIndex, figures: Statistics) -> float:
    hits = index.search(query, 1)
    return coverage.score_ratio(query, hits[0], figures) if hits else 0.0


def _raw_score(query: Query, index: MemoryIndex, figures: Statistics) -> float:
    return max((hit.score for hit in index.search(query, 1)), default=0.0)


SIGNALS: dict[str, Signal] = {
    "coverage of the best passage": _coverage_of(1),
    "coverage of the best 3": _coverage_of(3),
    "coverage of the best 10": _coverage_of(10),
    "score ratio": _ratio,
    "raw score": _raw_score,
}


def compare_signals() -> dict[str, dict[str, dict[str, float]]]:
    """AUROC of each signal for "the answer is here".

    ``absent document``: the same questions against the collection without their document.
    ``near miss``: SQuAD 2.0's questions that its documents nearly answer.
    """
    results: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for name, collection in collections().items():
        whole = MemoryIndex(collection.chunks)
        without: dict[str, MemoryIndex] = {}
        for asked in collection.questions:
            if asked.document_id not in without:
                without[asked.document_id] = whole.without(asked.document_id)
        for label, signal in SIGNALS.items():

            def value(asked: Question, index: MemoryIndex, signal: Signal = signal) -> float:
                query = Query(asked.text)
                return signal(query, index, index.statistics(query))

            answerable = [asked for asked in collection.questions if asked.answers]
            here = [value(asked, whole) for asked in answerable]
            absent = [value(asked, without[asked.document_id]) for asked in answerable]
            near = [value(asked, whole) for asked in collection.questions if not asked.answers]
            results[label][name] = {
                "absent document": auroc(here, absent),
                "median here": statistics.median(here),
                "median absent": statistics.median(absent),
            }
            if near:
                results[label][name]["near miss"] = auroc(here, near)
    return results


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The chance that one of ``positive`` is above one of ``negative``; level counts half."""
    wins = sum((p > n) + (p == n) / 2 for p in positive for n in negative)
    return wins / (len(positive) * len(negative))


# --- report ------------------------------------------------------------------------------

EXPERIMENTS = {
    "analysers": compare_analysers,
    "follow-ups": compare_weights,
    "signals": compare_signals,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", nargs="?", choices=EXPERIMENTS, default="analysers")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not DATA.is_dir():
        parser.error("The question sets are not here: expected ../shared/data beside the project.")
    results = EXPERIMENTS[options.experiment]()
    if options.json:
        print(json.dumps(results))
        return
    for name in next(iter(results.values())):
        names = list(next(iter(results.values()))[name])
        print(f"\n{name:40}" + "".join(f"{each:>17}" for each in names))
        for label, by_set in results.items():
            figures = "".join(f"{by_set[name][each]:17.3f}" for each in names)
            print(f"{label:40}{figures}")


if __name__ == "__main__":
    main()
