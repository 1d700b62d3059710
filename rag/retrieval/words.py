"""One word to its terms: a word as it stands in a text and its language in, folded stems out.

A number or identifier gives itself, whole; a compound itself and its parts. Knows nothing of texts.
The numbers behind each choice: docs/decisions/0020-analyser.md.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from threading import Lock

import Stemmer  # type: ignore[import-not-found]

_SNOWBALL = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
# Their stemmers do as well without diacritics, which people often leave out. Other stemmers need
# them to know an ending (Hungarian -ból), so there folding comes after stemming.
_FOLDED_FIRST = frozenset({"en", "ro"})

# Signs that belong inside words though \w leaves them out: accents, vowel signs, joiners.
_SIGNS = (
    "\u00ad\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
    "\u0e31-\u0e3a\u0e47-\u0e4e\u200c\u200d"
)
WORD = re.compile(
    rf"[\w{_SIGNS}]+(?:(?:[-\u2010\u2011./@:+&]|(?<=\d),(?=\d))[\w{_SIGNS}]+)*(?:\+\+|\#)?"
)
_PART = re.compile(rf"(?:[^\W_]|[{_SIGNS}])+")
_LETTERS = re.compile(rf"(?:[^\W\d_]|[{_SIGNS}])+")
_INVISIBLE = re.compile("[\u00ad\u200c\u200d]")
_ACCENTS = re.compile("(?<=[a-zα-ω])[\u0300-\u036f]+")
_UNACCENTED = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i"}
)
_GROUPED = re.compile(r"([1-9]\d{0,2}(?:([.,])\d{3})(?:\2\d{3})*)(?:(?!\2)[.,](\d+))?")
_DECIMAL = re.compile(r"\d+[.,]\d+")
_LONGEST_TERM = 64
_STEMMING = Lock()  # a stemmer keeps its word in itself while it works


def word_terms(word: str, language: str) -> tuple[str, ...]:
    """The terms of one word; of a compound or an identifier the whole first, then its parts."""
    return _remembered(word, language) if len(word) <= _LONGEST_TERM else _analysed(word, language)


def _analysed(word: str, language: str) -> tuple[str, ...]:
    lower = _INVISIBLE.sub("", unicodedata.normalize("NFKC", word)).casefold()
    if number := _number(lower):
        return (number,)
    parts = [part[:_LONGEST_TERM] for part in _PART.findall(lower)]
    stems = tuple(_stemmed(part, language) for part in parts)
    if len(parts) == 1 and not lower.endswith(("+", "#")):
        return stems
    if 1 < len(parts) < _LONGEST_TERM and all(len(p) == 1 and p.isalpha() for p in parts):
        return ("".join(parts),)  # U.S., a.m., R&D
    whole = re.sub("[-\u2010\u2011]", "", lower).strip("_")
    if not parts or len(whole) > _LONGEST_TERM:
        return stems
    return (_stemmed(whole, language), *stems)


_remembered = lru_cache(maxsize=1 << 17)(_analysed)


def _number(lower: str) -> str:
    """One spelling for a number with separators, "" for anything else: 1,000 and 1.000 are 1000.

    A group of three digits is read as thousands, in either notation; 3,14 is 3.14.
    """
    if grouped := _GROUPED.fullmatch(lower):
        whole, _, fraction = grouped.groups()
        digits = re.sub("[.,]", "", whole)
        return f"{digits}.{fraction}" if fraction else digits
    return lower.replace(",", ".") if _DECIMAL.fullmatch(lower) else ""


def _stemmed(word: str, language: str) -> str:
    if not _LETTERS.fullmatch(word):
        return folded(word)
    if language in _FOLDED_FIRST:
        return _stem(folded(word), language)
    return folded(_stem(word, language))


def folded(lower: str) -> str:
    """Without the diacritics of Latin and Greek letters; other scripts mean something by theirs."""
    if lower.isascii():
        return lower
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", lower))
    return unicodedata.normalize("NFC", bare).translate(_UNACCENTED)


def _stem(word: str, language: str) -> str:
    algorithm = _SNOWBALL.get(language)
    if not algorithm:
        return word
    with _STEMMING:
        return str(_stemmer(algorithm).stemWord(word))


@cache
def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(algorithm, 0)  # without its own cache: results are remembered above
