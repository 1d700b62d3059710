"""Coherence, factuality and conciseness of an answer, 1 to 5, without asking a model.

Each score is 1 + 4 × the weakest of its parts, which run from 0 to 1, so that one fault is not
hidden by what is fine. The parts are lexical: they see loops, foreign numbers and padding, and see
neither a wrong thought nor a paraphrase. How far they go with right and wrong was measured:
docs/decisions/0103-comparing-models.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from rag.answering.grounding import Sources, content, is_in, is_number
from rag.answering.refusals import refuses
from rag.answering.signals.support import names_in
from rag.answering.signals.wording import fit_of_length, leaks, packed_share, variety
from rag.language import detect
from rag.retrieval.analysis import terms, word_terms

LEAST, MOST = 1.0, 5.0
_LOOPING = 1 / 2.4  # packed over unpacked; Whisper takes less for a loop
_CUT = 0.25  # of an answer that was cut: what is there may be good
_PADDED = 0.5
_NEW_WORDS = 0.2  # share of an answer's words that say more than the question
_PADDING = re.compile(
    r"\A\W*(?:(?:sure|certainly|of course|absolutely|great question|desigur|sigur)\b"
    r"|here (?:is|are|['’]s)\b|(?:based on|according to) the (?:text|passages?|context|information)"
    r"|as an ai\b|iată\b|pe baza textului)"
    r"|(?:hope this helps|let me know if|feel free to|if you have any)[^\n]*\W*\Z",
    re.IGNORECASE,
)
_WORD_LIMIT = re.compile(
    r"\b(?:at most|no more than|up to|cel mult|maximum?|maxim)\s+(\d{1,3})\s+(?:de\s+)?"
    r"(?:words|cuvinte)\b",
    re.IGNORECASE,
)
_SENTENCES = {
    "written": "There is no answer.",
    "varied": "It repeats itself.",
    "packed": "It goes round in circles.",
    "finished": "It was cut at its limit.",
    "clean": "Control tokens have leaked into it.",
    "language": "It is not in the language of the question.",
    "words": "Words it adds do not stand in the text it is from.",
    "numbers": "A number does not stand in the text it is from.",
    "names": "A name does not stand in the text it is from.",
    "length": "It is long for such a question.",
    "adds": "It says little more than the question.",
    "plain": "It has words that say nothing.",
}


@dataclass(frozen=True, slots=True)
class Score:
    value: float  # 1 to 5
    because: str  # of its weakest part, a sentence; "" for 5


@dataclass(frozen=True, slots=True)
class Rubric:
    coherence: Score
    factuality: Score | None  # None: there is nothing to compare with
    conciseness: Score


@dataclass(frozen=True)
class Written:
    """An answer, what was asked, and the texts it may be taken from."""

    text: str
    question: str
    sources: tuple[str, ...] = ()
    is_cut: bool = False

    @cached_property
    def language(self) -> str:
        return detect(self.text)

    @cached_property
    def held(self) -> Sources:
        source = "\n".join(self.sources)
        language = detect(source)
        return Sources({language: frozenset(terms(source, language))})

    @cached_property
    def asked(self) -> Sources:
        language = detect(self.question)
        return Sources({language: frozenset(terms(self.question, language))})

    @cached_property
    def words(self) -> Collection[str]:
        return content(self.text, {*self.held.terms, *self.asked.terms} - {""})

    @cached_property
    def added(self) -> Collection[str]:
        """Its content words that the question does not hold."""
        return [word for word in self.words if not _stands(word, self.asked)]


def rubric(written: Written) -> Rubric:
    return Rubric(
        _score(coherence(written)),
        _score(parts) if (parts := factuality(written)) else None,
        _score(conciseness(written)),
    )


def _score(parts: Mapping[str, float]) -> Score:
    weakest = min(parts, key=lambda name: parts[name])
    value = LEAST + (MOST - LEAST) * parts[weakest]
    return Score(value, _SENTENCES[weakest] if value < MOST else "")


# --- parts, 0 to 1 ---------------------------------------------------------------------------


def coherence(written: Written) -> Mapping[str, float]:
    """Loops (Welleck et al. 2020; Radford et al. 2022), cuts, leaks, and the wrong language."""
    if not written.text.strip():
        return {"written": 0.0}
    packed, asked_in = packed_share(written.text), detect(written.question)
    is_foreign = bool(asked_in and written.language and asked_in != written.language)
    return {
        "varied": variety(written.text),
        "packed": 1.0 if packed is None else min(1.0, packed / _LOOPING),
        "finished": _CUT if written.is_cut else 1.0,
        "clean": float(not leaks(written.text)),
        "language": float(not is_foreign),
    }


def factuality(written: Written) -> Mapping[str, float]:
    """Shares of the words, numbers and names it adds to the question that its sources hold.

    Lexical precision, as Knowledge-F1's (Shuster et al. 2021). None of them without sources, for
    an answer that refuses or adds nothing, and for one in another language than its sources.
    """
    [source_in] = written.held.terms
    is_foreign = bool(source_in and written.language and source_in != written.language)
    if not written.sources or not written.added or refuses(written.text) or is_foreign:
        return {}
    names = names_in(written.text)
    parts = {  # the first of equals is told
        "numbers": [word for word in written.added if is_number(word)],
        "names": [word for word in written.added if word in names],
        "words": written.added,
    }
    return {name: _share(words, written.held) for name, words in parts.items() if words}


def conciseness(written: Written) -> Mapping[str, float]:
    """Length against what such a question takes, padding, and the question said again."""
    if not written.text.strip():
        return {"written": 0.0}
    more = len(written.added) / len(written.words) if written.words else 1.0
    return {
        "length": _fit(written.text, written.question),
        "adds": 1.0 if refuses(written.text) else min(1.0, more / _NEW_WORDS),
        "plain": _PADDED if _PADDING.search(written.text) else 1.0,
    }


def _fit(text: str, question: str) -> float:
    """To the number of words that is asked for, or else to what such a question takes."""
    limit = _WORD_LIMIT.search(question)
    return min(1.0, int(limit[1]) / len(text.split())) if limit else fit_of_length(text, question)


def _share(words: Collection[str], sources: Sources) -> float:
    return sum(_stands(word, sources) for word in words) / len(words)


def _stands(word: str, sources: Sources) -> bool:
    return any(is_in(word_terms(word, language), held) for language, held in sources.terms.items())
