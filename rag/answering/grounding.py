"""How much of a sentence stands in a passage: words and terms in, shares out.

Purely lexical: stems, numbers and names must occur, in whatever order. A paraphrase in other words,
or in another language, is not recognised; a sentence that says the opposite in the same words is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rag.retrieval.analysis import content_words, word_terms

Word = tuple[str, ...]  # its terms; of a compound the whole first, then its parts


@dataclass(frozen=True, slots=True)
class Claim:
    """The content words of a sentence, without stop words."""

    words: tuple[Word, ...]
    numbers: tuple[Word, ...]  # those of the words that hold a digit

    @classmethod
    def of(cls, sentence: str, language: str) -> Claim:
        """``language`` is the passage's, so that both are stemmed by the same rules."""
        found = (word_terms(word, language) for word in content_words(sentence, {language}))
        words = tuple(word for word in found if word)
        numbers = tuple(word for word in words if any(map(str.isdigit, word[0])))
        return cls(words, numbers)

    def share_in(self, terms: Collection[str]) -> float:
        """Share of the words that ``terms`` holds, 0 to 1; 0 for a claim without words."""
        return self.count_in(terms) / len(self.words) if self.words else 0.0

    def count_in(self, terms: Collection[str]) -> int:
        return sum(_holds(terms, word) for word in self.words)

    def numbers_in(self, terms: Collection[str]) -> bool:
        """Whether every number stands there; true where there is none."""
        return all(_holds(terms, number) for number in self.numbers)


def _holds(terms: Collection[str], word: Word) -> bool:
    """Whether the whole or, of a compound, all its parts are there."""
    whole, *parts = word
    return whole in terms or (bool(parts) and all(part in terms for part in parts))
