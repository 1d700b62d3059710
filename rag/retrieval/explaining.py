"""Why a passage has its score, and what it lacks of a question: by the formulas of bm25.py.

A query and a collection's figures in, a ``Weighing`` out; that and a passage in, each term's share
of its score out. Nothing is scored here a second way. What it was made for:
docs/decisions/0156-why-this-passage.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches

from rag.retrieval.analysis import chunk_terms, content_words, query_terms
from rag.retrieval.bm25 import K1, idf, length_norm, score
from rag.retrieval.coverage import is_held
from rag.retrieval.index import Index, Statistics
from rag.retrieval.words import WORD, folded
from rag.types import Chunk, Explanation, Hit, Missing, Query, TermShare, Weighing

_ALIKE = 0.75  # of two words' letters: "registry" is near "register", "fox" is not near "box"


def weighed(query: Query, languages: Collection[str], statistics: Statistics) -> Weighing:
    """What a search for ``query`` scores by; languages and figures are the searched index's."""
    weights = query_terms(query, languages)
    counted = statistics.document_frequency
    idfs = {term: idf(statistics.chunk_count, counted.get(term, 0)) for term in weights}
    return Weighing(dict(weights), idfs, statistics.average_length)


def explained(chunk: Chunk, weighing: Weighing) -> Explanation:
    """The shares of the terms that ``chunk`` holds; they add up to its score."""
    held = Counter(chunk_terms(chunk))
    length = held.total()
    shares = [_share(term, held[term], length, weighing) for term in weighing.weights if held[term]]
    return Explanation(
        length,
        weighing.average_length,
        length_norm(length, weighing.average_length) / K1,
        tuple(sorted(shares, key=lambda each: (-each.share, each.term))),
    )


def all_explained(index: Index, query: Query, hits: Iterable[Hit]) -> dict[str, Explanation]:
    """By id of the passage, for the hits of a search of ``index``."""
    weighing = weighed(query, index.languages, index.statistics(query))
    return {hit.chunk.id: explained(hit.chunk, weighing) for hit in hits}


def total(explanation: Explanation) -> float:
    """The score that is explained."""
    return sum(each.share for each in explanation.terms)


def lacking(question: str, chunk: Chunk) -> list[str]:
    """The words of ``question`` that matter and that ``chunk`` lacks, as they are written."""
    held = {chunk.language: frozenset(chunk_terms(chunk))}
    words, _ = content_words(question, {chunk.language})
    return [word for word in words if not is_held(word, held)]


def missing(question: str, chunk: Chunk) -> tuple[Missing, ...]:
    """The same, each with the word of ``chunk`` that is spelt most like it."""
    spelt = {_plain(word): word for word in WORD.findall(chunk.text)}
    return tuple(Missing(word, _nearest(_plain(word), spelt)) for word in lacking(question, chunk))


def holds_phrase(words: str, chunk: Chunk) -> bool:
    """Whether ``words`` stand in ``chunk`` in this order, whatever their case and accents."""
    wanted = " ".join(_plain_words(words))
    return bool(wanted) and f" {wanted} " in f" {' '.join(_plain_words(chunk.text))} "


def _share(term: str, frequency: int, length: int, weighing: Weighing) -> TermShare:
    weight, rarity = weighing.weights[term], weighing.idfs[term]
    share = score({term: weight * rarity}, {term: frequency}, length, weighing.average_length)
    return TermShare(term, rarity, frequency, weight, share)


def _nearest(plain: str, spelt: dict[str, str]) -> str:
    return next((spelt[near] for near in get_close_matches(plain, spelt, 1, _ALIKE)), "")


def _plain_words(text: str) -> Iterator[str]:
    return (_plain(word) for word in WORD.findall(text))


def _plain(word: str) -> str:
    return folded(word.casefold())
