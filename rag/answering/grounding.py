"""How much of a text stands in the passages: words and terms in, shares and missing words out.

Purely lexical: stems, numbers and names must occur, in whatever order. A paraphrase in other words,
or in another language, is not recognised; a sentence that says the opposite in the same words is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from rag.retrieval.analysis import chunk_terms, content_words, word_terms
from rag.types import Chunk

_LIST_NUMBER = re.compile(r"^[ \t]*\d{1,3}[.)](?=[ \t])", re.M)


Word = tuple[str, ...]  # its terms; of a compound the whole first, then its parts


def content(text: str, languages: Collection[str] = ()) -> list[str]:
    """The distinct words of ``text`` without stop words and the numbers of list items.

    ``languages``: those it may be in, as far as that is known.
    """
    return content_words(_LIST_NUMBER.sub("", text), languages)[0]


@dataclass(frozen=True, slots=True)
class Claim:
    """The content words of a text, as terms."""

    words: tuple[Word, ...]

    @classmethod
    def of(cls, text: str, language: str) -> Claim:
        """``language`` is the passage's, so that both are stemmed by the same rules."""
        words = (word_terms(word, language) for word in content(text, {language}))
        return cls(tuple(word for word in words if word))

    def share_in(self, terms: Collection[str]) -> float:
        """Share of the words that ``terms`` holds, 0 to 1; 0 for a claim without words."""
        return self.count_in(terms) / len(self.words) if self.words else 0.0

    def count_in(self, terms: Collection[str]) -> int:
        return sum(is_in(word, terms) for word in self.words)

    def numbers_in(self, terms: Collection[str]) -> bool:
        """Whether every number stands there; true where there is none."""
        return all(is_in(word, terms) for word in self.words if is_number(word[0]))


@dataclass(frozen=True, slots=True)
class Sources:
    """All that some passages say, as terms by language."""

    terms: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> Sources:
        terms: defaultdict[str, set[str]] = defaultdict(set)
        for chunk in chunks:
            terms[chunk.language].update(chunk_terms(chunk))
        return cls({language: frozenset(found) for language, found in terms.items()})

    def share(self, text: str) -> float | None:
        """Share of the content words of ``text`` that stand here; None where it has none."""
        held = self._held(text)
        return sum(held.values()) / len(held) if held else None

    def numbers(self, text: str) -> Mapping[str, bool]:
        """The numbers of ``text`` as written, and whether each stands here."""
        return {word: held for word, held in self._held(text).items() if is_number(word)}

    def _held(self, text: str) -> dict[str, bool]:
        return {word: self._holds(word) for word in content(text, self.terms.keys())}

    def _holds(self, word: str) -> bool:
        return any(is_in(word_terms(word, language), held) for language, held in self.terms.items())


def is_in(word: Word, terms: Collection[str]) -> bool:
    """Whether the whole or, of a compound, all its parts are there."""
    whole, *parts = word or ("",)
    return whole in terms or (bool(parts) and all(part in terms for part in parts))


def is_number(word: str) -> bool:
    return any(map(str.isdigit, word))
