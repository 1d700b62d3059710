"""The page's sentences in English and Romanian: a key and values in, a sentence out.

It knows nothing of where they stand. The labels of the page's own buttons and dialogs are in
``.chainlit/translations``; sentences of ``RagError`` are English in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag.page import english, romanian


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's sentences. KeyError for a key that is not there."""

    language: str  # "en" or "ro"

    @property
    def _sentences(self) -> Mapping[str, str]:
        return romanian.SENTENCES if self.language == "ro" else english.SENTENCES

    @property
    def nouns(self) -> Mapping[str, tuple[str, str]]:
        """Singular and plural."""
        return romanian.NOUNS if self.language == "ro" else english.NOUNS

    def __call__(self, key: str, **values: object) -> str:
        return self._sentences[key].format(**values)

    def knows(self, key: str) -> bool:
        return key in self._sentences

    def group(self, *keys: str) -> dict[str, str]:
        """The sentences of these keys that take no values, for a page element's labels."""
        return {key: self._sentences[key] for key in keys}

    def count(self, number: int, noun: str) -> str:
        """The number with its noun.

        >>> Wording("ro").count(20, "page")
        '20 de pagini'
        """
        one, many = self.nouns[noun]
        if number == 1:
            return f"1 {one}"
        needs_de = self.language == "ro" and number != 0 and not 0 < number % 100 < 20  # noqa: PLR2004
        return f"{number} {'de ' if needs_de else ''}{many}"


def wording(browser_language: str) -> Wording:
    """The sentences for a browser's language, such as ``ro-RO``; English for all others."""
    return Wording("ro" if browser_language.lower().split("-")[0] == "ro" else "en")
