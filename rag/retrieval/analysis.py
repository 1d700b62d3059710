"""Text to search terms, the same for every engine: text or chunks or a query in, terms out.

A term is a folded, stemmed word, or a number or identifier as it is written. Knows nothing of
engines and scores. The numbers behind each choice are in docs/decisions/0020-analyser.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import PurePath
from types import MappingProxyType

from rag.retrieval.stopwords import STOP_WORDS
from rag.retrieval.words import WORD, folded, word_terms
from rag.types import Chunk, Query

__all__ = ["VERSION", "chunk_terms", "content_words", "query_terms", "spans", "terms", "word_terms"]

VERSION = 1  # of the terms; an index made of another version's must be rebuilt

BACKGROUND_WEIGHT = 0.25  # of a term that only earlier turns hold
OTHER_LANGUAGE_WEIGHT = 0.5  # of a stem by the rules of a language the question is not in
MAX_QUERY_WORDS = 256  # of a pasted page; more would cost time and find nothing else

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|_+")


def terms(text: str, language: str) -> list[str]:
    """The terms of ``text`` in order, repeated as often as they occur.

    >>> terms("The E-4021 errors of gpt-oss-20b", "en")
    ['the', 'e4021', 'e', '4021', 'error', 'of', 'gptoss20b', 'gpt', 'oss', '20b']
    """
    return [term for word in WORD.findall(text) for term in word_terms(word, language)]


def chunk_terms(chunk: Chunk) -> list[str]:
    """What a chunk is found by: the title of its document, its section and its text."""
    title = _CAMEL.sub(" ", PurePath(chunk.document_name).stem)
    return terms(f"{title}\n{chunk.section}\n{chunk.text}", chunk.language)


def query_terms(query: Query, languages: Collection[str]) -> Mapping[str, float]:
    """The terms to search for and their weights, for a collection in these ``languages``.

    A question is stemmed by the rules of each language, so that guessing its language wrongly
    loses no document; stop words vote for its language, whose stems weigh most.
    """
    return _query_terms(query, frozenset(languages))


def content_words(text: str, languages: Collection[str]) -> tuple[list[str], frozenset[str]]:
    """The distinct words of a question that matter, and the languages it may well be in.

    Stop words matter only where there is nothing else. No language: none of them was known.
    """
    words = list(dict.fromkeys(WORD.findall(text)))
    bare = [folded(word.lower()) for word in words]
    likeliest = _likeliest(bare, languages)
    if not likeliest:
        return words[:MAX_QUERY_WORDS], likeliest
    stop_words = frozenset.intersection(*(STOP_WORDS[language] for language in likeliest))
    shouted = text.isupper()
    content = [
        word
        for word, plain in zip(words, bare, strict=True)
        if plain not in stop_words
        or (word.isupper() and len(word) > 1 and not shouted)  # the US, IT, WHO
    ]
    return (content or words)[:MAX_QUERY_WORDS], likeliest


def spans(text: str, wanted: Collection[str], language: str) -> Iterator[tuple[int, int]]:
    """Where ``text`` holds one of the ``wanted`` terms: start and end of each word, in order."""
    for match in WORD.finditer(text):
        if any(term in wanted for term in word_terms(match.group(), language)):
            yield match.span()


@lru_cache(maxsize=256)  # a turn asks for hits, then for statistics
def _query_terms(query: Query, languages: frozenset[str]) -> Mapping[str, float]:
    weights = _weights(query.text, languages)
    for term, weight in _weights(query.background, languages).items() if query.background else ():
        weights.setdefault(term, BACKGROUND_WEIGHT * weight)
    return MappingProxyType(weights)


def _weights(text: str, languages: frozenset[str]) -> dict[str, float]:
    words, likeliest = content_words(text, languages)
    weights: dict[str, float] = {}
    for language in sorted(languages) or [""]:
        is_likely = language in likeliest or likeliest.isdisjoint(languages)
        weight = 1.0 if is_likely else OTHER_LANGUAGE_WEIGHT
        for word in words:
            for term in word_terms(word, language):
                weights[term] = max(weight, weights.get(term, 0.0))
    return weights


def _likeliest(bare: Collection[str], languages: Collection[str]) -> frozenset[str]:
    """The languages with the most stop words among ``bare``; several when they are level.

    One word does not make a question foreign to the collection: "Die Hard" is not German.
    """
    distinct = set(bare)
    known = STOP_WORDS.keys() & languages
    votes = {
        language: len(words & distinct) - bool(known and language not in known)
        for language, words in STOP_WORDS.items()
    }
    most = max(votes.values())
    return frozenset(language for language, count in votes.items() if count == most > 0)
