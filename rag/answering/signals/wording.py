"""What the text alone says: refusals, hedges, loops, leaked tokens, the wrong language, its length.

English and Romanian phrases; scripts and lengths of any language.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from typing import Literal

from rag.answering.evidence import Draft, script
from rag.answering.refusals import refuses
from rag.language import detect

Kind = Literal["number", "time", "person", "place", "reason", "list", "other"]

_HEDGE = re.compile(
    r"\b(?:may|might|perhaps|possibly|probably|likely|presumably|seems?|appears?|unclear"
    r"|not (?:clear|certain|sure)|i (?:think|believe|guess)|it is possible"
    r"|poate|probabil|posibil|pare|par|s-ar putea|cred că|nu (?:e|este) (?:clar|sigur))\b",
    re.IGNORECASE,
)
# As in safety.py, but what a model may write by mistake, channels of gpt-oss among them.
_CONTROL = re.compile(
    r"<[|｜][^<>\n]{0,40}[|｜]>|</?(?:s|think|tool_call|tool_response|(?:start|end)_of_turn)>"
    r"|\[/?INST\]|^\s*(?:assistant|analysis)(?:final|commentary)?\s*:",
    re.IGNORECASE | re.MULTILINE,
)
_KINDS: tuple[tuple[Kind, str], ...] = (
    ("reason", r"why|how (?:do|does|did|can|could|is|are|was|were)|de ce|cum"),
    (
        "number",
        r"how (?:many|much|old|long|far|large|big|high|tall|fast|often|deep)|percent\w*"
        r"|what (?:number|amount|population|percentage|share)|c[aâ](?:t|ți|ti|te|tă|ta)",
    ),
    ("time", r"when|(?:what|which) (?:\w+ )?(?:year|date|century|decade|month|day)|c[aâ]nd"
     r"|(?:[iî]n )?(?:ce|care) (?:an|dat[aă]|secol|lun[aă]|zi)"),
    ("person", r"who|whom|whose|cine|cui"),
    ("place", r"where|unde"),
    ("list", r"list|name (?:all|the|two|three)|what are|which are|summari[sz]e|enumer\w+|rezum\w+"),
)  # fmt: skip
_OF_KIND = [(kind, re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)) for kind, pattern in _KINDS]
_FITTING_WORDS = {"number": 30, "time": 30, "person": 30, "place": 30, "other": 40}
_LONG = 150  # words that a reason or a list may take
_GRAM = 4  # words in a row that count as a repetition
_MIN_BYTES = 100  # a shorter text cannot be packed well whatever it says


def written(draft: Draft) -> float:
    """1 if there is any text."""
    return float(bool(draft.text))


def answered(draft: Draft) -> float:
    """0 when the first sentence says that the passages do not hold the answer."""
    return float(not refuses(draft.text))


def certain(draft: Draft) -> float:
    """0 when it hedges: "may", "probably", "se pare"."""
    return float(not _HEDGE.search(draft.text))


def complete(draft: Draft) -> float:
    """0 when the reply was cut at its limit."""
    return float(not (draft.is_cut or draft.reply.finish_reason == "length"))


def clean(draft: Draft) -> float:
    """0 when control tokens of the chat template have leaked into the reply."""
    return float(not leaks(draft.reply.text))


def leaks(text: str) -> bool:
    return bool(_CONTROL.search(text))


def varied(draft: Draft) -> float:
    """Share of distinct ones among the runs of four words (Welleck et al. 2020): 0 for a loop."""
    return variety(draft.text)


def variety(text: str) -> float:
    """
    >>> variety("It rains. It rains. It rains. It rains.")
    0.4
    """
    words = text.lower().split()
    grams = Counter(tuple(words[at : at + _GRAM]) for at in range(len(words) - _GRAM + 1))
    return len(grams) / grams.total() if grams else 1.0


def incompressible(draft: Draft) -> float | None:
    """Bytes packed over bytes, by DEFLATE: Whisper's test for loops (Radford et al. 2022). None
    for a text too short to tell."""
    return packed_share(draft.text)


def packed_share(text: str) -> float | None:
    raw = text.encode("utf-8", "replace")
    return min(1.0, len(zlib.compress(raw)) / len(raw)) if len(raw) >= _MIN_BYTES else None


def same_script(draft: Draft) -> float | None:
    """Share of the letters that are of a script found in the question or the passages."""
    letters = [letter for letter in draft.text if letter.isalpha()]
    known = sum(script(letter) in draft.reading.scripts for letter in letters)
    return known / len(letters) if letters else None


def same_language(draft: Draft) -> float | None:
    """1 if the text is in the question's language; None where either cannot be told."""
    written_in = detect(draft.text)
    return float(written_in == draft.language) if written_in and draft.language else None


def says_more(draft: Draft) -> float:
    """Share of the content words that the question does not hold: 0 for an echo."""
    return len(draft.added) / len(draft.words) if draft.words else 0.0


def restates(draft: Draft) -> float:
    """Share of the question, by idf, that the text takes up: a full-sentence answer holds most of
    it, a sentence copied from somewhere else little."""
    return draft.found.wanted.share(draft.held)


def fitting_length(draft: Draft) -> float:
    """1 up to the words that an answer of the question's kind takes, then falling with 1/words."""
    return fit_of_length(draft.text, draft.found.question)


def fit_of_length(text: str, question: str) -> float:
    words = len(text.split())
    return min(1.0, _FITTING_WORDS.get(kind(question), _LONG) / words) if words else 0.0


def kind(question: str) -> Kind:
    """What is asked for.

    >>> kind("How many legs has a spider?"), kind("De ce plouă?")
    ('number', 'reason')
    """
    return next((name for name, pattern in _OF_KIND if pattern.search(question)), "other")
